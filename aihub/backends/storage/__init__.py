"""Stores: memory (the reference) and SQLite."""
