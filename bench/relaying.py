"""What a gateway adds to a call: aihub before a constant provider, beside the provider itself.

Rounds alternate, as in `bench.run`. All is on: keys, plans, limits, metering, the ledger. With
`--peers` other gateways are measured in the same rounds, where they are installed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .servers import HERE, KEY, LIMITS, Server, StartError, Target, open_server

UPSTREAM = Target(
    "provider",
    [sys.executable, str(HERE / "upstream.py"), "--port", "0"],
    stream_path="/v1/chat/completions",
)

AIHUB = """
[providers.up]
kind = "openai"
base_url = "{url}/v1"
transport = "{transport}"
connections = 1000
models = ["gpt-4"]

"""

LITELLM = """
model_list:
  - model_name: gpt-4
    litellm_params: {{model: openai/gpt-4, api_base: "{url}/v1", api_key: up}}
general_settings: {{master_key: {key}}}
litellm_settings: {{callbacks: [], set_verbose: false}}
"""

LITELLM_PORT = 41_573
"""LiteLLM's proxy does not tell which port it took: a fixed one that nobody else is likely to."""


def gateways(url: str, folder: Path, *, peers: bool) -> tuple[list[Target], list[str]]:
    """Return how to start each gateway before the provider at *url*, and who is missing.

    Args:
        url: where the provider is.
        folder: where to write what they are configured by.
        peers: whether to look for others.
    """
    targets = [_aihub(url, folder, transport) for transport in ("native", "httpx2")]
    missing: list[str] = []
    if peers:
        litellm = shutil.which("litellm")
        if litellm is None:
            missing.append("litellm is not installed: pip install 'litellm[proxy]'")
        else:
            targets.append(_litellm(litellm, url, folder))
        missing.append("portkey listens on every interface and cannot be told otherwise")
    return targets, missing


def _aihub(url: str, folder: Path, transport: str) -> Target:
    file = folder / f"{transport}.toml"
    file.write_text(AIHUB.format(url=url, transport=transport) + LIMITS.read_text())
    return Target(
        f"aihub, {transport}",
        [
            str(Path(sys.executable).with_name("aihub-serve")),
            *("--ephemeral", "--port", "0", "--key", f"{KEY}=bench"),
            *("--log-level", "warning", "--config", str(file)),
        ],
        stream_path="/v1/chat/completions",
    )


def _litellm(command: str, url: str, folder: Path) -> Target:
    file = folder / "litellm.yaml"
    file.write_text(LITELLM.format(url=url, key=KEY))
    # It prints the address that it listens on once it does.
    return Target(
        "litellm",
        [command, "--config", str(file), "--host", "127.0.0.1", "--port", str(LITELLM_PORT)],
        stream_path="/v1/chat/completions",
    )


@contextmanager
def open_relays(*, peers: bool) -> Iterator[tuple[Server, list[Server], list[str]]]:
    """Start the provider and every gateway; give them, and who is missing.

    Raises:
        StartError: the provider or aihub did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="aihub-bench-") as name, ExitStack() as stack:
        upstream = stack.enter_context(open_server(UPSTREAM))
        url = f"http://127.0.0.1:{upstream.port}"
        targets, missing = gateways(url, Path(name), peers=peers)
        started = []
        for target in targets:
            try:
                server = stack.enter_context(open_server(target))
                server.ask_once()
            except StartError as error:
                if target.name.startswith("aihub"):
                    raise
                missing.append(f"{target.name} did not start: {error}")
            else:
                started.append(server)
        yield upstream, started, missing
