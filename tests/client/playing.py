"""Plays the cases of `sdks/vectors` against the Python clients, over real connections."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
import httpx2

import ai_hub
from aihub.backends.clocks import ManualClock
from aihub.model.units import SECOND
from aihub.testing.upstreams import Deed, open_upstream

from .checking import Played, check

VECTORS = Path(__file__).parents[2] / "sdks" / "vectors"
SECONDS = 20
"""What a case may take at most, whatever the machine does besides."""

# What is not named here is a kind of case that nobody plays: it fails.
BODIES = {
    "json": lambda value: (json.dumps(value).encode(), "application/json"),
    "events": lambda value: (value.encode(), "text/event-stream"),
    "text": lambda value: (value.encode(), None),
    "base64": lambda value: (base64.b64decode(value), None),
}
CALLS = {"chat": ("create", "stream"), "models": ("list", "retrieve"), "usage": ("get",)}
CALLS["sessions"] = ("create", "list", "get", "update", "delete", "fork")
CALLS["accounts"] = CALLS["budgets"] = ("create", "list", "get", "update", "delete")
CALLS["plans"] = ("list", "get", "update", "delete")
CALLS["keys"] = ("create", "list", "get", "update", "rotate", "revoke")
STEPS = {*BODIES, "status", "headers", "cut", "short", "hang", "close", "raw"}
CASES = {"name", "about", "needs", "client", "now", "chance", "call", "server", "expect"}


def cases():
    """Give every case and the name of its file."""
    for path in sorted((VECTORS / "cases").glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            yield path.stem, case


def is_stream(case):
    """Say whether a case is to be played whole and byte by byte."""
    server = case.get("server")
    return isinstance(server, list) and any("events" in step for step in server)


# The server


def script(step):
    """Write a step for the scripted upstream."""
    assert set(step) <= STEPS, f"nobody plays a step of {set(step) - STEPS}"
    if "raw" in step:
        return [step["raw"].encode(), Deed.CLOSE]
    if "status" not in step:
        return [Deed.HANG if "hang" in step else Deed.CLOSE]
    body, kind = next(BODIES[name](step[name]) for name in BODIES if name in step)
    headers = {"Content-Type": kind} if kind else {}
    headers |= step.get("headers", {})
    opened = "events" in step
    framing = {"Transfer-Encoding": "chunked"} if opened else {"Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in (headers | framing).items()]
    head = "\r\n".join([f"HTTP/1.1 {step['status']} Said", *lines, "", ""]).encode()
    if "short" in step or ("cut" in step and not opened):
        body = body[: -step.get("short", 5)]
    return [head, body, *_end(step, opened=opened)]


def _end(step, *, opened):
    if "hang" in step:
        return [Deed.HANG]
    return [Deed.CLOSE] if "cut" in step else [b"0\r\n\r\n"] if opened else []


def in_chunks(steps, size):
    """Frame the body of each script in chunks, of *size* bytes where that is given."""
    return [_in_chunks(written, size) if "events" in step else written for step, written in steps]


def _in_chunks(written, size):
    head, body, *rest = written
    cut = size or max(len(body), 1)
    parts = [body[at : at + cut] for at in range(0, len(body), cut)]
    return [head, *(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), *rest]


@asynccontextmanager
async def serving(case, size):
    """Serve a case's answers, each as its own write, and give the upstream."""
    server = case["server"]
    if server == "nobody":
        async with open_upstream() as upstream:
            url = upstream.url
        yield None, url
        return
    scripts = in_chunks([(step, script(step)) for step in server], size)
    # One more request than there are answers is a failure of its own, seen in what was asked.
    async with open_upstream(*scripts, [Deed.CLOSE]) as upstream:
        yield upstream, upstream.url


# The client


def options(case, url, played):
    """Give what a client of a case is made with."""
    given = {"api_key": "test-key", "base_url": f"{url}/v1"} if "call" in case else {}
    given |= case.get("client", {})
    env = given.pop("env", {})
    if "AIHUB_API_KEY" in env and "api_key" not in case["client"]:
        given.pop("api_key", None)
    if "timeout" in given:
        given["timeout"] = ai_hub.Timeouts(**given["timeout"])
    clock = ManualClock()
    if "now" in case:
        clock = ManualClock(int(datetime.fromisoformat(case["now"]).timestamp()) * SECOND)
    given["clock"] = clock
    if "chance" in case:
        given["chance"] = lambda: case["chance"]

    def sleep(seconds):
        played.waits.append(seconds)
        clock.advance(seconds)

    return given, env, sleep


