"""Unmodified clients against a real server process: the OpenAI SDK and the document's samples."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

openai = pytest.importorskip("openai")
pytest.importorskip("trio")
pytest.importorskip("requests")

HELLO = [{"role": "user", "content": "Hello, AI Hub!"}]
GREETING = "Hello! I'm here to help you with AI Hub. How can I assist you today?"
SAMPLES = Path(__file__).parent / "samples"
SECONDS = 120
"""No client here takes longer, npm on a slow line included."""

pytestmark = pytest.mark.slow


@pytest.fixture
def client(server):
    """The SDK, pointed at the server."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="test", max_retries=0) as client:
        yield client


def test_the_sdk_gets_a_whole_answer(client):
    """Text, reason, usage and name as asked."""
    done = client.chat.completions.create(model="gpt-4", messages=HELLO)

    assert done.choices[0].message.content == GREETING
    assert (done.choices[0].finish_reason, done.model) == ("stop", "gpt-4")
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.usage.completion_tokens == 19


def test_the_sdk_streams(client):
    """Chunks come one by one, the last one with the usage."""
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == GREETING
    assert len(chunks) > 10
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens > 10


def test_the_sdk_is_held_to_its_bounds(client):
    """max_tokens, stop and n are obeyed."""
    story = [{"role": "user", "content": "Tell me a long story about trains"}]
    cut = client.chat.completions.create(model="gpt-4", messages=story, max_tokens=7)
    assert (cut.usage.completion_tokens, cut.choices[0].finish_reason) == (7, "length")
    stopped = client.chat.completions.create(model="gpt-4", messages=story, stop=["."])
    assert "." not in stopped.choices[0].message.content
    assert stopped.choices[0].finish_reason == "stop"
    many = client.chat.completions.create(model="gpt-4", messages=story, n=3)
    assert len({choice.message.content for choice in many.choices}) == 3


def test_the_sdk_sees_headers(server):
    """The raw response has the document's headers and OpenAI's."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="free", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(model="gpt-4", messages=HELLO)

        assert raw.headers["x-ratelimit-limit"] == "10"
        assert raw.headers["x-ratelimit-remaining-requests"] == "9"
        assert raw.headers["x-request-id"].startswith("req_")
        assert raw.parse().choices[0].message.content == GREETING


def test_the_sdk_lists_models(client):
    """More than 140 of them, the document's among them."""
    models = {model.id: model for model in client.models.list()}

    assert len(models) >= 140
    assert models["gpt-4"].owned_by == "openai"
    assert models["claude-3-opus"].owned_by == "anthropic"
    assert client.models.retrieve("gpt-4").id == "gpt-4"


@pytest.mark.parametrize(
    ("key", "fields", "error", "code"),
    [
        ("nobody", {}, openai.AuthenticationError, "invalid_api_key"),
        ("reader", {}, openai.PermissionDeniedError, "missing_scope"),
        ("test", {"model": "gpt-9"}, openai.BadRequestError, "model_not_found"),
        ("test", {"temperature": 9}, openai.BadRequestError, "decimal_above_max_value"),
        (
            "test",
            {"tools": [{"type": "function"}]},
            openai.BadRequestError,
            "missing_required_parameter",
        ),
        ("test", {"modalities": ["audio"]}, openai.BadRequestError, "unsupported_value"),
    ],
)
def test_the_sdk_raises_its_own_errors(server, key, fields, error, code):
    """Each status becomes the class that programs catch, with our code."""
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client,
        pytest.raises(error) as raised,
    ):
        client.chat.completions.create(**{"model": "gpt-4", "messages": HELLO, **fields})
    assert raised.value.code == code


