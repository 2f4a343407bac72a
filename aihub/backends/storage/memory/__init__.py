"""Everything in this process: the reference for what a store means."""

from .store import MAX_ROWS as MAX_ROWS
from .store import MemoryStore as MemoryStore
