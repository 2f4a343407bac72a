"""What hostile or careless clients send, as data: each case with the answer it gets by contract.

Longer than most files: it is a list. `KEY` in a case's bytes stands for a good operator's key. The
tests beside it send these to the app, to the driver and to a real process; the fuzzers start here.
"""

from __future__ import annotations

import json

import attrs

from aihub.server.http import MAX_BODY, MAX_HEAD


@attrs.frozen
class Case:
    """Bytes, and what they are answered.

    Args:
        name: what it is about.
        data: what is sent, a request or what should have been one.
        status: the answer's.
        code: the error's; None where the answer is none.
        param: the field that is to blame.
        carries_on: whether the connection takes another request afterwards.
    """

    name: str
    data: bytes
    status: int
    code: str | None
    param: str | None = None
    carries_on: bool = True


GEMINI = "/v1beta/models/gpt-4"
CHAT, STREAM = "/v1/chat/completions", "/v1/chat/stream"
HELLO = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}


def request(method, target, body=b"", *lines, key="KEY"):
    """Give the bytes of a request in good order."""
    head = [
        f"{method} {target} HTTP/1.1",
        "Host: localhost",
        *([f"Authorization: Bearer {key}"] if key else []),
        f"Content-Length: {len(body)}",
        *lines,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


# What is no HTTP, or could be read in two ways. The connection closes.

HOST = b"Host: localhost\r\n"
CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


def _head(line, *headers, body=b""):
    return line + b"\r\n" + HOST + b"".join(one + b"\r\n" for one in headers) + b"\r\n" + body


def _get(*headers):
    return _head(b"GET /healthz HTTP/1.1", *headers)


def _post(*headers, body=b""):
    return _head(b"POST /v1/chat/completions HTTP/1.1", *headers, body=body)


_BAD_REQUESTS = {
    "garbage": b"GARBAGE\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "blank lines first": b"\r\n\r\n\r\n" + _get(),
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "two spaces": _head(b"GET  /healthz HTTP/1.1"),
    "a space after the version": _head(b"GET /healthz HTTP/1.1 "),
    "a null byte in the path": _head(b"GET /\x00 HTTP/1.1"),
    "a raw byte in the path": _head(b"GET /\xff HTTP/1.1"),
    "a raw byte in the method": _head(b"G\xffT / HTTP/1.1"),
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": _get(HOST[:-2]),
    "two Hosts that differ": _get(b"Host: elsewhere"),
    "a header without a colon": _get(b"Nonsense"),
    "a header without a name": _get(b": value"),
    "a space before the colon": _get(b"A : b"),
    "a null byte in a header": _get(b"A: \x00"),
    "a bare CR in a header": _get(b"A: b\rc"),
    "a continued line first": b"GET /healthz HTTP/1.1\r\n " + HOST + b"\r\n",
    "negative Content-Length": _post(b"Content-Length: -1"),
    "signed Content-Length": _post(b"Content-Length: +1"),
    "empty Content-Length": _post(b"Content-Length:"),
    "hexadecimal Content-Length": _post(b"Content-Length: 0x1"),
    "two numbers as Content-Length": _post(b"Content-Length: 1 1"),
    "conflicting Content-Lengths": _post(b"Content-Length: 1", b"Content-Length: 2"),
    "conflicting Content-Lengths in a list": _post(b"Content-Length: 1, 2"),
    "Content-Length of 31 digits": _post(b"Content-Length: 1" + b"0" * 30),
    "Content-Length and Transfer-Encoding": _post(
        b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nGET /evil HTTP/1.1\r\n"
    ),
    "Transfer-Encoding and Content-Length": _post(
        b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"
    ),
    "Transfer-Encoding in HTTP/1.0": (
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "Transfer-Encoding behind a vertical tab": _post(b"Transfer-Encoding:\x0bchunked"),
    "a chunk size that is none": CHUNKED + b"ZZ\r\n",
    "a negative chunk size": CHUNKED + b"-1\r\n",
    "a chunk size with 0x": CHUNKED + b"0x1\r\nA\r\n",
    "a chunk size of 21 digits": CHUNKED + b"f" * 21 + b"\r\n",
    "a chunk size that ends in LF alone": CHUNKED + b"1\nA\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"1\r\nAB\r\n0\r\n\r\n",
    "a trailer without a colon": CHUNKED + b"0\r\nNonsense\r\n\r\n",
    "two keys": _post(b"Authorization: Bearer KEY", b"Authorization: Bearer other"),
    "two Content-Types": _post(b"Content-Type: application/json", b"Content-Type: text/plain"),
    "two Idempotency-Keys": _post(b"Idempotency-Key: a", b"Idempotency-Key: b"),
    "two regions": _post(b"X-AIHub-Region: a", b"x-aihub-region: b"),
    "two If-Matches": _post(b"If-Match: 1", b"If-Match: 2"),
}

FRAMING = [
    *(Case(name, data, 400, "bad_request", None, False) for name, data in _BAD_REQUESTS.items()),
    *(
        Case(name, data, 501, "not_implemented", None, False)
        for name, data in {
            "compressed in transfer": _post(b"Transfer-Encoding: gzip"),
            "compressed and chunked": _post(b"Transfer-Encoding: gzip, chunked"),
            "chunked twice": _post(b"Transfer-Encoding: chunked, chunked"),
            "two Transfer-Encodings": _post(
                b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"
            ),
            "nearly chunked": _post(b"Transfer-Encoding: xchunked"),
        }.items()
    ),
    *(
        Case(name, data, 505, "http_version_not_supported", None, False)
        for name, data in {
            "HTTP/9.9": _head(b"GET /healthz HTTP/9.9"),
            "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        }.items()
    ),
    *(
        Case(name, data, 431, "head_too_large", None, False)
        for name, data in {
            "a huge header": _get(b"A: " + b"x" * 3 * MAX_HEAD),
            "a huge target": _head(b"GET /" + b"x" * 3 * MAX_HEAD + b" HTTP/1.1"),
            "very many headers": _get(*[b"a: b"] * (MAX_HEAD // 2)),
        }.items()
    ),
    *(
        Case(name, data, 413, "body_too_large", None, False)
        for name, data in {
            "a body too large": _post(b"Content-Length: %d" % (MAX_BODY + 1), body=b"{"),
            "a body too large, not waited for": _post(
                b"Content-Length: 99999999999999999999", b"Expect: 100-continue"
            ),
            "a chunk too large": CHUNKED + b"%x\r\n" % (MAX_BODY + 1) + b" " * (MAX_BODY + 1),
            "very many chunks": CHUNKED + b"1\r\n \r\n" * 20_000,
        }.items()
    ),
    *(
        Case(name, data, 408, "request_timeout", None, False)
        for name, data in {
            "half a request line": b"GET /heal",
            "half a head": _get()[:-2],
            "half a body": request("POST", CHAT, json.dumps(HELLO).encode())[:-10],
            "half a chunk": CHUNKED + b"ff\r\n{",
        }.items()
    ),
]

# Requests in good order that no path, key or type fits.

_OK_CHAT = json.dumps(HELLO).encode()

HEADS = [
    Case("//", request("GET", "//v1/models"), 404, "unknown_path"),
    Case("/..", request("GET", "/v1/../v1/models"), 404, "unknown_path"),
    Case("encoded /..", request("GET", "/v1/%2e%2e/v1/models"), 404, "unknown_path"),
    Case("/.. in a model", request("GET", "/v1/models/../usage"), 404, "model_not_found"),
    Case("an encoded slash", request("GET", "/v1%2fmodels"), 404, "unknown_path"),
    Case("a slash in an id", request("GET", "/v1/sessions/a%2Fb"), 404, "session_not_found"),
    Case("an encoded null byte", request("GET", "/v1/sessions/%00"), 404, "session_not_found"),
    Case("invalid UTF-8", request("GET", "/v1/sessions/%ff%c3"), 404, "session_not_found"),
    Case("half an escape", request("GET", "/v1/sessions/%e"), 404, "session_not_found"),
    Case("quotes", request("GET", "/v1/sessions/'%22;--"), 404, "session_not_found"),
    Case(
        "line breaks",
        request("GET", "/v1/sessions/a%0d%0aSet-Cookie:%20b%0aFORGED%e2%80%a8FORGED"),
        404,
        "session_not_found",
    ),
    Case(
        "line breaks in a model",
        request("GET", "/v1/models/a%0ab"),
        404,
        "model_not_found",
    ),
    Case("a long id", request("GET", "/v1/sessions/" + "x" * 60_000), 404, "session_not_found"),
    Case(
        "a long model",
        request("GET", "/v1/models/" + "x" * 60_000),
        404,
        "model_not_found",
    ),
    Case(
        "a plan with a line break", request("PUT", "/v1/plans/a%0ab"), 400, "invalid_value", "plan"
    ),
    Case("a plan of raw bytes", request("PUT", "/v1/plans/%ff"), 400, "invalid_value", "plan"),
    Case("a host in the target", request("GET", "http://localhost/nothing"), 404, "unknown_path"),
    Case("no slash", request("GET", "nothing"), 404, "unknown_path"),
    Case("a fragment", request("GET", "/healthz#a"), 404, "unknown_path"),
    Case("CONNECT", request("CONNECT", "localhost:443"), 404, "unknown_path"),
    Case("TRACE", request("TRACE", "/v1/models"), 405, "method_not_allowed"),
    Case("an invented method", request("FROB", CHAT, _OK_CHAT), 405, "method_not_allowed"),
    Case("a method in small letters", request("post", CHAT, _OK_CHAT), 405, "method_not_allowed"),
    Case("a form", request("POST", CHAT, b"a=b", "Content-Type: text/plain"), 415, "not_json"),
    Case("no key", request("POST", CHAT, _OK_CHAT, key=""), 401, "missing_api_key"),
    Case("an unknown key", request("POST", CHAT, _OK_CHAT, key="x"), 401, "invalid_api_key"),
    Case("a mistyped key", request("POST", CHAT, _OK_CHAT, key="ah_x"), 401, "invalid_api_key"),
    Case("a raw key", request("GET", "/v1/usage", key="\xe9\xff"), 401, "invalid_api_key"),
    Case("a key of 60 kB", request("GET", "/v1/usage", key="k" * 60_000), 401, "invalid_api_key"),
    Case(
        "an unknown scheme",
        request("GET", "/v1/usage", b"", "Authorization: Basic KEY", key=""),
        401,
        "missing_api_key",
    ),
    Case("a long query", request("GET", "/v1/usage?" + "a=1&" * 9000), 400, None),
    Case(
        "a query twice", request("GET", "/v1/keys?limit=1&limit=2"), 400, "invalid_value", "limit"
    ),
    Case(
        "a fraction of a page",
        request("GET", "/v1/keys?limit=1.5"),
        400,
        "integer_below_min_value",
        "limit",
    ),
    Case(
        "a page of 10**30",
        request("GET", "/v1/keys?limit=1" + "0" * 30),
        400,
        "integer_below_min_value",
        "limit",
    ),
    Case(
        "raw bytes in a query",
        request("GET", "/v1/usage?start=%ff%00"),
        400,
        "invalid_value",
        "start",
    ),
    Case(
        "If-Match of words",
        request("DELETE", "/v1/sessions/a", b"", "If-Match: W/x"),
        400,
        None,
        "If-Match",
    ),
    Case(
        "an empty Idempotency-Key",
        request("POST", CHAT, _OK_CHAT, "Idempotency-Key:"),
        400,
        None,
        "Idempotency-Key",
    ),
    Case(
        "an Idempotency-Key of 256",
        request("POST", CHAT, _OK_CHAT, "Idempotency-Key: " + "k" * 256),
        400,
        None,
        "Idempotency-Key",
    ),
    Case(
        "an unknown region",
        request("POST", CHAT, _OK_CHAT, "X-AIHub-Region: '\"<nowhere>"),
        503,
        "region_unavailable",
    ),
]

# What is not against the rules, however odd it looks.

ODD = [
    Case(
        "an upgrade",
        request("GET", "/healthz", b"", "Connection: upgrade", "Upgrade: h2c"),
        200,
        None,
    ),
    Case("a host in the target, served", request("GET", "http://localhost/healthz?a"), 200, None),
    Case("one length twice", request("GET", "/healthz", b"", "Content-Length: 0"), 200, None),
    Case(
        "a chunk extension and a trailer",
        _head(
            b"POST /v1/sessions HTTP/1.1",
            b"Authorization: Bearer KEY",
            b"Transfer-Encoding: Chunked",
            body=b'2;a="b"\r\n{"\r\n0\r\nA: b\r\n\r\n',
        ),
        400,
        "invalid_json",
    ),
    Case("lines that end in LF alone", b"GET /healthz HTTP/1.1\nHost: localhost\n\n", 200, None),
    Case("an unknown expectation", request("GET", "/healthz", b"", "Expect: the-worst"), 200, None),
    Case("an asterisk", request("OPTIONS", "*"), 204, None),
]

# Bodies.

ENDPOINTS = {
    "chat": ("POST", CHAT),
    "stream": ("POST", STREAM),
    "response": ("POST", "/v1/responses"),
    "count of a response": ("POST", "/v1/responses/input_tokens"),
    "compaction": ("POST", "/v1/responses/compact"),
    "stored completion": ("POST", "/v1/chat/completions/none"),
    "message": ("POST", "/v1/messages"),
    "count of a message": ("POST", "/v1/messages/count_tokens"),
    "content": ("POST", f"{GEMINI}:generateContent"),
    "content as a stream": ("POST", f"{GEMINI}:streamGenerateContent?alt=sse"),
    "count of content": ("POST", f"{GEMINI}:countTokens"),
    "new session": ("POST", "/v1/sessions"),
    "session": ("PUT", "/v1/sessions/none"),
    "fork": ("POST", "/v1/sessions/none/fork"),
    "new account": ("POST", "/v1/accounts"),
    "account": ("PUT", "/v1/accounts/none"),
    "new key": ("POST", "/v1/keys"),
    "key": ("PUT", "/v1/keys/none"),
    "rotation": ("POST", "/v1/keys/none/rotate"),
    "plan": ("PUT", "/v1/plans/none"),
    "new budget": ("POST", "/v1/budgets"),
    "budget": ("PUT", "/v1/budgets/none"),
}

NO_JSON = {
    "half an object": b'{"a":',
    "an array": b"[]",
    "a text": b'"{}"',
    "null": b"null",
    "two objects": b"{}{}",
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a comment": b"{}//",
    "invalid UTF-8": b'{"a":"\xff"}',
    "an overlong null": b'{"a":"\xc0\x80"}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "a lone surrogate": b'{"a":"\\ud800"}',
    "the wrong half first": b'{"a":"\\udc00\\ud800"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a raw line break in a text": b'{"a":"\n"}',
    "a null byte behind it": b"{}\x00",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "1e999": b'{"a":1e999}',
    "400 digits": b'{"a":' + b"1" * 400 + b"}",
    "a leading zero": b'{"a":01}',
    "hexadecimal": b'{"a":0x1}',
    "nested 50,000 deep": b'{"a":' + b"[" * 50_000,
    "objects nested 10,000 deep": b'{"a":' * 10_000,
    "blanks only": b" " * 1000,
}

TOO_MANY = {
    "nested 100,000 deep": b'{"a":' + b"[" * 100_001 + b"]" * 100_001 + b"}",
    "4 MiB of empty arrays": b'{"a":[' + b"[]," * (MAX_BODY // 3 - 4) + b"0]}",
    "4 MiB of empty texts": b'{"a":[' + b'"",' * (MAX_BODY // 3 - 4) + b"0]}",
}

INVALID, LOW, HIGH = "invalid_type", "integer_below_min_value", "integer_above_max_value"
D_LOW, D_HIGH = "decimal_below_min_value", "decimal_above_max_value"
VALUE, UNKNOWN, MISSING = "invalid_value", "unknown_parameter", "missing_required_parameter"
LONG, SHORT = "string_above_max_length", "string_below_min_length"
BIG = 2**64


def _function(**fields):
    return {"type": "function", "function": fields}


_CHAT_FAULTS = [
    ("messages", "Hi", INVALID, "messages"),
    ("messages", {}, INVALID, "messages"),
    ("messages", [], "empty_array", "messages"),
    ("messages", None, MISSING, "messages"),
    ("messages", ["Hi"], INVALID, "messages[0]"),
    ("messages", [{"content": "Hi"}], MISSING, "messages[0].role"),
    ("messages", [{"role": "robot", "content": "Hi"}], VALUE, "messages[0].role"),
    ("messages", [{"role": "r" * 10**6, "content": "Hi"}], VALUE, "messages[0].role"),
    ("messages", [{"role": 1, "content": "Hi"}], INVALID, "messages[0].role"),
    ("messages", [{"role": "user"}], MISSING, "messages[0].content"),
    ("messages", [{"role": "user", "content": 1}], INVALID, "messages[0].content"),
    ("messages", [{"role": "user", "content": [1]}], INVALID, "messages[0].content[0]"),
    ("messages", [{"role": "user", "content": [{}]}], MISSING, "messages[0].content[0].type"),
    ("messages", [{"role": "tool", "content": "x"}], MISSING, "messages[0].tool_call_id"),
    ("model", 4, INVALID, "model"),
    ("model", "", SHORT, "model"),
    ("model", "m" * 257, LONG, "model"),
    ("model", "\x00", "model_not_found", "model"),
    ("model", "a\r\nb: c", "model_not_found", "model"),
    ("stream", "true", INVALID, "stream"),
    ("stream", 1, INVALID, "stream"),
    ("temperature", 9, D_HIGH, "temperature"),
    ("temperature", "1", INVALID, "temperature"),
    ("temperature", True, INVALID, "temperature"),
    ("temperature", -1e-9, D_LOW, "temperature"),
    ("temperature", BIG, D_HIGH, "temperature"),
    ("top_p", 1.1, D_HIGH, "top_p"),
    ("max_tokens", -1, LOW, "max_tokens"),
    ("max_tokens", 0, LOW, "max_tokens"),
    ("max_tokens", 1.5, INVALID, "max_tokens"),
    ("max_tokens", "1", INVALID, "max_tokens"),
    ("max_tokens", False, INVALID, "max_tokens"),
    ("max_tokens", BIG, HIGH, "max_tokens"),
    ("max_tokens", 1e300, HIGH, "max_tokens"),
    ("max_tokens", 2**31 - 1, None, "max_tokens"),
    ("max_completion_tokens", -1, LOW, "max_completion_tokens"),
    ("n", 10**9, HIGH, "n"),
    ("n", 0, LOW, "n"),
    ("seed", 2**63 + 200, HIGH, "seed"),
    ("seed", -(2**63) - 1, INVALID, "seed"),
    ("seed", 2.0**60, INVALID, "seed"),
    ("top_logprobs", 21, HIGH, "top_logprobs"),
    ("stop", [[]], INVALID, "stop[0]"),
    ("stop", ["a"] * 5, "array_above_max_length", "stop"),
    ("stop", {}, INVALID, "stop"),
    ("tools", {}, INVALID, "tools"),
    ("tools", [1], INVALID, "tools[0]"),
    ("tools", [{}], MISSING, "tools[0].type"),
    ("tools", [{"type": "function"}], MISSING, "tools[0].function"),
    ("tools", [_function(name="a b")], VALUE, "tools[0].function.name"),
    ("tools", [_function(name="n" * 10**6)], LONG, "tools[0].function.name"),
    ("tools", [_function(name="f", parameters=[])], INVALID, "tools[0].function.parameters"),
    ("tool_choice", "sometimes", VALUE, "tool_choice"),
    ("tool_choice", {"type": "x" * 10**6}, VALUE, "tool_choice.type"),
    ("tool_choice", {"type": "allowed_tools"}, MISSING, "tool_choice.allowed_tools"),
    ("functions", [], "empty_array", "functions"),
    ("function_call", {"name": 1}, INVALID, "function_call.name"),
    ("response_format", "json", INVALID, "response_format"),
    ("response_format", {"type": "json_schema"}, MISSING, "response_format.json_schema"),
    ("reasoning_effort", "extreme", VALUE, "reasoning_effort"),
    ("metadata", {"k" * 10**6: ""}, LONG, "metadata." + "k" * 64),
    ("modalities", ["smell"], VALUE, "modalities[0]"),
    ("prediction", {"type": "content"}, MISSING, "prediction.content"),
    ("stream_options", {"include_usage": "yes"}, INVALID, "stream_options.include_usage"),
    ("logit_bias", {"1": 101}, HIGH, "logit_bias.1"),
    ("logit_bias", {"t" * 10**6: "x"}, INVALID, "logit_bias." + "t" * 64),
    ("user", 1, INVALID, "user"),
    ("session_id", "", SHORT, "session_id"),
    ("session_id", "s" * 129, LONG, "session_id"),
    ("session_id", ["ses_1"], INVALID, "session_id"),
]

_SESSION_FAULTS = [
    ("title", 1, INVALID, "title"),
    ("title", "t" * 257, LONG, "title"),
    ("model", False, INVALID, "model"),
    ("system_prompt", [], INVALID, "system_prompt"),
    ("system_prompt", "p" * 262_145, LONG, "system_prompt"),
    ("context_policy", "sometimes", VALUE, "context_policy"),
    ("metadata", [], INVALID, "metadata"),
    ("metadata", {"a": 1}, INVALID, "metadata.a"),
    ("metadata", {"n" * 10**6: 1}, INVALID, "metadata." + "n" * 64),
    ("nonsense", 1, UNKNOWN, "nonsense"),
    ("u" * 10**6, 1, UNKNOWN, "u" * 64),
]
_KEY_FAULTS = [
    ("name", 1, INVALID, "name"),
    ("name", "n" * 257, LONG, "name"),
    ("scopes", "read", INVALID, "scopes"),
    ("scopes", [], "empty_array", "scopes"),
    ("scopes", ["root"], VALUE, "scopes[0]"),
    ("expires", "tomorrow", INVALID, "expires"),
    ("expires", -1, LOW, "expires"),
    ("expires", BIG, HIGH, "expires"),
    ("requests_per_minute", 0, LOW, "requests_per_minute"),
    ("requests_per_minute", 1.5, INVALID, "requests_per_minute"),
    ("tokens_per_minute", True, INVALID, "tokens_per_minute"),
    ("tokens_per_minute", BIG, HIGH, "tokens_per_minute"),
]
_ACCOUNT_FAULTS = [
    ("name", {}, INVALID, "name"),
    ("plan", "", SHORT, "plan"),
    ("operator", "yes", INVALID, "operator"),
    ("operator", 1, INVALID, "operator"),
    ("nonsense", None, UNKNOWN, "nonsense"),
]
_BUDGET_FAULTS = [
    ("limit", None, INVALID, "limit"),
    ("limit", 1.5, INVALID, "limit"),
    ("limit", True, INVALID, "limit"),
    ("limit", -1, VALUE, "limit"),
    ("limit", BIG, INVALID, "limit"),
    ("limit", "1e3", VALUE, "limit"),
    ("limit", "\u0661", VALUE, "limit"),
    ("limit", "9" * 10**6, VALUE, "limit"),
]

_MESSAGE = {**HELLO, "max_tokens": 9}
_CONTENT = {"contents": [{"parts": [{"text": "Hi"}]}]}
_COUNT_FAULTS = [
    ("model", "", SHORT, "model"),
    ("model", "m" * 10**5, LONG, "model"),
    ("messages", {}, INVALID, "messages"),
    ("messages", [{"role": "user", "content": [[]]}], INVALID, "messages[0].content[0]"),
    (
        "messages",
        [{"role": "user", "content": [{"type": 7}]}],
        INVALID,
        "messages[0].content[0].type",
    ),
    ("system", 7, INVALID, "system"),
    ("thinking", {"type": "enabled", "budget_tokens": 1}, LOW, "thinking.budget_tokens"),
    ("tools", [{"name": "n" * 129, "input_schema": {}}], LONG, "tools[0].name"),
    ("tools", [{"name": "f"}], MISSING, "tools[0].input_schema"),
    ("tool_choice", {"type": "x" * 10**5}, VALUE, "tool_choice.type"),
    ("session_id", "s" * 129, LONG, "session_id"),
]
_MESSAGE_FAULTS = [
    *_COUNT_FAULTS,
    ("max_tokens", 0, LOW, "max_tokens"),
    ("max_tokens", BIG, HIGH, "max_tokens"),
    ("max_tokens", "9", INVALID, "max_tokens"),
    ("temperature", 1.5, D_HIGH, "temperature"),
    ("stop_sequences", "a", INVALID, "stop_sequences"),
    ("top_k", 0.5, INVALID, "top_k"),
]
_CONTENT_FAULTS = [
    ("contents", {}, INVALID, "contents"),
    ("contents", [{"parts": [[]]}], INVALID, "contents[0].parts[0]"),
    ("contents", [{"parts": [{"text": 7}]}], INVALID, "contents[0].parts[0].text"),
    ("contents", [{"role": "x" * 10**5}], VALUE, "contents[0].role"),
    ("contents", [{"y" * 10**5: 1}], UNKNOWN, "contents[0]." + "y" * 52),
    ("generationConfig", 7, INVALID, "generationConfig"),
    ("generationConfig", {"candidateCount": 10**9}, HIGH, "generationConfig.candidateCount"),
    ("tools", [{"functionDeclarations": [7]}], INVALID, "tools[0].functionDeclarations[0]"),
    ("model", "models/other", VALUE, "model"),
    ("sessionId", "", SHORT, "sessionId"),
]

_INPUT_FAULTS = [
    ("input", 7, INVALID, "input"),
    ("input", [[]], INVALID, "input[0]"),
    ("input", [{"role": "user", "content": {}}], INVALID, "input[0].content"),
    ("input", [{"type": "reasoning", "summary": [7]}], INVALID, "input[0].summary[0]"),
    ("input", [{"type": "function_call", "name": "f"}], MISSING, "input[0].call_id"),
    ("instructions", [], INVALID, "instructions"),
    ("previous_response_id", "", SHORT, "previous_response_id"),
]
_RESPONSE_FAULTS = [
    *_INPUT_FAULTS,
    ("max_output_tokens", 0, LOW, "max_output_tokens"),
    ("max_output_tokens", BIG, HIGH, "max_output_tokens"),
    ("temperature", 1e300, D_HIGH, "temperature"),
    ("tools", [{"type": "function", "name": "a b"}], VALUE, "tools[0].name"),
    ("tools", [{}], MISSING, "tools[0].type"),
    ("tool_choice", 1, INVALID, "tool_choice"),
    ("text", {"format": {"type": "json_schema"}}, MISSING, "text.format.name"),
    ("metadata", {"a": {}}, INVALID, "metadata.a"),
    ("include", "all", INVALID, "include"),
    ("conversation", {}, MISSING, "conversation.id"),
    ("truncation", "some", VALUE, "truncation"),
]

FAULTS = {
    "response": _RESPONSE_FAULTS,
    "count of a response": _RESPONSE_FAULTS,
    "compaction": _INPUT_FAULTS,
    "stored completion": [
        ("metadata", [], INVALID, "metadata"),
        ("metadata", {"a": 1}, INVALID, "metadata.a"),
        ("store", False, UNKNOWN, "store"),
    ],
    "chat": _CHAT_FAULTS,
    "stream": _CHAT_FAULTS,
    "message": _MESSAGE_FAULTS,
    "count of a message": _COUNT_FAULTS,
    "content": _CONTENT_FAULTS,
    "content as a stream": _CONTENT_FAULTS,
    "count of content": _CONTENT_FAULTS,
    "new session": _SESSION_FAULTS,
    "session": [
        *_SESSION_FAULTS,
        ("version", 0, LOW, "version"),
        ("version", "1", INVALID, "version"),
    ],
    "fork": [
        ("turn", -1, LOW, "turn"),
        ("turn", 0.5, INVALID, "turn"),
        ("title", 1, INVALID, "title"),
    ],
    "new account": [
        *_ACCOUNT_FAULTS,
        ("id", "a/b", VALUE, "id"),
        ("id", "a\nb", VALUE, "id"),
        ("id", "..", VALUE, "id"),
        ("id", "i" * 65, VALUE, "id"),
    ],
    "account": _ACCOUNT_FAULTS,
    "new key": [*_KEY_FAULTS, ("account", "", SHORT, "account")],
    "key": _KEY_FAULTS,
    "rotation": [
        ("overlap", "1", INVALID, "overlap"),
        ("overlap", -1, D_LOW, "overlap"),
        ("overlap", 1e300, D_HIGH, "overlap"),
    ],
    "plan": [
        ("requests_per_minute", "1", INVALID, "requests_per_minute"),
        ("tokens_per_minute", -1, LOW, "tokens_per_minute"),
        ("parallel", 0, LOW, "parallel"),
        ("token_reserve", "none", VALUE, "token_reserve"),
    ],
    "new budget": [
        *_BUDGET_FAULTS,
        ("period", "fortnight", VALUE, "period"),
        ("key", 1, INVALID, "key"),
    ],
    "budget": _BUDGET_FAULTS,
}
"""Fields that are wrong, alone in a body that is otherwise good: name, value, code, param."""

_INPUT = {"model": "gpt-4", "input": "Hi"}
_BASE = {
    "response": _INPUT,
    "count of a response": _INPUT,
    "compaction": _INPUT,
    "stored completion": {"metadata": {}},
    "chat": HELLO,
    "stream": HELLO,
    "message": _MESSAGE,
    "count of a message": HELLO,
    "content": _CONTENT,
    "content as a stream": _CONTENT,
    "count of content": _CONTENT,
    "new budget": {"limit": "1"},
}


def _bodies():
    for place, (method, path) in ENDPOINTS.items():
        for what, body in NO_JSON.items():
            yield Case(f"{place}: {what}", request(method, path, body), 400, "invalid_json")
        for field, value, code, param in FAULTS[place]:
            fields = {**_BASE.get(place, {}), field: value}
            shown = json.dumps(value)[:48]
            yield Case(
                f"{place}: {field[:24]} = {shown}",
                request(method, path, json.dumps(fields).encode()),
                400,
                code,
                param,
            )
    for what, body in TOO_MANY.items():
        for place in ("chat", "new session", "message", "content"):
            yield Case(f"{place}: {what}", request(*ENDPOINTS[place], body), 400, "too_many_values")
    unknown = json.dumps({**HELLO, "session_id": "ses_of_another"}).encode()
    yield Case(
        "chat: an unknown session",
        request("POST", CHAT, unknown),
        404,
        "session_not_found",
        "session_id",
    )
    twice = b'{"max_tokens":1,"max_tokens":-1,' + _OK_CHAT[1:]
    yield Case("chat: a name twice", request("POST", CHAT, twice), 400, LOW, "max_tokens")


BODIES = list(_bodies())

ALL = [*FRAMING, *HEADS, *ODD, *BODIES]
