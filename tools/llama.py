"""Ask a real server that is not ours, by two lines of configuration: `nox -s llama [-- GGUF]`.

Starts `python -m llama_cpp.server` with a GGUF model and `aihub-serve` with a file of two lines in
front of it, and asks that with OpenAI's own client: whole and streamed. Without a model one is
made: a llama of two layers with random weights, which talks nonsense by the code of a real one.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import openai
from gguf import GGUFWriter, TokenType

SECONDS = 120
"""What starting may take: a model of some gigabytes is read first."""

SIZE, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 512
MESSAGES = [{"role": "user", "content": "Tell me a story"}]


def main(model: str | None = None) -> None:
    """Ask, and fail where an answer is not as it must be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(model) if model else make_model(Path(folder) / "tiny.gguf")
        with llama(path) as url, gateway(Path(folder), url) as server:
            check(server)
    print(f"aihub in front of llama_cpp.server with {path.name}: whole, streamed and refused")


def check(server: str) -> None:
    """Ask whole and streamed, and for a model that there is not."""
    with openai.OpenAI(base_url=f"{server}/v1", api_key="aihub-dev-key", max_retries=0) as ai:
        whole = ai.chat.completions.create(model="my-model", messages=MESSAGES, max_tokens=16)
        assert whole.usage is not None
        assert whole.usage.prompt_tokens > 0
        assert whole.choices[0].finish_reason in {"stop", "length"}
        chunks = list(
            ai.chat.completions.create(
                model="my-model",
                messages=MESSAGES,
                max_tokens=16,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        assert [one.choices[0].finish_reason for one in chunks if one.choices][-1]
        assert chunks[-1].usage is not None
        assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
        try:
            ai.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        except openai.BadRequestError as error:
            code = error.code
        else:
            code = None
        assert code == "model_not_found"


def make_model(path: Path) -> Path:
    """Write a llama with random weights, whose words are bytes."""
    chance = np.random.default_rng(7)
    tokens = [b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(256))]
    kinds = [TokenType.UNKNOWN, *[TokenType.CONTROL] * 2, *[TokenType.BYTE] * 256]
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(SIZE)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_rope_dimension_count(SIZE // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def put(name: str, *shape: int) -> None:
        values = np.ones(shape) if len(shape) == 1 else chance.normal(0, 0.05, shape)
        writer.add_tensor(f"{name}.weight", values.astype(np.float32))

    put("token_embd", len(tokens), SIZE)
    for n in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            put(f"blk.{n}.{name}", SIZE)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            put(f"blk.{n}.{name}", SIZE, SIZE)
        for name in ("ffn_gate", "ffn_up"):
            put(f"blk.{n}.{name}", INNER, SIZE)
        put(f"blk.{n}.ffn_down", SIZE, INNER)
    put("output_norm", SIZE)
    put("output", len(tokens), SIZE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@contextmanager
def llama(model: Path) -> Iterator[str]:
    """Serve *model* by llama.cpp."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--model", str(model), "--n_ctx", str(CONTEXT)]
    with running([*command, "--chat_format", "chatml"]):
        url = f"http://127.0.0.1:{port}/v1"
        wait_for(f"{url}/models")
        yield url


@contextmanager
def gateway(folder: Path, url: str) -> Iterator[str]:
    """Serve what is at *url* by aihub, with a file of two lines."""
    path = folder / "aihub.toml"
    path.write_text(f'providers.mine.base_url = "{url}"\nproviders.mine.models = ["my-model"]\n')
    command = [str(Path(sys.executable).with_name("aihub-serve")), "--ephemeral", "--port", "0"]
    key = ["--key", "aihub-dev-key=pro", "--config", str(path)]
    with running([*command, *key], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"http://[\w.:]+", line)
            if found:
                yield found[0]
                return
    raise AssertionError("aihub-serve did not start")


@contextmanager
def running(command: list[str], **how: object) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the context ends."""
    process = subprocess.Popen(command, env=os.environ, **how)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait(SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def wait_for(url: str) -> None:
    """Wait until something answers."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS):  # noqa: S310 - http, our own
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {url}")


if __name__ == "__main__":
    main(*sys.argv[1:])
