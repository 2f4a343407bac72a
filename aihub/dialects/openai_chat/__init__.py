"""OpenAI's chat completions, both ways.

Inbound, requests are decoded, answers and streams encoded; outbound, calls are encoded, and the
answers and streams of whoever speaks the dialect decoded.

Source: OpenAI's published OpenAPI document, `CreateChatCompletionRequest`,
`CreateChatCompletionResponse`, `CreateChatCompletionStreamResponse`.
"""

from ...model.chat import MAX_CHOICES as MAX_CHOICES
from .answers import StreamEncoder as StreamEncoder
from .answers import encode_completion as encode_completion
from .answers import usage_object as usage_object
from .messages import message_object as message_object
from .messages import message_schema as message_schema
from .outbound import OPENAI as OPENAI
from .outbound import Flavour as Flavour
from .outbound import Outbound as Outbound
from .requests import MAX_MODEL as MAX_MODEL
from .requests import MAX_STOPS as MAX_STOPS
from .requests import MAX_TOP_LOGPROBS as MAX_TOP_LOGPROBS
from .requests import decode_request as decode_request
from .requests import request_from as request_from
from .requests import request_schema as request_schema
from .stored import stored_object as stored_object
