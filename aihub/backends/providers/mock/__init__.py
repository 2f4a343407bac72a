"""A provider that answers offline, at once, and the same each time."""

from .provider import MockProvider as MockProvider
