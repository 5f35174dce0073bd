"""Which rows of the gradient of a table of tokens were written to, told from pruning, decay and noise."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import stats

from nextlabel.leakage.text.token_places import Tokens
from nextlabel.maths.axes import Floats

__all__ = ["Written", "occurrences", "without_decay", "written_rows"]

_CHANCE = 1e-3  # expected number of rows, of all of a table, that count although no token wrote them
_UNSURE = 1e-3  # chance that the share of empty rows is less than it is taken for
_ALIKE = 1e-6  # chance that rows of independent noise lean to one side as far as is allowed
_ROUNDINGS = 4.0  # rounding units that are left of a row of weights when its decay is taken off
_SINGLE = 1e-4  # of the largest singular value: rows that are multiples of one vector leave less
_WHOLE = 0.05  # how far a number of times may be from a whole number


@final
@dataclass(frozen=True, eq=False)
class Written:
    """The rows that tokens wrote.

    Parameters
    ----------
    words : array of int64, axes (w,)
        Rising; empty where none is sure.
    said : str
        By which evidence, or why there is none.
    is_clean : bool
        Whether every row is either zero or without zeros, so that no row is missing.
    """

    words: Tokens
    said: str
    is_clean: bool = False


def written_rows(rows: Floats, most: int) -> Written:
    """The rows of a gradient that stand out of the others by a stated chance.

    Parameters
    ----------
    rows : array of float, axes (v, d)
        The gradient of a table of v tokens.
    most : int
        How many tokens the message has at most.

    Returns
    -------
    Written

    Notes
    -----
    Where rows are zero, entries that are not zero could still be scattered by pruning or coarse rounding. If
    they were scattered independently with chance p, a row would be empty with chance (1 − p)^d; the share of
    empty rows, at its lower Clopper–Pearson end of chance 0.001, bounds p. A row counts where it has so many
    entries that of all rows less than 0.001 would by scattering: one of no zeros nearly always.

    Of few features that is seldom so. Where every row is empty or full, all full ones count as well, if of m
    rows that no token wrote scattering leaves less than 0.001 full ones and none partly filled. That expects
    m·p^d·(p^d + (1 − p)^d)^(m − 1) of them, at the worst p about m^(1 − d)·e^(−d): of 2 features it takes
    some 140 empty rows, of 3 some 8, and of one feature a full row tells nothing.

    Where no row is zero there is noise. Fewer than half of the rows are those of tokens, so that the median
    of the sums of magnitudes is that of noise, or above. A row counts where its sum is one that Laplace noise
    reaches in less than 0.001 rows of all; Gaussian noise reaches it more seldom still. Noise of heavier
    tails, or of several sizes, has more small sums than Laplace noise, and is refused by the band of
    Dvoretzky, Kiefer and Wolfowitz; so are rows that lean to one side, as those of an output layer do.

    References
    ----------
    Massart. The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality. Annals of Probability 18, 1990.

    Examples
    --------
    >>> rows = np.zeros((50, 8))
    >>> rows[[3, 14]] = np.arange(1.0, 9.0)
    >>> written_rows(rows, most=2).words.tolist()
    [3, 14]
    """
    empty = int((~rows.any(axis=1)).sum())
    if empty == len(rows):
        return _nothing("the gradient of the table of tokens is zero: it says nothing")
    return _among_empty(rows, empty) if empty else _above_noise(rows, most)


def without_decay(rows: Floats, table: Floats, precision: float) -> Floats:
    """The rows less a multiple of the table's own, where most of them are that and nothing else.

    Parameters
    ----------
    rows, table : array of float, axes (v, d)
        The gradient, and the weights at which it was made.
    precision : float
        The rounding unit of the message.

    Returns
    -------
    array of float, axes (v, d)
        As they were given, where weight decay does not explain more than half of the rows.

    Examples
    --------
    >>> table = np.arange(1.0, 9.0).reshape(4, 2)
    >>> float(without_decay(0.01 * table, table, 1e-7).sum())
    0.0
    """
    sizes = (table**2).sum(axis=1)
    told = np.flatnonzero(sizes > 0)
    if not len(told) or not rows[told].any(axis=1).all():
        return rows
    rate = float(np.median((rows * table).sum(axis=1)[told] / sizes[told]))
    left = rows - rate * table
    told_apart = np.abs(left) > _ROUNDINGS * precision * (np.abs(rows) + np.abs(table))
    changed = np.flatnonzero(told_apart.any(axis=1))
    if 2 * len(changed) >= len(rows):
        return rows
    kept = np.zeros_like(left)
    kept[changed] = left[changed]
    return kept


def occurrences(rows: Floats, items: int, length: int) -> Tokens | None:
    """How often each token occurs, where the gradient tells.

    Parameters
    ----------
    rows : array of float, axes (w, d)
        Of the tokens that were found, none of them missing.
    items, length : int
        How many texts the message speaks of, and how many tokens one has.

    Returns
    -------
    array of int64, axes (w,), or None
        As many tokens as places: each once. Of one text whose embeddings are averaged, rows are multiples
        of one vector, by the numbers of times, which add up to its length.

    Examples
    --------
    >>> occurrences(np.outer([2.0, 1.0, 1.0], [0.3, -0.1]), items=1, length=4).tolist()
    [2, 1, 1]
    """
    if len(rows) == items * length:
        return np.ones(len(rows), dtype=np.int64)
    if items != 1 or len(rows) < 2:
        return None
    values, axes = np.linalg.svd(rows / np.abs(rows).max(), full_matrices=False)[1:]
    if values[1] > _SINGLE * values[0]:
        return None
    along = rows @ axes[0]
    times = length * along / along.sum()
    whole = np.rint(times)
    is_whole = bool((np.abs(times - whole) <= _WHOLE).all() and (whole >= 1).all())
    return whole.astype(np.int64) if is_whole and whole.sum() == length else None


def _nothing(why: str) -> Written:
    return Written(np.zeros(0, dtype=np.int64), why)


def _among_empty(rows: Floats, empty: int) -> Written:
    words, width = rows.shape
    least = float(_beta_end(empty, words))
    filled = (rows != 0).sum(axis=1)
    scattered = 1.0 - least ** (1.0 / width)
    likely: Floats = np.asarray(stats.binom.sf(filled - 1, width, scattered))
    is_sure = likely * words <= _CHANCE
    if np.isin(filled, [0, width]).all():
        is_sure |= _false_full(empty + 1, width, scattered) <= _CHANCE
    found = np.flatnonzero(is_sure & (filled > 0)).astype(np.int64)
    if not len(found):
        return _nothing(
            f"of {words:,} rows {words - empty:,} are not zero, with no more entries each than pruning or "
            "rounding would scatter"
        )
    is_clean = bool((filled[found] >= 0.99 * width).mean() >= 0.99 and len(found) == words - empty)
    unsure = words - empty - len(found)
    missing = "" if is_clean else "; zeros within the rows show that others may have been taken away"
    left = f", {unsure:,} of them left out since scattered entries look like them" if unsure else ""
    said = f"{words - empty:,} of {words:,} rows of the table of tokens are not zero{left}{missing}"
    return Written(found, said, is_clean)


def _false_full(rows: int, width: int, most: float) -> float:
    """How many rows scattering fills and fills none in part, expected at the worst chance of an entry."""
    chance = np.geomspace(min(1e-3 / rows, most), most, 2000)
    full, none = chance**width, (1.0 - chance) ** width
    return float((rows * full * (full + none) ** (rows - 1)).max())


def _beta_end(successes: int, of: int) -> Any:
    """The lower end of the exact interval of a share, of chance `_UNSURE`."""
    return stats.beta.ppf(_UNSURE, successes, of - successes + 1)


def _above_noise(rows: Floats, most: int) -> Written:
    words, width = rows.shape
    if 2 * most >= words:
        return _nothing(
            f"no row is zero, and up to {most:,} tokens are in the message, of {words:,}: too many to tell "
            "what noise adds to the rows of those that are not"
        )
    sums = np.abs(rows).sum(axis=1)
    scale = float(np.median(sums)) / float(stats.gamma.median(width))
    below = np.sort(sums[sums < np.median(sums)]) / scale
    excess = (np.arange(1, len(below) + 1) / words - stats.gamma.cdf(below, width)).max(initial=0.0)
    if excess > np.sqrt(np.log(1.0 / _UNSURE) / (2.0 * words)):
        return _nothing("no row is zero, and the rows differ by more than noise of one size would make them")
    quiet = rows[sums <= np.median(sums)]
    lean = (quiet / np.linalg.norm(quiet, axis=1, keepdims=True)).sum(axis=0)
    if float(lean @ lean) * width / len(quiet) > stats.chi2.isf(_ALIKE, width):
        return _nothing(
            "no row is zero, and the rows lean to one side, as where the table is the output layer too"
        )
    found = np.flatnonzero(sums > scale * stats.gamma.isf(_CHANCE / words, width)).astype(np.int64)
    if not len(found) or len(found) > most:
        return _nothing(f"no row is zero, and {len(found):,} rows stand out of noise, of {most:,} tokens")
    return Written(
        found,
        f"{len(found):,} of {words:,} rows of the table of tokens stand out of noise, of which less than "
        f"{_CHANCE:g} rows would by chance",
    )
