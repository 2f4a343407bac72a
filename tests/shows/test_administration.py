"""A real server and a real client: the life of a key, from an operator's hand to its end."""

import pytest

requests = pytest.importorskip("requests")
pytest.importorskip("trio")

HELLO = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello, AI Hub!"}]}
SECONDS = 30

pytestmark = pytest.mark.slow


def caller(url, secret):
    """Give a function that asks as whoever has *secret*."""

    def ask(method, path, body=None):
        answer = requests.request(
            method,
            url + path,
            json=body,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=SECONDS,
        )
        return answer.status_code, answer.json()

    return ask


def test_the_life_of_a_key(run_server, tmp_path):
    """Made by a tenant, used, metered, rotated and revoked; it is so after a restart too."""
    store = f"sqlite:{tmp_path / 'hub.db'}"
    with run_server("--store", store) as server:
        top = caller(server.url, "aihub-dev-key")
        assert top("POST", "/v1/accounts", {"id": "acme", "plan": "developer"})[0] == 200
        wish = {"account": "acme", "scopes": ["read", "inference", "admin"]}
        status, first = top("POST", "/v1/keys", wish)
        assert status == 200
        acme = caller(server.url, first["secret"])
        assert acme("PUT", "/v1/accounts/acme", {"plan": "enterprise"})[0] == 403
        assert acme("GET", "/v1/accounts/acc_dev")[0] == 404

        status, made = acme("POST", "/v1/keys", {"name": "search", "requests_per_minute": 2})
        search = caller(server.url, made["secret"])
        assert search("POST", "/v1/chat/completions", HELLO)[0] == 200
        assert search("GET", "/v1/keys")[0] == 403
        status, used = acme("GET", "/v1/usage?group_by=key")
        assert used["usage"]["keys"][made["id"]]["requests"] == 1

        status, new = acme("POST", f"/v1/keys/{made['id']}/rotate", {"overlap": 3600})
        successor = caller(server.url, new["secret"])
        assert successor("POST", "/v1/chat/completions", HELLO)[0] == 200
        # The two share the window of two a minute.
        assert search("POST", "/v1/chat/completions", HELLO)[0] == 429
        assert acme("DELETE", f"/v1/keys/{made['id']}")[0] == 200
        assert search("GET", "/v1/models")[0] == 401
        server.stop()
        assert made["secret"] not in "".join(server.printed)
    with run_server("--store", store) as server:
        assert caller(server.url, made["secret"])("GET", "/v1/models")[0] == 401
        assert caller(server.url, new["secret"])("GET", "/v1/models")[0] == 200
        top = caller(server.url, "aihub-dev-key")
        assert top("DELETE", "/v1/accounts/acme")[0] == 200
        status, told = caller(server.url, new["secret"])("GET", "/v1/models")
        assert (status, told["error"]["code"]) == (401, "invalid_api_key")
        status, used = top("GET", "/v1/usage?account=acme")
        assert used["usage"]["total_requests"] == 2
    for file in tmp_path.glob("hub.db*"):
        assert file.is_dir() or made["secret"].encode() not in file.read_bytes()
