"""Commands: parse, one call, print.

`server` is `aihub-serve`. `main` is `aihub`, whose commands are modules of their own, loaded when
they are used. `work` has what those share: where a command asks, how it ends, what it prints.
"""

from .extra import extra_is_missing

try:
    from .main import main as main
    from .server import serve as serve
except ModuleNotFoundError as error:
    raise extra_is_missing(error) from None
