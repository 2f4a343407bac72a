"""Texts embedded and content judged through a hub: limits, billing and routing as of chats."""

from array import array

import anyio
import anyio.lowlevel
import attrs
import pytest

from aihub.errors import (
    BudgetExceeded,
    Conflict,
    ContextLengthExceeded,
    InvalidRequest,
    ModelNotFound,
    OverLimit,
    RequestExceedsPlan,
    UpstreamCut,
    UpstreamFailed,
)
from aihub.hub import Options
from aihub.model.account import Plan
from aihub.model.catalogue import Deployment, Retries, Routes
from aihub.model.embedding import MAX_INPUTS, MAX_NUMBERS
from aihub.model.events import Embedded, Moderated
from aihub.model.moderation import CATEGORIES, MAX_JUDGED, Judgement
from aihub.model.units import usd
from aihub.model.usage import Usage
from aihub.testing import ScriptedProvider, open_test_hub
from aihub.testing.embedders import EMBEDDING_MODEL, MODERATION_MODEL
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio

SMALL = EMBEDDING_MODEL.id
MODELS = (MODEL, EMBEDDING_MODEL, MODERATION_MODEL)
FINE = Judgement(
    flagged=False,
    categories=dict.fromkeys(CATEGORIES, False),
    scores=dict.fromkeys(CATEGORIES, 0.0),
    types=dict.fromkeys(CATEGORIES, ("text",)),
)


class Scripted(ScriptedProvider):
    """A provider that also embeds and judges: errors and answers as they are given, in order."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.asked = []

    async def embed(self, call):
        return await self._next(call, self._embedded)

    async def moderate(self, call):
        return await self._next(call, lambda call: Moderated(results=(FINE,) * _count(call)))

    def _embedded(self, call):
        return Embedded(vectors=(array("f", [1.0, 0.0]),) * _count(call), usage=Usage(7, 0))

    async def _next(self, call, usual):
        self.asked.append(call)
        self.open_now += 1
        try:
            await anyio.lowlevel.checkpoint()
            answer = self.answers.pop(0) if self.answers else usual(call)
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.open_now -= 1


def _count(call):
    return len(call.request.inputs)


def routes(count, **more):
    """Routes of the models to so many providers."""
    places = tuple(
        Deployment(id=f"d{n}", provider=f"p{n}", upstream_model=f"up{n}", region="r")
        for n in range(count)
    )
    return Routes(
        **{
            "deployments": {one.id: places for one in MODELS},
            "region": "r",
            "retries": Retries(most=0),
        }
        | more
    )


def opened(*providers, **more):
    return open_test_hub(*providers, **{"routes": routes(len(providers)), "models": MODELS, **more})


async def test_texts_get_vectors_and_the_ledger_a_row():
    """What is billed is what the provider counts, at the model's price; nothing is completed."""
    provider = Scripted()
    async with opened(provider) as hub:
        done = await hub.embed(SMALL, ["One", "Two"], dimensions=2)
        [row] = await hub.requests()
    [call] = provider.asked
    assert (call.request.inputs, call.request.dimensions) == (("One", "Two"), 2)
    assert (call.upstream_model, call.model.id) == ("up0", SMALL)
    assert [list(one) for one in done.vectors] == [[1, 0], [1, 0]]
    assert (done.model, done.served_model, done.usage) == (SMALL, SMALL, Usage(7, 0))
    assert done.id == "embd-" + row.id.removeprefix("req_")
    assert (row.kind, row.state, row.cost) == ("embedding", "ok", 7 * 20_000)
    assert done.cost == row.cost == sum(one.cost for one in row.attempts)


async def test_content_gets_judgements_and_the_ledger_a_row():
    """A model that costs nothing is metered all the same."""
    provider = Scripted()
    async with opened(provider) as hub:
        done = await hub.moderate(["Good morning", "Good night"])
        one = await hub.moderate("Good day")
        rows = await hub.requests()
    assert done.results == (FINE, FINE)
    assert one.results == (FINE,)
    assert [(row.kind, row.state, row.cost) for row in rows] == [("moderation", "ok", 0)] * 2
    assert rows[0].usage.prompt > 0
    assert done.id.startswith("modr-")


