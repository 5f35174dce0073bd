"""The server's side of the painter: pictures are decoded in a process that may die of them."""

import json
import os
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer
from typing import Any, final

from nextlabel.errors import ReaderError

__all__ = ["Painter"]

_GIB = 1 << 30
_KEPT = 32 << 20  # bytes of pictures that were asked for last
_TRIES = 2


@final
class Painter:
    """Draws files of images as PNG or JPEG, one after the other, in a process of its own.

    Parameters
    ----------
    largest : int
        The longest side of what is made, in pixels.
    seconds : float
        How long one picture may take.
    memory : int
        The most address space that the process may have, in bytes, where the system can see to it.

    Notes
    -----
    The process is started with the first picture, and again after it has died. A picture that it died of is
    refused; the next one is drawn. What was drawn last is kept, up to 32 MB.
    """

    def __init__(self, largest: int, *, seconds: float = 20.0, memory: int = _GIB) -> None:
        self._largest, self._seconds, self._memory = largest, seconds, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._queue: ThreadPoolExecutor | None = None
        self._kept: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self._lock = Lock()

    @property
    def number(self) -> int | None:
        """Of the process, where one was started."""
        return None if self._process is None else self._process.pid

    @property
    def has_started(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def submit(self, path: Path, key: str) -> "Future[tuple[bytes, str]]":
        """Have a file drawn.

        Parameters
        ----------
        path : Path
            Of the file, every link followed.
        key : str
            What is kept of it is found again by this: it has to change with the file.

        Returns
        -------
        Future of (bytes, str)
            The picture and its media type; or `ReaderError`, where it cannot be drawn.
        """
        with self._lock:
            if self._queue is None:
                self._queue = ThreadPoolExecutor(1, "painter")
            return self._queue.submit(self._drawn, path, key)

    def close(self) -> None:
        """End the process; what is asked for later starts another."""
        with self._lock:
            queue, self._queue = self._queue, None
        process = self._process
        if process is not None:
            process.kill()
        if queue is not None:
            queue.shutdown(wait=True, cancel_futures=True)
        self._end()

    def _drawn(self, path: Path, key: str) -> tuple[bytes, str]:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._made(path)
        self._kept[key] = made
        while sum(len(content) for content, _ in self._kept.values()) > _KEPT:
            self._kept.popitem(last=False)
        return made

    def _made(self, path: Path) -> tuple[bytes, str]:
        why = ""
        for _ in range(_TRIES):  # it may have died before, of something else
            late: list[bool] = []
            try:
                head, content = self._asked(path, late)
            except (OSError, ValueError) as cause:
                self._end()
                why = str(cause)
                if late:
                    why = f"it takes more than {self._seconds:g} seconds"
                    break
                continue
            if "problem" in head:
                raise ReaderError(str(head["problem"]))
            return content, str(head["mime"])
        message = (
            f"Every image must be one that can be drawn; received {path.name!r}: {why}. Make it smaller, "
            "or take it out."
        )
        raise ReaderError(message)

    def _asked(self, path: Path, late: list[bool]) -> tuple[Mapping[str, Any], bytes]:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None

        def give_up() -> None:
            late.append(True)
            process.kill()

        watch = Timer(self._seconds, give_up)
        watch.daemon = True
        watch.start()
        try:
            order = {"path": os.fspath(path), "largest": self._largest}
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line.endswith(b"\n"):
                raise OSError("the process that draws ended over it")
            head: Mapping[str, Any] = json.loads(line)
            content = process.stdout.read(int(head.get("bytes", 0)))
            if len(content) != head.get("bytes", 0):
                raise OSError("the process that draws ended over it")
            return head, content
        finally:
            watch.cancel()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nextlabel.readers.painter", str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **one},
                start_new_session=True,  # an interrupt typed for the server does not meet it
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
