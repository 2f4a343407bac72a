"""One request from its caller's side: what it is answered, billed and refused."""

import anyio
import attrs
import pytest

from aihub.backends.tokens import EstimateCounter
from aihub.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    ContextLengthExceeded,
    HubClosed,
    InvalidRequest,
    ModelNotFound,
    NotFound,
    OverLimit,
    Overloaded,
    PermissionDenied,
    RegionUnavailable,
    RequestExceedsPlan,
    UpstreamCut,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
    UsageMistake,
)
from aihub.hub import Options
from aihub.model.account import Plan
from aihub.model.chat import Message
from aihub.model.events import Finished, Started, Text, ToolDelta, UsageSeen
from aihub.model.usage import Usage
from aihub.testing import ANSWER, ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio

PROMPT_PRICE, ANSWER_PRICE = MODEL.prices.prompt, MODEL.prices.completion


async def last_row(hub, account="acc_local"):
    """The newest request of an account."""
    return (await hub.requests(account))[-1]


async def test_an_answer_is_whole_settled_and_priced():
    """The completion folds the stream; ledger, answer and report say the same cost."""
    async with open_test_hub() as hub:
        done = await hub.chat("gpt-4", "Tell me a story")

        row = await last_row(hub)
        report = await hub.usage()
        cost = 7 * PROMPT_PRICE + 3 * ANSWER_PRICE
        assert done.text == "Once upon a time"
        assert (done.model, done.served_model) == ("gpt-4", "gpt-4-0613")
        assert (done.usage, done.cost) == (Usage(7, 3), cost)
        assert (row.state, row.cost, row.usage) == ("ok", cost, Usage(7, 3))
        assert [(one.group, one.requests, one.cost) for one in report.groups] == [
            ("gpt-4", 1, cost)
        ]
        assert done.id == "chatcmpl-" + row.id.removeprefix("req_")


async def test_the_last_words_come_after_the_settlement():
    """Text flows at once; the end and the usage only once the ledger has the request."""
    states = []
    async with open_test_hub() as hub, hub.stream("gpt-4", "Hi") as stream:
        with pytest.raises(UsageMistake):
            _ = stream.completion
        async for event in stream:
            states.append((type(event), (await hub.request(stream.id)).state))

        assert states == [
            (Text, "open"),
            (Text, "open"),
            (Text, "open"),
            (Finished, "ok"),
            (UsageSeen, "ok"),
        ]
        assert stream.completion.text == "Once upon a time"


async def test_choices_are_kept_apart():
    """With n, pieces of several choices interleave and each is folded on its own."""
    script = [
        Started("up-1", "gpt-4-0613", "fp"),
        Text("a", 0),
        Text("x", 1),
        Finished("stop", 0),
        Text("y", 1),
        ToolDelta(0, "call_1", "look", '{"a"', index=2),
        ToolDelta(0, arguments=":1}", index=2),
        Finished("length", 1),
        Finished("tool_calls", 2),
    ]
    async with open_test_hub(ScriptedProvider(script)) as hub:
        done = await hub.chat("gpt-4", "Hi", n=3)

        assert [(c.text, c.finish_reason) for c in done.choices] == [
            ("a", "stop"),
            ("xy", "length"),
            (None, "tool_calls"),
        ]
        (call,) = done.choices[2].tool_calls
        assert (call.id, call.name, call.arguments) == ("call_1", "look", '{"a":1}')
        assert done.fingerprint == "fp"
        assert done.usage.source == "estimated"


