"""What is checked, and how. `nox` alone runs what CI runs; `nox -s quick` is for between edits.

Every session installs its tools from requirements/dev.txt, so that a check fails because of a
change here and not because of a release elsewhere. `nox -s lift` renews that file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
LOCK = "requirements/dev.txt"
LOWEST = "requirements/lowest.txt"
CLIENTS = "requirements/clients.txt"
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")

# Minor versions of Python 3 to look for. 20 lies far beyond any release; a miss costs nothing.
MINORS = range(11, 20)
# A shim answers in well under a second; one that hangs is no interpreter for us.
PROBE_SECONDS = 10
# Tests wait for processes and sockets as much as they compute, so there is one more at once than
# there are cores: on two that takes a tenth off. More than four starve the servers that they start.
AT_ONCE = ("-n", str(min(4, (os.cpu_count() or 1) + 1)), "--dist=worksteal")
# `core`, `dialects` and `errors` decide; a branch of theirs that no test takes is a fault.
FULLY_COVERED = "aihub/core/*,aihub/dialects/*,aihub/errors.py"


def _runs(command: str, version: str) -> bool:
    """Say whether *command* is a working Python of *version*: a pyenv shim may not be."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [command, "-c", code], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.stdout.strip() == version


def _find_pythons() -> list[str]:
    """List the installed versions, oldest first, and make each findable on the PATH.

    A pyenv shim of a version that is not switched on fails when it is run, and hides nothing
    better: the real interpreter's folder then goes in front of it.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for minor in MINORS:
        name = f"python3.{minor}"
        on_path = shutil.which(name)
        if on_path is None or not _runs(on_path, f"3.{minor}"):
            real = next((p for p in sorted(pyenv.glob(f"*/bin/{name}")) if p.exists()), None)
            if real is None or not _runs(str(real), f"3.{minor}"):
                continue
            os.environ["PATH"] = f"{real.parent}{os.pathsep}{os.environ['PATH']}"
        found.append(f"3.{minor}")
    # One that has no name of its own on the PATH is still the one that runs this.
    return found or [f"3.{sys.version_info.minor}"]


PYTHONS = _find_pythons()
OLDEST = PYTHONS[0]

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True
# The cheap ones first. `tests` runs the oldest Python last, the one that measures coverage.
nox.options.sessions = [
    "lint",
    "docs",
    "no_extras",
    "lowest",
    "contract",
    "agents",
    "clients",
    "sdks",
    "pages",
    "fuzz",
    "soak_start",
    "tests",
]


def _install(session: nox.Session, *groups: str, extras: str = "[all]") -> None:
    """Install this project, editable, and the tools of *groups* at their pinned versions."""
    tools = nox.project.dependency_groups(PROJECT, *groups)
    session.install("-c", LOCK, "-e", f".{extras}", *tools)


def _check_statically(session: nox.Session) -> None:
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", *_existing("aihub", "ai_hub", "typing_tests"))
    session.run("lint-imports", "--no-cache")
    session.run("interrogate", "tests", "aihub/testing")


def _existing(*paths: str) -> list[str]:
    return [path for path in paths if (ROOT / path).exists()]


@nox.session(python=OLDEST, reuse_venv=True)
def quick(session: nox.Session) -> None:
    """Check and test on one Python and both event loops, without what is slow."""
    _install(session, "lint", "test", "frameworks")
    _check_statically(session)
    timing = ["--durations=10", "--durations-min=0.25"]
    fast = ["-m", "not slow", "--hypothesis-profile=quick"]
    session.run("pytest", *AT_ONCE, *fast, *timing, *session.posargs)


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Check style, types, import directions and docstrings."""
    _install(session, "lint", "test")
    _check_statically(session)


