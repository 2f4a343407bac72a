"""One request from admission to settlement.

Theory of operation. `begin` decides everything that can be decided without a provider and admits;
before that nothing is written and nothing is called. `events` runs attempts until one has begun to
deliver, and lets an answer's last words out only after the settlement has committed; what to try
after a failure is decided in `core.retrying`. `close` is called however the request ends and
settles what has not been: an exchange that was admitted is settled exactly once.

Longer than our files are meant to be: what admits, tries and settles a request shares one small
state, and apart nobody could see that each path ends in exactly one settlement.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from hashlib import sha256

import attrs

from ..core import asks, records
from ..core.attempts import Running, failed_outcome, is_billed
from ..core.breaker import Verdict, verdict
from ..core.repetitions import already_processed, check_key, check_repetition
from ..core.repetitions import events as told_again
from ..core.retrying import Failed, Step, beside, next_step
from ..core.routing import Place
from ..errors import (
    InvalidRequest,
    NoDeployment,
    RegionUnavailable,
    SettlementFailed,
    UpstreamCut,
    UpstreamError,
)
from ..messages import Msg
from ..model.account import Identity
from ..model.catalogue import Model
from ..model.chat import Chat, Message
from ..model.events import AtOnce, Completion, Finished, Told, UsageSeen
from ..model.ledger import (
    Admission,
    Admitted,
    Attempt,
    AttemptOutcome,
    Idempotency,
    Repeated,
    Settlement,
    State,
    WindowFull,
    WindowState,
)
from ..model.record import Record
from ..model.session import NewTurn, Origin, Session
from ..model.units import Micros
from ..model.usage import Usage
from ..protocols import Clock, Ids
from .draining import Line, Pump, Yard
from .health import Health
from .hedging import Race
from .recall import Recalled, recall
from .settling import Settler
from .setup import Setup
from .work import ChatWork, Facts, Result, Work


@attrs.define(kw_only=True)
class Options:
    """What a request says beside what it wants.

    `region` pins it: it never leaves that region. `near` is the region to prefer in place of the
    hub's home, as long as anything is served there. `labels` (at most 16) and `end_user` go to the
    ledger, for attribution. `id` is the request's, from `Hub.new_id`, where the caller must know
    it beforehand.

    `idempotency_key` (at most 255 bytes) names the request, for 24 hours and within the account:
    one that comes again under the same name is told the same answer, free of charge. `digest` is
    the SHA-256 of what was asked, by which another request under the same name is known; by default
    it is taken of what is wanted.
    """

    region: str | None = None
    near: str | None = None
    labels: Mapping[str, str] | None = None
    end_user: str | None = None
    id: str | None = None
    idempotency_key: str | None = None
    digest: bytes | None = None


NO_OPTIONS = Options()


@attrs.define(eq=False)
class Try:
    """An attempt in flight: at which place, by its number among the places, and what came."""

    number: int
    place: Place
    running: Running


@attrs.frozen
class Means:
    """What a hub gives each of its requests to work with."""

    settler: Settler
    health: Health
    clock: Clock
    ids: Ids
    sleep: Callable[[float], Awaitable[None]]
    yard: Yard


class Exchange:
    """One request of one caller. Made by the hub; `begin`, then `events`, then `close`."""

    # As each begins. They stand here because to set a dozen more costs every request.
    windows: tuple[WindowState, ...] = ()
    admitted: Micros = 0
    result: Result | None = None
    settled = False
    replayed = False
    _race: Race | None = None
    _broken = False
    _why = "The work on the response broke off."
    _ask: Admission | None = None
    _recalled: Recalled | None = None
    _said: tuple[Message, ...] = ()
    _dispatched = 0
    _begun = False

    def __init__(
        self,
        means: Means,
        setup: Setup,
        work: Work,
        identity: Identity,
        options: Options,
        *,
        session: str | None,
    ) -> None:
        self._means = means
        self._setup = setup
        self._settler = means.settler
        self._health = means.health
        self._clock = means.clock
        self.work = work
        self.session = session
        self.model = work.model
        self._identity = identity
        self._options = options
        self.id = options.id or means.ids.new("req")
        self._attempts: list[Attempt] = []
        self._failed: list[Failed] = []
        # What is in flight, and the one whose answer counts: two while one is asked beside another.
        self._tries: list[Try] = []
        self._try: Try

    # Admission

    async def begin(self) -> None:
        """Decide and admit.

        Raises:
            HubError: refused; nothing was written.
        """
        self._begun = True
        self._setup.users.count += 1
        work, identity = self.work, self._identity
        work.check()
        chat = work.chat if isinstance(work, ChatWork) else None
        if chat is not None and chat.keep is not None:
            records.check_keep(chat.keep, chat.messages)
            self._said = chat.messages
        again = None
        if self._options.idempotency_key is not None:
            again = self._idempotency(self._options.idempotency_key)
            if await self._repeats(again):
                return
        now = self._clock.now()
        recalled = None
        if chat is not None and (self.session is not None or chat.keep is not None):
            recalled = await self._recall(chat, now)
        if recalled is not None:
            self._recalled = recalled
            self.work = work = ChatWork(recalled.chat)
            self.model = work.model
        model = self._setup.model(work.model)
        home = self._setup.home(self._options.near)
        places = self._setup.places(model, work, self._region(model), home)
        if self._settler.knows_full:
            await self._settler.refuse_if_full(asks.windows(identity), now)
        prompt = recalled.prompt if recalled else await work.count(self._setup.tokens, model)
        estimate = self._settler.estimate(model.id)
        places = self._setup.ordered(places, prompt.tokens, estimate, self._health, home)
        reservation = work.reserve(
            identity, model, places.cards, prompt=prompt.tokens, estimate=estimate
        )
        self._check_open(places.all, reservation.tokens)
        ask = Admission(
            id=self.id,
            owner=self._settler.owner,
            account=identity.account.id,
            key=identity.key.id if identity.key else None,
            model=work.model,
            kind=work.kind,
            windows=asks.windows(identity, reservation.tokens),
            slots=asks.slots(identity),
            holds=asks.holds(identity, reservation.cost, now) if identity.budgets else (),
            prompt_tokens=prompt.tokens,
            prompt_cost=reservation.prompt_cost,
            reserved_tokens=reservation.tokens,
            reserved_cost=reservation.cost,
            served_model=model.id,
            planned=places.planned,
            session=self.session,
            labels=self._options.labels,
            end_user=self._options.end_user or work.user,
            idempotency=again,
        )
        result = await self._settler.admit(ask)
        if not isinstance(result, Admitted):
            if isinstance(result, Repeated):
                # Another came between the look-up and the admission.
                await self._replay(result)
                return
            if isinstance(result, WindowFull):
                self._settler.remember_full(result, now)
            raise asks.refusal(result, identity.budgets, self._clock.now())
        self._ask, self._places, self._prompt = ask, places, prompt
        self._place = places.all[0]
        self.admitted, self.windows = result.at, result.windows

    def _region(self, model: Model) -> str | None:
        """Return the region that the request must not leave: its account's, or its own wish.

        Raises:
            RegionUnavailable: the account's is another than the request's.
        """
        wanted, bound = self._options.region, self._identity.account.region
        if wanted is not None and bound is not None and wanted != bound:
            raise RegionUnavailable(wanted, model.id)
        return bound if wanted is None else wanted

    # Repetitions

    def _idempotency(self, key: str) -> Idempotency:
        check_key(key)
        digest = self._options.digest or sha256(repr(self.work).encode()).digest()
        return Idempotency(key, digest)

    async def _repeats(self, asked: Idempotency) -> bool:
        store, account = self._settler.store, self._identity.account.id
        found = await self._settler.read(lambda: store.repeated(account, asked))
        if found is None:
            return False
        await self._replay(found)
        return True

    async def _replay(self, repeated: Repeated) -> None:
        """Take the answer of a request that was the same.

        Raises:
            Conflict: it was another, is in progress, or its answer was not kept.
        """
        check_repetition(repeated)
        store, identity = self._settler.store, self._identity
        done = await self._settler.read(lambda: store.answer(identity.account.id, repeated.request))
        if done is None:
            raise already_processed(repeated)
        self.result, self.replayed = done, True
        self.admitted = done.created
        self.model = done.model
        self.windows = await self._settler.read(lambda: store.peek(asks.windows(identity)))

    @property
    def answer_id(self) -> str:
        """The id of the answer: the request's in other words, or that of the one repeated."""
        if self.replayed and self.result is not None:
            return self.result.id
        return self.work.prefix + self.id.removeprefix("req_")

    def _begins(self, chat: Chat) -> Session | None:
        """Return the session that a response that is kept begins, or goes on with in a fork."""
        if chat.keep is None or chat.keep.kind != "response":
            return None
        if chat.session is not None and chat.upto is None:
            return None
        now, origin = self._clock.now(), None
        if chat.session is not None and chat.upto is not None:
            origin = Origin(session=chat.session, turn=chat.upto)
        return Session(
            id=self._means.ids.new("ses"),
            account=self._identity.account.id,
            created=now,
            updated=now,
            model=chat.model or None,
            origin=origin,
            held=True,
        )

    async def _recall(self, chat: Chat, now: Micros) -> Recalled | None:
        """Load the conversation that a chat goes on with, or begin one that is to be kept."""
        begins = self._begins(chat)
        if begins is None and self.session is None:
            return None
        # A request that has no chance does not load a conversation.
        if self._settler.knows_full:
            await self._settler.refuse_if_full(asks.windows(self._identity), now)
        return await recall(self._setup, self._settler, chat, self._identity, begins)

    @property
    def dropped(self) -> int:
        """How many turns of its session were left out of the prompt."""
        if self.replayed and isinstance(self.result, Completion):
            return self.result.dropped
        return self._recalled.dropped if self._recalled else 0

    @property
    def prompt(self) -> int:
        """Tokens of the prompt as counted; of an answer that is told again, as they were billed."""
        if self.replayed and self.result is not None:
            return self.result.usage.prompt
        return self._prompt.tokens

    # Attempts

    async def events(self) -> AsyncGenerator[Told, None]:
        """Yield what the provider says; the last words come after the settlement.

        Raises:
            UpstreamError: no attempt succeeded; the last one's error.
            SettlementFailed: the answer could not be settled, so its end is not delivered.
        """
        if self.replayed and isinstance(self.result, Completion):
            for again in told_again(self.result):
                yield again
            return
        await self._choose_first()
        while True:
            held: list[Told] = []
            try:
                async with self._open() as events:
                    async for event in events:
                        self._try.running.see(event, self._clock.now)
                        # Ends are held back until the settlement has committed.
                        if type(event) is Finished or type(event) is UsageSeen:
                            held.append(event)
                        else:
                            yield event
                self._check_whole()
            except (UpstreamError, InvalidRequest) as error:
                if not await self._goes_on(error):
                    raise
                continue
            except Exception:
                self._broken = True
                raise
            await self._succeed()
            for event in held:
                yield event
            return

    async def run(self) -> None:
        """Do what `events` does, for a caller who waits for the whole answer.

        The same steps without handing events on, which is a tenth of what a request costs.
        """
        if self.replayed:
            return
        await self._choose_first()
        while True:
            try:
                async with self._open() as events:
                    if type(events) is AtOnce:
                        running, now = self._try.running, self._clock.now
                        for told in events.events:
                            running.see(told, now)
                    else:
                        async for event in events:
                            self._try.running.see(event, self._clock.now)
                self._check_whole()
            except (UpstreamError, InvalidRequest) as error:
                if not await self._goes_on(error):
                    raise
                continue
            except Exception:
                self._broken = True
                raise
            await self._succeed()
            return

    def _next(self) -> Step | None:
        places, ask = self._places, self._ask
        assert ask is not None  # noqa: S101 - only an admitted exchange tries
        closed = self._health.closed(places.all, ask.reserved_tokens)
        # How long a place wants to be left alone that this request has asked, it knows itself.
        resting = set(self._health.resting(places.all)) - {one.place for one in self._failed}
        if resting:
            step = self._step({*closed, *resting})
            if step is not None:
                return step
        return self._step(closed)

    def _step(self, closed: Collection[int]) -> Step | None:
        return next_step(
            self._places.groups,
            self._failed,
            self._setup.routes.retries,
            closed=closed,
            chance=self._health.chance,
        )

    async def _choose_first(self) -> None:
        """Choose the place to try first.

        Raises:
            NoDeployment: between admission and now the last one closed.
        """
        places, ask = self._places.all, self._ask
        assert ask is not None  # noqa: S101 - only an admitted exchange tries
        if self._health.is_well(places[0], ask.reserved_tokens):
            # As `_next` would say; it has more to think of than the usual request needs.
            self._number, self._place = 0, places[0]
            return
        step = self._next()
        if step is None:
            error = self._none_open(places)
            await self._settle("error", usage=None, code=error.code, turn=None)
            raise error
        self._number, self._place = step.place, self._places.all[step.place]

    def _check_open(self, places: tuple[Place, ...], tokens: int) -> None:
        """Refuse what nobody may be asked for.

        Raises:
            NoDeployment: all *places* are closed.
        """
        if self._health.is_well(places[0], tokens):
            return
        if len(self._health.closed(places, tokens)) == len(places):
            raise self._none_open(places)

    def _none_open(self, places: tuple[Place, ...]) -> NoDeployment:
        return NoDeployment(self.model, self._health.wait(places))

    def _dispatch(self, number: int) -> Try:
        """Begin an attempt at a place."""
        place, ask = self._places.all[number], self._ask
        assert ask is not None  # noqa: S101 - only an admitted exchange tries
        self._dispatched += 1
        n = self._dispatched
        self._health.began(place, f"{self.id}/{n}", ask.reserved_tokens)
        running = Running(n, place.deployment, place.card, self._prompt, self._clock.now())
        one = Try(number, place, running)
        self._tries.append(one)
        return one

    def _open(self) -> AbstractAsyncContextManager[AsyncIterator[Told]]:
        """Begin an attempt at the place that was chosen, and return its answer."""
        self._try = one = self._dispatch(self._number)
        where = one.place.deployment
        if where.drain is None and where.hedge_after is None:
            return self._call(one.place)
        self._race = Race(self, self._means.yard)
        return self._race.open(one)

    def _call(self, place: Place) -> AbstractAsyncContextManager[AsyncIterator[Told]]:
        account = self._identity.account.id
        return self.work.open(self.id, place, self._prompt, account, self._setup.able)

    # What a race asks for

    def pump(self, one: Try, line: Line) -> Pump:
        """Return what reads the answer to an attempt."""
        return Pump(
            self._call(one.place),
            one.place.deployment.drain,
            self._means.yard,
            line,
            see=lambda event: self.see(one, event),
            settle=self._abort,
        )

    def see(self, one: Try, event: Told) -> None:
        """Take in an event that no caller will."""
        one.running.see(event, self._clock.now)

    async def wait_to_hedge(self, seconds: float) -> bool:
        """Wait, and say whether a second attempt may begin: somewhere, and within the budgets."""
        await self._means.sleep(seconds)
        ask = self._ask
        assert ask is not None  # noqa: S101 - only an admitted exchange tries
        if self._beside() is None:
            return False
        # Whichever loses has cost its prompt: it ends where the other begins to answer.
        return await self._settler.hold(self.id, ask.prompt_cost)

    def rival(self) -> Try | None:
        """Begin an attempt at another place of the same model; None where there is none."""
        number = self._beside()
        return None if number is None else self._dispatch(number)

    def _beside(self) -> int | None:
        places, ask = self._places, self._ask
        assert ask is not None  # noqa: S101 - only an admitted exchange tries
        closed = self._health.closed(places.all, ask.reserved_tokens)
        out = {*closed, *self._health.resting(places.all)}
        return beside(places.groups, self._failed, self._try.number, closed=out)

    def follow(self, one: Try) -> None:
        """Take an attempt for the one whose answer counts."""
        self._try = one
        self._number, self._place = one.number, one.place

    def lost(self, one: Try) -> None:
        """Book an attempt that another was faster than."""
        now = self._clock.now()
        usage = self._partial(one.running)
        took = now - one.running.started
        self._end_attempt(one, "aborted", usage, "hedge_lost", "neither", took=took)

    def failed(self, one: Try, error: UpstreamError | InvalidRequest) -> None:
        """Book an attempt that failed while another goes on."""
        usage = self._partial(one.running) if self._is_billed(one, error) else None
        self._end_failed(one, error, usage)
        if isinstance(error, UpstreamError):
            self._failed.append(Failed(one.number, error))

    @property
    def tried(self) -> tuple[tuple[str, str], ...]:
        """Each attempt so far: its deployment, and what came of it; `ok` where it delivers."""
        done = [(one.n, one.deployment, one.error or one.outcome) for one in self._attempts]
        done += [(one.running.n, one.place.deployment.id, "ok") for one in self._tries]
        if len(done) > 1:
            done.sort()
        return tuple([(where, came) for _, where, came in done])

    def _check_whole(self) -> None:
        running = self._try.running
        if not self.work.is_whole(running):
            raise UpstreamCut(Msg("the answer broke off"), provider=running.deployment.provider)

    async def _goes_on(self, error: UpstreamError | InvalidRequest) -> bool:
        """Book a failed attempt, and choose what follows it; False, and settled, where nothing."""
        one = self._try
        begun = one.running.has_content
        billed = self._is_billed(one, error)
        usage = self._partial(one.running) if billed else None
        turn = self._turn(one.running, incomplete=True) if begun else None
        self._end_failed(one, error, usage)
        step = None
        if isinstance(error, UpstreamError):
            error.tried = self.tried
            if not begun:
                self._failed.append(Failed(self._number, error))
                step = self._next()
        if step is not None and billed:
            room = await self._settler.hold(self.id, self._attempts[-1].cost)
            step = step if room else None
        if step is None:
            self._why = error.message
            await self._settle("error", usage=usage, code=error.code, turn=turn)
            return False
        if step.wait:
            await self._means.sleep(step.wait)
        self._number, self._place = step.place, self._places.all[step.place]
        return True

    def _is_billed(self, one: Try, error: UpstreamError | InvalidRequest) -> bool:
        running = one.running
        return running.usage is not None or is_billed(error, has_content=running.has_content)

    def _end_failed(
        self, one: Try, error: UpstreamError | InvalidRequest, usage: Usage | None
    ) -> None:
        outcome = failed_outcome(error, has_content=one.running.has_content)
        self._end_attempt(one, outcome, usage, error.code, verdict(error), error)

    async def _succeed(self) -> None:
        running = self._try.running
        told = running.usage
        usage = self._partial(running) if told is None or running.interim else told
        turn = self._turn(running, incomplete=False)
        now = self._clock.now()
        self._end_attempt(self._try, "ok", usage, None, "ok", now=now)
        if usage.completion:
            self._settler.learn(self._place.model.id, usage.completion)
        facts = Facts(
            id=self.answer_id,
            created=self.admitted,
            model=self.model,
            served_model=self._place.model.id,
            usage=usage,
            cost=sum([attempt.cost for attempt in self._attempts]),
            dropped=self.dropped,
            ended=now,
        )
        done = self.work.result(running, facts)
        # Vectors and judgements are not kept: they are large, and cheap to make again.
        keeps = self._options.idempotency_key is not None
        kept = done if keeps and isinstance(done, Completion) else None
        record = self._record(done) if isinstance(done, Completion) else None
        await self._settle(
            "ok", usage=usage, code=None, turn=turn, answer=kept, record=record, now=now
        )
        self.result = done

    def _awaited(self) -> bool:
        keep = self.work.chat.keep if isinstance(self.work, ChatWork) else None
        return keep is not None and keep.awaited

    def _record(self, done: Completion) -> Record | None:
        """Return what is to be kept of an answer, where it was asked to be."""
        keep = self.work.chat.keep if isinstance(self.work, ChatWork) else None
        if keep is None:
            return None
        return records.record(
            keep, self._said, done, account=self._identity.account.id, request=self.id
        )

    def _failure(self, code: str | None) -> Record:
        """Return what stands for an answer that is awaited and will not come."""
        assert isinstance(self.work, ChatWork)  # noqa: S101 - nothing else is awaited
        keep = self.work.chat.keep
        assert keep is not None  # noqa: S101 - it is awaited
        told = {**keep.data, "error": {"code": code, "message": self._why}}
        return records.waiting(
            attrs.evolve(keep, data=told),
            self.answer_id,
            created=self.admitted,
            model=self.model,
            account=self._identity.account.id,
            request=self.id,
        )

    def _partial(self, running: Running) -> Usage:
        """Count what was received where the provider does not tell, or told before the end."""
        received = self._setup.tokens.count_text(self._place.model, running.received()).tokens
        told = running.usage
        if told is None:
            return Usage(self._prompt.tokens, received, source="estimated")
        final = not running.interim
        if final and (told.completion >= received or self.work.is_whole(running)):
            return told
        return attrs.evolve(told, completion=max(received, told.completion), source="estimated")

    def _turn(self, running: Running, *, incomplete: bool) -> NewTurn | None:
        if self._recalled is None:
            return None
        chat = self._recalled.chat
        if chat.upto is not None and self._recalled.begins is None:
            # It goes on from what is kept, and is not kept itself.
            return None
        return self._recalled.turn(running, self._setup.tokens, incomplete=incomplete)

    def _end_attempt(  # noqa: PLR0917 - what is known of an end, for the ledger and for health
        self,
        one: Try,
        outcome: AttemptOutcome,
        usage: Usage | None,
        code: str | None,
        told: Verdict,
        error: UpstreamError | InvalidRequest | None = None,
        *,
        took: Micros | None = None,
        now: Micros | None = None,
    ) -> None:
        now = self._clock.now() if now is None else now
        ended = one.running.ended(outcome, usage, at=now, error=code)
        self._attempts.append(ended)
        self._tries.remove(one)
        first = ended.first_token
        self._health.ended(
            one.place,
            f"{self.id}/{ended.n}",
            self._setup.routes.breaker,
            now,
            verdict=told,
            error=error if isinstance(error, UpstreamError) else None,
            took=took if first is None else first - ended.started,
            used=usage.total if usage else 0,
        )

    # Settlement

    async def close(self) -> None:
        """Settle what has not been settled: the caller left, was cancelled, or a provider broke.

        An answer that is drained is settled when that has ended. Raises nothing: what cannot be
        written waits in the settler's queue.
        """
        if self._race is not None and self._race.drains:
            return
        await self._abort()

    async def _abort(self) -> None:
        if self._begun:
            self._begun = False
            self._setup.users.leave()
        if self.settled or self._ask is None:
            return
        usage: Usage | None = None
        turn: NewTurn | None = None
        code = "internal_error" if self._broken else "aborted"
        for one in tuple(self._tries):
            received = self._partial(one.running)
            if one is self._try:
                turn, usage = self._turn(one.running, incomplete=True), received
            outcome: AttemptOutcome = "failed" if self._broken else "aborted"
            told: Verdict = "failed" if self._broken else "neither"
            self._end_attempt(one, outcome, received, code, told)
        try:
            state: State = "error" if self._broken else "aborted"
            await self._settle(state, usage=usage, code=code, turn=turn)
        except SettlementFailed:
            return

    async def _settle(
        self,
        state: State,
        *,
        usage: Usage | None,
        code: str | None,
        turn: NewTurn | None,
        answer: Completion | None = None,
        record: Record | None = None,
        now: Micros | None = None,
    ) -> None:
        ask = self._ask
        assert ask is not None  # noqa: S101 - only an admitted exchange has an end
        self.settled = True
        if state == "error" and self._awaited():
            record = self._failure(code)
        if len(self._attempts) > 1:
            self._attempts.sort(key=_by_number)
        first = None
        for one in self._attempts:
            first = first or one.first_token
        final = Settlement(
            id=self.id,
            state=state,
            attempts=tuple(self._attempts),
            served_model=self._place.model.id,
            usage=usage,
            used_tokens=usage.total if usage else 0,
            code=code,
            latency=(self._clock.now() if now is None else now) - self.admitted,
            first_token=None if first is None else first - self.admitted,
            turn=turn,
            answer=answer,
            record=record,
            awaited=record is not None and self._awaited(),
        )
        await self._settler.settle(ask, final)


def _by_number(attempt: Attempt) -> int:
    return attempt.n
