"""A provider that answers offline, at once, and the same each time."""

from .latency import Latency as Latency
from .latency import parse_latency as parse_latency
from .provider import MockProvider as MockProvider
