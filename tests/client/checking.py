"""Holds what came of a case of `sdks/vectors` to what it expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import attrs

import ai_hub

ERRORS = {
    "configuration": ai_hub.ConfigurationError,
    "connection": ai_hub.APIConnectionError,
    "timeout": ai_hub.APITimeoutError,
    "status": ai_hub.APIStatusError,
    "bad_request": ai_hub.BadRequestError,
    "authentication": ai_hub.AuthenticationError,
    "permission_denied": ai_hub.PermissionDeniedError,
    "not_found": ai_hub.NotFoundError,
    "conflict": ai_hub.ConflictError,
    "rate_limit": ai_hub.RateLimitError,
    "budget_exceeded": ai_hub.BudgetExceededError,
    "internal_server": ai_hub.InternalServerError,
    "service_unavailable": ai_hub.ServiceUnavailableError,
    "malformed_response": ai_hub.MalformedResponseError,
    "incomplete_stream": ai_hub.IncompleteStreamError,
    "failed_stream": ai_hub.FailedStreamError,
}


@attrs.define
class Played:
    """What came of a case."""

    result: object = None
    error: BaseException | None = None
    texts: list[str] = attrs.field(factory=list)
    chunks: int = 0
    completion: object = None
    items: list[object] = attrs.field(factory=list)
    waits: list[float] = attrs.field(factory=list)
    client: object = None


def check(case, played, upstream):
    """Hold what came of a case to what it expects."""
    expect = case["expect"]
    unknown = set(expect) - set(CHECKS)
    assert not unknown, f"nobody checks {unknown}"
    if played.error is not None and "raises" not in expect:
        raise played.error
    for name, wanted in expect.items():
        CHECKS[name](wanted, played, upstream)


def _raises(wanted, played, _):
    error = played.error
    assert type(error) is ERRORS[wanted["error"]], repr(error)
    for name, value in wanted.items():
        if name == "says":
            assert all(one in str(error) for one in value), str(error)
        elif name == "never_says":
            shown = f"{error!s} {error!r} {played.client!r}"
            assert not any(one in shown for one in value), shown
        elif name != "error":
            assert getattr(error, name) == value, name


def _requests(wanted, played, upstream):
    asked = [] if upstream is None else upstream.asked
    assert len(asked) == len(wanted), asked
    for one, expected in zip(asked, wanted, strict=True):
        for name, value in expected.items():
            if name == "headers":
                _headers(value, dict(one.headers), asked)
            else:
                assert _part(one, name) == value


def _part(one, name):
    target = urlsplit(one.target)
    if name == "query":
        return dict(parse_qsl(target.query, keep_blank_values=True))
    if name == "body":
        return json.loads(one.body) if one.body else None
    return {"method": one.method, "path": target.path}[name]


def _headers(wanted, headers, asked):
    for name, value in wanted.items():
        if isinstance(value, str):
            assert headers[name] == value
        elif "present" in value:
            assert (name in headers) == value["present"], name
        else:
            assert headers[name] == dict(asked[value["same_as"]].headers)[name]


def _waits(wanted, played, _):
    assert len(played.waits) == len(wanted), played.waits
    for seconds, (least, most) in zip(played.waits, wanted, strict=True):
        assert least <= seconds <= most


def _values(wanted, value):
    for pointer, expected in wanted.items():
        found = value
        for part in pointer.split("/")[1:]:
            found = _step(found, part.replace("~1", "/").replace("~0", "~"))
        assert found == expected, pointer


def _step(value, part):
    if isinstance(value, list):
        return value[int(part)]
    return value.get(part) if isinstance(value, Mapping) else getattr(value, part)


def _items(wanted, played, _):
    assert len(played.items) == len(wanted)
    for values, item in zip(wanted, played.items, strict=True):
        _values(values, item)


def _rate_limit(wanted, played, _):
    told = played.client.last_rate_limit
    assert (told if told is None else attrs.asdict(told)) == wanted


def _equal(name):
    def check_equal(wanted, played, _):
        assert getattr(played, name) == wanted

    return check_equal


def _never_shown(wanted, played, _):
    assert not any(one in f"{played.result!r} {played.result}" for one in wanted)


def _base_url(wanted, played, _):
    assert played.client.base_url == wanted


CHECKS = {
    "answer": lambda wanted, played, _: _values(wanted, played.result),
    "base_url": _base_url,
    "chunks": _equal("chunks"),
    "closed": lambda *_: None,  # waited for while the client is open
    "completion": lambda wanted, played, _: _values(wanted, played.completion),
    "items": _items,
    "kept": lambda wanted, played, _: _values(wanted, played.result.to_dict()),
    "never_shown": _never_shown,
    "raises": _raises,
    "rate_limit": _rate_limit,
    "requests": _requests,
    "texts": _equal("texts"),
    "waits": _waits,
}
