"""Google's own form of a schema, read as JSON Schema.

It is OpenAPI's: types in capitals, `nullable`, and 64-bit numbers as texts.
"""

from __future__ import annotations

from ...model.units import Json

_LENGTHS = frozenset(
    {"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"}
)


def json_schema(schema: Json) -> Json:
    """Return *schema* as JSON Schema; what is none comes back as it is."""
    if not isinstance(schema, dict):
        return schema
    read = {name: _member(name, one) for name, one in schema.items() if one is not None}
    kind = read.get("type")
    if isinstance(kind, str):
        read["type"] = kind.lower()
    if read.pop("nullable", None) is True and isinstance(kind, str):
        read["type"] = [kind.lower(), "null"]
    return read


def _member(name: str, value: Json) -> Json:
    if name == "properties" and isinstance(value, dict):
        return {one: json_schema(inner) for one, inner in value.items()}
    if name == "anyOf" and isinstance(value, list):
        return [json_schema(one) for one in value]
    if name == "items":
        return json_schema(value)
    if name in _LENGTHS and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value
