"""Every case of `sdks/vectors` holds for the Python clients; other SDKs play the same."""

import json
from importlib.util import find_spec

import pytest

from . import checking, playing

CASES = list(playing.cases())
# By a thread, on each event loop, and with an httpx2 client that was given.
WAYS = (("blocking", "asyncio"), ("async", "trio"), ("async", "asyncio"), ("given", "trio"))
WAYS = [way for way in WAYS if find_spec(way[1])]


def named(cases):
    return [pytest.param(case, id=f"{area}-{case['name']}") for area, case in cases]


@pytest.mark.anyio
@pytest.mark.parametrize(("door", "anyio_backend"), WAYS)
@pytest.mark.parametrize("case", named(CASES))
async def test_a_case_holds(case, door, monkeypatch):
    """By each client, in each of the ways to wait."""
    if door == "blocking" and "cancel" in case.get("needs", ()):
        pytest.skip("a thread cannot be cancelled")
    await playing.play(case, door, monkeypatch)


@pytest.mark.anyio
@pytest.mark.parametrize(("door", "anyio_backend"), WAYS[:3])
@pytest.mark.parametrize("case", named([one for one in CASES if playing.is_stream(one[1])]))
async def test_a_stream_may_come_byte_by_byte(case, door, monkeypatch):
    """However a stream is cut, the same comes of it."""
    if door == "blocking" and "cancel" in case.get("needs", ()):
        pytest.skip("a thread cannot be cancelled")
    await playing.play(case, door, monkeypatch, size=1)


@pytest.mark.parametrize(
    "path", sorted((playing.VECTORS / "cases").iterdir()), ids=lambda p: p.stem
)
def test_a_file_of_cases_is_as_its_schema_says(path):
    """A misspelt field would be a case that expects nothing."""
    schemas = pytest.importorskip("jsonschema_rs")
    schema = json.loads((playing.VECTORS / "schema.json").read_text())
    schemas.validator_for(schema, validate_formats=True).validate(json.loads(path.read_text()))


def test_names_are_unique_and_every_field_is_played():
    """What the schema allows is what the player knows, in both directions."""
    names = [(area, case["name"]) for area, case in CASES]
    assert len(names) == len(set(names))
    parts = json.loads((playing.VECTORS / "schema.json").read_text())["$defs"]
    assert set(parts["case"]["properties"]) == playing.CASES
    assert set(parts["step"]["properties"]) == playing.STEPS
    assert set(parts["expect"]["properties"]) == set(checking.CHECKS)
    assert set(parts["error"]["properties"]["error"]["enum"]) == set(checking.ERRORS)
    calls = {f"{group}.{name}" for group, names in playing.CALLS.items() for name in names}
    assert set(parts["call"]["properties"]["do"]["enum"]) == calls
    told = (playing.VECTORS / "README.md").read_text()
    assert all(f"`{area}.json`" in told for area, _ in CASES)
