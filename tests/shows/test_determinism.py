"""The promise of `--seed` and `--clock`: two servers, the same requests, the same bytes."""

import http.client
import json
import os
import time
from urllib.parse import urlsplit

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("platformdirs")

pytestmark = pytest.mark.slow

REQUESTS = 1000
KEY = "show-key"
PROMPTS = (
    "Hello, AI Hub!",
    "Why is the sky blue?",
    "Tell me a long story about rivers and the people who live beside them",
    "Write a poem about autumn",
    "Give me 7 ideas for a party",
    "Write a Python function that sorts a list of numbers",
    "¿Qué es la fotosíntesis?",
    "Pourquoi le ciel est-il bleu ?",
    "Erzähl mir eine Geschichte über einen Drachen",
    "Conte uma história sobre o mar",
    "猫についての物語を書いてください",
    "什么是光合作用？",  # noqa: RUF001 - as people type it
)
BOUNDS = ({}, {"max_tokens": 20}, {"stop": [". ", "。"]}, {"n": 2, "max_tokens": 30})


def requests():
    """Many requests, no two alike: whole and streamed, in all languages, bounded or not."""
    for n in range(REQUESTS):
        body = {
            "model": ("gpt-4", "gpt-4o", "claude-3-opus")[n % 3],
            "messages": [{"role": "user", "content": PROMPTS[n % len(PROMPTS)]}],
            "seed": n,
            "stream": n % 2 == 1,
            **BOUNDS[n // len(PROMPTS) % len(BOUNDS)],
        }
        yield json.dumps(body).encode()


def transcript(run_server, hash_seed):
    """All answers of a server, heads included, and what was asked of it at the end."""
    options = ["--ephemeral", "--seed", "7", "--clock", "2026-01-01T00:00:00Z"]
    options += ["--latency", "typical", "--key", f"{KEY}=enterprise", "--log-level", "warning"]
    env = os.environ | {"PYTHONHASHSEED": hash_seed}
    with run_server(*options, env=env) as server:
        place = urlsplit(server.url)
        line = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        said = []
        for body in (*requests(), None):
            method, path = ("POST", "/v1/chat/completions") if body else ("GET", "/v1/usage")
            line.request(method, path, body, {"Authorization": f"Bearer {KEY}"})
            answer = line.getresponse()
            said.append((answer.status, answer.getheaders(), answer.read()))
        line.close()
    return said


def test_two_servers_say_the_same_to_the_byte(run_server):
    """1,000 requests to two processes that hash differently; no time passes but the clock's."""
    began = time.monotonic()
    one = transcript(run_server, "1")
    took = time.monotonic() - began
    other = transcript(run_server, "2")

    for mine, theirs in zip(one, other, strict=True):
        assert mine == theirs
    assert {status for status, _, _ in one} == {200}
    assert len({body for _, _, body in one}) == REQUESTS + 1
    clock = [json.loads(body)["created"] for _, _, body in one[:-1:2]]
    assert clock == sorted(clock)
    assert clock[-1] - clock[0] > 10 * took