@nox.session(python=PYTHONS[::-1])
def tests(session: nox.Session) -> None:
    """Run the suite on each installed Python; on the oldest, measure its coverage.

    What hypothesis finds hardly depends on the Python: it looks far on the oldest alone. What is
    slow, which are whole processes mostly, runs on the oldest and the newest.
    """
    _install(session, "test", "frameworks")
    profile = "ci" if session.python == OLDEST else "quick"
    pytest = ["pytest", *AT_ONCE, f"--hypothesis-profile={profile}", *session.posargs]
    if session.python not in {OLDEST, PYTHONS[-1]}:
        pytest += ["-m", "not slow"]
    if session.python != OLDEST:
        session.run(*pytest)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", *pytest)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", f"--include={FULLY_COVERED}", "--fail-under=100")
    session.run("coverage", "report")


@nox.session(python=OLDEST)
def no_extras(session: nox.Session) -> None:
    """Run what needs no extra, against a built wheel. Files that need one skip themselves."""
    tools = nox.project.dependency_groups(PROJECT, "test-base")
    session.install("-c", LOCK, ".", *tools)
    session.run(
        "pytest",
        *("--hypothesis-profile=quick", "-m", "not slow"),
        *session.posargs,
        env={"EXTRAS": "none"},
    )


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """Run the suite on the lowest versions that pyproject.toml allows."""
    tools = nox.project.dependency_groups(PROJECT, "test")
    session.install("-c", LOWEST, "-e", ".[all]", *tools)
    fast = ["-m", "not slow", "--hypothesis-profile=quick"]
    session.run("pytest", *AT_ONCE, *fast, *session.posargs)


@nox.session(python=OLDEST, reuse_venv=True)
def docs(session: nox.Session) -> None:
    """Build the documentation without a warning and run every example in it."""
    _install(session, "docs", "examples", "test-base")
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-E", "docs", "build/docs")
    session.run("pytest", "--doctest-modules", "aihub", "ai_hub")
    session.run("pytest", *_existing("README.md"), "docs")


@nox.session(python=OLDEST, reuse_venv=True)
def contract(session: nox.Session) -> None:
    """Make a client of the OpenAPI document, and let schemathesis ask what it says and what not."""
    _install(session, "contract")
    session.run("python", "tools/generated.py")
    session.run("python", "tools/contract.py", *session.posargs)


@nox.session(python=OLDEST, reuse_venv=True)
def agents(session: nox.Session) -> None:
    """Let frameworks for agents run their loops against a real server."""
    _install(session, "agents", "test")
    session.run("pytest", *(session.posargs or ["tests/agents"]))


@nox.session(python=OLDEST, reuse_venv=True)
def clients(session: nox.Session) -> None:
    """Let other people's clients, in Python and in Node, ask a real server."""
    tools = nox.project.dependency_groups(PROJECT, "clients", "test-base")
    # Some of them want older versions than we do of what both have.
    session.install("-c", CLIENTS, "-e", ".[server]", *tools)
    session.run("pytest", *(session.posargs or ["tests/clients"]))


@nox.session(python=OLDEST, reuse_venv=True)
def sdks(session: nox.Session) -> None:
    """Try the SDKs in other languages: vectors, their own tests, programs at a real server."""
    tools = nox.project.dependency_groups(PROJECT, "test-base")
    session.install("-c", LOCK, "-e", ".[server]", *tools)
    session.run("pytest", *(session.posargs or ["tests/sdks"]), env={"AIHUB_SDKS": "1"})


@nox.session(python=OLDEST, reuse_venv=True)
def pages(session: nox.Session) -> None:
    """Use the pages as people do, in a real browser."""
    tools = nox.project.dependency_groups(PROJECT, "browser", "test-base")
    session.install("-c", LOCK, "-e", ".[server]", *tools)
    session.run("pytest", *(session.posargs or ["tests/pages"]))


@nox.session(python=OLDEST, reuse_venv=True)
def soak(session: nox.Session) -> None:
    """Mixed traffic for 30 minutes: memory and descriptors flat, ledger and answers the same."""
    _install(session, "test-base")
    session.run("python", "-m", "bench.soak", *(session.posargs or ["--minutes", "30"]))


