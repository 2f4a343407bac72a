"""What the README says its first example prints is what it prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tiktoken")  # The cost it names is that of exactly counted tokens.

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.slow
def test_the_first_example_prints_what_the_readme_says():
    """A newcomer who pastes it sees that line."""
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    said = re.search(r"^It prints `(.*)`\.$", README, re.MULTILINE)[1]

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == said + "\n"
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
