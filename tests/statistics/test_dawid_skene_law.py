"""What the votes of careful and contrary annotators say, against its law."""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from nextlabel.maths.dawid_skene import dawid_skene

FALSE_ALARM = 1e-6
ITEMS = 5_000
RIGHT = np.array([0.9, 0.9, 0.1])
"""Two careful annotators, and one who says the contrary nine times of ten."""

BEST = 0.9**3 + 3 * 0.9**2 * 0.1
MAJORITY = 0.9**2 + 2 * 0.9 * 0.1 * 0.1


def drawn(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """True classes; and what each annotator says, axes (n, a)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=ITEMS)
    is_right = rng.random((ITEMS, 3)) < RIGHT
    return truth, np.where(is_right, truth[:, None], 1 - truth[:, None])


def votes_of(said: NDArray[np.int64]) -> NDArray[np.int64]:
    item, annotator = np.indices(said.shape)
    return np.stack([item.ravel(), annotator.ravel(), said.ravel()], axis=1)


def test_labels_together_are_right_as_often_as_the_best_rule_is(seed: int) -> None:
    """Null law: with the contrary one turned round, the majority of three that are right in 9 of 10 cases is
    right in Binomial(5,000, .972) items; the plain majority in Binomial(5,000, .828).

    Statistic: how many items are right. Refused outside the quantiles at 5e-7 and 1 − 5e-7 of its law. The
    rule is the same for all estimates near the truth: a pattern of votes has odds of 9 to 1 at the least. The
    twin is the majority.
    """

    def is_of(right: int, share: float) -> bool:
        low, high = binom.ppf(FALSE_ALARM / 2, ITEMS, share), binom.isf(FALSE_ALARM / 2, ITEMS, share)
        return bool(low <= right <= high)

    truth, said = drawn(seed)
    together = dawid_skene(votes_of(said), 2).posterior.argmax(axis=1)
    majority = (said.sum(axis=1) >= 2).astype(np.int64)
    assert is_of(int((together == truth).sum()), BEST)
    assert is_of(int((majority == truth).sum()), MAJORITY)
    assert not is_of(int((majority == truth).sum()), BEST)


def information() -> NDArray[np.float64]:
    """Fisher's information of one item about the share of class 1 and each annotator's P(says 1 | class)."""
    theta = np.stack([1.0 - RIGHT, RIGHT], axis=1)  # P(says 1 | class 0), P(says 1 | class 1)
    total = np.zeros((7, 7))
    for votes in product((0, 1), repeat=3):
        each = np.array([[t if v else 1.0 - t for t in row] for v, row in zip(votes, theta, strict=True)])
        of_class = 0.5 * each.prod(axis=0)
        slope = np.zeros(7)
        slope[0] = each[:, 1].prod() - each[:, 0].prod()
        for a, v in enumerate(votes):
            for k in range(2):
                slope[1 + 2 * a + k] = of_class[k] / each[a, k] * (1.0 if v else -1.0)
        total += np.outer(slope, slope) / of_class.sum()
    return total


def test_confusions_are_as_near_as_their_information_allows(seed: int) -> None:
    """Null law: estimates are normal about the truth, with the inverse of the information of 5,000 items.

    Statistic: the largest of the six errors in units of its standard deviation, refused above the normal
    quantile at 1e-6 / 6, two-sided. The twin counts agreement with the majority in place of the truth.
    """
    deviation = np.sqrt(np.diag(np.linalg.inv(information()))[1:] / ITEMS).reshape(3, 2)
    most = norm.isf(FALSE_ALARM / 12)
    expected = np.stack([1.0 - RIGHT, RIGHT], axis=1)
    _, said = drawn(seed)

    def passes(found: NDArray[np.float64]) -> bool:
        return bool((np.abs(found - expected) / deviation).max() <= most)

    majority = said.sum(axis=1) >= 2
    agreeing = np.stack([said[~majority].mean(axis=0), said[majority].mean(axis=0)], axis=1)
    assert passes(dawid_skene(votes_of(said), 2).confusion[:, :, 1])
    assert not passes(agreeing)
    assert deviation.max() < 0.012
