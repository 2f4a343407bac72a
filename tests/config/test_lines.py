"""On which line a key stands: held to the standard library's reading of generated documents."""

import json
import re
import tomllib
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from aihub.config.file.lines import find_lines

NAMES = st.text(st.sampled_from("ab_-1 .#=[]{}\"'\\é\n"), min_size=1, max_size=4)
LEAVES = st.sampled_from(["int", "text", "literal", "many", "many literal", "date", "bool"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
TABLES = st.recursive(
    st.dictionaries(NAMES, VALUES, max_size=3),
    lambda inner: st.dictionaries(NAMES, inner | st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)


class Writer:
    """Writes documents in all the ways that TOML has; each leaf has a number of its own in it."""

    def __init__(self, draw):
        self.draw = draw
        self.numbers = count(1000)
        self.lines = []

    def flip(self):
        return self.draw(st.booleans())

    def key(self, name):
        if re.fullmatch(r"[A-Za-z0-9_-]+", name) and self.flip():
            return name
        if not set(name) & set("'\n") and self.flip():
            return f"'{name}'"
        return json.dumps(name, ensure_ascii=False)

    def leaf(self, kind):
        number = next(self.numbers)
        return {
            "int": f"{number}",
            "text": f'"{number} \\" # ] }} \\\\"',
            "literal": f"'{number} \\ # [ '",
            "many": f'"""{number} ""\n[x]\nk = 1 \\""" \\\\""""',
            "many literal": f"'''{number} ''\n# ]\n\\''''",
            "date": f"1979-05-27 07:32:00.{number}",
            "bool": f"{'true' if number % 2 else 'false'} # {number}\n",
        }[kind]

    def value(self, value, inline=False):
        if isinstance(value, str):
            if inline and value == "bool":
                value = "int"  # its comment would end the line
            return self.leaf(value)
        if isinstance(value, dict):
            pairs = [f"{self.key(name)} = {self.value(one, True)}" for name, one in value.items()]
            return f"{{ {', '.join(pairs)} }}"
        gap = " # a, [\n" if self.flip() and not inline else " "
        return f"[{gap}{''.join(f'{self.value(one, True)},{gap}' for one in value)}]"

    def table(self, table, path):
        later = []
        for name, value in table.items():
            if isinstance(value, (dict, list)) and value and self.flip():
                later.append((name, value))
            elif isinstance(value, dict) and value and self.flip():
                for inner, one in value.items():
                    dotted = f"{self.key(name)} . {self.key(inner)}"
                    self.lines.append(f"{dotted} = {self.value(one)}")
            else:
                self.lines.append(f"  {self.key(name)}= {self.value(value)}")
        for name, value in later:
            self.header(name, value, path)

    def header(self, name, value, path):
        own = [*path, self.key(name)]
        if isinstance(value, dict):
            self.lines.append(f"# c\n[ {' . '.join(own)} ] # ]")
            self.table(value, own)
        elif all(isinstance(one, dict) for one in value):
            for one in value:
                self.lines.append(f"[[{'.'.join(own)}]]\n")
                self.table(one, own)
        elif not path:
            # A plain key after a header would be the header's.
            self.lines.insert(0, f"{own[0]} = {self.value(value)}")


def leaves(value, path=()):
    """Yield each leaf and its path."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, (*path, name))
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield from leaves(one, (*path, n))
    else:
        yield path, value


def paths(value, path=()):
    """Return every path that leads somewhere."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    found = set()
    for key, one in inside:
        found.add((*path, key))
        if isinstance(one, (dict, list)):
            found |= paths(one, (*path, key))
    return found


@given(st.data(), TABLES)
def test_every_path_is_found_on_the_line_where_it_begins(data, table):
    """The paths are those that the standard library reads, and each leaf's line has its number."""
    writer = Writer(data.draw)
    writer.table(table, [])
    text = "\n".join(writer.lines)
    read = tomllib.loads(text)

    found = find_lines(text)

    assert set(found) == paths(read)
    written = text.split("\n")
    for path, value in leaves(read):
        said = f".{value.microsecond:06d}"[:5] if hasattr(value, "microsecond") else str(value)
        number = re.search(r"\d{4}", said)
        line = written[found[path] - 1]
        assert (number[0] if number else str(value).lower()) in line, (path, line)


def test_a_header_of_an_array_leads_to_its_last_table():
    """Each `[[x]]` is a further item, and `[x.y]` stands in the latest."""
    text = "[[a]]\nx = 1\n[a.b]\ny = 2\n[[a]]\n[[a.c]]\n[a.c.d]\nz = 3\n"

    found = find_lines(text)

    assert found["a", 0, "b", "y"] == 4
    assert found["a", 1, "c", 0, "d", "z"] == 8
    assert found["a", 1] == 5
    assert found["a",] == 1


def test_a_table_that_is_named_after_its_parts_stands_where_it_is_named():
    """`[a.b]` before `[a]`: what is missing in `a` is told at its own header."""
    assert find_lines("[a.b]\nx = 1\n[a]\ny = 2\n")["a",] == 3
