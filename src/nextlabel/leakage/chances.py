"""How probably chance alone shows so much: labels guessed, records hit without being told of them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from nextlabel.core.disclosure import Array

__all__ = ["chance_of_hits", "chance_of_labels", "chance_of_more"]

_RARE: Final = 1e-5  # a bound below this is said as it is: nothing turns on how much less it is
_DRAWS: Final = 50_000
_ENOUGH: Final = 50  # draws that are as good, after which a chance is known well enough
_AT_ONCE: Final = 2_000_000  # numbers in memory


def chance_of_hits(hits: int, chances: Sequence[float]) -> float:
    """How probably so many of independent trials, or more, are hits.

    Parameters
    ----------
    hits : int
    chances : sequence of float
        That each trial is one.

    Returns
    -------
    float
        The upper tail of the Poisson binomial law, O(n²).

    Examples
    --------
    >>> round(chance_of_hits(1, [0.5, 0.1]), 3), chance_of_hits(0, [0.5]), chance_of_hits(2, [0.5])
    (0.55, 1.0, 0.0)
    """
    law = np.ones(1)
    for chance in chances:
        law = np.convolve(law, (1.0 - chance, chance))
    return float(min(1.0, law[hits:].sum()))


def chance_of_more(shown: int, of: int, elsewhere: int, of_elsewhere: int) -> float:
    """How probably so many of all hits, or more, fall on an attack's own records by chance alone.

    Parameters
    ----------
    shown, of : int
        Own records shown, of how many.
    elsewhere, of_elsewhere : int
        Records shown that the message says nothing of, of how many.

    Returns
    -------
    float
        The one-sided chance of Fisher's exact test: hits fall anywhere with equal probability.

    References
    ----------
    Fisher. On the interpretation of χ² from contingency tables, and the calculation of P. Journal of the
    Royal Statistical Society 85(1), 1922.

    Examples
    --------
    >>> round(chance_of_more(1, 20, 1, 380), 4), chance_of_more(20, 20, 5, 380) < 1e-15
    (0.0976, True)
    """
    hits = shown + elsewhere
    count = np.arange(shown, min(hits, of) + 1)
    logs = _log_ways(of, count) + _log_ways(of_elsewhere, hits - count) - _log_ways(of + of_elsewhere, hits)
    return float(min(1.0, np.exp(logs[hits - count <= of_elsewhere]).sum()))


def chance_of_labels(
    claims: Sequence[Sequence[int]],
    sizes: Sequence[int],
    overlap: int,
    population: Array,
    rng: np.random.Generator,
) -> float:
    """How probably claims that know nothing of the messages would be right so often, or more often.

    Parameters
    ----------
    claims : sequence of sequence of int, axes (messages, c)
        What was claimed of each message: how many items of each class.
    sizes : sequence of int
        How many items each of these messages speaks of.
    overlap : int
        How many of all items were claimed rightly: the smaller count of each class and message, summed.
    population : array of int, axes (c,)
        How many items of each class there are, from which all messages were drawn without replacement.
    rng : numpy.random.Generator
        Draws messages where their law is too long to add up.

    Returns
    -------
    float
        A chance that is not too small: of claims made without the messages, however much they know of the
        population, at most a share p gets a chance of p or less.

    Notes
    -----
    The counts of one message are multivariate hypergeometric, and its overlap is added up exactly, class by
    class; where a message holds the whole population its counts are known beforehand, and the chance is 1.
    Of several messages t items are drawn together: each outcome is at most nᵗ·(n − t)!/n! times as probable
    as if labels were independent, which gives a bound, and that all are right has a product for its chance.
    Where the bound is not small, ``(1 + hits)/(1 + draws)`` of messages drawn afresh is a valid chance
    whatever the number of draws: 50,000, or fewer once 50 are as good.

    Time O(messages · classes claimed · b³) for the law, O(draws · messages · (b + c)) for drawing.

    References
    ----------
    Besag, Clifford. Sequential Monte Carlo p-values. Biometrika 78(2), 1991.

    Examples
    --------
    Two items of twenty, two in each of ten classes, both labels right; and of all items together:

    >>> rng, population = np.random.default_rng(0), np.full(10, 2)
    >>> round(chance_of_labels([[1] + [0] * 9, [0, 1] + [0] * 8], [1, 1], 2, population, rng), 6)
    0.010526
    >>> chance_of_labels([population], [20], 20, population, rng)
    1.0
    """
    if overlap <= 0 or not len(claims):
        return 1.0
    claimed = np.asarray(claims, np.int64)
    counts = np.asarray(population, np.int64)
    is_used = claimed.any(0)
    # classes that nobody claims are one: nothing turns on which of them an item has
    counts = np.append(counts[is_used], counts[~is_used].sum())
    claimed = np.column_stack([claimed[:, is_used], np.zeros(len(claimed), np.int64)])
    if len(claimed) == 1:
        return float(min(1.0, _overlap_law(claimed[0], sizes[0], counts, is_drawn=True)[overlap:].sum()))
    if overlap == sum(sizes) and (claimed.sum(1) <= np.asarray(sizes)).all():
        return _chance_of_all(claimed, sizes, counts)
    bound = _bound(claimed, sizes, overlap, counts)
    return bound if bound <= _RARE else min(bound, _drawn(claimed, sizes, overlap, counts, rng))


def _chance_of_all(claimed: Array, sizes: Sequence[int], counts: Array) -> float:
    """That every message has the counts claimed."""
    taken, total = claimed.sum(0), int(counts.sum())
    if (taken > counts).any() or (claimed.sum(1) != np.asarray(sizes)).any():
        return 0.0
    falling = (gammaln(counts + 1) - gammaln(counts - taken + 1)).sum() - _log_falling(
        total, int(taken.sum())
    )
    arranged = gammaln(np.asarray(sizes) + 1).sum() - gammaln(claimed + 1).sum()
    return float(min(1.0, np.exp(falling + arranged)))


def _bound(claimed: Array, sizes: Sequence[int], overlap: int, counts: Array) -> float:
    """At least the chance: what independent labels have, times how much drawing without replacement adds."""
    law = np.ones(1)
    for claim, size in zip(claimed, sizes, strict=True):
        law = np.convolve(law, _overlap_law(claim, size, counts, is_drawn=False))
    total, drawn = int(counts.sum()), sum(sizes)
    least = float(law[overlap:].sum())
    if least <= 0.0:
        return 0.0
    return float(
        min(1.0, np.exp(min(0.0, np.log(least) + drawn * np.log(total) - _log_falling(total, drawn))))
    )


def _drawn(
    claimed: Array, sizes: Sequence[int], overlap: int, counts: Array, rng: np.random.Generator
) -> float:
    """The share of messages drawn afresh of which the claims are as right, the one at hand among them."""
    messages, classes = claimed.shape
    slots, place = np.repeat(np.arange(messages), sizes), np.arange(classes)
    of = len(slots)
    most = max(1, min(2_000, _AT_ONCE // max(of, messages * classes)))
    hits = done = 0
    while done < _DRAWS and hits < _ENOUGH:
        at_once = min(most, 100 + done)
        composed = rng.multivariate_hypergeometric(counts, of, size=at_once)
        labels = np.repeat(np.tile(place, at_once), composed.ravel()).reshape(at_once, of)
        rng.permuted(labels, axis=1, out=labels)
        cells = (np.arange(at_once)[:, None] * messages + slots) * classes + labels
        held = np.bincount(cells.ravel(), minlength=at_once * messages * classes)
        right = np.minimum(held.reshape(at_once, messages, classes), claimed).sum((1, 2))
        hits, done = hits + int((right >= overlap).sum()), done + at_once
    return (1 + hits) / (1 + done)


def _overlap_law(claim: Array, size: int, counts: Array, *, is_drawn: bool) -> Array:
    """The chance of each overlap of one message, axes (size + 1,); drawn, or with independent labels."""
    law = np.zeros((size + 1, size + 1))  # axes: items still without a class, overlap so far
    law[size, 0] = 1.0
    rest = int(counts.sum())
    for k in np.flatnonzero(claim > 0):
        own, others = int(counts[k]), rest - int(counts[k])
        chances = _hypergeometric(size, own, others) if is_drawn else _binomial(size, own, rest)
        after = np.zeros_like(law)
        for count in range(size + 1):
            hit = min(count, int(claim[k]))
            # of what had `left` items without a class, `left` − count are without now
            moved = chances[count:, count, None] * law[count:, : size + 1 - hit]
            after[: size + 1 - count, hit:] += moved
        law, rest = after, others
    total: Array = law.sum(0)
    return total


def _log_falling(of: int, count: int) -> float:
    """The logarithm of of·(of − 1)···, so many factors."""
    return float(gammaln(of + 1) - gammaln(of - count + 1))


def _log_ways(of: Array | int, count: Array | int) -> Array:
    """The logarithm of how many ways there are to choose; below no ways, minus infinity."""
    with np.errstate(invalid="ignore"):
        made: Array = gammaln(of + 1) - gammaln(np.asarray(count) + 1) - gammaln(of - np.asarray(count) + 1)
    return made


def _hypergeometric(most: int, own: int, others: int) -> Array:
    """The chances of each count of its own among each number of items drawn, axes (drawn, count)."""
    drawn, count = np.nonzero(np.tri(most + 1, dtype=bool))
    is_possible = (count <= own) & (drawn - count <= others)
    drawn, count = drawn[is_possible], count[is_possible]
    chances = np.zeros((most + 1, most + 1))
    ways = _log_ways(own, count) + _log_ways(others, drawn - count) - _log_ways(own + others, drawn)
    chances[drawn, count] = np.exp(ways)
    return chances


def _binomial(most: int, own: int, of: int) -> Array:
    """The same with independent labels; scipy.stats would take longer to load than all else here."""
    share = own / of if of else 0.0
    drawn, count = np.nonzero(np.tri(most + 1, dtype=bool))
    chances = np.zeros((most + 1, most + 1))
    ways = gammaln(drawn + 1) - gammaln(count + 1) - gammaln(drawn - count + 1)
    chances[drawn, count] = np.exp(ways + xlogy(count, share) + xlog1py(drawn - count, -share))
    return chances
