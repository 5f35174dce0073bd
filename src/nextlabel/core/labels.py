"""Labels of labelled items as numbers, and how many each class has, checked."""

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.errors import LabelError, SignalError
from nextlabel.maths.axes import Counts, Labels

__all__ = ["class_counts", "class_indicators", "class_indices"]


def class_indices(labels: ArrayLike, classes: int | None) -> Labels:
    """Labels as class indices.

    Parameters
    ----------
    labels : array-like of int, axes (labelled,)
        From 0; none is a list of none.
    classes : int or None
        How many classes there are, where that is known.

    Returns
    -------
    array of int64, axes (labelled,)
        Read-only.

    Raises
    ------
    LabelError
        Other axes, not whole numbers, or outside 0..classes−1.

    Examples
    --------
    >>> class_indices([1, 0], 2)
    array([1, 0])
    """
    array = np.asarray(labels)
    if array.shape == (0,):
        array = array.astype(np.int64)  # an empty list has no type of its own
    if array.ndim != 1 or array.dtype.kind not in "iu":
        message = (
            f"'labels' must be class indices, axes (labelled,); received shape {array.shape} of type "
            f"{array.dtype}. Give each label as the position of its class, from 0."
        )
        raise LabelError(message)
    highest = classes - 1 if classes is not None else None
    if array.size and (array.min() < 0 or (highest is not None and array.max() > highest)):
        upto = "" if highest is None else f" to {highest}"
        message = (
            f"'labels' must be class indices from 0{upto}; received values from {array.min()} to "
            f"{array.max()}. Give the position of each label's class, counted from 0."
        )
        raise LabelError(message)
    result = array.astype(np.int64)
    result.flags.writeable = False
    return result


def class_indicators(labels: ArrayLike, classes: int | None) -> Labels:
    """Labels of several classes an item, as a matrix of zeros and ones.

    Parameters
    ----------
    labels : array-like of int or bool, axes (labelled, c)
        1 where a class applies.
    classes : int or None
        How many classes there are, where that is known.

    Returns
    -------
    array of int64, axes (labelled, c)
        Read-only.

    Raises
    ------
    LabelError
        Other axes, another number of classes, or other values.

    Examples
    --------
    >>> class_indicators([[True, False]], 2)
    array([[1, 0]])
    """
    array = np.asarray(labels)
    if array.shape == (0,):
        array = np.empty((0, classes or 0), np.int64)  # an empty list has no axes of its own
    is_wide = array.ndim == 2 and classes in (None, array.shape[1])
    if not is_wide or array.dtype.kind not in "iub" or not np.isin(array, (0, 1)).all():
        message = (
            f"'labels' of several classes an item must be 0 or 1, axes (labelled, {classes or 'c'}); "
            f"received shape {array.shape} of type {array.dtype}. Give 1 for each class that applies, as "
            "Task.encode does."
        )
        raise LabelError(message)
    result = array.astype(np.int64)
    result.flags.writeable = False
    return result


def class_counts(given: ArrayLike | None, labels: Labels | None, classes: int | None) -> Counts:
    """How many labelled items each class has, as given or else counted.

    Parameters
    ----------
    given : array-like of int, axes (c,), or None
        Whole numbers from zero up.
    labels : array of int64, axes (labelled,) or (labelled, c), or None
        Counted when nothing is given; an item with several classes counts for each.
    classes : int or None
        How many classes there are, where that is known.

    Returns
    -------
    array of int64, axes (c,)
        Read-only.

    Raises
    ------
    SignalError
        The given counts have other axes, another length or a value below zero.

    Examples
    --------
    >>> class_counts(None, np.array([1, 1]), 3)
    array([0, 2, 0])
    """
    if given is None:
        width = classes or 0
        counts = np.zeros(width, np.int64) if labels is None else _counted(labels, width)
    else:
        counts = np.asarray(given)
        wrong_width = classes is not None and counts.shape != (classes,)
        if counts.ndim != 1 or counts.dtype.kind not in "iu" or (counts < 0).any() or wrong_width:
            expected = "c" if classes is None else classes
            message = (
                f"'class_counts' must be whole numbers from zero up, axes ({expected},); received shape "
                f"{counts.shape} of type {counts.dtype}. Give the number of labelled items of each class."
            )
            raise SignalError(message)
    result = counts.astype(np.int64)
    result.flags.writeable = False
    return result


def _counted(labels: Labels, width: int) -> Counts:
    return labels.sum(axis=0) if labels.ndim == 2 else np.bincount(labels, minlength=width)
