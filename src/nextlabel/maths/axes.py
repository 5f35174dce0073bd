"""The axis letters, the names of arrays by what they hold, and the checks at the public border.

Letters: n items, c classes, m draws, d features, b batch, r projected features.
"""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Annotated, Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import BatchSizeError, SignalError

__all__ = [
    "Array",
    "Bools",
    "Counts",
    "Draws",
    "Embeddings",
    "Floats",
    "Labels",
    "Logits",
    "Positions",
    "Probabilities",
    "Residuals",
    "Scores",
    "Sizes",
    "Whole",
    "checked",
    "checked_batch",
    "checked_probabilities",
    "frozen",
    "reads",
    "row_chunks",
    "shaped",
]

F = TypeVar("F", bound=Callable[..., Any])

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Counts = Annotated[NDArray[np.int64], "c"]
Draws = Annotated[NDArray[np.floating[Any]], "n m c"]
Embeddings = Annotated[NDArray[np.floating[Any]], "n d"]
Floats = NDArray[np.float64]
Labels = Annotated[NDArray[np.int64], "n"]
Logits = Annotated[NDArray[np.floating[Any]], "n c"]
Positions = Annotated[NDArray[np.int64], "b"]
Probabilities = Annotated[NDArray[np.floating[Any]], "n c"]
Residuals = Annotated[NDArray[np.floating[Any]], "n c"]
Scores = Annotated[NDArray[np.float64], "n"]
Whole = NDArray[np.int64]

Sizes = dict[str, tuple[int, str]]
"""What a letter has been seen to measure, and the array that said so first."""

_CHUNK_BYTES = 1 << 21  # two megabytes: a check reads each value once, from the cache on second use
_ROW_SUM_TOLERANCE = 1e-4  # what a float32 softmax over thousands of classes keeps


def checked(values: ArrayLike, axes: str, name: str, sizes: Sizes | None = None) -> Array:
    """An array as the library reads it: floating or integer, of the right axes, finite, read-only.

    Parameters
    ----------
    values : array-like
        Anything with ``__array__`` or DLPack, or nested lists.
    axes : str
        The letters of the axes, for example ``"n m c"``.
    name : str
        How errors call the array.
    sizes : dict, optional
        What each letter has measured so far; equal letters must measure the same. Extended here.

    Returns
    -------
    array, axes as given
        A read-only view where possible. Half precision and small integers become float32, other
        integers float64.

    Raises
    ------
    SignalError
        Not numeric, wrong number of axes, an axis after the first of size zero, a size at odds with
        another array, or a value that is not finite.

    Notes
    -----
    Time O(size) at the speed of memory, a few megabytes beside the input (a copy where the type changes).

    Examples
    --------
    >>> checked([[0.5, 0.5], [1, 0]], "n c", "proba").shape
    (2, 2)
    """
    array = shaped(values, axes, name, sizes)
    _require_finite(array, name)
    return _read_only(array)


def checked_batch(batch: int, n: int) -> int:
    """The batch size as an int, between 1 and the number of items.

    Raises
    ------
    BatchSizeError
        Not a whole number, below 1, or above the number of items.

    Examples
    --------
    >>> checked_batch(3, 10)
    3
    """
    if isinstance(batch, bool) or not isinstance(batch, int | np.integer) or not 1 <= batch <= n:
        message = (
            f"The batch must be a whole number between 1 and the {n} items at hand; received {batch!r}. "
            + ("Ask for fewer, or give more items." if n else "Give at least one item.")
        )
        raise BatchSizeError(message)
    return int(batch)


def checked_probabilities(values: ArrayLike, axes: str, name: str, sizes: Sizes | None = None) -> Array:
    """As `checked`, and the last axis holds probabilities that sum to one within 1e-4.

    Raises
    ------
    SignalError
        As `checked`; or a negative value, or a sum that is off by more than 1e-4.

    Examples
    --------
    >>> checked_probabilities([[0.25, 0.75]], "n c", "proba").tolist()
    [[0.25, 0.75]]
    """
    array = shaped(values, axes, name, sizes)
    for rows in row_chunks(array):
        if _plainly_probabilities(array[rows]):
            continue
        _require_finite(array, name)
        _require_probabilities(array[rows], rows.start, name)
    return _read_only(array)


def reads(axes: str, *, probabilities: bool = False) -> Callable[[F], F]:
    """Check the first array of a function as it enters; ``__wrapped__`` is the function that trusts it.

    `Signals` has checked its arrays once and calls the trusting form, so that a pool of draws is not
    read twice for its checks.

    Parameters
    ----------
    axes : str
        The letters of the axes of the function's first parameter, whose name errors use.
    probabilities : bool
        Whether the last axis must sum to one.

    Returns
    -------
    callable
        A decorator.

    Examples
    --------
    >>> @reads("n c")
    ... def widths(proba):
    ...     return np.full(len(proba), proba.shape[1])
    >>> widths([[0.5, 0.5]]), widths.__wrapped__(np.zeros((1, 3)))
    (array([2]), array([3]))
    """
    check = checked_probabilities if probabilities else checked

    def decorated(function: F) -> F:
        shape = signature(function)
        name = next(iter(shape.parameters))

        @wraps(function)
        def checking(*given: Any, **named: Any) -> Any:
            call = shape.bind(*given, **named)
            call.arguments[name] = check(call.arguments[name], axes, name)
            return function(*call.args, **call.kwargs)

        return cast(F, checking)

    return decorated


