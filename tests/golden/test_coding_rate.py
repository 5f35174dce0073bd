"""The coding rate in both forms, and the greedy batch against determinants written out."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths import coding_rate as module
from nextlabel.maths.coding_rate import coding_rate, greedy_log_determinant

Floats = NDArray[np.float64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def log_det(matrix: Floats) -> float:
    sign, value = np.linalg.slogdet(matrix)
    assert sign > 0
    return float(value)


def posterior(features: Floats, labelled: Floats, sigma: float) -> Floats:
    """k(x, y) − k(x, L)(K_LL + σ²·I)⁻¹k(L, y), as it is written."""
    across = features @ labelled.T
    observed = labelled @ labelled.T + sigma**2 * np.eye(len(labelled))
    return np.asarray(features @ features.T - across @ np.linalg.solve(observed, across.T))


def plain(kernel: Floats, noise: Floats, bonus: Floats, batch: int) -> tuple[list[int], list[float]]:
    """Pivoted Cholesky: a column of the factor for every pick; data without ties."""
    n = len(kernel)
    left, columns = np.diag(kernel) + noise, np.zeros((0, n))
    positions: list[int] = []
    pivots: list[float] = []
    for _ in range(batch):
        gains = 0.5 * np.log(left) + bonus
        gains[positions] = -np.inf
        pick = int(gains.argmax())
        row = kernel[pick] - columns[:, pick] @ columns
        positions.append(pick)
        pivots.append(float(left[pick]))
        columns = np.vstack([columns, row / np.sqrt(left[pick])])
        left = np.diag(kernel) + noise - (columns**2).sum(axis=0)
    return positions, pivots


def test_both_forms_of_the_coding_rate_agree_and_two_axes_are_known() -> None:
    # orthonormal rows, n = d: ½·d·log(1 + 1/ε²)
    assert coding_rate(np.eye(3), 0.5) == pytest.approx(1.5 * np.log(5.0))
    rows = rng().standard_normal((7, 4))
    for z in (rows, rows.T):
        n, d = z.shape
        by_features = 0.5 * log_det(np.eye(d) + d / (n * 0.09) * z.T @ z)
        by_kernel = 0.5 * log_det(np.eye(n) + d / (n * 0.09) * z @ z.T)
        assert coding_rate(z, 0.3) == pytest.approx(by_features, rel=1e-12)
        assert coding_rate(z, 0.3) == pytest.approx(by_kernel, rel=1e-12)
    assert coding_rate(np.empty((0, 3)), 1.0) == 0.0
    assert coding_rate(np.zeros((2, 3)), 1.0) == 0.0


def test_a_coding_rate_needs_a_distortion_and_finite_rows() -> None:
    with pytest.raises(ParameterError, match=r"'epsilon' must be a finite number above 0; received 0"):
        coding_rate(np.eye(2), 0)
    with pytest.raises(SignalError, match="'features' must be finite; row 1"):
        coding_rate(np.array([[1.0], [np.nan]]), 1.0)


@pytest.mark.parametrize("seed", range(4))
def test_every_pivot_is_a_ratio_of_determinants(seed: int) -> None:
    features, labelled = rng(seed).standard_normal((30, 6)), rng(seed + 9).standard_normal((4, 6))
    noise = 0.01 + 0.1 * rng(seed).random(30)
    positions, pivots = greedy_log_determinant(features, 12, noise=noise, labelled=labelled, rng=rng())
    noisy = posterior(features, labelled, 0.1) + np.diag(noise)
    for k, pivot in enumerate(pivots):
        one, less = positions[: k + 1], positions[:k]
        ratio = np.linalg.det(noisy[np.ix_(one, one)]) / (
            np.linalg.det(noisy[np.ix_(less, less)]) if k else 1
        )
        assert pivot == pytest.approx(
            ratio, rel=1e-12 * 30
        )  # thirty times: determinants of 12 rows round too
    assert (np.diff(pivots) <= 0).all()


def test_the_first_pivots_are_ratios_of_determinants_to_twelve_digits() -> None:
    features, noise = rng(1).standard_normal((6, 4)), np.full(6, 0.5)
    noisy = features @ features.T + np.diag(noise)
    positions, pivots = greedy_log_determinant(features, 3, noise=noise, rng=rng())
    i, j, k = positions
    two = noisy[i, i] * noisy[j, j] - noisy[i, j] ** 2
    three = (
        noisy[k, k] * two
        - noisy[i, k] * (noisy[i, k] * noisy[j, j] - noisy[i, j] * noisy[j, k])
        + noisy[j, k] * (noisy[i, k] * noisy[i, j] - noisy[i, i] * noisy[j, k])
    )
    np.testing.assert_allclose(pivots, [noisy[i, i], two / noisy[i, i], three / two], rtol=1e-12)


@pytest.mark.parametrize("labels", [0, 3, 9])
@pytest.mark.parametrize("seed", range(3))
def test_late_updates_change_nothing(seed: int, labels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sequence of a plain pivoted Cholesky, whether few items are brought up to date or all."""
    features, labelled = rng(seed).standard_normal((400, 6)), rng(seed + 5).standard_normal((labels, 6))
    features *= rng(seed).gamma(1.0, size=(400, 1))  # lengths of all sizes: bounds are of use
    noise, bonus = 0.01 + 0.2 * rng(seed).random(400), 0.2 * rng(seed).random(400)
    for extra in (np.zeros(400), bonus):
        expected = plain(posterior(features, labelled, 0.1), noise, extra, 60)
        for many, whole in ((256, 0.25), (3, 0.25), (1, 2.0), (1000, 0.0)):
            monkeypatch.setattr(module, "_FRESHENED", many)
            monkeypatch.setattr(module, "_WHOLE", whole)
            monkeypatch.setattr(module, "_GATHERED", 7)
            positions, pivots = greedy_log_determinant(
                features, 60, noise=noise, bonus=extra, labelled=labelled, rng=rng()
            )
            assert positions.tolist() == expected[0]
            np.testing.assert_allclose(pivots, expected[1], rtol=1e-9)


