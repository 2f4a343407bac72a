"""The clients: `AIHubClient` and `AsyncAIHubClient`.

Theory of operation. What a call asks is a `Job` (`jobs`); what is sent, what an answer means and
whether it is asked again decides its `Talk` (`talk`), which waits for nothing; streams are read by
a `ChatReader` (`streaming`). All of that is the same for both, and pure. What differs is how one
waits: `blocking` and `awaiting` carry a call to its end, over httpx2 (`carrying`).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio

from ..model.upstream import Timeouts
from ..protocols import Clock
from .awaiting import AsyncLine
from .awaiting_calls import (
    AsyncAccounts,
    AsyncBudgets,
    AsyncChat,
    AsyncKeys,
    AsyncModels,
    AsyncPlans,
    AsyncSessions,
    AsyncUsage,
)
from .blocking import Line
from .blocking_calls import Accounts, Budgets, Chat, Keys, Models, Plans, Sessions, Usage
from .common import make_common
from .values import RateLimit

if TYPE_CHECKING:
    import httpx2


class AIHubClient:
    """Ask a server of AI Hub's, without an event loop.

    ::

        client = AIHubClient(api_key="...")
        answer = client.chat.create(model="gpt-4", messages=[{"role": "user", "content": "Hello!"}])

    Threads may share one. It keeps connections until `close`, or the end of its context. A process
    that forks makes its clients afterwards.

    Args:
        api_key: by default `AIHUB_API_KEY`; never shown.
        base_url: by default `AIHUB_BASE_URL`, and without that the region's.
        region: `global`, `us-east`, `eu` or `ap-southeast`: whose base URL it is.
        timeout: seconds for a whole call, or `Timeouts` for each of its phases.
        max_retries: how often a call is asked again where something passing went wrong.
        headers: further ones for each request.
        http_client: httpx2's, for proxies and certificates of one's own, or a hub in process; it is
            not closed with this client.
        clock: what time it is.
        chance: a number from 0 to 1, drawn anew for each wait.
        sleep: how to wait.

    Raises:
        ConfigurationError: one of them cannot be; the text begins with its name.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        region: str | None = None,
        timeout: float | Timeouts | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: httpx2.Client | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        common = make_common(
            api_key=api_key,
            base_url=base_url,
            region=region,
            timeout=timeout,
            max_retries=max_retries,
            headers=headers,
            clock=clock,
            chance=chance,
        )
        from .carrying import BlockingTransport, make_http_client

        http = make_http_client(common.settings.base_url) if http_client is None else http_client
        owned = http if http_client is None else None
        self._begin(Line(common, BlockingTransport(http), sleep), owned)

    def _begin(self, line: Line, owned: httpx2.Client | None) -> None:
        self._line = line
        self._owned = owned
        self.chat = Chat(line)
        self.models = Models(line)
        self.usage = Usage(line)
        self.sessions = Sessions(line)
        self.keys = Keys(line)
        self.accounts = Accounts(line)
        self.plans = Plans(line)
        self.budgets = Budgets(line)

    @property
    def last_rate_limit(self) -> RateLimit | None:
        """How the limit stood by the last answer that said so, whichever thread's."""
        return self._line.common.seen.rate_limit

    @property
    def base_url(self) -> str:
        """Where it asks."""
        return self._line.common.settings.base_url

    def with_options(
        self,
        *,
        timeout: float | Timeouts | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AIHubClient:
        """Return a client with other options on the same connections, which stay this one's.

        Raises:
            ConfigurationError: one of them cannot be.
        """
        line = self._line
        other = object.__new__(type(self))
        common = line.common.changed(timeout, max_retries, headers)
        other._begin(Line(common, line.transport, line.sleep), None)
        return other

    def close(self) -> None:
        """Close its connections."""
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Show where it asks, and no key."""
        return f"{type(self).__name__}(base_url={self.base_url!r})"


class AsyncAIHubClient:
    """Ask a server of AI Hub's, on trio or asyncio.

    ::

        async with AsyncAIHubClient(api_key="...") as client:
            answer = await client.chat.create(
                model="gpt-4", messages=[{"role": "user", "content": "Hello!"}]
            )

    Its connections belong to the event loop that asks, and are kept until `aclose`, or the end of
    its context. A call that is cancelled frees its connection at once, and the server stops.

    Args:
        api_key: as `AIHubClient`, and so are all that are not named here.
        http_client: httpx2's asynchronous one; it is not closed with this client.
        sleep: how to wait; a coroutine function.

    Raises:
        ConfigurationError: one of them cannot be; the text begins with its name.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        region: str | None = None,
        timeout: float | Timeouts | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: httpx2.AsyncClient | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        common = make_common(
            api_key=api_key,
            base_url=base_url,
            region=region,
            timeout=timeout,
            max_retries=max_retries,
            headers=headers,
            clock=clock,
            chance=chance,
        )
        from .carrying import ClientTransport, make_transport

        carrying = make_transport() if http_client is None else ClientTransport(http_client)
        self._begin(AsyncLine(common, carrying, sleep), is_owner=True)

    def _begin(self, line: AsyncLine, *, is_owner: bool) -> None:
        self._line = line
        self._is_owner = is_owner
        self.chat = AsyncChat(line)
        self.models = AsyncModels(line)
        self.usage = AsyncUsage(line)
        self.sessions = AsyncSessions(line)
        self.keys = AsyncKeys(line)
        self.accounts = AsyncAccounts(line)
        self.plans = AsyncPlans(line)
        self.budgets = AsyncBudgets(line)

    @property
    def last_rate_limit(self) -> RateLimit | None:
        """How the limit stood by the last answer that said so, whichever call's."""
        return self._line.common.seen.rate_limit

    @property
    def base_url(self) -> str:
        """Where it asks."""
        return self._line.common.settings.base_url

    def with_options(
        self,
        *,
        timeout: float | Timeouts | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncAIHubClient:
        """Return a client with other options on the same connections, which stay this one's.

        Raises:
            ConfigurationError: one of them cannot be.
        """
        line = self._line
        other = object.__new__(type(self))
        common = line.common.changed(timeout, max_retries, headers)
        other._begin(AsyncLine(common, line.transport, line.sleep), is_owner=False)
        return other

    async def aclose(self) -> None:
        """Close its connections."""
        if self._is_owner:
            await self._line.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        """Show where it asks, and no key."""
        return f"{type(self).__name__}(base_url={self.base_url!r})"
