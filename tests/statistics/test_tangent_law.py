"""The signs of a projection are fair coins, each independent of the others."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from nextlabel.learners.tangent import ProxyHead

_FEATURES = 4096


def largest_mean(signs: Sequence[Tensor]) -> tuple[float, int]:
    """Of products of one or two rows of signs, the mean over features that is farthest from 0; how many."""
    rows = [one[k].double().numpy() for one in signs for k in range(min(3, len(one)))]
    means = [float(one.mean()) for one in rows]
    means += [float((one * other).mean()) for one, other in combinations(rows, 2)]
    return float(np.abs(means).max()), len(means)


def bound(products: int) -> float:
    """Hoeffding: one mean of r signs leaves ±t with probability at most 2·exp(−r·t²/2)."""
    return float(np.sqrt(2.0 * np.log(2.0 * products / 1e-6) / _FEATURES))


def test_signs_are_fair_and_independent_within_and_between_layers(seed: int) -> None:
    """Under the null every product of one or two rows is r fair coins; of K such means the largest exceeds
    √(2·ln(2K/1e-6)/r) with probability at most 1e-6."""
    rows = torch.as_tensor(np.random.default_rng(seed).standard_normal((4, 3)), dtype=torch.float32)
    head = ProxyHead(features=_FEATURES, epochs=0).fitted(rows, rows[:, :2], np.random.default_rng(seed))
    largest, products = largest_mean(head.signs)
    assert largest <= bound(products)


def test_signs_shared_by_layers_and_signs_with_a_lean_are_seen(seed: int) -> None:
    """The broken twins: one layer's signs used for another; and signs that are 1 with probability 0.6."""
    rng = np.random.default_rng(seed)
    fair = [torch.as_tensor(rng.integers(2, size=(3, _FEATURES)) * 2 - 1) for _ in range(4)]
    lean = [torch.as_tensor((rng.random((3, _FEATURES)) < 0.6) * 2 - 1) for _ in range(4)]
    for broken in ([*fair[:3], fair[0]], lean):
        largest, products = largest_mean(broken)
        assert largest > bound(products)