def method(client, case):
    """Give the method that a case calls, and its arguments."""
    group, name = case["call"]["do"].split(".")
    assert name in CALLS[group], f"nobody plays {case['call']['do']}"
    given = dict(case["call"]["with"])
    at = [given.pop("id")] if "id" in given else []
    return getattr(getattr(client, group), name), at, given


def play_blocking(case, url, played, monkeypatch, upstream):
    """Play a case without an event loop."""
    given, env, sleep = options(case, url, played)
    with monkeypatch.context() as patch:
        set_env(patch, env)
        try:
            with ai_hub.AIHubClient(**given, sleep=sleep) as client:
                played.client = client
                if "call" in case:
                    _ask(client, case, played)
                if "closed" in case["expect"]:
                    anyio.from_thread.run(upstream.wait_open, 0)
        except ai_hub.AIHubError as error:
            played.error = error


def _ask(client, case, played):
    call, at, given = method(client, case)
    asked = call(*at, **given)
    if case["call"]["do"] == "chat.stream":
        with asked as stream:
            for chunk in stream:
                if _left(chunk, case, played):
                    return
        played.completion = stream.completion
    elif case["call"]["do"].endswith(".list"):
        played.items.extend(asked)
    else:
        played.result = asked


def _left(chunk, case, played):
    played.chunks += 1
    if chunk.text:
        played.texts.append(chunk.text)
    return len(played.texts) == case["call"].get("leave_after")


async def play_async(case, url, played, monkeypatch, upstream, http=None):
    """Play a case on the event loop that there is."""
    given, env, sleep = options(case, url, played)

    async def wait(seconds):
        sleep(seconds)

    with monkeypatch.context() as patch:
        set_env(patch, env)
        try:
            client = ai_hub.AsyncAIHubClient(**given, sleep=wait, http_client=http)
            async with client:
                played.client = client
                async with anyio.create_task_group() as tasks:
                    if case.get("call", {}).get("cancel"):
                        tasks.start_soon(_cancel_later, tasks, case, played, upstream)
                    if "call" in case:
                        await _ask_async(client, case, played)
                if "closed" in case["expect"]:
                    await upstream.wait_open(0)
        except* ai_hub.AIHubError as group:
            played.error = group.exceptions[0]


async def _cancel_later(tasks, case, played, upstream):
    texts = len(case["expect"].get("texts", ()))
    while len(played.texts) < texts or not upstream.asked:
        await anyio.sleep(0.001)
    await anyio.wait_all_tasks_blocked()
    tasks.cancel_scope.cancel()


async def _ask_async(client, case, played):
    call, at, given = method(client, case)
    asked = call(*at, **given)
    if case["call"]["do"] == "chat.stream":
        async with asked as stream:
            async for chunk in stream:
                if _left(chunk, case, played):
                    return
        played.completion = stream.completion
    elif case["call"]["do"].endswith(".list"):
        played.items.extend([one async for one in asked])
    else:
        played.result = await asked


def set_env(patch, env):
    """Set what of the environment a client reads."""
    for name in ("AIHUB_API_KEY", "AIHUB_BASE_URL"):
        patch.delenv(name, raising=False)
    for name, value in env.items():
        patch.setenv(name, value)


async def play(case, door, monkeypatch, *, size=None):
    """Play a case at a door, and check what it expects."""
    assert set(case) <= CASES, f"nobody plays {set(case) - CASES}"
    played = Played()
    with anyio.fail_after(SECONDS):
        if "call" not in case:
            await _enter(door, case, "", played, monkeypatch, None)
            check(case, played, None)
            return
        async with serving(case, size) as (upstream, url):
            await _enter(door, case, url, played, monkeypatch, upstream)
            check(case, played, upstream)


async def _enter(door, case, url, played, monkeypatch, upstream):
    if door == "blocking":
        # A thread that hangs is left behind; what it waits for goes with the upstream.
        given = (case, url, played, monkeypatch, upstream)
        await anyio.to_thread.run_sync(play_blocking, *given, abandon_on_cancel=True)
    elif door == "async":
        await play_async(case, url, played, monkeypatch, upstream)
    else:
        async with httpx2.AsyncClient(verify=False) as http:
            await play_async(case, url, played, monkeypatch, upstream, http)
