"""How near a recovery is to the truth: worked out after an attack, by code that holds the truth."""

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from scipy.optimize import linear_sum_assignment

from nextlabel.core.disclosure import Array
from nextlabel.errors import ParameterError
from nextlabel.leakage.pixels import channel_axis
from nextlabel.leakage.units import EVEN_SPAN, errors_in, levels_of

__all__ = [
    "COLUMN",
    "NEAR",
    "ItemScore",
    "count_overlap",
    "feature_scores",
    "label_overlap",
    "matched",
    "rouge_l",
    "score_item",
    "score_tokens",
]

COLUMN: Final = 0.01
"""Units by which a column may be off and still count among those that came back; few do so by chance."""

NEAR: Final = EVEN_SPAN / 10
"""Units by which a column may be off and still count as near: the error that PSNR calls 20 dB."""

_PADDING = -1
_WINDOW = 7  # pixels: the side of the window of structural similarity, as its authors' code has it


@final
@dataclass(frozen=True)
class ItemScore:
    """How near one recovered item is to one true item; what does not apply is None.

    Parameters
    ----------
    relative : float, optional
        Length of the difference over the length of the true item; of columns with units of their own, the
        root mean square of the errors in these units.
    mse : float, optional
        Mean squared difference, of values as they were recovered: clamping them first would flatter.
    psnr : float, optional
        Peak signal-to-noise ratio in decibels, on the range of values given; infinite where equal.
    ssim : float, optional
        Structural similarity, of images.
    tokens : float, optional
        Of text: the share of positions with the right token.
    rouge : float, optional
        Of text: ROUGE-L, the F measure of the longest common subsequence.
    worst : float, optional
        Of columns or pixels with units of their own: the largest error of one, in its unit.
    columns : float, optional
        Of columns: the share of them within a hundredth of their unit.
    near : float, optional
        Of columns: the share of them within `NEAR` of their unit.
    words : float, optional
        Of text of which words came back and no order: the share of its words that were named, or of the
        words named that are its own, whichever is less.
    """

    relative: float | None = None
    mse: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    tokens: float | None = None
    rouge: float | None = None
    worst: float | None = None
    columns: float | None = None
    near: float | None = None
    words: float | None = None


def score_item(
    found: Array, true: Array, *, span: float, is_image: bool = False, spreads: Array | None = None
) -> ItemScore:
    """The score of one recovered item of numbers.

    Parameters
    ----------
    found, true : array of float, of one shape
    span : float
        The width of the range of values, above 0.
    is_image : bool
        Whether structural similarity is worked out: axes (h, w), (channel, h, w) or (h, w, channel), and at
        least 7 pixels a side.
    spreads : array of float, of the same shape, optional
        The unit of each column, at least one of them above 0; columns of 0 are left out. Errors are then in
        these units, and PSNR has the range of an even law of unit spread, √12, in place of the span. Of an
        image the unit of each pixel, as `nextlabel.leakage.units.pixel_units` says: pixels over four times as
        wide as usual are then scaled down to what is usual, so that they do not outweigh the others; PSNR has
        √12 of the usual unit in place of the span, and structural similarity has no meaning there.

    Returns
    -------
    ItemScore
        With infinite errors where what was recovered is not finite.

    Raises
    ------
    ParameterError
        Shapes that differ, a span that is not above 0, or no unit above 0.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli. Image quality assessment: from error visibility to structural
    similarity. IEEE Transactions on Image Processing 13(4), 2004.

    Examples
    --------
    >>> score = score_item(np.array([0.5, 1.0]), np.array([0.0, 1.0]), span=1.0)
    >>> score.relative, score.mse, round(score.psnr, 2)
    (0.5, 0.125, 9.03)
    >>> apart = score_item(np.array([1.0, 9e4]), np.array([0.0, 9e4]), span=1e5, spreads=np.array([2.0, 9e3]))
    >>> apart.worst, apart.columns
    (0.5, 0.5)
    """
    found, true = np.asarray(found, np.float64), np.asarray(true, np.float64)
    if found.shape != true.shape:
        message = (
            f"A recovered item must have the shape {true.shape} of the true one; received {found.shape}."
        )
        raise ParameterError(message)
    if not (np.isfinite(span) and span > 0):
        message = f"'span' must be a finite number above 0; received {span!r}. Give the range of the values."
        raise ParameterError(message)
    if spreads is not None:
        units = np.asarray(spreads, np.float64)
        _require_units(units, true)
        return _score_pixels(found, true, span, units) if is_image else _score_columns(found, true, units)
    return _score_whole(found, true, span, is_image)


