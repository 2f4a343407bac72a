"""AWS Bedrock's Converse API (`Converse`, `ConverseStream`), both ways.

Source: AWS's published model of the service `bedrock-runtime`, as botocore has it.
"""

from .answers import encode_completion as encode_completion
from .answers import error_object as error_object
from .eventstream import EventStreamDecoder as EventStreamDecoder
from .eventstream import frame as frame
from .frames import StreamEncoder as StreamEncoder
from .frames import encode_stream_error as encode_stream_error
from .outbound import Outbound as Outbound
from .requests import SCHEMA_NAME as SCHEMA_NAME
from .requests import decode_request as decode_request
from .streams import StreamDecoder as StreamDecoder
from .words import STATUSES as STATUSES
