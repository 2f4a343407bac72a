"""What agents are asked, the tools that they have, and what has to come of it."""

import pytest
from pydantic import BaseModel

BOTH = "What is the weather in Paris for 3 days, and the time there?"
CALLED = [("get_weather", "Paris", 3), ("get_time", "Paris")]
MOST_REQUESTS = 4
"""A loop that asks more often does not end by itself."""

ASKED = [
    pytest.param(BOTH, CALLED, id="both tools"),
    pytest.param(
        "Will the weather in Rome hold for 5 days?", [("get_weather", "Rome", 5)], id="one"
    ),
    pytest.param("Hello, who are you?", [], id="none"),
]


class Report(BaseModel):
    """A report on a city."""

    city: str
    days: int
    rain: bool
    notes: list[str]


def tools_noting(calls):
    """Two tools, which note how they are called."""

    def get_weather(city: str, days: int) -> str:
        """Get the weather forecast for a city."""
        calls.append(("get_weather", city, days))
        return f"{city}: 19 degrees for {days} days"

    def get_time(city: str) -> str:
        """Tell the time of day in a city."""
        calls.append(("get_time", city))
        return "noon"

    return [get_weather, get_time]


def check_calls(calls, expected):
    """Fail unless the tools were called so, each once.

    Tools of one answer run in threads of their own, and are done in any order.
    """
    assert sorted(calls) == sorted(expected)


def check(calls, expected, sent, said):
    """Fail unless the tools were called so, and then there was an answer: no request too many."""
    check_calls(calls, expected)
    assert len(sent) == (2 if expected else 1)
    assert said


def check_report(calls, sent, report):
    """Fail unless the tools were called, and the answer is a report, about what was asked."""
    check_calls(calls, CALLED)
    assert len(sent) <= MOST_REQUESTS
    assert isinstance(report, Report)
    assert (report.city, report.days) == ("Paris", 3)
