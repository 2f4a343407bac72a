"""What the hub tells of itself, as JSON Schema: its status, its callers, their requests."""

from __future__ import annotations

from ..model.status import STANDINGS
from ..model.units import Json
from ..model.usage import SOURCES
from .answers import (
    BOOLEAN,
    COUNT,
    SECONDS,
    SECONDS_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    USD,
    closed,
    page_of,
    ref,
)

_STANDING: Json = {"enum": list(STANDINGS)}
_MS_OR_NULL: Json = {"type": ["number", "null"], "minimum": 0, "description": "Milliseconds."}
_MS: Json = {"type": "number", "minimum": 0, "description": "Milliseconds."}
_USAGE = closed(
    prompt_tokens=COUNT,
    completion_tokens=COUNT,
    total_tokens=COUNT,
    source={"enum": list(SOURCES)},
)
_SHARE_OR_NULL: Json = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _list(**fields: Json) -> dict[str, Json]:
    return {"type": "array", "items": closed(**fields)}


def hub_schemas() -> dict[str, Json]:
    """Return every object by its name."""
    usage = {"anyOf": [_USAGE, {"type": "null"}]}
    return {
        "Me": closed(
            object={"const": "me"},
            account=ref("Account"),
            key={"anyOf": [ref("Key"), {"type": "null"}]},
            windows=_list(
                of={"enum": ["account", "key"]},
                kind={"enum": ["requests", "tokens"]},
                limit=COUNT,
                used=COUNT,
                remaining=COUNT,
                resets=SECONDS,
            ),
        ),
        "SignedOut": closed(object={"const": "me.signed_out"}, signed_out={"const": True}),
        "Request": closed(
            id=TEXT,
            object={"const": "request"},
            account=TEXT,
            key=TEXT_OR_NULL,
            kind={"enum": ["chat", "embedding", "moderation", "compaction"]},
            model=TEXT,
            served_model=TEXT_OR_NULL,
            state={"enum": ["open", "ok", "error", "aborted", "lost"]},
            code=TEXT_OR_NULL,
            created=SECONDS,
            latency_ms=_MS_OR_NULL,
            first_token_ms=_MS_OR_NULL,
            session=TEXT_OR_NULL,
            user=TEXT_OR_NULL,
            labels={"type": "object", "additionalProperties": TEXT},
            usage=usage,
            cost=USD,
            attempts=_list(
                deployment=TEXT,
                region=TEXT,
                outcome={"enum": ["ok", "failed", "refused", "cut", "aborted", "lost"]},
                error=TEXT_OR_NULL,
                began_ms=_MS,
                took_ms=_MS,
                first_token_ms=_MS_OR_NULL,
                usage=usage,
                cost=USD,
            ),
        ),
        "Requests": page_of("Request"),
        "Status": closed(
            object={"const": "status"},
            status=_STANDING,
            ready=BOOLEAN,
            updated=SECONDS,
            regions=_list(id=TEXT, status=_STANDING),
            providers=_list(id=TEXT, status=_STANDING),
            deployments=_list(
                id=TEXT,
                provider=TEXT,
                region=TEXT,
                model=TEXT,
                status=_STANDING,
                requests=COUNT,
                uptime=_SHARE_OR_NULL,
                latency_ms=_MS_OR_NULL,
                slots=_list(
                    began=SECONDS,
                    requests=COUNT,
                    failed=COUNT,
                    latency_ms=_MS_OR_NULL,
                ),
            ),
            incidents=_list(
                deployment=TEXT,
                provider=TEXT,
                region=TEXT,
                began=SECONDS,
                ended=SECONDS_OR_NULL,
            ),
        ),
    }
