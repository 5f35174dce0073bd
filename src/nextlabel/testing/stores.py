"""The promises of a store, as code that any package can run on its own class.

`check` runs all of them on one class. Each entry of `PROMISES` is one of them, and raises
`BrokenPromise` with what was expected and what was seen. A store that cannot keep a promise says so
on its class: ``exceptions = {"big_entries": "the reason"}``.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, final

from nextlabel.core.rng import generator
from nextlabel.core.store import Entry, Store
from nextlabel.errors import JournalError, StaleJournal
from nextlabel.testing.documentation import check_docstring
from nextlabel.testing.processes import elsewhere
from nextlabel.testing.promises import Promises, require

__all__ = ["PROMISES", "check"]

_BIG = 15_000_000
_THREADS, _EACH = 4, 10


PROMISES: Promises[type[Store]] = Promises()
"""Every promise by its name, in the order in which `check` tries them."""


def check(made: type[Store], *, seed: int = 0) -> None:
    """Run every promise on a class of stores.

    Parameters
    ----------
    made : type
        A subclass of `Store`. If its constructor takes ``path``, it makes a journal there when it is
        given ``create=True`` too, and otherwise opens the one that is there.
    seed : int
        Chooses the entries; zero or larger.

    Raises
    ------
    BrokenPromise
        A promise is broken; or one is kept that the class declares as an exception; or an exception
        names no promise.

    Notes
    -----
    Writes about 20 MB in a temporary folder.

    Examples
    --------
    >>> from nextlabel.stores.memory import MemoryStore
    >>> check(MemoryStore)
    """
    PROMISES.check(made, seed=seed)


@PROMISES.enter
def _count_of_entries(made: type[Store], seed: int) -> None:
    """`append` returns how many entries there are, `read` gives as many, and a new journal has none."""
    with _journal(made) as journal:
        store, entries = journal.store, _entries(6, seed)
        require(len(store.read()) == 0, f"a new journal has {len(store.read())} entries.")
        for start, stop in ((0, 1), (1, 4), (4, 6)):
            said = store.append(entries[start:stop], start)
            require(said == stop, f"append returned {said} where there are {stop} entries.")
            require(len(store.read()) == stop, f"read gave {len(store.read())} of {stop} entries.")


@PROMISES.enter
def _order_and_content(made: type[Store], seed: int) -> None:
    """What is read equals what was written, type by type, in its order; tuples are lists."""
    entries = [*_entries(5, seed), *_odd_entries()]
    with _journal(made) as journal:
        journal.store.append(entries, 0)
        _same(journal.store.read(), entries, "read()")
        pair = {**entries[0], "pair": (1, (2, "x"))}
        journal.store.append([pair], len(entries))
        _same(journal.store.read(len(entries)), [{**entries[0], "pair": [1, [2, "x"]]}], "a tuple")


@PROMISES.enter
def _reading_on(made: type[Store], seed: int) -> None:
    """`read(since)` gives the entries from there on; before the start and after the end it refuses."""
    entries = _entries(5, seed)
    with _journal(made) as journal:
        journal.store.append(entries, 0)
        for since in range(6):
            _same(journal.store.read(since), entries[since:], f"read({since})")
        for since in (-1, 6, 1_000):
            _refused(JournalError, f"read({since}) of 5 entries", partial(journal.store.read, since))


@PROMISES.enter
def _stale_writers(made: type[Store], seed: int) -> None:
    """A writer who has not read to the end is refused, and nothing is written."""
    entries = _entries(4, seed)
    with _journal(made) as journal:
        journal.store.append(entries[:3], 0)
        for at in (-1, 0, 2, 4):
            for some in (entries, []):
                what = f"append of {len(some)} entries at {at}, where there are 3,"
                _refused(StaleJournal, what, partial(journal.store.append, some, at))
                _same(journal.store.read(), entries[:3], f"after a refused {what} read()")


@PROMISES.enter
def _nothing_to_write(made: type[Store], seed: int) -> None:
    """An append of no entries returns the count and leaves the journal as it was."""
    entries = _entries(2, seed)
    with _journal(made) as journal:
        for count in (0, 2):
            said = journal.store.append([], count)
            require(said == count, f"append of nothing returned {said} where there are {count} entries.")
            journal.store.append(entries[count:], count)
            _same(journal.store.read(), entries, "after an append of nothing read()")


@PROMISES.enter
def _all_or_none(made: type[Store], seed: int) -> None:
    """An entry that is not JSON is refused with all that was to be written beside it."""
    entries = _entries(3, seed)
    with _journal(made) as journal:
        journal.store.append(entries[:1], 0)
        for what, value in {
            "NaN": math.nan,
            "an infinity": [-math.inf],
            "half a surrogate pair": "\ud83d",
            "an object": object(),
            "a set": {"a"},
            "bytes": b"a",
            "a number as key": [{"a": {1: "one"}}],
        }.items():
            _not_written(journal.store, [entries[1], {**entries[2], "value": value}], entries[:1], what)
        for key, value in {"event": None, "version": "1", "at": math.nan}.items():
            _not_written(
                journal.store, [entries[1], {**entries[2], key: value}], entries[:1], f"{key}={value}"
            )


@PROMISES.enter
def _entries_are_copies(made: type[Store], seed: int) -> None:
    """What the writer or a reader does to its entries afterwards changes nothing in the journal."""
    entries, given = (_entries(2, seed) for _ in range(2))
    with _journal(made) as journal:
        journal.store.append(given, 0)
        for one in (*given, *journal.store.read()):
            inner = one["labels"]
            inner["new"] = "a label that was never told"
        _same(journal.store.read(), entries, "after its readers changed their copies read()")


@PROMISES.enter
def _big_entries(made: type[Store], seed: int) -> None:
    """An entry of 15 MB, as one with a million ids is, is kept like any other."""
    first, last = _entries(2, seed)
    big = {**first, "ids": [f"item-{i:07d}" for i in range(_BIG // 16)], "text": "ä" * 500_000}
    with _journal(made) as journal:
        require(journal.store.append([first, big, last], 0) == 3, "append did not count a big entry.")
        require(list(journal.store.read(1)) == [big, last], "a big entry or the next is not read as written.")


@PROMISES.enter
def _closing(made: type[Store], seed: int) -> None:
    """`close` may be called twice; afterwards reading and writing are refused."""
    with _journal(made) as journal:
        store = journal.store
        store.append(_entries(1, seed), 0)
        store.close()
        store.close()
        _refused(JournalError, "read of a closed store", store.read)
        _refused(JournalError, "append to a closed store", lambda: store.append(_entries(1, seed), 1))


@PROMISES.enter
def _opening_again(made: type[Store], seed: int) -> None:
    """What was written is there when the journal is opened again, here or in another process."""
    entries = [*_entries(3, seed), *_odd_entries()]
    with _journal(made) as journal:
        if journal.path is None:
            return
        journal.store.append(entries, 0)
        _same(elsewhere(_read_there, made, journal.path), entries, "in another process read()")
        journal.store.close()
        again = journal.again()
        _same(again.read(), entries, "opened again read()")
        require(
            again.append(entries[:1], len(entries)) == len(entries) + 1, "append does not go on counting."
        )


@PROMISES.enter
def _two_at_once(made: type[Store], seed: int) -> None:
    """Two stores on one journal see each other's entries; of two writers at one end one is refused."""
    entries = _entries(3, seed)
    with _journal(made) as journal:
        if journal.path is None:
            return
        journal.store.append(entries[:1], 0)
        other = journal.again()
        other.append(entries[1:2], 1)
        _refused(StaleJournal, "the second append at one end", lambda: journal.store.append(entries[2:], 1))
        for store in (journal.store, other):
            _same(store.read(), entries[:2], "read() of either store")


