"""Which attacks are tried, in which order, and how long each may take."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from nextlabel.core import registry
from nextlabel.core.attack import COSTS, Attack, Knowledge
from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import checked_number

__all__ = ["Budget", "Rung", "Skipped", "ladder"]

_WORTHWHILE = 1.25  # times what an attempt had: less is no reason to begin it again


@final
@dataclass(frozen=True)
class Rung:
    """One attack of the ladder.

    Parameters
    ----------
    name : str
        How the report calls it.
    attack : Attack
    """

    name: str
    attack: Attack

    @property
    def is_timed(self) -> bool:
        """Whether it takes a share of the budget."""
        return self.attack.is_timed

    @property
    def limit(self) -> float:
        """The seconds at which it ends by itself; infinite where it has no such limit."""
        return float(getattr(self.attack, "seconds", math.inf))

    def within(self, seconds: float) -> Attack:
        """The attack, ended by the clock where it is timed; its own limit holds where that is shorter."""
        if not self.is_timed:
            return self.attack
        shorter = min(self.limit, seconds)
        limited: Attack = dataclasses.replace(self.attack, seconds=shorter)  # type: ignore[type-var]
        return limited


@final
@dataclass(frozen=True)
class Skipped:
    """An attack that is not tried, and why."""

    name: str
    reason: str


def ladder(
    kind: str, wanted: str | Attack | Sequence[str | Attack] | None, knowledge: Knowledge
) -> tuple[tuple[Rung, ...], tuple[Skipped, ...]]:
    """The attacks that read a kind of message and have what they need, the cheapest first.

    Parameters
    ----------
    kind : str
        Of the message.
    wanted : sequence of str or Attack, optional
        Registered names, or attacks with parameters of one's own; a single one may stand alone. None for all
        that are registered.
    knowledge : Knowledge
        What the attacker is allowed to know.

    Returns
    -------
    tuple
        The rungs, and the attacks left out with the reason. Registered attacks that read other kinds of
        messages are left out in silence unless they were named.

    Raises
    ------
    UnknownName
        A name that is not registered.
    ParameterError
        An empty list, a thing that is no attack, or one of a cost that there is not.

    Notes
    -----
    Each attack says itself what it costs, as one of `nextlabel.core.attack.COSTS`; equals come by name.
    """
    rungs, skipped = [], []
    wanted = [wanted] if isinstance(wanted, str | Attack) else wanted
    for one in registry.names("attack") if wanted is None else wanted:
        rung = _rung(one)
        if kind not in rung.attack.reads:
            if wanted is not None:
                kinds = ", ".join(sorted(rung.attack.reads))
                skipped.append(Skipped(rung.name, f"it reads messages of the kinds {kinds}, not {kind}"))
            continue
        missing = [field for field in sorted(rung.attack.needs) if getattr(knowledge, field, None) is None]
        if missing:
            skipped.append(Skipped(rung.name, f"it needs {' and '.join(missing)}, which is not known here"))
            continue
        rungs.append(rung)
    if wanted is not None and not rungs and not skipped:
        message = "'attacks' must name at least one attack; received none. Leave it out to try them all."
        raise ParameterError(message)
    order = list(COSTS)
    ordered = sorted(rungs, key=lambda rung: (order.index(rung.attack.cost), rung.name))
    return tuple(ordered), tuple(skipped)


@final
class Budget:
    """The seconds of a report, shared evenly over the attempts left that can use them; the rest passes on.

    Parameters
    ----------
    seconds : float
        For all attacks of the report together, above 0.
    clock : callable
        Gives seconds from any beginning.

    Examples
    --------
    >>> budget = Budget(12.0, clock=lambda: 0.0)
    >>> budget.share(4)
    3.0
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = checked_number(seconds, "seconds", above=0, advice="Give for example 120.")
        self._clock = clock
        self._begun = clock()

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._begun

    @property
    def left(self) -> float:
        """Seconds that are not spent yet; 0 where none are."""
        return max(0.0, self.seconds - self.spent)

    def share(self, left: int) -> float:
        """What one of so many timed attempts that are left may take; 0 where nothing is left.

        Parameters
        ----------
        left : int
            At least 1, the one that is about to begin included.
        """
        return self.left / max(1, left)

    def more(self, left: int, before: float) -> float:
        """What an attempt that the clock ended may take when it is made again; 0 where that would be no use.

        Parameters
        ----------
        left : int
            How many such attempts there are, this one included.
        before : float
            The seconds that it had.

        Returns
        -------
        float
            An even share, and at least twice what it had, or all that is left. An attempt begins anew, so
            that less than a quarter more than it had would hardly take it further.

        Examples
        --------
        >>> budget = Budget(12.0, clock=lambda: 0.0)
        >>> budget.more(4, before=1.0), budget.more(4, before=5.0), budget.more(4, before=10.0)
        (3.0, 10.0, 0.0)
        """
        due = min(self.left, max(self.share(left), 2.0 * before))
        return due if due >= _WORTHWHILE * before else 0.0


def _rung(one: str | Attack) -> Rung:
    if isinstance(one, str):
        one = one.replace("-", "_")
        name, attack = one, registry.build("attack", one)
    else:
        name, attack = (_registered(one), one) if isinstance(one, Attack) else ("", one)
    if not isinstance(attack, Attack):
        message = (
            f"'attacks' must hold names or attacks; received {one!r}. The names are: "
            f"{', '.join(registry.names('attack'))}."
        )
        raise ParameterError(message)
    if attack.cost not in COSTS:
        message = (
            f"'cost' of an attack must be one of {', '.join(COSTS)}; {name} says {attack.cost!r}. The "
            "ladder is ordered by it."
        )
        raise ParameterError(message)
    return Rung(name, attack)


def _registered(attack: Attack) -> str:
    """The registered name of an attack, or that of its class."""
    made = type(attack)
    where = f"{made.__module__}:{made.__qualname__}"
    return next(
        (name for name in registry.names("attack") if registry.target("attack", name) == where),
        made.__name__,
    )
