"""The Python SDK against a real server process, the API document's sample first."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import pytest

pytest.importorskip("trio")

import ai_hub

SAMPLE = Path(__file__).parent / "samples" / "sdk.py.txt"
HELLO = [{"role": "user", "content": "Hello!"}]
GREETING = "Hello! How can I assist you today?"

pytestmark = pytest.mark.slow


@pytest.fixture
def client(server):
    """The SDK, pointed at the server."""
    with ai_hub.AIHubClient(api_key="test", base_url=server.url) as client:
        yield client


def test_the_documents_sample_runs(server):
    """As it stands, but for its key; the base URL comes from the environment."""
    code = SAMPLE.read_text().replace("your-api-key-here", "test")
    env = {**os.environ, "AIHUB_BASE_URL": f"{server.url}/v1"}

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=env,
    )

    assert (done.returncode, done.stdout) == (0, f"{GREETING}\n"), done.stderr


def test_a_conversation_is_kept_and_billed(client):
    """Sessions, chats in them, usage and the limit's headers, as one program uses them."""
    session = client.sessions.create(title="Show", model="gpt-4", system_prompt="Be kind.")
    answer = client.chat.create(session_id=session.id, messages=HELLO)
    with client.chat.stream(session_id=session.id, messages=HELLO) as stream:
        text = "".join(stream.texts())

    kept = client.sessions.get(session.id)
    assert [one.role for one in kept.messages.data] == ["user", "assistant"] * 2
    assert kept.messages.data[-1].content == text == stream.completion.text
    assert kept.totals.turns == 2
    assert answer.usage.cost > 0
    assert client.usage.get(group_by="day").usage.total_requests >= 2
    assert client.sessions.delete(session.id).deleted
    with pytest.raises(ai_hub.NotFoundError) as missing:
        client.sessions.get(session.id)
    assert missing.value.code == "session_not_found"


def test_a_call_that_is_repeated_is_billed_once(client):
    """The same name gives the same answer, and a second request is not counted."""
    before = client.usage.get().usage.total_requests
    named = {"model": "gpt-4", "messages": HELLO, "idempotency_key": "show-1"}

    first, second = client.chat.create(**named), client.chat.create(**named)

    assert first.id == second.id
    assert client.usage.get().usage.total_requests == before + 1


def test_a_limit_raises_with_what_to_wait(server):
    """The eleventh request of a free plan, where nothing is retried; the client knows the limit."""
    with ai_hub.AIHubClient(api_key="free", base_url=server.url, max_retries=0) as client:
        for left in range(9, -1, -1):
            client.chat.create(model="gpt-4", messages=HELLO)
            assert client.last_rate_limit.remaining == left
        with pytest.raises(ai_hub.RateLimitError) as full:
            client.chat.create(model="gpt-4", messages=HELLO)

    assert 1 <= full.value.retry_after <= 60
    assert full.value.request_id.startswith("req_")


def test_threads_share_a_client(client):
    """Twenty threads ask at once, whole and streamed; each has its own answer."""
    answers = {}

    def ask(number):
        prompt = [{"role": "user", "content": f"Count to {number}"}]
        if number % 2:
            answers[number] = client.chat.create(model="gpt-4", messages=prompt).text
        else:
            answers[number] = (
                client.chat.create(model="gpt-4", messages=prompt, stream=True).read().text
            )

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == list(range(20))
    assert all(answers.values())


@pytest.mark.anyio
async def test_tasks_share_a_client(server):
    """The same on an event loop."""
    texts = []
    async with ai_hub.AsyncAIHubClient(api_key="test", base_url=server.url) as client:

        async def ask():
            async with client.chat.stream(model="gpt-4", messages=HELLO) as stream:
                texts.append("".join([text async for text in stream.texts()]))

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask)
        assert len([one async for one in client.models.list()]) >= 140

    assert texts == [GREETING] * 20
