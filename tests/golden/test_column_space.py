"""The column space of a noisy matrix: rank, who lies in it, and how much is explained."""

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.maths.column_space import ColumnSpace, column_space, least_gap, rank_of

Floats = NDArray[np.float64]


def made(rank: int, noise: float, rng: np.random.Generator) -> tuple[ColumnSpace, Floats]:
    """The space of a 40 × 120 matrix of so many vectors, with noise; and the vectors."""
    vectors = rng.normal(size=(rank, 40))
    return column_space(
        vectors.T @ rng.normal(size=(rank, 120)) + noise * rng.normal(size=(40, 120))
    ), vectors


@pytest.mark.parametrize("noise", [0.0, 1e-7, 1e-3, 0.1, 0.7])
def test_the_rank_is_the_number_of_vectors_at_any_noise_below_the_signal(noise: float) -> None:
    # the least of 12 singular values is about (√120 - √12)(√40 - √12) = 21; noise ends at √40 + √120 = 17
    # times its size: 12 at 0.7
    space, _ = made(12, noise, np.random.default_rng(0))
    assert space.rank == 12
    assert not space.is_exhausted
    assert space.gap > (1e3 if noise < 1e-2 else 1.0)


def test_as_many_vectors_as_dimensions_exhaust_the_space() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(45, 40)) * 10.0 ** -np.linspace(0, 4, 45)[:, None]
    space = column_space(vectors.T @ rng.normal(size=(45, 120)))
    assert (space.rank, space.size, space.is_exhausted) == (40, 40, True)
    assert space.gap == float("inf")
    assert space.scores(np.random.default_rng(1).normal(size=(3, 40))).tolist() == [0.0, 0.0, 0.0]
    assert space.unexplained(vectors) == float("inf")  # they would explain any other matrix too


def test_values_that_fall_evenly_fill_the_space() -> None:
    # no step, and no remainder that is as level as noise
    values = 0.7 ** np.arange(40.0)
    assert rank_of(values, (40, 120)) == 40
    # the last value may be small by chance, and a hundred times smaller than the one before
    assert rank_of(np.append(values[:39], values[38] / 100.0), (40, 120)) == 40
    assert rank_of(np.append(values[:39], values[38] / 3000.0), (40, 120)) == 39


def test_a_fall_to_known_rounding_needs_no_more_than_any_other() -> None:
    values = np.append(0.7 ** np.arange(39.0), 1e-8)
    assert rank_of(values, (40, 120)) == 40
    assert rank_of(values, (40, 120), 1e-8) == 39
    matrix = np.hstack([np.diag(values), np.zeros((40, 80))])
    assert column_space(matrix).rank == 40
    assert column_space(matrix, precision=1e-8).rank == 39


def ranks(seed: int, least: float) -> int:
    """How many of 1000 square matrices of rank 12 with level noise are given another; by falls from least on.

    With ``least`` 0 it is the rank that `rank_of` reads.
    """
    rng, wrong = np.random.default_rng(seed), 0
    for _ in range(1000):
        signal = rng.normal(size=(40, 12)) @ rng.normal(size=(12, 40))
        values: Floats = np.linalg.svd(signal + 1e-3 * rng.normal(size=(40, 40)), compute_uv=False).astype(
            np.float64
        )
        falls = np.flatnonzero(values[:-1] >= least * values[1:])
        wrong += (int(falls[-1]) + 1 if least else rank_of(values, (40, 40))) != 12
    return wrong


def test_the_weakest_of_the_noise_is_not_taken_for_its_absence(seed: int) -> None:
    """The last two falls of the noise each reach what is asked for once in a thousand draws, at most.

    More than 14 of 1000 have a chance below 1e-8 (binomial). That the signal's own gap, of about a thousand,
    is below 20 has a chance that does not count.
    """
    assert ranks(seed, 0.0) <= 14


def test_falls_by_twenty_would_take_it_so(seed: int) -> None:
    # the twin: nearly one draw in ten ends with such a fall
    assert ranks(seed, 20.0) > 14


