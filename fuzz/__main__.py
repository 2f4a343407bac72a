"""Fuzz one target for some seconds: `python -m fuzz TARGET [SECONDS]`.

Inputs that reach new branches are kept in `build/fuzz/TARGET` and are where the next run begins,
beside the corpus of `tests/hostile`. What fails is written to `build/fuzz`; give the file in place
of the seconds to see it again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import atheris

from fuzz.mutations import mutate, mutate_line

with atheris.instrument_imports(include=["aihub", "h11"]):
    from fuzz import targets, vendors

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "fuzz"
SECONDS = 60
LONGEST = 4096
"""Bytes of an input: what takes more is the corpus's to show."""

LONGEST_NAME = 64
"""Characters of a field that is put into bodies: the corpus has absurd ones."""

TIMEOUT = 10
"""Seconds for one input, beyond which it is a hang: they take milliseconds."""


def corpus() -> ModuleType:
    """Return the corpus of the tests, which are not a package."""
    path = ROOT / "tests" / "hostile" / "corpus.py"
    spec = spec_from_file_location("corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["corpus"] = module
    spec.loader.exec_module(module)
    return module


def seeds(name: str) -> list[bytes]:
    """Return where fuzzing begins."""
    cases = [case.data for case in corpus().ALL]
    if name == "framing":
        return [bytes([how]) + data for data in cases for how in (0, 1, 14)]
    if name == "vendors":
        return vendors.seeds()
    bodies = {data.partition(b"\r\n\r\n")[2] for data in cases}
    decoders = range(len(targets.DECODERS))
    return [bytes([which]) + body for body in sorted(bodies) for which in decoders]


def mutator(
    change_json: Callable[[bytes, tuple[str, ...], int], bytes | None],
) -> Callable[[bytes, int, int], bytes]:
    """Return what changes an input: mostly the values in it, sometimes its bytes."""
    faults = corpus().FAULTS.values()
    names = tuple(
        sorted({field for place in faults for field, *_ in place if len(field) < LONGEST_NAME})
    )
    names += ("role", "content", "type", "text", "tool_calls", "tool_call_id", "function")
    names += ("parts", "index", "delta", "usage", "error", "input", "finish_reason", "choices")

    def change(data: bytes, most: int, seed: int) -> bytes:
        changed = change_json(data, names, seed) if seed % 8 else None
        if changed is None or len(changed) > most:
            return bytes(atheris.Mutate(data, most))
        return changed

    return change


def main(name: str, seconds: str = str(SECONDS)) -> None:
    """Fuzz until the time is over or something fails; does not return."""
    found = BUILD / name
    found.mkdir(parents=True, exist_ok=True)
    if seconds.isdigit():
        for n, seed in enumerate(seeds(name)):
            if len(seed) <= LONGEST:
                (found / f"seed-{n}").write_bytes(seed)
        limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={TIMEOUT}"]
        told = [*limits, f"-artifact_prefix={BUILD}/{name}-", "-print_final_stats=1", str(found)]
    else:
        told = [seconds]
    change = {"decoders": mutate, "vendors": mutate_line}.get(name)
    more = {"custom_mutator": mutator(change)} if change else {}
    atheris.Setup([sys.argv[0], *told], targets.TARGETS[name], **more)
    atheris.Fuzz()


main(*sys.argv[1:])
