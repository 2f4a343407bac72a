"""Runs the examples of the README and of the documentation (`nox -s docs`)."""

from __future__ import annotations

try:
    from sybil import Sybil
    from sybil.parsers.myst import DocTestDirectiveParser, PythonCodeBlockParser, SkipParser
except ImportError:  # The suite itself does without.
    pass
else:
    pytest_collect_file = Sybil(
        parsers=[DocTestDirectiveParser(), PythonCodeBlockParser(), SkipParser()],
        patterns=["README.md", "docs/**/*.md"],
        excludes=["docs/changelog.md"],
    ).pytest()
