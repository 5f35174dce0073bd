"""A labelling server that is killed again and again while people label, and what its journal lost by it."""

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, final
from uuid import uuid4

from nextlabel.core.registry import build
from nextlabel.core.store import Store
from nextlabel.testing.serving import Serving

__all__ = ["Caller", "Killed", "complaints", "killed"]

_ITEMS = 200  # for each life of a server: more than three people answer in it
_WANT = 3
_LIFE = 0.4  # seconds, at most, that a server lives under load


@final
@dataclass(frozen=True)
class Killed:
    """What was found.

    Parameters
    ----------
    kills : int
    acknowledged : int
        Answers that the server called kept.
    complaints : tuple of str
        What is wrong with the journal; nothing, where all is well.
    """

    kills: int
    acknowledged: int
    complaints: tuple[str, ...]


@final
class Caller:
    """A person's browser, as far as the server can tell: one connection, calls of JSON.

    Parameters
    ----------
    port : int
    token, person : str
    """

    def __init__(self, port: int, token: str, person: str) -> None:
        self._port, self._token, self._person = port, token, person
        self._headers = {
            "Authorization": f"Bearer {token}",
            "X-Nextlabel": "1",
            "X-Nextlabel-Person": person,
            "Content-Type": "application/json",
        }
        self._connection: HTTPConnection | None = None

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and answer of a call.

        Raises
        ------
        OSError, HTTPException
            Nobody answered; the next call connects anew.
        """
        try:
            connection = self.send(path, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, HTTPException, ValueError):
            self.close()
            raise

    def send(self, path: str, body: dict[str, Any]) -> HTTPConnection:
        """Call, and do not wait for the answer."""
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        self._connection.request("POST", path, json.dumps(body), self._headers)
        return self._connection

    def twin(self) -> "Caller":
        """The same person with another connection."""
        return Caller(self._port, self._token, self._person)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@final
class _Person:
    """Labels until told to rest; what was not acknowledged is sent again, with the same request."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.kept: list[tuple[str, str]] = []  # request and item of what was acknowledged
        self._waiting: list[dict[str, Any]] = []
        self._items: list[dict[str, Any]] = []

    def work(self, rest: threading.Event) -> None:
        while not rest.is_set():
            try:
                self._once()
            except (OSError, HTTPException, ValueError):
                rest.wait(0.02)

    def _once(self) -> None:
        if not self._waiting:
            self._waiting = [
                {
                    "kind": "answer",
                    "request": uuid4().hex,
                    "id": one["id"],
                    "label": "a",
                    "token": one["token"],
                }
                for one in self._items
            ]
        status, said = self.caller.post("/api/actions", {"actions": self._waiting, "want": _WANT})
        if status == 200:
            done = {one["request"] for one in said["results"] if one["ok"]}
            self.kept += [(one["request"], one["id"]) for one in self._waiting if one["request"] in done]
            self._waiting, self._items = [], said["items"]


def _named(item: dict[str, Any]) -> dict[str, Any]:
    return {"id": item["id"], "token": item["token"]}


def killed(folder: Path, *, kills: int, people: int, seed: int) -> Killed:
    """Kill a server so often, under load, and look at the journal.

    Parameters
    ----------
    folder : Path
        For the data and the journal.
    kills, people : int
    seed : int
        Of the moments.

    Raises
    ------
    RuntimeError
        A server kept nothing for a minute.
    """
    file = folder / "items.csv"
    file.write_text("key,body\n" + "".join(f"i{one},text {one}\n" for one in range(_ITEMS * kills)))
    rng = random.Random(seed)
    options = ("--text", "body", "--id", "key", "--labels", "a,b", "--control", "0")
    serving = Serving(file, *options)
    token = serving.journal.with_name(f"{serving.journal.name}.key").read_text().strip()
    everybody = [_Person(Caller(serving.port, token, f"p{one}")) for one in range(people)]
    rest = threading.Event()
    threads = [threading.Thread(target=one.work, args=(rest,), daemon=True) for one in everybody]
    for thread in threads:
        thread.start()
    try:
        for life in range(kills):
            _wait_for_more(everybody)
            time.sleep(rng.random() * _LIFE)
            serving.kill()
            if life + 1 < kills:
                serving.start()
    finally:
        rest.set()
        for thread in threads:
            thread.join()
        for one in everybody:
            one.caller.close()
    acknowledged = [each for one in everybody for each in one.kept]
    return Killed(kills, len(acknowledged), tuple(complaints(serving.journal, acknowledged)))


def _wait_for_more(everybody: Sequence[_Person]) -> None:
    """Until this life of the server has acknowledged something."""
    before = sum(len(one.kept) for one in everybody)
    end = time.monotonic() + 60
    while sum(len(one.kept) for one in everybody) == before:
        if time.monotonic() > end:
            raise RuntimeError(
                "An answer was expected within a minute, and none was kept: is there an item left?"
            )
        time.sleep(0.01)


def complaints(journal: Path, acknowledged: Sequence[tuple[str, str]]) -> list[str]:
    """What is wrong with a journal.

    Parameters
    ----------
    journal : Path
    acknowledged : sequence of (request, id)
        The answers that somebody was told are kept.
    """
    with closing(sqlite3.connect(journal)) as db:
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
    found = [] if sound == "ok" else [f"SQLite says: {sound}"]
    store: Store = build("store", {"name": "sqlite", "path": str(journal), "read_only": True})
    try:
        told = [one for one in store.read(1) if one["event"] == "told"]
    finally:
        store.close()
    times = Counter((one["request"], id) for one in told for id in one["labels"])
    found += [
        f"{id} ({request}) was acknowledged and is lost"
        for request, id in acknowledged
        if not times[request, id]
    ]
    found += [
        f"{id} ({request}) is there {often} times" for (request, id), often in times.items() if often > 1
    ]
    return found
