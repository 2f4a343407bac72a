"""What every store must do with sessions; used as `aihub.testing.StoreSuite` is.

Longer than our files are meant to be: a test after the other, each a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import anyio
import attrs

from ..backends.clocks import ManualClock
from ..errors import Conflict, NotFound, UsageMistake
from ..model.chat import Message, OtherPart, ReasoningPart, TextPart, ToolCall
from ..model.ledger import Attempt, Settled, Settlement
from ..model.session import NewTurn, Origin, Session, Turn
from ..model.units import SECOND
from ..model.usage import Count, Usage
from ..protocols import Store
from .stores import ACCOUNT, LEASE, NOON, OTHER, OWNER, ask

SESSION = Session(
    id="ses_1",
    account="acc_1",
    created=NOON,
    updated=NOON,
    title="Support",
    model="gpt-4",
    system_prompt="Be kind.",
    metadata={"ticket": "7"},
)


def turn(text: str, session: str = "ses_1", *, size: int = 10, **more: object) -> NewTurn:
    """Make a turn that says *text* and is answered in capitals."""
    said = (Message("user", text), Message("assistant", text.upper()))
    fields: dict[str, object] = {
        "session": session,
        "messages": said,
        "size": Count(size, "counted"),
        "encoding": "o200k_base",
        **more,
    }
    return NewTurn(**fields)  # type: ignore[arg-type]


def ended(id: str, new: NewTurn | None, *, cost: int = 100, **more: object) -> Settlement:
    """Make the end of a request that used 3 and 4 tokens and adds *new* to its session."""
    usage = Usage(3, 4, source="counted")
    attempt = Attempt(
        n=1,
        deployment="mock",
        upstream_model="gpt-4",
        region="local",
        outcome="ok",
        usage=usage,
        card="{}",
        cost=cost,
        started=NOON,
        ended=NOON,
    )
    fields: dict[str, object] = {
        "id": id,
        "state": "ok",
        "attempts": (attempt,),
        "usage": usage,
        "used_tokens": usage.total,
        "turn": new,
        **more,
    }
    return Settlement(**fields)  # type: ignore[arg-type]


def texts(turns: Sequence[Turn]) -> list[str]:
    """Return what was said in *turns*."""
    return [turn.messages[0].text for turn in turns]


class SessionsSuite:
    """Conversations: kept, appended to by settlement alone, forked, and gone when deleted."""

    def open_store(self, clock: ManualClock) -> AbstractAsyncContextManager[Store]:
        """Open an empty store whose windows, leases and rows go by *clock*."""
        raise NotImplementedError

    async def test_a_session_is_as_it_was_written(self) -> None:
        """All fields come back; an id that is taken is refused and nothing is written."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            assert await store.session("acc_1", "ses_1") == SESSION
            again = attrs.evolve(SESSION, title="Other", account="acc_2")
            assert not await store.add_session(again)
            assert await store.session("acc_1", "ses_1") == SESSION
            assert await store.session("acc_2", "ses_1") is None

    async def test_only_an_account_that_lives_begins_a_session(self) -> None:
        """Not one that is unknown, nor one that was deleted."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.change_account("acc_2", lambda one: attrs.evolve(one, deleted=NOON))
            for account in ("acc_2", "acc_9"):
                raised = False
                try:
                    await store.add_session(attrs.evolve(SESSION, id="ses_2", account=account))
                except NotFound:
                    raised = True
                assert raised
                assert list(await store.sessions(account)) == []

    async def test_another_accounts_session_does_not_exist(self) -> None:
        """Nothing of it can be read, changed, forked, deleted or added to."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, "a")
            assert await store.session("acc_2", "ses_1") is None
            assert list(await store.sessions("acc_2")) == []
            assert list(await store.turns("acc_2", "ses_1")) == []
            assert await store.conversation("acc_2", "ses_1", tokens=100) is None
            assert await store.change_session("acc_2", "ses_1", lambda one: one) is None
            assert await store.fork_session("acc_2", "ses_1", lambda one: one) is None
            assert not await store.delete_session("acc_2", "ses_1")
            await store.admit(ask("req_x", account="acc_2", session="ses_1"))
            settled = await store.settle(ended("req_x", turn("intruder")))
            assert isinstance(settled, Settled)
            assert settled.turn is None
            assert texts(await store.turns("acc_1", "ses_1")) == ["a"]

    async def test_a_settlement_appends_its_turn(self) -> None:
        """Number, sums, version and time come with it, and the row names its session."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await _furnish(store)
            await store.admit(ask("req_1", session="ses_1"))
            clock.advance(1)
            settled = await store.settle(ended("req_1", turn("hello"), cost=7))
            assert settled == Settled(id="req_1", state="ok", cost=7, turn=1)
            session = await store.session("acc_1", "ses_1")
            assert session == attrs.evolve(
                SESSION,
                updated=NOON + SECOND,
                version=2,
                turns=1,
                messages=2,
                prompt_tokens=3,
                completion_tokens=4,
                cost=7,
            )
            (kept,) = await store.turns("acc_1", "ses_1")
            assert kept == Turn(
                number=1,
                request="req_1",
                at=NOON + SECOND,
                messages=turn("hello").messages,
                size=Count(10, "counted"),
                encoding="o200k_base",
                incomplete=False,
                prompt_tokens=3,
                completion_tokens=4,
                cost=7,
            )
            row = await store.row("acc_1", "req_1")
            assert row is not None
            assert row.session == "ses_1"

    async def test_a_second_settlement_appends_nothing(self) -> None:
        """However often a request is settled, its turn is there once."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, "a")
            await store.settle(ended("req_ses_1_a_0", turn("again")))
            await store.settle(ended("req_unknown", turn("never")))
            assert texts(await store.turns("acc_1", "ses_1")) == ["a"]

    async def test_a_lost_request_appends_only_when_it_is_replaced(self) -> None:
        """The sweeper adds no turn; the end that comes late after all does, once."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await _furnish(store)
            await store.admit(ask("req_1", session="ses_1"))
            clock.advance(LEASE // SECOND + 1)
            await store.retire(OWNER)
            assert len(await store.sweep("prompt")) == 1
            assert list(await store.turns("acc_1", "ses_1")) == []
            for _ in range(2):
                await store.settle(ended("req_1", turn("late")))
            assert texts(await store.turns("acc_1", "ses_1")) == ["late"]

    async def test_a_session_deleted_meanwhile_is_billed_and_not_brought_back(self) -> None:
        """The request settles with its cost, and there is no turn."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.admit(ask("req_1", session="ses_1"))
            assert await store.delete_session("acc_1", "ses_1")
            settled = await store.settle(ended("req_1", turn("late"), cost=9))
            assert settled == Settled(id="req_1", state="ok", cost=9, turn=None)
            assert await store.session("acc_1", "ses_1") is None
            assert list(await store.turns("acc_1", "ses_1")) == []

    async def test_turns_appended_at_once_all_stand(self) -> None:
        """200 settlements at the same time: 200 turns, numbered without a gap."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)

            async def say(n: int) -> None:
                await store.admit(ask(f"req_{n}", session="ses_1"))
                await store.settle(ended(f"req_{n}", turn(f"text {n}")))

            async with anyio.create_task_group() as tasks:
                for n in range(200):
                    tasks.start_soon(say, n)
            kept = await store.turns("acc_1", "ses_1", limit=1000)
            assert [one.number for one in kept] == list(range(1, 201))
            assert {one.messages[0].text for one in kept} == {f"text {n}" for n in range(200)}
            session = await store.session("acc_1", "ses_1")
            assert session is not None
            assert (session.turns, session.messages, session.version) == (200, 400, 201)
            assert (session.cost, session.prompt_tokens) == (200 * 100, 200 * 3)

    async def test_all_that_a_message_can_be_comes_back(self) -> None:
        """Parts, names, calls of tools, their results and fields we do not know."""
        said = (
            Message("user", (TextPart("see"), OtherPart("image_url", {"image_url": {"url": "x"}}))),
            Message("user", "né\n\u2028😀", name="ann"),
            Message("assistant", None, tool_calls=(ToolCall("call_1", "f", '{"a": 1}'),)),
            Message("tool", "1", tool_call_id="call_1", extra={"x": [1, None, 2.5]}),
            Message("assistant", ""),
            Message(
                "assistant",
                (ReasoningPart("hm", "sig"), ReasoningPart("", redacted="x"), TextPart("so")),
                tool_calls=(ToolCall("call_2", "f", "{}", signature="sig"),),
            ),
            Message(
                "user",
                (
                    TextPart("see", {"cache_control": {"type": "ephemeral"}}),
                    OtherPart("search_result", {"type": "search_result"}, "anthropic"),
                ),
            ),
        )
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.admit(ask("req_1", session="ses_1"))
            await store.settle(ended("req_1", turn("", messages=said, incomplete=True)))
            (kept,) = await store.turns("acc_1", "ses_1")
            assert kept.messages == said
            assert kept.incomplete

    async def test_pages_of_turns_go_both_ways(self) -> None:
        """After a number, before a number, and no further than there are turns."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, *"abcde")
            turns = store.turns
            assert texts(await turns("acc_1", "ses_1", limit=2)) == ["a", "b"]
            assert texts(await turns("acc_1", "ses_1", after=3)) == ["d", "e"]
            assert texts(await turns("acc_1", "ses_1", after=9)) == []
            newest = await turns("acc_1", "ses_1", limit=2, newest_first=True)
            assert texts(newest) == ["e", "d"]
            older = await turns("acc_1", "ses_1", after=4, newest_first=True)
            assert texts(older) == ["c", "b", "a"]
            assert texts(await turns("acc_1", "ses_1", after=1, newest_first=True)) == []
            beyond = await turns("acc_1", "ses_1", after=9, limit=1, newest_first=True)
            assert texts(beyond) == ["e"]

    async def test_a_conversation_has_the_newest_turns_and_one_more(self) -> None:
        """As many as come to the tokens asked for, and one beyond, oldest first."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, *"abcde")
            for tokens, expected in ((0, "e"), (10, "de"), (29, "cde"), (50, "abcde")):
                found = await store.conversation("acc_1", "ses_1", tokens=tokens)
                assert found is not None
                assert "".join(texts(found.turns)) == expected
                assert found.session.turns == 5
            empty = attrs.evolve(SESSION, id="ses_2")
            await store.add_session(empty)
            found = await store.conversation("acc_1", "ses_2", tokens=10)
            assert found is not None
            assert (found.session, found.turns) == (empty, ())

    async def test_a_conversation_may_end_before_its_end(self) -> None:
        """As if what came after a turn had not been said."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, *"abcde")
            for upto, tokens, expected in ((3, 100, "abc"), (3, 10, "bc"), (0, 9, ""), (9, 0, "e")):
                found = await store.conversation("acc_1", "ses_1", tokens=tokens, upto=upto)
                assert found is not None
                assert "".join(texts(found.turns)) == expected
                assert found.session.turns == min(upto, 5)

    async def test_a_turn_may_begin_its_session(self) -> None:
        """In the same step, once; a session that is held is in no list."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            begins = attrs.evolve(SESSION, id="ses_2", held=True)
            await store.admit(ask("req_1"))
            for _ in range(2):
                await store.settle(ended("req_1", turn("a", "", begins=begins)))
            found = await store.session("acc_1", "ses_2")
            assert found is not None
            assert (found.held, found.turns, found.messages, found.cost) == (True, 1, 2, 100)
            assert texts(await store.turns("acc_1", "ses_2")) == ["a"]
            assert [one.id for one in await store.sessions("acc_1")] == ["ses_1"]

    async def test_a_turn_follows_at_once_or_begins_a_fork(self) -> None:
        """Of what goes on from one turn, the first is appended, and each other has its own way."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            first = attrs.evolve(SESSION, id="ses_2", held=True)

            async def say(n: int, text: str, origin: Origin | None) -> Settled:
                begins = attrs.evolve(first, id=f"ses_{n}", origin=origin)
                await store.admit(ask(f"req_{n}"))
                new = turn(text, "", begins=begins)
                settled = await store.settle(ended(f"req_{n}", new))
                assert isinstance(settled, Settled)
                return settled

            await say(2, "a", None)
            for n, text in ((3, "b"), (4, "c"), (5, "d")):
                settled = await say(n, text, Origin(session="ses_2", turn=1))
                assert settled.turn == 2
            assert texts(await store.turns("acc_1", "ses_2")) == ["a", "b"]
            assert await store.session("acc_1", "ses_3") is None
            for id, expected in (("ses_4", ["a", "c"]), ("ses_5", ["a", "d"])):
                assert texts(await store.turns("acc_1", id)) == expected
            # A session of somebody's own is never appended to so, nor is one that is gone.
            await say(6, "e", Origin(session="ses_1", turn=0))
            found = await store.session("acc_1", "ses_1")
            assert found is not None
            assert found.turns == 0
            assert texts(await store.turns("acc_1", "ses_6")) == ["e"]
            settled = await say(7, "f", Origin(session="ses_9", turn=1))
            assert settled.turn is None
            assert await store.session("acc_1", "ses_7") is None

    async def test_lists_go_by_id_after_a_place(self) -> None:
        """A page ends where it was asked to, and the next begins there."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            for n in (3, 2, 4):
                await store.add_session(attrs.evolve(SESSION, id=f"ses_{n}"))
            await store.add_session(attrs.evolve(SESSION, id="ses_25", account="acc_2"))
            first = await store.sessions("acc_1", limit=2)
            assert [one.id for one in first] == ["ses_1", "ses_2"]
            rest = await store.sessions("acc_1", after="ses_2")
            assert [one.id for one in rest] == ["ses_3", "ses_4"]

    async def test_a_change_is_one_step_and_leaves_the_turns(self) -> None:
        """What it says of itself changes; what raises inside changes nothing."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, "a")
            changed = await store.change_session("acc_1", "ses_1", _renamed)
            assert changed is not None
            assert (changed.title, changed.version, changed.turns) == ("New", 3, 1)
            assert await store.session("acc_1", "ses_1") == changed
            assert await store.change_session("acc_1", "ses_9", _renamed) is None
            raised = False
            try:
                await store.change_session("acc_1", "ses_1", _refuse)
            except Conflict:
                raised = True
            assert raised
            assert await store.session("acc_1", "ses_1") == changed

    async def test_a_deleted_session_is_gone_with_what_was_said(self) -> None:
        """A refusal in the same step leaves all of it; the id may then be used again, empty."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, "a")
            raised = False
            try:
                await store.delete_session("acc_1", "ses_1", _check)
            except Conflict:
                raised = True
            assert raised
            assert texts(await store.turns("acc_1", "ses_1")) == ["a"]
            assert await store.delete_session("acc_1", "ses_1")
            assert not await store.delete_session("acc_1", "ses_1")
            assert list(await store.turns("acc_1", "ses_1")) == []
            assert await store.add_session(SESSION)
            assert list(await store.turns("acc_1", "ses_1")) == []

    async def test_an_account_that_is_erased_takes_its_sessions_with_it(self) -> None:
        """Forks too, at once; another's stay, and a request under way brings nothing back."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, "a")
            await store.fork_session("acc_1", "ses_1", _fork("ses_2", "ses_1", 1))
            await store.add_session(attrs.evolve(SESSION, id="ses_9", account="acc_2"))
            await store.admit(ask("req_late", session="ses_1"))
            assert await store.erase_account("acc_1", NOON) is not None
            settled = await store.settle(ended("req_late", turn("late")))
            assert isinstance(settled, Settled)
            assert settled.turn is None
            assert list(await store.sessions("acc_1")) == []
            for id in ("ses_1", "ses_2"):
                assert await store.session("acc_1", id) is None
                assert list(await store.turns("acc_1", id)) == []
                assert await store.conversation("acc_1", id, tokens=100) is None
            assert await store.session("acc_2", "ses_9") is not None

    async def test_a_fork_shares_history_up_to_a_turn_and_goes_its_own_way(self) -> None:
        """Both go on apart, and the sums of the fork are those of the turns it has."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, *"abc")
            forked = await store.fork_session("acc_1", "ses_1", _fork("ses_2", "ses_1", 2))
            assert forked is not None
            assert forked.origin == Origin(session="ses_1", turn=2)
            assert (forked.turns, forked.messages, forked.cost) == (2, 4, 200)
            assert (forked.prompt_tokens, forked.completion_tokens) == (6, 8)
            assert await store.session("acc_1", "ses_2") == forked
            await _say(store, *"xy", session="ses_2")
            await _say(store, "d")
            assert texts(await store.turns("acc_1", "ses_2")) == ["a", "b", "x", "y"]
            assert texts(await store.turns("acc_1", "ses_1")) == ["a", "b", "c", "d"]
            numbers = [one.number for one in await store.turns("acc_1", "ses_2")]
            assert numbers == [1, 2, 3, 4]
            assert await store.fork_session("acc_1", "ses_9", _fork("ses_5", "ses_9", 0)) is None

    async def test_forks_of_forks_read_through_all_of_them(self) -> None:
        """A chain of forks, each with a turn of its own, in either order and in pages."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, "1")
            for n in range(2, 9):
                made = _fork(f"ses_{n}", f"ses_{n - 1}", n - 1)
                assert await store.fork_session("acc_1", f"ses_{n - 1}", made) is not None
                await _say(store, f"{n}", session=f"ses_{n}")
            assert "".join(texts(await store.turns("acc_1", "ses_8"))) == "12345678"
            middle = await store.turns("acc_1", "ses_8", after=2, limit=3)
            assert "".join(texts(middle)) == "345"
            newest = await store.turns("acc_1", "ses_8", after=5, limit=3, newest_first=True)
            assert "".join(texts(newest)) == "432"
            early = await store.fork_session("acc_1", "ses_8", _fork("ses_9", "ses_8", 3))
            assert early is not None
            assert "".join(texts(await store.turns("acc_1", "ses_9"))) == "123"
            none = await store.fork_session("acc_1", "ses_8", _fork("ses_x", "ses_8", 0))
            assert none is not None
            assert (none.turns, list(await store.turns("acc_1", "ses_x"))) == (0, [])

    async def test_deleting_a_session_leaves_its_forks_whole(self) -> None:
        """And deleting the forks leaves the original; what nobody has is erased."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await _say(store, *"abc")
            await store.fork_session("acc_1", "ses_1", _fork("ses_2", "ses_1", 2))
            await _say(store, "x", session="ses_2")
            await store.fork_session("acc_1", "ses_2", _fork("ses_3", "ses_2", 3))
            assert await store.delete_session("acc_1", "ses_1")
            assert texts(await store.turns("acc_1", "ses_2")) == ["a", "b", "x"]
            assert await store.delete_session("acc_1", "ses_2")
            assert texts(await store.turns("acc_1", "ses_3")) == ["a", "b", "x"]
            await _say(store, "y", session="ses_3")
            assert texts(await store.turns("acc_1", "ses_3")) == ["a", "b", "x", "y"]
            assert await store.delete_session("acc_1", "ses_3")
            assert list(await store.turns("acc_1", "ses_3")) == []

    async def test_an_id_that_is_taken_is_nobodys_fork(self) -> None:
        """It is a mistake of the program's, and nothing is written."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.add_session(attrs.evolve(SESSION, id="ses_2"))
            raised = False
            try:
                await store.fork_session("acc_1", "ses_1", _fork("ses_2", "ses_1", 0))
            except UsageMistake:
                raised = True
            assert raised
            found = await store.session("acc_1", "ses_2")
            assert found is not None
            assert found.origin is None


def _renamed(session: Session) -> Session:
    return attrs.evolve(session, title="New", version=session.version + 1)


def _refuse(_: Session) -> Session:
    raise Conflict("not now", code="session_conflict")


def _check(_: Session) -> None:
    raise Conflict("not now", code="session_conflict")


def _fork(id: str, origin: str, upto: int) -> Callable[[Session], Session]:
    def make(session: Session) -> Session:
        return attrs.evolve(
            SESSION, id=id, account=session.account, origin=Origin(session=origin, turn=upto)
        )

    return make


async def _furnish(store: Store) -> None:
    await store.enlist(OWNER, LEASE)
    await store.add_account(ACCOUNT)
    await store.add_account(OTHER)
    assert await store.add_session(SESSION)


async def _say(store: Store, *said: str, session: str = "ses_1") -> None:
    for n, text in enumerate(said):
        id = f"req_{session}_{text}_{n}"
        await store.admit(ask(id, session=session))
        await store.settle(ended(id, turn(text, session)))
