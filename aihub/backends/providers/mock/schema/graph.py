"""Compiles a document into a graph of nodes: the slow work, done once for each schema."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .....model.units import Json
from .arrays import MAX_ITEMS, Arrays
from .checking import Checker, matcher, need_checker
from .document import Document, Part
from .facts import Branch, Facts, first_refusal, fold, gather, identity, refuse_empty_span
from .formats import FORMATS
from .free import FreeValues
from .hints import kind_of, kind_said
from .nodes import NEVER, Node, OneOf, Writer
from .objects import MAX_OPTIONAL, MAX_PROPERTIES, USUAL_NAMES, Objects, Open, Property
from .patterns import UNBOUNDED, BadPattern, parse_pattern
from .refusal import SchemaRefused, malformed, unsatisfiable, unsupported
from .scalars import Booleans, Constants, Null, Numbers
from .strings import MAX_LENGTH, Shape, Strings

MAX_NODES = 12_000
"""Combinations of schemas that hold together; several `anyOf` side by side multiply."""

MAX_WEIGHT = 20_000
"""Values that the smallest answer may have, strings counted by their length: some 50 ms."""

MAX_HEIGHT = 40
"""Levels that the smallest answer may have: what writes it recurses."""

MANY = 100
"""Items that are blamed for the size of an answer before what they hold is."""

ANNOTATIONS = frozenset(
    """
    title description default examples $comment deprecated readOnly writeOnly $schema $defs
    definitions $anchor nullable $id contentEncoding contentMediaType contentSchema $vocabulary
    """.split()  # noqa: SIM905 - a list of so many is read better so
)

Key = tuple[frozenset[str], frozenset[str]]


class Graph:
    """The nodes of a document, made as they are needed."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes: dict[Key, Node] = {}
        self._waiting: list[tuple[Node, list[Part], frozenset[str]]] = []

    def compile(self) -> Node:
        """Return the node of the whole schema.

        Raises:
            SchemaRefused: nothing fits it, or what fits is too large.
        """
        root = self.node([self._document.root])
        self.settle()
        if root.size == NEVER:
            raise _reason(root)
        if root.size[0] > MAX_WEIGHT or root.size[1] > MAX_HEIGHT:
            raise self._too_large(root)
        return root

    def node(self, parts: Iterable[Part], decided: frozenset[str] = frozenset()) -> Node:
        """Return the node of *parts* together; it is measured by the next `settle`."""
        together = gather(self._document, parts)
        key = frozenset(part.at for part in together), decided
        node = self._nodes.get(key)
        if node is None:
            at = together[0].at if together else "#"
            if len(self._nodes) == MAX_NODES:
                why = f"more than {MAX_NODES} combinations of schemas"
                raise unsupported(at.rpartition("/")[2], at, why)
            node = self._nodes[key] = Node(at)
            self._waiting.append((node, together, decided))
        return node

    def settle(self) -> None:
        """Fill in what is waiting, and measure it until nothing changes."""
        new: list[Node] = []
        while self._waiting:
            node, parts, decided = self._waiting.pop()
            new.append(node)
            try:
                self._fill(node, parts, decided)
            except SchemaRefused as refusal:
                if refusal.kind != "unsatisfiable":
                    raise
                node.refusal = refusal
        # What is within comes later: backwards, most are measured once.
        changed = True
        while changed:
            changed = False
            for node in reversed(new):
                changed = node.measure() or changed

    def _fill(self, node: Node, parts: list[Part], decided: frozenset[str]) -> None:
        facts = fold(self._document, parts, decided)
        if facts.options is not None:
            node.writers.append(self._constants(facts, parts))
            return
        if facts.branches:
            self._branch(node, facts.branches[0], parts, decided)
            return
        if facts.unsure is not None:
            need_checker(*facts.unsure)
            node.make_checker = lambda: Checker(self._document, parts)
        if _says_nothing(parts):
            node.writers.append(FreeValues(at_root=node.key == "#", parts_at=node.key))
            return
        self._fill_types(node, facts, parts)
        node.is_null = len(node.writers) == 1 and type(node.writers[0]) is Null

    def _fill_types(self, node: Node, facts: Facts, parts: list[Part]) -> None:
        refusals: list[SchemaRefused] = []
        for type_ in facts.types:
            if type_ == "integer" and "number" in facts.types:
                continue
            try:
                node.writers.append(self._writer(type_, facts, parts))
            except SchemaRefused as refusal:
                refusals.append(refusal)
        if refusals and (not node.writers or (facts.typed and _hard(refusals))):
            raise first_refusal(refusals)
        # Null last: what may be missing is there.
        node.writers.sort(key=lambda one: type(one) is Null)

    def _writer(self, type_: str, facts: Facts, parts: list[Part]) -> Writer:
        match type_:
            case "object":
                return self._objects(facts, parts)
            case "array":
                return self._arrays(facts, parts)
            case "string":
                return _strings(facts, parts[0].at)
            case "number" | "integer":
                return _numbers(facts, parts[0].at, whole=type_ == "integer")
            case "boolean":
                return Booleans()
            case _:
                return Null()

    def _constants(self, facts: Facts, parts: list[Part]) -> Writer:
        options = facts.options or []
        word, at = facts.options_at
        options = [one for one in options if _type_of(one) in facts.types]
        words = {w for part in parts if type(part.schema) is dict for w in part.schema}
        if words - ANNOTATIONS - {"enum", "const", "type", "$ref", "allOf"}:
            need_checker(word, at)
            checker = Checker(self._document, parts)
            options = [one for one in options if checker.fits(one)]
        if not options:
            raise unsatisfiable(word, at, "none of its values fits what is said beside it")
        return Constants(tuple(options))

    def _branch(
        self, node: Node, branch: Branch, parts: list[Part], decided: frozenset[str]
    ) -> None:
        now = decided | {branch.id}
        options = [self.node([*parts, *option], now) for option in branch.options]
        node.writers.append(OneOf(options, branch.word, branch.id))

    def _arrays(self, facts: Facts, parts: list[Part]) -> Writer:
        facts.refuse_crossed("minItems", "maxItems")
        low, high = facts.bound("minItems", 0), facts.bound("maxItems", UNBOUNDED)
        _refuse_above(facts, "minItems", MAX_ITEMS)
        rows = [self._items(part) for part in parts if type(part.schema) is dict]
        holders = [self._document.part(at) for at in facts.contains]
        wanted = [one for part in holders for one in [self._contained(part)] * _least_of(part)]
        length = max([len(first) for first, _ in rows], default=0)
        length = min(max(length, len(wanted)), MAX_ITEMS)
        rest = self.node([one for _, one in rows if one is not None])
        nodes = []
        for place in range(min(length, high)):
            here = [first[place] if place < len(first) else one for first, one in rows]
            here += wanted[place : place + 1]
            nodes.append(self.node([one for one in here if one is not None]))
        low = max(low, len(wanted))
        if len(wanted) > high:
            raise unsatisfiable("contains", f"{facts.contains[0]}/contains", "more than 'maxItems'")
        self._refuse_few(facts, low, rows)
        return Arrays(nodes, rest, low, high, parts[0].at, facts.unique_at)

    def _items(self, part: Part) -> tuple[list[Part], Part | None]:
        """Return the schemas of the first items, and of those after them."""
        schema: dict[str, Json] = part.schema  # type: ignore[assignment]
        document = self._document
        word = "items" if type(schema.get("items")) is list else "prefixItems"
        first: list[Part] = []
        if word in schema and (document.old == (word == "items")):
            first = document.subparts(part, word)
        rest = "additionalItems" if word == "items" else "items"
        if rest not in schema and "unevaluatedItems" in schema:
            rest = "unevaluatedItems"
        return first, document.part(f"{part.at}/{rest}") if rest in schema else None

    def _contained(self, part: Part) -> Part:
        return self._document.part(f"{part.at}/contains")

    def _refuse_few(
        self, facts: Facts, low: int, rows: Sequence[tuple[list[Part], Part | None]]
    ) -> None:
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

    def _objects(self, facts: Facts, parts: list[Part]) -> Writer:
        facts.refuse_crossed("minProperties", "maxProperties")
        _refuse_above(facts, "minProperties", MAX_PROPERTIES)
        low, high = facts.bound("minProperties", 0), facts.bound("maxProperties", UNBOUNDED)
        _require_dependents(facts)
        schemas = [part for part in parts if type(part.schema) is dict]
        properties = self._properties(facts, schemas)
        required = len(facts.required)
        if required > high:
            bound = facts.bounds["maxProperties"]
            raise unsatisfiable("maxProperties", bound.at, f"{required} properties are required")
        rules = _Rules(self, self._document, schemas)
        free = rules.open()
        usual = USUAL_NAMES if free is not None and not properties and rules.is_map else 0
        if free is None and low > len(properties):
            bound = facts.bounds["minProperties"]
            raise unsatisfiable("minProperties", bound.at, "no more properties may be")
        if not properties and free is not None and not rules.is_map:
            usual = 1 + (low == 0)
        return Objects(properties, low, high, parts[0].at, facts.dependents, free, usual)

    def _properties(self, facts: Facts, schemas: list[Part]) -> list[Property]:
        named = dict.fromkeys(
            name
            for part in schemas
            for name in part.schema.get("properties", ())  # type: ignore[union-attr]
        )
        rules = _Rules(self, self._document, schemas)
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

    def node_now(self, parts: Sequence[Part]) -> Node:
        """Return the node of *parts*, measured."""
        node = self.node(parts)
        self.settle()
        return node

    def _too_large(self, root: Node) -> SchemaRefused:
        deep = root.size[1] > MAX_HEIGHT
        node = _heaviest(root)
        word, at = node.key.rpartition("/")[2], node.key
        for writer in node.writers:
            if isinstance(writer, Arrays) and writer.low > 1:
                word, at = "minItems", f"{node.key}/minItems"
            elif isinstance(writer, Strings) and writer.low > 1:
                word, at = "minLength", f"{node.key}/minLength"
        why = (
            f"the smallest answer is deeper than {MAX_HEIGHT} levels"
            if deep
            else f"the smallest answer is larger than {MAX_WEIGHT} values"
        )
        return unsupported(word if word != "#" else "schema", at, why)


