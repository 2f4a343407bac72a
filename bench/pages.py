"""What the pages weigh and how soon something is seen of them, in the distribution's Chromium.

Run as a process of its own (`python -m bench.pages`). Each page is opened anew with an empty cache,
signed in. The weight is what was transferred, heads included, and stands beside what we allow it;
times are the medians of several rounds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from time import monotonic, sleep
from typing import Any

from .servers import KEY, PLAIN, StartError, Target, open_server
from .table import show

CHROMIUM, DRIVER = "chromium", "chromedriver"
PAGES = ("dashboard", "console", "status")
ROUNDS = 5
MOST_KB = 150.0
SECONDS = 30
"""What a page takes at most on a busy machine."""

OPERATOR = Target(
    "aihub",
    [one.replace("=enterprise", "=enterprise:read+inference+admin") for one in PLAIN.command],
    stream_path=PLAIN.stream_path,
)
SIGN_IN = """
    const [key, done] = arguments;
    const headers = {"x-aihub-page": "1", "content-type": "application/json"};
    fetch("v1/me", {method: "POST", headers, body: JSON.stringify({key})})
        .then((answer) => done(answer.ok));
"""
SEEN = """
    const paints = performance.getEntriesByName("first-contentful-paint");
    const loaded = performance.getEntries().filter((one) => one.transferSize !== undefined);
    const quiet = document.querySelector("main").children.length > 0;
    return quiet && paints.length
        ? {paint: paints[0].startTime, files: loaded.length,
           kb: loaded.reduce((sum, one) => sum + one.transferSize, 0) / 1000}
        : null;
"""


@dataclass
class Row:
    """A figure, and what it stands beside."""

    group: str
    name: str
    unit: str
    subject: float
    ceiling: float | None = None

    @property
    def ratio(self) -> float | None:
        """The figure over what it stands beside."""
        return None if self.ceiling is None else self.subject / self.ceiling


@contextmanager
def open_browser() -> Iterator[Any]:
    """Give a browser without a window."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which(CHROMIUM)
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(one)
    service = webdriver.ChromeService(shutil.which(DRIVER))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def look(driver: Any, url: str) -> dict[str, float]:
    """Open a page with nothing remembered, and say what it took."""
    driver.get("about:blank")
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    driver.get(url)
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        seen: dict[str, float] | None = driver.execute_script(SEEN)
        if seen is not None:
            return seen
        sleep(0.02)
    raise TimeoutError(f"{url} shows nothing after {SECONDS} s")


def measure(rounds: int) -> list[Row]:
    """Open each page so many times."""
    rows = []
    with open_server(OPERATOR) as server, open_browser() as driver:
        home = f"http://127.0.0.1:{server.port}"
        driver.get(f"{home}/status")
        if not driver.execute_async_script(SIGN_IN, KEY):
            raise StartError("nobody could sign in")
        for page in PAGES:
            seen = [look(driver, f"{home}/{page}") for _ in range(rounds)]
            weight = median(one["kb"] for one in seen)
            rows += [
                Row(f"/{page}", "transferred, beside what is allowed", "kB", weight, MOST_KB),
                Row(f"/{page}", "files", "", median(one["files"] for one in seen)),
                Row(f"/{page}", "first contentful paint", "ms", median(o["paint"] for o in seen)),
            ]
    return rows


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description="Measure what the pages weigh.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    missing = [one for one in (CHROMIUM, DRIVER) if shutil.which(one) is None]
    if missing:
        print(f"The pages are not measured: needs {' and '.join(missing)}.")
        return 0
    rows = measure(options.rounds)
    if options.json:
        json.dump([asdict(row) for row in rows], sys.stdout, indent=1)
    else:
        show(rows, "figure", against="bound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
