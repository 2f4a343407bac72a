"""Texts for people that know what they were made of, so that they can be said in other languages.

Theory of operation. An error is raised with its English text, which is what programs see and what
is logged. That text remembers its template and its values: whoever answers a reader looks the
template up in a catalogue and puts the same values in. What is no `Msg` is somebody else's words (a
provider's, a parser's) and is repeated as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self


class Msg(str):
    """A text made of a template and values.

    Args:
        template: the text, placeholders in braces; without values it is the text itself.
        values: what to put in their places. One that is a `Msg` is itself said in other languages.

    >>> text = Msg("No such {what}: '{id}'.", what=Msg("plan"), id="gold")
    >>> text, text.template
    ("No such plan: 'gold'.", "No such {what}: '{id}'.")
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Put the values into the template."""
        made = super().__new__(cls, template.format_map(values) if values else template)
        made.template = template
        made.values = values
        return made
