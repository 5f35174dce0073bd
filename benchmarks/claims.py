"""How often a report says something false of equals, and finds what is better: docs/explanation/claims.md.

python -m benchmarks.claims

Curves are simulated, with a seed. A seed is hard or easy for all strategies of a report; the rest is noise.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nextlabel.experiment.comparison import labels_saved
from nextlabel.experiment.verdicts import BETTER, verdicts
from nextlabel.maths.intervals import Interval, student_interval
from nextlabel.maths.summaries import area_under_budget_curve

LABELS = np.arange(100, 1301, 200)
EXPECTED = 0.85 - 0.5 * np.exp(-LABELS / 400)
EQUALS, REPORTS, SEED = 3, 20_000, 0

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, int, int]], Floats]


def plain(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    return rng.normal(0.0, 0.01, shape)


def unequal(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """The baseline, then strategies that vary half, twice and thrice as much."""
    return rng.normal(0.0, np.array([0.01, 0.005, 0.02, 0.03])[:, None, None], shape)


def lasting(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """What one checkpoint is off by, the next is mostly off by too: correlation 0.9."""
    found = rng.normal(0.0, 0.01, shape)
    for k in range(1, shape[2]):
        found[:, :, k] = 0.9 * found[:, :, k - 1] + np.sqrt(1.0 - 0.9**2) * found[:, :, k]
    return found


def astray(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """One run in ten is lower by ten points from beginning to end."""
    return plain(rng, shape) - 0.1 * (rng.random((*shape[:2], 1)) < 0.1)


def skewed(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """The baseline's runs are mostly a little low and seldom much too high, by an exponential law."""
    found = rng.normal(0.0, 0.002, shape)
    found[0] += 0.02 * (rng.exponential(size=(shape[1], 1)) - 1.0)
    return found


def saves(ours: Floats, random: Floats) -> bool:
    """Whether the sentence on the lead claims labels saved."""
    saving = labels_saved(LABELS, ours, random)
    return saving.needed_interval.high < saving.baseline_needed


def is_above(ours: Floats, random: Floats, own: Interval) -> bool:
    """Whether it claims a larger area instead, where the lead's mean never reaches random's end."""
    return bool(np.isinf(labels_saved(LABELS, ours, random).needed)) and own.low > 0.0


def equals(noise: Noise, seeds: int, reports: int) -> str:
    rng = np.random.default_rng(SEED)
    named = alone = saved = above = either = 0
    for _ in range(reports):
        hard = rng.normal(0.0, 0.02, (seeds, 1))
        curves = EXPECTED + hard + noise(rng, (EQUALS + 1, seeds, len(LABELS)))
        areas = np.stack([area_under_budget_curve(LABELS, one) for one in curves], axis=1)
        gains = areas[:, 1:] - areas[:, :1]
        own = [student_interval(values) for values in gains.T]
        is_named = BETTER in verdicts(gains)
        is_saved = saves(curves[1], curves[0])
        is_larger = is_above(curves[1], curves[0], own[0])
        named += is_named
        alone += any(one.low > 0.0 for one in own)
        saved += is_saved
        above += is_larger
        either += is_named or is_saved or is_larger
    return (
        f"better {named / reports:.1%}; judged one by one {alone / reports:.1%}; "
        f"the sentence claims a saving {saved / reports:.1%}, or a larger area {above / reports:.1%}; "
        f"sentence or verdict {either / reports:.1%}"
    )


def power(strategies: int, reports: int) -> float:
    """One strategy is better by a point, sd of the paired difference 1.5 points, 30 seeds."""
    rng = np.random.default_rng(SEED)
    means = [0.01] + [0.0] * (strategies - 1)
    found = sum(
        verdicts(rng.normal(means, 0.015, size=(30, strategies)))[0] == BETTER for _ in range(reports)
    )
    return found / reports


def main() -> None:
    cases: list[tuple[str, Noise, int, int]] = [
        ("as in the tests", plain, 10, REPORTS),
        ("strategies that vary half, twice and thrice as much", unequal, 10, REPORTS // 4),
        ("errors that last along a curve", lasting, 10, REPORTS // 4),
        ("one run in ten goes astray", astray, 10, REPORTS // 4),
        ("a baseline of an exponential law", skewed, 5, REPORTS // 4),
        ("a baseline of an exponential law", skewed, 10, REPORTS // 4),
        ("a baseline of an exponential law", skewed, 30, REPORTS // 4),
    ]
    for name, noise, seeds, reports in cases:
        said = equals(noise, seeds, reports)
        print(f"{EQUALS} equals, {seeds} seeds, {name}, {reports:,} reports: {said}", flush=True)
    for strategies in (3, 5):
        found = power(strategies, REPORTS // 2)
        print(
            f"better by a point, {strategies} compared, {REPORTS // 2:,} reports: found {found:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
