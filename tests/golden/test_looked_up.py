"""Records with categories that are looked up: a division tells what entered the first linear layer."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.fully_connected import FullyConnected
from nextlabel.leakage.closed_forms.looked_up import looked_up
from nextlabel.leakage.messages import full, update

NUMBERS, SIZES = 5, (10, 7)


class Table(nn.Module):
    """Two categories through tables, numbers beside them through a batch norm, and two layers above."""

    def __init__(self, numbers: int = NUMBERS, *, has_bias: bool = True) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, 4) for size in SIZES)
        self.norm = nn.BatchNorm1d(numbers)
        self.first = nn.Linear(8 + numbers, 32, bias=has_bias)
        self.last = nn.Linear(32, 3)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits."""
        looked = [table(rows[:, place].long()) for place, table in enumerate(self.tables)]
        entered = torch.cat([*looked, self.norm(rows[:, 2:])], dim=1)
        logits: torch.Tensor = self.last(torch.relu(self.first(entered)))
        return logits


def model(seed: int = 0, **more: Any) -> Table:
    torch.manual_seed(seed)
    made = Table(**more)
    made.norm.running_mean.normal_()  # type: ignore[union-attr]
    made.norm.running_var.uniform_(0.5, 2.0)  # type: ignore[union-attr]
    return made.eval()


def rows(count: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(count, 2 + NUMBERS)).astype(np.float32)
    for place, size in enumerate(SIZES):
        made[:, place] = rng.integers(size, size=count)
    return made


def attacked(network: nn.Module, sent: Any, **more: Any) -> Recovery:
    known = Knowledge(network, (2 + NUMBERS,), 3, **more)
    return FullyConnected().recover(sent, known, np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(10))
def test_categories_and_numbers_come_back(seed: int) -> None:
    network, row = model(seed), rows(1, seed)
    found = attacked(network, full(network, row, np.array([1])))
    assert found.outcome == "recovered"
    assert found.items is not None
    np.testing.assert_array_equal(found.items[:, :2], row[:, :2])
    np.testing.assert_allclose(found.items[:, 2:], row[:, 2:], atol=1e-4)
    assert found.labels is not None
    assert found.labels.tolist() == [1]
    assert found.residual is not None
    assert found.residual < 1e-4


def test_the_target_of_a_regression_comes_with_its_record() -> None:
    network, row, target = model(), rows(1), np.array([[0.3, -1.0, 2.5]], np.float32)
    found = attacked(network, full(network, row, target, loss="squared_error"), loss="squared_error")
    assert found.items is not None
    np.testing.assert_allclose(found.items, row, atol=1e-4)
    assert found.labels is not None
    np.testing.assert_allclose(found.labels, target, rtol=1e-4)


def test_an_update_of_one_step_tells_as_much() -> None:
    network, row = model(), rows(1)
    sent = update(network, row, np.array([2]), steps=1, rate=0.1)
    found = attacked(network, sent, steps=1, rate=0.1)
    assert found.items is not None
    np.testing.assert_allclose(found.items, row, atol=1e-3)


def test_nothing_is_claimed_of_several_records_of_noise_or_without_a_bias() -> None:
    network = model()
    several = attacked(network, full(network, rows(3), np.array([0, 1, 2])))
    assert several.items is None
    bare = model(has_bias=False)
    assert looked_up(full(bare, rows(1), np.array([1])), Knowledge(bare, (2 + NUMBERS,), 3)) is None
    sent = full(network, rows(1), np.array([1]))
    rng = np.random.default_rng(0)
    noisy = {name: one + rng.normal(size=one.shape) * np.abs(one).max() for name, one in sent.arrays.items()}
    assert looked_up(Disclosure("full", noisy, 1), Knowledge(network, (2 + NUMBERS,), 3)) is None


def test_columns_that_a_layer_mixes_before_are_not_told() -> None:
    """A layer norm over all numbers is no sum of what single columns send."""
    network = model()
    network.norm = nn.LayerNorm(NUMBERS)  # type: ignore[assignment]
    assert looked_up(full(network, rows(1), np.array([1])), Knowledge(network, (2 + NUMBERS,), 3)) is None


def test_a_model_without_tables_is_left_to_others() -> None:
    network = nn.Sequential(nn.Linear(7, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    assert looked_up(full(network, rows(1), np.array([1])), Knowledge(network, (7,), 3)) is None


def test_in_an_audit_such_records_are_exact() -> None:
    found = audit(model(), rows(40), np.arange(40) % 3, records=6, controls=False, seconds=20)
    assert {one.verdict for one in found.standings} == {"EXACT"}
