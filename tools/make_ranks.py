"""Write the vocabularies in `aihub/backends/tokens/*.ranks` from the npm package js-tiktoken.

    npm pack js-tiktoken && python tools/make_ranks.py js-tiktoken-1.0.21.tgz

Takes no network. The package has the same ranks as OpenAI's `.tiktoken` files in another form;
each file is put together again and must have the SHA-256 that tiktoken expects of it, so what is
written is what tiktoken would have downloaded. The format is that of `backends/tokens/ranks.py`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import tarfile
from pathlib import Path

from aihub.backends.tokens.ranks import SEPARATOR, SINGLE_BYTES

HERE = Path(__file__).resolve().parent.parent / "aihub" / "backends" / "tokens"

# Of OpenAI's files, as in tiktoken_ext/openai_public.py.
SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


def main(tarball: str) -> None:
    """Write both files."""
    with tarfile.open(tarball) as package:
        for name, expected in SHA256.items():
            member = package.extractfile(f"package/dist/ranks/{name}.js")
            if member is None:
                raise SystemExit(f"{tarball} has no ranks of {name}")
            tokens = read(member.read().decode())
            check(name, tokens, expected)
            (HERE / f"{name}.ranks").write_bytes(pack(tokens))
            print(f"{name}: {len(tokens)} tokens")


def read(module: str) -> list[bytes]:
    """Return the tokens of a JavaScript module in order of rank.

    Each line of its `bpe_ranks` is a mark, the rank of the first token, and tokens in base64.
    """
    found = re.search(r'"bpe_ranks":"([^"]*)"', module)
    if found is None:
        raise SystemExit("no bpe_ranks in the module")
    tokens: list[bytes] = []
    for line in found[1].split("\\n"):
        mark, first, *encoded = line.split(" ")
        if (mark, int(first)) != ("!", len(tokens)):
            raise SystemExit(f"not the next line of ranks: {mark} {first}")
        tokens += map(base64.b64decode, encoded)
    return tokens


def check(name: str, tokens: list[bytes], expected: str) -> None:
    """Refuse tokens that are not those of OpenAI's file."""
    lines = (base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens))
    found = hashlib.sha256(b"".join(lines)).hexdigest()
    if found != expected:
        raise SystemExit(f"{name}: SHA-256 is {found}, not {expected}")


def pack(tokens: list[bytes]) -> bytes:
    """Return the content of a `.ranks` file."""
    single, longer = tokens[:SINGLE_BYTES], tokens[SINGLE_BYTES:]
    if any(len(token) != 1 for token in single) or any(SEPARATOR in token for token in longer):
        raise SystemExit("these tokens need another format")
    return b"".join(single) + SEPARATOR.join(longer)


if __name__ == "__main__":
    main(sys.argv[1])
