"""The page that tells how to set frameworks up says so rightly."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs/howto/test-your-app.md"
SECONDS = 60
SECTION = PAGE.read_text().partition("## With agent frameworks")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split()[1])
def test_an_example_runs(server, example, tmp_path):
    """With the server's own address and key, it prints an answer about the weather."""
    here = example.replace("http://127.0.0.1:8484", server.url).replace("aihub-dev-key", "test")
    assert server.url in here
    file = tmp_path / "example.py"
    file.write_text(here)

    done = subprocess.run(
        [sys.executable, str(file)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=os.environ | {"LANGSMITH_TRACING": "false"},
    )

    assert done.returncode == 0, done.stderr
    assert "Paris" in done.stdout


def test_each_framework_has_an_example():
    """So that none is left out of what runs."""
    assert len(EXAMPLES) == 3