async def test_a_key_brings_its_accounts_limits():
    """What the plan does not allow is refused with the seconds to wait, and is not written."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        await hub.accounts.put_plan(Plan(name="two", requests_per_minute=2))
        account = await hub.accounts.create("a", plan="two")
        key = (await hub.accounts.create_key(account.id)).secret
        other = (await hub.accounts.create_key(account.id)).secret
        await hub.chat("gpt-4", "Hi", key=key)
        clock.advance(20)
        await hub.chat("gpt-4", "Hi", key=other)

        with pytest.raises(OverLimit) as refused:
            await hub.chat("gpt-4", "Hi", key=key)

        assert refused.value.limit == "requests_per_minute"
        assert refused.value.retry_after == 40
        assert str(refused.value) == "Rate limit exceeded. Try again in 40 seconds."
        assert [state.remaining for state in refused.value.windows] == [0]
        assert len(await hub.requests(account.id)) == 2
        clock.advance(40)
        await hub.chat("gpt-4", "Hi", key=key)


async def test_a_full_window_refuses_before_tokens_are_counted():
    """After a refusal the next ones are refused by a look, until there is room again."""

    class Counting(EstimateCounter):
        counted = 0

        def count_prompt(self, model, chat):
            self.counted += 1
            return super().count_prompt(model, chat)

    clock, counter = ManualClock(), Counting()
    async with open_test_hub(clock=clock) as hub:
        hub.replace(tokens=counter)
        await hub.accounts.put_plan(Plan(name="one", requests_per_minute=1))
        account = (await hub.accounts.create("a", plan="one")).id
        await hub.chat("gpt-4", "Hi", account=account)
        waits = []
        for _ in range(3):
            clock.advance(10.5)
            with pytest.raises(OverLimit) as refused:
                await hub.chat("gpt-4", "Hi", account=account)
            waits.append(refused.value.retry_after)
        assert (counter.counted, waits) == (2, [50, 40, 29])
        clock.advance(28.5)

        assert (await hub.chat("gpt-4", "Hi", account=account)).text


async def test_a_key_may_have_tighter_limits_than_its_account():
    """One key is full, the account and its other keys are not."""
    async with open_test_hub() as hub:
        account = await hub.accounts.create("a", plan="pro")
        tight = await hub.accounts.create_key(
            account.id, requests_per_minute=1, tokens_per_minute=5000
        )
        free = await hub.accounts.create_key(account.id)
        await hub.chat("gpt-4", "Hi", key=tight.secret)

        with pytest.raises(OverLimit):
            await hub.chat("gpt-4", "Hi", key=tight.secret)
        await hub.chat("gpt-4", "Hi", key=free.secret)
        windows = await hub.windows(await hub.authenticate(tight.secret))
        assert [(state.kind, state.limit, state.used) for state in windows] == [
            ("requests", 500, 2),
            ("tokens", 500_000, 20),
            ("requests", 1, 1),
            ("tokens", 5000, 10),
        ]


async def test_tokens_are_reserved_then_settled_to_what_was_used():
    """While open a request holds its prompt and an estimate, afterwards what it used."""
    async with open_test_hub() as hub:
        account = await hub.accounts.create("a", plan="free")
        async with hub.stream("gpt-4", "Hi", account=account.id, max_tokens=100) as stream:
            prompt = (await hub.request(stream.id, account.id)).prompt_tokens
            (_, tokens) = stream.windows
            assert tokens.used == prompt + 100
            async for _ in stream:
                pass
        identity = await hub._caller(None, account.id)

        (_, tokens) = await hub.windows(identity)
        assert tokens.used == 10


async def test_a_prompt_that_can_never_pass_is_told_so():
    """More tokens than a minute may hold: no waiting helps, so none is suggested."""
    async with open_test_hub() as hub:
        await hub.accounts.put_plan(Plan(name="tiny", tokens_per_minute=10))
        account = await hub.accounts.create("a", plan="tiny")

        with pytest.raises(RequestExceedsPlan) as refused:
            await hub.chat("gpt-4", "word " * 50, account=account.id)

        assert refused.value.code == "request_exceeds_plan"
        assert not await hub.requests(account.id)


async def test_a_prompt_larger_than_the_model_is_refused():
    """The context window is the model's; nothing is admitted."""
    async with open_test_hub() as hub:
        with pytest.raises(ContextLengthExceeded, match="8192 tokens"):
            await hub.chat("gpt-4", "word " * 9000)
        assert not await hub.requests()


async def test_parallel_requests_are_bounded_by_the_plan():
    """The plan's bound on open requests refuses, and frees a place when one ends."""
    async with open_test_hub() as hub:
        await hub.accounts.put_plan(Plan(name="one", parallel=1))
        account = await hub.accounts.create("a", plan="one")
        async with hub.stream("gpt-4", "Hi", account=account.id):
            with pytest.raises(OverLimit) as refused:
                await hub.chat("gpt-4", "Hi", account=account.id)
        assert (refused.value.limit, refused.value.retry_after) == ("parallel_requests", 1)
        await hub.chat("gpt-4", "Hi", account=account.id)


