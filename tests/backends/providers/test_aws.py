"""Requests to Bedrock are signed over exactly what the transport sends."""

import hashlib
import hmac
import subprocess
import sys
from urllib.parse import quote

import attrs
import pytest

from aihub.backends.clocks import ManualClock
from aihub.backends.providers.http import (
    AwsCredentials,
    BedrockAddress,
    HttpProvider,
    KeyAddress,
    make_provider,
)
from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.dialects import bedrock
from aihub.dialects.outbound import Wire
from aihub.errors import UpstreamFailed, UsageMistake
from aihub.model.chat import Chat, Message
from aihub.model.events import Text
from aihub.model.units import SECOND
from aihub.model.usage import Count
from aihub.protocols import ProviderCall
from aihub.testing.providers import MODEL
from aihub.testing.upstreams import answer, open_upstream

from .http_answers import JSON, SERVERS, TEXT, whole

pytestmark = [pytest.mark.anyio, pytest.mark.needs("botocore")]

OWN = AwsCredentials(access_key="AKID", secret_key="sk-secret", session_token="st-secret")
ARN = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.some.model-v1:0"
NOON = 1_790_000_000 * SECOND
"""2026-09-21T14:13:20Z."""


def call(model=ARN):
    chat = Chat(model="gpt-4", messages=(Message("user", "Hé"),))
    return ProviderCall("req_1", chat, MODEL, model, Count(4, "counted"))


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256)


def signature_of(asked, *, secret="sk-secret", region="eu-west-1"):
    """The signature of a request as it arrived, by AWS's description of the algorithm."""
    headers = dict(asked.headers)
    told = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    path = quote(asked.target.partition("?")[0], safe="/~")
    lines = [f"{name}:{headers[name]}" for name in told.split(";")]
    digest = hashlib.sha256(asked.body).hexdigest()
    canonical = "\n".join([asked.method, path, "", *lines, "", told, digest])
    stamp = headers["x-amz-date"]
    scope = f"{stamp[:8]}/{region}/bedrock/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for one in scope.split("/"):
        key = _hmac(key, one).digest()
    return _hmac(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}").hexdigest()


@pytest.mark.parametrize("transport", [Httpx2Transport, NativeTransport])
@pytest.mark.parametrize("own", [OWN, attrs.evolve(OWN, session_token=None)])
async def test_the_signature_is_over_what_arrives(transport, own):
    """Path, host with its port, all headers that are said, and the body."""
    clock = ManualClock(NOON)
    async with open_upstream(whole(SERVERS["bedrock"])) as upstream:
        address = BedrockAddress(
            region="eu-west-1",
            credentials=own,
            base_url=f"{upstream.url}/vpc",
            headers=(("x-amzn-bedrock-guardrailidentifier", "g"),),
            now=clock.now,
        )
        provider = HttpProvider(
            name="up", dialect=bedrock.Outbound(), address=address, transport=transport()
        )
        for _ in range(2):
            async with provider.open(call()) as events:
                assert Text(TEXT) in [one async for one in events]
            clock.advance(86_400)
        await provider.aclose()
        first, second = upstream.asked
    headers = dict(first.headers)
    named = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert first.target == f"/vpc/model/{quote(ARN, safe='')}/converse"
    assert headers["host"] == f"127.0.0.1:{upstream.port}"
    assert headers["x-amz-date"] == "20260921T141320Z"
    assert headers["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKID/20260921/eu-west-1/bedrock/aws4_request, "
    )
    assert {"content-type", "host", "x-amz-date"} <= {*named}
    assert ("x-amz-security-token" in named) == (own.session_token is not None)
    assert "x-amzn-bedrock-guardrailidentifier" in named
    for asked in (first, second):
        assert dict(asked.headers)["authorization"].endswith(f"Signature={signature_of(asked)}")
    assert dict(second.headers)["x-amz-date"] == "20260922T141320Z"


