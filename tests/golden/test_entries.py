"""Entries as text, and the chain of digests."""

from hashlib import blake2b
from typing import Any

import pytest

from nextlabel.errors import JournalError
from nextlabel.stores.entries import ORIGIN, chained, read_text, written

HEAD = {"event": "noted", "version": 1, "at": 0.5}


def test_a_digest_is_over_the_digest_before_and_the_text() -> None:
    first = chained(ORIGIN, '{"text":"ä"}'.encode())
    assert first == blake2b(b"0" * 32 + '{"text":"ä"}'.encode(), digest_size=16).hexdigest()
    assert chained(first, b"{}") == blake2b(first.encode() + b"{}", digest_size=16).hexdigest()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "not JSON compliant"),
        ("\udc80", "surrogates not allowed"),
        (b"x", "bytes is not JSON serializable"),
        ({"deep": [({2.5: 1},)]}, "the key 2.5 is no string"),
        ({None: 1}, "the key None is no string"),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(value: Any, why: str) -> None:
    with pytest.raises(JournalError, match=rf"the entry 'noted' does not \(.*{why}.*\)\. Convert"):
        written({**HEAD, "value": value})


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(JournalError, match="Circular reference"):
        written({**HEAD, "loop": loop})


def test_lists_within_lists_without_end_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(JournalError, match="recursion"):
        written({**HEAD, "deep": deep})


@pytest.mark.parametrize("key", ["event", "version", "at"])
@pytest.mark.parametrize("value", [None, True, [], float("inf")])
def test_an_entry_has_its_name_version_and_time(key: str, value: Any) -> None:
    with pytest.raises(
        JournalError, match=rf"An entry needs 'event'.*received .*{key}={value!r}".replace("[]", r"\[\]")
    ):
        written({**HEAD, key: value})
    with pytest.raises(JournalError, match=f"received .*{key}=None"):
        written({name: one for name, one in HEAD.items() if name != key})


def test_a_text_that_is_no_object_is_no_entry() -> None:
    with pytest.raises(ValueError, match="expected a JSON object; received list"):
        read_text("[]")
