"""The default training: when it ends, what it leaves alone, what it refuses."""

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.training import AdamTraining

ITEMS = torch.tensor([[-1.0], [-0.5], [0.5], [1.0], [2.0]])
LABELS = torch.tensor([0, 0, 1, 1, 1])


@pytest.fixture(autouse=True)
def _global_state() -> None:
    torch.manual_seed(0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def backwards() -> nn.Linear:
    """Names the wrong class of every item, and is certain of it."""
    network = nn.Linear(1, 2)
    nn.init.zeros_(network.bias)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    return network


def test_training_ends_with_the_epoch_that_reaches_the_accuracy() -> None:
    ended = AdamTraining(learning_rate=0.1)(backwards(), ITEMS, LABELS, rng())
    assert (ended.accuracy, ended.converged) == (1.0, True)
    assert ended.epochs > 1
    before = AdamTraining(learning_rate=0.1, epochs=ended.epochs - 1)(backwards(), ITEMS, LABELS, rng())
    assert before.accuracy < 0.99
    assert not before.converged


def test_the_cap_ends_training_without_a_warning() -> None:
    ended = AdamTraining(learning_rate=1e-9, epochs=3)(backwards(), ITEMS, LABELS, rng())
    assert (ended.epochs, ended.accuracy, ended.converged) == (3, 0.0, False)


def test_an_accuracy_below_one_is_enough_where_it_is_asked_for() -> None:
    labels = torch.tensor([1, 1, 0, 0, 1])  # the network is right about four of five
    ended = AdamTraining(learning_rate=1e-9, accuracy=0.8)(backwards(), ITEMS, 1 - labels, rng())
    assert ended.accuracy == pytest.approx(0.2)
    ended = AdamTraining(learning_rate=1e-9, accuracy=0.8)(backwards(), ITEMS, labels, rng())
    assert (ended.epochs, ended.converged) == (1, True)


def test_the_accuracy_is_that_of_the_network_without_dropout() -> None:
    """With a rate of 0.99 predictions made while training are chance; without dropout the rule is exact."""
    network = nn.Sequential(nn.Dropout(0.99), backwards())
    ended = AdamTraining(learning_rate=1e-9, epochs=1)(network, ITEMS, 1 - LABELS, rng())
    assert ended.accuracy == 1.0


class Recorder(nn.Linear):
    """Notes the items of each training step."""

    def __init__(self) -> None:
        super().__init__(1, 2)
        self.steps: list[list[float]] = []

    def forward(self, values: Tensor) -> Tensor:
        if self.training:
            self.steps.append(values[:, 0].tolist())
        return super().forward(values)


def test_every_epoch_sees_every_item_once_in_pieces_of_like_size() -> None:
    network = Recorder()
    AdamTraining(learning_rate=1e-9, accuracy=1.0, epochs=2, chunk=2)(network, ITEMS, 1 - LABELS, rng())
    assert [len(step) for step in network.steps] == [2, 2, 1, 2, 2, 1]
    first, second = (list(chain(*steps)) for steps in (network.steps[:3], network.steps[3:]))
    assert sorted(first) == sorted(second) == ITEMS[:, 0].tolist()
    assert first != second


def test_a_chunk_of_0_is_all_items_in_one_step() -> None:
    network = Recorder()
    AdamTraining(learning_rate=1e-9, epochs=2, chunk=0)(network, ITEMS, 1 - LABELS, rng())
    assert [sorted(step) for step in network.steps] == [sorted(ITEMS[:, 0].tolist())] * 2


def test_all_epochs_are_run_where_that_is_asked_for() -> None:
    network = Recorder()
    ended = AdamTraining(learning_rate=0.1, epochs=60, chunk=0, runs_all_epochs=True)(
        network, ITEMS, LABELS, rng()
    )
    assert (ended.epochs, ended.accuracy, ended.converged) == (60, 1.0, True)
    assert len(network.steps) == 60


def test_the_accuracy_told_at_the_cap_is_that_of_all_items() -> None:
    """The pass after an epoch may end early, at 256 items; the last one may not."""
    items, labels = torch.ones(600, 1), torch.cat([torch.ones(300), torch.zeros(300)]).long()
    ended = AdamTraining(learning_rate=1e-9, epochs=2)(backwards(), items, labels, rng())
    assert (ended.epochs, ended.accuracy) == (2, 0.5)


def test_one_item_trains_a_network_with_batch_norm() -> None:
    network = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 2))
    assert AdamTraining(learning_rate=0.1)(network, ITEMS[:1], LABELS[:1], rng()).converged


def test_weight_decay_pulls_weights_to_zero() -> None:
    ends = []
    for decay in (0.0, 10.0):
        torch.manual_seed(0)
        network = nn.Linear(1, 2)
        AdamTraining(learning_rate=0.01, weight_decay=decay, accuracy=1.0, epochs=100)(
            network, ITEMS, torch.tensor([0, 1, 0, 1, 0]), rng()
        )
        ends.append(float(network.weight.detach().abs().sum()))
    assert ends[1] < 0.1 * ends[0]


def test_a_loss_that_is_not_finite_is_refused() -> None:
    network = nn.Linear(1, 2)
    nn.init.constant_(network.weight, float("nan"))
    message = "it became nan in epoch 1 with a learning rate of 0.5. Lower the learning rate"
    with pytest.raises(LearnerError, match=message):
        AdamTraining(learning_rate=0.5)(network, ITEMS, LABELS, rng())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 0.0}, "'learning_rate' must be a finite number above 0; received 0.0"),
        ({"learning_rate": "x"}, "'learning_rate' must be a finite number above 0; received 'x'"),
        ({"weight_decay": -1.0}, "'weight_decay' must be a finite number of at least 0; received -1.0"),
        ({"accuracy": 1.5}, "'accuracy' must be a number above 0 and at most 1; received 1.5"),
        ({"epochs": 0}, "'epochs' must be a whole number from 1 up; received 0"),
        ({"chunk": True}, "'chunk' must be a whole number from 0 up; received True. Give 0 for all items"),
        ({"runs_all_epochs": 1}, "'runs_all_epochs' must be True or False; received 1"),
    ],
)
def test_a_setting_outside_its_range_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        AdamTraining(**settings)
