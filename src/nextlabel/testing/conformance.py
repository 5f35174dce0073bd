"""Whether an implementation does what a method says: a callable goes in, promises kept and broken come out.

NumPy and SciPy alone, so that it runs beside any other library.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, cast, final, overload

from nextlabel.errors import ParameterError, UnknownName
from nextlabel.maths.parameters import checked_whole
from nextlabel.testing.conformity.answers import Pick
from nextlabel.testing.conformity.examination import Broken, Examination, Kept
from nextlabel.testing.conformity.promises import PROMISES
from nextlabel.testing.conformity.writing import as_call, as_table
from nextlabel.testing.laws import Definition, Question, Sizes

__all__ = ["DRAWS", "PROMISES", "Conformance", "Outcome", "Verdict", "definition_of", "examine", "memory_of"]

Outcome = Literal["kept", "broken", "not asked"]

DRAWS = 1_600
"""How many seeds are tried where a law is tested, unless said otherwise."""


@final
@dataclass(frozen=True)
class Verdict:
    """One promise, and whether it is kept.

    Parameters
    ----------
    promise : str
        Its name.
    outcome : {"kept", "broken", "not asked"}
        What came out.
    says : str
        What was tried, or what was expected and what was seen.
    smallest : Question, optional
        Of a broken promise, the smallest input found that shows it.
    seed : int
        The seed that goes with it.
    """

    promise: str
    outcome: Outcome
    says: str
    smallest: Question | None = None
    seed: int = 0

    @property
    def call(self) -> str:
        """The call that shows the fault, as code; empty without a smallest input."""
        return "" if self.smallest is None else as_call(self.smallest, self.seed)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"promise": self.promise, "outcome": self.outcome, "says": self.says, "smallest": self.call}


@final
@dataclass(frozen=True)
class Conformance(Sequence[Verdict]):
    """The verdicts on one implementation, in the order of `PROMISES`.

    Parameters
    ----------
    name : str
        The method.
    verdicts : tuple of Verdict
        One for each promise.
    """

    name: str
    verdicts: tuple[Verdict, ...]

    @property
    def is_kept(self) -> bool:
        """Whether no promise is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the broken promises."""
        return tuple(one.promise for one in self.verdicts if one.outcome == "broken")

    def of(self, promise: str) -> Verdict:
        """The verdict on one promise.

        Raises
        ------
        UnknownName
            There is no such promise, or it was not among those examined.
        """
        for one in self.verdicts:
            if one.promise == promise:
                return one
        message = (
            f"{promise!r} is none of the promises examined. These are: "
            f"{', '.join(one.promise for one in self.verdicts)}."
        )
        raise UnknownName(message)

    @overload
    def __getitem__(self, place: int) -> Verdict: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Verdict, ...]: ...

    def __getitem__(self, place: int | slice) -> Verdict | tuple[Verdict, ...]:
        """The verdict at a place."""
        return self.verdicts[place]

    def __len__(self) -> int:
        """How many promises there are."""
        return len(self.verdicts)

    def text(self, *, width: int = 100) -> str:
        """A table for a terminal, and below it the smallest input for each broken promise.

        Parameters
        ----------
        width : int
            Of a line, in characters.

        Returns
        -------
        str
        """
        rows = [("promise", "outcome", "what was seen")]
        rows += [(one.promise, one.outcome, one.says) for one in self.verdicts]
        kept = sum(one.outcome == "kept" for one in self.verdicts)
        head = f"{self.name}: {kept} promises kept, {len(self.broken)} broken"
        shown = [
            f"{one.promise}, the smallest input that shows it:\n{one.call}"
            for one in self.verdicts
            if one.smallest is not None
        ]
        return "\n\n".join([head, as_table(rows, width=width), *shown])

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the name, and a list of verdicts."""
        return {"name": self.name, "promises": [one.to_dict() for one in self.verdicts]}


