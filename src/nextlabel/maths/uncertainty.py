"""Uncertainty of items with one class out of several, or with several classes at once."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.axes import Array, Probabilities, Scores, reads, row_chunks
from nextlabel.maths.parameters import checked_choice

__all__ = ["Prediction", "Reduction", "check_reading", "check_two_classes", "margin", "uncertainty"]

Prediction = Literal["proba", "mean_proba", "marginals"]
"""The signal that a score is computed of."""

Reduction = Literal["sum", "max"]
"""How the scores of an item's classes become one."""


def check_reading(method: str, of: str, reduce: str | None) -> None:
    """Refuse a reading that is unknown, and several classes an item without a word on how to join them.

    Parameters
    ----------
    method : str
        Who reads, for the message.
    of : str
        One of `Prediction`.
    reduce : str or None
        One of `Reduction` for ``of="marginals"``, None otherwise.

    Raises
    ------
    ParameterError
        Anything else.

    Examples
    --------
    >>> check_reading("Margin", "marginals", "max")
    """
    advice = "Name the signal whose uncertainty is meant."
    checked_choice(of, "of", get_args(Prediction), of=method, advice=advice)
    if of == "marginals":
        advice = "Say how the scores of an item's classes become one, since 'of' is 'marginals'."
        checked_choice(reduce, "reduce", get_args(Reduction), of=method, advice=advice)
    elif reduce is not None:
        message = (
            f"{method}'s 'reduce' must be None, since {of!r} has one score for each item; received "
            f"{reduce!r}. Leave it out, or use of='marginals'."
        )
        raise ParameterError(message)


def check_two_classes(proba: Probabilities, name: str) -> None:
    """Refuse a prediction of one class alone, of which nobody can be uncertain.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities.
    name : str
        How errors call the array.

    Raises
    ------
    SignalError
        There is one class.

    Examples
    --------
    >>> check_two_classes(np.array([[0.5, 0.5]]), "proba")
    """
    if proba.shape[1] < 2:
        message = (
            f"Uncertainty needs two classes or more; {name!r} has {proba.shape[1]}, shape {proba.shape}. "
            "For one yes-or-no class, give both probabilities, or its 'marginals'."
        )
        raise SignalError(message)


@reads("n c", probabilities=True)
def margin(proba: Probabilities) -> Scores:
    """Minus the difference between the two largest class probabilities.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.

    Returns
    -------
    array of float64, axes (n,)
        Between −1 (certain) and 0 (two classes equally probable).

    Raises
    ------
    SignalError
        Wrong axes, one class, or rows that do not sum to one.

    Notes
    -----
    −(p₍₁₎ − p₍₂₎). Time O(n·c), about a megabyte beside the result.

    References
    ----------
    Scheffer, Decomain, Wrobel. Active hidden Markov models for information extraction. IDA 2001.

    Examples
    --------
    >>> margin(np.array([[0.75, 0.25], [0.5, 0.5]])).tolist()
    [-0.5, 0.0]
    """
    check_two_classes(proba, "proba")
    result = np.empty(len(proba))
    for rows in row_chunks(proba, megabytes=0.5):
        largest = np.partition(proba[rows], -2, axis=1)[:, -2:].astype(np.float64)
        result[rows] = largest[:, 0] - largest[:, 1]
    # a row may sum to a little more than one, and so may its largest value
    return np.maximum(result, -1.0, out=result)


def uncertainty(
    score: Callable[[Probabilities], Scores], predictions: Array, of: Prediction, reduce: Reduction | None
) -> Scores:
    """A score of each item's prediction, or of each of its classes, joined.

    Parameters
    ----------
    score : callable
        From class probabilities, axes (n, c), to scores, axes (n,).
    predictions : array of float, axes (n, c)
        Class probabilities that sum to one, or marginals: of each class by itself.
    of : str
        Which of them; as `check_reading` allows.
    reduce : str or None
        For marginals, ``"sum"`` or ``"max"`` over classes of the score of (p, 1 − p).

    Returns
    -------
    array of float64, axes (n,)

    Raises
    ------
    SignalError
        One class out of one.

    Notes
    -----
    Time O(n·c), a few megabytes beside the result.

    Examples
    --------
    >>> least = lambda proba: 1.0 - proba.max(axis=1)
    >>> uncertainty(least, np.array([[0.5, 0.25]]), "marginals", "sum").tolist()
    [0.75]
    """
    if of != "marginals":
        check_two_classes(predictions, of)
        return score(predictions)
    result = np.empty(len(predictions))
    for rows in row_chunks(predictions, megabytes=0.5):
        chunk = predictions[rows].astype(np.float64)
        each = score(np.stack([chunk, 1.0 - chunk], axis=-1).reshape(-1, 2)).reshape(chunk.shape)
        result[rows] = each.sum(axis=1) if reduce == "sum" else each.max(axis=1)
    return result
