"""Google's Gemini API (`generateContent`, `streamGenerateContent`), both ways.

Source: Google's published discovery document, `GenerateContentRequest` and
`GenerateContentResponse`.
"""

from .answers import encode_completion as encode_completion
from .answers import error_object as error_object
from .models import MODEL_PAGES as MODEL_PAGES
from .models import model_object as model_object
from .models import models_object as models_object
from .outbound import Outbound as Outbound
from .requests import SCHEMA_NAME as SCHEMA_NAME
from .requests import decode_count as decode_count
from .requests import decode_request as decode_request
from .requests import schemas as schemas
from .streams import ListEncoder as ListEncoder
from .streams import StreamDecoder as StreamDecoder
from .streams import StreamEncoder as StreamEncoder
from .streams import encode_stream_error as encode_stream_error