async def test_what_nobody_counts_is_counted_here():
    """And said to be so."""
    async with opened(Scripted(Embedded(vectors=(array("f", [1.0]),)))) as hub:
        done = await hub.embed(SMALL, "Some words to count")
        [row] = await hub.requests()
    assert done.usage == Usage(row.prompt_tokens, 0, source="estimated")
    assert row.cost == row.prompt_tokens * 20_000


@pytest.mark.parametrize("call", ["embed", "moderate"])
async def test_another_provider_is_asked_where_one_fails(call):
    """With each attempt in the ledger, as of chats."""
    async with opened(Scripted(UpstreamFailed("down")), Scripted()) as hub:
        if call == "embed":
            await hub.embed(SMALL, "Hi")
        else:
            await hub.moderate("Hi")
        [row] = await hub.requests()
    assert [(one.deployment, one.outcome) for one in row.attempts] == [
        ("d0", "failed"),
        ("d1", "ok"),
    ]


async def test_too_few_vectors_are_no_answer():
    """An input without its vector would be taken for another's."""
    async with opened(Scripted(Embedded(vectors=(array("f", [1.0]),)))) as hub:
        with pytest.raises(UpstreamCut):
            await hub.embed(SMALL, ["One", "Two"])
        [row] = await hub.requests()
    assert (row.state, row.attempts[0].outcome) == ("error", "cut")


async def test_limits_and_budgets_hold():
    """The plan's windows, by what is sent; a budget, by its price."""
    async with opened(Scripted()) as hub:
        await hub.accounts.put_plan(Plan(name="p", requests_per_minute=2, tokens_per_minute=20))
        account = (await hub.accounts.create("a", plan="p")).id
        await hub.embed(SMALL, "Hi", account=account)
        await hub.embed(SMALL, "Hi", account=account)
        with pytest.raises(OverLimit):
            await hub.embed(SMALL, "Hi", account=account)
        with pytest.raises(OverLimit):
            await hub.moderate("Hi", account=account)
        other = (await hub.accounts.create("c", plan="p")).id
        with pytest.raises(RequestExceedsPlan):
            await hub.embed(SMALL, "words " * 100, account=other)
        poor = (await hub.accounts.create("b", plan="pro")).id
        await hub.accounts.create_budget(poor, limit=usd("0.00000001"), period="total")
        with pytest.raises(BudgetExceeded):
            await hub.embed(SMALL, "Hi", account=poor)
        assert len(await hub.requests(account)) == 2
        assert await hub.requests(poor) == []


