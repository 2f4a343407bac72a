"""Every door over every kind of provider: one conversation, the same answer, whole and streamed."""

import json

import attrs
import pytest

from aihub.backends.transports.native import NativeTransport
from aihub.dialects import anthropic, bedrock, gemini, openai_chat, openai_responses
from aihub.model.chat import ToolCall
from aihub.model.events import Choice, Completion, Finished, ToolDelta
from aihub.model.usage import Usage
from aihub.server.http import Request
from aihub.testing import open_test_hub
from aihub.testing.upstreams import answer, open_upstream

from ..backends.providers.http_answers import EVENTS, SERVERS, TEXT, routes, whole
from .test_app import Client

pytestmark = pytest.mark.anyio

ARGUMENTS = '{"city":"Paris"}'
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = {"id": "call_1", "name": "look", "args": {"city": "Oslo"}}


@attrs.frozen
class Said:
    """What a client made of an answer."""

    text: str
    calls: list
    reason: str
    usage: tuple


# Doors: how a client of each asks for the same, and reads what comes


class OpenAI:
    """Chat completions."""

    stops, calls = "stop", "tool_calls"

    def ask(self, stream):
        call = {"name": "look", "arguments": json.dumps(CALL["args"])}
        messages = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How is it in Oslo?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        ]
        tool = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
        body = {"model": "gpt-4", "messages": messages, "tools": [tool], "max_tokens": 50}
        more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        return "/v1/chat/completions", "", {**body, **more}

    def read(self, body, stream):
        if not stream:
            message = body["choices"][0]["message"]
            calls = [one["function"] for one in message.get("tool_calls", ())]
            return Said(
                message["content"] or "",
                [(one["name"], json.loads(one["arguments"])) for one in calls],
                body["choices"][0]["finish_reason"],
                (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]),
            )
        events = [json.loads(one[6:]) for one in body.split("\n\n")[:-2]]
        choices = [one["choices"][0] for one in events if one["choices"]]
        deltas = [one["delta"] for one in choices]
        told = [one["function"] for d in deltas for one in d.get("tool_calls", ())]
        name = "".join(one.get("name", "") for one in told)
        usage = events[-1]["usage"]
        return Said(
            "".join(one.get("content") or "" for one in deltas),
            [(name, json.loads("".join(one["arguments"] for one in told)))] if told else [],
            choices[-1]["finish_reason"],
            (usage["prompt_tokens"], usage["completion_tokens"]),
        )

    def error(self, body):
        return body["error"]["message"]


class Responses:
    """OpenAI's Responses."""

    stops, calls = "completed", "completed"

    def ask(self, stream):
        call = {"name": "look", "arguments": json.dumps(CALL["args"])}
        body = {
            "model": "gpt-4",
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": "How is it in Oslo?"},
                {"type": "function_call", "call_id": "call_1", **call},
                {"type": "function_call_output", "call_id": "call_1", "output": "Rain"},
            ],
            "tools": [{"type": "function", "name": "look", "parameters": SCHEMA}],
            "max_output_tokens": 50,
            "stream": stream,
        }
        return "/v1/responses", "", body

    def read(self, body, stream):
        response = last_event(body)["response"] if stream else body
        parts = [
            part
            for one in response["output"]
            if one["type"] == "message"
            for part in one["content"]
        ]
        calls = [one for one in response["output"] if one["type"] == "function_call"]
        counts = response["usage"]
        return Said(
            "".join(one["text"] for one in parts),
            [(one["name"], json.loads(one["arguments"])) for one in calls],
            response["status"],
            (counts["input_tokens"], counts["output_tokens"]),
        )

    def error(self, body):
        return body.get("response", body)["error"]["message"]


class Anthropic:
    """Messages."""

    stops, calls = "end_turn", "tool_use"

    def ask(self, stream):
        call = {"type": "tool_use", "id": "call_1", "name": "look", "input": CALL["args"]}
        result = {"type": "tool_result", "tool_use_id": "call_1", "content": "Rain"}
        body = {
            "model": "gpt-4",
            "system": "Be brief.",
            "messages": [
                {"role": "user", "content": "How is it in Oslo?"},
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]},
            ],
            "tools": [{"name": "look", "input_schema": SCHEMA}],
            "max_tokens": 50,
            "stream": stream,
        }
        return "/v1/messages", "", body

    def read(self, body, stream):
        if not stream:
            counts = body["usage"]
            return Said(
                "".join(one.get("text", "") for one in body["content"]),
                [(one["name"], one["input"]) for one in body["content"] if "input" in one],
                body["stop_reason"],
                (counts["input_tokens"], counts["output_tokens"]),
            )
        events = [json.loads(one.split("\ndata: ")[1]) for one in body.split("\n\n") if one]
        assert events[-1]["type"] == "message_stop"
        deltas = [one["delta"] for one in events if one["type"] == "content_block_delta"]
        names = [one["content_block"].get("name") for one in events if "content_block" in one]
        told = "".join(one.get("partial_json", "") for one in deltas)
        ending = events[-2]
        counts = ending["usage"]
        return Said(
            "".join(one.get("text", "") for one in deltas),
            [(names[-1], json.loads(told))] if told else [],
            ending["delta"]["stop_reason"],
            (counts["input_tokens"], counts["output_tokens"]),
        )

    def error(self, body):
        return body["error"]["message"]


