"""What the hub tells of itself, as JSON Schema: its status."""

from __future__ import annotations

from ..model.status import STANDINGS
from ..model.units import Json
from .answers import BOOLEAN, COUNT, SECONDS, SECONDS_OR_NULL, TEXT, closed

_STANDING: Json = {"enum": list(STANDINGS)}
_MS_OR_NULL: Json = {"type": ["number", "null"], "minimum": 0, "description": "Milliseconds."}
_SHARE_OR_NULL: Json = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _list(**fields: Json) -> dict[str, Json]:
    return {"type": "array", "items": closed(**fields)}


def hub_schemas() -> dict[str, Json]:
    """Return every object by its name."""
    return {
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
