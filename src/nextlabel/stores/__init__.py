"""Journals that only grow: in memory, or in one SQLite file."""
