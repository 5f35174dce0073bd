"""The server's side of the trainer: starts it, hears it, starts it again when it dies, ends it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Literal, final

from nextlabel.campaign.planning import Plan
from nextlabel.campaign.state import State
from nextlabel.server.predictions import Predictions, predictions_file

__all__ = ["Phase", "Training"]

_DEATHS = 5
_FIRST_PAUSE = 0.5  # seconds before it is started again; twice as long each time
_LONGEST_PAUSE = 5.0  # seconds between two attempts where it cannot be started at all
_PATIENCE = 3.0  # seconds for it to end by itself
_TAIL = 300

Phase = Literal["starting", "fitting", "idle", "failed"]
"""What the process does now."""


@final
class Training:
    """A process that fits and plans while people label, and what it said last.

    Parameters
    ----------
    journal : Path
    batch : int
        How many items a plan should hold.
    memory : float, optional
        The most it may use, in gigabytes of address space.
    heard : callable
        Called, in a thread of this, when there is something new.

    Notes
    -----
    The process is in a session of its own, so that an interrupt typed for the server does not meet it, and
    so that what its libraries start is ended with it. It may die at any time: it is started again, later
    and later, and after five deaths over the same labels only when these change. Labelling goes on with the
    newest plan, or without any.
    """

    def __init__(
        self,
        journal: Path,
        batch: int,
        *,
        memory: float | None = None,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal, self._memory, self._heard = journal, memory, heard
        self._batch = batch
        self._process: subprocess.Popen[str] | None = None
        self._news = Condition()
        self._is_ending = False
        self._deaths = 0
        self._changed = -1  # of the labels that it works on
        self._known = -1  # of the labels as the server knows them
        self._state: Phase = "starting"
        self._message = ""
        self._remarks: list[str] = []
        self.plan: Plan | None = None
        self.planned = -1
        self._campaign = ""
        self.predictions: Predictions | None = None
        self.starts = 0
        self._thread = Thread(target=self._keep_alive, name="training", daemon=True)

    def take_up(self, campaign: str) -> None:
        """Take what the newest model said before, where it is of this campaign; no other is listened to.

        Parameters
        ----------
        campaign : str
            See `nextlabel.server.predictions.campaign_id`.
        """
        self._campaign = campaign
        self.predictions = Predictions.read(predictions_file(self._journal), campaign)

    def start(self) -> None:
        """Start the process, and keep it alive from now on."""
        self._thread.start()

    def close(self) -> None:
        """End the process and all that it started; a second call does nothing."""
        with self._news:
            self._is_ending = True
            self._news.notify_all()
            process = self._process
        if process is not None:
            _end(process)
        if self._thread.is_alive():
            self._thread.join()

    @property
    def number(self) -> int | None:
        """Of the process, where one runs."""
        return None if self._process is None else self._process.pid

    def follow(self, state: State, batch: int) -> None:
        """Say what the server knows: a trainer that has failed tries again when labels have changed.

        Parameters
        ----------
        state : State
        batch : int
            How many items a plan should hold from now on.
        """
        with self._news:
            if state.changed != self._known:
                self._known = state.changed
                self._news.notify_all()
        if batch != self._batch:
            self._batch = batch
            self._order({"batch": batch})

    def again(self) -> None:
        """Ask for another plan, though nothing has changed: the last one is used up."""
        self._order({"again": True})

    def says(self, state: State) -> dict[str, Any]:
        """How it stands, for the page.

        Parameters
        ----------
        state : State

        Returns
        -------
        dict
            ``state``: ``"starting"``, ``"fitting"`` (also when it is about to), ``"idle"`` (the plan is of
            the labels as they are) or ``"failed"``; ``model_labels``, how many labels the newest model has
            seen; ``message``; ``remarks``, what the newest model says of its training.
        """
        now = self._state
        if now in ("idle", "fitting"):
            now = "idle" if self.planned >= state.changed else "fitting"
        newest = state.newest
        return {
            "state": now,
            "model_labels": 0 if newest is None else newest.labels,
            "message": self._message,
            "remarks": self._remarks,
        }

    def _order(self, order: dict[str, Any]) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):  # it has died, and is started with the newest order
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()

    def _keep_alive(self) -> None:
        while not self._is_ending:
            has_lived = self._live()
            if self._is_over():
                return
            if not has_lived:
                with self._news:
                    self._news.wait_for(self._is_over, _LONGEST_PAUSE)
                continue
            self._deaths += 1
            if self._deaths >= _DEATHS:
                self._wait_for_labels()
            else:
                with self._news:
                    self._news.wait(_FIRST_PAUSE * 2 ** (self._deaths - 1))

    def _is_over(self) -> bool:
        return self._is_ending

    def _live(self) -> bool:
        """One life of the process, from its start to its end; false where it could not be started."""
        try:
            process = self._spawned()
        except OSError as cause:  # a full disk, a folder that is closed, no more processes
            self._state = "failed"
            self._message = (
                f"The process that trains could not be started ({cause}). It is tried again every "
                f"{_LONGEST_PAUSE:.0f} seconds; labelling goes on with what is there."
            )
            self._heard()
            return False
        with self._news:
            self._process, is_late = process, self._is_ending
        if is_late:
            _end(process)
        assert process.stdout is not None
        for line in process.stdout:
            with suppress(ValueError, KeyError, TypeError):  # half a line of one that was killed
                self._hear(json.loads(line))
                self._heard()
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._process = None
        if not self._is_ending:
            self._message = f"The process that trains has ended ({_how(code)}){self._last_words()}."
            self._state = "starting"
        return True

    def _wait_for_labels(self) -> None:
        self._state = "failed"
        self._message += (
            f" It ended {_DEATHS} times over the same labels, and is tried again when labels change; "
            "labelling goes on with what is there."
        )
        self._heard()
        with self._news:
            was = self._known
            self._news.wait_for(lambda: self._is_ending or self._known != was)
        self._deaths = 0

    def _spawned(self) -> "subprocess.Popen[str]":
        words = [sys.executable, "-m", "nextlabel.server.trainer", str(self._journal)]
        words += ["--batch", str(self._batch)]
        words += [] if self._memory is None else ["--memory", str(self._memory)]
        one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self.starts += 1
        log = self._log()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            return subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env={**os.environ, **one},
                start_new_session=True,
            )

    def _log(self) -> Path:
        return predictions_file(self._journal).with_name("trainer.log")

    def _last_words(self) -> str:
        try:
            lines = self._log().read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f": {lines[-1][-_TAIL:]}" if lines else ""

    def _hear(self, said: dict[str, Any]) -> None:
        what = said["said"]
        if what == "fitting":
            if said["changed"] != self._changed:
                self._changed, self._deaths = said["changed"], 0
            self._state = "fitting"
        elif what == "plan":
            self.plan = None if said["plan"] is None else Plan.from_json(said["plan"])
            self.planned, self._deaths = said["changed"], 0
            self._state, self._message = "idle", ""
        elif what == "trained":
            self._remarks = [str(one) for one in said["remarks"]]
        elif what == "predictions":
            self.predictions = Predictions.read(predictions_file(self._journal), self._campaign)
        elif what == "problem":
            self.planned = max(self.planned, said["changed"])
            self._state, self._message = "failed", said["message"]


def _end(process: "subprocess.Popen[str]") -> None:
    """End it: politely, by the end of its input; then with all that it started."""
    with suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _how(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
