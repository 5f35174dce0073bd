"""Whether a message leaves open which record made it: another item that explains it as well is a witness."""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any, Final, final

import numpy as np

from nextlabel.core import registry
from nextlabel.core.attack import Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.rng import generator
from nextlabel.errors import NextlabelError
from nextlabel.leakage.attempts import BROKE_OFF, Attempt
from nextlabel.leakage.cases import Case
from nextlabel.leakage.model_copies import copied
from nextlabel.leakage.verdicts import (
    CLAIMED_WRONGLY,
    DID_NOT_APPLY,
    EXACT,
    LEFT_OPEN,
    NOT_IDENTIFIABLE,
    OPTIMISER_FAILED,
    RECOGNISABLE,
)

__all__ = ["Witnesses"]

_SINGLE: Final = float(np.finfo(np.float32).eps)
_ROUNDING: Final = 16 * _SINGLE  # of an entry: what is left where an item is in float32
_DRAWS: Final = 8  # of a record off by a step of float32, to see how far that moves each entry
_SLACK: Final = 4.0  # by which another item may move an entry further than all of these do
_TOLD: Final = 1e-3  # of the length of an array: where rounding moves it further, nothing is proved


@final
class Witnesses:
    """Holds what attacks gave instead of the records against the messages, as only who made them can.

    Parameters
    ----------
    case : Case
    sent : sequence of Disclosure
        The messages, in order.
    of_labels : collection of str
        The attacks that never give an item: how they end is no reason why none came back.

    Notes
    -----
    The record itself explains its message. Where another item does so too, entry by entry and to rounding,
    no attack can tell the two apart by the message, whatever is done to it afterwards. All else shows nothing
    about the message: the attack ended elsewhere. That is so under noise too: of two items about as far from
    what was sent, one may be far more likely than the other, since noise in many numbers averages out.
    """

    def __init__(self, case: Case, sent: Sequence[Disclosure], of_labels: Collection[str] = ()) -> None:
        self._case, self._sent, self._of_labels = case, sent, of_labels
        self._fine: Any = None
        self._true: dict[int, tuple[dict[str, Array], dict[str, Array]]] = {}

    def settle(self, attempts: Sequence[Attempt], recoveries: Sequence[Recovery]) -> tuple[Attempt, ...]:
        """The attempts with the reason that the messages bear out.

        Parameters
        ----------
        attempts : sequence of Attempt
            Of all attacks on all messages.
        recoveries : sequence of Recovery
            What they are made of, in their order.

        Returns
        -------
        tuple of Attempt
            An attempt that gave another item which explains the message is said to be not identifiable; one
            that itself says so of a message from which any attack brought back a record, to have left it
            open.

        Notes
        -----
        One gradient for each attempt that gave items and showed no record, ten for each of their messages.
        """
        shown = {one.message for one in attempts if {EXACT, RECOGNISABLE} & set(one.verdicts)}
        made = []
        for one, recovery in zip(attempts, recoveries, strict=True):
            why = one.why
            if one.attack in self._of_labels and why not in (DID_NOT_APPLY, BROKE_OFF):
                why = ""
            if (
                why in (OPTIMISER_FAILED, CLAIMED_WRONGLY)
                and not one.is_cut
                and self._explains(one, recovery)
            ):
                why = NOT_IDENTIFIABLE
            if why == NOT_IDENTIFIABLE and one.message in shown:
                why = LEFT_OPEN
            made.append(one if why == one.why else dataclasses.replace(one, why=why))
        return tuple(made)

    def _explains(self, one: Attempt, recovery: Recovery) -> bool:
        case = self._case
        if case.setting.share == "embedding":
            return False  # the attack on embeddings counts the lengths that explain one itself
        given = self._given(one, recovery)
        if given is None:
            return False
        try:
            found = self._message(*given)
        except (NextlabelError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
            return False  # no message can be made of what an attack of one's own gave
        true, rounding = self._truth(one.message)
        return all(
            _length(rounding[name]) <= _TOLD * _length(held)
            and bool((np.abs(found[name] - held) <= rounding[name]).all())
            for name, held in true.items()
        )

    def _given(self, one: Attempt, recovery: Recovery) -> tuple[Array, Array] | None:
        """As many items as the message speaks of, and their labels: the true ones where none were given."""
        case, rows = self._case, self._case.positions[one.message]
        shape = (len(rows), *case.items.shape[1:])
        found, labels = recovery.items, recovery.labels
        if found is None or np.size(found) != np.prod(shape) or not np.isfinite(found).all():
            return None
        if labels is not None and np.shape(labels) == case.labels[rows].shape:
            return np.reshape(found, shape), np.asarray(labels)
        if any(item is None for item in one.items):
            return None
        return np.reshape(np.array(one.items), shape), case.labels[rows]

    def _truth(self, message: int) -> tuple[dict[str, Array], dict[str, Array]]:
        """The message of the records in double precision, and what rounding may leave of each entry.

        One length for a whole array would let a single large column hide all others.
        """
        if message not in self._true:
            rows = self._case.positions[message]
            items, labels = self._case.items[rows], self._case.labels[rows]
            true = self._message(items, labels)
            plain = self._case.undefended(message).arrays
            moved = {name: np.zeros_like(held) for name, held in true.items()}
            rng = generator(self._case.setting.seed, 6, message)
            for _ in range(0 if self._case.is_text else _DRAWS):
                off = np.asarray(items, np.float64)
                off = off * (1.0 + _SINGLE * rng.choice((-1.0, 1.0), off.shape))
                for name, held in self._message(off, labels).items():
                    moved[name] = np.maximum(moved[name], np.abs(held - true[name]))
            self._true[message] = (
                true,
                {
                    name: _ROUNDING * np.abs(held)
                    + _SLACK * moved[name]
                    + 2.0 * np.abs(held - np.asarray(plain[name], np.float64))
                    for name, held in true.items()
                },
            )
        return self._true[message]

    def _message(self, items: Array, labels: Array) -> dict[str, Array]:
        setting = self._case.setting
        if self._fine is None:
            self._fine = copied(self._case.model).double()
        steps = {"steps": setting.steps, "rate": setting.rate} if setting.share == "update" else {}
        maker = registry.resolve("message", setting.share)
        said = items if self._case.is_text else np.asarray(items, np.float64)
        made: Disclosure = maker(
            self._fine, said, labels, loss=setting.loss, reduction=setting.reduction, **steps
        )
        return {name: np.asarray(held, np.float64) for name, held in made.arrays.items()}


def _length(one: Array) -> float:
    return float(np.linalg.norm(np.ravel(one)))