async def test_a_budget_is_passed_at_most_by_what_is_in_flight():
    """Holds are the dearest the request can cost; the period's end is told."""
    async with open_test_hub() as hub:
        account = await hub.accounts.create("a", plan="pro")
        one = 7 * PROMPT_PRICE + 3 * ANSWER_PRICE
        await hub.accounts.create_budget(account.id, limit=3 * one, period="day")
        for _ in range(2):
            await hub.chat("gpt-4", "Hi", account=account.id, max_tokens=3)

        with pytest.raises(BudgetExceeded, match="It renews at 2026-01-02T00:00:00Z"):
            await hub.chat("gpt-4", "Hi", account=account.id, max_tokens=20)
        with pytest.raises(BudgetExceeded, match="renews"):
            await hub.chat("gpt-4", "Hi", account=account.id)


async def test_a_keys_own_budget_is_its_alone():
    """A budget on one key does not bind another."""
    async with open_test_hub() as hub:
        account = await hub.accounts.create("a", plan="pro")
        poor = await hub.accounts.create_key(account.id)
        rich = await hub.accounts.create_key(account.id)
        await hub.accounts.create_budget(account.id, limit=0, period="total", key=poor.key.id)

        with pytest.raises(BudgetExceeded, match="does not renew"):
            await hub.chat("gpt-4", "Hi", key=poor.secret)
        await hub.chat("gpt-4", "Hi", key=rich.secret)


async def test_wrong_keys_are_told_apart():
    """Missing, malformed, unknown, revoked, expired and without scope each have their error."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        account = await hub.accounts.create("a")
        made = await hub.accounts.create_key(account.id)
        soon = await hub.accounts.create_key(account.id, expires=clock.now() + 5)
        reader = await hub.accounts.create_key(account.id, scopes=["read"])
        gone = await hub.accounts.create_key(account.id)
        await hub.accounts.revoke_key(account.id, gone.key.id)
        clock.advance(1)
        typo = made.secret[:-1] + ("a" if made.secret[-1] != "a" else "b")
        expected = {
            "": "missing_api_key",
            "sk-nobody": "invalid_api_key",
            "x" * 600: "invalid_api_key",
            "ключ": "invalid_api_key",
            typo: "invalid_api_key",
            gone.secret: "revoked_api_key",
            soon.secret: "expired_api_key",
        }
        for secret, code in expected.items():
            with pytest.raises(AuthenticationFailed) as failed:
                await hub.chat("gpt-4", "Hi", key=secret)
            assert failed.value.code == code
            assert not secret or secret not in str(failed.value)
        with pytest.raises(PermissionDenied, match="'inference'"):
            await hub.chat("gpt-4", "Hi", key=reader.secret)
        assert not await hub.requests(account.id)


async def test_revocation_is_exact_although_look_ups_are_remembered():
    """A key that another process revoked is refused at the next admission."""
    async with open_test_hub() as hub:
        account = await hub.accounts.create("a")
        made = await hub.accounts.create_key(account.id)
        await hub.chat("gpt-4", "Hi", key=made.secret)
        await hub._store.change_key(
            account.id, made.key.id, lambda key: attrs.evolve(key, revoked=key.created)
        )

        with pytest.raises(AuthenticationFailed) as failed:
            await hub.chat("gpt-4", "Hi", key=made.secret)
        assert failed.value.code == "revoked_api_key"


async def test_unknown_models_accounts_and_parameters_are_named():
    """Bad input is refused by the name of the field, before anything is written."""
    async with open_test_hub() as hub:
        with pytest.raises(ModelNotFound) as unknown:
            await hub.chat("gpt-9", "Hi")
        # The text is the API document's; which model it was stands in a traceback beside it.
        assert (str(unknown.value), unknown.value.model) == ("Invalid model specified", "gpt-9")
        assert unknown.value.__notes__ == ["There is no model 'gpt-9'."]
        assert (unknown.value.param, unknown.value.code) == ("model", "model_not_found")
        with pytest.raises(NotFound, match="No such account: 'acc_9'"):
            await hub.chat("gpt-4", "Hi", account="acc_9")
        with pytest.raises(InvalidRequest, match="'tempreture'") as typo:
            await hub.chat("gpt-4", "Hi", tempreture=1)
        assert typo.value.param == "tempreture"
        with pytest.raises(InvalidRequest) as role:
            await hub.chat("gpt-4", [{"role": "boss", "content": "Hi"}])
        assert role.value.param == "messages[0].role"
        with pytest.raises(InvalidRequest) as content:
            await hub.chat("gpt-4", [Message("user", "Hi"), {"role": "user", "content": 5}])
        assert content.value.param == "messages[1].content"
        with pytest.raises(InvalidRequest, match="labels"):
            await hub.chat("gpt-4", "Hi", options=Options(labels={str(n): "" for n in range(17)}))
        with pytest.raises(InvalidRequest) as label:
            await hub.chat("gpt-4", "Hi", options=Options(labels={"a": "x" * 300}))
        assert label.value.param == "labels.a"
        with pytest.raises(InvalidRequest):
            await hub.chat("gpt-4", "Hi", options=Options(labels={"a": 1}))
        assert not await hub.requests()


async def test_labels_and_end_user_reach_the_ledger():
    """Attribution is kept with the row."""
    async with open_test_hub() as hub:
        options = Options(labels={"team": "search"}, end_user="eve")
        await hub.chat("gpt-4", "Hi", options=options)

        row = await last_row(hub)
        assert (row.labels, row.end_user) == ({"team": "search"}, "eve")


# Failures upstream


async def test_another_deployment_answers_where_the_first_failed():
    """Before the first content a failure is another's chance; both attempts are in the row."""
    bad = ScriptedProvider([UpstreamFailed("down", provider="p0")])
    good = ScriptedProvider()
    async with open_test_hub(bad, good) as hub:
        done = await hub.chat("gpt-4", "Hi")

        row = await last_row(hub)
        assert done.text == "Once upon a time"
        assert [(a.n, a.deployment, a.outcome, a.error) for a in row.attempts] == [
            (1, "p0/gpt-4-0613", "failed", "upstream_failed"),
            (2, "p1/gpt-4-0613", "ok", None),
        ]
        assert row.attempts[0].cost == 0
        assert sum(a.cost for a in row.attempts) == row.cost == done.cost


