"""The languages that the mock reads and writes: a module each, which is data."""

from .chinese import CHINESE as CHINESE
from .english import ENGLISH as ENGLISH
from .french import FRENCH as FRENCH
from .german import GERMAN as GERMAN
from .japanese import JAPANESE as JAPANESE
from .language import Kind as Kind
from .language import Language as Language
from .portuguese import PORTUGUESE as PORTUGUESE
from .spanish import SPANISH as SPANISH

# English first: where two are as likely, the earlier one is meant.
LANGUAGES = (ENGLISH, SPANISH, FRENCH, GERMAN, PORTUGUESE, JAPANESE, CHINESE)
