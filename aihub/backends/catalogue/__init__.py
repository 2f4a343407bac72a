"""Catalogues: the models that come with aihub, and models of your own."""

from __future__ import annotations

from .own import OwnModels as OwnModels
from .own import card_from as card_from
from .own import models_from_json as models_from_json
from .packaged import load_catalogue as load_catalogue
from .static import StaticCatalogue as StaticCatalogue

__all__ = ["OwnModels", "StaticCatalogue", "card_from", "load_catalogue", "models_from_json"]
