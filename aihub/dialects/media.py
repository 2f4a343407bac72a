"""Pictures, sound and files that come inside a request, as data URLs and as base64."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from urllib.parse import unquote_to_bytes

import attrs

_DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
_BASE64 = ";base64"


@attrs.define
class Inline:
    """A medium that came with the request: what it is, and its bytes in base64."""

    media_type: str
    base64: str

    @property
    def url(self) -> str:
        """It as a data URL."""
        return f"data:{self.media_type};base64,{self.base64}"

    @property
    def text(self) -> str | None:
        """Its bytes read as UTF-8; None where they are none."""
        try:
            return b64decode(self.base64, validate=True).decode()
        except (NotBase64, UnicodeDecodeError, ValueError):
            return None


def inline(url: str) -> Inline | None:
    """Read a data URL (RFC 2397); None where *url* is none."""
    head = _DATA_URL.match(url)
    if head is None:
        return None
    media_type, options = head[1].lower() or "text/plain", head[2].lower()
    data = url[head.end() :]
    if not options.endswith(_BASE64):
        data = b64encode(unquote_to_bytes(data)).decode()
    return Inline(media_type, data)


def inline_text(text: str, media_type: str = "text/plain") -> Inline:
    """Make a medium of a text."""
    return Inline(media_type, b64encode(text.encode()).decode())


def is_web(url: str) -> bool:
    """Say whether a URL is one that a provider can fetch."""
    return url.lower().startswith(("http://", "https://"))