async def test_an_attempt_that_may_have_been_billed_is_charged_its_prompt():
    """A time-out costs the counted prompt, estimated, on top of the answer that came."""
    async with open_test_hub(
        ScriptedProvider([UpstreamTimeout("slow")]), ScriptedProvider()
    ) as hub:
        done = await hub.chat("gpt-4", "Hi")

        row = await last_row(hub)
        first, second = row.attempts
        assert first.usage == Usage(row.prompt_tokens, 0, source="estimated")
        assert first.cost == row.prompt_tokens * PROMPT_PRICE
        assert done.usage == second.usage == row.usage
        assert done.cost == row.cost == first.cost + second.cost


async def test_no_further_attempt_without_room_in_the_budget():
    """What would be billed on top needs a hold; where there is no room the failure stands."""
    slow = ScriptedProvider([UpstreamTimeout("slow")])
    good = ScriptedProvider()
    async with open_test_hub(slow, good) as hub:
        account = await hub.accounts.create("a", plan="pro")
        async with hub.stream("gpt-4", "Hi", account=account.id) as probe:
            hold = (await hub.request(probe.id, account.id)).reserved_cost
        row = await last_row(hub, account.id)
        await hub.accounts.create_budget(account.id, limit=hold, period="total")
        slow.calls.clear()

        with pytest.raises(UpstreamTimeout):
            await hub.chat("gpt-4", "Hi", account=account.id)
        row = await last_row(hub, account.id)
        assert (row.state, row.code, len(row.attempts)) == ("error", "upstream_timeout", 1)


async def test_a_refused_request_is_tried_elsewhere_and_its_reason_kept():
    """Where all refuse, the last reason reaches the caller and nothing is billed."""
    refusing = [ScriptedProvider([UpstreamRefused("no", param="messages")]) for _ in range(2)]
    async with open_test_hub(*refusing) as hub:
        with pytest.raises(UpstreamRefused, match="no"):
            await hub.chat("gpt-4", "Hi")

        row = await last_row(hub)
        assert (row.state, row.cost) == ("error", 0)
        assert [attempt.outcome for attempt in row.attempts] == ["refused", "refused"]


