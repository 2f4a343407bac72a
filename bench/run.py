"""Compares aihub with the ceiling, side by side in one run.

Rounds alternate between the two, so that whatever else the machine does falls on both. Each figure
is the median of its rounds; each ratio is the median of the ratios within a round. Nothing passes
or fails here: times belong to a machine, and the ratios are for people to judge.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from compileall import compile_dir
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from .load import DEADLINE_SECONDS
from .relaying import open_relays
from .servers import (
    AIHUB,
    CEILING,
    PLAIN,
    TARGETS,
    Server,
    StartError,
    Target,
    on_engine,
    open_server,
)
from .servers import seconds_to_first_answer as first_answer
from .table import show

RESULTS = Path(__file__).parent / "results"

# Medians of five shrug off two disturbed rounds.
ROUNDS = 5
# Few enough answers to look whether everything works, not to learn from.
QUICK_SHARE = 20
IMPORT_RUNS = 15
CHUNKS = 100


@dataclass(frozen=True)
class Scenario:
    """A load, with enough answers that the clock's 10 ms ticks do not show."""

    name: str
    connections: int
    answers: int
    chunks: int = 0
    memory: bool = False


ENGINES = ("granian", "uvicorn")
ENGINE_SCENARIOS = [
    Scenario("whole, 1 connection", 1, 4_000),
    Scenario("whole, 32 connections", 32, 8_000),
    Scenario("50 streams of 100 chunks", 50, 500, CHUNKS),
]

RELAYED = [
    Scenario("whole, 1 connection", 1, 2_000),
    Scenario("whole, 32 connections", 32, 4_000),
    Scenario("whole, 256 connections", 256, 4_000),
    Scenario("50 streams of 100 chunks", 50, 500, CHUNKS),
    Scenario("500 streams of 100 chunks", 500, 500, CHUNKS),
]

SCENARIOS = [
    Scenario("whole, 1 connection", 1, 8_000),
    Scenario("whole, 32 connections", 32, 12_000),
    Scenario("whole, 256 connections", 256, 12_000),
    Scenario("50 streams of 100 chunks", 50, 1_000, CHUNKS),
    # Streams long enough under way together that memory shows what each of them holds.
    Scenario("500 streams of 100 chunks", 500, 1_500, CHUNKS, memory=True),
]


@dataclass(frozen=True)
class Row:
    """One line of the result."""

    group: str
    name: str
    unit: str
    subject: float | None
    ceiling: float | None
    ratio: float | None


Pairs = list[tuple[float, float]]


def make_row(group: str, name: str, unit: str, pairs: Pairs) -> Row:
    """Give the medians of what was measured in pairs (subject, ceiling)."""
    if not pairs:
        return Row(group, name, unit, None, None, None)
    ratios = [subject / ceiling for subject, ceiling in pairs if ceiling]
    return Row(
        group,
        name,
        unit,
        round(median(subject for subject, _ in pairs), 3),
        round(median(ceiling for _, ceiling in pairs), 3),
        round(median(ratios), 2) if ratios else None,
    )


# What is read from a round of load: name, unit, and where it stands.
Reading = tuple[str, str, Callable[[dict[str, Any]], float | None]]
WHOLE_READINGS: list[Reading] = [
    ("processor time an answer", "us", lambda r: r["server_cpu_us"]),
    ("answers a second", "1/s", lambda r: r["answers_per_second"]),
    ("latency p50", "ms", lambda r: r["latency_ms"]["p50"]),
    ("latency p95", "ms", lambda r: r["latency_ms"]["p95"]),
    ("latency p99", "ms", lambda r: r["latency_ms"]["p99"]),
]
STREAM_READINGS: list[Reading] = [
    (
        "processor time a chunk",
        "us",
        lambda r: r["server_cpu_us"] and r["server_cpu_us"] * r["answers"] / r["chunks"],
    ),
    ("chunks a second", "1/s", lambda r: r["chunks_per_second"]),
    ("first chunk p50", "ms", lambda r: r["first_ms"]["p50"]),
    ("first chunk p99", "ms", lambda r: r["first_ms"]["p99"]),
    ("whole stream p50", "ms", lambda r: r["latency_ms"]["p50"]),
]


