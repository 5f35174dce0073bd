"""The law of balanced picks: classes alike, then items alike."""

import numpy as np
from scipy.stats import chi2

from nextlabel.strategies.class_balanced import class_balanced

FALSE_ALARM = 1e-6
RUNS = 12_000
CLASSES = np.array([0, 0, 0, 1, 2, 2])
# two labels of class 0, so classes 1 and 2 share the first place: 1/2, and 1/4 for each item of class 2
FIRST = np.array([0.0, 0.0, 0.0, 0.5, 0.25, 0.25])


def passes(picks: list[int], law: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    counts = np.bincount(picks, minlength=len(law))
    if counts[law == 0.0].any():
        return False
    expected = len(picks) * law[law > 0.0]
    statistic = ((counts[law > 0.0] - expected) ** 2 / expected).sum()
    return bool(statistic <= chi2.isf(FALSE_ALARM, len(expected) - 1))


def test_picks_follow_the_law_of_classes_and_items(seed: int) -> None:
    """Null law: the first pick as above. The first three are the item of class 1 and both of class 2: then
    class 1 has none left, and class 2, at one label, was rarer than class 0. The fourth is each item of class
    0 with probability 1/3.

    Statistics: chi-square over 12,000 picks, with 2 degrees of freedom each; rejected above the quantile at
    1 − 1e-6, or where an item of probability 0 comes. The twins: one draws items alike among those of the
    rarest classes; one becomes random once the rarest class is used up.
    """
    rng = np.random.default_rng(seed)
    runs = [
        class_balanced(np.eye(3)[CLASSES], 4, rng=rng, class_counts=np.array([2, 0, 0])).tolist()
        for _ in range(RUNS)
    ]
    assert all(set(one[:3]) == {3, 4, 5} for one in runs)
    fourth = np.array([1 / 3] * 3 + [0.0] * 3)
    assert passes([one[0] for one in runs], FIRST)
    assert passes([one[3] for one in runs], fourth)
    assert not passes(rng.choice([3, 4, 5], size=RUNS).tolist(), FIRST)
    assert not passes(rng.choice(6, size=RUNS).tolist(), fourth)
