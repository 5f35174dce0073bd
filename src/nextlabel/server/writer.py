"""One thread writes: what waits is done together, and answered when it is on the disk."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar, final

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.state import State
from nextlabel.errors import JournalError, RequestError, StaleJournal

__all__ = ["Writer"]

T = TypeVar("T")

_MOST = 256  # jobs in one transaction
_TRIES = 50
_PAUSE = 1.0  # seconds between two looks at what other processes wrote
_CHECK = 5.0  # seconds between two looks whether a disk that refused writes again


@final
class Writer:
    """The one thread that uses a campaign; others hand it jobs.

    Parameters
    ----------
    campaign : Campaign
        Of this thread from now on; closed at the end.
    settled : callable
        Called in the thread after each commit, and when others have written.

    Notes
    -----
    All jobs that wait are done in one transaction (group commit), and none is answered before it is on the
    disk. Where another process was faster, all are done again on what is there now: a job must change nothing
    but the campaign. One that raises leaves the others alone.

    `state` is what is on the disk: what jobs do is seen by others only when it is there.

    A disk that is full or read-only fails the jobs with the store's message, which stands in `banner` until
    something could be written again.
    """

    def __init__(self, campaign: Campaign, settled: Callable[[], None] = lambda: None) -> None:
        self._campaign = campaign
        self._settled = settled
        self._jobs: SimpleQueue[tuple[Callable[[Campaign], Any], Future[Any]] | None] = SimpleQueue()
        self._is_closed = False
        self._looked = monotonic()
        self.banner: str | None = None
        self.state: State = campaign.state
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Campaign], T]) -> "Future[T]":
        """Do something with the campaign.

        Parameters
        ----------
        job : callable
            May be called several times, until what it wrote could be written.

        Returns
        -------
        Future
            Of what the job returns, once it is on the disk. Raises what the job raised; `JournalError`
            where nothing could be written.

        Raises
        ------
        RequestError
            The writer has been closed.
        """
        if self._is_closed:
            message = "The server is going down and takes nothing more. Start nextlabel label again."
            raise RequestError(message, status=503, kind="closed")
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def close(self) -> None:
        """Do what waits, then close the campaign; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            waiting, is_last = self._waiting()
            if waiting:
                self._do(waiting)
            else:
                self._look()
            if is_last:
                break
        self._campaign.close()

    def _waiting(self) -> tuple[list[tuple[Callable[[Campaign], Any], Future[Any]]], bool]:
        """All jobs that wait, up to so many; whether the last one was among them."""
        found: list[tuple[Callable[[Campaign], Any], Future[Any]]] = []
        try:
            one = self._jobs.get(timeout=_PAUSE)
            while True:
                if one is None:
                    return found, True
                if one[1].set_running_or_notify_cancel():
                    found.append(one)
                if len(found) >= _MOST:
                    return found, False
                one = self._jobs.get_nowait()
        except Empty:
            return found, False

    def _do(self, waiting: list[tuple[Callable[[Campaign], Any], Future[Any]]]) -> None:
        try:
            done = self._committed([job for job, _ in waiting])
        except BaseException as error:  # all are told: nothing was written
            if isinstance(error, JournalError):
                self.banner = str(error)
            for _, future in waiting:
                future.set_exception(error)
            return
        self._settle()
        for (_, future), (result, problem) in zip(waiting, done, strict=True):
            if problem is None:
                future.set_result(result)
            else:
                future.set_exception(problem)

    def _committed(self, jobs: list[Callable[[Campaign], Any]]) -> list[tuple[Any, BaseException | None]]:
        """What each job returned or raised, when all that they wrote is on the disk."""
        for _ in range(_TRIES):
            before = self._campaign.state.position
            try:
                self._campaign.refresh()
                with self._campaign.together():
                    done = [self._tried(job) for job in jobs]
            except StaleJournal:
                continue  # somebody else was faster: once more, on what is there now
            if self._campaign.state.position != before:
                self.banner = None
            return done
        message = (
            f"The journal was expected to stand still for a moment; others wrote {_TRIES} times between. "
            "Try again."
        )
        raise JournalError(message)

    def _tried(self, job: Callable[[Campaign], Any]) -> tuple[Any, BaseException | None]:
        try:
            return job(self._campaign), None
        except JournalError:
            raise
        except Exception as error:
            return None, error

    def _settle(self) -> None:
        """Show what is on the disk now."""
        self.state = self._campaign.state
        self._looked = monotonic()
        try:
            self._settled()
        except Exception as error:  # what was written stays acknowledged
            self.banner = str(error)

    def _look(self) -> None:
        """What other processes wrote; and whether a disk that refused can be written again."""
        try:
            before = self._campaign.state.position
            if self._campaign.refresh().position != before:
                self._settle()
            if self.banner is not None and monotonic() - self._looked > _CHECK:
                self._looked = monotonic()
                _check_room(self._campaign)
                self.banner = None
        except JournalError as error:
            self.banner = str(error)
        except OSError as error:
            self.banner = self.banner or str(error)


def _check_room(campaign: Campaign) -> None:
    """Whether a little can be written beside the journal."""
    if campaign.path is None:
        return
    probe = campaign.path.with_name(f".{campaign.path.name}.room")
    try:
        probe.write_bytes(b"\0" * 65_536)
    finally:
        probe.unlink(missing_ok=True)
