"""Counts tokens with OpenAI's tokenizers: exactly for their models, as an estimate for others.

Theory of operation. Encodings are built once in a process and shared by all counters, since one
holds tens of megabytes; a lock makes several threads that want the same one wait for the first.
Counting before `load` loads: right, but slow where an event loop runs.

Text is prepared so that tiktoken can take anything. A lone surrogate, which has no UTF-8 form,
becomes U+FFFD, character for character. tiktoken 0.14 takes time in proportion to the length of
a text, one letter a million times included (0.2 s), but its pattern dies of a million white
spaces in a row; longer runs than `MAX_SPACES` are therefore encoded in blocks, which may count a
token more for each, and such a count is an estimate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING

from aihub.model.catalogue import Model
from aihub.model.chat import ROLES, Chat
from aihub.model.usage import Count

from . import parts
from .prompt import (
    TOKENS_FOR_ANSWER,
    TOKENS_PER_MESSAGE,
    by_the_rule,
    other_parts,
    overhead,
    plain_texts,
    texts,
)
from .ranks import PATTERNS, SIZES, open_encoding

if TYPE_CHECKING:
    from tiktoken import Encoding

# What a model is counted by whose encoding we do not have: the newer and larger vocabulary.
NEAREST = "o200k_base"

# tiktoken's pattern gives up at 999,999 white spaces in a row (its backtracking stack is full).
MAX_SPACES = 500_000

# A system prompt comes again with every request and a conversation's beginning with every turn:
# counts of texts up to SHORT characters are kept, some 4 MB when full.
SHORT = 512
REMEMBERED = 4096

# Two at least, so that the spaces between words cost no match.
_SPACES = re.compile(r"\s{2,}")
_SURROGATE = re.compile("[\ud800-\udfff]")

# In UTF-8 a byte that continues a character begins with the bits 10.
_TOP_BITS, _CONTINUATION = 0b1100_0000, 0b1000_0000

_encodings: dict[str, Encoding] = {}
_loading = Lock()


class TiktokenCounter:
    """Counts with tiktoken and the vocabularies that come with aihub; needs the extra `tokens`.

    Any thread may call it. A model whose encoding is none of ours is counted by the nearest.
    """

    def ready(self, encoding: str) -> bool:
        """Say whether *encoding* is loaded."""
        return _known(encoding) in _encodings

    def load(self, encoding: str) -> None:
        """Load *encoding* if it is not: 0.1 to 0.2 s of work. Safe in several threads at once.

        Raises:
            ImportError: tiktoken is not installed.
        """
        _load(_known(encoding))

    def count_prompt(self, model: Model, chat: Chat) -> Count:
        """Count a conversation by the rule that OpenAI publishes.

        The source is `estimated` where the model has no public tokenizer, or where the chat has
        something for which there is no published rule: tools, tool calls, pictures behind a URL.
        """
        encoding = _known(model.encoding)
        roles = _role_tokens(encoding)
        plain = plain_texts(chat)
        if plain is not None and max(map(len, plain), default=0) <= SHORT:
            # The usual chat, and on the way of every request.
            tokens = TOKENS_FOR_ANSWER + TOKENS_PER_MESSAGE * len(plain)
            tokens += sum([roles[message.role] for message in chat.messages])
            tokens += sum([_count_short(encoding, text) for text in plain])
            exact = model.exact_tokens and model.encoding in PATTERNS
            return Count(tokens, "counted" if exact else "estimated")
        tokens, exact = overhead(chat), by_the_rule(chat)
        for message in chat.messages:
            tokens += roles[message.role]
        for text in texts(chat):
            count = self.count_text(model, text)
            tokens += count.tokens
            exact = exact and count.source == "counted"
        for part in other_parts(chat):
            counted = parts.count(model, part, lambda text: self.count_text(model, text).tokens)
            tokens += counted.tokens
            exact = exact and counted.exact
        return Count(tokens, "counted" if exact and model.exact_tokens else "estimated")

    def count_text(self, model: Model, text: str) -> Count:
        """Count a text alone."""
        exact = model.exact_tokens and model.encoding in PATTERNS
        if len(text) <= SHORT:
            tokens = _count_short(_known(model.encoding), text)
            return Count(tokens, "counted" if exact else "estimated")
        encode = _load(_known(model.encoding)).encode_ordinary
        blocks = _blocks(_whole(text))
        tokens = sum([len(encode(block)) for block in blocks])
        return Count(tokens, "counted" if exact and len(blocks) == 1 else "estimated")

    def encode(self, encoding: str, text: str) -> list[int]:
        """Return the tokens of *text*; what looks like a special token is text as any other."""
        encode = _load(_known(encoding)).encode_ordinary
        return [token for block in _blocks(_whole(text)) for token in encode(block)]

    def size(self, encoding: str) -> int:
        """Return how many ids of tokens there are, those of special ones included."""
        return SIZES[_known(encoding)]

    def spell(self, encoding: str, tokens: Iterable[int]) -> list[bytes]:
        """Return the bytes of each of *tokens*; a special one has none."""
        loaded = _load(_known(encoding))
        decode, plain = loaded.decode_single_token_bytes, loaded.n_vocab
        return [decode(token) if token < plain else b"" for token in tokens]

    def spelled(self, encoding: str, text: str) -> list[bytes]:
        """Return the bytes of each token of *text*; one may be a part of a character."""
        return self.spell(encoding, self.encode(encoding, text))

    def ends(self, encoding: str, text: str) -> list[tuple[int, int]]:
        """Return where characters and tokens end together, and the tokens up to there."""
        if text.isascii():
            sizes = [len(token) for token in self.spelled(encoding, text)]
            return list(zip(accumulate(sizes), range(1, len(sizes) + 1), strict=True))
        return list(self._ends(encoding, text))

    def _ends(self, encoding: str, text: str) -> Iterator[tuple[int, int]]:
        decode = _load(_known(encoding)).decode_single_token_bytes
        written = _whole(text).encode()
        at = characters = 0
        for used, token in enumerate(self.encode(encoding, text), start=1):
            data = decode(token)
            at += len(data)
            characters += sum(not _continues(byte) for byte in data)
            if at == len(written) or not _continues(written[at]):
                yield characters, used


@lru_cache(REMEMBERED)
def _count_short(encoding: str, text: str) -> int:
    return len(_load(encoding).encode_ordinary(_whole(text)))


@cache
def _role_tokens(encoding: str) -> dict[str, int]:
    """Count the few roles once: every message has one."""
    encode = _load(encoding).encode_ordinary
    return {role: len(encode(role)) for role in ROLES}


def _known(encoding: str) -> str:
    return encoding if encoding in PATTERNS else NEAREST


def _load(encoding: str) -> Encoding:
    loaded = _encodings.get(encoding)
    if loaded is None:
        with _loading:
            loaded = _encodings.get(encoding)
            if loaded is None:
                loaded = _encodings[encoding] = open_encoding(encoding)
    return loaded


def _continues(byte: int) -> bool:
    """Say whether a byte of UTF-8 continues a character."""
    return byte & _TOP_BITS == _CONTINUATION


def _whole(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _blocks(text: str) -> list[str]:
    """Cut *text* inside runs of more than `MAX_SPACES` white spaces; nearly always not at all."""
    if len(text) <= MAX_SPACES:
        return [text]
    blocks, at = [], 0
    for run in _SPACES.finditer(text):
        for end in range(run.start() + MAX_SPACES, run.end(), MAX_SPACES):
            blocks.append(text[at:end])
            at = end
    return [*blocks, text[at:]]
