"""The targets of a regression: what attacks say of them, beside the truth and a guess without the message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.special import gammaln, logsumexp

from nextlabel.core.disclosure import Array
from nextlabel.leakage.chances import chance_of_labels
from nextlabel.leakage.scores import COLUMN, ItemScore, matched, score_item
from nextlabel.leakage.units import errors_in, spreads_of
from nextlabel.leakage.verdicts import EXACT, LIMITS, NOT_SHOWN, item_verdict

__all__ = ["TargetLaw", "Targets", "target_law"]

_OF_A_GAP: Final = 0.125  # a quarter of half the least gap: who is so near names the value by rounding
_LARGEST: Final = 64  # records in a message of which the law of each overlap is added up
_MOST_CELLS: Final = 4_000  # classes times messages for which messages are drawn


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
    step : float
        The least gap between different values of a column, in its unit; the least of all columns.
    """

    values: Array
    spreads: Array
    step: float

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

    def is_known(self, score: ItemScore) -> bool:
        """Whether a target is so near that the values there are tell it to the last digit.

        Notes
        -----
        Off by at most a quarter of half the least gap between different targets: a rating that is off by
        0.01 is that rating.
        """
        return score.worst is not None and score.worst <= _OF_A_GAP * self.step

    def chance_of(self, claims: Sequence[Array], exact: int, batch: int, rng: np.random.Generator) -> float:
        """How probably claims that know nothing of the messages would be exact so often, or more often.

        Parameters
        ----------
        claims : sequence of array of float, axes (r, k)
            What was claimed of each message.
        exact : int
            Targets that came back.
        batch : int
            Records in a message.
        rng : numpy.random.Generator
            As of `nextlabel.leakage.chances.chance_of_labels`.

        Notes
        -----
        Targets that one claim may hit are a class, and what claims have in common joins them; so hits are
        counted as labels are, by the law that records are drawn by, from all targets without replacement.
        Where that takes too long, a bound: how many records of each class are in each message is negatively
        associated, so that the exponential moment of all hits is at most the product of those of each, and
        Chernoff's inequality holds as for independent ones. Time O(claims · n · k) beside that.

        References
        ----------
        Joag-Dev, Proschan. Negative association of random variables, with applications. Annals of Statistics
        11(1), 1983.
        """
        if not exact:
            return 1.0
        claimed, counts = self._classes(claims)
        if batch <= _LARGEST and claimed.size <= _MOST_CELLS:
            return chance_of_labels(claimed.tolist(), [batch] * len(claims), exact, counts, rng)
        return _chernoff(claimed, counts, batch, exact)

    def _classes(self, claims: Sequence[Array]) -> tuple[Array, Array]:
        """How many of each class are claimed of each message, and there are; last, what nobody claims."""
        rows, of = np.unique(np.concatenate(claims), axis=0, return_inverse=True)
        record, claim = np.full(len(self.values), -1), np.full(len(rows), -1)
        for place, row in enumerate(rows):
            hit = np.flatnonzero(self._hits(row))
            if not len(hit):
                continue
            joined = np.setdiff1d(record[hit], (-1,))
            record[np.isin(record, joined)] = place
            claim[np.isin(claim, joined)] = place
            record[hit] = claim[place] = place
        names = np.unique(claim[claim >= 0])
        message = np.repeat(np.arange(len(claims)), [len(one) for one in claims])
        said = claim[of.ravel()]
        claimed = np.zeros((len(claims), len(names) + 1), np.int64)
        np.add.at(claimed, (message[said >= 0], np.searchsorted(names, said[said >= 0])), 1)
        counts = np.bincount(np.searchsorted(names, record[record >= 0]), minlength=len(names) + 1)
        counts[-1] = int((record < 0).sum())
        return claimed, counts

    def _hits(self, claim: Array) -> Array:
        """Which of all targets a claim would be exact for, axes (n,)."""
        errors = errors_in(self.spreads, claim, self.values)
        with np.errstate(over="ignore"):
            is_same = (errors.max(1) <= COLUMN) & (np.sqrt((errors**2).mean(1)) < LIMITS.exact)
        found: Array = is_same | (errors.max(1) <= _OF_A_GAP * self.step)
        return found


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
        The guess that must be beaten is the mean target of the other data. Or else a target is known by the
        values there are, and the guess is not.
        """
        values = int((self.law.spreads > 0).sum())
        found = []
        for score, told in zip(scores, self.guesses, strict=True):
            is_exact = score is not None and (
                item_verdict(score, told, told.mse, values=values) == EXACT
                or (self.law.is_known(score) and not self.law.is_known(told))
            )
            found.append(EXACT if is_exact else NOT_SHOWN)
        return tuple(found)


def target_law(labels: Array) -> TargetLaw | None:
    """What the targets of the data tell of one another; None where all are the same.

    Parameters
    ----------
    labels : array of numbers, axes (n,) or (n, k)

    Examples
    --------
    One of two ratings named three times, where three of four records have it, and one drawn:

    >>> law = target_law(np.array([[0.0], [1.0], [1.0], [1.0]]))
    >>> round(float(law.step * law.spreads[0]), 9)
    1.0
    >>> round(law.chance_of([np.array([[1.01]])], 1, 1, np.random.default_rng(0)), 9)
    0.75
    """
    values = _as_rows(labels)
    spreads = spreads_of(values)
    told = spreads > 0
    if not told.any():
        return None
    gaps = [np.diff(np.unique(column)).min() for column in values[:, told].T]
    return TargetLaw(values, spreads, float((np.array(gaps) / spreads[told]).min()))


def _chernoff(claimed: Array, counts: Array, batch: int, exact: int) -> float:
    """At least the chance of so many hits, by the exponential moments of each class in each message."""
    total, tilt = int(counts.sum()), np.geomspace(1e-2, 50.0, 200)
    logs = -tilt * exact
    pairs = np.column_stack([claimed.ravel(), np.tile(counts, len(claimed))])
    pairs, times = np.unique(pairs[pairs[:, 0] > 0], axis=0, return_counts=True)
    for (said, own), often in zip(pairs.tolist(), times.tolist(), strict=True):
        count = np.arange(max(0, batch - (total - own)), min(own, batch) + 1)
        law = _log_ways(own, count) + _log_ways(total - own, batch - count) - _log_ways(total, batch)
        logs += often * logsumexp(law + np.multiply.outer(tilt, np.minimum(count, said)), axis=1)
    return float(min(1.0, np.exp(logs.min())))


def _log_ways(of: int, count: Array | int) -> Array:
    """The logarithm of how many ways there are to choose."""
    rest = of - np.asarray(count)
    return np.asarray(gammaln(of + 1) - gammaln(np.asarray(count) + 1) - gammaln(rest + 1))


def _as_rows(labels: Array) -> Array:
    return np.asarray(labels, np.float64).reshape(len(labels), -1)
