"""One family of errors: what was expected, what was received, what to do.

Every class also inherits the built-in that a Python user would catch.
"""

from collections.abc import Sequence
from typing import Any

__all__ = [
    "BatchSizeError",
    "BrokenEntryPoint",
    "BrokenPromise",
    "CampaignError",
    "ConvergenceError",
    "DatasetMissing",
    "DigestError",
    "DisclosureError",
    "ExperimentError",
    "JournalError",
    "LabelError",
    "LearnerError",
    "MissingExtra",
    "MissingSignal",
    "NameClash",
    "NextlabelError",
    "NoLabels",
    "ParameterError",
    "PoolChanged",
    "PoolError",
    "ReaderError",
    "RequestError",
    "SignalError",
    "StaleJournal",
    "UnknownName",
]


class NextlabelError(Exception):
    """The root: catch this to catch everything that nextlabel raises on purpose."""


class SignalError(NextlabelError, ValueError):
    """An array has the wrong axes, size, range or a value that is not finite."""


class MissingSignal(NextlabelError, LookupError):
    """A strategy needs a signal that is neither given nor derivable from what is given."""

    def __str__(self) -> str:
        """Show the message as it is: `LookupError` subclasses may quote it."""
        return str(self.args[0]) if self.args else ""


class BatchSizeError(NextlabelError, ValueError):
    """The batch is below one or above the number of items."""


class ExperimentError(NextlabelError, RuntimeError):
    """An experiment could not be finished or kept: a worker process died, or the disk is full."""


class CampaignError(NextlabelError, RuntimeError):
    """A campaign cannot do what was asked: nothing is left to ask, it was stopped, a part is missing."""


class ConvergenceError(NextlabelError, ArithmeticError):
    """A solver ended before it reached its solution, or there is none; no stale answer is given."""


class JournalError(NextlabelError, RuntimeError):
    """A journal cannot be read or written: foreign, damaged, of a newer version, read-only, a full disk."""


class StaleJournal(JournalError):
    """Somebody else has written meanwhile; nothing was appended. Read on and try again."""


class DatasetMissing(NextlabelError, LookupError):
    """A data set is not on this machine; the message says where it was looked for and how to fetch it."""

    def __str__(self) -> str:
        """Show the message as it is: `LookupError` subclasses may quote it."""
        return str(self.args[0]) if self.args else ""


class DigestError(NextlabelError, ValueError):
    """A file is not the one that is meant: its digest is another."""


class DisclosureError(NextlabelError, ValueError):
    """A message is not what it is said to be: of another model, loss, shape or batch, or not finite."""


class LabelError(NextlabelError, ValueError):
    """Labels are outside the task, or their number does not match the items."""


class NoLabels(NextlabelError, ValueError):
    """A learner was asked to fit without labels and has nothing to offer then."""


class ParameterError(NextlabelError, ValueError):
    """A hyperparameter or a specification has a value that makes no sense."""


class PoolError(NextlabelError, ValueError):
    """A pool's items or ids are unusable: empty, doubled, or of unequal number."""


class PoolChanged(PoolError):
    """The data are not those of the journal; the message says how many items came and went."""


class ReaderError(NextlabelError, ValueError):
    """A file cannot be read as items: its encoding, shape, ids or content; the message says where.

    The attribute `faults` holds what is wrong row by row, where rows are at fault.
    """

    def __init__(self, message: str = "", *, faults: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class RequestError(NextlabelError, ValueError):
    """A call of the labelling page cannot be answered; `status` and `kind` are what its answer says."""

    def __init__(self, message: str = "", *, status: int = 400, kind: str = "request") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class LearnerError(NextlabelError, TypeError):
    """A model cannot be adapted: for example, it has no linear last layer or no dropout."""


class UnknownName(NextlabelError, LookupError):
    """A name is not in the registry."""


class NameClash(NextlabelError, RuntimeError):
    """Two packages register the same name for the same kind."""


class BrokenEntryPoint(NextlabelError, ImportError):
    """Another package registers a thing that cannot be imported; the message names the package."""


class MissingExtra(NextlabelError, ImportError):
    """An optional dependency is not installed; the message and the attribute `extra` name the extra."""

    def __init__(self, message: str = "", *, extra: str = "") -> None:
        super().__init__(message)
        self.extra = extra


class BrokenPromise(NextlabelError, AssertionError):
    """A contract test found that a class does not do what every class of its kind must do."""
