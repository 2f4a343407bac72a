"""`aihub.toml`.

::

    reading.py    the file as a whole: a `Config`, or every mistake with its line
    tables.py     [server], [hub] and [[plans]]
    providers.py  [transport] and [providers.NAME], and what is made of them
    routing.py    [models], [aliases], [routing] and [catalogue]
    secrets.py    { env = ... } and { file = ... }
    spots.py      a value, its place, and readers of plain values
    lines.py      on which line each key stands
"""

from .reading import DEFAULT_NAME as DEFAULT_NAME
from .reading import Config as Config
from .reading import Mistaken as Mistaken
from .reading import read_config as read_config
from .spots import Mistake as Mistake
