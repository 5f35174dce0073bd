"""The promises of a strategy, as code that any package can run on its own classes.

`check` runs all of them on one strategy. Each entry of `PROMISES` is one of them, and raises
`BrokenPromise` with what was expected, what was seen and, where it helps, what to do. A strategy that
cannot keep a promise says so on its class: ``exceptions = {"permutation": "the reason"}``.
"""

from typing import Any, cast

import numpy as np

from nextlabel.core.rng import generator
from nextlabel.core.select import select
from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Scorer, Strategy
from nextlabel.errors import BatchSizeError, BrokenPromise, NextlabelError, SignalError
from nextlabel.maths.axes import Array
from nextlabel.testing.documentation import check_docstring, weakness
from nextlabel.testing.processes import elsewhere
from nextlabel.testing.promises import Promises, random_states_kept, require, require_round_trip
from nextlabel.testing.signals import SpySignals, example_arrays, example_signals

__all__ = ["PROMISES", "answers", "check"]


PROMISES: Promises[Strategy] = Promises()
"""Every promise by its name, in the order in which `check` tries them."""

_TIED_ITEMS = 4
_TIED_SEEDS = 56


def check(strategy: Strategy, *, seed: int = 0) -> None:
    """Run every promise on a strategy.

    Parameters
    ----------
    strategy : Strategy
        An object of the class in question.
    seed : int
        Chooses the examples; zero or larger.

    Raises
    ------
    BrokenPromise
        A promise is broken; or one is kept that the class declares as an exception; or an exception
        names no promise.

    Notes
    -----
    About a second: one promise starts a second Python process. The chance that a strategy that keeps its
    promises is refused is below 1e-6, from the breaking of ties alone.

    Examples
    --------
    >>> from nextlabel import build
    >>> check(build("strategy", "random"))
    """
    PROMISES.check(strategy, seed=seed)


def answers(seed: int, *strategies: Strategy) -> list[list[int]]:
    """What strategies pick of an example, one after the other; made to be called in another process.

    Parameters
    ----------
    seed : int
        Chooses the example, and is that of the generator that each is given.
    *strategies : Strategy
        Each is asked for five items.

    Returns
    -------
    list of list of int
        The positions, most wanted first.

    Examples
    --------
    >>> from nextlabel import build
    >>> len(answers(0, build("strategy", "random"))[0])
    5
    """
    return [_picks(strategy, seed) for strategy in strategies]


@PROMISES.enter
def _distinct_positions(strategy: Strategy, seed: int) -> None:
    """Distinct positions in 0..n−1, int64, as many as asked for; scores and propensities alongside."""
    for batch in (1, 5, 24):
        signals = _signals(strategy, seed=seed)
        picks = strategy.pick(signals, batch, generator(seed))
        positions = picks.positions
        require(
            isinstance(positions, np.ndarray) and positions.dtype == np.int64 and positions.shape == (batch,),
            f"expected {batch} positions of type int64; received {positions!r}.",
        )
        require(len(set(positions.tolist())) == batch, f"a position came twice in {positions.tolist()}.")
        require(
            bool((positions >= 0).all() and (positions < signals.n).all()),
            f"positions must lie in 0..{signals.n - 1}; received {positions.tolist()}.",
        )
        for name in ("scores", "propensities"):
            beside = getattr(picks, name)
            require(
                beside is None or (np.shape(beside) == (batch,) and bool(np.isfinite(beside).all())),
                f"{name} must be {batch} finite numbers, or None; received {beside!r}.",
            )


@PROMISES.enter
def _refused_sizes(strategy: Strategy, seed: int) -> None:
    """A batch below one or above n is refused with `BatchSizeError`."""
    for batch in (0, -1, 25):
        try:
            strategy.pick(_signals(strategy, seed=seed), batch, generator(seed))
        except BatchSizeError:
            continue
        message = f"a batch of {batch} from 24 items must raise BatchSizeError; call checked_batch first."
        raise BrokenPromise(message)


@PROMISES.enter
def _determinism(strategy: Strategy, seed: int) -> None:
    """Equal signals and generators give equal picks; only `is_random` methods vary with the seed."""
    first, again = (_picks(strategy, seed) for _ in range(2))
    require(first == again, f"the same seed gave {first} and then {again}. Draw from rng alone.")
    if not strategy.is_random:
        signals = _signals(strategy, seed=seed)
        one, other = (_wanted(strategy, signals, seed + k) for k in range(2))
        require(
            bool((one == other).all()),
            f"two seeds gave {one.tolist()} and {other.tolist()}. Set is_random = True if that is meant.",
        )


