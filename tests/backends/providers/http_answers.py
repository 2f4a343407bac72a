"""What providers' servers answer, kind by kind: whole, streamed, errors, as vendors write it."""

from importlib.util import find_spec

import attrs
import orjson

from aihub.backends.providers.http import AwsCredentials, make_provider
from aihub.dialects import bedrock
from aihub.model.catalogue import Deployment, Retries, Routes
from aihub.model.upstream import Timeouts
from aihub.testing.providers import MODEL
from aihub.testing.upstreams import answer

SOON = 0.2
"""Seconds that a test can wait for: of the one phase that it is about, others being patient."""

PATIENT = Timeouts(pool=20, connect=20, first_byte=20, idle=20, total=60)
"""Timeouts that run out on no machine, however busy."""

WORDS = ("Once", " upon", " a", " time")
TEXT = "".join(WORDS)


@attrs.frozen(kw_only=True)
class Server:
    """How servers of one kind answer.

    `whole` is an answer's body, `frames` a stream's, one for each piece of content, with what comes
    before and after; `error` makes an error's body; `late` is one in the middle of a stream.
    """

    kind: str
    whole: bytes
    before: tuple[bytes, ...]
    words: tuple[bytes, ...]
    after: tuple[bytes, ...]
    late: bytes
    usage_at: int
    """Which of `after` tells the usage."""
    shut_at: int
    """Which of `after` shuts the text: words that come later are out of order."""
    end_at: int
    """Which of `after` says why the answer ended."""
    without_usage: bytes = b": nothing\n\n"
    """What stands in place of the frame that tells the usage, where nobody tells it."""
    before_without_usage: tuple[bytes, ...] = ()
    needs_last: bool = False
    """Whether an answer is whole only after the last frame."""
    repeats: bool = True
    """Whether a word may come twice and still be of this dialect."""
    names_model: bool = True
    """Whether an answer says which model made it."""
    alive: bytes = b": on\n\n"
    """What a stream may have that says nothing."""

    def is_whole_after(self, k):
        """Whether the first *k* frames are a whole answer."""
        ends = len(self.frames) if self.needs_last else len(self.frames) - len(self.after) + 1
        return k >= ends + (0 if self.needs_last else self.end_at)

    @property
    def frames(self):
        return (*self.before, *self.words, *self.after)

    def reworded(self, frame, old, new):
        """A frame of the stream with another text in it."""
        return frame.replace(old, new)

    def error(self, message="Oh."):
        """The body of an error."""
        return orjson.dumps({"error": {"message": message, "type": "x", "code": None}})

    def provider(self, transport, url, **more):
        """A provider of this kind that asks the server at *url*."""
        return make_provider(
            self.kind,
            name="up",
            transport=transport,
            base_url=url,
            key="sk-secret",
            **{"timeouts": PATIENT, **more},
        )


def _data(value, name=None):
    event = b"" if name is None else b"event: " + name.encode() + b"\n"
    return event + b"data: " + orjson.dumps(value) + b"\n\n"


def _chunk(delta, reason=None, **more):
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return _data(
        {
            "id": "chatcmpl-up",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "up-model",
            "choices": [choice],
            "usage": None,
            **more,
        }
    )


OPENAI_USAGE = {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
OPENAI = Server(
    kind="openai",
    whole=orjson.dumps(
        {
            "id": "chatcmpl-up",
            "object": "chat.completion",
            "created": 1,
            "model": "up-model",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": TEXT, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": OPENAI_USAGE,
        }
    ),
    before=(_chunk({"role": "assistant", "content": ""}),),
    words=tuple(_chunk({"content": word}) for word in WORDS),
    after=(
        _chunk({}, "stop"),
        _chunk({}, usage=OPENAI_USAGE).replace(
            b'[{"index":0,"delta":{},"logprobs":null,"finish_reason":null}]', b"[]"
        ),
        b"data: [DONE]\n\n",
    ),
    late=_data({"error": {"message": "Oh.", "type": "server_error", "code": None}}),
    shut_at=0,
    end_at=0,
    usage_at=1,
    before_without_usage=(_chunk({"role": "assistant", "content": ""}),),
)


def _message(content, reason, usage):
    return {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "up-model",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _event(kind, **fields):
    return _data({"type": kind, **fields}, kind)


def _begin(**usage):
    start = _event("message_start", message=_message([], None, usage))
    block = {"type": "text", "text": ""}
    return start, _event("content_block_start", index=0, content_block=block)


ANTHROPIC = Server(
    kind="anthropic",
    whole=orjson.dumps(
        _message(
            [{"type": "text", "text": TEXT}], "end_turn", {"input_tokens": 7, "output_tokens": 4}
        )
    ),
    before=_begin(input_tokens=7, output_tokens=1),
    words=tuple(
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
        for word in WORDS
    ),
    after=(
        _event("content_block_stop", index=0),
        _event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 4},
        ),
        _event("message_stop"),
    ),
    without_usage=_event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}),
    before_without_usage=_begin(),
    late=_event("error", error={"type": "api_error", "message": "Oh."}),
    shut_at=0,
    end_at=2,
    usage_at=1,
    needs_last=True,
)


def _piece(text, **more):
    content = {"parts": [{"text": text}], "role": "model"}
    candidate = {"content": content, "index": 0, **more.pop("end", {})}
    return {"candidates": [candidate], "modelVersion": "up-model", "responseId": "up", **more}


