"""What is remembered of a deployment's last day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core import uptime
from aihub.core.uptime import MAX_INCIDENTS, SLOT, SLOTS, Uptime, latency, share, standing, together
from aihub.model.units import DAY, SECOND

START = 20_000 * DAY


def counted(*ends, step=0, start=START):
    """The uptime after attempts that ended so, one after the other."""
    made = Uptime()
    for n, (verdict, took) in enumerate(ends):
        made.count(verdict, took, start + n * step)
    return made


def test_attempts_of_a_quarter_of_an_hour_are_counted_together():
    """What says nothing of it is not; a failure has no time that would tell anything."""
    made = counted(("ok", 100), ("ok", 300), ("failed", 9_000), ("neither", 5), ("ok", None))
    [slot] = made.slots
    assert (slot.began, slot.good, slot.bad, slot.latency) == (START, 3, 1, 200)
    assert share(made.slots) == 3 / 4
    assert latency(made.slots) == 200


def test_slots_begin_at_whole_quarters():
    """So that those of several deployments stand below each other."""
    made = counted(("ok", 1), ("ok", 1), step=SLOT, start=START + SLOT - 1)
    assert [slot.began for slot in made.slots] == [START, START + SLOT]


def test_a_clock_that_steps_backwards_counts_into_the_newest():
    """Slots never overlap."""
    made = counted(("ok", 1), start=START + SLOT)
    made.count("failed", None, START)
    assert [(slot.good, slot.bad) for slot in made.slots] == [(1, 1)]


def test_nothing_is_told_where_nobody_asked():
    """Neither a share nor a time: a page must not show 100 %, or 0."""
    made = counted(("neither", None))
    assert (list(made.slots), share(made.slots), latency(made.slots)) == ([], None, None)
    assert standing("closed", made, START) == "operational"


@given(st.lists(st.tuples(st.sampled_from(["ok", "failed", "neither"]), st.integers(0, 2 * DAY))))
def test_a_day_is_kept_and_no_more(ends):
    """Whenever attempts end, what is told of the last day is what ended in it, to a slot."""
    made, now, told = Uptime(), START, []
    for verdict, later in ends:
        now += later
        made.count(verdict, 1, now)
        told.append((verdict, now))
    assert len(made.slots) <= SLOTS
    began = [slot.began for slot in made.slots]
    assert began == sorted(set(began))
    first = now - now % SLOT - DAY
    recent = [verdict for verdict, at in told if at - at % SLOT > first]
    slots = made.last_day(now - now % SLOT)
    assert sum(slot.good for slot in slots) == recent.count("ok")
    assert sum(slot.bad for slot in slots) == recent.count("failed")


def test_an_incident_lasts_from_the_first_opening_to_the_closing():
    """A breaker that opens again in between does not begin another."""
    made = Uptime()
    made.turned(is_open=True, now=START)
    made.turned(is_open=True, now=START + 5)
    assert [(one.began, one.ended) for one in made.incidents] == [(START, None)]
    made.turned(is_open=False, now=START + 9)
    made.turned(is_open=False, now=START + 11)
    made.turned(is_open=True, now=START + 20)
    assert [(one.began, one.ended) for one in made.incidents] == [
        (START, START + 9),
        (START + 20, None),
    ]


def test_incidents_are_told_for_a_day_after_their_end():
    """One that lasts is told however old it is."""
    made = Uptime()
    for n in range(MAX_INCIDENTS + 5):
        made.turned(is_open=True, now=START + 2 * n * SECOND)
        made.turned(is_open=False, now=START + (2 * n + 1) * SECOND)
    made.turned(is_open=True, now=START + 100 * SECOND)
    assert len(made.incidents) == MAX_INCIDENTS
    assert [one.ended for one in made.last_incidents(START + 2 * DAY)] == [None]


@pytest.mark.parametrize(
    ("state", "ends", "told"),
    [
        ("closed", [], "operational"),
        ("closed", ["ok"] * 3, "operational"),
        ("closed", ["ok"] * 20 + ["failed"], "operational"),
        ("closed", ["ok"] * 19 + ["failed"], "degraded"),
        ("closed", ["failed"], "degraded"),
        ("half_open", ["ok"] * 3, "degraded"),
        ("open", ["ok"] * 3, "outage"),
    ],
)
def test_how_a_deployment_stands(state, ends, told):
    """By its breaker; and where that is closed, by the share of its failures."""
    made = counted(*[(end, 1) for end in ends])
    assert standing(state, made, START) == told
    # Half an hour later a closed breaker's failures are no longer news.
    later = standing(state, made, START + 2 * SLOT)
    assert later == ("operational" if state == "closed" else told)


@pytest.mark.parametrize(
    ("standings", "told"),
    [
        ([], "operational"),
        (["operational"], "operational"),
        (["operational", "degraded"], "degraded"),
        (["operational", "outage"], "degraded"),
        (["degraded", "outage"], "degraded"),
        (["outage", "outage"], "outage"),
    ],
)
def test_how_several_stand(standings, told):
    """As long as one is asked, it is no outage."""
    assert together(standings) == told
    assert uptime.together(iter(standings)) == told