@PROMISES.enter
def _determinism_across_processes(strategy: Strategy, seed: int) -> None:
    """Another process with another hash seed gives the same picks."""
    (here,), (there,) = answers(seed, strategy), elsewhere(answers, seed, strategy)
    require(here == there, f"this process gave {here}, one with another hash seed {there}. Sort your sets.")


@PROMISES.enter
def _declared_signals(strategy: Strategy, seed: int) -> None:
    """Only the signals in `needs` and `needs_labelled` are read."""
    more = {"logits", "proba", "embedding", "draws"}
    whole = example_signals(strategy.needs | more, labelled=strategy.needs_labelled | more, seed=seed)
    spy = SpySignals(whole)
    strategy.pick(cast(Signals, spy), 5, generator(seed))
    undeclared = spy.read - strategy.needs
    require(not undeclared, f"it read {sorted(undeclared)}, and needs declares {sorted(strategy.needs)}.")
    undeclared = spy.read_labelled - strategy.needs_labelled - {"labels"}
    require(
        not undeclared,
        f"it read {sorted(undeclared)} of the labelled rows, and needs_labelled declares "
        f"{sorted(strategy.needs_labelled)}.",
    )


@PROMISES.enter
def _untouched_inputs(strategy: Strategy, seed: int) -> None:
    """Inputs stay bit for bit as they were, and so do the global random states."""
    arrays = example_arrays(strategy.needs, seed=seed)
    rows = example_arrays(strategy.needs_labelled, n=4, seed=seed + 1_000)
    given = [(name, array, array.tobytes()) for one in (arrays, rows) for name, array in one.items()]
    labelled = Signals(rows, n=4) if rows else None
    with random_states_kept("it"):
        labels = np.arange(4) % 3 if rows else None
        strategy.pick(Signals(arrays, n=24, labelled=labelled, labels=labels), 5, generator(seed))
    for name, array, before in given:
        require(array.tobytes() == before, f"it wrote into the signal {name!r}. Work on a copy.")


@PROMISES.enter
def _random_ties(strategy: Strategy, seed: int) -> None:
    """Ties are broken by the generator: of equal items each is first, and each second, for some seed.

    If each of 4 items is equally likely in each place, the chance that one of them misses one of the two
    places in 56 picks is at most 2 · 4 · (3/4)⁵⁶ < 8.1e-7.
    """
    signals = _identical(strategy, _TIED_ITEMS, seed)
    picked = np.array(
        [strategy.pick(signals, 2, generator(seed, k)).positions for k in range(1, _TIED_SEEDS + 1)]
    )
    for place, found in zip(("first", "second"), picked.T, strict=True):
        never = sorted(set(range(_TIED_ITEMS)) - set(found.tolist()))
        require(
            not never,
            f"of {_TIED_ITEMS} equal items, those at {never} were never {place} in {_TIED_SEEDS} picks with "
            "different seeds. Break ties with rng, for example through maths.ranking.top.",
        )


@PROMISES.enter
def _permutation(strategy: Strategy, seed: int) -> None:
    """Scores follow a permutation of the items exactly; picks that are not random do so without ties."""
    if strategy.is_random:
        return
    signals = _signals(strategy, seed=seed)
    order = generator(seed, 1).permutation(signals.n)
    moved = Signals(
        {name: signals[name][order] for name in strategy.needs},
        n=signals.n,
        labelled=signals.labelled,
        labels=signals.labels,
        class_counts=signals.class_counts,
    )
    straight, again = _wanted(strategy, signals, seed), _wanted(strategy, moved, seed)
    if isinstance(strategy, Scorer):
        wrong = np.flatnonzero(straight[order] != again)
        require(not len(wrong), f"the scores of items changed with their positions: {order[wrong].tolist()}.")
    else:
        back = order[again].tolist()
        require(straight.tolist() == back, f"{straight.tolist()} became {back} in another order of the pool.")


@PROMISES.enter
def _precision(strategy: Strategy, seed: int) -> None:
    """Equal values in float32 and in float64 give the same batch on data without near ties."""
    single, double = (_picks(strategy, seed, dtype) for dtype in (np.float32, np.float64))
    require(single == double, f"float32 gave {single}, float64 gave {double}. Accumulate in float64.")


