"""Anthropic's Messages API, both ways.

Source: Anthropic's published OpenAPI document, `CreateMessageParams`, `Message`,
`MessageStreamEvent`, `ErrorResponse`.
"""

from .answers import encode_completion as encode_completion
from .answers import error_object as error_object
from .frames import PING as PING
from .frames import StreamEncoder as StreamEncoder
from .frames import encode_stream_error as encode_stream_error
from .models import MODEL_PAGES as MODEL_PAGES
from .models import model_object as model_object
from .models import models_object as models_object
from .outbound import SAMPLING_VERSION as SAMPLING_VERSION
from .outbound import VERSION as VERSION
from .outbound import Outbound as Outbound
from .requests import MAX_MODEL as MAX_MODEL
from .requests import SCHEMA_NAME as SCHEMA_NAME
from .requests import decode_count as decode_count
from .requests import decode_request as decode_request
from .requests import schemas as schemas
from .streams import StreamDecoder as StreamDecoder
from .words import STATUSES as STATUSES
