"""Asking a server through OpenAI's own SDK: whole and streamed, which must say the same.

Every body and every chunk that comes back is held to OpenAI's published document on its way to the
SDK, and reaches the SDK as it came.
"""

import json
from contextlib import asynccontextmanager, contextmanager

import httpx2
import openai

from . import openai_document

SECONDS = 60
"""No answer of a mock takes longer, on a busy machine neither."""


class Held(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A stream of chunks that is held to the document as it is read."""

    def __init__(self, stream):
        self._stream = stream
        self._rest = b""

    def __iter__(self):
        for data in self._stream:
            self._hold(data)
            yield data
        assert not self._rest

    async def __aiter__(self):
        async for data in self._stream:
            self._hold(data)
            yield data
        assert not self._rest

    def _hold(self, data):
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            hold_event(event)

    def close(self):
        self._stream.close()

    async def aclose(self):
        await self._stream.aclose()


def hold_event(event):
    """Hold one event of a stream to the document."""
    data = event.removeprefix(b"data: ")
    if event.startswith(b"data: ") and data != b"[DONE]":
        hold(json.loads(data), "CreateChatCompletionStreamResponse")


def hold(value, name):
    """Hold an answer to the document, or an error."""
    openai_document.check("ErrorResponse" if "error" in value else name, value)


def is_held(response):
    """Say whether a response is an answer; hold it to the document as it comes if it streams."""
    if response.request.url.path != "/v1/chat/completions":
        return False
    if not response.headers["content-type"].startswith("text/event-stream"):
        return True
    response.stream = Held(response.stream)
    return False


def hold_response(response):
    """Hold what a server answers to a chat to the document: an event hook."""
    if is_held(response):
        hold(json.loads(response.read()), "CreateChatCompletionResponse")


async def hold_async(response):
    """Do the same for an asynchronous client."""
    if is_held(response):
        hold(json.loads(await response.aread()), "CreateChatCompletionResponse")


@contextmanager
def client_of(url, key="test"):
    """The SDK at a server, without retries of its own."""
    hooks = {"response": [hold_response]}
    with (
        httpx2.Client(event_hooks=hooks, timeout=SECONDS) as http,
        openai.OpenAI(**place(url, key), http_client=http) as client,
    ):
        yield client


@asynccontextmanager
async def async_client_of(url, sent, key="test"):
    """The asynchronous SDK at a server; the bodies of its requests go into *sent*."""

    async def note(request):
        sent.append(json.loads(request.content))

    hooks = {"request": [note], "response": [hold_async]}
    async with (
        httpx2.AsyncClient(event_hooks=hooks, timeout=SECONDS) as http,
        openai.AsyncOpenAI(**place(url, key), http_client=http) as client,
    ):
        yield client


def place(url, key="test"):
    """What the SDK needs to know of a server."""
    return {"base_url": f"{url}/v1", "api_key": key, "max_retries": 0}


def user(text):
    """A conversation that is one message."""
    return [{"role": "user", "content": text}]


def asked(fields):
    """A request: of gpt-4o unless it says of whom."""
    return {"model": "gpt-4o", **fields}


def ask(client, **fields):
    """The whole answer; the SDK's own helper folds the streamed one to the same."""
    done = client.chat.completions.create(**asked(fields))
    with client.chat.completions.stream(
        **asked(fields), stream_options={"include_usage": True}
    ) as stream:
        try:
            folded = stream.get_final_completion()
        except openai.LengthFinishReasonError as cut:
            # The helper gives no answer that a bound cut, but for this.
            folded = cut.completion
    assert plain(folded) == plain(done)
    return done


def plain(done):
    """What an answer says, without what differs from request to request or from class to class."""
    value = done.model_dump(mode="json")
    usage = value["usage"]
    # The second of two prompts that begin alike is cached, and costs less.
    for of_the_cache in ("prompt_tokens_details", "cost"):
        del usage[of_the_cache]
    return {
        "model": value["model"],
        "choices": [_plain_choice(choice) for choice in value["choices"]],
        "fingerprint": value["system_fingerprint"],
        "usage": usage,
    }


def _plain_choice(choice):
    message = choice["message"]
    calls = [
        (call["id"], call["type"], call["function"]["name"], call["function"]["arguments"])
        for call in message["tool_calls"] or ()
    ]
    # The helper keeps an empty text where a whole answer has null beside calls.
    text = message["content"] or None
    return (text, calls, message["refusal"], choice["logprobs"], choice["finish_reason"])


def chunks(client, **fields):
    """The chunks of a streamed answer."""
    with client.chat.completions.create(**asked(fields), stream=True) as stream:
        return list(stream)


def only(done):
    """The only choice of an answer."""
    (choice,) = done.choices
    return choice


def calls_of(done):
    """The names and the arguments of the calls in an answer."""
    calls = only(done).message.tool_calls or ()
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls]


def refusal(client, **fields):
    """Why a request is refused: the SDK's own error, the same for a whole answer and a stream."""
    found = []
    for more in ({}, {"stream": True}):
        try:
            client.chat.completions.create(**asked(fields), **more)
        except openai.BadRequestError as error:
            found.append((error.param, error.code, error.body["message"]))
    whole, streamed = found
    assert whole == streamed
    return whole
