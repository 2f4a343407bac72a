"""Answers read: JSON to values, strictly by shape and leniently by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

import attrs
import orjson

from ..model.units import Json
from .values import Answer

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

MAX_FAULTS = 3
"""Faults of an answer that an error repeats: who sees three has seen enough."""


class WrongShape(ValueError):
    """What came is no such answer; the text says where."""


def read(kind: type[T], told: bytes) -> T:
    """Read the JSON of an answer; as bytes it is what came.

    Raises:
        WrongShape: it is not JSON, or not of that kind.
    """
    try:
        value = orjson.loads(told)
    except ValueError:
        raise WrongShape("it is empty" if not told.strip() else "it is not JSON") from None
    # For who passes an answer on: every digit of its numbers is there.
    return told if kind is bytes else shape(kind, value)  # type: ignore[return-value]


def shape(kind: type[T], value: Json) -> T:
    """Make a value of the JSON of an answer; raises as `read`."""
    import cattrs

    try:
        return _converter().structure(value, kind)
    except (cattrs.BaseValidationError, TypeError, ValueError) as error:
        told = cattrs.transform_error(error, path="it", format_exception=_said)
        faults = [" ".join(reversed(one.split(" @ "))) for one in told[:MAX_FAULTS]]
        raise WrongShape("; ".join(faults)) from None


def _said(error: BaseException, _kind: type | None) -> str:
    return "is missing" if isinstance(error, KeyError) else str(error)


@cache
def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter()
    for kind in (str, int, float, bool):
        converter.register_structure_hook(kind, _strictly(kind))
    converter.register_structure_hook_factory(_is_answer, lambda kind: _keeping(converter, kind))
    converter.register_structure_hook_factory(_is_list, lambda kind: _only(converter, kind))
    return converter


def _strictly(kind: type[Any]) -> Callable[[Any, Any], Any]:
    """Take what is of *kind* and nothing that could be made so."""
    # A whole number is a good cost; true is no number.
    taken: tuple[type, ...] = (float, int) if kind is float else (kind,)

    def take(value: Any, _: Any) -> Any:
        if type(value) not in taken:
            raise TypeError(f"is no {kind.__name__}")
        return value

    return take


def _is_answer(kind: Any) -> bool:
    plain = get_origin(kind) or kind
    return isinstance(plain, type) and issubclass(plain, Answer)


def _keeping(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    """Keep the JSON beside the fields; null is as good as left out where there is a default."""
    from cattrs.gen import make_dict_structure_fn

    plain = get_origin(kind) or kind
    structure = make_dict_structure_fn(kind, converter)
    names = {one.name for one in attrs.fields(plain) if one.default is not attrs.NOTHING}

    def keep(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise TypeError("is no object")
        given = value
        if None in value.values():
            given = {n: one for n, one in value.items() if one is not None or n not in names}
        made = structure(given, kind)
        made._raw = value  # noqa: SLF001 - whoever reads an answer makes it
        return made

    return keep


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _only(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    """Take a list; text could be gone through as well."""
    from cattrs.cols import list_structure_factory

    structure = list_structure_factory(kind, converter)

    def take(value: Any, _: Any) -> Any:
        if type(value) is not list:
            raise TypeError("is no list")
        return structure(value, kind)

    return take