def _score_whole(found: Array, true: Array, span: float, is_image: bool) -> ItemScore:
    if not np.isfinite(found).all():
        alike = _ssim(found, true, span) if is_image else None
        return ItemScore(relative=np.inf, mse=np.inf, psnr=-np.inf, ssim=alike)
    with np.errstate(over="ignore"):  # an attack that diverged: an infinite error is the right answer
        mse = float(((found - true) ** 2).mean())
    return ItemScore(
        relative=_relative(found, true),
        mse=mse,
        psnr=_decibels(mse, span),
        ssim=_ssim(found, true, span) if is_image else None,
    )


def _decibels(mse: float, span: float) -> float:
    return -10.0 * float(np.log10(mse / span**2)) if mse > 0 else np.inf


def _require_units(spreads: Array, true: Array) -> None:
    if spreads.shape != true.shape or not (np.isfinite(spreads).all() and (spreads > 0).any()):
        message = (
            f"'spreads' must be finite, of the shape {true.shape} of an item and above 0 somewhere; received "
            f"the shape {spreads.shape} and {int((spreads > 0).sum())} above 0. Give that of each column."
        )
        raise ParameterError(message)


def _score_pixels(found: Array, true: Array, span: float, units: Array) -> ItemScore:
    if not np.isfinite(found).all():
        return replace(_score_whole(found, true, span, True), worst=np.inf)
    levels, worst = levels_of(units), float(errors_in(units, found, true).max())
    if levels is None:
        return replace(_score_whole(found, true, span, True), worst=worst)
    span = EVEN_SPAN * float(units.min())
    return replace(_score_whole(found * levels, true * levels, span, False), worst=worst)


def _score_columns(found: Array, true: Array, spreads: Array) -> ItemScore:
    if not np.isfinite(found).all():
        return ItemScore(relative=np.inf, mse=np.inf, psnr=-np.inf, worst=np.inf, columns=0.0, near=0.0)
    errors = errors_in(spreads, found, true)
    with np.errstate(over="ignore"):
        mse = float((errors**2).mean())
    return ItemScore(
        relative=float(np.sqrt(mse)),
        mse=mse,
        psnr=_decibels(mse, EVEN_SPAN),
        worst=float(errors.max()),
        columns=float((errors <= COLUMN).mean()),
        near=float((errors <= NEAR).mean()),
    )


def score_tokens(found: Array, true: Array) -> ItemScore:
    """The score of one recovered text.

    Parameters
    ----------
    found, true : array of int, axes (t,)
        Token ids; -1 at the end is padding. A position that only one of them has is wrong.

    Examples
    --------
    >>> score_tokens(np.array([5, 6, 7, 8]), np.array([5, 7, 7, 8])).tokens
    0.75
    """
    ours, theirs = _unpadded(found), _unpadded(true)
    longest, common = max(len(ours), len(theirs)), min(len(ours), len(theirs))
    right = int((ours[:common] == theirs[:common]).sum())
    return ItemScore(tokens=right / longest if longest else 1.0, rouge=rouge_l(ours, theirs))


def rouge_l(found: Array, true: Array) -> float:
    """The F measure of the longest common subsequence of two sequences.

    Parameters
    ----------
    found, true : array of int, axes (t,)

    Returns
    -------
    float
        2·L/(t₁ + t₂), from 0 to 1; 1 for two empty ones.

    Notes
    -----
    Time O(t₁·t₂), memory O(t₂).

    References
    ----------
    Lin. ROUGE: a package for automatic evaluation of summaries. 2004. Section 3.1, with β = 1.

    Examples
    --------
    >>> rouge_l(np.array([1, 2, 3, 4]), np.array([1, 3, 4, 9]))
    0.75
    """
    total = len(found) + len(true)
    if total == 0:
        return 1.0
    best = np.zeros(len(true) + 1, np.int64)
    for token in found:
        taken = np.where(true == token, best[:-1] + 1, 0)
        # the best of leaving the token out and of taking it, then the best so far along the other text
        best[1:] = np.maximum.accumulate(np.maximum(best[1:], taken))
    return float(2.0 * best[-1] / total)


def matched(costs: Array) -> tuple[int | None, ...]:
    """For each true item the recovered one that is its match, each used once, at the least total cost.

    Parameters
    ----------
    costs : array of float, axes (r, b)
        Relative errors or shares of wrong tokens, not negative; infinity where there is nothing to compare.

    Returns
    -------
    tuple of int or None
        One for each of the b true items: which of the r recovered ones; None where none is left.

    Notes
    -----
    The Hungarian method on e/(1 + e). Bounded costs keep what is recovered exactly with its truth: of plain
    errors, one wild item could outweigh it by the distance between two true ones. Time O(max(r, b)³).

    References
    ----------
    Kuhn. The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 2, 1955.

    Examples
    --------
    >>> matched(np.array([[9.0, 0.1], [0.2, 8.0]]))
    (1, 0)
    """
    costs = np.asarray(costs, np.float64)
    bounded = np.where(np.isfinite(costs), 1.0 - 1.0 / (1.0 + np.where(np.isfinite(costs), costs, 0.0)), 1.0)
    rows, columns = linear_sum_assignment(bounded)
    of_true: dict[int, int] = dict(zip(columns.tolist(), rows.tolist(), strict=True))
    return tuple(of_true.get(place) for place in range(costs.shape[1]))


