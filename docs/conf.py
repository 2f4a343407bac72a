"""How Sphinx builds the documentation."""

from __future__ import annotations

import logging
import subprocess
from importlib.metadata import version as installed_version
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import aihub.errors

ROOT = Path(__file__).parent.parent
MARKER = "<!-- towncrier release notes start -->\n"
HIDDEN_COLON = "\ue000"  # a private character, in no docstring

project = "aihub"
author = "the aihub developers"
copyright = "2026, the aihub developers"
release = installed_version("ai-hub")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "aihub"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
# Headings can be linked to down to this depth, in the README too.
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_numpy_docstring = False

nitpicky = True
nitpick_ignore_regex = [
    # Names of other people's: no inventory is fetched, so that a build needs no network.
    (r"py:.*", r"(anyio|attr|attrs|cattrs|click|h11|httpx2|orjson|trio)\..*"),
    # The standard library, for the same reason.
    (r"py:.*", r"(collections|contextlib|datetime|decimal|enum|os|pathlib|ssl|types|typing)\..*"),
    (r"py:(class|exc|obj)", r"[a-z]+|[A-Z]\w*(Error|Exception|Group)"),
    # Aliases of plain types, which autodoc writes without their module.
    # And what is imported for type checkers alone, since it is loaded where it is used.
    (
        r"py:class",
        r"(Config|Cors|Json|Micros|ModuleType|Opens|Pico|Any|Literal.*|LostPolicy|TypeAlias|Path|Decimal)",
    ),
    (
        r"py:class",
        r"(Abstract)?(Async)?(ContextManager|Iterator|Iterable|Callable|Sequence|Mapping)",
    ),
]


def _is_no_empty_glob(record: logging.LogRecord) -> bool:
    """Let everything pass but this: a part of the documentation may have no page yet.

    Sphinx gives the warning no type, so that `suppress_warnings` cannot name it.
    """
    return "glob pattern" not in str(record.msg)


def _show_changes(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Show CHANGELOG.md with, at its top, what towncrier would say of the fragments now."""
    if docname != "changelog":
        return
    draft = subprocess.run(
        ["towncrier", "build", "--draft", "--version", "Unreleased", "--date", "not yet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    source[0] = (ROOT / "CHANGELOG.md").read_text().replace(MARKER, draft.stdout)


def _find_error(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Resolve an error by its name alone, as docstrings write it."""
    name = node["reftarget"]
    if node.get("refdomain") != "py" or not hasattr(aihub.errors, name):
        return None
    domain = env.get_domain("py")
    here = node["refdoc"]
    return domain.resolve_xref(
        env, here, app.builder, "class", f"aihub.errors.{name}", node, content
    )


def _hide_colon(
    _app: Sphinx, what: str, _name: str, _value: object, _options: object, lines: list[str]
) -> None:
    """Keep napoleon from taking an attribute's first words, up to a colon, for its type."""
    if what in {"attribute", "data", "property"} and lines:
        lines[0] = lines[0].replace(":", HIDDEN_COLON)


def _show_colon(
    _app: Sphinx, _what: str, _name: str, _value: object, _options: object, lines: list[str]
) -> None:
    """Put back what `_hide_colon` hid."""
    lines[:] = [line.replace(HIDDEN_COLON, ":") for line in lines]


def setup(app: Sphinx) -> None:
    """Connect what makes the page of changes, finds errors, and quiets one warning."""
    logging.getLogger("sphinx.sphinx.directives.other").addFilter(_is_no_empty_glob)
    app.connect("source-read", _show_changes)
    app.connect("missing-reference", _find_error)
    # Before and after napoleon, which has the usual priority of 500.
    app.connect("autodoc-process-docstring", _hide_colon, priority=100)
    app.connect("autodoc-process-docstring", _show_colon, priority=900)
