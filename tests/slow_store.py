"""A store that is slow, down or hanging, as a test wants it."""

from collections import Counter

import anyio
import anyio.lowlevel

from aihub.backends.storage.memory import MemoryStore
from aihub.errors import StoreUnavailable
from aihub.model.ledger import Settled


class SlowStore:
    """A memory store behind checkpoints, as a store with a thread or socket is; it can be down."""

    def __init__(self, clock, checkpoints=2):
        self.memory = MemoryStore(clock=clock)
        self.checkpoints = checkpoints
        self.down = set()
        self.hang = set()
        self.settlements = Counter()

    def __getattr__(self, name):
        method = getattr(self.memory, name)
        if name.endswith("_nowait"):
            raise AttributeError(name)

        async def call(*args, **kwargs):
            for _ in range(self.checkpoints):
                await anyio.lowlevel.checkpoint()
            if name in self.down:
                raise StoreUnavailable("down")
            if name in self.hang:
                await anyio.sleep_forever()
            result = await method(*args, **kwargs)
            if isinstance(result, Settled):
                self.settlements[result.id] += 1
            for _ in range(self.checkpoints):
                await anyio.lowlevel.checkpoint()
            return result

        return call