def frozen(array: Array) -> Array:
    """A read-only, row-major view of an array; copied only where the memory order demands it.

    Compiled kernels see one kind of array, so each is compiled once.

    Examples
    --------
    >>> frozen(np.zeros((2, 3))).flags.writeable
    False
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def row_chunks(array: Array, megabytes: float = _CHUNK_BYTES / (1 << 20)) -> list[slice]:
    """Slices of rows of about so many megabytes each, covering the first axis in order.

    Examples
    --------
    >>> row_chunks(np.zeros((3, 2)))
    [slice(0, 3, None)]
    """
    n = len(array)
    row_bytes = max(1, array.nbytes // max(1, n))
    step = max(1, int(megabytes * (1 << 20)) // row_bytes)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def shaped(values: ArrayLike, axes: str, name: str, sizes: Sizes | None = None) -> Array:
    """As `checked`, but the values are not looked at: for a caller whose own first pass meets them all.

    Raises
    ------
    SignalError
        Not numeric, wrong number of axes, an axis after the first of size zero, or a size at odds with
        another array.

    Examples
    --------
    >>> shaped([[np.nan, 1.0]], "n d", "embedding").shape
    (1, 2)
    """
    array = _floating(_as_array(values, name), name)
    letters = axes.split()
    if array.ndim != len(letters):
        message = (
            f"{name!r} must have the axes ({', '.join(letters)}); received an array of shape "
            f"{array.shape}. Reshape it to {len(letters)} axes."
        )
        raise SignalError(message)
    empty = next(
        (letter for letter, size in zip(letters[1:], array.shape[1:], strict=True) if not size), None
    )
    if empty is not None:
        message = (
            f"{name!r} must have at least one of its {_LETTERS.get(empty, 'columns')} (axis {empty!r}); "
            f"received an array of shape {array.shape}. Check how it was made."
        )
        raise SignalError(message)
    if sizes is not None:
        _match(array, letters, name, sizes)
    return array


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _as_array(values: Any, name: str) -> Array:
    if np.ma.is_masked(values):
        message = (
            f"{name!r} must have a value everywhere; received a masked array that hides some. Leave out "
            "the rows with hidden values, or fill them."
        )
        raise SignalError(message)
    try:
        if not hasattr(values, "__array__") and hasattr(values, "__dlpack__"):
            return np.asarray(np.from_dlpack(values))
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError, BufferError) as cause:
        message = (
            f"{name!r} must be an array of numbers; received {type(values).__name__}, which NumPy cannot "
            f"read ({cause}). Bring it to the host as float32 first, for example "
            "values.detach().float().cpu().numpy()."
        )
        raise SignalError(message) from cause


def _floating(array: Array, name: str) -> Array:
    if array.dtype.kind not in "fiub":
        message = (
            f"{name!r} must be an array of numbers; received values of type {array.dtype}. "
            "Convert them to float32 or float64."
        )
        raise SignalError(message)
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)


def _match(array: Array, letters: list[str], name: str, sizes: Sizes) -> None:
    for letter, size in zip(letters, array.shape, strict=True):
        known, first = sizes.setdefault(letter, (size, name))
        if known != size:
            message = (
                f"{name!r} and {first!r} must agree on axis {letter!r}; {first!r} says {known}, {name!r} has "
                f"shape {array.shape}, which says {size}. Give both for the same "
                f"{_LETTERS.get(letter, 'axis')}, in the same order."
            )
            raise SignalError(message)


_LETTERS = {"n": "items", "c": "classes", "m": "draws", "d": "features", "b": "batch"}


def _plainly_probabilities(chunk: Array) -> bool:
    """Whether rows pass with half the tolerance, in the chunk's own precision and at a third of the cost."""
    with np.errstate(all="ignore"):  # what is not finite fails both comparisons
        sums = chunk.reshape(-1, chunk.shape[-1]) @ np.ones(chunk.shape[-1], chunk.dtype)
        off = np.abs(sums - 1.0)
        return bool(chunk.min() >= 0.0 and off.max() <= _ROW_SUM_TOLERANCE / 2)


def _require_probabilities(chunk: Array, start: int, name: str) -> None:
    # einsum sums short rows in one pass; a reduction over the last axis pays for every row
    off = np.abs(np.einsum("...c->...", chunk, dtype=np.float64) - 1.0)
    wrong = (chunk < 0.0).any(axis=-1) | (off > _ROW_SUM_TOLERANCE)
    rows = wrong.reshape(len(chunk), -1).any(axis=1)
    if not rows.any():
        return
    local = int(np.argmax(rows))
    draw = int(np.argmax(wrong[local]))  # of several draws, the first that is wrong
    total = float(chunk[local].reshape(-1, chunk.shape[-1])[draw].sum(dtype=np.float64))
    message = (
        f"The rows of {name!r} must be probabilities that sum to one within {_ROW_SUM_TOLERANCE:g}; "
        f"row {start + local} sums to {total:.6g} with a "
        f"smallest value of {float(chunk[local].min()):.6g}. "
        "Pass softmax outputs computed in float32 or float64, or give unnormalised scores as 'logits'."
    )
    raise SignalError(message)


def _require_finite(array: Array, name: str) -> None:
    row = _first_unfinite_row(array)
    if row is not None:
        message = (
            f"{name!r} must be finite; row {row} holds nan or infinity. "
            "Repair or leave out such rows before selecting."
        )
        raise SignalError(message)


def _first_unfinite_row(array: Array) -> int | None:
    """The first row with a value that is not finite, found by a sum of squares per chunk of rows."""
    with np.errstate(all="ignore"):
        for rows in row_chunks(array):
            flat = array[rows].reshape(-1)
            if np.isfinite(np.dot(flat, flat)):
                continue
            # not finite, or only an overflow of the square: look at the values themselves
            wrong = ~np.isfinite(array[rows]).reshape(rows.stop - rows.start, -1).all(axis=1)
            if wrong.any():
                return int(rows.start + np.argmax(wrong))
    return None
