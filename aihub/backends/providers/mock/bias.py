"""`logit_bias`: tokens that an answer must not have, and tokens that it may have alone.

-100 bans a token and 100 leaves only such tokens, as OpenAI's document says. Values between make a
token more or less likely: the mock, which draws no lots, then writes what it would have written.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ....errors import InvalidRequest
from ....messages import Msg
from ....model.units import Json
from ...tokens import CuttingCounter, Vocabulary
from .choosing import Chooser

BANNED, FORCED = -100, 100


@attrs.frozen
class Bias:
    """What a request's bias comes to."""

    banned: frozenset[int] = frozenset()
    forced: tuple[int, ...] = ()


def meaning(bias: Mapping[str, Json], tokens: CuttingCounter, encoding: str) -> Bias:
    """Return what *bias* bans and forces.

    Raises:
        InvalidRequest: a key is no token of the vocabulary, or there is no vocabulary.
    """
    return _meaning(bias, vocabulary_of(tokens), encoding)


def vocabulary_of(tokens: CuttingCounter) -> Vocabulary:
    """Return *tokens* as what they must be for a bias.

    Raises:
        InvalidRequest: they have no numbers.
    """
    if isinstance(tokens, Vocabulary):
        return tokens
    raise InvalidRequest(
        Msg(
            "The mock provider does not support 'logit_bias' without a tokenizer: install "
            "'ai-hub[tokens]'."
        ),
        param="logit_bias",
        code="unsupported_parameter",
    )


def _meaning(bias: Mapping[str, Json], vocabulary: Vocabulary, encoding: str) -> Bias:
    size = vocabulary.size(encoding)
    for key in bias:
        if not (key.isascii() and key.isdigit() and int(key[:20]) < size):
            raise InvalidRequest(
                Msg(
                    "Invalid key in 'logit_bias': {key}. Keys are token ids from 0 to {last}.",
                    key=key[:20],
                    last=size - 1,
                ),
                param="logit_bias",
                code="invalid_value",
            )
    return Bias(
        frozenset(int(key) for key, weight in bias.items() if weight <= BANNED),
        tuple(sorted(int(key) for key, weight in bias.items() if weight >= FORCED)),
    )


def without(text: str, banned: frozenset[int], vocabulary: Vocabulary, encoding: str) -> str:
    """Return *text* without the tokens that are banned.

    What is left may come together as another token that is banned: it is looked at again, and is
    shorter each time.
    """
    while True:
        tokens = vocabulary.encode(encoding, text)
        kept = [token for token in tokens if token not in banned]
        if len(kept) == len(tokens):
            return text
        text = b"".join(vocabulary.spell(encoding, kept)).decode(errors="ignore")


def only(
    forced: tuple[int, ...], count: int, chooser: Chooser, vocabulary: Vocabulary, encoding: str
) -> list[bytes]:
    """Return *count* tokens, all of them forced ones; none where those are special."""
    spelled = [token for token in vocabulary.spell(encoding, forced) if token]
    return [chooser.pick(spelled) for _ in range(count)] if spelled else []
