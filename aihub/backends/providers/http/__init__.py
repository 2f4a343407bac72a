"""Providers over HTTP: a dialect, an address and a transport."""

from .addresses import Address as Address
from .addresses import AzureAddress as AzureAddress
from .addresses import KeyAddress as KeyAddress
from .aws import AwsCredentials as AwsCredentials
from .aws import BedrockAddress as BedrockAddress
from .kinds import KINDS as KINDS
from .kinds import Kind as Kind
from .kinds import make_provider as make_provider
from .provider import EmbeddingHttpProvider as EmbeddingHttpProvider
from .provider import HttpProvider as HttpProvider
from .provider import OpenAIProvider as OpenAIProvider
from .provider import ResponsesProvider as ResponsesProvider
