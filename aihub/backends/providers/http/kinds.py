"""The kinds of providers that are known by name: a dialect, a base address, how a key is shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import attrs

from ....dialects.anthropic import Outbound as Anthropic
from ....dialects.bedrock import Outbound as Bedrock
from ....dialects.gemini import Outbound as Gemini
from ....dialects.openai_chat import Flavour
from ....dialects.openai_chat import Outbound as OpenAI
from ....dialects.outbound import Outbound
from ....errors import UsageMistake
from ....model.upstream import TIMEOUTS, Timeouts
from ....protocols import Transport
from .addresses import Address, AzureAddress, KeyAddress
from .aws import AwsCredentials, BedrockAddress, region_url
from .provider import EmbeddingHttpProvider, HttpProvider, OpenAIProvider, ResponsesProvider


class Dialect(Protocol):
    """Protocol: makes what speaks to a provider."""

    def __call__(self, *, lenient: bool) -> Outbound:
        """Return it; *lenient* leaves out what the dialect cannot say."""
        ...


@attrs.frozen(kw_only=True)
class Kind:
    """A kind of provider.

    Args:
        dialect: makes what speaks to it.
        base_url: where it is, where that is always the same place.
        key: the environment variable that its key usually stands in; None where it wants none.
        header, scheme: how the key is shown.
        serves: the provider, which says what else than chats it does.
    """

    dialect: Dialect = OpenAI
    base_url: str | None = None
    key: str | None = None
    header: str = "authorization"
    scheme: str = "Bearer "
    serves: type[HttpProvider] = EmbeddingHttpProvider


def _responses(*, lenient: bool) -> Outbound:
    # Its package has all that the door needs too, which a provider of another kind does without.
    from ....dialects.openai_responses import Outbound as Responses

    return Responses(lenient=lenient)


_SIMPLE = partial(OpenAI, Flavour(completion_bound=False, developer=False))
_MISTRAL = partial(OpenAI, Flavour(stream_options=False, completion_bound=False, developer=False))

KINDS: Mapping[str, Kind] = {
    "openai": Kind(
        base_url="https://api.openai.com/v1", key="OPENAI_API_KEY", serves=OpenAIProvider
    ),
    # The same, spoken to in its newer dialect.
    "openai-responses": Kind(
        dialect=_responses,
        base_url="https://api.openai.com/v1",
        key="OPENAI_API_KEY",
        serves=ResponsesProvider,
    ),
    # By its newer address, https://NAME.openai.azure.com/openai/v1, or by deployments.
    "azure": Kind(key="AZURE_OPENAI_API_KEY", header="api-key", scheme=""),
    "groq": Kind(
        base_url="https://api.groq.com/openai/v1", key="GROQ_API_KEY", serves=HttpProvider
    ),
    "mistral": Kind(
        dialect=_MISTRAL,
        base_url="https://api.mistral.ai/v1",
        key="MISTRAL_API_KEY",
    ),
    "deepseek": Kind(
        dialect=_SIMPLE,
        base_url="https://api.deepseek.com",
        key="DEEPSEEK_API_KEY",
        serves=HttpProvider,
    ),
    "together": Kind(
        dialect=_SIMPLE, base_url="https://api.together.xyz/v1", key="TOGETHER_API_KEY"
    ),
    "anthropic": Kind(
        dialect=Anthropic,
        base_url="https://api.anthropic.com",
        key="ANTHROPIC_API_KEY",
        header="x-api-key",
        scheme="",
        serves=HttpProvider,
    ),
    "gemini": Kind(
        dialect=Gemini,
        base_url="https://generativelanguage.googleapis.com",
        key="GEMINI_API_KEY",
        header="x-goog-api-key",
        scheme="",
        serves=HttpProvider,
    ),
    # By a region, with credentials that sign or with an API key of Bedrock's own.
    "bedrock": Kind(dialect=Bedrock, key="AWS_BEARER_TOKEN_BEDROCK", serves=HttpProvider),
    "openrouter": Kind(base_url="https://openrouter.ai/api/v1", key="OPENROUTER_API_KEY"),
    "vllm": Kind(base_url="http://127.0.0.1:8000/v1"),
    "llama.cpp": Kind(dialect=_SIMPLE, base_url="http://127.0.0.1:8080/v1"),
    "ollama": Kind(dialect=_SIMPLE, base_url="http://127.0.0.1:11434/v1"),
}
"""By name. `openai` with a `base_url` of your own is any server that speaks OpenAI's dialect."""


def make_provider(
    kind: str,
    *,
    name: str,
    transport: Transport,
    base_url: str | None = None,
    key: str | None = None,
    api_version: str | None = None,
    region: str | None = None,
    credentials: AwsCredentials | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    timeouts: Timeouts = TIMEOUTS,
    lenient: bool = False,
) -> HttpProvider:
    """Make a provider of a kind that is known by name.

    Args:
        kind: one of `KINDS`.
        name: what errors and routes call it.
        transport: how bytes get there.
        base_url: where it is, in place of the kind's own address.
        key: the secret.
        api_version: for Azure by deployments, such as `2024-10-21`.
        region: for Bedrock, such as `eu-central-1`.
        credentials: for Bedrock, what signs requests in place of a key.
        headers: further ones for each request.
        timeouts: how long each phase may take.
        lenient: leave out of a request what the provider's dialect cannot say, instead of refusing
            it by name.

    Raises:
        UsageMistake: there is no such kind, or something that it needs is missing.
    """
    found = KINDS.get(kind)
    if found is None:
        raise UsageMistake(f"there is no kind of provider '{kind}': use {', '.join(KINDS)}")
    if api_version is not None and kind != "azure":
        raise UsageMistake(f"the provider '{name}' has an api_version, which only 'azure' knows")
    if kind != "bedrock" and (region is not None or credentials is not None):
        raise UsageMistake(
            f"the provider '{name}' has a region or credentials, which only 'bedrock' knows"
        )
    where = found.base_url if base_url is None else base_url
    if where is None and region is not None:
        where = region_url(region)
    if where is None:
        needs = "a region or a base_url" if kind == "bedrock" else "a base_url"
        raise UsageMistake(f"the provider '{name}' needs {needs}: '{kind}' has none of its own")
    own = KeyAddress(
        base_url=where,
        key=key,
        header=found.header,
        scheme=found.scheme,
        headers=headers,
        timeouts=timeouts,
    )
    address: Address = own
    if api_version is not None:
        address = AzureAddress(resource=own, api_version=api_version)
    if credentials is not None:
        address = _signed(own, name, region, credentials)
    return found.serves(
        name=name, dialect=found.dialect(lenient=lenient), address=address, transport=transport
    )


def _signed(
    own: KeyAddress, name: str, region: str | None, credentials: AwsCredentials
) -> BedrockAddress:
    """Return *own* with signatures in place of a key."""
    if own.key is not None:
        raise UsageMistake(f"the provider '{name}' has a key and credentials: one of them is meant")
    if region is None:
        raise UsageMistake(f"the provider '{name}' needs a region: its requests are signed for one")
    return BedrockAddress(
        region=region,
        credentials=credentials,
        base_url=own.base_url,
        headers=own.headers,
        timeouts=own.timeouts,
    )
