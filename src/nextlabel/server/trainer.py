"""The process that trains: ``python -m nextlabel.server.trainer JOURNAL``.

It reads on in the journal, fits where labels have changed, and says what it has planned, one JSON object a
line. It ends when its parent does: then its standard input is at an end.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.server.rounds import Rounds

__all__ = ["Orders", "main"]

_PAUSE = 0.2  # seconds between two looks at the journal
_NICE = 5
_MOST = 300  # characters of an unexpected error


@final
class Orders:
    """What the parent wants, read from a stream by a thread of its own.

    Parameters
    ----------
    stream : file of str
        One JSON object a line: ``batch``, how many items a plan should hold; ``again``, whether one is
        wanted though nothing has changed.
    batch : int
        Until the first order.
    """

    def __init__(self, stream: IO[str], batch: int) -> None:
        self._stream, self._batch = stream, batch
        self._is_wanted = False
        self._lock, self._news = Lock(), Event()
        Thread(target=self._read, name="orders", daemon=True).start()

    @property
    def batch(self) -> int:
        """How many items a plan should hold."""
        return self._batch

    def take(self) -> bool:
        """Whether a plan was wanted since the last call."""
        with self._lock:
            wanted, self._is_wanted = self._is_wanted, False
            return wanted

    def wait(self, seconds: float) -> None:
        """Until an order comes, or so long."""
        self._news.wait(seconds)
        self._news.clear()

    def _read(self) -> None:
        for line in self._stream:
            order = json.loads(line)
            with self._lock:
                self._batch = int(order.get("batch", self._batch))
                self._is_wanted = self._is_wanted or bool(order.get("again"))
            self._news.set()
        os._exit(0)  # the parent is gone, perhaps in the middle of a fit: nothing here is worth keeping


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until the parent ends."""
    parser = argparse.ArgumentParser(prog="python -m nextlabel.server.trainer")
    parser.add_argument("journal", type=Path)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--memory", type=float, default=None, help="gigabytes of address space, at most")
    given = parser.parse_args(arguments)
    say = _speaker()
    orders = Orders(sys.stdin, given.batch)
    _limit(given.memory)
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.server.rounds import Rounds

    with Campaign.open(given.journal) as campaign:
        if hasattr(os, "nice"):
            os.nice(_NICE)  # labelling comes first, once the first plan is on its way
        say({"said": "started"})
        _work(campaign, Rounds(campaign, say), orders, say)


def _speaker() -> Any:
    """Says JSON lines to the parent; what a library prints goes where errors go."""
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(message: dict[str, Any]) -> None:
        ours.write(json.dumps(message) + "\n")
        ours.flush()

    return say


def _limit(gigabytes: float | None) -> None:
    """A model that eats all memory fails here, and not in the whole machine."""
    if gigabytes is not None:
        import resource

        most = int(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _work(campaign: "Campaign", rounds: "Rounds", orders: Orders, say: Any) -> None:
    while True:
        state = campaign.refresh()
        is_wanted = orders.take()
        try:
            is_idle = not rounds.turn(state, orders.batch, is_wanted=is_wanted)
        except Exception as error:  # whatever a model library raises: labelling goes on without a new model
            traceback.print_exc()
            rounds.give_up(state)
            say({"said": "problem", "changed": state.changed, "message": _in_words(error)})
            is_idle = True
        if is_idle:
            orders.wait(_PAUSE)


def _in_words(error: Exception) -> str:
    from nextlabel.errors import NextlabelError

    if isinstance(error, NextlabelError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The model needs more memory than it may have. Allow more: --model-memory."
    said = f"{type(error).__name__}: {error}"
    return f"The model could not be fitted ({said[:_MOST]}). Labelling goes on; mend the learner or its data."


if __name__ == "__main__":
    main()
