"""Compiles a document into a graph of nodes: the slow work, done once for each schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

import attrs

from .....model.units import Json
from .arrays import Arrays
from .checking import Checker, need_checker
from .document import Document, Part, keyword_of
from .exclusive import gather
from .facts import Branch, Facts, first_refusal, fold
from .free import FreeValues
from .leaves import make_numbers, make_strings
from .making_arrays import make_arrays
from .making_objects import make_objects
from .nodes import NEVER, Node, Nodes, OneOf, Writer
from .objects import Objects
from .pen import MAX_HEIGHT
from .refusal import SchemaRefused, unsatisfiable, unsupported
from .scalars import Booleans, Constants, Null
from .strings import Strings

MAX_NODES = 10_000
"""Sets of schemas that hold together: as many as there may be schemas."""

MAX_COMBINATIONS = 300
"""Of those, the ones that come from several `anyOf` and the like for one value: they multiply."""

MAX_WEIGHT = 12_000
"""Values that the smallest answer may have, strings counted by their length: some 30 ms."""

MANY = 100
"""Items that are blamed for the size of an answer before what they hold is."""

ANNOTATIONS = frozenset(
    """
    title description default examples $comment deprecated readOnly writeOnly $schema $defs
    definitions $anchor nullable $id contentEncoding contentMediaType contentSchema $vocabulary
    """.split()  # noqa: SIM905 - a list of so many is read better so
)
_GATHERED = frozenset(("$ref", "allOf"))
_CONSTANT = frozenset(("enum", "const", "type"))
_DECIDED = frozenset(("anyOf", "oneOf"))


@attrs.frozen(eq=False)
class _Place:
    """What is known of a node before it is filled in.

    Attributes:
        parts: the schemas that hold together, a branch's among them.
        decided: the choices that were made on the way.
        origin: the schemas without those of branches: what a value is held to in the end.
    """

    parts: list[Part]
    decided: frozenset[str]
    origin: list[Part]


class Graph:
    """The nodes of a document, made as they are needed."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._nodes: dict[object, Node] = {}
        self._waiting: list[tuple[Node, _Place]] = []
        self._checkers: dict[frozenset[str], Checker] = {}
        self._combined = 0
        # A kept template may write in several threads, and names of its own make new nodes.
        self._lock = Lock()

    def compile(self) -> Node:
        """Return the node of the whole schema.

        Raises:
            SchemaRefused: nothing fits it, or what fits is too large.
        """
        root = self.measured([self.document.root])
        if root.size == NEVER:
            raise _reason(root, self.document)
        if root.size[0] > MAX_WEIGHT or root.size[1] > MAX_HEIGHT:
            raise _too_large(root)
        return root

    def node(self, parts: Iterable[Part]) -> Node:
        """Return the node of *parts* together; it is measured by the next `settle`."""
        together = gather(self.document, parts)
        return self._node(_Place(together, frozenset(), together))

    def measured(self, parts: Iterable[Part]) -> Node:
        """Return the node of *parts*, measured."""
        with self._lock:
            node = self.node(parts)
            self._settle()
        return node

    def _node(self, place: _Place) -> Node:
        key = (_ats(place.parts), place.decided, _ats(place.origin) if place.decided else None)
        node = self._nodes.get(key)
        if node is None:
            at = place.parts[0].at if place.parts else "#"
            self._combined += len(place.decided) > 1
            if len(self._nodes) >= MAX_NODES or self._combined > MAX_COMBINATIONS:
                raise unsupported(keyword_of(at), at, "too many combinations of schemas")
            node = self._nodes[key] = Node(at)
            self._waiting.append((node, place))
        return node

    def _settle(self) -> None:
        """Fill in what is waiting, and measure it until nothing changes."""
        new: list[Node] = []
        while self._waiting:
            node, place = self._waiting.pop()
            new.append(node)
            try:
                self._fill(node, place)
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

    def _fill(self, node: Node, place: _Place) -> None:
        facts = fold(self.document, place.parts, place.decided)
        if facts.options is not None:
            node.writers.append(self._constants(facts, place))
        elif facts.branches:
            node.writers.append(self._branches(facts.branches[0], place))
        else:
            self._fill_plain(node, facts, place)

    def _fill_plain(self, node: Node, facts: Facts, place: _Place) -> None:
        if facts.unsure is not None:
            need_checker(*facts.unsure)
            node.make_checker = lambda: self._checker(place.origin)
        if _words(place.parts) <= ANNOTATIONS | _GATHERED:
            node.writers.append(FreeValues(self.document.root in place.parts))
        else:
            self._fill_types(node, facts, place.parts)
        node.is_null = len(node.writers) == 1 and type(node.writers[0]) is Null

    def _fill_types(self, node: Node, facts: Facts, parts: list[Part]) -> None:
        refusals: list[SchemaRefused] = []
        for type_ in facts.types:
            if type_ == "integer" and "number" in facts.types:
                continue
            try:
                node.writers.append(_MAKERS[type_](self, facts, parts))
            except SchemaRefused as refusal:
                refusals.append(refusal)
        hard = [one for one in refusals if one.kind == "malformed"]
        if hard or not node.writers:
            raise first_refusal(hard or refusals)
        # Null last: what may be missing is there.
        node.writers.sort(key=lambda one: type(one) is Null)

    def _constants(self, facts: Facts, place: _Place) -> Writer:
        word, at = facts.options_at
        options = [one for one in facts.options or [] if _type_of(one) in facts.types]
        beside = _words(place.parts) - ANNOTATIONS - _GATHERED - _CONSTANT
        if beside - _DECIDED or facts.branches or facts.unsure is not None:
            need_checker(word, at)
            checker = self._checker(place.origin)
            options = [one for one in options if checker.fits(one)]
        if not options:
            raise unsatisfiable(word, at, "none of its values fits what is said beside it")
        return Constants(tuple(options))

    def _branches(self, branch: Branch, place: _Place) -> Writer:
        decided = place.decided | {branch.id}
        options = [
            self._node(
                _Place(gather(self.document, [*place.parts, *option]), decided, place.origin)
            )
            for option in branch.options
        ]
        return OneOf(options, branch.id)

    def _checker(self, parts: list[Part]) -> Checker:
        """Return what checks values of *parts*: made when first needed, and shared by branches."""
        key = _ats(parts)
        if key not in self._checkers:
            self._checkers[key] = Checker(self.document, parts)
        return self._checkers[key]


