"""The targets of a regression: what attacks say of them, beside the truth and a guess without the message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.special import bdtrc

from nextlabel.core.disclosure import Array
from nextlabel.leakage.scores import COLUMN, ItemScore, matched, score_item
from nextlabel.leakage.units import spreads_of
from nextlabel.leakage.verdicts import EXACT, LIMITS, NOT_SHOWN, item_verdict

__all__ = ["TargetLaw", "Targets", "target_law"]

_LEAST_CHANCE: Final = 1e-3  # of a hit, where targets are spread: within 0.001 of a spread, on either side
_MOST_COMPARED: Final = 1000  # targets among which equal ones are counted


@final
@dataclass(frozen=True, eq=False)
class TargetLaw:
    """What is known of targets without any message.

    Parameters
    ----------
    values : array of float64, axes (n, k)
        Of the data.
    spreads : array of float64, axes (k,)
        The unit of each column; 0 for one that tells nothing.
    chance : float
        How often the best guess at all is exact: the share of the commonest target, 0.001 at least.
    """

    values: Array
    spreads: Array
    chance: float

    def among(self, rows: Array, public: Array | None = None) -> "Targets":
        """The targets of one message.

        Parameters
        ----------
        rows : array of int, axes (b,)
            Its records.
        public : array, first axis p, optional
            Targets that are not private. The guess is their mean, or else that of all but the record.
        """
        if public is not None and len(public):
            means = [_as_rows(public).mean(0)] * len(rows)
        else:
            means = [np.delete(self.values, row, axis=0).mean(0) for row in rows]
        own = self.values[rows]
        guesses = tuple(self.score(mean, true) for mean, true in zip(means, own, strict=True))
        return Targets(own, guesses, self)

    def score(self, found: Array, true: Array) -> ItemScore:
        """One target beside another, column by column in units of their spread."""
        return score_item(found, true, span=1.0, spreads=self.spreads)

    def chance_of(self, exact: int, of: int, batch: int) -> float:
        """How probably guesses would be exact so often, or more often.

        Parameters
        ----------
        exact, of : int
            Targets that came back, of how many that were claimed.
        batch : int
            Records in a message: each target may be that of any of them.

        Notes
        -----
        Binomial, with the chance of the best guess times the number of records that it may hit.
        """
        share = min(1.0, batch * self.chance)
        return float(bdtrc(exact - 1, of, share)) if exact else 1.0


@final
@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of the records of one message; no attack is ever given them.

    Parameters
    ----------
    values : array of float64, axes (b, k)
    guesses : tuple of ItemScore
        How near the mean target of the other data comes to each.
    law : TargetLaw
    """

    values: Array
    guesses: Sequence[ItemScore]
    law: TargetLaw

    def scores(self, found: Array | None) -> tuple[ItemScore | None, ...]:
        """How near claimed targets come to those of the records, whatever their order; none of nothing.

        Parameters
        ----------
        found : array of float, axes (r, k), optional
            As an attack gives them; classes are no targets.

        Returns
        -------
        tuple of ItemScore or None
            One for each record, None where nothing is left for it; empty where nothing is claimed.
        """
        if found is None or not np.issubdtype(found.dtype, np.floating) or not len(found):
            return ()
        rows = np.asarray(found, np.float64).reshape(len(found), -1)
        if rows.shape[1] != self.values.shape[1]:
            return ()
        table = [[self.law.score(ours, theirs) for theirs in self.values] for ours in rows]
        pairs = matched(np.array([[one.relative for one in row] for row in table], np.float64))
        return tuple(None if pair is None else table[pair][place] for place, pair in enumerate(pairs))

    def verdicts(self, scores: Sequence[ItemScore | None]) -> tuple[str, ...]:
        """``EXACT`` for the targets that came back, by the rule of tables, and ``NOT SHOWN`` for the others.

        Notes
        -----
        The guess that must be beaten is the mean target of the other data.
        """
        values = int((self.law.spreads > 0).sum())
        found = []
        for score, told in zip(scores, self.guesses, strict=True):
            is_exact = score is not None and item_verdict(score, told, told.mse, values=values) == EXACT
            found.append(EXACT if is_exact else NOT_SHOWN)
        return tuple(found)


def target_law(labels: Array) -> TargetLaw | None:
    """What the targets of the data tell of one another; None where all are the same.

    Parameters
    ----------
    labels : array of numbers, axes (n,) or (n, k)

    Notes
    -----
    The chance of the best guess is the largest share of the targets that one of them is as good as: that of
    the commonest rating, say. Time O(n²·k) for at most a thousand of them, at even steps.

    Examples
    --------
    >>> law = target_law(np.array([[0.0], [1.0], [1.0], [3.0], [1.0]]))
    >>> law.chance, law.chance_of(3, 3, batch=1)
    (0.5, 0.125)
    """
    values = _as_rows(labels)
    spreads = spreads_of(values)
    told = spreads > 0
    if not told.any():
        return None
    steps = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MOST_COMPARED)).round().astype(int))
    units = values[np.ix_(steps, told)] / spreads[told]
    most = 0
    for row in units:
        errors = np.abs(units - row)
        is_near = (errors.max(1) <= COLUMN) & (np.sqrt((errors**2).mean(1)) < LIMITS.exact)
        most = max(most, int(is_near.sum()))
    chance = (most - 1) / (len(units) - 1) if len(units) > 1 else 1.0
    return TargetLaw(values, spreads, float(min(1.0, max(chance, _LEAST_CHANCE))))


def _as_rows(labels: Array) -> Array:
    return np.asarray(labels, np.float64).reshape(len(labels), -1)
