"""The documentation names everything that it should, and says of it what is true.

What Sphinx finds by itself (a link to nothing, a name that is not there) is left to it, and whether
the examples run to `nox -s docs`.
"""

import ast
import inspect
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import attrs
import pytest

import ai_hub
import aihub
import aihub.testing
from aihub import errors, protocols
from aihub.client import errors as client_errors
from aihub.config import Settings
from aihub.model.ledger import Attempt, AttemptOutcome, LedgerRow, LostPolicy, State
from aihub.server.problems import _FRAMING, STATUS
from aihub.server.routes import ROUTES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = Path(inspect.getfile(aihub)).parent

# Pages that are for everybody.
FOR_ALL = {"index.md", "contributing.md", "changelog.md"}
DRIVER = {f"aihub.server.{name}" for name in ("trio_h11", "trio_server", "workers")}

SECTION = re.compile(r"^#{2,3} (?P<title>.+)$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
BOUND = re.compile(r"`(aihub\.[\w.]+)\.([A-Z_]+)` = ([\d.]+)")


def page(name):
    return (DOCS / name).read_text()


def sections(name):
    """Return a page's sections by the names in their headings; a heading may have several."""
    text = page(name)
    found = list(SECTION.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return {
        quoted: text[match.end() : end]
        for match, end in zip(found, ends, strict=True)
        for quoted in QUOTED.findall(match["title"])
    }


def rows(text):
    """Return the cells of every table row, headers left out."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def rows_of_numbers(text):
    """Return status and code of every row that begins with a status."""
    return set(re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text, re.MULTILINE))


def first_column(text):
    return [name for cells in rows(text) for name in QUOTED.findall(cells[0])]


def part(text, start, end="\n## "):
    """Return what stands between a heading and the next."""
    return text.partition(start)[2].partition(end)[0]


def error_classes():
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    return [one for one in classes if issubclass(one, errors.HubError)]


def words(text):
    """Return text without line breaks and quotation marks of Markdown."""
    return " ".join(text.replace("\n>", "\n").split())


@pytest.mark.parametrize(
    "path", [path for path in sorted(DOCS.rglob("*.md")) if path.name not in FOR_ALL]
)
def test_each_page_says_first_who_it_is_for(path):
    """The first sentence after the title names the reader."""
    assert path.read_text().split("\n\n")[1].startswith("This page is for you who")


# Errors


def test_every_error_has_a_section():
    """Each class of the tree has its heading and its docstring; nothing else has."""
    described = sections("reference/errors.md")

    assert set(described) == {one.__name__ for one in error_classes()}
    for name, text in described.items():
        assert f".. autoclass:: aihub.errors.{name}\n" in text


def test_the_table_of_errors_is_the_servers():
    """Status, type and retryability are those of the code, in its order."""
    told = [
        (name.strip("`"), int(status), kind.strip("`"), retryable == "yes")
        for name, status, kind, _, retryable in rows(page("reference/errors.md"))
    ]

    assert told == [
        (one.__name__, status, kind, one.retryable) for one, (status, kind) in STATUS.items()
    ]


def test_the_table_of_errors_has_every_code():
    """A class with one code shows it, one with several shows all of them."""
    told = {
        cells[0].strip("`"): QUOTED.findall(cells[3]) for cells in rows(page("reference/errors.md"))
    }
    several = {
        "AuthenticationFailed": get_args(errors.AuthFault),
        "OverLimit": get_args(errors.LimitName),
        "ModelNotFound": [errors.ModelNotFound("m").code],
        "RequestExceedsPlan": [errors.RequestExceedsPlan(2, 1).code],
        "ContextLengthExceeded": [errors.ContextLengthExceeded(2, 1).code],
        "NotFound": [errors.NotFound("model", "m").code, errors.NotFound("session", "s").code],
    }
    for one in error_classes():
        codes = several.get(one.__name__, [one.code])
        assert set(codes) <= set(told[one.__name__]), one


def test_the_tree_of_errors_is_the_modules():
    """The drawing in the page is the one in the module's docstring."""
    drawn = [line.strip() for line in inspect.getdoc(errors).splitlines() if "─" in line]

    assert drawn
    assert [line for line in page("reference/errors.md").splitlines() if "─" in line] == drawn


# Names


def test_every_public_name_has_a_heading():
    """What can be imported from `aihub` is in the reference."""
    assert set(aihub.__all__) <= set(sections("reference/api.md"))


def test_every_name_of_the_sdk_has_a_heading():
    """What can be imported from `ai_hub` is on its page, and nothing else is."""
    described = set(sections("reference/sdk.md"))

    assert described == set(ai_hub.__all__)


def test_the_tree_of_the_sdks_errors_is_the_modules():
    """The drawing in the page is the one in the module's docstring."""
    drawn = [line.strip() for line in inspect.getdoc(client_errors).splitlines() if "─" in line]

    assert drawn
    told = page("reference/sdk.md").splitlines()
    assert [line.strip() for line in told if "─" in line] == drawn


def test_the_bounds_of_the_sdk_are_true():
    """Each constant that its page names is there and has that value; none is missing."""
    told = BOUND.findall(page("reference/sdk.md"))
    assert_bounds(told)
    is_bound = re.compile(r"MAX_\w+|[A-Z]\w*_(LIMIT|TIMEOUT)")
    elsewhere = BOUND.findall(page("reference/terminal.md"))
    named = {(module, name) for module, name, _ in (*told, *elsewhere)}

    assert [
        one for one in constants("client") if is_bound.fullmatch(one[1]) and one not in named
    ] == []


def test_everything_for_tests_has_a_heading():
    """What can be imported from `aihub.testing` is in the reference."""
    public = {
        name
        for name, value in vars(aihub.testing).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert set(sections("reference/testing.md")) - {"aihub.testing"} == public


def test_every_setting_has_a_heading():
    """Each field of `Settings` is explained, and nothing that is none."""
    assert set(sections("reference/config.md")) == {one.name for one in attrs.fields(Settings)}


def test_every_policy_and_lost_row_is_explained():
    """What a lost request may be charged is a table, one row a policy."""
    table = part(page("explanation/limits-and-money.md"), "### Lost requests")

    assert set(first_column(table)) == set(get_args(LostPolicy))


def test_every_protocol_and_method_is_in_the_reference():
    """Each protocol has a heading, and its methods' docstrings are shown under it."""
    described = sections("reference/protocols.md")
    defined = {
        name: value
        for name, value in vars(protocols).items()
        if getattr(value, "_is_protocol", False) and value.__module__ == protocols.__name__
    }

    assert len(defined) > 10
    for name, value in defined.items():
        assert f".. autoclass:: aihub.protocols.{name}\n" in described[name]
        methods = [
            method
            for method in vars(value).values()
            if inspect.isfunction(method) and not method.__name__.startswith("_")
        ]
        assert all(method.__doc__ for method in methods), name
        assert not methods or ":members:" in described[name], name


# Command line and HTTP


def test_every_option_has_a_heading_and_its_help():
    """The page of the command line has each option of `aihub-serve` and repeats its help."""
    click = pytest.importorskip("click")
    from aihub.cli import serve

    described = sections("reference/cli.md")
    options = {
        max(option.opts, key=len): option.help for option in serve.get_params(click.Context(serve))
    }

    assert set(described) == set(options)
    for name, text in options.items():
        assert words(text) in words(described[name]), name


EVERYWHERE = {"url", "key", "store", "account", "as_json"}


def commands(group, before="aihub "):
    """Yield every command of a group and of those in it, with its whole name."""
    click = pytest.importorskip("click")
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_every_command_is_in_the_page_of_the_terminal():
    """Each has a heading, what it does, and a row for each option that is its own."""
    pytest.importorskip("click")
    from aihub.cli import main, serve

    described = sections("reference/terminal.md")
    known = dict(commands(main))
    assert set(described) == set(known)
    for name, command in known.items():
        assert words(command.help.split("\n\n")[0]) in words(described[name]), name
        options = [one for one in command.params if one.param_type_name == "option"]
        own = [one for one in options if one.name not in EVERYWHERE and command is not serve]
        told = {cells[0].split("`")[-2]: cells[1] for cells in rows(described[name])}
        assert told == {max([*one.opts, *one.secondary_opts], key=len): one.help for one in own}, (
            name
        )


def test_options_of_every_command_are_in_the_page_of_the_terminal():
    """Once, with their help."""
    pytest.importorskip("click")
    from aihub.cli import main

    table = part(page("reference/terminal.md"), "## Where a command asks")
    told = {cells[0].strip("`"): cells[1] for cells in rows(table)}
    for name, command in commands(main):
        for one in command.params:
            if one.name in EVERYWHERE and name != "aihub serve":
                assert one.help.lower() in told[one.opts[0]].lower(), name


def test_the_bounds_of_the_terminal_are_true():
    """Each constant that its page names is there and has that value."""
    pytest.importorskip("click")
    assert_bounds(BOUND.findall(page("reference/terminal.md")))


def test_every_endpoint_is_in_the_table():
    """Method, path and scope of each route are told."""
    table = part(page("reference/http.md"), "## Endpoints")

    assert [tuple(cell.strip("`") for cell in cells[:3]) for cells in rows(table)] == [
        (route.method, route.path, route.scope or "") for route in ROUTES
    ]


def test_every_code_of_https_own_is_in_the_table():
    """What the server says without an error class behind it is listed with its status."""
    table = rows_of_numbers(part(page("reference/http.md"), "## Errors"))
    written = set()
    for path in (PACKAGE / "server").rglob("*.py"):
        written |= set(re.findall(r'\bcode="(\w+)"', path.read_text()))

    framing = {(str(status), code) for status, (_, code) in _FRAMING.items()}
    assert framing <= table
    assert written <= {code for _, code in table}


# Layers, states, bounds


def test_every_layer_exists_and_every_module_is_in_one():
    """The table of layers names the packages that there are, no fewer and no more."""
    table = part(page("explanation/architecture.md"), "## Layers")
    named = first_column(table)
    modules = {
        f"aihub.{path.stem}"
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists())
        and not path.name.startswith("__")
    }

    assert set(named) == modules
    assert all(find_spec(name) for name in named)


def test_the_diagram_of_states_has_the_states():
    """Drawing, table and code know the same states."""
    text = part(page("reference/ledger.md"), "## States")
    drawn = set(re.findall(r"\[(\w+)\]", text.split("```")[1]))

    assert drawn == set(get_args(State))
    assert set(first_column(text)) == set(get_args(State))


def test_every_column_of_the_ledger_is_explained():
    """Rows and attempts have the columns that the page says, and the outcomes."""
    text = page("reference/ledger.md")
    row = first_column(part(text, "## Columns of a request"))
    attempt = first_column(part(text, "## Columns of an attempt"))

    assert sorted(row) == sorted(one.name for one in attrs.fields(LedgerRow))
    outcomes = get_args(AttemptOutcome)
    assert sorted(attempt) == sorted([*(one.name for one in attrs.fields(Attempt)), *outcomes])


def bounds():
    return BOUND.findall(page("explanation/abuse-table.md"))


def assert_bounds(told):
    assert told
    for module, name, value in told:
        assert str(getattr(import_module(module), name)) == value, f"{module}.{name}"


def test_the_bounds_in_the_abuse_table_are_true():
    """Each constant that the table names is there and has that value."""
    assert_bounds([bound for bound in bounds() if bound[0] not in DRIVER])


def test_the_drivers_bounds_in_the_abuse_table_are_true():
    """The same for the driver, which needs trio and h11."""
    pytest.importorskip("trio")
    pytest.importorskip("h11")
    assert_bounds([bound for bound in bounds() if bound[0] in DRIVER])


def constants(folder):
    """Yield module and name of each constant in a package, without importing it."""
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            for target in targets:
                if isinstance(target, ast.Name):
                    yield module, target.id


@pytest.mark.parametrize("folder", ["server", "hub", "dialects"])
def test_no_bound_is_missing_in_the_abuse_table(folder):
    """What is called a maximum, limit or timeout where requests arrive is in the table."""
    is_bound = re.compile(r"MAX_\w+|[A-Z]\w*_(LIMIT|TIMEOUT)")
    named = {(module, name) for module, name, _ in bounds()}

    assert [
        one for one in constants(folder) if is_bound.fullmatch(one[1]) and one not in named
    ] == []


# The configuration file


def keys_of_the_file():
    """Every table of `aihub.toml` and its keys, as they are read."""
    from aihub.config.file import providers, routing, tables
    from aihub.config.file.reading import top_keys
    from aihub.config.file.secrets import SECRET_KEYS, Sources

    sources = Sources({}, ROOT)
    known = {
        "Secrets": SECRET_KEYS,
        "[server]": tables.server_keys(sources),
        "[[server.keys]]": tables.KEY_KEYS,
        "[hub]": tables.hub_keys(sources),
        "[transport]": providers.transport_keys(sources),
        "[providers.NAME]": providers.provider_keys(sources),
        "[providers.NAME.aws]": providers.aws_keys(sources),
        "[models.NAME]": routing.MODEL_KEYS,
        "[[models.NAME.deployments]]": routing.DEPLOYMENT_KEYS,
        "[models.NAME.deployments.drain]": routing.DRAIN_KEYS,
        "[routing]": routing.ROUTING_KEYS,
        "[routing.retries]": routing.RETRY_KEYS,
        "[routing.breaker]": routing.BREAKER_KEYS,
        "[aliases]": (),
        "[catalogue]": routing.catalogue_keys(sources),
        "[regions]": (),
        "[[plans]]": tables.PLAN_KEYS,
    }
    tops = {re.match(r"\[+(\w+)", name)[1] for name in known if name != "Secrets"}
    assert tops == set(top_keys(sources))
    return known


def test_every_key_of_the_file_is_explained():
    """Each table has its section, and each key its row, in the order of the code."""
    pytest.importorskip("trio")
    text = page("reference/config-file.md")
    headings = [match["title"].strip("`") for match in SECTION.finditer(text)]
    known = keys_of_the_file()

    assert set(headings) == set(known)
    for name, keys in known.items():
        heading = f"## {name}\n" if name == "Secrets" else f"## `{name}`\n"
        assert first_column(part(text, heading)) == list(keys), name


def test_the_bounds_of_the_file_are_true():
    """Each constant that its page names is there and has that value."""
    assert_bounds(BOUND.findall(page("reference/config-file.md")))
