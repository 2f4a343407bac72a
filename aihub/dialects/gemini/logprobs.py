"""Probabilities of tokens, in Gemini's shape and in OpenAI's, which is ours."""

from __future__ import annotations

from collections.abc import Mapping

from ...model.units import Json
from ..reading import Unreadable, field, objects


def logprobs_of(told: Mapping[str, Json]) -> list[Json]:
    """Read a `logprobsResult`.

    Raises:
        Unreadable: it is none.
    """
    chosen = objects(told, "chosenCandidates")
    tops = objects(told, "topCandidates")
    return [
        {
            **_entry(one),
            "top_logprobs": [_entry(top) for top in objects(tops[n], "candidates")]
            if n < len(tops)
            else [],
        }
        for n, one in enumerate(chosen)
    ]


def _entry(one: Mapping[str, Json]) -> dict[str, Json]:
    token = field(one, "token", str, "")
    value = one.get("logProbability", 0.0)
    if type(value) not in (int, float):
        raise Unreadable("'logProbability' is no number.")
    return {"token": token, "logprob": value, "bytes": list(token.encode())}


def logprobs_result(logprobs: Json) -> dict[str, Json]:
    """Write probabilities."""
    return {
        "chosenCandidates": [_candidate(one) for one in logprobs],
        "topCandidates": [
            {"candidates": [_candidate(top) for top in one.get("top_logprobs", ())]}
            for one in logprobs
        ],
    }


def _candidate(one: Mapping[str, Json]) -> dict[str, Json]:
    return {"token": one["token"], "logProbability": one["logprob"]}
