"""Each backend is what its protocol says: mypy reads this file, nothing runs it.

A method that is renamed, or takes or gives something else, fails `mypy --strict` here and not in
the program of whoever relied on the protocol.
"""
# ruff: noqa: INP001 - a script for the type checker, not a package

from aihub.backends.catalogue import StaticCatalogue
from aihub.backends.clocks import ManualClock, SystemClock
from aihub.backends.ids import RandomIds, SeededIds
from aihub.backends.providers.mock import MockProvider
from aihub.backends.providers.mock.choosing import Wording
from aihub.backends.providers.mock.latency import (
    ClockWaiter,
    Constant,
    Delay,
    Lognormal,
    LoopWaiter,
    Uniform,
    Waiter,
)
from aihub.backends.providers.mock.text import Subject
from aihub.backends.storage.memory import MemoryStore
from aihub.backends.storage.sqlite import SqliteStore
from aihub.backends.tokens import CuttingCounter, EstimateCounter, TiktokenCounter, best_counter
from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.dialects import anthropic, bedrock, gemini, openai_responses
from aihub.dialects.outbound import Outbound, StreamDecoder
from aihub.protocols import (
    Admissions,
    Catalogue,
    Clock,
    Directory,
    Ids,
    ImmediateAdmissions,
    Leases,
    Provider,
    RequestChecker,
    Retention,
    Store,
    TokenCounter,
    Transport,
    UsageLog,
)
from aihub.testing import ScriptedProvider


def transports(httpx2: Httpx2Transport, native: NativeTransport) -> tuple[Transport, ...]:
    """Both transports are transports."""
    return httpx2, native


def stores(memory: MemoryStore, sqlite: SqliteStore) -> tuple[Store, ...]:
    """Both stores are stores."""
    return memory, sqlite


def admissions_that_never_wait(memory: MemoryStore) -> ImmediateAdmissions:
    """The memory store admits and settles without waiting."""
    return memory


def parts_of_a_store(store: Store) -> tuple[Admissions, Leases, Directory, UsageLog, Retention]:
    """A store is each of its five parts."""
    return store, store, store, store, store


def providers(mock: MockProvider, scripted: ScriptedProvider) -> tuple[Provider, ...]:
    """The mock and the scripted provider are providers."""
    return mock, scripted


def checkers(mock: MockProvider) -> RequestChecker:
    """The mock says beforehand what it does not do."""
    return mock


def catalogues(static: StaticCatalogue) -> Catalogue:
    """The static catalogue is one."""
    return static


def counters(
    exact: TiktokenCounter, rough: EstimateCounter
) -> tuple[tuple[TokenCounter, ...], tuple[CuttingCounter, ...]]:
    """Both counters count, and both can cut; so does whichever is best."""
    return (exact, rough, best_counter()), (exact, rough, best_counter())


def delays(
    constant: Constant, uniform: Uniform, lognormal: Lognormal
) -> tuple[Delay, Delay, Delay]:
    """The mock's distributions."""
    return constant, uniform, lognormal


def waiters(loop: LoopWaiter, clock: ClockWaiter) -> tuple[Waiter, Waiter]:
    """Both ways to let time pass."""
    return loop, clock


def wordings(subject: Subject) -> Wording:
    """What a prompt is about is where free text comes from."""
    return subject


def clocks(system: SystemClock, manual: ManualClock) -> tuple[Clock, ...]:
    """Both clocks are clocks."""
    return system, manual


def ids(random: RandomIds, seeded: SeededIds) -> tuple[Ids, ...]:
    """Both sources of ids are sources of ids."""
    return random, seeded


def dialects(
    messages: anthropic.Outbound,
    content: gemini.Outbound,
    converse: bedrock.Outbound,
    items: openai_responses.Outbound,
) -> tuple[tuple[Outbound, ...], tuple[StreamDecoder, ...]]:
    """What speaks a vendor's dialect, and what reads its streams."""
    decoders = (anthropic.StreamDecoder(), gemini.StreamDecoder(), bedrock.StreamDecoder())
    return (messages, content, converse, items), decoders
