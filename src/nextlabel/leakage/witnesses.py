"""Whether a message leaves open which record made it: another item that explains it as well is a witness."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
from scipy.optimize import linprog

from nextlabel.core import registry
from nextlabel.core.attack import Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.rng import generator
from nextlabel.errors import NextlabelError
from nextlabel.leakage.attempts import BROKE_OFF, NO_ITEM, Attempt
from nextlabel.leakage.cases import Case
from nextlabel.leakage.verdicts import (
    CLAIMED_WRONGLY,
    DID_NOT_APPLY,
    EXACT,
    LEFT_OPEN,
    LIMITS,
    NOT_IDENTIFIABLE,
    OPTIMISER_FAILED,
    RECOGNISABLE,
)
from nextlabel.maths.axes import Floats

__all__ = ["Witnesses"]

_FAULTS: Final = (NextlabelError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
_SINGLE: Final = float(np.finfo(np.float32).eps)
_ROUNDING: Final = 16 * _SINGLE  # of an entry: what is left where an item is in float32
_DRAWS: Final = 8  # of a record off by a step of float32, to see how far that moves each entry
_SLACK: Final = 4.0  # by which another item may move an entry further than all of these do
_LEAST: Final = 16 * float(
    np.finfo(np.float64).eps
)  # of the largest entry: sums in double precision leave it
_MOST: Final = 512  # values of a message's records: a direction is looked for among no more
_LARGEST: Final = 50_000_000  # slopes: 400 MB
_STEP: Final = 1e-5  # of the records' length: differences over twice as much are slopes to ten digits
# of the records' length, or of the way that a range leaves: another record is so far from them
_AWAY: Final = (1.0, 0.3, 0.1, 0.03, 0.01)
_CLOSE: Final = 1e-5  # of the message: a search that came so near was about to find what explains it
_FLAT: Final = 1e-6  # of the steepest slope: a direction with less says nothing of where to go back
_OUTSIDE: Final = 1e-6  # of a range that is known: an item that is further out of it is no witness
_LED: Final = 12  # times that records are led back: from a hundredth of their length it takes four or five
_FAR: Final = 100.0  # times the way: records that were led off so far do not come back
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

    An attack's own word is no witness: what hides an item from one way to read a message may lie open to
    another. Where it says that a message leaves its record open, and gives no such item, one is looked for
    beside the record, along the direction in which the message moves least, and led back to the message.

    A witness is one to somebody who knows what the attacker is told: an item out of the range that is known
    is none, nor is one of other labels where these are.
    """

    def __init__(self, case: Case, sent: Sequence[Disclosure], of_labels: Collection[str] = ()) -> None:
        self._case, self._sent, self._of_labels = case, sent, of_labels
        self._fine: Any = None
        self._true: dict[int, tuple[dict[str, Array], dict[str, Array]]] = {}
        self._twins: dict[int, bool] = {}

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
            that itself says so, and bears it out by nothing, to have failed; of a message from which any
            attack brought back a record, to have left it open.

        Notes
        -----
        One gradient for each attempt that gave items and showed no record, ten for each of their messages,
        and two for each value of a record whose message is said to leave it open.
        """
        shown = {one.message for one in attempts if {EXACT, RECOGNISABLE} & set(one.verdicts)}
        made = []
        for one, recovery in zip(attempts, recoveries, strict=True):
            why = one.why
            if one.attack in self._of_labels and why not in (DID_NOT_APPLY, BROKE_OFF):
                why = ""
            if why == NOT_IDENTIFIABLE and not self._is_borne_out(one, recovery):
                why = OPTIMISER_FAILED if any(item is not None for item in one.items) else NO_ITEM
            elif (
                why in (OPTIMISER_FAILED, CLAIMED_WRONGLY)
                and not one.is_cut
                and self._explains(one, recovery)
            ):
                why = NOT_IDENTIFIABLE
            elif why == CLAIMED_WRONGLY and self._is_ruled_out(one, recovery):
                why = OPTIMISER_FAILED
            if why == NOT_IDENTIFIABLE and one.message in shown:
                why = LEFT_OPEN
            made.append(one if why == one.why else dataclasses.replace(one, why=why))
        return tuple(made)

    def _explains(self, one: Attempt, recovery: Recovery) -> bool:
        """Whether an answer makes the message; or nearly, and others beside the records make it."""
        case = self._case
        if case.setting.share == "embedding":
            return False  # the attack on embeddings counts the lengths that explain one itself
        given = self._given(one, recovery)
        made = None if given is None else self._made(*given)
        if given is None or made is None or not self._can_tell(one.message):
            return False
        if self._is_same(made, one.message) and not self._is_ruled_out(one, recovery):
            return self._is_other(one)
        shares = recovery.details.get("targets")  # of a search that mixed classes
        mixed = None if shares is None else self._made(given[0], np.asarray(shares, np.float64))
        near = (found is not None and self._is_near(found, one.message) for found in (made, mixed))
        return any(near) and self._has_twin(one.message)

    def _is_other(self, one: Attempt) -> bool:
        """Whether an answer is another record than its own: one that is not scored is no witness for that."""
        true = self._case.items[self._case.positions[one.message]]
        return any(
            found is None or _length(found - held) > LIMITS.exact * _length(held)
            for found, held in zip(one.items, true, strict=True)
        )

    def _can_tell(self, message: int) -> bool:
        """Whether the records themselves make their message: the model may take no double precision."""
        try:
            self._truth(message)
        except _FAULTS:
            return False
        return True

    def _is_ruled_out(self, one: Attempt, recovery: Recovery) -> bool:
        """Whether an answer is no record to somebody who knows what the attacker is told."""
        given = self._given(one, recovery)
        if given is None:
            return False
        items, labels = given
        told = self._case.labels[self._case.positions[one.message]]
        is_other = "labels" in self._case.setting.knows and not np.allclose(
            np.sort(labels, axis=None), np.sort(told, axis=None)
        )
        return is_other or not _is_within(items, self._ends)

    def _made(self, items: Array, labels: Array) -> dict[str, Array] | None:
        """What an answer makes; None where no message can be made of what an attack of one's own gave."""
        try:
            return self._message(items, labels)
        except _FAULTS:
            return None

    def _is_near(self, made: Mapping[str, Array], message: int) -> bool:
        true = _joined(self._truth(message)[0])
        return _length(_joined(made) - true) <= _CLOSE * _length(true)

    def _is_borne_out(self, one: Attempt, recovery: Recovery) -> bool:
        """Whether another record is known to make the message, of which the attack says that one does."""
        if self._case.setting.share == "embedding":
            return True  # the attack on embeddings counts the lengths that explain one itself
        if not any(held.any() for held in self._sent[one.message].arrays.values()):
            return True  # of records that leave no trace, none says which it was
        return self._explains(one, recovery) or self._has_twin(one.message)

    def _has_twin(self, message: int) -> bool:
        """Whether other records make the same message, a step away from its own."""
        case, rows = self._case, self._case.positions[message]
        items, labels = np.asarray(case.items[rows], np.float64), case.labels[rows]
        numbers = sum(held.size for held in self._sent[message].arrays.values())
        if case.is_text or items.size > _MOST or items.size * numbers > _LARGEST:
            return False
        if not self._can_tell(message):
            return False
        if message not in self._twins:
            length = _length(items) or 1.0
            beside = _Beside(lambda one: self._message(one, labels), items, _STEP * length, self._ends)
            self._twins[message] = any(
                self._is_same(made, message)
                for share in _AWAY
                for way in beside.ways
                for made in beside.messages(share * way)
            )
        return self._twins[message]

    @property
    def _ends(self) -> tuple[float, float] | None:
        """Of the range that the attacker knows."""
        setting = self._case.setting
        return setting.bounds if "bounds" in setting.knows else None

    def _is_same(self, found: Mapping[str, Array], message: int) -> bool:
        """Whether numbers are those of the message's own records, to rounding."""
        true, rounding = self._truth(message)
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
        if labels is not None and np.size(labels) == case.labels[rows].size:
            return np.reshape(found, shape), np.reshape(labels, case.labels[rows].shape)
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
                    + _LEAST * np.abs(held).max(initial=0.0)
                    + _SLACK * moved[name]
                    + 2.0 * np.abs(held - np.asarray(plain[name], np.float64))
                    for name, held in true.items()
                },
            )
        return self._true[message]

    def _message(self, items: Array, labels: Array) -> dict[str, Array]:
        setting = self._case.setting
        if self._fine is None:
            self._fine = registry.resolve("inspection", "doubled")(self._case.model, self._case.items[:1])
        steps = {"steps": setting.steps, "rate": setting.rate} if setting.share == "update" else {}
        maker = registry.resolve("message", setting.share)
        said = items if self._case.is_text else np.asarray(items, np.float64)
        made: Disclosure = maker(
            self._fine, said, labels, loss=setting.loss, reduction=setting.reduction, **steps
        )
        return {name: np.asarray(held, np.float64) for name, held in made.arrays.items()}