def feature_scores(
    found: Array, true: Array, spreads: Array | None = None
) -> tuple[tuple[float, ItemScore] | None, ...]:
    """Cosine and score of each true feature vector with its match; None where none is left.

    Parameters
    ----------
    found : array of float, axes (r, d)
    true : array of float, axes (b, d)
    spreads : array of float, axes (d,), optional
        The unit of each feature, 0 for one that tells nothing: units of a network are as far apart in scale
        as the columns of a table. Without any above 0, errors are shares of the length of a vector.

    Examples
    --------
    >>> ((cosine, score),) = feature_scores(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]]))
    >>> cosine, score.relative
    (1.0, 1.0)
    >>> units = np.array([100.0, 0.01])
    >>> ((cosine, score),) = feature_scores(np.array([[90.0, 0.0]]), np.array([[90.0, 0.03]]), units)
    >>> round(cosine, 5), score.worst
    (1.0, 3.0)
    """
    found, true = np.asarray(found, np.float64), np.asarray(true, np.float64)
    units = None if spreads is None or not spreads.any() else spreads
    table = [[score_item(ours, theirs, span=1.0, spreads=units) for theirs in true] for ours in found]
    pairs = matched(np.array([[one.relative for one in row] for row in table], np.float64))
    return tuple(
        None if pair is None else (_cosine(found[pair], theirs), table[pair][place])
        for place, (pair, theirs) in enumerate(zip(pairs, true, strict=True))
    )


def label_overlap(claimed: Array, true: Array) -> int:
    """How many labels of a batch are claimed rightly, whatever their order.

    Parameters
    ----------
    claimed, true : array of int, axes (r,) and (b,)

    Examples
    --------
    >>> label_overlap(np.array([1, 1, 2]), np.array([2, 1, 0]))
    2
    """
    classes = int(max(np.max(claimed, initial=0), np.max(true, initial=0))) + 1
    return count_overlap(np.bincount(claimed, minlength=classes), np.bincount(true, minlength=classes))


def count_overlap(claimed: Array, true: Array) -> int:
    """How many items of a batch are in the right class by counts: the sum of the smaller counts.

    Parameters
    ----------
    claimed, true : array of int, axes (c,)
        Half the sum of |differences| is the items less this, where both speak of as many items.

    Examples
    --------
    >>> count_overlap(np.array([0, 2, 1]), np.array([1, 1, 1]))
    2
    """
    width = max(len(claimed), len(true))
    ours, theirs = (np.pad(np.asarray(one), (0, width - len(one))) for one in (claimed, true))
    return int(np.minimum(np.maximum(ours, 0), theirs).sum())


def _relative(found: Array, true: Array) -> float:
    if not np.isfinite(found).all():
        return float("inf")
    length = float(np.linalg.norm(true))
    with np.errstate(over="ignore"):
        apart = float(np.linalg.norm(found - true))
    if length == 0.0:
        return 0.0 if apart == 0.0 else float("inf")
    return apart / length


def _cosine(found: Array, true: Array) -> float:
    lengths = float(np.linalg.norm(found) * np.linalg.norm(true))
    return float(found.ravel() @ true.ravel()) / lengths if np.isfinite(lengths) and lengths > 0 else 0.0


def _ssim(found: Array, true: Array, span: float) -> float | None:
    """Structural similarity; None for images that the window does not fit into.

    A smaller window would find likeness by chance: with one of 3 pixels, four in a thousand pairs of random
    images of 4 × 5 pixels have a similarity above 0.6; with 7 pixels, of 7 × 7, none of four thousand.
    """
    channel = channel_axis(true.shape)
    if min(side for axis, side in enumerate(true.shape) if axis != channel) < _WINDOW:
        return None
    if not np.isfinite(found).all():
        return -1.0
    from skimage.metrics import structural_similarity  # a second to load, and wanted for images only

    with np.errstate(all="ignore"):
        value: float = structural_similarity(  # type: ignore[no-untyped-call]
            found, true, data_range=span, channel_axis=channel, win_size=_WINDOW
        )
    return float(value) if np.isfinite(value) else -1.0


def _unpadded(tokens: Array) -> Array:
    tokens = np.asarray(tokens).astype(np.int64).ravel()
    kept = np.flatnonzero(tokens != _PADDING)
    return tokens[: kept[-1] + 1] if len(kept) else tokens[:0]