async def test_an_answer_that_breaks_off_is_no_clean_end():
    """After the first content there is no other attempt: the error comes in the stream."""
    cut = ScriptedProvider([Text("Once upon"), UpstreamFailed("reset")])
    spare = ScriptedProvider()
    async with open_test_hub(cut, spare) as hub:
        seen = []
        with pytest.raises(UpstreamFailed):
            async with hub.stream("gpt-4", "Hi") as stream:
                async for event in stream:
                    seen.append(event)

        row = await last_row(hub)
        assert seen == [Text("Once upon")]
        assert not spare.calls
        assert row.attempts[0].outcome == "cut"
        assert row.usage is not None
        assert (row.usage.prompt, row.usage.source) == (row.prompt_tokens, "estimated")
        assert row.usage.completion > 0
        assert row.cost == row.attempts[0].cost > 0


async def test_an_answer_without_its_end_is_an_error():
    """A provider that just stops has not answered."""
    async with open_test_hub(ScriptedProvider([Text("Once upon")])) as hub:
        with pytest.raises(UpstreamCut, match="broke off"):
            await hub.chat("gpt-4", "Hi")
        assert (await last_row(hub)).state == "error"


async def test_a_broken_provider_is_settled_and_not_hidden():
    """A bug in a provider reaches the program as it is; the request is settled all the same."""
    async with open_test_hub(ScriptedProvider([Text("a"), ZeroDivisionError("bug")])) as hub:
        with pytest.raises(ZeroDivisionError):
            await hub.chat("gpt-4", "Hi")

        row = await last_row(hub)
        assert (row.state, row.code) == ("error", "internal_error")


async def test_an_abandoned_stream_is_settled_with_what_was_received():
    """Leaving early is no error of anybody's: aborted, estimated, and the provider let go."""
    provider = ScriptedProvider()
    async with open_test_hub(provider) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            async for _ in stream:
                break

        row = await hub.request(stream.id)
        assert (row.state, row.code) == ("aborted", "aborted")
        assert row.usage is not None
        assert (row.usage.completion, row.usage.source) == (1, "estimated")
        assert provider.open_now == 0


async def test_what_the_program_raises_is_its_own():
    """An exception in the body comes out as it is, and the request is settled."""
    async with open_test_hub() as hub:
        with pytest.raises(KeyError):
            async with hub.stream("gpt-4", "Hi") as stream:
                raise KeyError("mine")
        assert (await hub.request(stream.id)).state == "aborted"
    with pytest.raises(KeyError):
        async with open_test_hub():
            raise KeyError("mine")


# Regions, replacing, closing


async def test_home_comes_first_and_a_pinned_request_never_leaves():
    """Without a pin the home region is preferred; with one the others are not tried."""
    providers = [ScriptedProvider([UpstreamFailed("down")]), ScriptedProvider()]
    async with open_test_hub(*providers) as hub:
        done = await hub.chat("gpt-4", "Hi", options=Options(region="region-1"))
        assert done.text
        assert not providers[0].calls
        with pytest.raises(UpstreamFailed):
            await hub.chat("gpt-4", "Hi", options=Options(region="region-0"))
        with pytest.raises(RegionUnavailable, match="region 'mars'"):
            await hub.chat("gpt-4", "Hi", options=Options(region="mars"))


async def test_a_request_ends_with_what_it_began_with():
    """Replacing providers is seen by the next request, not by one in flight."""
    first, second = ScriptedProvider(), ScriptedProvider([Text("new"), Finished("stop")])
    async with open_test_hub(first) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            hub.replace(providers={"p0": second})
            assert "".join([text async for text in stream.texts()]) == "Once upon a time"
        assert (await hub.chat("gpt-4", "Hi")).text == "new"
        with pytest.raises(UsageMistake, match="'p0'"):
            hub.replace(providers={"other": first})


async def test_too_many_in_flight_are_refused_at_once():
    """Above the bound a request is told so, and nothing is admitted."""
    async with open_test_hub(max_in_flight=1) as hub:
        async with hub.stream("gpt-4", "Hi"):
            with pytest.raises(Overloaded) as refused:
                await hub.chat("gpt-4", "Hi")
        assert refused.value.code == "overloaded"
        await hub.chat("gpt-4", "Hi")


