"""How Sphinx builds the documentation."""

from __future__ import annotations

import logging
import subprocess
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
MARKER = "<!-- towncrier release notes start -->\n"

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
    (r"py:.*", r"(collections|contextlib|datetime|decimal|enum|pathlib|types|typing)\..*"),
    (r"py:(class|exc|obj)", r"[a-z]+|[A-Z]\w*(Error|Exception|Group)"),
    # Aliases of plain types, which autodoc writes without their module.
    (r"py:class", r"(Json|Micros|Pico|Any|Literal.*|TypeAlias|Path|Decimal)"),
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


def setup(app: Sphinx) -> None:
    """Connect what makes the page of changes, and quiet one warning."""
    logging.getLogger("sphinx.sphinx.directives.other").addFilter(_is_no_empty_glob)
    app.connect("source-read", _show_changes)