def examine(
    pick: Pick,
    definition: Definition | str,
    *,
    seed: int = 0,
    memory: Callable[[Sizes], float] | None = None,
    draws: int = DRAWS,
    promises: Collection[str] | None = None,
) -> Conformance:
    """Hold an implementation against the plain definition of its method.

    Parameters
    ----------
    pick : callable
        Called with the keywords ``batch``, ``seed``, the signals of the definition (``proba``,
        ``embedding``, ...), and ``labelled`` and ``labels`` where the method reads them; gives
        positions, most wanted first. It is called with the same keywords as `nextlabel.select`, less the
        strategy.
    definition : Definition or str
        What the method should pick; or its registered name.
    seed : int
        Chooses the inputs and the seeds; zero or larger.
    memory : callable, optional
        The bytes that the implementation declares to use beside its inputs, from sizes.
    draws : int
        How many seeds are tried where a law is tested, from 16.
    promises : collection of str, optional
        Names of the promises to examine, of those in `PROMISES`; all when left out.

    Returns
    -------
    Conformance
        A verdict on each of these promises. An error raised by `pick` breaks the promise it was asked for.

    Raises
    ------
    UnknownName
        No definition or no promise has this name.
    ParameterError
        `seed` or `draws` is out of its range.

    Notes
    -----
    The chance that a right implementation is refused is below 1e-6 for the whole table, whatever the seed:
    5e-7 for three laws, by exact tails divided by the number of tests; 5e-8 for ties; 1e-8 for each pool of
    a method that need not always find what it looks for. Single and double precision may part on near ties,
    so that one such pool of eight is let pass.

    Some 200 calls on pools of up to eighteen items, `draws` times three more for a law, one on a pool of
    3,000 items where memory is declared, and up to 300 for each broken promise, to make its input smaller.

    Examples
    --------
    The largest probability is not the margin:

    >>> def least_confident(*, batch, seed, proba):
    ...     return proba.max(axis=1).argsort()[:batch]
    >>> "sequence" in examine(least_confident, "margin").broken
    True
    """
    if not callable(cast(object, pick)):
        message = (
            f"What is examined must be a callable from arrays to positions; received {pick!r}. For a "
            "strategy of nextlabel give functools.partial(select, 'margin')."
        )
        raise ParameterError(message)
    seed = checked_whole(seed, "seed", least=0, advice="Pass for example 0.")
    draws = checked_whole(draws, "draws", least=16, advice=f"{DRAWS} is the rule.")
    one = definition_of(definition) if isinstance(definition, str) else definition
    wanted = PROMISES.keys() if promises is None else {_known(promise) for promise in promises}
    exam = Examination(pick, one, seed, draws, memory)
    verdicts = tuple(_verdict(promise, exam) for promise in PROMISES if promise in wanted)
    return Conformance(one.name, verdicts)


def _known(promise: str) -> str:
    if promise in PROMISES:
        return promise
    message = f"{promise!r} is no promise. The promises are: {', '.join(PROMISES)}."
    raise UnknownName(message)


def _verdict(promise: str, exam: Examination) -> Verdict:
    found = PROMISES[promise](exam)
    if isinstance(found, Broken):
        return Verdict(promise, "broken", found.says, found.question, found.seed)
    return Verdict(promise, "kept" if isinstance(found, Kept) else "not asked", found.says)


def definition_of(name: str) -> Definition:
    """The plain definition of a registered strategy.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Definition

    Raises
    ------
    UnknownName
        No definition has this name.

    Examples
    --------
    >>> definition_of("margin").name
    'margin'
    """
    return cast(Definition, _module(name).DEFINITION)


def memory_of(name: str) -> Callable[[Sizes], float]:
    """The bytes that nextlabel's implementation of a strategy declares, from sizes.

    Parameters
    ----------
    name : str
        Its registered name.

    Returns
    -------
    callable

    Raises
    ------
    UnknownName
        No definition has this name.

    Examples
    --------
    >>> memory_of("margin")({"n": 1000, "c": 10, "b": 10}) > 0
    True
    """
    return cast(Callable[[Sizes], float], _module(name).memory)


def _module(name: str) -> Any:
    where = f"nextlabel.testing.definitions.{name}"
    if not name.isidentifier() or find_spec(where) is None:
        from nextlabel.core.registry import names

        message = (
            f"{name!r} has no plain definition. Strategies that have one: "
            f"{', '.join(one for one in names('strategy') if find_spec(f'{where[: -len(name)]}{one}'))}."
        )
        raise UnknownName(message)
    return import_module(where)
