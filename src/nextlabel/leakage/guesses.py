"""What is known of a record without any message: the mean of other items, and the nearest of them."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nextlabel.core.disclosure import Array
from nextlabel.leakage.scores import COLUMN, NEAR, ItemScore, score_item, score_tokens
from nextlabel.leakage.text.word_scores import WordCount, WordGuess, unfilled
from nextlabel.leakage.units import errors_in, levels_of

__all__ = ["Guess", "guess"]

_NEAREST = {False: 1, True: 8}  # by error; the most alike of images is seldom the very nearest


@final
@dataclass(frozen=True, eq=False)
class Guess:
    """What is known of a record without any message: the baseline that a recovery must beat.

    Parameters
    ----------
    score : ItemScore
        The best that the mean of other items and the nearest of them give.
    mean_mse : float, optional
        The mean squared error of the mean of other items; None for text.
    words : WordGuess, optional
        Of text: how many of its words one names without any message.
    others : int
        How many other items it was made of.
    """

    score: ItemScore
    mean_mse: float | None
    words: WordGuess | None = None
    others: int = 0

    def beside(self, score: ItemScore, named: WordCount | None) -> ItemScore:
        """The guess that a score must beat: of words, one that names as many.

        Parameters
        ----------
        score : ItemScore
            Of what was recovered.
        named : WordCount, optional
            Of the words that were named of its message.
        """
        if score.words is None or named is None or self.words is None:
            return self.score
        return ItemScore(words=self.words.share(named.named))


def guess(
    true: Array,
    others: Array,
    *,
    span: float,
    is_image: bool = False,
    is_text: bool = False,
    spreads: Array | None = None,
    padding: int | None = None,
) -> Guess:
    """What the mean of other items, and the nearest of them, tell of a record without any message.

    Parameters
    ----------
    true : array
        The record.
    others : array, first axis p
        Other items; where there are none, the middle of what the record could be is not known, and nothing
        is guessed.
    span : float
        The width of the range of values.
    is_image, is_text : bool
    spreads : array of float, the axes of an item, optional
        The unit of each column or pixel; near, and the error, are then as these say.
    padding : int, optional
        Of text: the token that only fills texts up, and is no word of theirs.

    Notes
    -----
    The nearest is found with the truth at hand: no attacker could choose better among these items, so that to
    beat it is harder than need be. Of columns, the share that came back is the best of any of these items.
    """
    if not len(others):
        return Guess(ItemScore(), None)
    if is_text:
        found = [score_tokens(one, true) for one in others]
        best_text = max(found, key=lambda score: score.tokens or 0.0)
        words = WordGuess.of(unfilled(true, padding), unfilled(others, padding))
        return Guess(best_text, None, words, len(others))
    flat = np.asarray(others, np.float64).reshape(len(others), -1)
    row = np.asarray(true, np.float64).ravel()
    apart = _apart(flat, row, None if spreads is None else spreads.ravel(), is_image)
    order = (apart**2).sum(1).argsort(kind="stable")
    middle = flat.mean(0).reshape(true.shape)
    measure: dict[str, Any] = {"span": span, "is_image": is_image, "spreads": spreads}
    by_mean = score_item(middle, true, **measure)
    near = [score_item(others[one], true, **measure) for one in order[: _NEAREST[is_image]]]
    best = min(by_mean, *near, key=lambda score: math.inf if score.mse is None else score.mse)
    alike = [one.ssim for one in (by_mean, *near) if one.ssim is not None]
    score: ItemScore = dataclasses.replace(best, ssim=max(alike) if alike else None)
    if spreads is not None and not is_image:
        exact, close = (float((apart <= one).mean(1).max()) for one in (COLUMN, NEAR))
        columns, within = max(by_mean.columns or 0.0, exact), max(by_mean.near or 0.0, close)
        score = dataclasses.replace(score, columns=columns, near=within)
    return Guess(score, by_mean.mse, others=len(others))


def _apart(others: Array, true: Array, units: Array | None, is_image: bool) -> Array:
    """How far other items are from a record, value by value, in the measure of its score."""
    if units is None or is_image:
        levels = None if units is None else levels_of(units)
        return np.asarray(np.abs(others - true) * (1.0 if levels is None else levels))
    return errors_in(units, others, true)
