"""What a model says of each item: named arrays with declared axes, checked once, derived on demand."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from inspect import unwrap
from types import MappingProxyType
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.labels import class_counts as counted
from nextlabel.core.labels import class_indicators, class_indices
from nextlabel.errors import LabelError, MissingSignal, SignalError
from nextlabel.maths.axes import Array, Counts, Labels, Positions, Sizes, checked, checked_probabilities
from nextlabel.maths.information import expected_entropy
from nextlabel.maths.predictions import (
    mean_proba,
    own_class_mixture,
    residual_from_logits,
    residual_from_proba,
    softmax,
    spread,
    votes,
)

__all__ = ["SIGNALS", "Derivation", "SignalKind", "Signals", "derivable", "signal_kind"]


@final
@dataclass(frozen=True)
class Derivation:
    """How a signal follows from another one."""

    source: str
    function: Callable[[Array], Array]


@final
@dataclass(frozen=True)
class SignalKind:
    """One row of the table of signals: name, axes, meaning, check, and what it can be derived from."""

    name: str
    axes: str
    meaning: str
    derivations: tuple[Derivation, ...] = ()
    rows_sum_to_one: bool = False
    lowest: float | None = None
    highest: float | None = None

    def read(self, values: ArrayLike, sizes: Sizes) -> Array:
        """The checked array of this kind.

        Parameters
        ----------
        values : array-like
            What the caller gave.
        sizes : dict
            What each axis letter has measured so far; extended.

        Raises
        ------
        SignalError
            Wrong axes, sizes, range, or values that are not finite.
        """
        check = checked_probabilities if self.rows_sum_to_one else checked
        array = check(values, self.axes, self.name, sizes)
        if array.size and (
            (self.lowest is not None and array.min() < self.lowest)
            or (self.highest is not None and array.max() > self.highest)
        ):
            low = "-inf" if self.lowest is None else f"{self.lowest:g}"
            high = "inf" if self.highest is None else f"{self.highest:g}"
            message = (
                f"{self.name!r} ({self.meaning}) must lie in [{low}, {high}]; received values from "
                f"{array.min():g} to {array.max():g}. Check what was passed under this name."
            )
            raise SignalError(message)
        return array


def _variance(values: Array) -> Array:
    return np.asarray(np.var(values, axis=1, dtype=np.float64))


def _average(values: Array) -> Array:
    return np.asarray(np.mean(values, axis=1, dtype=np.float64))


_TABLE = (
    SignalKind("logits", "n c", "unnormalised class scores of the deterministic model"),
    SignalKind(
        "proba",
        "n c",
        "class probabilities, rows sum to one",
        (Derivation("logits", softmax), Derivation("mean_proba", lambda mean: mean)),
        rows_sum_to_one=True,
    ),
    SignalKind(
        "residual",
        "n c",
        "probability minus one-hot of the most probable class: the output side of a last-layer gradient",
        (Derivation("logits", residual_from_logits), Derivation("proba", residual_from_proba)),
        lowest=-1.0,
        highest=1.0,
    ),
    SignalKind("embedding", "n d", "features before the last layer"),
    SignalKind(
        "draws",
        "n m c",
        "class probabilities under m draws of the model; draw j is the same model for every item",
        rows_sum_to_one=True,
    ),
    SignalKind(
        "mean_proba", "n c", "mean over draws", (Derivation("draws", mean_proba),), rows_sum_to_one=True
    ),
    SignalKind(
        "expected_entropy",
        "n",
        "mean over draws of the entropy, nats",
        (Derivation("draws", expected_entropy),),
        lowest=0.0,
    ),
    SignalKind("votes", "n c", "how many draws name the class", (Derivation("draws", votes),), lowest=0.0),
    SignalKind("spread", "n c", "standard deviation over draws", (Derivation("draws", spread),), lowest=0.0),
    SignalKind(
        "marginals",
        "n c",
        "probability of each class by itself, for several classes an item",
        lowest=0.0,
        highest=1.0,
    ),
    SignalKind("loss", "n", "predicted loss"),
    SignalKind(
        "uncertainty", "n", "item-level uncertainty that a structured learner makes (segmentation, tagging)"
    ),
    SignalKind("descriptor", "n d", "item-level summary that a structured learner makes"),
    SignalKind(
        "class_mixture",
        "n c c",
        "entropy-weighted mean prediction of the regions predicted as each class; zero rows for absent ones",
        (Derivation("proba", own_class_mixture),),
        lowest=0.0,
    ),
    SignalKind("class_histogram", "n c", "predicted objects per class", lowest=0.0),
    SignalKind("tangent", "n r", "projected gradients of a proxy head (kernel features)"),
    SignalKind(
        "output_change",
        "n",
        "expected change of the model's outputs, computed by the learner with the full Jacobian",
        lowest=0.0,
    ),
    SignalKind("mean", "n", "predictive mean, for regression", (Derivation("draws_value", _average),)),
    SignalKind(
        "variance",
        "n",
        "predictive variance, for regression",
        (Derivation("draws_value", _variance),),
        lowest=0.0,
    ),
    SignalKind("draws_value", "n m", "predicted value under m draws"),
)

SIGNALS: Mapping[str, SignalKind] = MappingProxyType({kind.name: kind for kind in _TABLE})


def signal_kind(name: str) -> SignalKind:
    """The row of the table for a name.

    Raises
    ------
    SignalError
        There is no such signal; the message offers the nearest and lists all.
    """
    if name not in SIGNALS:
        near = get_close_matches(name, SIGNALS, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        message = f"{name!r} is not a signal. {hint}The signals are: {', '.join(SIGNALS)}."
        raise SignalError(message)
    return SIGNALS[name]


def derivable(names: Iterable[str]) -> frozenset[str]:
    """The given signals and all that follow from them.

    Parameters
    ----------
    names : iterable of str
        Signals at hand.

    Examples
    --------
    >>> sorted(derivable({"proba"}))
    ['class_mixture', 'proba', 'residual']
    """
    return _derivable(frozenset(names))


@cache
def _derivable(names: frozenset[str]) -> frozenset[str]:
    known = set(names)
    while True:
        more = {
            kind.name
            for kind in SIGNALS.values()
            if kind.name not in known and any(step.source in known for step in kind.derivations)
        }
        if not more:
            return frozenset(known)
        known |= more


@final
class Signals(Mapping[str, Array]):
    """A read-only mapping of signal name to array, over the same items in the same order.

    Parameters
    ----------
    arrays : mapping of str to array-like
        The signals at hand. Others are derived when asked for, in the order of the table, and kept.
    labelled : Signals, optional
        What the model says of the labelled rows, for methods that need them.
    labels : array of int, axes (labelled,) or (labelled, c), optional
        Class indices of the labelled rows; of several classes an item, 1 where a class applies.
    class_counts : array of int, axes (c,), optional
        Labelled items per class; counted from `labels` when left out.
    n : int, optional
        Number of items; needed only when no array says it.

    Raises
    ------
    SignalError
        An unknown name, wrong axes or sizes, or values that are not finite or not probabilities.
    LabelError
        Labels that are not class indices, or whose number is not that of the labelled rows.

    Notes
    -----
    Arrays are kept as read-only views; nothing is copied but where a type must change. Building costs
    one pass over each array at the speed of memory.

    Examples
    --------
    >>> signals = Signals({"logits": [[0.0, 0.0], [9.0, 0.0]]})
    >>> signals.n, signals["proba"][0].tolist()
    (2, [0.5, 0.5])
    """

    __slots__ = ("_arrays", "_sizes", "_whole", "class_counts", "labelled", "labels", "n")

    def __init__(
        self,
        arrays: Mapping[str, ArrayLike],
        *,
        labelled: "Signals | None" = None,
        labels: ArrayLike | None = None,
        class_counts: ArrayLike | None = None,
        n: int | None = None,
    ) -> None:
        sizes: Sizes = {} if n is None else {"n": (n, "n")}
        self._arrays = {name: signal_kind(name).read(values, sizes) for name, values in arrays.items()}
        self._whole: tuple[Signals, Positions] | None = None
        if "n" not in sizes:
            message = (
                "Signals need at least one array, or n, to know the number of items; received none. "
                "Give a signal, for example proba=..., or n=..."
            )
            raise SignalError(message)
        self._sizes = sizes
        self.n: int = sizes["n"][0]
        self.labelled = labelled
        if labelled is not None:
            labelled.check_same_width(sizes)
        classes = sizes["c"][0] if "c" in sizes else None
        read = class_indicators if labels is not None and np.ndim(labels) == 2 else class_indices
        self.labels: Labels | None = None if labels is None else read(labels, classes)
        if self.labels is not None and labelled is not None and len(self.labels) != labelled.n:
            message = (
                f"'labels' must hold one class index for each labelled row; {labelled.n} rows are labelled, "
                f"received {len(self.labels)} labels. Give both for the same items, in the same order."
            )
            raise LabelError(message)
        self.class_counts: Counts = counted(class_counts, self.labels, classes)

    def __getitem__(self, name: str) -> Array:
        """The array of a signal: as given, or derived from others and kept."""
        kind = signal_kind(name)
        if name not in self._arrays:
            array = self._found(kind).view()
            array.flags.writeable = False
            self._arrays[name] = array
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        """The names at hand or derivable, in the order of the table."""
        at_hand = derivable(self._known())
        return (name for name in SIGNALS if name in at_hand)

    def __len__(self) -> int:
        """How many signals are at hand or derivable."""
        return len(derivable(self._known()))

    def __contains__(self, name: object) -> bool:
        """Whether a signal is at hand or derivable; derives nothing."""
        return name in derivable(self._known())

    def __repr__(self) -> str:
        known = self._known()
        shapes = {name: (self.n, *known[name].shape[1:]) for name in SIGNALS if name in known}
        given = ", ".join(f"{name}{shape}" for name, shape in shapes.items())
        rows = "" if self.labelled is None else f", {self.labelled.n} labelled"
        return f"Signals({self.n} items: {given}{rows})"

    def take(self, positions: Positions) -> "Signals":
        """The signals of some of the items, in the order of the positions.

        Parameters
        ----------
        positions : array of int64, axes (b,)
            Between 0 and n−1.

        Returns
        -------
        Signals
            Labelled rows, labels and class counts are those of the whole. Rows are copied, or derived,
            when a signal is first asked for; nothing is checked again.

        Raises
        ------
        SignalError
            Positions that are not whole numbers between 0 and n−1.

        Examples
        --------
        >>> signals = Signals({"proba": [[0.9, 0.1], [0.5, 0.5]]})
        >>> signals.take(np.array([1]))["proba"].tolist()
        [[0.5, 0.5]]
        """
        rows = np.asarray(positions)
        if (
            rows.ndim != 1
            or rows.dtype.kind not in "iu"
            or (rows.size and not 0 <= rows.min() <= rows.max() < self.n)
        ):
            message = (
                f"Positions must be whole numbers between 0 and {self.n - 1}, axes (b,); received "
                f"type {rows.dtype}, shape {rows.shape}"
                + (f", values from {rows.min()} to {rows.max()}" if rows.size else "")
                + ". Take them from this pool."
            )
            raise SignalError(message)
        part = Signals(
            {}, labelled=self.labelled, labels=self.labels, class_counts=self.class_counts, n=len(rows)
        )
        part._whole = (self, rows.astype(np.int64))
        part._sizes = {**self._sizes, "n": (len(rows), "n")}
        return part

    def _known(self) -> Mapping[str, Array]:
        """What need not be derived: arrays at hand, here or in the whole of which this is a part."""
        return self._arrays if self._whole is None else {**self._whole[0]._known(), **self._arrays}

    def _found(self, kind: SignalKind) -> Array:
        """The array of a signal that is not at hand: rows of the whole, or derived from other signals."""
        known = self._known()
        if self._whole is not None and kind.name in known:
            whole, rows = self._whole
            return np.asarray(whole[kind.name][rows])
        at_hand = derivable(known)
        for step in kind.derivations:
            if step.source in at_hand:
                # the source has been checked: the unwrapped function trusts it
                return np.asarray(unwrap(step.function)(self[step.source]))
        raise MissingSignal(_missing(kind, at_hand))

    def check_same_width(self, sizes: Sizes) -> None:
        """Raise `SignalError` where an axis other than n differs from the sizes of the unlabelled rows."""
        for letter in self._sizes.keys() & sizes.keys() - {"n"}:
            (mine, name), (theirs, other) = self._sizes[letter], sizes[letter]
            if mine != theirs:
                message = (
                    f"The labelled rows' {name!r} and the unlabelled rows' {other!r} must agree on axis "
                    f"{letter!r}; they say {mine} and {theirs}. Take both from the same model."
                )
                raise SignalError(message)


def _missing(kind: SignalKind, at_hand: frozenset[str]) -> str:
    sources = [repr(step.source) for step in kind.derivations]
    follows = f" or {' or '.join(sources)}, from which it follows" if sources else ""
    return (
        f"The signal {kind.name!r} ({kind.meaning}) is needed and not at hand; given or derivable are: "
        f"{', '.join(sorted(at_hand)) or 'none'}. Give {kind.name!r}{follows}."
    )
