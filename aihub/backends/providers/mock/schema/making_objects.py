"""Makes the writer of objects from what is known of them."""

from __future__ import annotations

from .checking import Checker, matcher, need_checker
from .document import Document, Part
from .facts import Facts, refuse_above
from .leaves import make_shape
from .nodes import Node, Nodes, Writer
from .objects import MAX_OPTIONAL, MAX_PROPERTIES, USUAL_NAMES, Objects, Open, Property
from .patterns import UNBOUNDED
from .refusal import malformed, unsatisfiable
from .strings import MAX_LENGTH, Strings


def make_objects(nodes: Nodes, facts: Facts, parts: list[Part]) -> Writer:
    """Make the writer of objects that fit *parts*.

    Raises:
        SchemaRefused: there are none, or too many properties are asked for.
    """
    facts.refuse_crossed("minProperties", "maxProperties")
    refuse_above(facts, "minProperties", MAX_PROPERTIES)
    low, high = facts.bound("minProperties", 0), facts.bound("maxProperties", UNBOUNDED)
    _require_dependents(facts)
    schemas = [part for part in parts if type(part.schema) is dict]
    rules = Rules(nodes, schemas)
    properties = _properties(rules, facts, schemas)
    required = len(facts.required)
    if required > high:
        bound = facts.bounds["maxProperties"]
        raise unsatisfiable("maxProperties", bound.at, f"{required} properties are required")
    free = rules.open()
    usual = USUAL_NAMES if free is not None and not properties and rules.is_map else 0
    if free is None and low > len(properties):
        bound = facts.bounds["minProperties"]
        raise unsatisfiable("minProperties", bound.at, "no more properties may be")
    if not properties and free is not None and not rules.is_map:
        usual = 1 + (low == 0)
    return Objects(properties, low, high, parts[0].at, facts.dependents, free, usual)


def _properties(rules: Rules, facts: Facts, schemas: list[Part]) -> list[Property]:
    named = dict.fromkeys(
        name
        for part in schemas
        for name in part.schema.get("properties", ())  # type: ignore[union-attr]
    )
    found = []
    optional = 0
    for name in (*named, *(one for one in facts.required if one not in named)):
        required = name in facts.required
        optional += not required
        if not required and optional > MAX_OPTIONAL + facts.bound("minProperties", 0):
            continue
        node = rules.node_of(name)
        if node is not None:
            found.append(Property(name, node, required))
        elif required:
            why = f"the property '{name[:80]}' is required and may not be"
            raise unsatisfiable("required", facts.required[name], why)
    return found


def _require_dependents(facts: Facts) -> None:
    """What a required property depends on is required."""
    waiting = list(facts.required)
    while waiting:
        name = waiting.pop()
        for other in facts.dependents.get(name, ()):
            if other not in facts.required:
                facts.required[other] = facts.required[name]
                waiting.append(other)


class Rules:
    """What an object's schemas say of a property, by its name."""

    def __init__(self, nodes: Nodes, schemas: list[Part]) -> None:
        self._nodes = nodes
        document = nodes.document
        self._rows = [
            (
                document.named(part, "properties"),
                self._patterns(document, part),
                _one(document, part, "additionalProperties"),
            )
            for part in schemas
        ]
        late = [_one(document, part, "unevaluatedProperties") for part in schemas]
        self._late = [part for part in late if part is not None]
        self._names = [
            document.part(f"{part.at}/propertyNames")
            for part in schemas
            if "propertyNames" in part.schema  # type: ignore[operator]
        ]
        self.is_map = any(patterns for _, patterns, _ in self._rows) or any(
            type(rest.schema) is dict for _, _, rest in self._rows if rest is not None
        )
        self._name_check: Checker | None = None
        if self._names:
            need_checker("propertyNames", self._names[0].at)
            self._name_check = Checker(document, self._names)

    @staticmethod
    def _patterns(document: Document, part: Part) -> list[tuple[str, Part]]:
        found = document.named(part, "patternProperties")
        if found:
            need_checker("patternProperties", f"{part.at}/patternProperties")
        return list(found.items())

    def parts_of(self, name: str) -> list[Part] | None:
        """Return the schemas of the property *name*; None where it may not be."""
        if self._name_check is not None and not self._name_check.fits(name):
            return None
        found: list[Part] = []
        for properties, patterns, rest in self._rows:
            here = [properties[name]] if name in properties else []
            here += [part for pattern, part in patterns if _matches(pattern, part, name)]
            if not here and rest is not None:
                here = [rest]
            found += here
        found = found or self._late
        return None if any(part.schema is False for part in found) else found

    def node_of(self, name: str) -> Node | None:
        """Return the node of the property *name*, unmeasured; None where it may not be."""
        parts = self.parts_of(name)
        return None if parts is None else self._nodes.node(parts)

    def measured(self, name: str) -> Node | None:
        """Return the node of the property *name*, measured; None where it may not be."""
        parts = self.parts_of(name)
        return None if parts is None else self._nodes.measured(parts)

    def open(self) -> Open | None:
        """Say how properties are named that the schema does not name; None where none may be."""
        rests = [rest for _, _, rest in self._rows if rest is not None] or self._late
        patterned = [one for _, patterns, _ in self._rows for one in patterns]
        names: list[Node] = []
        if self._names:
            names = [self._nodes.node(self._names)]
        elif any(rest.schema is False for rest in rests):
            patterned = [one for one in patterned if one[1].schema is not False]
            if not patterned:
                return None
            names = [_name_node(pattern, part) for pattern, part in patterned]
        elif patterned:
            names = [_name_node(pattern, part) for pattern, part in patterned[:1]]
        within = (
            [patterned[0][1]] if patterned else [one for one in rests if one.schema is not True]
        )
        return Open(names, self.measured, self._nodes.node(within))


def _one(document: Document, part: Part, word: str) -> Part | None:
    return document.part(f"{part.at}/{word}") if word in part.schema else None  # type: ignore[operator]


def _matches(pattern: str, part: Part, name: str) -> bool:
    try:
        return matcher(pattern)(name)
    except ValueError as error:
        word = "patternProperties"
        raise malformed(word, part.at, f"{pattern[:80]!r} is not a pattern") from error


def _name_node(pattern: str, part: Part) -> Node:
    """Return what writes names that have *pattern*."""
    shape = make_shape(pattern, part.at)
    node = Node(part.at, [Strings(low=1, high=MAX_LENGTH, shapes=(shape,), at=part.at)])
    node.measure()
    return node