def test_the_signature_is_what_botocores_own_client_sends():
    """For the same request at the same instant: its signer as a whole is the judge."""
    auth = pytest.importorskip("botocore.auth")
    awsrequest = pytest.importorskip("botocore.awsrequest")
    credentials = pytest.importorskip("botocore.credentials")
    address = BedrockAddress(region="eu-west-1", credentials=OWN)
    wire = Wire(path="/model/a%3Ab/converse", body=b"{}")
    for _ in range(3):  # A second may pass between the two.
        ours = address.request(wire, call())
        theirs = awsrequest.AWSRequest(
            "POST", ours.url, headers={"content-type": "application/json"}, data=b"{}"
        )
        signer = credentials.Credentials("AKID", "sk-secret", "st-secret")
        auth.SigV4Auth(signer, "bedrock", "eu-west-1").add_auth(theirs)
        if theirs.headers["X-Amz-Date"] == dict(ours.headers)["x-amz-date"]:
            break
    assert dict(ours.headers) == {name.lower(): one for name, one in theirs.headers.items()}
    assert ours.url == "https://bedrock-runtime.eu-west-1.amazonaws.com/model/a%3Ab/converse"


async def test_no_secret_is_in_a_repr_or_an_error():
    """Not in the address's, the credentials', the request's, nor in what a refusal says."""
    told = orjson_error("The security token st-secret included in the request is invalid.")
    script = answer(told, status="403 No", headers=JSON)
    async with open_upstream(script) as upstream:
        provider = make_provider(
            "bedrock",
            name="up",
            transport=NativeTransport(),
            base_url=upstream.url,
            region="eu-west-1",
            credentials=OWN,
        )
        with pytest.raises(UpstreamFailed) as failed:
            async with provider.open(call()):
                pass
        await provider.aclose()
    address = BedrockAddress(region="eu-west-1", credentials=OWN)
    request = address.request(Wire(path="/", body=b""), call())
    shown = [repr(one) for one in (*vars(provider).values(), address, OWN, request)]
    shown += [str(failed.value), repr(failed.value)]
    assert not any("secret" in one.replace("secret_key", "") for one in shown)


def orjson_error(message):
    """An exception's body."""
    return f'{{"message": "{message}"}}'.encode()


def made(**fields):
    """A provider of the kind."""
    return make_provider("bedrock", name="b", transport=NativeTransport(), **fields)


def test_a_region_and_credentials_or_a_key_make_a_provider():
    """By the region's own address, in China too; or by a key of Bedrock's own."""
    signed = made(region="eu-west-1", credentials=OWN)._address
    keyed = made(region="cn-north-1", key="k")._address

    assert isinstance(signed, BedrockAddress)
    assert signed.base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert isinstance(keyed, KeyAddress)
    assert keyed.base_url == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"
    request = keyed.request(Wire(path="/x", body=b""), call())
    assert dict(request.headers)["authorization"] == "Bearer k"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "needs a region or a base_url"),
        ({"region": "EU/west"}, "region of AWS"),
        ({"region": "eu-west-1", "key": "k", "credentials": OWN}, "one of them is meant"),
        ({"base_url": "https://a.b", "credentials": OWN}, "needs a region"),
    ],
)
def test_what_is_configured_wrongly_is_named(fields, says):
    """Before anything is asked."""
    with pytest.raises(UsageMistake, match=says):
        made(**fields)


@pytest.mark.parametrize("fields", [{"region": "eu-west-1"}, {"credentials": OWN}])
def test_only_bedrock_has_regions_and_credentials(fields):
    """They would be without effect elsewhere."""
    with pytest.raises(UsageMistake, match="only 'bedrock'"):
        make_provider("openai", name="o", transport=NativeTransport(), **fields)


def test_without_botocore_the_line_that_installs_it_is_told(monkeypatch):
    """And the dialect itself works: a key needs no signer."""
    monkeypatch.setitem(sys.modules, "botocore.auth", None)

    with pytest.raises(UsageMistake, match=r"pip install 'ai-hub\[bedrock\]'"):
        made(region="eu-west-1", credentials=OWN)
    made(region="eu-west-1", key="k")


@pytest.mark.slow
def test_botocore_is_loaded_only_where_it_signs():
    """Its import takes longer than ours."""
    code = (
        "import sys, aihub.backends.providers.http as http, aihub.dialects.bedrock\n"
        "assert not any(one.startswith('botocore') for one in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
