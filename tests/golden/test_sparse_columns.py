"""Sparse columns are found in a span, whatever basis it is given by."""

import numpy as np
import pytest

from nextlabel.maths.sparse_columns import SparseColumns


def hidden(
    units: int, columns: int, seed: int, share: float = 0.5
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A matrix of which a share of the entries is zero."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(size=(units, columns)) * (rng.random((units, columns)) > share))


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_the_columns_are_found_up_to_their_length(columns: int) -> None:
    sparse = hidden(60, columns, columns)
    basis = sparse @ np.random.default_rng(9).normal(size=(columns, columns))
    found = SparseColumns(basis, 1e-9)
    found.draw(2_000, np.random.default_rng(0))
    chosen = found.sparsest()
    assert chosen is not None
    made = basis @ chosen.T
    cosines = (made / np.linalg.norm(made, axis=0)).T @ (sparse / np.linalg.norm(sparse, axis=0))
    assert np.abs(cosines).max(axis=0) == pytest.approx(np.ones(columns), abs=1e-12)


def test_a_dense_matrix_has_no_sparse_columns() -> None:
    found = SparseColumns(np.random.default_rng(0).normal(size=(40, 4)), 1e-9)
    found.draw(500, np.random.default_rng(1))
    assert found.sparsest() is None
    assert len(found.directions) == 0


def test_fewer_rows_than_columns_give_nothing() -> None:
    found = SparseColumns(np.random.default_rng(0).normal(size=(3, 4)), 1e-9)
    found.draw(50, np.random.default_rng(1))
    assert found.sparsest() is None


def test_one_column_is_its_own_span() -> None:
    found = SparseColumns(np.ones((5, 1)), 1e-9)
    found.draw(1, np.random.default_rng(0))
    chosen = found.sparsest()
    assert chosen is not None
    assert chosen.tolist() == [[1.0]]


def test_rows_of_zeros_are_no_evidence() -> None:
    sparse = np.vstack([hidden(40, 3, 0), np.zeros((400, 3))])
    found = SparseColumns(sparse, 1e-9)
    found.draw(500, np.random.default_rng(0))
    assert found.zeros.max() <= 40


@pytest.mark.parametrize("columns", [3, 4, 5])
def test_sets_of_rows_that_have_no_null_vector_are_passed_over(columns: int) -> None:
    """As pruning leaves them: of rows in few directions a set may be singular to the last digit."""
    rows = np.repeat(np.random.default_rng(0).normal(size=(3, columns)), 8, axis=0)
    for seed in range(5):
        found = SparseColumns(rows, 1e-9)
        found.draw(20_000, np.random.default_rng(seed))
        assert np.isfinite(found.directions).all()


def test_draws_beside_singular_ones_count() -> None:
    sparse = np.vstack([hidden(40, 3, 0), np.repeat(np.eye(3), 8, axis=0)])
    basis = sparse @ np.random.default_rng(9).normal(size=(3, 3))
    found = SparseColumns(basis, 1e-9)
    found.draw(40_000, np.random.default_rng(0))
    assert found.sparsest() is not None


def test_parallel_rows_are_borne() -> None:
    # units that are on for the same single item have parallel rows: two of them have no unique null vector
    sparse = np.kron(np.eye(3), np.ones((8, 1)))
    found = SparseColumns(sparse @ np.random.default_rng(0).normal(size=(3, 3)), 1e-9)
    found.draw(300, np.random.default_rng(0))
    chosen = found.sparsest()
    assert chosen is not None
    assert sorted(found.zeros[:3].tolist()) == [16, 16, 16]


def test_no_more_than_asked_are_kept() -> None:
    found = SparseColumns(hidden(60, 4, 1), 1e-9, least_zeros=0, most=7)  # any null vector would do
    found.draw(2_000, np.random.default_rng(0))
    assert len(found.directions) == len(found.zeros) == 7
    assert (np.diff(found.zeros) <= 0).all()


def test_a_tolerance_below_the_noise_finds_nothing_and_one_above_finds_all() -> None:
    # the bound of the noise is its largest entry over the shortest row, which the product cannot exceed
    sparse = hidden(60, 3, 2, share=0.6)
    sparse = sparse[np.linalg.norm(sparse, axis=1) > 0.3]
    noise = 1e-5 * np.random.default_rng(3).uniform(-1, 1, size=sparse.shape)
    exact, loose = SparseColumns(sparse + noise, 1e-12, least_zeros=4), SparseColumns(sparse + noise, 1e-3)
    for one in (exact, loose):
        one.draw(2_000, np.random.default_rng(0))
    assert exact.sparsest() is None
    chosen = loose.sparsest()
    assert chosen is not None
    assert np.sort(np.abs(chosen).max(axis=1)) == pytest.approx(np.ones(3), abs=1e-3)
