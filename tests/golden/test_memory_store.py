"""The journal in memory: what it says when it refuses."""

import re

import pytest

from nextlabel.errors import JournalError, StaleJournal
from nextlabel.stores.memory import MemoryStore

NOTE = {"event": "noted", "version": 1, "at": 0.0}


def test_a_stale_writer_is_told_both_ends() -> None:
    store = MemoryStore()
    store.append([NOTE] * 1_200, 0)
    with pytest.raises(StaleJournal, match=r"end after 7 entries and has 1,200\. Read on and try again"):
        store.append([NOTE], 7)


def test_a_reader_beyond_the_end_is_told_the_end() -> None:
    with pytest.raises(JournalError, match=r"between 0 and 0, .*; received 1\. Read from 0"):
        MemoryStore().read(1)


def test_a_closed_store_says_that_its_entries_are_gone() -> None:
    store = MemoryStore()
    store.close()
    with pytest.raises(JournalError, match=re.escape("this one is closed, and its entries are gone")):
        store.read()
