"""Two server processes on one file: a session is the same conversation on both."""

from concurrent.futures import ThreadPoolExecutor

import pytest

requests = pytest.importorskip("requests")

pytestmark = pytest.mark.slow

AUTH = {"Authorization": "Bearer test"}
CHATS = 200


def test_two_workers_share_a_session(run_server, tmp_path):
    """A turn is read by the other at once; two hundred chats on both lose none."""
    store = f"sqlite:{tmp_path / 'hub.db'}"
    options = ("--store", store, "--key", "test=enterprise", "--port", "0")
    with run_server(*options) as one, run_server(*options) as two:
        urls = (one.url, two.url)
        made = requests.post(
            f"{one.url}/v1/sessions", json={"model": "gpt-4"}, headers=AUTH, timeout=10
        ).json()

        def chat(n, stream=False):
            body = {
                "session_id": made["id"],
                "messages": [{"role": "user", "content": f"text {n}"}],
                "max_tokens": 5,
                "stream": stream,
            }
            url = f"{urls[n % 2]}/v1/chat/completions"
            answer = requests.post(url, json=body, headers=AUTH, timeout=60)
            assert answer.status_code == 200, answer.text
            return answer

        def read(n):
            url = f"{urls[n % 2]}/v1/sessions/{made['id']}"
            return requests.get(url, headers=AUTH, params={"order": "desc"}, timeout=10).json()

        for n in range(10):
            chat(n, stream=n % 3 == 0)
            # The other worker, at once.
            found = read(n + 1)
            assert found["totals"]["turns"] == n + 1
            assert found["messages"]["data"][1]["content"] == f"text {n}"

        with ThreadPoolExecutor(32) as threads:
            list(threads.map(chat, range(10, 10 + CHATS)))
        seen, after = [], None
        while True:
            url = f"{one.url}/v1/sessions/{made['id']}"
            params = {"limit": 100, "after": after}
            page = requests.get(url, headers=AUTH, params=params, timeout=10).json()["messages"]
            seen += page["data"]
            after = page["last_id"]
            if not page["has_more"]:
                break
        asked = [one["content"] for one in seen if one["role"] == "user"]
        assert sorted(asked) == sorted(f"text {n}" for n in range(10 + CHATS))
        assert [one["turn"] for one in seen if one["role"] == "user"] == list(range(1, 11 + CHATS))
        used = requests.get(f"{two.url}/v1/usage", headers=AUTH, timeout=10).json()["usage"]
        assert used["total_requests"] == 10 + CHATS
        assert used["total_cost"] == pytest.approx(read(0)["totals"]["cost"], abs=1e-12)
