"""Every registered store keeps the promises of its kind; a store with one fault is found out."""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from nextlabel import names
from nextlabel.core.registry import resolve
from nextlabel.core.store import Entry, Store
from nextlabel.errors import BrokenPromise, JournalError, StaleJournal
from nextlabel.testing.stores import PROMISES, check


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("name", names("store"))
def test_a_store_keeps_its_promises(name: str, promise: str) -> None:
    PROMISES[promise](resolve("store", name))


class Faulty(Store):
    """Right in every respect: JSON lines in a file, for one thread. Each twin spoils one thing.

    Notes
    -----
    O(size of the journal) for every call.

    References
    ----------
    None: an example.

    Examples
    --------
    >>> 1 + 1
    2
    """

    def __init__(self, path: str | Path, create: bool = False) -> None:
        self.path, self.is_closed = Path(path), False
        if create:
            self.path.touch(exist_ok=False)

    def append(self, entries: Sequence[Entry], at: int) -> int:
        found = self.lines()
        self.check_end(at, len(found))
        found += [self.text(entry) for entry in entries]
        self.write(found)
        return len(found)

    def read(self, since: int = 0) -> Sequence[Entry]:
        found = self.lines()
        if not 0 <= since <= len(found):
            raise JournalError("beyond the end")
        return [json.loads(line) for line in found[since:]]

    def close(self) -> None:
        self.is_closed = True

    def lines(self) -> list[str]:
        if self.is_closed:
            raise JournalError("closed")
        return self.path.read_text(encoding="utf-8").split("\n")[:-1]

    def write(self, lines: Sequence[str]) -> None:
        self.path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    def check_end(self, at: int, count: int) -> None:
        if at != count:
            raise StaleJournal("read on")

    def text(self, entry: Entry) -> str:
        kinds = {"event": str, "version": int, "at": int | float}
        if not all(isinstance(entry[key], kind) for key, kind in kinds.items()) or entry["at"] != entry["at"]:
            raise JournalError("no entry")
        try:
            text = json.dumps(entry, allow_nan=False)
            json.dumps(entry, ensure_ascii=False).encode()
        except (TypeError, ValueError) as cause:
            raise JournalError("not JSON") from cause
        if json.loads(text) != json.loads(json.dumps(entry, default=str)) or '{"1":' in text:
            raise JournalError("a key is no string")
        return text


class CountsTheNewOnly(Faulty):
    def append(self, entries: Sequence[Entry], at: int) -> int:
        super().append(entries, at)
        return len(entries)


class SortsItsKeys(Faulty):
    def text(self, entry: Entry) -> str:
        return json.dumps(json.loads(super().text(entry)), sort_keys=True)


class LosesTheSign(Faulty):
    def text(self, entry: Entry) -> str:
        return super().text(entry).replace("-0.0", "0.0")


class ReadsFromTheEnd(Faulty):
    def read(self, since: int = 0) -> Sequence[Entry]:
        return [json.loads(line) for line in self.lines()[since:]]


class TakesTheStale(Faulty):
    def check_end(self, at: int, count: int) -> None:
        if at > count or at < 0:
            raise StaleJournal("read on")


class WritesBeforeItChecks(Faulty):
    def append(self, entries: Sequence[Entry], at: int) -> int:
        found = self.lines()
        self.write(found + [self.text(entry) for entry in entries])
        self.check_end(at, len(found))
        return len(self.lines())


class NoCheckOfNothing(Faulty):
    def append(self, entries: Sequence[Entry], at: int) -> int:
        return super().append(entries, at) if entries else at


class MarksEveryWrite(Faulty):
    def append(self, entries: Sequence[Entry], at: int) -> int:
        head: list[Entry] = [] if entries else [{"event": "empty", "version": 1, "at": 0}]
        return super().append([*entries, *head], at)


class WritesOneByOne(Faulty):
    def append(self, entries: Sequence[Entry], at: int) -> int:
        for one in entries:
            at = super().append([one], at)
        return at if entries else super().append(entries, at)


class TakesNaN(Faulty):
    def text(self, entry: Entry) -> str:
        return json.dumps(entry) if "value" in entry else super().text(entry)


class Shares(Faulty):
    def __init__(self, path: str | Path, create: bool = False) -> None:
        super().__init__(path, create)
        self.seen: list[Entry] = []

    def append(self, entries: Sequence[Entry], at: int) -> int:
        count = super().append(entries, at)
        self.seen.extend(copy.deepcopy(list(entries)))
        return count

    def read(self, since: int = 0) -> Sequence[Entry]:
        found = super().read(since)
        return self.seen[since:] if len(self.seen) == len(super().read()) else found


class CutsLongLines(Faulty):
    def text(self, entry: Entry) -> str:
        return super().text({**entry, "text": entry["text"][:65_536]} if "text" in entry else entry)


class StaysOpen(Faulty):
    def close(self) -> None:
        pass


class ClosesOnce(Faulty):
    def close(self) -> None:
        if self.is_closed:
            raise JournalError("closed already")
        super().close()


class Forgets(Faulty):
    def __init__(self, path: str | Path, create: bool = False) -> None:
        Path(path).unlink(missing_ok=True)
        super().__init__(path, True)


class Remembers(Faulty):
    def __init__(self, path: str | Path, create: bool = False) -> None:
        super().__init__(path, create)
        self.kept = super().lines()

    def lines(self) -> list[str]:
        super().lines()
        return list(self.kept)

    def write(self, lines: Sequence[str]) -> None:
        super().write(lines)
        self.kept = list(lines)


class OneThread(Faulty):
    __doc__ = Faulty.__doc__
    exceptions: ClassVar[Mapping[str, str]] = {"threads": "nothing guards the file between its threads"}


class TooModest(Faulty):
    exceptions: ClassVar[Mapping[str, str]] = {"count_of_entries": "it can, all the same"}


class Undocumented(Faulty):
    """Keeps entries."""


TWINS: dict[type[Store], str] = {
    CountsTheNewOnly: "count_of_entries",
    SortsItsKeys: "order_and_content",
    LosesTheSign: "order_and_content",
    ReadsFromTheEnd: "reading_on",
    TakesTheStale: "stale_writers",
    WritesBeforeItChecks: "stale_writers",
    NoCheckOfNothing: "stale_writers",
    MarksEveryWrite: "nothing_to_write",
    WritesOneByOne: "all_or_none",
    TakesNaN: "all_or_none",
    Shares: "entries_are_copies",
    CutsLongLines: "big_entries",
    StaysOpen: "closing",
    ClosesOnce: "closing",
    Forgets: "opening_again",
    Remembers: "two_at_once",
    Faulty: "threads",
    Undocumented: "documentation",
}


@pytest.mark.parametrize(("twin", "promise"), TWINS.items(), ids=[twin.__name__ for twin in TWINS])
def test_a_fault_is_found_by_its_promise(twin: type[Store], promise: str) -> None:
    with pytest.raises(BrokenPromise, match=f"^{twin.__name__} breaks the promise '{promise}'"):
        PROMISES[promise](twin)


@pytest.mark.parametrize("promise", [one for one in PROMISES if one not in ("threads", "big_entries")])
def test_the_twins_are_right_otherwise(promise: str) -> None:
    PROMISES[promise](Faulty)


def test_every_promise_has_a_twin() -> None:
    assert set(TWINS.values()) == set(PROMISES)


def test_an_exception_is_declared_with_its_reason() -> None:
    check(OneThread)


def test_an_exception_that_is_kept_is_no_exception() -> None:
    with pytest.raises(BrokenPromise, match="TooModest declares an exception to 'count_of_entries'"):
        check(TooModest)