@PROMISES.enter
def _threads(made: type[Store], seed: int) -> None:
    """Threads that write as fast as they can, reading on when they are refused, lose and double nothing."""
    with _journal(made) as journal:
        failures: list[BaseException] = []

        def write(name: int) -> None:
            try:
                for number in range(_EACH):
                    one = {"event": "noted", "version": 1, "at": 0.0, "text": f"{name}-{number}"}
                    _insist(journal.store, one)
            except BaseException as failure:
                failures.append(failure)

        threads = [Thread(target=write, args=(name,)) for name in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        found = [entry["text"] for entry in journal.store.read()]
        for name in range(_THREADS):
            mine = [text for text in found if text.startswith(f"{name}-")]
            wanted = [f"{name}-{number}" for number in range(_EACH)]
            require(mine == wanted, f"thread {name} wrote {wanted} in this order; found was {mine}.")


@PROMISES.enter
def _documentation(made: type[Store], seed: int) -> None:
    """Summary, notes on cost, references, and an example that runs."""
    check_docstring(made)


@final
@dataclass(frozen=True)
class _Journal:
    """A store on a new journal, and where it is."""

    store: Store
    path: Path | None
    made: type[Any]
    stack: ExitStack

    def again(self) -> Store:
        """One more store on the journal."""
        store: Store = self.made(path=self.path)
        self.stack.callback(store.close)
        return store


@contextmanager
def _journal(made: type[Any]) -> Iterator[_Journal]:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        has_path = "path" in inspect.signature(made).parameters
        path = Path(folder) / "journal.db" if has_path else None
        store = made(path=path, create=True) if has_path else made()
        stack.callback(store.close)
        yield _Journal(store, path, made, stack)


def _read_there(made: type[Any], path: Path) -> Sequence[Entry]:
    store: Store = made(path=path)
    try:
        return list(store.read())
    finally:
        store.close()


def _insist(store: Store, entry: Entry) -> None:
    while True:
        try:
            store.append([entry], len(store.read()))
        except StaleJournal:
            continue
        return


def _entries(number: int, seed: int) -> list[dict[str, Any]]:
    """As a campaign writes them."""
    rng = generator(seed)
    labels = [{f"item-{rng.integers(1000)}": str(rng.choice(["cat", "dog"]))} for _ in range(number)]
    return [
        {"event": "told", "version": 1, "at": rng.random() * 2e9, "labels": one, "seconds": None}
        for one in labels
    ]


def _odd_entries() -> list[dict[str, Any]]:
    """Values that a store may be tempted to change."""
    head = {"event": "noted", "version": 2, "at": 1_795_000_000}
    texts = [
        "",
        " ",
        "0",
        "null",
        "é\u0301",
        "\u202eabc",
        "a\x00b",
        "\r\n\t",
        "'\"`;--",
        "👩\u200d👩\u200d👧",
        "\ufeff数",
    ]
    numbers = [0, -0.0, 0.1, 1e-308, 1.7976931348623157e308, 2**63, -(10**30), 1.0, True, False]
    deep: list[Any] = []
    for _ in range(50):
        deep = [deep]
    return [
        {**head, "texts": texts, "": {"": {}}},
        {**head, "numbers": numbers, "none": None, "empty": [[], {}]},
        {**head, "deep": deep, "position": 7, "digest": "x", "body": "{}"},
    ]


def _same(found: Sequence[Entry], expected: Sequence[Entry], what: str) -> None:
    seen, wanted = repr([dict(one) for one in found]), repr(list(expected))  # tells 1 from 1.0 and True
    if seen != wanted:
        at = next((i for i, (a, b) in enumerate(zip(seen, wanted, strict=False)) if a != b), 0)
        part = slice(max(at - 30, 0), at + 60)
        require(False, f"{what} gave ...{seen[part]}... instead of ...{wanted[part]}....")


def _not_written(store: Store, new: list[Any], before: list[dict[str, Any]], what: str) -> None:
    _refused(JournalError, f"an entry with {what}", lambda: store.append(new, len(before)))
    _same(store.read(), before, f"after an entry with {what} was refused read()")


def _refused(error: type[Exception], what: str, call: Callable[[], object]) -> None:
    try:
        call()
    except error:
        return
    except Exception as other:
        require(False, f"{what} raised {type(other).__name__} ({other}) instead of {error.__name__}.")
    require(False, f"{what} was not refused with {error.__name__}.")
