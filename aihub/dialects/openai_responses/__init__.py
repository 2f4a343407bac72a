"""OpenAI's Responses, both ways.

Inbound, requests are decoded, answers and streams encoded; outbound, calls are encoded, and the
answers and streams of whoever speaks the dialect decoded. What comes in is a chat in the words of
chat completions, so that whatever provider answers those answers these.

Source: OpenAI's published OpenAPI document, `CreateResponse`, `Response`, `ResponseStreamEvent`,
`CompactResource`.
"""

from .answers import response_bytes as response_bytes
from .answers import response_object as response_object
from .items import input_items as input_items
from .items import messages_of as messages_of
from .items import sealed_items as sealed_items
from .outbound import Outbound as Outbound
from .requests import Asked as Asked
from .requests import decode_compaction as decode_compaction
from .requests import decode_count as decode_count
from .requests import decode_request as decode_request
from .requests import references as references
from .requests import request_schemas as request_schemas
from .streams import StreamEncoder as StreamEncoder
