"""Make a client of `/openapi.json` by openapi-python-client, and ask a real server with it.

Fails where an operation is left out, a body or an answer has no type, or an answer is not read.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from contract import BIN, KEY, wait_for_url

UNTYPED = ("AnthropicEvent",)
"""What no operation takes or answers: the events of a stream, which are said in words."""

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("ChatRequest", {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}),
    "complete_text": ("TextRequest", {"model": "gpt-4", "prompt": "Once"}),
    "embed": ("EmbeddingRequest", {"model": "text-embedding-3-small", "input": "Hi"}),
    "moderate": ("ModerationRequest", {"input": "Hi"}),
    "messages": (
        "AnthropicRequest",
        {
            "model": "gpt-4",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "Hi"}],
        },
    ),
}
"""Operations that take a body, its type, and one."""


def main() -> None:
    """Start a server, make the client, ask, and end it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        output = folder / "output"
        with output.open("wb") as file:
            command = [str(BIN / "aihub-serve"), "--port", "0", "--ephemeral"]
            server = subprocess.Popen(
                [*command, "--key", f"{KEY}=enterprise"], stdout=file, stderr=file
            )
        try:
            url = wait_for_url(output)
            make(url, folder)
            sys.path.insert(0, name)
            print(ask(url), "operations asked, each body and answer of its type")
        finally:
            server.terminate()
            server.wait()


def make(url: str, folder: Path) -> None:
    """Make the client; refuse it where something of the document was beyond its maker."""
    maker = [str(BIN / "openapi-python-client"), "generate", "--url", f"{url}/openapi.json"]
    where = ["--meta", "none", "--output-path", str(folder / "made")]
    done = subprocess.run([*maker, *where], capture_output=True, text=True, check=True)
    told = done.stdout + done.stderr
    if "response will be omitted" in told or "endpoint" in told.lower():
        raise SystemExit(told)
    for line in told.splitlines():
        lost = line.partition("/components/schemas/")[2]
        if lost and not lost.startswith(UNTYPED):
            raise SystemExit(told)


def ask(url: str) -> int:
    """Ask each operation of `CALLS`, and some that take nothing; return how many."""
    made = import_module("made")
    models = import_module("made.models")
    client = made.AuthenticatedClient(base_url=url, token=KEY)
    for operation, (kind, body) in CALLS.items():
        call = import_module(f"made.api.default.{operation}")
        answer = call.sync(client=client, body=getattr(models, kind).from_dict(body))
        check(operation, answer)
    others = ("models", "usage", "list_sessions", "healthz")
    for operation in others:
        check(operation, import_module(f"made.api.default.{operation}").sync(client=client))
    return len(CALLS) + len(others)


def check(operation: str, answer: object) -> None:
    """Refuse an answer that has no type of its own."""
    if not type(answer).__module__.startswith("made.models") or "Error" in type(answer).__name__:
        raise SystemExit(f"{operation} answered {answer!r}")


if __name__ == "__main__":
    main()