def test_the_sdk_waits_as_long_as_it_is_told(run_server, monkeypatch):
    """Its own retries obey Retry-After, and then its RateLimitError has our fields."""
    slept = []
    with (
        run_server("--ephemeral", "--key", "free=free", "--log-level", "warning") as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="free", max_retries=1) as client,
    ):
        for _ in range(10):
            client.chat.completions.create(model="gpt-4", messages=HELLO, max_tokens=5)
        monkeypatch.setattr("time.sleep", slept.append)
        with pytest.raises(openai.RateLimitError) as limited:
            client.chat.completions.create(model="gpt-4", messages=HELLO, max_tokens=5)

    told = int(limited.value.response.headers["retry-after"])
    assert limited.value.body["retry_after"] == told
    assert limited.value.body["message"] == f"Rate limit exceeded. Try again in {told} seconds."
    (waited,) = slept
    assert told <= waited <= told + 1
    assert 1 <= told <= 60


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_async_sdk_answers_and_streams(server, anyio_backend):
    """The asynchronous client, on the event loop it was made for."""
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="test") as client:
        done = await client.chat.completions.create(model="gpt-4", messages=HELLO)
        stream = await client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert done.choices[0].message.content == text == GREETING


def sample(name, server):
    """A sample of the API document as it stands, base URL and key aside."""
    text = (SAMPLES / name).read_text()
    assert "https://api.ai-hub.com/v1" in text
    return text.replace("https://api.ai-hub.com/v1", f"{server.url}/v1").replace(
        "your-api-key-here", "test"
    )


def output_of(command, **options):
    """What a command that succeeds prints."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_documents_python_sample_runs(server, tmp_path):
    """It prints the greeting, and then a story as it streams."""
    file = tmp_path / "sample.py"
    file.write_text(sample("sample.py.txt", server))

    printed = output_of([sys.executable, str(file)])

    greeting, _, story = printed.partition("\n\n--- Streaming Response ---\n")
    assert greeting.strip() == GREETING
    assert len(story.split()) > 20


@pytest.mark.needs("cmd:node", "cmd:npm")
def test_the_documents_javascript_sample_runs(server, tmp_path):
    """With axios from npm, as the document has it."""
    output_of(["npm", "install", "--no-audit", "--no-fund", "axios"], cwd=tmp_path)
    (tmp_path / "sample.js").write_text(sample("sample.js.txt", server))

    printed = output_of(["node", "sample.js"], cwd=tmp_path)

    greeting, _, story = printed.partition("\n\n--- Streaming Response ---\n")
    assert greeting.strip() == GREETING
    assert len(story.split()) > 20


@pytest.mark.needs("cmd:curl", "cmd:bash")
def test_the_documents_curl_samples_run(server, tmp_path):
    """Chat, stream, models and usage, one after the other."""
    script = "set -e\n" + sample("sample.sh.txt", server).replace("curl -X", "curl -sS -X")

    printed = output_of(["bash", "-c", script])

    whole, _, rest = printed.partition("data: ")
    stream, _, rest = rest.partition("data: [DONE]\n\n")
    models, _, usage = rest.partition('{"period"')
    assert json.loads(whole)["choices"][0]["message"]["content"] == GREETING
    assert stream.count("chat.completion.chunk") > 20
    assert len(json.loads(models)["data"]) >= 140
    assert json.loads('{"period"' + usage)["usage"]["total_requests"] >= 2


def curl_lines(server):
    """The command that the server prints, once all of it is there."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        lines = [line for line in server.printed if line.startswith(("curl", "  -"))]
        if lines and not lines[-1].endswith("\\\n"):
            return lines
        time.sleep(0.01)
    raise AssertionError(f"no whole command was printed: {server.printed}")


@pytest.mark.needs("cmd:curl", "cmd:bash")
def test_the_line_that_the_server_prints_works_when_pasted(run_server):
    """With no configuration but where to keep things, the printed curl line answers."""
    with run_server("--ephemeral") as server:
        lines = curl_lines(server)

        printed = output_of(["bash", "-c", "".join(lines).replace("curl ", "curl -sS ")])

    assert json.loads(printed)["choices"][0]["message"]["content"] == GREETING