class Stuck(ScriptedProvider):
    """A provider that never answers."""

    def __init__(self):
        super().__init__([Text("a")])

    def open(self, call):
        outer = super().open(call)

        class Waits:
            async def __aenter__(self):
                events = await outer.__aenter__()
                await anyio.sleep_forever()
                return events

            async def __aexit__(self, *raised):
                return await outer.__aexit__(*raised)

        return Waits()


async def test_closing_cancels_what_does_not_end_and_settles_it():
    """After the grace what is open is cancelled; its caller is told that the hub closed."""
    outcome = []
    store = None
    async with anyio.create_task_group() as tasks, open_test_hub(Stuck(), grace=0) as hub:
        store = hub._store

        async def ask():
            try:
                await hub.chat("gpt-4", "Hi")
            except HubClosed as error:
                outcome.append(error)

        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert hub.in_flight == 1
    (row,) = await store.rows("acc_local")
    assert len(outcome) == 1
    assert row.state == "aborted"
    with pytest.raises(HubClosed):
        await hub.chat("gpt-4", "Hi")


async def test_closing_waits_for_what_is_nearly_done():
    """Within the grace an answer ends well, while new ones are refused."""
    texts = []
    async with anyio.create_task_group() as tasks, open_test_hub() as hub:

        async def ask():
            async with hub.stream("gpt-4", "Hi") as stream:
                async for text in stream.texts():
                    texts.append(text)
                    await anyio.lowlevel.checkpoint()

        tasks.start_soon(ask)
        await anyio.lowlevel.checkpoint()
        while not hub.in_flight:
            await anyio.lowlevel.checkpoint()
        assert hub.ready
    assert "".join(texts) == "Once upon a time"
    assert not hub.ready


async def test_a_hub_is_held_right_or_says_so():
    """Not entered, entered twice, from another thread: each is named."""
    async with open_test_hub() as hub:
        with pytest.raises(UsageMistake, match="once"):
            await hub.__aenter__()
        hub._thread += 1
        for call in (
            lambda: hub.chat("gpt-4", "Hi"),
            hub.usage,
            hub.requests,
            lambda: hub.request("r"),
        ):
            with pytest.raises(UsageMistake, match="SyncHub"):
                await call()
        hub._thread -= 1
        hub._pid += 1
        with pytest.raises(UsageMistake, match="fork"):
            await hub.chat("gpt-4", "Hi")
        hub._pid -= 1
        hub._state = 0
        with pytest.raises(UsageMistake, match="enter the hub"):
            await hub.chat("gpt-4", "Hi")
        hub._state = 1


async def test_usage_is_by_the_calendar_month_unless_asked_otherwise():
    """Ranges are whole hours, half open; what was used outside does not count."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        month = await hub.usage()
        await hub.chat("gpt-4", "Hi")
        clock.advance(3600)
        await hub.chat("gpt-4-0613", "Hi")

        hour = 3_600_000_000
        assert (month.start, month.end) == (clock.now() - hour, clock.now() - hour + 31 * 24 * hour)
        assert [one.group for one in (await hub.usage()).groups] == ["gpt-4", "gpt-4-0613"]
        served = await hub.usage(group_by="served_model")
        assert [(one.group, one.requests) for one in served.groups] == [("gpt-4-0613", 2)]
        early = await hub.usage(end=month.start + hour)
        assert early.requests == 1
        with pytest.raises(InvalidRequest, match="'start' must be a whole hour"):
            await hub.usage(start=1)
        with pytest.raises(InvalidRequest, match="before"):
            await hub.usage(start=hour, end=0)


async def test_models_are_listed_and_found_under_their_aliases():
    """An alias is served under the name as asked."""
    async with open_test_hub() as hub:
        assert {model.id for model in hub.models()} == {"gpt-4", "gpt-4-0613"}
        assert hub.model("gpt-4").id == "gpt-4"
        assert hub.model("gpt-4-0613").id == "gpt-4-0613"
        with pytest.raises(NotFound, match="No such model: 'gpt-9'"):
            hub.model("gpt-9")


def test_the_fake_answer_is_a_good_one():
    """The scripted answer keeps the providers' contract, so that tests with it mean something."""
    assert [type(event) for event in ANSWER][-2:] == [Finished, UsageSeen]
