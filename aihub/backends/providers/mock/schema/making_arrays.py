"""Makes the writer of arrays from what is known of them."""

from __future__ import annotations

from collections.abc import Sequence

from .....model.units import Json
from .arrays import MAX_ITEMS, Arrays
from .document import Document, Part
from .exclusive import identity
from .facts import Facts, refuse_above
from .nodes import Nodes, Writer
from .patterns import UNBOUNDED
from .refusal import unsatisfiable, unsupported


def make_arrays(nodes: Nodes, facts: Facts, parts: list[Part]) -> Writer:
    """Make the writer of arrays that fit *parts*.

    Raises:
        SchemaRefused: there are none, or too many items are asked for.
    """
    facts.refuse_crossed("minItems", "maxItems")
    low, high = facts.bound("minItems", 0), facts.bound("maxItems", UNBOUNDED)
    refuse_above(facts, "minItems", MAX_ITEMS)
    rows = [_items(nodes.document, part) for part in parts if type(part.schema) is dict]
    holders = [nodes.document.part(at) for at in facts.contains]
    wanted = [one for part in holders for one in _wanted(nodes.document, part)]
    if len(wanted) > high:
        raise unsatisfiable("contains", f"{facts.contains[0]}/contains", "more than 'maxItems'")
    placed = max([len(first) for first, _ in rows], default=0)
    # What must be contained comes after the items that have a place, if there may be more.
    late = [
        nodes.document.part(f"{part.at}/unevaluatedItems")
        for part in parts
        if type(part.schema) is dict and "unevaluatedItems" in part.schema
    ]
    beyond = [one for _, one in rows if one is not None] or late
    ended = any(one.schema is False for one in beyond)
    start = 0 if ended or placed + len(wanted) > high else placed
    rest = nodes.node(beyond)
    places = []
    for place in range(min(max(placed, start + len(wanted)), MAX_ITEMS, high)):
        here = [first[place] if place < len(first) else one for first, one in rows]
        here += wanted[place - start : place - start + 1] if place >= start else []
        places.append(nodes.node([one for one in here if one is not None] or late))
    low = max(low, start + len(wanted) if wanted else 0)
    _refuse_few(facts, low, rows)
    return Arrays(places, rest, low, high, parts[0].at, facts.unique_at)


def _items(document: Document, part: Part) -> tuple[list[Part], Part | None]:
    """Return the schemas of the first items, and of those after them."""
    schema: dict[str, Json] = part.schema  # type: ignore[assignment]
    word = "items" if type(schema.get("items")) is list else "prefixItems"
    first: list[Part] = []
    if word in schema and (document.old == (word == "items")):
        first = document.subparts(part, word)
    rest = "additionalItems" if word == "items" else "items"
    return first, document.part(f"{part.at}/{rest}") if rest in schema else None


def _refuse_few(facts: Facts, low: int, rows: Sequence[tuple[list[Part], Part | None]]) -> None:
    """Refuse more different items than there are values, or more items than may be."""
    last = [one for _, one in rows if one is not None]
    ends = min([len(first) for first, one in rows if one and one.schema is False], default=None)
    found = facts.bounds.get("minItems")
    if ends is not None and low > ends and found is not None:
        raise unsatisfiable("minItems", found.at, f"no more than {ends} items may be")
    if facts.unique_at is None or any(first for first, _ in rows):
        return
    for one in last:
        values = _number_of_values(one)
        if values is not None and low > values:
            why = f"{low} items, but only {values} different values"
            raise unsatisfiable("uniqueItems", facts.unique_at, why)


def _wanted(document: Document, part: Part) -> list[Part]:
    """List what must be contained, as often as it must."""
    least = 1 if document.old else int(part.schema.get("minContains", 1))  # type: ignore[union-attr]
    if least > MAX_ITEMS:
        raise unsupported("minContains", f"{part.at}/minContains", f"more than {MAX_ITEMS:,}")
    return [document.part(f"{part.at}/contains")] * least


def _number_of_values(part: Part) -> int | None:
    schema = part.schema
    if type(schema) is not dict:
        return None
    if "enum" in schema:
        return len({identity(one) for one in schema["enum"]})
    return (
        {"boolean": 2, "null": 1}.get(schema["type"]) if type(schema.get("type")) is str else None
    )
