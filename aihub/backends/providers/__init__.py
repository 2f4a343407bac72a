"""Providers: the mock that answers offline."""