@pytest.mark.parametrize(
    ("ask", "error", "param"),
    [
        (lambda hub: hub.embed("nope", "Hi"), ModelNotFound, "model"),
        (lambda hub: hub.embed(MODEL.id, "Hi"), InvalidRequest, "model"),
        (lambda hub: hub.moderate("Hi", model=SMALL), InvalidRequest, "model"),
        (lambda hub: hub.chat(SMALL, "Hi"), InvalidRequest, "model"),
        (lambda hub: hub.embed(SMALL, ""), InvalidRequest, "input"),
        (lambda hub: hub.embed(SMALL, []), InvalidRequest, "input"),
        (lambda hub: hub.embed(SMALL, ["a", ""]), InvalidRequest, "input[1]"),
        (lambda hub: hub.embed(SMALL, ["a", 7]), InvalidRequest, "input[1]"),
        (lambda hub: hub.embed(SMALL, [(1, -1)]), InvalidRequest, "input[0]"),
        (lambda hub: hub.embed(SMALL, "\ud800"), InvalidRequest, "input"),
        (lambda hub: hub.embed(SMALL, ["a"] * (MAX_INPUTS + 1)), InvalidRequest, "input"),
        (lambda hub: hub.embed(SMALL, "a", dimensions=0), InvalidRequest, "dimensions"),
        (lambda hub: hub.embed(SMALL, "a", dimensions=1.5), InvalidRequest, "dimensions"),
        (lambda hub: hub.embed(SMALL, "a", dimensions=1537), InvalidRequest, "dimensions"),
        (lambda hub: hub.embed("whole", "a", dimensions=2), InvalidRequest, "dimensions"),
        (lambda hub: hub.embed("long", ["a"] * 2), InvalidRequest, "input"),
        (lambda hub: hub.embed(SMALL, [(1,) * 8193]), ContextLengthExceeded, "input"),
        (lambda hub: hub.moderate([]), InvalidRequest, "input"),
        (lambda hub: hub.moderate(["a"] * (MAX_JUDGED + 1)), InvalidRequest, "input"),
        (lambda hub: hub.moderate("\ud800"), InvalidRequest, "input[0]"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(ask, error, param):
    """Nothing is written, and nobody is asked."""
    whole = attrs.evolve(EMBEDDING_MODEL, id="whole", features=frozenset())
    long = attrs.evolve(EMBEDDING_MODEL, id="long", dimensions=MAX_NUMBERS)
    provider = Scripted()
    where = routes(1)
    where = attrs.evolve(
        where,
        deployments={
            **where.deployments,
            "whole": where.deployments[SMALL],
            "long": where.deployments[SMALL],
        },
    )
    async with opened(provider, models=(*MODELS, whole, long), routes=where) as hub:
        with pytest.raises(error) as refused:
            await ask(hub)
        assert await hub.requests() == []
    assert refused.value.param == param or error is ContextLengthExceeded
    assert not provider.asked


@pytest.mark.parametrize("call", ["embed", "moderate"])
async def test_a_provider_that_can_only_chat_is_not_asked(call):
    """Where none can, that is the reason that is given."""
    async with opened(ScriptedProvider(), Scripted()) as hub:
        await (hub.embed(SMALL, "Hi") if call == "embed" else hub.moderate("Hi"))
        [row] = await hub.requests()
        assert [one.deployment for one in row.attempts] == ["d1"]
    async with opened(ScriptedProvider()) as hub:
        with pytest.raises(InvalidRequest, match="is served where no"):
            await (hub.embed(SMALL, "Hi") if call == "embed" else hub.moderate("Hi"))


async def test_cancelled_at_any_turn_it_is_settled_once():
    """And the provider is let go."""
    for turns in range(12):
        provider = Scripted()
        async with opened(provider) as hub:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(hub.embed, SMALL, "Hi")
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            rows = await hub.requests()
            assert len(rows) <= 1
            assert all(row.state in {"ok", "aborted"} for row in rows)
            assert (provider.open_now, hub.in_flight) == (0, 0)


async def test_a_request_that_comes_again_is_refused_for_vectors_are_not_kept():
    """It is neither asked nor billed twice."""
    provider = Scripted()
    options = Options(idempotency_key="k")
    async with opened(provider) as hub:
        await hub.embed(SMALL, "Hi", options=options)
        with pytest.raises(Conflict) as again:
            await hub.embed(SMALL, "Hi", options=attrs.evolve(options))
        with pytest.raises(Conflict) as other:
            await hub.embed(SMALL, "Ho", options=attrs.evolve(options))
        assert len(await hub.requests()) == 1
    assert (again.value.code, other.value.code) == ("already_processed", "idempotency_mismatch")
    assert len(provider.asked) == 1


async def test_lengths_of_answers_are_not_learnt_from_what_has_none():
    """They would pull down what chats set aside."""
    async with opened(Scripted()) as hub:
        for _ in range(20):
            await hub.embed(SMALL, "Hi")
        assert hub._settler.estimate(SMALL) == 512


async def test_long_texts_are_counted_beside_the_event_loop():
    """And each by itself must fit the model."""
    async with opened(Scripted()) as hub:
        done = await hub.embed(SMALL, ["word " * 5000] * 4)
        await hub.moderate("word " * 5000)
        with pytest.raises(ContextLengthExceeded):
            await hub.embed(SMALL, ["word", "word " * 50_000])
    assert len(done.vectors) == 4
