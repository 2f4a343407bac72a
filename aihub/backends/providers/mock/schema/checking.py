"""The validator: asked where a value does not hold by the way it was made.

It is jsonschema-rs, of the extra `schema`, and loaded when first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, TypeAlias

from .....model.units import Json
from .document import ROOT, Document, Part, reference
from .refusal import SchemaRefused, malformed, unsatisfiable, unsupported

MAX_BACKTRACKING = 10_000
"""Steps back that a pattern with look-around may take on one text: under a millisecond."""

INSTALLED = find_spec("jsonschema_rs") is not None

Matcher: TypeAlias = Callable[[str], bool]


class Checker:
    """Says whether a value fits all of some parts of a document."""

    def __init__(self, document: Document, parts: Sequence[Part]) -> None:
        validator = _validator_class(old=document.old)
        known = [part for part in parts if part.at not in document.adopted]
        together: list[Json] = [{"$ref": reference(part.at)} for part in known]
        try:
            self._validator = validator(
                {ROOT: document.json, "allOf": together or [True]}, **_options()
            )
        except ValueError as error:
            raise _refused_by_validator(error) from error
        self.fits: Callable[[Json], bool] = self._validator.is_valid

    def complain(self, value: Json) -> SchemaRefused:
        """Say what of the schema *value* does not fit: a keyword and its path."""
        for error in self._validator.iter_errors(value):
            path = [str(step) for step in error.schema_path]
            return _unfit(path[1:] if path[:1] == [ROOT] else path)
        return unsatisfiable("schema", "#", "no value was found that fits")


def need_checker(keyword: str, path: str) -> None:
    """Refuse what only a validator can vouch for where there is none."""
    if not INSTALLED:
        raise unsupported(keyword, path, "needs the extra 'schema' (pip install 'ai-hub[schema]')")


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Matcher:
    """Return what says whether a text has *pattern* in it; linear in time, or bounded.

    Raises:
        ValueError: it is no pattern to the validator.
    """
    validator = _validator_class(old=False)({"pattern": pattern}, **_options())
    is_valid: Matcher = validator.is_valid
    return is_valid


@lru_cache(maxsize=64)
def format_matcher(name: str) -> Matcher:
    """Return what says whether a text is of the format *name*."""
    validator = _validator_class(old=False)({"format": name}, **_options())
    is_valid: Matcher = validator.is_valid
    return is_valid


def _validator_class(*, old: bool) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft7Validator if old else jsonschema_rs.Draft202012Validator


def _options() -> dict[str, Any]:
    import jsonschema_rs

    patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_BACKTRACKING)
    return {"validate_formats": True, "pattern_options": patterns}


def _refused_by_validator(error: ValueError) -> SchemaRefused:
    """Say which keyword the validator does not take: a pattern, more often than not."""
    steps = [str(step) for step in getattr(error, "schema_path", ())]
    return malformed(
        steps[-1] if steps else "schema", "#", f"the validator does not take it: {str(error)[:200]}"
    )


def _unfit(steps: list[str]) -> SchemaRefused:
    escaped = [step.replace("~", "~0").replace("/", "~1") for step in steps]
    keyword = steps[-1] if steps else "schema"
    return unsatisfiable(keyword, "/".join(("#", *escaped)), "no value was found that fits it")
