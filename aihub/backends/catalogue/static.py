"""A catalogue that never changes: models by name, and other names for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from aihub.model.catalogue import Model


class StaticCatalogue:
    """Models under their ids and aliases; a catalogue is a value, changing it gives a new one.

    Raises:
        ValueError: two models share an id, an alias is also an id, or an alias names no model.

    >>> from aihub.backends.catalogue import load_catalogue
    >>> load_catalogue().find("claude-3-opus").id
    'claude-3-opus-20240229'
    """

    __slots__ = ("_aliases", "_listed", "_models", "_names")

    def __init__(self, models: Iterable[Model], aliases: Mapping[str, str] | None = None) -> None:
        self._models = _by_id(models)
        self._aliases = dict(aliases or {})
        self._names = {**self._models, **_resolve(self._models, self._aliases)}
        self._listed: tuple[Model, ...] | None = None

    def find(self, name: str) -> Model | None:
        """Return the model that goes by *name*, under its own id; None if there is none."""
        return self._names.get(name)

    def models(self) -> Sequence[Model]:
        """Return every model under its own id and, as further entries, under each alias."""
        # Made on demand: most programs only look models up. Two threads at worst make it twice.
        if self._listed is None:
            named = (attrs.evolve(self._names[name], id=name) for name in self._aliases)
            self._listed = (*self._models.values(), *named)
        return self._listed

    def with_models(
        self, models: Iterable[Model], aliases: Mapping[str, str] | None = None
    ) -> StaticCatalogue:
        """Return a catalogue that has *models* and *aliases* too; theirs win over ours.

        A model replaces the one with its id and takes over an alias of that name; an alias
        replaces the alias of its name.

        Raises:
            ValueError: as for a new catalogue, and where an alias is the id of a model.
        """
        added = _by_id(models)
        kept = {name: id for name, id in self._aliases.items() if name not in added}
        return StaticCatalogue({**self._models, **added}.values(), {**kept, **dict(aliases or {})})


def _by_id(models: Iterable[Model]) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for model in models:
        if model.id in found:
            raise ValueError(f"two models are called {model.id!r}")
        found[model.id] = model
    return found


def _resolve(models: Mapping[str, Model], aliases: Mapping[str, str]) -> dict[str, Model]:
    names: dict[str, Model] = {}
    for alias, id in aliases.items():
        if alias in models:
            raise ValueError(f"alias {alias!r} is already the id of a model")
        if id not in models:
            raise ValueError(f"alias {alias!r} names no model: {id!r}")
        names[alias] = models[id]
    return names
