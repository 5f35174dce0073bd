"""Many people who label one campaign at once, through the server, and what each of them met."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, final
from uuid import uuid4

from nextlabel.testing.killing import Caller

__all__ = ["Crowd", "labelled_by"]

_AHEAD = 3
_LOST, _TWICE = 0.03, 0.05  # the shares of calls whose answer is lost, and that are sent twice


@final
@dataclass(frozen=True)
class Crowd:
    """What many people met.

    Parameters
    ----------
    waits : tuple of float
        Seconds from each call for items to its answer.
    done : tuple of int
        How many items each person has answered.
    answers : tuple of (person, id)
        What was acknowledged.
    problems : tuple of str
        Answers that were refused.
    twice : int
        How many answers were sent twice at the same moment, as by a double click.
    """

    waits: tuple[float, ...]
    done: tuple[int, ...]
    answers: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    twice: int = 0

    def percentile(self, share: float) -> float:
        """The wait that this share of calls did not exceed, in seconds."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def doubled(self) -> list[tuple[str, str]]:
        """What somebody was acknowledged twice for."""
        return [one for one, often in Counter(self.answers).items() if often > 1]


def labelled_by(
    port: int,
    token: str,
    people: Sequence[str],
    *,
    seed: int,
    pause: float = 0.0,
    is_over: Callable[[], bool] = lambda: False,
) -> Crowd:
    """Everybody labels until nothing is left for them.

    Parameters
    ----------
    port : int
    token : str
        One for all.
    people : sequence of str
    seed : int
        Of whose calls go wrong: some hang up before the answer and send it again, some send it twice at once.
    pause : float
        Seconds that somebody thinks about an item.
    is_over : callable
        Whether to end before.

    Returns
    -------
    Crowd
    """
    made = [
        _Person(Caller(port, token, name), name, random.Random(f"{seed}{name}"), pause) for name in people
    ]
    threads = [threading.Thread(target=one.work, args=(is_over,), daemon=True) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Crowd(
        tuple(wait for one in made for wait in one.waits),
        tuple(len(one.answers) for one in made),
        tuple((one.name, id) for one in made for id in one.answers),
        tuple(problem for one in made for problem in one.problems),
        sum(one.twice for one in made),
    )


@final
class _Person:
    def __init__(self, caller: Caller, name: str, rng: random.Random, pause: float) -> None:
        self.caller, self.name, self._rng, self._pause = caller, name, rng, pause
        self.waits: list[float] = []
        self.answers: list[str] = []
        self.problems: list[str] = []
        self.twice = 0
        self._items: list[dict[str, Any]] = []

    def work(self, is_over: Callable[[], bool]) -> None:
        patience = 200
        while patience and not is_over():
            if not self._items:
                said = self._asked({"actions": [], "want": _AHEAD})
                self._items = said["items"]
                if not self._items:
                    patience = 0 if _is_done(said["waiting"]) else patience - 1
                    time.sleep(0.02)
                    continue
            self._answer(self._items.pop(0))
        self.caller.close()

    def _answer(self, item: dict[str, Any]) -> None:
        if self._pause:
            time.sleep(self._pause * 2 * self._rng.random())
        request = uuid4().hex
        action = {
            "kind": "answer",
            "request": request,
            "id": item["id"],
            "token": item["token"],
            "label": "a",
        }
        have = [one["id"] for one in self._items]
        said = self._asked({"actions": [action], "want": 1, "have": have})
        for one in said["results"]:
            if one["ok"]:
                self.answers.append(item["id"])
            else:
                self.problems.append(one["message"])
        self._items += said["items"]

    def _asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """A call, now and then cut off before its answer, or sent twice, as bad networks and fingers do."""
        if self._rng.random() < _LOST:
            self._hang_up(body)
        double = body["actions"] and self._rng.random() < _TWICE
        second = threading.Thread(target=self._click_again, args=(body["actions"],)) if double else None
        begun = time.perf_counter()
        if second is not None:
            second.start()  # both are on their way at once, by connections of their own
        status, said = self.caller.post("/api/actions", body)
        self.waits.append(time.perf_counter() - begun)
        if second is not None:
            second.join()
        if status != 200:
            raise AssertionError(f"{status}: {said}")
        return said

    def _click_again(self, actions: list[dict[str, Any]]) -> None:
        """The same request once more, while the first is under way; it has to have the same answer."""
        twin = self.caller.twin()
        try:
            status, said = twin.post("/api/actions", {"actions": actions, "want": 0})
            self.problems.extend(one["message"] for one in said["results"] if not one["ok"])
            self.twice += status == 200
        except (OSError, HTTPException, ValueError) as cause:
            self.problems.append(f"the second click: {cause}")
        finally:
            twin.close()

    def _hang_up(self, body: dict[str, Any]) -> None:
        with suppress(OSError, HTTPException, ValueError):
            self.caller.send("/api/actions", body)
        self.caller.close()


def _is_done(waiting: str | None) -> bool:
    return waiting is not None and waiting.startswith("Every item")
