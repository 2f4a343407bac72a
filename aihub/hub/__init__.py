"""Hub: the one place where decisions meet effects."""

from .accounts import Accounts as Accounts
from .accounts import NewKey as NewKey
from .background import Background as Background
from .exchange import Options as Options
from .flight import Stream as Stream
from .hub import Hub as Hub
from .records import Records as Records
from .sessions import Sessions as Sessions
from .setup import Setup as Setup
from .several import Several as Several
from .work import EmbeddingWork as EmbeddingWork
from .work import ModerationWork as ModerationWork
from .work import Result as Result
from .work import Work as Work
