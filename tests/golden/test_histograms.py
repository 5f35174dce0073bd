"""The entropy of a histogram: shares, empty ones, and counts that begin at one."""

import numpy as np
import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.histograms import histogram_entropy


def test_counts_are_read_as_shares() -> None:
    counts = np.array([[1.0, 1.0, 1.0, 1.0], [5.0, 0.0, 0.0, 0.0], [1.0, 3.0, 0.0, 0.0]])
    quarter = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    np.testing.assert_allclose(histogram_entropy(counts), [np.log(4), 0.0, quarter], rtol=1e-14)
    np.testing.assert_allclose(histogram_entropy(counts * 1e300), [np.log(4), 0.0, quarter], rtol=1e-14)


def test_no_object_at_all_has_no_entropy_unless_counts_begin_at_one() -> None:
    empty = np.zeros((1, 3))
    assert histogram_entropy(empty).tolist() == [0.0]
    assert histogram_entropy(empty, smoothing=1)[0] == pytest.approx(np.log(3))
    # (1, 0) counted from one is (2, 1)
    expected = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert histogram_entropy(np.array([[1.0, 0.0]]), smoothing=1)[0] == pytest.approx(expected)


def test_smoothing_is_in_counts() -> None:
    # (5, 1) counted from one is (6, 2), from a half (5.5, 1.5)
    for smoothing, share in ((1.0, 6 / 8), (0.5, 5.5 / 7)):
        expected = -(share * np.log(share) + (1 - share) * np.log(1 - share))
        found = histogram_entropy(np.array([[5.0, 1.0]]), smoothing=smoothing)
        assert found[0] == pytest.approx(expected)


def test_negative_counts_and_smoothing_are_refused() -> None:
    with pytest.raises(SignalError, match="must be 0 or more; row 1 holds -2"):
        histogram_entropy(np.array([[1.0, 0.0], [0.0, -2.0]]))
    with pytest.raises(
        ParameterError, match="'smoothing' must be a finite number of at least 0; received -1"
    ):
        histogram_entropy(np.ones((1, 2)), smoothing=-1)
