"""The made sets follow their laws, before they are scaled."""

import numpy as np
import pytest
from scipy import stats

from nextlabel.core.rng import generator
from nextlabel.datasets.generators import clusters, curves

ALARM = 1e-6
CENTRES = np.repeat([[0.0, 0.0], [4.0, 3.0], [0.0, 6.0], [4.0, 3.0]], 150, axis=0)


def follows_the_honeypot(points: np.ndarray) -> bool:
    """Sum of squares about the centres, chi-square with 1,200; squared cluster means × 150, with 8."""
    residual = points - CENTRES
    means = residual.reshape(4, 150, 2).mean(axis=1)
    within = stats.chi2.cdf((residual**2).sum(), 1200)
    between = stats.chi2.cdf(150 * (means**2).sum(), 8)
    return all(ALARM / 4 < one < 1 - ALARM / 4 for one in (within, between))


@pytest.mark.parametrize("shift", [0.0, 0.75])
def test_clusters_are_unit_gaussians_about_their_centres(seed: int, shift: float) -> None:
    """Null: independent standard normals about the four centres.

    Two statistics, each two-sided at 2.5e-7 a side: false alarm 1e-6. Twin: the second cluster lies 0.75
    lower; 150 · 0.75² = 84 is the shift of a chi-square of 8, whose threshold is 45.
    """
    points = clusters(generator(seed))
    points[150:300, 1] -= shift
    assert follows_the_honeypot(points) == (shift == 0.0)


def follows_the_sines(points: np.ndarray) -> bool:
    """Squared noise over 0.09, chi-square with 200; the place along the axis, Kolmogorov against uniform."""
    across, height = points.T
    slope = np.repeat([0.5, -0.5], 100)
    noise = (height - np.sin(2 * across) - slope * across) / 0.3
    spread = stats.chi2.cdf((noise**2).sum(), 200)
    uniform = stats.kstest(across, stats.uniform(0, 10).cdf).pvalue
    return bool(ALARM / 4 < spread < 1 - ALARM / 4 and uniform > ALARM / 2)


@pytest.mark.parametrize("wrong", ["", "noise", "uniform"])
def test_curves_are_two_sines_with_noise(seed: int, wrong: str) -> None:
    """Null: normal noise of deviation 0.3 about the curves, and a uniform place along the axis.

    Chi-square two-sided at 2.5e-7 a side and Kolmogorov at 5e-7: false alarm 1e-6. Twins: noise twice as wide
    (chi-square near 800, threshold 316); the axis squeezed to its first half (Kolmogorov distance 1/2,
    threshold 0.19), where the noise is drawn again.
    """
    points = curves(generator(seed))
    if wrong:
        across, height = points.T
        slope = np.repeat([0.5, -0.5], 100)
        noise = height - np.sin(2 * across) - slope * across
        across = across / 2 if wrong == "uniform" else across
        noise = noise * 2 if wrong == "noise" else noise
        points = np.column_stack([across, np.sin(2 * across) + slope * across + noise])
    assert follows_the_sines(points) == (not wrong)
