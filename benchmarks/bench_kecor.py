"""KECOR: the greedy log-determinant with late updates against a kernel row for every pick."""

import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Floats, rectified_mixture
from benchmarks.measure import Row, cpu_seconds, median, shown
from nextlabel.maths.axes import Positions
from nextlabel.strategies.kecor import kecor

N, BATCH, LABELLED = 50_000, 200, 500


def rows() -> list[Row]:
    proba, features = rectified_mixture(N + LABELLED)
    features /= np.sqrt(np.einsum("nd,nd->n", features, features).mean())
    entropies = -(proba * np.log(np.maximum(proba, 1e-30))).sum(axis=1, dtype=np.float64)[LABELLED:]
    gaussian = np.random.default_rng(0).standard_normal((N + LABELLED, 512), dtype=np.float32)
    gaussian /= np.sqrt(512.0, dtype=np.float32)
    return [
        _row("a rectified mixture", features, entropies),
        _row("a Gaussian, where all rows are about as long", gaussian, entropies),
    ]


def _row(of: str, features: Floats, entropies: NDArray[np.float64]) -> Row:
    labelled, pool = features[:LABELLED], features[LABELLED:]

    def ours() -> Positions:
        return kecor(pool, BATCH, entropies=entropies, labelled=labelled, rng=np.random.default_rng(0))

    seconds = median(cpu_seconds(ours, repeats=3))
    before = time.process_time()
    expected = _pivoted_cholesky(pool, BATCH, entropies, labelled)
    plain = time.process_time() - before
    is_equal = bool((ours() == expected).all())
    return Row(
        f"KECOR, n = {N:,}, r = 512, b = {BATCH}, {LABELLED} labelled: {of}, against pivoted Cholesky",
        shown(seconds),
        shown(plain),
        f"{plain / seconds:.0f} times",
        "under 5 s, the same sequence",
        seconds < 5.0 and is_equal,
    )


def _pivoted_cholesky(
    pool: Floats, batch: int, entropies: NDArray[np.float64], labelled: Floats
) -> Positions:
    """A row of the posterior kernel and a column of the factor for every pick, all in float64."""
    rows, seen = pool.astype(np.float64), labelled.astype(np.float64)
    observed = np.linalg.cholesky(seen @ seen.T + 0.01 * np.eye(len(seen)))
    across = np.linalg.solve(observed, seen @ rows.T)
    variances = np.einsum("nd,nd->n", rows, rows) - np.einsum("ln,ln->n", across, across)
    left = variances + 0.01 + 0.1 * entropies
    columns = np.empty((batch, len(rows)))
    picks: list[int] = []
    for k in range(batch):
        pick = int(left.argmax())
        row = rows @ rows[pick] - across[:, pick] @ across - columns[:k, pick] @ columns[:k]
        columns[k] = row / np.sqrt(left[pick])
        left -= columns[k] ** 2
        left[pick] = -np.inf
        picks.append(pick)
    return np.array(picks)
