"""Parts of a content, both ways.

A medium that came with the request is `inlineData`, whatever it is; one behind a URL is
`fileData`. What Gemini has no field for and a client would miss (a file's name, reasoning that only
its provider can read) is carried in `partMetadata`, which is anybody's to fill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...messages import Msg
from ...model.chat import OtherPart, Part, ReasoningPart, TextPart
from ...model.units import Json
from ..fields import boolean, missing, obj, string
from ..media import Inline, inline, is_web
from ..saying import OPENAI, Saying
from .words import NAME

_WEB_TYPES: Mapping[str, str] = {
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""What a picture behind a URL is, by the end of its path."""

_AUDIO = {"audio/wav": "wav", "audio/mp3": "mp3"}
_LEVELS = {"MEDIA_RESOLUTION_LOW": "low", "MEDIA_RESOLUTION_HIGH": "high"}
_DETAILS = {detail: level for level, detail in _LEVELS.items()}


def camel(name: str) -> str:
    """Return a field's name as JSON has it: Google's own samples also write `inline_data`."""
    head, *rest = name.split("_")
    return head + "".join([one[:1].upper() + one[1:] for one in rest]) if head and rest else name


def message(value: Json, path: str) -> dict[str, Json]:
    """Take an object of the API; null members say nothing."""
    return {camel(name): one for name, one in obj(value, path).items() if one is not None}


def text_in(fields: Mapping[str, Json], name: str, path: str) -> str:
    """Take a text that must be there."""
    if name not in fields:
        raise missing(f"{path}.{name}")
    return string(fields[name], f"{path}.{name}")


# Reading


def part(fields: dict[str, Json], path: str) -> Part:
    """Take a part that is no call and no result; of kinds not known here, as it is."""
    if "text" in fields:
        return _text(fields, path)
    for name, read in _KINDS.items():
        if name in fields:
            found = read(fields, path)
            if found is not None:
                return found
    kind = next(iter(fields.keys() - _BESIDES), "part")
    return OtherPart(kind, fields, NAME)


_BESIDES = frozenset({"thought", "thoughtSignature", "partMetadata", "mediaResolution"})


def _text(fields: dict[str, Json], path: str) -> Part:
    text = text_in(fields, "text", path)
    signature = text_in(fields, "thoughtSignature", path) if "thoughtSignature" in fields else None
    if boolean(fields.get("thought", False), f"{path}.thought"):
        redacted = _metadata(fields, "redacted")
        if redacted is not None:
            return ReasoningPart("", redacted=redacted)
        return ReasoningPart(text, signature)
    if not text and signature is not None:
        return ReasoningPart("", signature)
    extra = {name: one for name, one in fields.items() if name not in {"text", "thought"}}
    return TextPart(text, extra or None)


def _metadata(fields: Mapping[str, Json], name: str) -> str | None:
    """Return a text of a part's metadata that we put there: where it is all of it."""
    metadata = fields.get("partMetadata")
    if not isinstance(metadata, dict) or metadata.keys() != {name}:
        return None
    value = metadata[name]
    return value if isinstance(value, str) else None


def _inline(fields: dict[str, Json], path: str) -> Part | None:
    blob = message(fields["inlineData"], f"{path}.inlineData")
    medium = Inline(
        text_in(blob, "mimeType", f"{path}.inlineData").lower(),
        text_in(blob, "data", f"{path}.inlineData"),
    )
    known = {"inlineData", "thought"}
    if medium.media_type.startswith("image/"):
        image = {"url": medium.url, **_detail(fields, known)}
        return _openai("image_url", image, fields, known)
    if medium.media_type in _AUDIO:
        sound = {"data": medium.base64, "format": _AUDIO[medium.media_type]}
        return _openai("input_audio", sound, fields, known)
    file: dict[str, Json] = {"file_data": medium.url}
    name = _metadata(fields, "filename")
    if name is not None:
        file["filename"] = name
        known.add("partMetadata")
    return _openai("file", file, fields, known)


def _detail(fields: Mapping[str, Json], known: set[str]) -> dict[str, Json]:
    for level, detail in _LEVELS.items():
        if fields.get("mediaResolution") == {"level": level}:
            known.add("mediaResolution")
            return {"detail": detail}
    return {}


