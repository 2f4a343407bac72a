"""Events folded as the hub folds them, so that two ways of saying an answer can be compared."""

from aihub.core.attempts import Running
from aihub.model.catalogue import Deployment
from aihub.model.chat import Chat
from aihub.model.events import Completion
from aihub.model.usage import Count, Usage
from aihub.protocols import ProviderCall
from aihub.testing.providers import MODEL

PLACE = Deployment(id="p/m", provider="p", upstream_model="m", region="r")


def call(chat=None, **fields):
    """A call to encode or to read an answer of."""
    chat = chat or Chat(**{"model": "gpt-4", "messages": (), **fields})
    return ProviderCall("req_1", chat, MODEL, "upstream-model", Count(4, "counted"))


def running(events):
    """An attempt that has seen *events*."""
    attempt = Running(1, PLACE, MODEL.prices, Count(4, "counted"), 0)
    for event in events:
        attempt.see(event, lambda: 0)
    return attempt


def fold(events):
    """The choices, the usage and the rest that *events* amount to."""
    attempt = running(events)
    return attempt.answers(), attempt.usage, attempt.extra


def completion(events, **fields):
    """The whole answer that *events* amount to."""
    attempt = running(events)
    return Completion(
        id="chatcmpl-1",
        created=0,
        model="gpt-4",
        served_model="gpt-4-0613",
        choices=attempt.answers(),
        usage=attempt.usage or Usage(0, 0),
        cost=0,
        fingerprint=attempt.fingerprint,
        extra=attempt.extra or None,
        dialect=attempt.dialect,
        **fields,
    )


def pieces(data, cuts):
    """*data* cut at *cuts*, perhaps in the middle of a character."""
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    start = 0
    for end in ends:
        yield data[start:end]
        start = end


def read_stream(decoder, parts):
    """All events of a stream that comes in *parts*."""
    events = [event for part in parts for event in decoder.feed(part)]
    return [*events, *decoder.end()]