_MAKERS: dict[str, Callable[[Nodes, Facts, list[Part]], Writer]] = {
    "object": make_objects,
    "array": make_arrays,
    "string": lambda _, facts, parts: make_strings(facts, parts[0].at),
    "number": lambda _, facts, parts: make_numbers(facts, parts[0].at, whole=False),
    "integer": lambda _, facts, parts: make_numbers(facts, parts[0].at, whole=True),
    "boolean": lambda *_: Booleans(),
    "null": lambda *_: Null(),
}

_TYPES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    float: "number",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}


def _type_of(value: Json) -> str:
    if type(value) is float and value.is_integer():
        return "integer"
    return _TYPES[type(value)]


def _ats(parts: Iterable[Part]) -> frozenset[str]:
    return frozenset([part.at for part in parts])


def _words(parts: Iterable[Part]) -> set[str]:
    return {word for part in parts if type(part.schema) is dict for word in part.schema}


def _reason(root: Node, document: Document) -> SchemaRefused:
    """Say why no value is finite: the first contradiction on the way, or recursion without end."""
    node: Node | None = root
    seen: list[Node] = []
    while node is not None and node not in seen:
        if node.refusal is not None:
            return node.refusal
        seen.append(node)
        blamed = [writer.blame() for writer in node.writers]
        node = next((one for one in blamed if one is not None and one.size == NEVER), None)
    if any(isinstance(one, Objects) and one.low for one in seen[-1].writers):
        at = f"{seen[-1].key}/minProperties"
        return unsatisfiable("minProperties", at, "not as many properties have a value")
    why = "every value would have to hold another like itself, without end"
    for one in reversed(seen):
        if document.target(document.part(one.key)) is not None:
            return unsatisfiable("$ref", f"{one.key}/$ref", why)
    return unsatisfiable(keyword_of(root.key), root.key, why)


def _too_large(root: Node) -> SchemaRefused:
    node = _heaviest(root)
    word, at = keyword_of(node.key), node.key
    for writer in node.writers:
        if isinstance(writer, Arrays) and writer.low > 1:
            word, at = "minItems", f"{node.key}/minItems"
        elif isinstance(writer, Strings) and writer.low > 1:
            word, at = "minLength", f"{node.key}/minLength"
    if root.size[1] > MAX_HEIGHT:
        why = f"the smallest answer is deeper than {MAX_HEIGHT} levels"
    else:
        why = f"the smallest answer is larger than {MAX_WEIGHT:,} values"
    return unsupported(word, at, why)


def _heaviest(root: Node) -> Node:
    """Find the node that makes the smallest answer as large as it is."""
    node = root
    for _ in range(MAX_HEIGHT):
        within = [one for writer in node.writers if (one := writer.blame()) is not None]
        if not within or any(isinstance(one, Arrays) and one.low > MANY for one in node.writers):
            break
        node = max(within, key=lambda one: one.size)
    return node
