"""Uncertainty of items with one class out of several, or with several classes at once."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.axes import Array, Probabilities, Scores, row_chunks

__all__ = ["Prediction", "Reduction", "check_reading", "check_two_classes", "uncertainty"]

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
    if of not in get_args(Prediction):
        message = (
            f"{method} needs 'of' to be one of {', '.join(map(repr, get_args(Prediction)))}; "
            f"received {of!r}. Name the signal whose uncertainty is meant."
        )
        raise ParameterError(message)
    if of == "marginals" and reduce not in get_args(Reduction):
        message = (
            f"{method} of 'marginals' needs 'reduce' to be 'sum' or 'max'; received {reduce!r}. "
            "Say how the scores of an item's classes become one."
        )
        raise ParameterError(message)
    if of != "marginals" and reduce is not None:
        message = (
            f"{method} of {of!r} has one score for each item, so 'reduce' must be None; received {reduce!r}. "
            "Leave it out, or use of='marginals'."
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
