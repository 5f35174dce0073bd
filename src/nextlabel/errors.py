"""One family of errors: what was expected, what was received, what to do.

Every class also inherits the built-in that a Python user would catch.
"""

__all__ = [
    "BatchSizeError",
    "BrokenEntryPoint",
    "BrokenPromise",
    "ExperimentError",
    "LabelError",
    "LearnerError",
    "MissingExtra",
    "MissingSignal",
    "NameClash",
    "NextlabelError",
    "NoLabels",
    "ParameterError",
    "PoolError",
    "SignalError",
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


class LabelError(NextlabelError, ValueError):
    """Labels are outside the task, or their number does not match the items."""


class NoLabels(NextlabelError, ValueError):
    """A learner was asked to fit without labels and has nothing to offer then."""


class ParameterError(NextlabelError, ValueError):
    """A hyperparameter or a specification has a value that makes no sense."""


class PoolError(NextlabelError, ValueError):
    """A pool's items or ids are unusable: empty, doubled, or of unequal number."""


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