class _Rules:
    """What an object's schemas say of a property, by its name."""

    def __init__(self, graph: Graph, document: Document, schemas: list[Part]) -> None:
        self._graph = graph
        self._rows = [
            (
                document.named(part, "properties"),
                self._patterns(document, part),
                _rest(document, part),
            )
            for part in schemas
        ]
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
        return None if any(part.schema is False for part in found) else found

    def node_of(self, name: str) -> Node | None:
        """Return the node of the property *name*, unmeasured; None where it may not be."""
        parts = self.parts_of(name)
        return None if parts is None else self._graph.node(parts)

    def measured(self, name: str) -> Node | None:
        """Return the node of the property *name*, measured; None where it may not be."""
        parts = self.parts_of(name)
        return None if parts is None else self._graph.node_now(parts)

    def open(self) -> Open | None:
        """Say how properties are named that the schema does not name; None where none may be."""
        rests = [rest for _, _, rest in self._rows if rest is not None]
        patterned = [one for _, patterns, _ in self._rows for one in patterns]
        names: list[Node] = []
        if self._names:
            names = [self._graph.node(self._names)]
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
        return Open(names, self.measured, self._graph.node(within))


def _rest(document: Document, part: Part) -> Part | None:
    for word in ("additionalProperties", "unevaluatedProperties"):
        if word in part.schema:  # type: ignore[operator]
            return document.part(f"{part.at}/{word}")
    return None


