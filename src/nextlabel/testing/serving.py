"""The labelling page as people start it: the command in a process of its own, on a free port."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self, final

from nextlabel.errors import BrokenPromise

__all__ = ["Serving"]

_ADDRESS = re.compile(r"http://\S+")
_PAUSE = 0.05


@final
class Serving:
    """``nextlabel label FILE``, running; a context manager that ends it.

    Parameters
    ----------
    file : path
        Data or a journal; what is written lies beside it.
    *options : str
        Further options of the command, for its first start.
    seconds : float
        How long its address may take to appear.

    Raises
    ------
    BrokenPromise
        It ended, or said no address in time; the message holds what it said.
    """

    def __init__(self, file: Path, *options: str, seconds: float = 60) -> None:
        self.file, self.options, self.seconds = file, options, seconds
        self.port = 0
        self.address = ""
        self._log = file.parent / f"{file.name}.log"
        self._written: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def journal(self) -> Path:
        """Of the campaign."""
        return self.file.with_suffix(".db")

    @property
    def base(self) -> str:
        """The address without path and token."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """All that it wrote to the terminal so far."""
        return self._log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._running().pid

    def start(self) -> None:
        """Start it; after an end it goes on with the same journal, on the same port."""
        self._written = self._log.open("wb")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "nextlabel", "label", "--no-open", "--port", str(self.port)),
                *([str(self.journal)] if self.journal.exists() else [str(self.file), *self.options]),
            ],
            cwd=self.file.parent,
            stdout=self._written,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "400", "NO_COLOR": "1"},
            start_new_session=True,  # an interrupt of the tests is not meant for it
        )
        deadline = time.monotonic() + self.seconds
        while (found := _ADDRESS.search(self.said)) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.said
                self.kill()
                raise BrokenPromise(f"nextlabel label was to say its address; it said: {said}")
            time.sleep(_PAUSE)
        self.address = found.group()
        self.port = int(self.address.split(":")[2].partition("/")[0])

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as Ctrl-C does, and return its exit status."""
        return self._end(signal.SIGINT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise BrokenPromise("The page was ended. Start it again with start().")
        return self._process

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._running(), None
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise BrokenPromise(f"nextlabel label was to end; it did not, and said: {self.said}") from None
        finally:
            if self._written is not None:
                self._written.close()