class Gemini:
    """Contents, streamed as events."""

    stops, calls = "STOP", "STOP"
    query = "alt=sse"

    def ask(self, stream):
        result = {"id": "call_1", "name": "look", "response": {"output": "Rain"}}
        body = {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "How is it in Oslo?"}]},
                {"role": "model", "parts": [{"functionCall": CALL}]},
                {"role": "user", "parts": [{"functionResponse": result}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}],
            "generationConfig": {"maxOutputTokens": 50},
        }
        method = "streamGenerateContent" if stream else "generateContent"
        return f"/v1beta/models/gpt-4:{method}", self.query if stream else "", body

    def read(self, body, stream):
        pieces = self.pieces(body) if stream else [body]
        parts = [
            part
            for one in pieces
            for candidate in one["candidates"]
            for part in candidate["content"]["parts"]
        ]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        counts = pieces[-1]["usageMetadata"]
        return Said(
            "".join(part.get("text", "") for part in parts),
            [(one["name"], one["args"]) for one in calls],
            pieces[-1]["candidates"][0]["finishReason"],
            (counts["promptTokenCount"], counts["candidatesTokenCount"]),
        )

    def pieces(self, body):
        return [json.loads(one[6:]) for one in body.split("\n\n") if one]

    def error(self, body):
        return body["error"]["message"]


class GeminiList(Gemini):
    """Contents, streamed as a list."""

    query = ""

    def pieces(self, body):
        return body


DOORS = {one.__name__: one() for one in (OpenAI, Responses, Anthropic, Gemini, GeminiList)}
EVERY = [
    pytest.param(door, kind, stream, id=f"{name}-{kind}-{'stream' if stream else 'whole'}")
    for name, door in DOORS.items()
    for kind in SERVERS
    for stream in (False, True)
    if stream or name != "GeminiList"
]
STREAMED = pytest.mark.parametrize(
    ("door", "kind", "stream"), [one for one in EVERY if one.values[2]]
)
OVER_ALL = pytest.mark.parametrize(("door", "kind", "stream"), EVERY)


# Providers: what their servers answer


def text_answer(kind, stream):
    """The script of an answer in text, as its vendor writes it."""
    server = SERVERS[kind]
    return answer(b"".join(server.frames), headers=EVENTS) if stream else whole(server)


def call_answer(kind, stream):
    """The script of an answer that calls a tool."""
    usage = Usage(7, 4, source="provider")
    if not stream:
        call = ToolCall("call_9", "look", ARGUMENTS)
        choice = Choice(index=0, text=None, finish_reason="tool_calls", tool_calls=(call,))
        done = Completion(
            id="up",
            created=0,
            model="up-model",
            served_model="up-model",
            choices=(choice,),
            usage=usage,
            cost=0,
        )
        encode = {
            "openai": openai_chat.encode_completion,
            "openai-responses": lambda one: openai_responses.response_bytes("resp_up", one, {}),
            "anthropic": anthropic.encode_completion,
            "gemini": gemini.encode_completion,
            "bedrock": bedrock.encode_completion,
        }[kind]
        return whole(SERVERS[kind], encode(done))
    encoder = {
        "openai": lambda: openai_chat.StreamEncoder(
            id="up", created=0, model="up-model", include_usage=True
        ),
        "openai-responses": lambda: openai_responses.StreamEncoder(
            id="resp_up", created=0, model="up-model", repeated={}, ended=lambda: 0
        ),
        "anthropic": lambda: anthropic.StreamEncoder(id="up", model="up-model", prompt=7),
        "gemini": lambda: gemini.StreamEncoder(id="up", model="up-model"),
        "bedrock": bedrock.StreamEncoder,
    }[kind]()
    events = [
        ToolDelta(0, "call_9", "look", "", type="function"),
        ToolDelta(0, arguments=ARGUMENTS[:5]),
        ToolDelta(0, arguments=ARGUMENTS[5:]),
        Finished("tool_calls"),
    ]
    return answer(b"".join(map(encoder.encode, events)) + encoder.end(usage, 0), headers=EVENTS)