def _file(fields: dict[str, Json], path: str) -> Part | None:
    file = message(fields["fileData"], f"{path}.fileData")
    url = text_in(file, "fileUri", f"{path}.fileData")
    if not is_web(url) or file.get("mimeType") != _web_type(url):
        return None
    known = {"fileData", "thought"}
    return _openai("image_url", {"url": url, **_detail(fields, known)}, fields, known)


def _web_type(url: str) -> str | None:
    path = url.partition("?")[0].partition("#")[0]
    return _WEB_TYPES.get(path.rpartition(".")[2].lower())


def _openai(kind: str, inner: Json, fields: Mapping[str, Json], known: set[str]) -> OtherPart:
    besides = {name: one for name, one in fields.items() if name not in known}
    return OtherPart(kind, {**besides, "type": kind, kind: inner})


_KINDS: Mapping[str, Callable[[dict[str, Json], str], Part | None]] = {
    "inlineData": _inline,
    "fileData": _file,
}


# Saying


def say_part(say: Saying, one: Part, path: str) -> Json:
    """Write a part; None where it is left out."""
    if isinstance(one, TextPart):
        return {**say.extras(one.extra, path), "text": one.text}
    if isinstance(one, ReasoningPart):
        return _say_reasoning(say, one, path)
    if one.dialect == NAME:
        return one.data
    write = _SAYERS.get(one.type)
    inner = one.data.get(one.type) if isinstance(one.data, Mapping) else None
    if write is None or one.dialect != OPENAI:
        say.strange(one, path)
        return None
    extra = say.extras(one.data, path, own=("type", one.type)) if inner is not None else {}
    said = write(say, inner, f"{path}.{one.type}")
    return None if said is None else {**extra, **said}


def _say_reasoning(say: Saying, one: ReasoningPart, path: str) -> Json:
    """Write a piece of reasoning; of another vendor's only the text, which needs no signature."""
    if say.travels:
        return reasoning_part(one)
    if one.redacted is not None:
        say.unsupported(path, Msg("Only its provider can read it."))
        return None
    return reasoning_part(ReasoningPart(one.text))


def reasoning_part(one: ReasoningPart) -> dict[str, Json]:
    """Write a piece of reasoning."""
    said: dict[str, Json] = {"text": one.text, "thought": True}
    if one.redacted is not None:
        said["partMetadata"] = {"redacted": one.redacted}
    elif one.signature is not None:
        said["thoughtSignature"] = one.signature
    return said


def _say_image(say: Saying, inner: Json, path: str) -> Json:
    url = _string(inner, "url")
    medium = inline(url)
    if medium is not None:
        said: dict[str, Json] = _blob(medium)
    elif is_web(url):
        kind = _web_type(url)
        said = {
            "fileData": {"fileUri": url} if kind is None else {"fileUri": url, "mimeType": kind}
        }
    else:
        say.wrong(f"{path}.url", Msg("must be a data: or http(s) URL."))
        return None
    detail = _string(inner, "detail")
    if detail in _DETAILS:
        said["mediaResolution"] = {"level": _DETAILS[detail]}
    return said


def _say_audio(say: Saying, inner: Json, path: str) -> Json:
    kind = f"audio/{_string(inner, 'format')}"
    if kind not in _AUDIO:
        say.wrong(f"{path}.format", Msg("must be 'wav' or 'mp3'."))
    return _blob(Inline(kind, _string(inner, "data")))


def _say_file(say: Saying, inner: Json, path: str) -> Json:
    medium = inline(_string(inner, "file_data"))
    if medium is None:
        say.wrong(f"{path}.file_data", Msg("must be a data: URL."))
        return None
    name = _string(inner, "filename")
    said = _blob(medium)
    return {**said, "partMetadata": {"filename": name}} if name else said


def _say_refusal(say: Saying, inner: Json, path: str) -> Json:
    if not isinstance(inner, str):
        say.wrong(path, Msg("must be a text."))
    return {"text": inner}


def _blob(medium: Inline) -> dict[str, Json]:
    return {"inlineData": {"mimeType": medium.media_type, "data": medium.base64}}


_SAYERS: Mapping[str, Callable[[Saying, Json, str], Json]] = {
    "image_url": _say_image,
    "input_audio": _say_audio,
    "file": _say_file,
    "refusal": _say_refusal,
}


def _string(inner: Json, name: str) -> str:
    value = inner.get(name) if isinstance(inner, Mapping) else None
    return value if isinstance(value, str) else ""