def _matches(pattern: str, part: Part, name: str) -> bool:
    try:
        return matcher(pattern)(name)
    except ValueError as error:
        word = "patternProperties"
        raise malformed(word, part.at, f"{pattern[:80]!r} is not a pattern") from error


def _name_node(pattern: str, part: Part) -> Node:
    """Return what writes names that have *pattern*."""
    shape = _shape(pattern, part.at)
    node = Node(part.at, [Strings(low=1, high=MAX_LENGTH, shapes=(shape,), at=part.at)])
    node.measure()
    return node


def _shape(pattern: str, at: str) -> Shape:
    try:
        parsed = parse_pattern(pattern)
    except BadPattern as error:
        refuse = unsupported if error.known else malformed
        raise refuse("pattern", at, f"{error!s}, in {pattern[:80]!r}") from error
    if not parsed.sure:
        need_checker("pattern", at)
        try:
            matcher(pattern)
        except ValueError as error:
            raise unsupported(
                "pattern", at, f"the validator does not take {pattern[:80]!r}"
            ) from error
    return Shape(parsed, pattern, at)


def _strings(facts: Facts, at: str) -> Writer:
    facts.refuse_crossed("minLength", "maxLength")
    _refuse_above(facts, "minLength", MAX_LENGTH)
    low, high = facts.bound("minLength", 0), facts.bound("maxLength", UNBOUNDED)
    shapes = [_shape(pattern, where) for pattern, where in facts.patterns]
    formats = [one for one in facts.formats if one[0] in FORMATS]
    if len(shapes) > 1:
        need_checker("pattern", shapes[1].at)
    if len({name for name, _ in formats}) > 1 or (formats and shapes):
        need_checker("format", formats[-1][1])
    for shape in shapes:
        _refuse_length(shape, low, high)
    examples = [
        one for one in facts.examples if type(one) is str and one and low <= len(one) <= high
    ]
    return Strings(
        low,
        high,
        shapes,
        formats[0][0] if formats else None,
        at,
        kind_of(facts.title) or kind_said(facts.description),
        tuple(examples),
        tuple(name for name, _ in formats[1:]),
    )