@nox.session(python=OLDEST, reuse_venv=True)
def soak_start(session: nox.Session) -> None:
    """Run the first five minutes of the soak."""
    _install(session, "test-base")
    session.run("python", "-m", "bench.soak", "--minutes", "5")


@nox.session(python=OLDEST, reuse_venv=True)
def bench(session: nox.Session) -> None:
    """Compare with the bare ceiling, side by side; nothing passes or fails on time."""
    _install(session, "browser", "test-base")
    session.run("python", "-m", "bench", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "bench.storing")
        session.run("python", "-m", "bench.pages")


@nox.session(python=OLDEST, reuse_venv=True)
def fuzz(session: nox.Session) -> None:
    """Fuzz each target for as many seconds as are given, 20 by default (Linux)."""
    if sys.platform != "linux":
        session.skip("atheris has wheels for Linux alone")
    _install(session, "fuzz")
    for target in ("decoders", "vendors", "framing"):
        session.run("python", "-m", "fuzz", target, *(session.posargs or ["20"]))


@nox.session(python=OLDEST, reuse_venv=True)
def llama(session: nox.Session) -> None:
    """Ask llama.cpp's own server by two lines of configuration; give a GGUF, or one is made."""
    if shutil.which("c++") is None:
        session.skip("llama-cpp-python has no wheels: it needs a C++ compiler, which is not here")
    _install(session, "llama", extras="[server]")
    session.run("python", "tools/llama.py", *session.posargs)


@nox.session(python=OLDEST, reuse_venv=True)
def catalogue(session: nox.Session) -> None:
    """Make the model catalogue anew from its sources."""
    _install(session, "data")
    session.run("python", "tools/make_catalogue.py", *session.posargs)


@nox.session(python=OLDEST, reuse_venv=True)
def languages(session: nox.Session) -> None:
    """Read the texts of errors and pages out of the sources, and compile their translations."""
    _install(session, "words")
    session.run("python", "tools/languages.py")


@nox.session(python=OLDEST, reuse_venv=True)
def ranks(session: nox.Session) -> None:
    """Make the vendored token ranks anew."""
    _install(session, "data")
    session.run("python", "tools/make_ranks.py", *session.posargs)


@nox.session(python=OLDEST, reuse_venv=True)
def lift(session: nox.Session) -> None:
    """Raise the pinned tools to the newest versions, and work out the lowest anew."""
    session.install("-c", LOCK, "uv")
    plain = ["--universal", "--python-version=3.11", "--no-header", "--no-annotate"]
    compiled = ["uv", "pip", "compile", "--quiet", *plain, "--no-emit-index-url"]
    session.run(*compiled, "--upgrade", "pyproject.toml", "--all-extras", "--group=dev", "-o", LOCK)
    pins = Path(session.create_tmp()) / "tools.in"
    pins.write_text("\n".join(_pinned(nox.project.dependency_groups(PROJECT, "test"))) + "\n")
    others = Path(session.create_tmp()) / "clients.in"
    others.write_text("\n".join(nox.project.dependency_groups(PROJECT, "clients", "test-base")))
    ours = ["pyproject.toml", "--extra=server"]
    session.run(*compiled, "--upgrade", *ours, str(others), "-o", CLIENTS)
    low = ["--resolution=lowest-direct", "--upgrade", "-o", LOWEST]
    session.run(*compiled, *low, "pyproject.toml", "--all-extras", str(pins))


def _pinned(names: list[str]) -> list[str]:
    """Give *names* as the lock pins them: for tools, lowest would only mean oldest.

    What is also a dependency of ours is left to its lower bound.
    """
    extras = PROJECT["project"]["optional-dependencies"].values()
    ours = {requirement.partition(">=")[0] for extra in extras for requirement in extra}
    lines = (ROOT / LOCK).read_text().splitlines()
    return [line for line in lines if line.split("==")[0] in set(names) - ours]