@PROMISES.enter
def _refused_nan(strategy: Strategy, seed: int) -> None:
    """NaN and infinity are refused by `SignalError`, naming the signal and the row."""
    rows = example_arrays(strategy.needs_labelled, n=4, seed=seed + 1_000)
    arrays = example_arrays(strategy.needs, seed=seed)
    for name, bad in ((name, bad) for name in sorted(strategy.needs) for bad in (np.nan, np.inf)):
        _refuses(strategy, {**arrays, name: _spoilt(arrays[name], bad)}, rows, name)
    for name in sorted(strategy.needs_labelled):
        _refuses(strategy, arrays, {**rows, name: _spoilt(rows[name], np.nan)}, name, "In 'labelled': ")


@PROMISES.enter
def _edge_cases(strategy: Strategy, seed: int) -> None:
    """One item, the whole pool, equal rows: answered; one class, one draw, no labels: or refused."""
    _answers(strategy, _signals(strategy, n=1, seed=seed), 1, "one item")
    _answers(strategy, _signals(strategy, n=6, seed=seed), 6, "the whole pool")
    _answers(strategy, _identical(strategy, 6, seed), 6, "equal rows")
    _answers(strategy, _signals(strategy, n=3, c=1000, m=2, seed=seed), 2, "a thousand classes")
    refusable = {
        "two classes": _signals(strategy, n=6, c=2, seed=seed),
        "one class": _signals(strategy, n=6, c=1, seed=seed),
        "one draw": _signals(strategy, n=6, m=1, seed=seed),
        "no labelled rows": example_signals(strategy.needs, n=6, seed=seed),
        "labelled rows of length zero": example_signals(
            strategy.needs, labelled=strategy.needs_labelled, labelled_n=0, n=6, seed=seed
        ),
    }
    for case, signals in refusable.items():
        try:
            _answers(strategy, signals, 3, case)
        except NextlabelError as refusal:
            if isinstance(refusal, BrokenPromise):
                raise


@PROMISES.enter
def _round_trip(strategy: Strategy, seed: int) -> None:
    """`build(spec_of(s)) == s`, also through JSON; and pickling gives an equal object."""
    del seed
    require_round_trip("strategy", strategy)


@PROMISES.enter
def _documentation(strategy: Strategy, seed: int) -> None:
    """A summary line, cost and weakness in the Notes, References, and Examples that run."""
    del seed
    check_docstring(type(strategy))
    weakness(type(strategy))


def _signals(strategy: Strategy, *, seed: int, **sizes: Any) -> Signals:
    labelled = strategy.needs_labelled or None
    return example_signals(strategy.needs, labelled=labelled, seed=seed, **sizes)


def _identical(strategy: Strategy, n: int, seed: int) -> Signals:
    one = _signals(strategy, n=1, seed=seed)
    arrays = {name: np.repeat(one[name], n, axis=0) for name in strategy.needs}
    return Signals(arrays, n=n, labelled=one.labelled, labels=one.labels, class_counts=one.class_counts)


def _wanted(strategy: Strategy, signals: Signals, seed: int) -> Array:
    """What must not vary: the scores where there are some, which may tie; else the picks."""
    if isinstance(strategy, Scorer):
        return np.asarray(strategy.score(signals, generator(seed)))
    return strategy.pick(signals, 5, generator(seed)).positions


def _positions(strategy: Strategy, signals: Signals, batch: int, seed: int) -> list[int]:
    return [int(one) for one in strategy.pick(signals, batch, generator(seed)).positions]


def _picks(strategy: Strategy, seed: int, dtype: Any = np.float64) -> list[int]:
    return _positions(strategy, _signals(strategy, seed=seed, dtype=dtype), 5, seed)


def _answers(strategy: Strategy, signals: Signals, batch: int, case: str) -> None:
    picks: Picks = strategy.pick(signals, batch, generator(0))
    found = sorted(set(picks.positions.tolist()) & set(range(signals.n)))
    require(
        len(picks.positions) == batch and len(found) == batch,
        f"with {case}, expected {batch} distinct positions; received {picks.positions.tolist()}.",
    )


def _spoilt(array: Array, bad: float) -> Array:
    spoilt = array.copy()
    spoilt[2] = bad
    return spoilt


def _refuses(
    strategy: Strategy, arrays: dict[str, Array], rows: dict[str, Array], name: str, where: str = ""
) -> None:
    try:
        select(strategy, batch=5, seed=0, labelled=rows or None, **arrays)
    except SignalError as refusal:
        require(
            str(refusal).startswith(where + repr(name)) and "row 2" in str(refusal),
            f"the refusal must begin with {where + repr(name)} and name row 2; it says: {refusal}",
        )
    else:
        raise BrokenPromise(f"the signal {name!r} held a value that is not finite, and was accepted.")
