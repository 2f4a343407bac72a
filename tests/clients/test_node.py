"""OpenAI's client for JavaScript and Vercel's AI SDK do their work in Node, at a real server."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.needs("cmd:node", "cmd:npm")]

HERE = Path(__file__).parent / "node"
SECONDS = 300
"""What installing takes on a slow line."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The programs, and the packages that they need at their pinned versions."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "openai.mjs", "ai.mjs"):
        shutil.copy(HERE / name, folder)
    output_of(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder)
    return folder


def output_of(command, **options):
    """What a command that succeeds prints."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def told_by(name, folder, server):
    """What a program prints."""
    env = {**os.environ, "BASE_URL": f"{server.url}/v1", "AI_SDK_LOG_WARNINGS": "false"}
    return json.loads(output_of(["node", name], cwd=folder, env=env).splitlines()[-1])


def check_texts(told):
    """Whole and streamed say the same; the stream came in pieces."""
    assert told["whole"]["text"] == told["stream"]["text"]
    assert told["whole"]["total"] == told["stream"]["total"]
    assert told["stream"]["pieces"] > 3
    assert told["tools"]["calls"] == ["Paris"]
    assert "19 degrees" in told["tools"]["text"]
    assert told["form"].keys() == {"name", "people"}
    assert type(told["form"]["people"]) is int


def test_openai_for_javascript(server, folder):
    """Chat, stream, its runner of tools, parsed answers, vectors, models, errors by class."""
    told = told_by("openai.mjs", folder, server)
    check_texts(told)
    assert told["vectors"] == [1536, 1536]
    assert told["models"] >= 140
    assert told["errors"] == {
        "key": ["AuthenticationError", 401, "invalid_api_key", None],
        "model": ["BadRequestError", 400, "model_not_found", "model"],
        "field": ["BadRequestError", 400, "decimal_above_max_value", "temperature"],
    }


def test_the_ai_sdk(server, folder):
    """Text, stream, tools in steps, objects whole and streamed, errors."""
    told = told_by("ai.mjs", folder, server)
    check_texts(told)
    assert told["tools"]["steps"] == 2
    assert told["toolsStreamed"]["calls"] == ["Paris"]
    assert told["formStreamed"] == told["form"]
    assert told["errors"]["model"] == ["AI_APICallError", 400, "model_not_found"]