def test_few_items_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    features = rng().standard_normal((5_000, 32))
    looked: list[int] = []
    update = module._Picking._update

    def counting(self: Any, items: Any, rows: Any) -> None:
        looked.append(len(items))
        update(self, items, rows)

    monkeypatch.setattr(module._Picking, "_update", counting)
    greedy_log_determinant(features, 50, noise=np.full(5_000, 0.01), rng=rng())
    assert sum(looked) < 0.5 * 49 * 5_000


def test_of_two_copies_the_second_adds_its_noise_and_what_is_left() -> None:
    # kernel value k = 4, noise s² = 0.25: the second pivot is s²(1 + k/(k + s²))
    pair = np.array([[2.0, 0.0], [2.0, 0.0]])
    _, pivots = greedy_log_determinant(pair, 2, noise=np.full(2, 0.25), rng=rng())
    np.testing.assert_allclose(pivots, [4.25, 0.25 * (1 + 4 / 4.25)], rtol=1e-14)


@pytest.mark.parametrize("sigma", [0.1, 1e-3, 3.0])
def test_a_copy_of_a_labelled_item_scores_what_its_noise_leaves(sigma: float) -> None:
    # kσ²/(k + σ²) + noise
    row = np.array([[1.5, 2.0]])
    _, pivots = greedy_log_determinant(
        row, 1, noise=np.array([0.07]), labelled=row, label_noise=sigma, rng=rng()
    )
    k = 6.25
    assert pivots[0] == pytest.approx(k * sigma**2 / (k + sigma**2) + 0.07, rel=1e-9)