class Bench:
    """One run: a subject, the ceiling, and what was found."""

    def __init__(self, subject: Target, *, rounds: int, share: int, peers: bool = False) -> None:
        self._subject = subject
        self._rounds = rounds
        self._share = share
        self._peers = peers
        self.rows: list[Row] = []
        self.faults: list[str] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Measure everything, quietest first."""
        self._compare_imports()
        self._call_in_process()
        self._write_by_schema()
        self._ask_the_mock()
        self._carry()
        self._ask_by_the_sdk()
        self._compare_starts()
        with ExitStack() as stack:
            subject = stack.enter_context(open_server(self._subject))
            ceiling = stack.enter_context(open_server(CEILING))
            for server in (subject, ceiling):
                server.ask_once()
            for scenario in SCENARIOS:
                self._compare_load(scenario, subject, ceiling)
        self.engines()
        self.relay()

    def engines_and_sdk(self) -> None:
        """Measure what there is beside our own driver."""
        self._ask_by_the_sdk()
        self.engines()

    def engines(self) -> None:
        """Measure the ASGI application on each engine that is installed, beside our own driver."""
        for name in ENGINES:
            if find_spec(name) is None:
                self.notes.append(f"{name} is not installed: pip install {name}")
                continue
            with open_server(on_engine(name)) as engine, open_server(AIHUB) as own:
                for server in (engine, own):
                    server.ask_once()
                for scenario in ENGINE_SCENARIOS:
                    renamed = replace(scenario, name=f"{engine.target.name}: {scenario.name}")
                    self._compare_load(renamed, engine, own)

    def relay(self) -> None:
        """Measure what a gateway adds to a call of a provider's, beside the provider alone."""
        with open_relays(peers=self._peers) as (upstream, gateways, missing):
            self.notes += missing
            for scenario in RELAYED:
                for gateway in gateways:
                    # A peer may take ten times as long.
                    fewer = 1 if gateway.target.name.startswith("aihub") else 10
                    answers = max(scenario.answers // fewer, scenario.connections)
                    name = f"{gateway.target.name}: {scenario.name}"
                    renamed = replace(scenario, name=name, answers=answers)
                    self._compare_load(renamed, gateway, upstream)

    def _compare_imports(self) -> None:
        pairs = []
        for _ in range(max(IMPORT_RUNS // self._share, 2)):
            bare, importing = python_ms("pass"), python_ms("import aihub")
            pairs.append((importing, bare))
        self.rows.append(make_row("import aihub", "processor, beside bare python", "ms", pairs))

    def _call_in_process(self) -> None:
        calls = max(4_000 // self._share, 100)
        for loop in ("trio", "asyncio"):
            command = ["bench.inprocess", "--calls", str(calls), "--loop", loop]
            middle = self._processor_us(command)
            self.rows.append(Row("call in process", f"processor, {loop}", "us", middle, None, None))

    def _write_by_schema(self) -> None:
        calls = max(5_000 // self._share, 100)
        middle = self._processor_us(["bench.writing", "--calls", str(calls)])
        name = "processor, JSON by a usual schema"
        self.rows.append(Row("mock", name, "us", middle, None, None))

    def _ask_the_mock(self) -> None:
        """Tell what of a request is the mock's own, beside what the hub takes altogether."""
        calls = max(2_000 // self._share, 100)
        found: dict[str, Pairs] = defaultdict(list)
        for _ in range(self._rounds):
            for asked, took in self._run(["bench.mocking", "--calls", str(calls)]).items():
                found[asked].append((took["mock"], took["whole"]))
        for asked, pairs in found.items():
            name = f"processor, {asked}; beside the whole call"
            self.rows.append(make_row("mock", name, "us", pairs))

    def _carry(self) -> None:
        """Tell what a request to a provider costs by each transport, beside httpx2 alone."""
        calls = max(1_000 // self._share, 20)
        found: dict[tuple[str, str], Pairs] = defaultdict(list)
        for _ in range(self._rounds):
            for what, took in self._run(["bench.carrying", "--calls", str(calls)]).items():
                for way in ("by httpx2", "native"):
                    found[what, way].append((took[way], took["bare"]))
        for (what, way), pairs in found.items():
            name = f"processor, {what}, {way}; beside httpx2 alone"
            self.rows.append(make_row("to a provider", name, "us", pairs))

    def _ask_by_the_sdk(self) -> None:
        """Tell what a call by an SDK takes: in process, and ours, beside openai's and no hub."""
        if find_spec("openai") is None:
            self.notes.append("openai is not installed: pip install openai")
            return
        calls = max(500 // self._share, 10)
        found: dict[tuple[str, str], Pairs] = defaultdict(list)
        for _ in range(self._rounds):
            for asked, took in self._run(["bench.sdk", "--calls", str(calls)]).items():
                found["openai SDK in process", asked].append((took["hub"], took["constant"]))
                ours = took["our SDK, constant"]
                found["our SDK beside openai's, no hub", asked].append((ours, took["constant"]))
        for (which, asked), pairs in found.items():
            name = f"processor, {asked}; beside a constant answer"
            self.rows.append(make_row(which, name, "us", pairs))

    def _processor_us(self, module: list[str]) -> float | None:
        """Give the median of what a module says of itself, each time in a new process."""
        figures = [self._run(module) for _ in range(self._rounds)]
        values = [figure["cpu_us"] for figure in figures if figure]
        return round(median(values), 1) if values else None

    def _run(self, module: list[str]) -> dict[str, Any]:
        """Run a module in a new process and read what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", *module],
            capture_output=True,
            check=True,
            timeout=DEADLINE_SECONDS,
            cwd=RESULTS.parents[1],
        )
        return dict(json.loads(done.stdout))

    def _compare_starts(self) -> None:
        subject = PLAIN if self._subject is AIHUB else self._subject
        pairs = [
            (first_answer(subject) * 1000, first_answer(CEILING) * 1000)
            for _ in range(self._rounds)
        ]
        self.rows.append(make_row("start", "to the first answer", "ms", pairs))

    def _compare_load(self, scenario: Scenario, subject: Server, ceiling: Server) -> None:
        options = {
            "connections": scenario.connections,
            "answers": max(scenario.answers // self._share, scenario.connections),
            "chunks": scenario.chunks,
        }
        before = subject.memory_mib(), ceiling.memory_mib()
        found: dict[str, Pairs] = defaultdict(list)
        readings = STREAM_READINGS if scenario.chunks else WHOLE_READINGS
        for number in range(self._rounds):
            results = self._one_round(options, subject, ceiling, swapped=bool(number % 2))
            for name, _, read in readings:
                ours, theirs = read(results[0]), read(results[1])
                if ours is not None and theirs is not None:
                    found[name].append((ours, theirs))
        self.rows += [
            make_row(scenario.name, name, unit, found[name]) for name, unit, _ in readings
        ]
        if scenario.memory:
            after = subject.memory_mib(), ceiling.memory_mib()
            peak = subject.memory_mib("VmHWM"), ceiling.memory_mib("VmHWM")
            for name, pair in (("before", before), ("at its peak", peak), ("after", after)):
                self.rows.append(make_row(scenario.name, f"memory {name}", "MiB", [pair]))

    def _one_round(
        self, options: dict[str, int], subject: Server, ceiling: Server, *, swapped: bool
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Load both, the one that comes first changing from round to round."""
        order = (ceiling, subject) if swapped else (subject, ceiling)
        results: dict[int, dict[str, Any]] = {}
        for server in order:
            result = server.load(options)
            results[server.pid] = result
            if result["errors"]:
                self.faults.append(f"{server.target.name} {options}: {result['errors']}")
        return results[subject.pid], results[ceiling.pid]


def python_ms(code: str) -> float:
    """Give the processor time, in ms, of a fresh interpreter that runs *code*."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=DEADLINE_SECONDS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ((after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)) * 1000


def describe_machine() -> dict[str, object]:
    """Say what the figures belong to."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
    }


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Compare aihub with a bare server, side by side."
    )
    parser.add_argument("--subject", choices=sorted(TARGETS), default="aihub")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--relay", action="store_true", help="only what a gateway adds to a call of a provider"
    )
    parser.add_argument(
        "--engines", action="store_true", help="only the engines, and the SDK in process"
    )
    parser.add_argument(
        "--peers", action="store_true", help="other gateways too, where they are installed"
    )
    parser.add_argument("--quick", action="store_true", help="few answers: only see that it works")
    parser.add_argument("--json", type=Path, default=RESULTS / "latest.json", help="where to write")
    return parser.parse_args(arguments)


def main() -> int:
    """Run it all, print a table, write JSON. Exits with 1 if an answer was wrong."""
    options = read_options()
    # An installation has its bytecode; a checkout that is never let write any has not, and would
    # be measured compiling.
    compile_dir(RESULTS.parents[1] / "aihub", quiet=2)
    began = perf_counter()
    bench = Bench(
        TARGETS[options.subject],
        rounds=options.rounds,
        share=QUICK_SHARE if options.quick else 1,
        peers=options.peers,
    )
    try:
        if options.relay:
            bench.relay()
        elif options.engines:
            bench.engines_and_sdk()
        else:
            bench.run()
    except StartError as error:
        print(f"A server did not start: {error}", file=sys.stderr)
        return 2
    show(bench.rows, options.subject)
    for note in bench.notes:
        print(f"left out: {note}")
    for fault in bench.faults:
        print(f"wrong answers: {fault}", file=sys.stderr)
    write_json(options.json, bench, options.subject)
    print(f"{perf_counter() - began:.0f} s; written to {options.json}")
    return 1 if bench.faults else 0


def write_json(path: Path, bench: Bench, subject: str) -> None:
    """Write rows, faults and what they belong to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "subject": subject,
        "machine": describe_machine(),
        "rows": [asdict(row) for row in bench.rows],
        "faults": bench.faults,
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
