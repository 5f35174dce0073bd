"""Variation ratio: ask about the items on which the draws of the model vote apart."""

from dataclasses import dataclass
from typing import Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.errors import SignalError
from nextlabel.maths.axes import Scores, reads
from nextlabel.maths.parameters import checked_choice

__all__ = ["VariationRatio", "variation_ratio"]

_Form = Literal["count", "mean"]

_TIE_BREAK = 1e-6  # of one vote: scores stay the ratios to six digits, and float64 keeps ten more


@reads("n c")
def variation_ratio(votes: NDArray[np.floating]) -> Scores:
    """Share of the draws that do not vote for the modal class.

    Parameters
    ----------
    votes : array of float, axes (n, c)
        How many draws name each class.

    Returns
    -------
    array of float64, axes (n,)
        Between 0 and 1 − 1/c.

    Raises
    ------
    SignalError
        Wrong axes, a negative number of votes, or an item without votes.

    Notes
    -----
    1 − f/m, with f the votes of the modal class and m those of all. Time O(n·c).

    References
    ----------
    Freeman. Elementary applied statistics. Wiley, 1965.

    Examples
    --------
    Five members of an ensemble vote three to two:

    >>> variation_ratio(np.array([[3.0, 2.0]])).round(6).tolist()
    [0.4]
    """
    total = votes.sum(axis=1, dtype=np.float64)
    wrong = (total <= 0.0) | (votes < 0.0).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        message = (
            f"'votes' must count the draws that name each class, at least one an item; row {row} is "
            f"{votes[row].tolist()}. Give the votes of every item."
        )
        raise SignalError(message)
    return np.asarray((total - votes.max(axis=1)) / total)


@final
@dataclass(frozen=True)
class VariationRatio(Scorer):
    """Prefers items on which draws vote apart; needs votes or the mean over draws; costs O(n·c).

    Parameters
    ----------
    form : str
        ``"count"``: the share of draws that vote against the modal class. ``"mean"``: one minus the
        largest mean probability.

    Raises
    ------
    ParameterError
        Another form.

    Notes
    -----
    Count: with votes f of m draws for the modal class and p̄ the mean prediction, the score is
    1 − f/m + 10⁻⁶·(1 − max p̄)/m. There are only m levels and most items are tied; the last term orders
    them by the mean prediction without reaching the next level, and keeps the score the ratio to six digits.
    What is still equal is broken at random. Mean: 1 − max p̄. Time O(n·c); O(n·m·c) from draws.

    Fails where draws are few: nearly all items share a level then, and the mean prediction alone orders them.

    References
    ----------
    Gal, Islam, Ghahramani. Deep Bayesian active learning with image data. ICML 2017, arXiv 1703.02910.

    Beluch, Genewein, Nürnberger, Köhler. The power of ensembles for active learning in image
    classification. CVPR 2018.

    Examples
    --------
    >>> from nextlabel import select
    >>> draws = [[[0.9, 0.1], [0.8, 0.2]], [[0.6, 0.4], [0.3, 0.7]]]
    >>> select("variation_ratio", draws=draws, batch=1, seed=0)
    array([1])
    """

    form: _Form = "count"

    def __post_init__(self) -> None:
        advice = "'count' is the share of votes, 'mean' reads the mean probability."
        checked_choice(self.form, "form", get_args(_Form), of="VariationRatio", advice=advice)

    @property
    def needs(self) -> frozenset[str]:
        """The mean prediction over draws; in the count form, the votes too."""
        return frozenset({"mean_proba"} if self.form == "mean" else {"mean_proba", "votes"})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """The ratio; in the count form with a tie-break far below one vote."""
        largest = signals["mean_proba"].max(axis=1).astype(np.float64)
        doubt: Scores = np.maximum(1.0 - largest, 0.0)
        if self.form == "mean":
            return doubt
        votes = signals["votes"]
        ratio = variation_ratio(votes)  # first: it refuses items without votes
        tie_break = _TIE_BREAK * doubt / votes.sum(axis=1, dtype=np.float64)
        return np.asarray(ratio + tie_break)
