"""Whether records can be audited: what is given is looked at before anything is made of it."""

from typing import Protocol, TypeVar

import numpy as np

from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError, ParameterError
from nextlabel.leakage.pixels import pixel_axes

__all__ = [
    "Wanted",
    "hard",
    "looks_like_images",
    "require_classes",
    "require_known_classes",
    "require_labels_by_position",
    "require_probabilities",
    "require_range",
    "require_sound",
]

_Labels = TypeVar("_Labels", Array, Array | None)

_LEAST_SIDE = 4  # pixels
_ALIKE = 100.0  # times that the widest column of an image is wider than the narrowest, at most
_NEXT = 10.0  # and than the one beside it
_LOOKED = 1_000  # items
_ROUNDING = 1e-5  # of the width of the declared range
_SHARES = 1e-3  # by which soft labels of few bits may miss their sum


class Wanted(Protocol):
    """What of a setting the records must suit."""

    @property
    def batch(self) -> int:
        """Records in a message."""

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The declared range of values."""

    @property
    def loss(self) -> str:
        """What the labels are, too: classes or their probabilities, or values."""

    @property
    def share(self) -> str:
        """The kind of message; that of embeddings reads no labels."""


def require_sound(
    items: Array,
    labels: Array,
    setting: Wanted,
    *,
    public: Array | None = None,
    public_labels: Array | None = None,
) -> None:
    """Refuse records that cannot be audited.

    Parameters
    ----------
    items, labels : array, first axis n
    setting : Wanted
    public, public_labels : array, optional
        Items that are not private, and their labels.

    Raises
    ------
    DisclosureError
        Arrays that hold no finite numbers; no items, or labels of another number; fewer records than fill a
        message; soft labels that do not sum to 1; items outside the declared bounds; public items of another
        shape or kind than the items, or public labels without public items or of another number.
    """
    _require_numbers("Items", items, 2)
    _require_numbers("Labels", labels, 1)
    if len(items) == 0 or len(items) != len(labels):
        message = (
            "An audit needs items, and as many labels; received "
            f"{len(items)} items and {len(labels)} labels. Give both of the same records."
        )
        raise DisclosureError(message)
    if len(items) < setting.batch:
        message = (
            f"A message of {setting.batch} records needs as many; received {len(items)}. "
            "Give more records, or a smaller batch."
        )
        raise DisclosureError(message)
    if setting.share != "embedding":
        require_probabilities(labels, setting.loss)
    _require_within(items, setting.bounds)
    if public is not None:
        _require_public(items, np.asarray(public))
    if public_labels is not None:
        _require_public_labels(public, np.asarray(public_labels))


def require_classes(classes: int, loss: str) -> None:
    """Refuse a model of fewer than two outputs where its loss compares classes.

    Parameters
    ----------
    classes : int
        Outputs of the model.
    loss : str

    Raises
    ------
    DisclosureError
        One output under cross-entropy.

    Examples
    --------
    >>> require_classes(2, "cross_entropy")
    >>> require_classes(1, "squared_error")
    """
    if classes < 2 and loss == "cross_entropy":
        message = (
            f"Cross-entropy over classes needs at least two logits; the model has {classes}. A single output "
            "with a sigmoid is two logits, 0 and the output: put a layer of two logits at the end. Where "
            "labels are values, the loss is 'squared_error'."
        )
        raise DisclosureError(message)


def require_known_classes(labels: Array, classes: int, loss: str) -> None:
    """Refuse labels that are no class of the model, drawn for a message or not.

    Parameters
    ----------
    labels : array, first axis n
        Real numbers pass: they are values or probabilities.
    classes : int
        Outputs of the model.
    loss : str
        Of a language model -100 passes, which asks for nothing.

    Raises
    ------
    DisclosureError
        Whole numbers below 0, or from the number of classes up.

    Examples
    --------
    >>> require_known_classes(np.array([0, 2]), 3, "cross_entropy")
    """
    if loss == "squared_error" or labels.dtype.kind not in "iu":
        return
    is_foreign = (labels < 0) | (labels >= classes)
    if loss == "language_model":
        is_foreign &= labels != -100
    if is_foreign.any():
        place = int(np.argmax(is_foreign.reshape(len(labels), -1).any(axis=1)))
        message = (
            f"Labels must be whole numbers from 0 to {classes - 1}, one for each output of the model; "
            f"{int(is_foreign.sum()):,} of {labels.size:,} are not (from {labels.min()} to {labels.max()}, "
            f"the first in record {place}, counted from 0). Leave such records out, or number classes anew."
        )
        raise DisclosureError(message)


def require_labels_by_position(labels: Array, tokens: int, loss: str) -> None:
    """Of a model that answers at each token, refuse one label for a text, which is the commonest slip.

    Parameters
    ----------
    labels : array, first axis n
    tokens : int
        In a text.
    loss : str

    Raises
    ------
    DisclosureError
        Labels without an axis of tokens, or labels below 0, which ask for nothing, under cross-entropy.

    Examples
    --------
    >>> require_labels_by_position(np.array([[4, 2, -100]]), 3, "language_model")
    """
    is_left_open = labels.dtype.kind in "iu" and bool((labels < 0).any())
    if labels.shape[1:2] == (tokens,) and not (is_left_open and loss == "cross_entropy"):
        return
    message = (
        f"The model gives outputs at each of {tokens} tokens, so its labels are token ids with the axes "
        f"(n, {tokens}), -100 where nothing is asked for, and its loss is 'language_model'; received "
        f"labels of the axes {labels.shape} and the loss {loss!r}. For the next token write labels "
        "= numpy.roll(items, -1, 1); labels[:, -1] = -100. The command line takes them as the array "
        "'labels' of a .npz file, or as --labels FILE.npy, with --loss language_model."
    )
    raise DisclosureError(message)


def require_probabilities(labels: Array, loss: str) -> None:
    """Refuse soft labels that are no probabilities, where the loss takes them for such.

    Parameters
    ----------
    labels : array, first axis n
        Class numbers pass.
    loss : str

    Raises
    ------
    DisclosureError
        Under cross-entropy, rows of real numbers that do not sum to 1, or numbers below 0.

    Examples
    --------
    >>> require_probabilities(np.array([[0.9, 0.1]]), "cross_entropy")
    """
    if loss != "cross_entropy" or labels.dtype.kind != "f" or labels.ndim < 2 or labels.shape[-1] == 1:
        return
    sums, least = labels.sum(-1, dtype=np.float64), float(labels.min(initial=0.0))
    off = np.abs(sums - 1.0) > _SHARES
    if off.any():
        message = (
            f"Soft labels are probabilities, so that each row sums to 1; {int(off.sum()):,} of {off.size:,} "
            f"rows do not (sums from {sums.min():.4g} to {sums.max():.4g}). Divide each row by its sum, give "
            "whole numbers for classes, or say loss='squared_error' where labels are values."
        )
        raise DisclosureError(message)
    if least < -_SHARES:
        message = (
            f"Soft labels are probabilities, from 0 to 1; received {least:.4g}. Give probabilities, whole "
            "numbers for classes, or say loss='squared_error' where labels are values."
        )
        raise DisclosureError(message)


def require_range(bounds: tuple[float, float]) -> None:
    """Refuse bounds that are no range.

    Parameters
    ----------
    bounds : tuple of two floats

    Raises
    ------
    ParameterError
        Not two finite numbers, the lower first.

    Examples
    --------
    >>> require_range((0.0, 1.0))
    """
    try:
        low, high = (float(one) for one in bounds)
        is_text = any(isinstance(one, str | bytes) for one in bounds)
        is_range = bool(np.isfinite([low, high]).all() and low < high) and not is_text
    except (TypeError, ValueError):
        is_range = False
    if not is_range:
        message = (
            f"'bounds' must be two finite numbers, the lower first; received {bounds!r}. Give the range of "
            "the values as the model takes them, for example (0, 1)."
        )
        raise ParameterError(message)


def hard(labels: _Labels, outputs: tuple[int, ...]) -> _Labels:
    """The classes of one-hot rows, of a column, or of real numbers that are whole; other labels as they are.

    Parameters
    ----------
    labels : array or None
    outputs : tuple of int
        The shape of what the model says. Of other axes than (n, c) a label need not be one class.

    Examples
    --------
    >>> hard(np.array([[0, 1], [1, 0]]), (2, 2)), hard(np.array([[0.5, 0.5]]), (1, 2))
    (array([1, 0]), array([[0.5, 0.5]]))
    >>> hard(np.array([[2], [0]]), (2, 3)), hard(np.array([2.0, 0.0]), (2, 3))
    (array([2, 0]), array([2, 0]))
    """
    if labels is None or not labels.size or labels.dtype.kind not in "iuf" or len(outputs) != 2:
        return labels
    if labels.ndim == 2 and labels.shape[1] == outputs[1] > 1:
        is_whole = bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())
        return labels.argmax(axis=1) if is_whole else labels
    is_single = labels.ndim == 1 or labels.shape == (len(labels), 1)
    if not is_single or not bool((labels == np.round(labels)).all()):
        return labels
    return labels.reshape(-1).astype(np.int64)


def looks_like_images(items: Array) -> bool:
    """Whether items are taken for images: pixels in rows and columns that share one unit.

    Parameters
    ----------
    items : array, first axis n

    Notes
    -----
    Real numbers, two or three axes of at least 4 a side (of three, channels first or last), and evidence that
    neighbours share a unit: the ranges of neighbouring rows, columns and channels meet, none is over ten
    times as wide as its neighbour (a margin that is mostly of one value tells nothing of that), and none of
    all a hundred times as wide as another. Measurements in different units, one beside the other, are a table
    of as many columns. At most 1,000 items are looked at, at even steps.

    Examples
    --------
    >>> readings = np.random.default_rng(0).uniform(size=(9, 8, 8))
    >>> looks_like_images(readings), looks_like_images(readings * 10.0 ** np.arange(8))
    (True, False)
    """
    sides = items.shape[1:]
    if not np.issubdtype(items.dtype, np.floating) or len(sides) not in (2, 3):
        return False
    pixels = [items.ndim + axis for axis in pixel_axes(sides)]
    if any(items.shape[axis] < _LEAST_SIDE for axis in pixels):
        return False
    looked = items[np.unique(np.linspace(0, len(items) - 1, min(len(items), _LOOKED)).round().astype(int))]
    return all(_has_one_unit(looked, axis) for axis in range(1, items.ndim))


def _has_one_unit(items: Array, axis: int) -> bool:
    """Whether the values of neighbouring rows, columns or channels are of one unit."""
    lines = np.moveaxis(items, axis, 0).reshape(items.shape[axis], -1).astype(np.float64)
    low, high = lines.min(1), lines.max(1)
    told = high > low  # a margin without ink has no width, and tells nothing
    if not told.any():
        return True
    low, high, lines = low[told], high[told], lines[told]
    widths = high - low
    if widths.max() > _ALIKE * widths.min() or (low[1:] > high[:-1]).any() or (high[1:] < low[:-1]).any():
        return False
    first, last = np.quantile(lines, (0.25, 0.75), axis=1)
    varied = widths[last > first]
    return not (np.maximum(varied[1:], varied[:-1]) > _NEXT * np.minimum(varied[1:], varied[:-1])).any()


def _require_numbers(name: str, one: Array, axes: int) -> None:
    if one.dtype.kind not in "biuf" or one.ndim < axes:
        message = (
            f"{name} must be an array of numbers with {axes} or more axes, "
            f"the first the records; received {one.dtype} of the axes {one.shape}. Give real "
            "numbers, or token ids and classes as whole numbers."
        )
        raise DisclosureError(message)
    if not np.isfinite(one).all():
        count = int((~np.isfinite(one)).sum())
        message = (
            f"{name} must be finite; {count:,} of the {one.size:,} numbers given are NaN or "
            "infinite. Leave those records out, or fill the gaps as in training."
        )
        raise DisclosureError(message)


def _require_within(items: Array, bounds: tuple[float, float] | None) -> None:
    """An attacker who is told a false range looks in the wrong place: its failure would say nothing."""
    if bounds is None:
        return
    low, high = bounds
    least, most = float(items.min()), float(items.max())
    slack = _ROUNDING * (high - low)
    if least < low - slack or most > high + slack:
        message = (
            f"Items must lie within the declared bounds, {low:g} to {high:g}; received values from "
            f"{least:g} to {most:g}. Give the bounds of the items as the model takes them, or none."
        )
        raise DisclosureError(message)


def _require_public(items: Array, public: Array) -> None:
    is_same_kind = (public.dtype.kind in "iu") == (items.dtype.kind in "iu")
    if public.dtype.kind not in "biuf" or public.shape[1:] != items.shape[1:] or not is_same_kind:
        message = (
            f"Public items must be as the private ones, {items.dtype} of the axes (n, "
            f"{', '.join(str(side) for side in items.shape[1:])}); received {public.dtype} of the axes "
            f"{public.shape}. Prepare them in the same way, or give none."
        )
        raise DisclosureError(message)
    _require_numbers("Public items", public, 2)


def _require_public_labels(public: Array | None, public_labels: Array) -> None:
    count = 0 if public is None else len(public)
    if public_labels.ndim < 1 or len(public_labels) != count:
        message = (
            f"Public labels are those of the public items, of which there are {count}; received labels of "
            f"the axes {public_labels.shape}. Give one for each public item, in their order."
        )
        raise DisclosureError(message)
    _require_numbers("Public labels", public_labels, 1)