def _refuse_length(shape: Shape, low: int, high: int) -> None:
    least, most = shape.pattern.lengths(low, high)
    if shape.pattern.low > MAX_LENGTH:
        raise unsupported("pattern", shape.at, f"asks for more than {MAX_LENGTH} characters")
    if least > most and shape.pattern.sure:
        raise unsatisfiable("pattern", shape.at, "no string that has it is of the length asked for")


def _numbers(facts: Facts, at: str, *, whole: bool) -> Writer:
    span = facts.span(whole=whole)
    refuse_empty_span(facts, span)
    examples = [
        one
        for one in facts.examples
        if type(one) in {int, float} and math.isfinite(one) and span.holds(one)
    ]
    low = facts.ranges.get("low") or facts.ranges.get("high")
    where = facts.steps[0][1] if facts.steps else low[2] if low else f"{at}/type"
    return Numbers(span, where, tuple(examples), facts.title)


def _refuse_above(facts: Facts, word: str, most: int) -> None:
    if facts.bound(word, 0) > most:
        at = facts.bounds[word].at
        raise unsupported(word, at, f"more than {most:,}")


def _least_of(part: Part) -> int:
    least = int(part.schema.get("minContains", 1))  # type: ignore[union-attr]
    if least > MAX_ITEMS:
        raise unsupported("minContains", f"{part.at}/minContains", f"more than {MAX_ITEMS:,}")
    return least


def _number_of_values(part: Part) -> int | None:
    schema = part.schema
    if type(schema) is not dict:
        return None
    if "enum" in schema:
        return len({identity(one) for one in schema["enum"]})
    return (
        {"boolean": 2, "null": 1}.get(schema["type"]) if type(schema.get("type")) is str else None
    )


def _require_dependents(facts: Facts) -> None:
    """What a required property depends on is required."""
    waiting = list(facts.required)
    while waiting:
        name = waiting.pop()
        for other in facts.dependents.get(name, ()):
            if other not in facts.required:
                facts.required[other] = facts.required[name]
                waiting.append(other)


def _says_nothing(parts: Iterable[Part]) -> bool:
    return all(
        type(part.schema) is bool or part.schema.keys() <= ANNOTATIONS | {"$ref", "allOf"}
        for part in parts
    )


def _type_of(value: Json) -> str:
    if type(value) is float and value.is_integer():
        return "integer"
    return _TYPES[type(value)]


_TYPES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    float: "number",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}


def _hard(refusals: list[SchemaRefused]) -> bool:
    return any(one.kind == "malformed" for one in refusals)


def _reason(root: Node) -> SchemaRefused:
    """Say why no value is finite: the first contradiction on the way, or recursion without end."""
    node: Node | None = root
    seen: list[Node] = []
    while node is not None and node not in seen:
        if node.refusal is not None:
            return node.refusal
        seen.append(node)
        blamed = [writer.blame() for writer in node.writers]
        node = next((one for one in blamed if one is not None and one.size == NEVER), None)
    at = next((one.key for one in reversed(seen)), "#")
    why = "every value would have to hold another like itself, without end"
    return unsatisfiable("$ref" if at != "#" else "required", at, why)


def _heaviest(root: Node) -> Node:
    """Find the node that makes the smallest answer as large as it is."""
    node = root
    for _ in range(MAX_HEIGHT):
        within = [one for writer in node.writers if (one := writer.blame()) is not None]
        if not within or any(isinstance(one, Arrays) and one.low > MANY for one in node.writers):
            break
        node = max(within, key=lambda one: one.size)
    return node
