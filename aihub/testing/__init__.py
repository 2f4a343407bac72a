"""Conformance suites for what embedders write, and the clock that tests move.

A suite is a class to subclass: say how to open yours, and run it with pytest under anyio's plugin
on both event loops. Nothing here imports pytest.
"""

from ..backends.clocks import ManualClock as ManualClock
from .answers import AnswersSuite as AnswersSuite
from .drivers import DriverSuite as DriverSuite
from .embedders import CompactorSuite as CompactorSuite
from .embedders import EmbedderSuite as EmbedderSuite
from .embedders import ModeratorSuite as ModeratorSuite
from .fakes import ANSWER as ANSWER
from .fakes import ScriptedProvider as ScriptedProvider
from .fakes import open_test_hub as open_test_hub
from .providers import ProviderSuite as ProviderSuite
from .records import RecordsSuite as RecordsSuite
from .sessions import SessionsSuite as SessionsSuite
from .stores import DurableStoreSuite as DurableStoreSuite
from .stores import StoreSuite as StoreSuite
from .transports import TransportSuite as TransportSuite
from .upstreams import Asked as Asked
from .upstreams import Deed as Deed
from .upstreams import ScriptedUpstream as ScriptedUpstream
from .upstreams import open_upstream as open_upstream
