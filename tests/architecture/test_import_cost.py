"""`import aihub` is cheap: it loads what is named here and does nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# What a bare interpreter has not loaded and `import aihub` may: nothing of other people's.
# lint-imports holds the directions inside; this holds the cost.
ALLOWED_PACKAGES = {"aihub"}

LIST_LOADED = """
import json, sys
before = set(sys.modules)
import aihub
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded_by_import() -> list[str]:
    """List the modules that `import aihub` adds to a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", LIST_LOADED], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_import_loads_only_itself_and_the_standard_library():
    """No dependency, optional or not, is loaded before it is used."""
    packages = {name.partition(".")[0] for name in loaded_by_import()}
    assert packages - set(sys.stdlib_module_names) <= ALLOWED_PACKAGES


def test_import_loads_no_event_loop():
    """Neither asyncio nor sockets are paid for by a program that only imports."""
    assert not {"asyncio", "socket", "ssl", "sqlite3"} & set(loaded_by_import())


def test_import_prints_and_warns_nothing():
    """Importing is silent, even with every warning on."""
    command = [sys.executable, "-W", "error", "-c", "import aihub"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_public_name_is_there():
    """What `__all__` promises can be imported, however lazily."""
    command = [sys.executable, "-c", "import aihub; [getattr(aihub, n) for n in aihub.__all__]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_server_loads_a_vendors_dialect_when_somebody_speaks_it():
    """It is there at once, and mostly one dialect is spoken to it."""
    pytest.importorskip("orjson")
    code = "import sys, aihub.server.app; print(sorted(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "aihub.dialects.openai_chat" in told.stdout
    for name in ("anthropic", "gemini", "bedrock", "openai_embeddings", "openai_completions"):
        assert f"aihub.dialects.{name}" not in told.stdout