@pytest.mark.parametrize("labels", [2, 12])
def test_labels_without_noise_leave_nothing_of_what_they_span(labels: int) -> None:
    features = rng().standard_normal((8, 5))
    labelled = rng(1).standard_normal((labels, 5)) * [1, 1, 0, 0, 0]
    _, pivots = greedy_log_determinant(
        features, 1, noise=np.zeros(8), labelled=labelled, label_noise=0, rng=rng()
    )
    rest = (features[:, 2:] ** 2).sum(axis=1)
    assert pivots[0] == pytest.approx(rest.max(), rel=1e-12)


def test_many_labelled_rows_are_a_few_that_say_the_same() -> None:
    """The kernel given l > r rows is that given the r rows of their QR factor: against the plain formula."""
    features, labelled = rng(3).standard_normal((9, 3)), rng(4).standard_normal((40, 3))
    positions, pivots = greedy_log_determinant(
        features, 5, noise=np.full(9, 0.01), labelled=labelled, rng=rng()
    )
    expected = plain(posterior(features, labelled, 0.1), np.full(9, 0.01), np.zeros(9), 5)
    assert positions.tolist() == expected[0]
    np.testing.assert_allclose(pivots, expected[1], rtol=1e-9)


def test_without_noise_the_picking_ends_with_the_rank() -> None:
    features = rng().standard_normal((9, 3)) @ rng(1).standard_normal((3, 6))
    positions, pivots = greedy_log_determinant(features, 9, noise=np.zeros(9), rng=rng())
    assert len(positions) == len(pivots) == 3
    positions, _ = greedy_log_determinant(np.zeros((4, 2)), 2, noise=np.zeros(4), rng=rng())
    assert len(positions) == 0
    # a noise of its own makes an item worth picking; the others stay without any
    positions, _ = greedy_log_determinant(np.zeros((4, 2)), 3, noise=np.array([0, 0, 2.0, 1.0]), rng=rng())
    assert positions.tolist() == [2, 3]


def test_equal_items_are_drawn_evenly_wherever_they_lie() -> None:
    rows = np.tile(rng().standard_normal((1, 37)), (11, 1))
    firsts = {
        int(greedy_log_determinant(rows, 2, noise=np.full(11, 0.01), rng=rng(seed))[0][place])
        for seed in range(200)
        for place in (0, 1)
    }
    assert firsts == set(range(11))


def test_what_is_equal_but_for_rounding_is_equal() -> None:
    """Rows of the same numbers in other orders are equally long, and their sums of squares differ in the last
    digits. One of eight missing among 200 draws: 8·(7/8)²⁰⁰ < 3e-11."""
    numbers = 0.1 + 3.0 * rng(1).random(30)
    rows = np.array([rng(k).permutation(numbers) for k in range(8)])
    assert len({float(row @ row) for row in rows}) > 1
    firsts = {
        int(greedy_log_determinant(rows, 1, noise=np.full(8, 0.01), rng=rng(seed))[0][0])
        for seed in range(200)
    }
    assert firsts == set(range(8))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"noise": [0.1, -0.2, 0.1]}, SignalError, "0 or more for every item; received -0.2 for item 1"),
        ({"noise": [0.1]}, SignalError, "'noise' and 'features' must agree on axis 'n'"),
        ({"bonus": [0.1]}, SignalError, "'bonus' and 'features' must agree on axis 'n'"),
        ({"labelled": [[1.0, 2.0]]}, SignalError, "'labelled' and 'features' must agree on axis 'd'"),
        (
            {"label_noise": -1},
            ParameterError,
            "'label_noise' must be a finite number of at least 0; received -1",
        ),
        ({"batch": 4}, BatchSizeError, "the 3 items at hand; received 4"),
        ({"features": [[1e200], [1.0], [1.0]]}, SignalError, "rows of 'features' must fit into float64"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    given: dict[str, Any] = {"features": np.ones((3, 1)), "noise": np.ones(3), "batch": 1, **wrong}
    features, batch = given.pop("features"), given.pop("batch")
    with pytest.raises(error, match=message):
        greedy_log_determinant(features, batch, rng=rng(), **given)
