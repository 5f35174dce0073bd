"""Models that change in place what they are given are attacked like any other."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.leakage import audit, deep_leakage_from_gradients
from nextlabel.leakage.in_place import sparing
from nextlabel.leakage.model_modes import check_evaluation

ROWS = np.random.default_rng(0).normal(3.0, 2.0, (40, 6)).astype(np.float32)
CLASSES = (ROWS.sum(1) > 18).astype(np.int64)


class Net(nn.Module):
    """Standardises its items, in place or not, or fills what is missing."""

    def __init__(self, how: str, activation: Any = torch.relu) -> None:
        super().__init__()
        self.how, self.activation = how, activation
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.first, self.last = nn.Linear(6, 24), nn.Linear(24, 2)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "subtracted":
            x -= 3.0
            x /= 2.0
        elif self.how == "methods":
            x.sub_(3.0).div_(2.0)
        elif self.how == "filled":
            x[x.isnan()] = 0.0
        elif self.how == "cast":
            x = x.float()
            x -= 3.0
            x /= 2.0
        else:
            x = (x - 3.0) / 2.0
        said: Tensor = self.last(self.activation(self.first(x)))
        return said


def verdicts(how: str, rows: Any = ROWS, **more: Any) -> list[str]:
    report = audit(Net(how, **more).eval(), rows, CLASSES, records=6, seconds=6.0, controls=False)
    assert not {one.why for one in report.outcomes} & {"broke off"}
    return [one.verdict for one in report.standings]


@pytest.mark.parametrize("how", ["subtracted", "methods"])
def test_the_verdicts_are_those_of_the_model_that_leaves_items_alone(how: str) -> None:
    """It was refused as one that draws anew at each call."""
    before = ROWS.copy()
    assert verdicts(how) == verdicts("plain")
    assert np.array_equal(ROWS, before)


def test_whole_numbers_are_read_as_numbers() -> None:
    rows = np.random.default_rng(2).integers(0, 9, (40, 6)).astype(np.uint8)
    assert verdicts("cast", rows) == verdicts("plain", rows.astype(np.float32))


def test_gradients_are_matched() -> None:
    """The search broke off: torch lets nobody write into the item that is looked for."""
    model = Net("filled", torch.sigmoid).eval()
    loss = nn.functional.cross_entropy(model(torch.tensor(ROWS[:1])), torch.tensor(CLASSES[:1]))
    sent = torch.autograd.grad(loss, list(model.parameters()))
    data, label = deep_leakage_from_gradients(model, sent, item_shape=(6,), restarts=8)
    assert (data - torch.tensor(ROWS[:1])).abs().max() < 1e-2
    assert int(label.argmax()) == CLASSES[0]
    assert not model._forward_pre_hooks


def test_a_model_that_leaves_items_alone_is_not_copied() -> None:
    plain, writing = Net("plain"), Net("subtracted")
    assert sparing(plain, ROWS) is plain
    own = sparing(writing, ROWS)
    assert own is not writing
    given = torch.tensor(ROWS)
    assert torch.equal(own(given), plain(given))
    assert torch.equal(given, torch.tensor(ROWS))


def test_it_is_not_said_to_draw() -> None:
    check_evaluation(Net("subtracted"), ROWS)
