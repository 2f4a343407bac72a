"""Log lines: what they have, and that one record is one line."""

import json
import logging
import os
import sys

import pytest

from aihub.server.logs import JsonFormatter, TextFormatter, configure


def record(message="GET /v1/models 200", error=None, **extra):
    """A record as the server makes it."""
    made = logging.LogRecord("aihub.access", logging.INFO, "", 1, message, None, error)
    made.created = 1_640_995_200.25
    made.__dict__.update(extra)
    return made


REQUEST = {
    "method": "GET",
    "path": "/v1/models",
    "status": 200,
    "request_id": "req_1",
    "account": "acc_1",
    "key": "key_1",
    "peer": "::1",
    "model": "gpt-4",
    "ms": 1.25,
}


def test_a_request_in_json_has_its_fields():
    """And a time, a level, and who speaks."""
    assert json.loads(JsonFormatter().format(record(**REQUEST))) == {
        "time": "2022-01-01T00:00:00.250000Z",
        "level": "info",
        "logger": "aihub.access",
        "pid": os.getpid(),
        "message": "GET /v1/models 200",
        **REQUEST,
    }


def test_a_failure_in_json_has_its_traceback_on_the_same_line():
    """What breaks a line is escaped, in the message as in the traceback."""
    try:
        raise KeyError("gone\nfor good")
    except KeyError:
        line = JsonFormatter().format(record("failed\nbadly", sys.exc_info()))

    assert "\n" not in line
    assert json.loads(line)["message"] == "failed\nbadly"
    assert "KeyError: 'gone\\nfor good'" in json.loads(line)["error"]


def test_a_request_in_text_ends_with_time_id_and_account():
    """A dash stands for nobody; other lines have nothing of it."""
    told = TextFormatter().format(record(**REQUEST))
    assert told.endswith(" INFO    GET /v1/models 200 1.2ms req_1 acc_1")
    assert TextFormatter().format(record(**{**REQUEST, "account": None})).endswith(" req_1 -")
    assert TextFormatter().format(record("ready")).endswith(" INFO    ready")


@pytest.mark.parametrize("style", [TextFormatter, JsonFormatter])
def test_a_path_forges_no_line(style):
    """Whoever asks for a path with a line break or an escape in it writes neither into the log."""
    line = style().format(record("GET /v1\n10:00:00 INFO forged\x1b[2J 404", **REQUEST))

    assert "\n" not in line
    assert "\x1b" not in line


@pytest.mark.parametrize("style", ["text", "json"])
def test_configured_twice_a_line_is_written_once(style, capsys):
    """To standard error, from the level on that was asked for, and to no handler of others."""
    logger = logging.getLogger("aihub")
    before = logger.handlers[:], logger.level, logger.propagate
    try:
        configure("info", style)
        configure("warning", style)
        logging.getLogger("aihub.server").info("quiet")
        logging.getLogger("aihub.server").warning("loud")
    finally:
        logger.handlers[:], level, logger.propagate = before
        logger.setLevel(level)
    written = capsys.readouterr()

    assert written.out == ""
    assert (written.err.count("\n"), "loud" in written.err, "quiet" in written.err) == (
        1,
        True,
        False,
    )
