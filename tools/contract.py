"""Let schemathesis ask a real server whatever `/openapi.json` says that it takes, and what not.

Answers must have a documented status, type and form, and none may be a 5xx. Left out are checks
that take our limits for faults: requests without a key are refused by 429 after sixty of them, and
a body may be right by its schema and still name a model that there is not.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from time import monotonic, sleep

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
)
KEY = "contract"
MODELS = ["gpt-4", "gpt-4o", "claude-3-opus", "claude-opus-4-6"]
START_SECONDS = 60
BIN = Path(sys.executable).parent


def wait_for_url(output: Path) -> str:
    """Give the URL that a server has printed."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        found = re.search(r"http://[\d.:]+", output.read_text())
        if found:
            return found[0]
        sleep(0.1)
    raise SystemExit(f"the server did not start: {output.read_text()}")


def with_real_names(url: str) -> object:
    """Give the document with models that there are, one way to send a key, and no region.

    By chance hardly any request would name a model; two keys that differ are refused; and a region
    that does not serve a model, which is whatever is sent as one, is a 503.
    """
    # Our own server on loopback.
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=START_SECONDS) as answer:  # noqa: S310
        document = json.load(answer)
    schemas = document["components"]["schemas"]
    responses = ("ResponseRequest", "ResponseCountRequest", "ResponseCompactionRequest")
    for name in ("ChatRequest", "AnthropicRequest", "AnthropicCountRequest", *responses):
        schemas[name]["properties"]["model"] = {"enum": MODELS}
    # The path says it already, and the two may not differ.
    del schemas["GeminiRequest"]["properties"]["model"]
    keys = document["components"]["securitySchemes"]
    document["components"]["securitySchemes"] = {"key": keys["key"]}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["security"] = operation["security"][:1]
            operation["parameters"] = [
                {**one, "schema": {"enum": MODELS}}
                if (one["name"], one["in"]) == ("model", "path")
                else one
                for one in operation["parameters"]
                if one["name"] != "X-AIHub-Region"
            ]
    return document


def main() -> int:
    """Start a server, ask it, end it; exit as schemathesis does."""
    examples = sys.argv[1:2] or ["60"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with output.open("wb") as file:
            server = subprocess.Popen(
                [
                    *(str(BIN / "aihub-serve"), "--ephemeral", "--port", "0"),
                    *("--key", f"{KEY}=enterprise:read+inference+admin", "--log-level", "error"),
                ],
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            url = wait_for_url(output)
            document = Path(folder) / "openapi.json"
            document.write_text(json.dumps(with_real_names(url)))
            asked = subprocess.run(
                [
                    *(str(BIN / "schemathesis"), "run", str(document), "--url", url),
                    *("--header", f"Authorization: Bearer {KEY}", "--continue-on-failure"),
                    *("--checks", ",".join(CHECKS), "--max-examples", *examples, "--seed", "1"),
                    *("--request-timeout", "20", "--generation-database", "none"),
                ],
                cwd=folder,
                check=False,
            )
        finally:
            server.terminate()
            server.wait(START_SECONDS)
        # The server writes of nothing but faults of its own.
        faults = [line for line in output.read_text().splitlines() if "Traceback" in line]
    if faults:
        print("the server reported faults of its own", file=sys.stderr)
    return asked.returncode or bool(faults)


if __name__ == "__main__":
    sys.exit(main())
