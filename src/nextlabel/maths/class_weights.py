"""Weights of classes by how many items they have."""

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Array
from nextlabel.maths.parameters import checked_number

__all__ = ["effective_number_weights"]


def effective_number_weights(counts: ArrayLike, *, beta: float) -> Array:
    """Class weights inverse to the effective numbers of items, with mean 1 over the classes present.

    Parameters
    ----------
    counts : array of int or float, axes (c,)
        Items of each class, from 0 up, not all 0; items that weigh less than others may count as fractions.
    beta : float
        In [0, 1].

    Returns
    -------
    array of float64, axes (c,)
        0 for a class without items.

    Raises
    ------
    ParameterError
        A beta outside [0, 1], or counts that count nothing.

    Notes
    -----
    An item of a class is taken to overlap with what is known of it already; n items then count as
    (1 − beta^n) / (1 − beta) new ones, which is n for beta = 1 and 1 for beta = 0. Powers are taken by
    expm1 and log1p, since 1 − beta^n loses all its digits as beta nears 1.

    References
    ----------
    Cui, Jia, Lin, Song, Belongie. Class-balanced loss based on effective number of samples. CVPR 2019.
    Equations 3 and 5.

    Examples
    --------
    Effective numbers 1 and 6.5132:

    >>> effective_number_weights([1, 10], beta=0.9).round(4)
    array([1.7338, 0.2662])
    """
    beta = checked_number(beta, "beta", least=0, most=1, advice="Give 0 for equal weights.")
    numbers = np.asarray(counts)
    is_number = numbers.ndim == 1 and numbers.dtype.kind in "iuf" and bool(np.isfinite(numbers).all())
    if not is_number or numbers.min(initial=0) < 0 or not numbers.any():
        message = (
            "Counts must be finite numbers from 0 up, axes (c,), not all 0; received "
            f"{numbers.tolist()!r}. Give how many items each class has."
        )
        raise ParameterError(message)
    weights = np.zeros(len(numbers))
    is_present = numbers > 0
    n = numbers[is_present].astype(np.float64)
    if beta == 1:
        effective = n
    elif beta == 0:
        effective = np.ones_like(n)
    else:
        log_beta = np.log1p(beta - 1)
        effective = np.expm1(n * log_beta) / np.expm1(log_beta)
    weights[is_present] = (1 / effective) / np.mean(1 / effective)
    return weights
