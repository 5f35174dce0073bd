"""Signals for tests: seeded ones of any size, drawn ones for Hypothesis, and a spy on what is read."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import DTypeLike

from nextlabel.core.rng import generator
from nextlabel.core.signals import SIGNALS, SignalKind, Signals
from nextlabel.maths.axes import Array, Counts, Labels, Positions

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["SpySignals", "drawn_signals", "example_arrays", "example_signals"]

_RANK = 4  # the letter r: projected features of a tangent kernel


def example_arrays(
    names: Iterable[str],
    *,
    n: int = 24,
    c: int = 3,
    m: int = 5,
    d: int = 4,
    dtype: DTypeLike = np.float64,
    seed: int = 0,
) -> dict[str, Array]:
    """Arrays of the named signals that one model could have given.

    Parameters
    ----------
    names : iterable of str
        Signals of the table.
    n, c, m, d : int
        Items, classes, draws, features.
    dtype : dtype
        ``float32`` or ``float64``. Both hold the same values: those that float32 can hold.
    seed : int
        Zero or larger.

    Returns
    -------
    dict of str to array
        Without ties; a signal that can be derived is derived, so all of them fit together.

    Raises
    ------
    SignalError
        A name is not a signal.

    Notes
    -----
    Made from the table of signals: a new row has examples at once. Time and memory O(n·m·c + n·d + n·c²).

    Examples
    --------
    >>> sorted(example_arrays({"proba", "embedding"}, n=2).items())[1][1].shape
    (2, 3)
    """
    sizes = {"n": n, "c": c, "m": m, "d": d, "r": _RANK}
    base = {
        kind.name: _example(kind, sizes, generator(seed, row))
        for row, kind in enumerate(SIGNALS.values())
        if not kind.derivations
    }
    whole = Signals(base)
    return {name: np.array(whole[name], np.float32).astype(dtype) for name in names}


def example_signals(
    names: Iterable[str],
    *,
    labelled: Iterable[str] | None = None,
    labelled_n: int = 4,
    n: int = 24,
    c: int = 3,
    m: int = 5,
    d: int = 4,
    dtype: DTypeLike = np.float64,
    seed: int = 0,
) -> Signals:
    """Signals with the named arrays, class counts that differ, and labelled rows where they are asked for.

    Parameters
    ----------
    names : iterable of str
        Signals of the unlabelled items.
    labelled : iterable of str, optional
        Signals of the labelled rows; no labelled rows when left out.
    labelled_n : int
        How many labelled rows.
    n, c, m, d, dtype, seed
        As `example_arrays`.

    Returns
    -------
    Signals

    Raises
    ------
    SignalError
        A name is not a signal.

    Notes
    -----
    Cost as `example_arrays`.

    Examples
    --------
    >>> example_signals({"embedding"}, labelled={"embedding"}, n=3, d=2)
    Signals(3 items: embedding(3, 2), 4 labelled)
    """
    arrays = example_arrays(names, n=n, c=c, m=m, d=d, dtype=dtype, seed=seed)
    if labelled is None:
        return Signals(arrays, n=n, class_counts=generator(seed, len(SIGNALS)).permutation(c))
    # the labelled rows come from another stream, so that no labelled item is also unlabelled
    rows = example_arrays(labelled, n=labelled_n, c=c, m=m, d=d, dtype=dtype, seed=seed + 1_000)
    labels = generator(seed, len(SIGNALS)).integers(c, size=labelled_n)
    return Signals(arrays, n=n, labelled=Signals(rows, n=labelled_n), labels=labels)


def drawn_signals(
    names: Collection[str] | None = None,
    *,
    labelled: Collection[str] = (),
    max_n: int = 8,
    min_c: int = 1,
    max_c: int = 4,
    max_m: int = 4,
    max_d: int = 3,
) -> "SearchStrategy[Signals]":
    """A Hypothesis strategy for valid signals, with ties, repeated rows, exact zeros and exact ones.

    Parameters
    ----------
    names : collection of str, optional
        Signals to draw; when left out, any of those that cannot be derived.
    labelled : collection of str
        Signals of the labelled rows, of which there are then 0 to 3, or none at all.
    max_n, max_c, max_m, max_d : int
        Largest numbers of items, classes, draws and features; the smallest are 1.
    min_c : int
        Smallest number of classes.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of Signals

    Notes
    -----
    Needs Hypothesis, which comes with ``nextlabel[dev]``.

    Examples
    --------
    >>> drawn_signals({"proba"}).validate()
    """
    from hypothesis import strategies as st

    chosen = tuple(sorted(names)) if names is not None else None
    roots = [kind.name for kind in SIGNALS.values() if not kind.derivations]

    @st.composite
    def signals(draw: "DrawFn") -> Signals:
        limits = {"n": (1, max_n), "c": (min_c, max_c), "m": (1, max_m), "d": (1, max_d), "r": (1, _RANK)}
        sizes = {letter: draw(st.integers(*limit), label=letter) for letter, limit in limits.items()}
        wanted = chosen
        if wanted is None:
            wanted = tuple(draw(st.lists(st.sampled_from(roots), min_size=1, unique=True), label="names"))
        dtype = draw(st.sampled_from([np.float32, np.float64]), label="dtype")
        rows = None
        if len(labelled) > 0 and draw(st.booleans(), label="labelled"):
            there = {**sizes, "n": draw(st.integers(0, 3), label="labelled rows")}
            seen = {name: _drawn(draw, SIGNALS[name], there).astype(dtype) for name in sorted(labelled)}
            rows = Signals(seen, n=there["n"])
        arrays = {name: _drawn(draw, SIGNALS[name], sizes).astype(dtype) for name in wanted}
        return Signals(arrays, n=sizes["n"], labelled=rows)

    return signals()


@final
class SpySignals(Mapping[str, Array]):
    """The interface of `Signals`, noting which names are read.

    Parameters
    ----------
    signals : Signals
        What is read.
    read : set of str, optional
        Names read of the unlabelled items are added here.
    read_labelled : set of str, optional
        Names read of the labelled rows are added here; ``"labels"`` stands for the labels.

    Examples
    --------
    >>> spy = SpySignals(example_signals({"proba", "embedding"}))
    >>> _ = spy["proba"]
    >>> sorted(spy.read)
    ['proba']
    """

    def __init__(
        self,
        signals: Signals,
        read: set[str] | None = None,
        read_labelled: set[str] | None = None,
    ) -> None:
        self._signals = signals
        self.read: set[str] = set() if read is None else read
        self.read_labelled: set[str] = set() if read_labelled is None else read_labelled

    @property
    def n(self) -> int:
        """Number of items."""
        return self._signals.n

    @property
    def class_counts(self) -> Counts:
        """Labelled items per class; always there, so not noted."""
        return self._signals.class_counts

    @property
    def labelled(self) -> "SpySignals | None":
        """The labelled rows, spied upon; looking whether there are any is not noted."""
        rows = self._signals.labelled
        return None if rows is None else SpySignals(rows, self.read_labelled, set())

    @property
    def labels(self) -> Labels | None:
        """The labels of the labelled rows."""
        self.read_labelled.add("labels")
        return self._signals.labels

    def take(self, positions: Positions) -> "SpySignals":
        """Some of the items, spied upon: only what is read of them counts."""
        return SpySignals(self._signals.take(positions), self.read, self.read_labelled)

    def __getitem__(self, name: str) -> Array:
        self.read.add(name)
        return self._signals[name]

    def __contains__(self, name: object) -> bool:
        # an answer that depends on what else is at hand is a reading too
        self.read.add(str(name))
        return name in self._signals

    def __iter__(self) -> Iterator[str]:
        self.read.update(self._signals)
        return iter(self._signals)

    def __len__(self) -> int:
        return len(self._signals)


def _example(kind: SignalKind, sizes: Mapping[str, int], rng: np.random.Generator) -> Array:
    shape = tuple(sizes[letter] for letter in kind.axes.split())
    values = rng.normal(size=shape)
    if kind.rows_sum_to_one:
        values = np.exp(1.5 * values)
        return np.asarray(values / values.sum(axis=-1, keepdims=True))
    if kind.lowest is not None and kind.highest is not None:
        return rng.uniform(kind.lowest, kind.highest, size=shape)
    return values if kind.lowest is None else kind.lowest + np.abs(values)


def _drawn(draw: "DrawFn", kind: SignalKind, sizes: Mapping[str, int]) -> Array:
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import arrays

    shape = tuple(sizes[letter] for letter in kind.axes.split())
    if kind.rows_sum_to_one:
        # whole weights: rows that repeat, tie, and hold exactly 0 or exactly 1 all come up often
        weights: Array = draw(arrays(np.int64, shape, elements=st.integers(0, 4)), label=kind.name)
        weights = weights.astype(np.float64)
        weights[..., 0] += weights.sum(axis=-1) == 0
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
    low = -50.0 if kind.lowest is None else kind.lowest
    high = 50.0 if kind.highest is None else kind.highest
    elements: Any = st.floats(low, high, width=32, allow_subnormal=False)
    drawn: Array = draw(arrays(np.float64, shape, elements=elements), label=kind.name)
    return drawn