END = {"finishReason": "STOP"}
GEMINI_USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 4, "totalTokenCount": 11}
GEMINI = Server(
    kind="gemini",
    whole=orjson.dumps(_piece(TEXT, end=END, usageMetadata=GEMINI_USAGE)),
    before=(),
    words=tuple(_data(_piece(word)) for word in WORDS),
    after=(_data(_piece("", end=END, usageMetadata=GEMINI_USAGE)),),
    without_usage=_data(_piece("", end=END)),
    late=_data({"error": {"code": 500, "message": "Oh.", "status": "INTERNAL"}}),
    shut_at=0,
    end_at=0,
    usage_at=0,
)


@attrs.frozen(kw_only=True)
class BedrockServer(Server):
    """A server whose stream is binary, and guarded by sums; requests are signed."""

    def provider(self, transport, url, **more):
        """A provider that signs where there is something to sign with, and else has a key."""
        if find_spec("botocore") is None:
            return super().provider(transport, url, **more)
        return make_provider(
            self.kind,
            name="up",
            transport=transport,
            base_url=url,
            region="eu-west-1",
            credentials=AwsCredentials(access_key="AKID", secret_key="sk-secret"),
            **{"timeouts": PATIENT, **more},
        )

    def reworded(self, frame, old, new):
        """The message with another text in it, and its sums right."""
        [message] = bedrock.EventStreamDecoder().feed(frame)
        return bedrock.frame(message.headers, message.payload.replace(old, new))

    def error(self, message="Oh."):
        """The body of an error."""
        return orjson.dumps({"message": message})


def _binary(kind, **fields):
    headers = {":event-type": kind, ":message-type": "event"}
    return bedrock.frame(headers, orjson.dumps({**fields, "p": "abcd"}))


BEDROCK_USAGE = {"inputTokens": 7, "outputTokens": 4, "totalTokens": 11}
BEDROCK = BedrockServer(
    kind="bedrock",
    whole=orjson.dumps(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
            "stopReason": "end_turn",
            "usage": BEDROCK_USAGE,
            "metrics": {"latencyMs": 5},
        }
    ),
    before=(_binary("messageStart", role="assistant"),),
    words=tuple(
        _binary("contentBlockDelta", contentBlockIndex=0, delta={"text": word}) for word in WORDS
    ),
    after=(
        _binary("contentBlockStop", contentBlockIndex=0),
        _binary("messageStop", stopReason="end_turn"),
        _binary("metadata", usage=BEDROCK_USAGE, metrics={"latencyMs": 5}),
    ),
    without_usage=_binary("metadata", metrics={"latencyMs": 5}),
    before_without_usage=(_binary("messageStart", role="assistant"),),
    late=bedrock.encode_stream_error("InternalServerException", "Oh."),
    shut_at=0,
    end_at=1,
    usage_at=2,
    names_model=False,
    alive=_binary("novelty"),
)


def _response(status, *output, usage=None):
    return {
        "id": "resp_up",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "up-model",
        "output": list(output),
        "usage": usage,
    }


def _said(text, status="completed"):
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    content = [part] if text else []
    head = {"id": "msg_up", "type": "message", "status": status, "role": "assistant"}
    return {**head, "content": content}


RESPONSES_USAGE = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 11,
}
RESPONSES = Server(
    kind="openai-responses",
    whole=orjson.dumps(_response("completed", _said(TEXT), usage=RESPONSES_USAGE)),
    before=(
        _event("response.created", response=_response("in_progress")),
        _event("response.output_item.added", output_index=0, item=_said("", "in_progress")),
    ),
    words=tuple(
        _event("response.output_text.delta", output_index=0, content_index=0, delta=word)
        for word in WORDS
    ),
    after=(
        _event("response.output_item.done", output_index=0, item=_said(TEXT)),
        _event(
            "response.completed",
            response=_response("completed", _said(TEXT), usage=RESPONSES_USAGE),
        ),
    ),
    without_usage=_event("response.completed", response=_response("completed", _said(TEXT))),
    before_without_usage=(
        _event("response.created", response=_response("in_progress")),
        _event("response.output_item.added", output_index=0, item=_said("", "in_progress")),
    ),
    late=_event("error", code="server_error", message="Oh.", param=None),
    shut_at=0,
    end_at=1,
    usage_at=1,
    needs_last=True,
)

COMPACTED = {
    "id": "resp_up",
    "object": "response.compaction",
    "created_at": 1,
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": "My name is Ada."}],
        },
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAABx"},
    ],
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 14,
    },
}
"""What a server of OpenAI's makes of a conversation that is to be short."""

SERVERS = {
    "openai": OPENAI,
    "openai-responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "bedrock": BEDROCK,
}

EVENTS = [("content-type", "text/event-stream; charset=utf-8")]
JSON = [("content-type", "application/json")]


def whole(server, body=None):
    """The script of a whole answer."""
    return answer(server.whole if body is None else body, headers=JSON)


def head(*, length=None):
    """The head of a stream whose body ends with the connection, or after *length* bytes."""
    end = b"Connection: close\r\n" if length is None else b"Content-Length: %d\r\n" % length
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + end + b"\r\n"


def routes(**more):
    """Routes of the one model to one provider, which is asked once."""
    place = Deployment(id="up/model", provider="p0", upstream_model="up-model", region="region-0")
    return Routes(
        deployments={MODEL.id: (place,)},
        **{"region": "region-0", "retries": Retries(most=0), **more},
    )