async def asked_over(door, kind, stream, script):
    """Status, headers and body of one exchange, and what the provider's server was asked."""
    async with open_upstream(script) as upstream:
        provider = SERVERS[kind].provider(NativeTransport(), upstream.url)
        async with open_test_hub(provider, routes=routes()) as hub:
            account = await hub.accounts.create("a", plan="pro")
            secret = (await hub.accounts.create_key(account.id)).secret
            path, query, body = door.ask(stream)
            told = await Client(hub, secret).ask("POST", path, body, query=query)
            (row,) = await hub.requests(account.id)
        (asked,) = upstream.asked
        return (*told, asked.body.decode(), row)


@OVER_ALL
async def test_a_conversation_is_carried_and_answered(door, kind, stream):
    """All that was said arrives; text, reason and counts come back; the ledger has them too."""
    status, _, body, sent, row = await asked_over(door, kind, stream, text_answer(kind, stream))
    assert status == 200
    for part in ("Be brief.", "How is it in Oslo?", "Oslo", "Rain", "look", "city", "50"):
        assert part in sent
    assert door.read(body, stream) == Said(TEXT, [], door.stops, (7, 4))
    assert (row.usage.prompt, row.usage.completion, row.state) == (7, 4, "ok")


@OVER_ALL
async def test_a_call_comes_back_whole(door, kind, stream):
    """Its name and arguments, and the reason that says so."""
    status, _, body, _, _ = await asked_over(door, kind, stream, call_answer(kind, stream))
    assert status == 200
    said = Said("", [("look", {"city": "Paris"})], door.calls, (7, 4))
    assert door.read(body, stream) == said


@OVER_ALL
async def test_a_providers_limit_is_told_as_the_door_tells_limits(door, kind, stream):
    """429 with the provider's wait, in the door's envelope."""
    script = answer(
        SERVERS[kind].error("Slow down."),
        status="429 Too Many Requests",
        headers=[("retry-after", "7"), ("content-type", "application/json")],
    )
    status, headers, body, _, row = await asked_over(door, kind, stream, script)
    assert (status, headers["retry-after"]) == (429, "7")
    assert "Slow down." in door.error(body)
    assert row.state == "error"


@STREAMED
async def test_what_breaks_late_is_told_in_the_stream(door, kind, stream):
    """After some words an error of the provider's is the door's last event."""
    server = SERVERS[kind]
    script = answer(b"".join([*server.before, server.words[0], server.late]), headers=EVENTS)
    _, _, body, _, _ = await asked_over(door, kind, stream, script)
    last = body[-1] if isinstance(body, list) else last_event(body)
    assert "Oh." in door.error(last)


def last_event(body):
    """What the last event of a stream says."""
    return json.loads(body.rstrip("\n").rpartition("data: ")[2])


async def test_bytes_of_a_stream_are_settled_where_its_reader_leaves():
    """Whichever door: whoever leaves early has the request aborted, and the provider let go."""
    for door in DOORS.values():
        path, query, body = door.ask(stream=True)
        async with open_test_hub() as hub:
            account = await hub.accounts.create("a", plan="pro")
            secret = (await hub.accounts.create_key(account.id)).secret
            app = Client(hub, secret).app
            headers = {b"authorization": b"Bearer " + secret.encode()}
            request = Request("POST", path, query, headers, json.dumps(body).encode(), "")
            async with app.open(request) as response:
                async for _ in response.body:
                    break
            (row,) = await hub.requests(account.id)
            assert row.state == "aborted"


async def test_what_a_provider_has_no_words_for_is_named_where_it_can_be():
    """A place that is another here than in the request is not told as one of the request's."""
    cached = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    hello = {"model": "gpt-4", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    told = {"role": "user", "parts": [{"executableCode": {"code": "1"}}]}
    tool = {"name": "f", "input_schema": {}, "cache_control": {"type": "ephemeral"}}
    async with open_upstream(text_answer("openai", stream=False)) as upstream:
        provider = SERVERS["openai"].provider(NativeTransport(), upstream.url)
        async with open_test_hub(provider, routes=routes()) as hub:
            account = await hub.accounts.create("a", plan="pro")
            client = Client(hub, (await hub.accounts.create_key(account.id)).secret)
            for path, body, named in (
                ("/v1/messages", {**hello, "system": [cached]}, "messages"),
                ("/v1/messages", {**hello, "tools": [tool]}, "tools[0].cache_control"),
                ("/v1/messages", {**hello, "top_k": 3}, "top_k"),
                ("/v1beta/models/gpt-4:generateContent", {"contents": [told]}, "contents"),
            ):
                status, _, answered = await client.ask("POST", path, body)
                assert status == 400
                assert answered["error"]["message"].startswith(f"'{named}' cannot be said")
        assert not upstream.asked
