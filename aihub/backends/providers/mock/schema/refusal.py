"""Why a schema has no answer."""

from __future__ import annotations

from typing import Literal, TypeAlias

RefusalKind: TypeAlias = Literal["malformed", "unsupported", "unsatisfiable"]


class SchemaRefused(Exception):
    """A JSON Schema that the mock cannot answer, with the keyword and where it stands.

    Attributes:
        keyword: the keyword at fault, such as `pattern`; `false` for a schema that is `false`.
        path: a JSON pointer to it within the schema, such as `#/properties/a/pattern`.
        message: what is wrong, in English, with both.
        kind: whether it is no schema at all, one that is not done here, or one that nothing fits.
    """

    def __init__(self, keyword: str, path: str, why: str, *, kind: RefusalKind) -> None:
        self.keyword = keyword
        self.path = path
        self.kind = kind
        self.message = f"'{keyword}' at {path}: {why}"
        super().__init__(self.message)


def malformed(keyword: str, path: str, why: str) -> SchemaRefused:
    """Refuse what is not JSON Schema."""
    return SchemaRefused(keyword, path, why, kind="malformed")


def unsupported(keyword: str, path: str, why: str) -> SchemaRefused:
    """Refuse what is not done here."""
    return SchemaRefused(keyword, path, why, kind="unsupported")


def unsatisfiable(keyword: str, path: str, why: str) -> SchemaRefused:
    """Refuse what no value fits."""
    return SchemaRefused(keyword, path, why, kind="unsatisfiable")
