"""The one-liner: arrays in, positions out."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.registry import REGISTRY, build, names
from nextlabel.core.rng import generator
from nextlabel.core.signals import SIGNALS, Signals, derivable
from nextlabel.core.spec import Spec
from nextlabel.core.strategy import Strategy
from nextlabel.errors import MissingSignal, NextlabelError, SignalError
from nextlabel.maths.axes import Positions

__all__ = ["check_needs", "select"]


def select(
    strategy: str | Mapping[str, Any] | Spec | Strategy,
    *,
    batch: int,
    seed: int,
    labelled: Mapping[str, ArrayLike] | None = None,
    labels: ArrayLike | None = None,
    **signals: ArrayLike,
) -> Positions:
    """The positions of the items to label next, most wanted first.

    Parameters
    ----------
    strategy : str, mapping, Spec or Strategy
        A registered name (``"badge"``), a name with parameters
        (``{"name": "stochastic", "of": "bald", "beta": 1.0}``), or a strategy object.
    batch : int
        How many, between 1 and n.
    seed : int
        Zero or larger; the same seed on the same signals gives the same picks.
    labelled : mapping of str to array, optional
        Signals of the labelled rows, for methods that look at them, for example
        ``{"embedding": seen}``.
    labels : array of int, axes (labelled,), optional
        Class indices of the labelled rows.
    **signals : array
        What the model says of the n unlabelled items, for example ``proba`` (n, c), ``embedding``
        (n, d), ``logits`` (n, c), ``draws`` (n, m, c). What the strategy needs and is not given is
        derived where it can be.

    Returns
    -------
    array of int64, axes (b,)
        Distinct positions in 0..n−1.

    Raises
    ------
    UnknownName, ParameterError
        The strategy is not registered, or its parameters make no sense.
    MissingSignal
        A signal that the strategy needs is neither given nor derivable.
    SignalError, LabelError
        Arrays with wrong axes or sizes, values that are not finite, rows that do not sum to one.
    BatchSizeError
        The batch is below 1 or above n.

    Notes
    -----
    Inputs are left as they were. Where nothing is labelled, the strategy's `opening` picks: the strategy
    itself, or the first method of a schedule. Beside the strategy's own cost, one pass over each array.

    Examples
    --------
    >>> import numpy as np
    >>> proba = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])
    >>> select("margin", proba=proba, batch=2, seed=0)
    array([1, 2])
    """
    rng = generator(seed)
    method: Strategy = build("strategy", strategy)
    _refuse_slips(signals)
    said = Signals(signals, labelled=_labelled_rows(labelled), labels=labels)
    some_labelled = labelled is not None or (said.labels is not None and len(said.labels) > 0)
    if not some_labelled:
        method = method.opening
    check_needs(method, signals.keys(), "the call")
    if some_labelled and (missing := method.needs_labelled - derivable((labelled or {}).keys())):
        plural = "s" if len(missing) > 1 else ""
        message = (
            f"{type(method).__name__} needs the signal{plural} {_listed(missing)} of the labelled rows, "
            f"which 'labelled' does not hold (it holds {', '.join(sorted(labelled or {})) or 'nothing'}). "
            f"Give for example labelled={{{sorted(missing)[0]!r}: ...}}, or leave 'labelled' and 'labels' "
            "out."
        )
        raise MissingSignal(message)
    picks = method.pick(said, batch, rng)
    return np.asarray(picks.positions, dtype=np.int64)


def _refuse_slips(names: Iterable[str]) -> None:
    """Refuse what is no signal and nearly a parameter: it would be called an unknown signal otherwise."""
    for name in names:
        if name in SIGNALS:
            continue
        near = get_close_matches(name, ("batch", "labelled", "labels", "seed"), n=1)
        if near:
            message = (
                f"{name!r} is neither a signal nor a parameter of select. Did you mean the parameter "
                f"{near[0]!r}? Its parameters are strategy, batch, seed, labelled and labels."
            )
            raise SignalError(message)


def _labelled_rows(labelled: Any) -> Signals | None:
    if labelled is None:
        return None
    if not isinstance(labelled, Mapping):
        message = (
            "'labelled' must be a mapping from the name of a signal to its array over the labelled rows; "
            f"received {type(labelled).__name__}. Give for example labelled={{'embedding': ...}}."
        )
        raise SignalError(message)
    try:
        return Signals(labelled, n=None if labelled else 0)
    except SignalError as cause:
        message = f"In 'labelled': {cause}"
        raise SignalError(message) from cause


def check_needs(strategy: Strategy, provided: Any, provider: str) -> None:
    """Refuse a strategy whose signals are not on offer, naming strategies that would do.

    Parameters
    ----------
    strategy : Strategy
        The method that is to be used.
    provided : iterable of str
        The signals on offer; what follows from them counts.
    provider : str
        Who offers them, for the message.

    Raises
    ------
    MissingSignal
        A needed signal is neither on offer nor derivable.
    """
    at_hand = derivable(provided)
    missing = strategy.needs - at_hand
    if not missing:
        return
    plural = "s" if len(missing) > 1 else ""
    message = (
        f"{type(strategy).__name__} needs the signal{plural} {_listed(missing)}, which {provider} does not "
        f"provide (it provides {', '.join(sorted(provided)) or 'none'}). "
        f"Give {_enough(missing, at_hand)}, or use a strategy that needs only what is there: "
        f"{', '.join(_satisfied(at_hand)) or 'none'}."
    )
    raise MissingSignal(message)


def _listed(missing: frozenset[str]) -> str:
    return " and ".join(repr(name) for name in sorted(missing))


def _enough(missing: frozenset[str], at_hand: frozenset[str]) -> str:
    """What to give: each signal that by itself would do, or else all that are missing."""
    single = [repr(name) for name in SIGNALS if missing <= derivable({*at_hand, name})]
    return " or ".join(single) or _listed(missing)


def _satisfied(at_hand: frozenset[str]) -> list[str]:
    """The registered strategies that can run on these signals with their default parameters."""
    found = []
    for name in names("strategy"):
        if name not in REGISTRY["strategy"]:
            continue  # a stranger's package is not imported to word an error
        try:
            method = build("strategy", name)
        except NextlabelError:
            continue  # a wrapper has no default
        if method.needs <= at_hand:
            found.append(name)
    return found