@final
class _Beside:
    """Records beside those of a message, which make nearly the same one.

    Parameters
    ----------
    message : callable
        What records make.
    items : array of float64
        The message's own.
    step : float
        For the differences that the slopes are taken from.
    ends : tuple of two floats, optional
        Of the range that is known: no record beside is out of it.
    """

    def __init__(
        self,
        message: Callable[[Floats], dict[str, Array]],
        items: Floats,
        step: float,
        ends: tuple[float, float] | None,
    ) -> None:
        self._message, self._items, self._true, self._ends = message, items, _joined(message(items)), ends
        slopes = []
        for place in range(items.size):
            ahead, behind = items.copy(), items.copy()
            ahead.flat[place] += step
            behind.flat[place] -= step
            slopes.append((_joined(message(ahead)) - _joined(message(behind))) / (2.0 * step))
        self._slopes = np.array(slopes)
        told = np.linalg.qr(self._slopes.T, mode="r")
        _, values, directions = np.linalg.svd(told)
        is_told = values > _FLAT * values.max(initial=0.0)
        told_by = directions[: len(values)][is_told]
        self._back = (told_by.T / values[is_told] ** 2) @ told_by
        least = directions[-1].reshape(items.shape) * (_length(items) or 1.0)
        self.ways = (least, -least) if ends is None else self._inside(told_by, ends)

    def _inside(self, told: Floats, ends: tuple[float, float]) -> tuple[Floats, ...]:
        """The longest ways along a direction, there and back, that stay in the range and move no message."""
        flat = self._items.ravel()
        bounds = np.column_stack([ends[0] - flat, ends[1] - flat])
        direction = generator(0).standard_normal(flat.size)
        ways = []
        for sign in (1.0, -1.0):
            found = linprog(sign * direction, A_eq=told, b_eq=np.zeros(len(told)), bounds=bounds)
            if found.status == 0:
                ways.append(np.reshape(found.x, self._items.shape))
        return tuple(ways)

    def messages(self, way: Floats) -> Iterator[dict[str, Array]]:
        """What records make that are so far along a way on which the message moves least.

        Where the message moves all the same, since no straight line keeps it, the records are led back across
        that way, a few times; until they are no longer half as far away.
        """
        moved = self._items + way
        least = max(0.5 * _length(way), 0.5 * _AWAY[-1] * _length(self._items))
        for _ in range(_LED):
            if not least <= _length(moved - self._items) <= _FAR * max(least, _length(way)):
                return
            try:
                made = self._message(moved)
            except _FAULTS:  # a model need not take every item, nor make a message of it
                return
            if _is_within(moved, self._ends):
                yield made
            moved = moved - (self._back @ (self._slopes @ (_joined(made) - self._true))).reshape(moved.shape)
            moved = moved if self._ends is None else np.clip(moved, *self._ends)


def _is_within(items: Array, ends: tuple[float, float] | None) -> bool:
    if ends is None:
        return True
    room = _OUTSIDE * (ends[1] - ends[0])
    return bool((items >= ends[0] - room).all() and (items <= ends[1] + room).all())


def _joined(made: Mapping[str, Array]) -> Floats:
    return np.concatenate([np.ravel(one) for one in made.values()])


def _length(one: Array) -> float:
    return float(np.linalg.norm(np.ravel(one)))