def with_a_gap(seed: int, *, is_full: bool) -> int:
    """Of 2000 square matrices of full rank, or of rank 12 with a little noise, how many show a gap."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(2000):
        matrix = rng.normal(size=(16, 16))
        if not is_full:
            matrix = matrix[:, :12] @ rng.normal(size=(12, 16)) + 1e-4 * matrix
        values: Floats = np.linalg.svd(matrix, compute_uv=False).astype(np.float64)
        # the cut is not chosen: four values are left over
        space = ColumnSpace(np.eye(16)[:, :12], values, 12, 16, 1.0, np.eye(16), 16)
        found += space.has_gap
    return found


def test_a_spectrum_without_noise_has_no_gap(seed: int) -> None:
    """Each has one with a chance of 1e-3 at most: more than 14 of 2000 with one below 1e-7 (binomial)."""
    assert with_a_gap(seed, is_full=True) <= 14


def test_a_spectrum_with_a_little_noise_has_a_gap(seed: int) -> None:
    # the twin: nearly all have one; the least of twelve would have to be as small as the noise
    assert with_a_gap(seed, is_full=False) > 14


def test_the_least_gap_falls_with_what_is_left_over() -> None:
    # one value is small by chance with a chance of about 2 / g, which makes 2000 at one in a thousand
    assert 2000 < least_gap(1) < 4000
    gaps = [least_gap(left_over) for left_over in range(1, 200)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] > 1.0


def test_a_space_that_is_full_or_empty_has_no_gap() -> None:
    assert not column_space(np.eye(3)).has_gap
    assert not column_space(np.zeros((4, 9))).has_gap


def test_the_rank_of_zeros_is_zero() -> None:
    space = column_space(np.zeros((4, 9)))
    assert (space.rank, space.gap, space.clarity(1)) == (0, float("inf"), float("inf"))
    assert rank_of(np.zeros(0), (0, 3)) == 0


def test_noise_alone_has_rank_zero() -> None:
    space = column_space(np.random.default_rng(0).normal(size=(60, 200)))
    assert (space.rank, space.gap) == (0, 0.0)


def test_dimensions_that_vectors_never_use_are_left_out() -> None:
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(100, 8))
    reference -= reference.mean(axis=1, keepdims=True)  # of eight dimensions seven are used
    space = column_space(reference[:7].T @ rng.normal(size=(7, 30)), reference)
    assert space.within.shape == (8, 7)
    assert space.size == 7


def test_distances_are_shares_of_a_length() -> None:
    space = column_space(np.array([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]))
    found = space.distances(np.array([[5.0, 0.0, 0.0], [0.0, 7.0, 0.0], [3.0, 0.0, 4.0], [0.0, 0.0, 0.0]]))
    assert found.tolist() == pytest.approx([0.0, 1.0, 0.8, 0.0])


def within_bound(seed: int, shrunk: float) -> int:
    """How many of 2000 vectors of noisy spaces score at most 1, the noise taken for so many times itself."""
    rng = np.random.default_rng(seed)
    passed = 0
    for _ in range(200):
        space, vectors = made(10, 0.2, rng)
        lesser = ColumnSpace(
            space.basis, space.values, space.rank, space.size, shrunk * space.noise, space.within, 120
        )
        # so many tried that no foreign vector gives the bound: it is that of the noise alone
        passed += int((lesser.scores(vectors, 10**40) <= 1.0).sum())
    return passed


def test_vectors_of_the_space_pass(seed: int) -> None:
    """Each of 2000 fails with a chance of at most 1e-6 (F law): more than 3 with one below 1e-12."""
    assert within_bound(seed, 1.0) >= 1997


def test_vectors_fail_where_the_noise_is_taken_for_half(seed: int) -> None:
    # the twin: a bound at half the distance loses one in ten
    assert within_bound(seed, 0.5) < 1997


def test_no_foreign_vector_passes_where_the_noise_is_low(seed: int) -> None:
    """Beta law: a thousandth of one of all passes the upper bound; the bound lies far below, at (D - r) / 2.

    The noise is 1e-5 of the signal: the bound is a thirtieth of the upper one at most, so that the chance is
    below 1e-3 · 30 ** -28.
    """
    rng = np.random.default_rng(seed)
    space, vectors = made(12, 1e-5, rng)
    assert (space.scores(rng.normal(size=(2000, 40))) > 1.0).all()
    assert (space.scores(vectors) <= 1.0).all()


def test_all_vectors_explain_the_matrix_and_all_but_one_do_not() -> None:
    space, vectors = made(12, 1e-4, np.random.default_rng(0))
    assert space.unexplained(vectors) <= 1.0
    assert space.unexplained(np.concatenate([vectors, vectors[:3]])) <= 1.0
    assert space.unexplained(vectors[1:]) > 10.0


def test_clarity_falls_below_one_where_noise_begins() -> None:
    space, _ = made(12, 0.1, np.random.default_rng(0))
    assert space.clarity(12) > 5.0
    assert space.clarity(13) < 1.05
    assert space.clarity(41) == 0.0
