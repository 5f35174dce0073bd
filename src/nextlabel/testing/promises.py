"""What a promise is: a check with a name that any object of a kind must pass."""

import json
import pickle
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar, final

import numpy as np

from nextlabel.core.registry import build, spec_of
from nextlabel.errors import BrokenPromise

__all__ = ["Exceptional", "Promises", "random_states_kept", "require", "require_round_trip"]


class Exceptional(Protocol):
    """What promises are asked of: it may declare exceptions, each with a reason."""

    @property
    def exceptions(self) -> Mapping[str, str]:
        """Names of promises that are not kept, with the reason."""


T = TypeVar("T", bound=Exceptional)


@final
class Promises(Mapping[str, Callable[..., None]], Generic[T]):
    """A table of checks by name, each called with an object and ``seed=``, in the order of entry.

    A check raises `BrokenPromise` where its promise is broken; whatever else it raises counts as that too.

    Examples
    --------
    >>> promises = Promises()
    >>> @promises.enter
    ... def _is_named(thing, seed):
    ...     require(bool(thing.name), "it has no name.")
    >>> list(promises)
    ['is_named']
    """

    def __init__(self) -> None:
        self._checks: dict[str, Callable[[T, int], None]] = {}

    def __getitem__(self, name: str) -> Callable[..., None]:
        """The check of one promise."""
        function = self._checks[name]

        def promise(thing: T, *, seed: int = 0) -> None:
            prefix = f"{_called(thing)} breaks the promise {name!r}: "
            try:
                function(thing, seed)
            except BrokenPromise as broken:
                raise BrokenPromise(prefix + str(broken)) from broken.__cause__
            except Exception as cause:
                raise BrokenPromise(f"{prefix}it raised {type(cause).__name__}: {cause}") from cause

        return promise

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of entry."""
        return iter(self._checks)

    def __len__(self) -> int:
        """How many promises there are."""
        return len(self._checks)

    def enter(self, function: Callable[[T, int], None]) -> Callable[[T, int], None]:
        """Enter a check under the name of its function, less the underscore."""
        self._checks[function.__name__.strip("_")] = function
        return function

    def check(self, thing: T, *, seed: int = 0) -> None:
        """Run every check on an object.

        Raises
        ------
        BrokenPromise
            A promise is broken; or one is kept that the class declares as an exception; or an exception
            names no promise.
        """
        name = _called(thing)
        for declared in thing.exceptions.keys() - self._checks.keys():
            message = (
                f"{name} declares an exception to {declared!r}, which is not a promise. "
                f"The promises are: {', '.join(self)}."
            )
            raise BrokenPromise(message)
        for promised in self:
            if promised not in thing.exceptions:
                self[promised](thing, seed=seed)
                continue
            try:
                self[promised](thing, seed=seed)
            except BrokenPromise:
                continue
            message = (
                f"{name} declares an exception to {promised!r} ({thing.exceptions[promised]}) and keeps it "
                "all the same. Remove the exception."
            )
            raise BrokenPromise(message)


def _called(thing: object) -> str:
    """The name of the class that promises."""
    if isinstance(named := getattr(thing, "called", None), str):
        return named  # it stands for another
    return thing.__name__ if isinstance(thing, type) else type(thing).__name__


def require(kept: bool, otherwise: str) -> None:
    """Raise `BrokenPromise` with this message unless something holds.

    Examples
    --------
    >>> require(True, "never said")
    """
    if not kept:
        raise BrokenPromise(otherwise)


def require_round_trip(kind: str, thing: object) -> None:
    """Raise `BrokenPromise` unless spec, JSON and pickle each give an equal object with the same hash.

    Parameters
    ----------
    kind : str
        ``"strategy"`` or ``"learner"``.
    thing : object
        Of a registered class of that kind.

    Raises
    ------
    BrokenPromise
        One of the three gives another object.

    Examples
    --------
    >>> require_round_trip("strategy", build("strategy", "margin"))
    """
    written = spec_of(thing).to_json()
    for made, way in (
        (build(kind, spec_of(thing)), "its spec"),
        (build(kind, json.loads(written)), f"the JSON {written}"),
        (pickle.loads(pickle.dumps(thing)), "its pickle"),
    ):
        require(made == thing, f"{way} gave {made!r} instead of {thing!r}.")
        require(hash(made) == hash(thing), f"{way} gave an equal object with another hash.")


@contextmanager
def random_states_kept(what: str) -> Iterator[None]:
    """Within this scope nobody may draw from the global random states of Python, NumPy or torch.

    Parameters
    ----------
    what : str
        Who is watched, as the subject of the message.

    Raises
    ------
    BrokenPromise
        On leaving, where a state has changed.
    """

    def states() -> dict[str, bytes]:
        legacy = np.random.get_state()  # noqa: NPY002  (only read, to see that nobody drew from it)
        found = {"Python's": pickle.dumps(random.getstate()), "NumPy's": pickle.dumps(legacy)}
        if "torch" in sys.modules:  # where it is not loaded, nobody can have drawn from it
            found["torch's"] = sys.modules["torch"].get_rng_state().numpy().tobytes()
        return found

    before = states()
    yield
    after = states()
    for whose, state in before.items():
        require(after[whose] == state, f"{what} changed {whose} global random state. Draw from rng alone.")
