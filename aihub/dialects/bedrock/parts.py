"""Parts of a message, said as content blocks.

A block is an object with one member, which says its kind: nothing can stand beside it, so what is
said of a part is a block of its own (a cache point) or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ...messages import Msg
from ...model.chat import Part, ReasoningPart, TextPart
from ...model.units import Json
from ..fields import SHOWN
from ..media import inline
from ..saying import OPENAI, Saying
from .words import DOCUMENTS, IMAGES, NAME, SOUNDS, VIDEOS

MAX_DOCUMENT_NAME = 200
"""Characters of a document's name: Bedrock's own bound."""

_CACHE = "cache_control"
_TTLS = frozenset({"5m", "1h"})
_EMPTY = TextPart("")
"""A text that says nothing: Bedrock's models refuse an empty block."""


def say_parts(say: Saying, parts: tuple[Part, ...], path: str) -> list[Json]:
    """Write the parts of a message."""
    return [
        block
        for n, one in enumerate(parts)
        if one != _EMPTY
        for block in say_part(say, one, f"{path}[{n}]")
    ]


def say_part(say: Saying, one: Part, path: str) -> list[Json]:
    """Write a part: a block, and perhaps a cache point after it; none where it is left out."""
    if isinstance(one, TextPart):
        # Gemini signs texts too; to Bedrock's models that proves nothing.
        _alone(say, one.extra, path, _CACHE, "thoughtSignature")
        return [{"text": one.text}, *cache_point(say, one.extra, path)]
    if isinstance(one, ReasoningPart):
        return _reasoning(say, one, path)
    if one.dialect == NAME:
        return [one.data]
    write = _PARTS.get(one.type) if one.dialect == OPENAI else None
    if write is None:
        say.strange(one, path)
        return []
    data = one.data if isinstance(one.data, Mapping) else {}
    return write(say, data, data.get(one.type), path)


_NOTHING: frozenset[str] = frozenset()


def _alone(say: Saying, extra: Mapping[str, Json] | None, path: str, *own: str) -> None:
    """Refuse what is said of a part besides: a block has no place for it."""
    for name in say.extras(extra, path, own=own, only=_NOTHING):
        say.unsupported(f"{path}.{name[:SHOWN]}")


def cache_point(say: Saying, extra: Mapping[str, Json] | None, path: str) -> list[Json]:
    """Write Anthropic's `cache_control` of a part, result or tool: a point after it."""
    told = (extra or {}).get(_CACHE)
    if told is None:
        return []
    ttl = told.get("ttl") if isinstance(told, Mapping) else None
    known = isinstance(told, Mapping) and told.keys() <= {"type", "ttl"}
    if not known or told.get("type") != "ephemeral" or not (ttl is None or ttl in _TTLS):
        say.wrong(f"{path}.{_CACHE}", Msg("must be of type 'ephemeral', its ttl '5m' or '1h'."))
    point = {"type": "default"} if ttl is None else {"type": "default", "ttl": ttl}
    return [{"cachePoint": point}]


def _reasoning(say: Saying, one: ReasoningPart, path: str) -> list[Json]:
    if not say.travels:
        say.unsupported(path, Msg("Reasoning goes back only to who signed it."))
        return []
    return [reasoning_block(one)]


def reasoning_block(one: ReasoningPart) -> dict[str, Json]:
    """Write a piece of reasoning; not every model on Bedrock signs its own."""
    if one.redacted is not None:
        return {"reasoningContent": {"redactedContent": one.redacted}}
    text = {"text": one.text}
    if one.signature is not None:
        text["signature"] = one.signature
    return {"reasoningContent": {"reasoningText": text}}


# OpenAI's forms

_Data: TypeAlias = Mapping[str, Json]


def _besides(say: Saying, data: _Data, kind: str, path: str) -> list[Json]:
    _alone(say, data, path, "type", kind, _CACHE)
    return cache_point(say, data, path)


def _image(say: Saying, data: _Data, inner: Json, path: str) -> list[Json]:
    after = _besides(say, data, "image_url", path)
    path = f"{path}.image_url"
    if _text(inner, "detail") not in ("", "auto"):
        say.unsupported(f"{path}.detail")
    medium = inline(_text(inner, "url"))
    if medium is None or medium.media_type not in IMAGES:
        known = ", ".join(sorted(IMAGES))
        say.wrong(
            f"{path}.url", Msg("must be a data: URL of a picture, one of {known}.", known=known)
        )
        return []
    source = {"bytes": medium.base64}
    return [{"image": {"format": IMAGES[medium.media_type], "source": source}}, *after]


def _file(say: Saying, data: _Data, inner: Json, path: str) -> list[Json]:
    # What Bedrock says of a document beside its bytes is kept in the part.
    about = ("context", "citations") if say.chat.dialect == NAME else ()
    said = {name: data[name] for name in about if name in data}
    after = _besides(say, {n: v for n, v in data.items() if n not in said}, "file", path)
    medium = inline(_text(inner, "file_data"))
    kind = "" if medium is None else medium.media_type
    name = _text(inner, "filename")
    if medium is not None and kind in VIDEOS:
        if name:
            say.unsupported(f"{path}.file.filename")
        return [{"video": {"format": VIDEOS[kind], "source": {"bytes": medium.base64}}}, *after]
    if medium is None or kind not in DOCUMENTS:
        say.wrong(f"{path}.file.file_data", Msg("must be a data: URL of a document or a film."))
        return []
    document = {
        **said,
        "format": DOCUMENTS[kind],
        "name": document_name(name or path, DOCUMENTS[kind]),
        "source": {"bytes": medium.base64},
    }
    return [{"document": document}, *after]


_REFUSED = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")


def document_name(name: str, ending: str) -> str:
    """Return a file's name as Bedrock takes it: without its ending, other signs as dashes."""
    bare = name.removesuffix(f".{ending}") or name
    return " ".join(_REFUSED.sub("-", bare).split())[:MAX_DOCUMENT_NAME].strip() or "document"


def _audio(say: Saying, data: _Data, inner: Json, path: str) -> list[Json]:
    after = _besides(say, data, "input_audio", path)
    form = _text(inner, "format")
    if form not in SOUNDS:
        say.wrong(
            f"{path}.input_audio.format",
            Msg("must be one of {known}.", known=", ".join(sorted(SOUNDS))),
        )
    return [{"audio": {"format": form, "source": {"bytes": _text(inner, "data")}}}, *after]


def _refusal(say: Saying, data: _Data, inner: Json, path: str) -> list[Json]:
    after = _besides(say, data, "refusal", path)
    if not isinstance(inner, str):
        say.wrong(f"{path}.refusal", Msg("must be a text."))
    return [{"text": inner}, *after]


_PARTS: Mapping[str, Callable[[Saying, _Data, Json, str], list[Json]]] = {
    "image_url": _image,
    "file": _file,
    "input_audio": _audio,
    "refusal": _refusal,
}


def _text(inner: Json, name: str) -> str:
    """Return a text of a part; empty where it has none."""
    value = inner.get(name) if isinstance(inner, Mapping) else None
    return value if isinstance(value, str) else ""
