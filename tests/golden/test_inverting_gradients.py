"""Inverting gradients: what it recovers, and that it says so where it does not."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.progress import reporting
from nextlabel.core.rng import generator
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.inverting_gradients import InvertingGradients, total_variation
from nextlabel.leakage.gradients import MessageGradient, relative_distance, tensors_of
from nextlabel.leakage.messages import full
from nextlabel.learners.networks import Flat
from nextlabel.testing.attack_examples import message_of, small_network

QUICK = InvertingGradients(restarts=3, evaluations=200)
SLOPE = np.add.outer(np.linspace(0.1, 0.5, 6), np.linspace(0.0, 0.4, 6))[None]


def kinked(*, before: nn.Module | None = None, values: int = 4, seed: int = 0) -> nn.Module:
    network = small_network(values, 24, 3, seed=seed)
    return network if before is None else nn.Sequential(before, network).eval()


def items_of(count: int) -> Any:
    return np.random.default_rng(5).random((count, 4))


def run(attack: InvertingGradients, disclosure: Disclosure, knowledge: Knowledge, seed: int = 0) -> Recovery:
    return attack.recover(disclosure, knowledge, generator(seed))


@pytest.mark.parametrize("known", [True, False])
def test_an_item_comes_back_through_kinked_units(known: bool) -> None:
    sent, knowledge = message_of(kinked(), items_of(1), np.array([1]), known=known, bounds=(0.0, 1.0))
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert found.items is not None
    np.testing.assert_allclose(found.items, items_of(1), atol=1e-3)
    assert found.evaluations == 3 * 200
    assert found.labels is None  # they were given, or read off by another attack


def test_an_image_comes_back_smoothed_and_is_not_called_exact() -> None:
    model = kinked(before=Flat(), values=36)
    sent, knowledge = message_of(model, SLOPE, np.array([1]), bounds=(0.0, 1.0), is_image=True)
    found = run(QUICK, sent, knowledge)
    assert found.items is not None
    assert float(((found.items - SLOPE) ** 2).mean()) < 1e-2
    assert found.outcome == "failed"
    assert re.search(r"smoothness cost it: it ended with 1 − cosine .*, above 1\.2e-07", found.reason)


class Last(nn.Module):
    """A model that takes channels last, of one that takes them first."""

    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.first = first

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.first(items.movedim(-1, 1))
        return out


@pytest.mark.parametrize("is_last", [False, True])
def test_channels_may_come_first_or_last(is_last: bool) -> None:
    """Neighbours down and across are drawn together, whichever axis holds the channels, which are not."""
    first = kinked(before=Flat(), values=75)
    item = np.random.default_rng(2).random((1, 3, 5, 5))
    model, seen = (Last(first), np.moveaxis(item, 1, 3).copy()) if is_last else (first, item)
    sent, knowledge = message_of(model, seen, np.array([1]), bounds=(0.0, 1.0), is_image=True)
    apart = []
    for smoothness in (0.0, 10.0):
        found = run(replace(QUICK, smoothness=smoothness), sent, knowledge).items
        assert found is not None
        pixels = np.moveaxis(found, 3, 1) if is_last else found
        apart.append([float(np.abs(np.diff(pixels, axis=axis)).mean()) for axis in (1, 2, 3)])
    rough, smooth = apart
    assert smooth[1] < 0.5 * rough[1]  # down
    assert smooth[2] < 0.5 * rough[2]  # across


def test_smoothness_makes_images_smooth_and_leaves_other_items_alone() -> None:
    model = kinked(before=Flat(), values=36)
    sent, knowledge = message_of(model, SLOPE, np.array([1]), bounds=(0.0, 1.0), is_image=True)
    brief = replace(QUICK, evaluations=30)
    rough, smooth = (run(replace(brief, smoothness=weight), sent, knowledge) for weight in (0.0, 10.0))
    assert rough.items is not None
    assert smooth.items is not None
    rough_variation, smooth_variation = (
        float(total_variation(torch.as_tensor(one.items))) for one in (rough, smooth)
    )
    assert smooth_variation < 0.5 * rough_variation
    plain = replace(knowledge, is_image=False)
    one, other = (run(replace(brief, smoothness=weight), sent, plain) for weight in (0.0, 10.0))
    np.testing.assert_array_equal(one.items, other.items)


def test_values_stay_within_bounds_that_are_known() -> None:
    sent, knowledge = message_of(kinked(), items_of(1), np.array([1]), bounds=(0.45, 0.55))
    found = run(replace(QUICK, evaluations=50), sent, knowledge)
    assert found.items is not None
    assert 0.45 <= found.items.min() <= found.items.max() <= 0.55


def test_the_residual_is_that_of_the_items_given() -> None:
    model = kinked()
    sent, knowledge = message_of(model, items_of(1), np.array([1]), known=True)
    found = run(replace(QUICK, evaluations=20, precision="float64"), sent, knowledge)
    again = MessageGradient(model, "cross_entropy", "mean")(torch.as_tensor(found.items), torch.tensor([1]))
    assert found.residual == pytest.approx(
        relative_distance(again, tensors_of(sent, torch.float64)), rel=1e-6
    )


def test_the_best_point_so_far_is_kept() -> None:
    sent, knowledge = message_of(kinked(), items_of(1), np.array([1]), known=True)
    found = run(replace(QUICK, evaluations=60), sent, knowledge)
    apart = [value for _, value in found.trace]
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] == found.details["one_minus_cosine"]
    assert [number for number, _ in found.trace] == list(range(1, 61))


@pytest.mark.parametrize("kind", ["noise", "another model"])
def test_what_nothing_explains_is_not_claimed(kind: str) -> None:
    sent, knowledge = message_of(kinked(), items_of(1), np.array([1]), known=True)
    if kind == "noise":
        rng = np.random.default_rng(0)
        sent = Disclosure("full", {name: rng.normal(size=one.shape) for name, one in sent.arrays.items()}, 1)
    else:
        sent, _ = message_of(kinked(seed=1), items_of(1), np.array([1]))
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "failed"
    assert found.details["one_minus_cosine"] > 1e-3


def test_a_batch_with_known_labels_and_several_steps_is_matched() -> None:
    sent, knowledge = message_of(
        kinked(), items_of(2), np.array([0, 2]), known=True, share="update", steps=2, rate=0.1
    )
    found = run(replace(QUICK, evaluations=150), sent, knowledge)
    assert found.items is not None
    assert found.items.shape == (2, 4)
    assert found.residual is not None
    assert found.residual < 0.1


def test_labels_that_cannot_be_told_are_a_refusal() -> None:
    sent, knowledge = message_of(kinked(), items_of(1), items_of(1)[:, :3], loss="squared_error")
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "refused"
    assert re.search("The labels must be known or told by the message. .*cross-entropy", found.reason)


def test_a_model_that_overflows_ends_in_a_failure_without_items() -> None:
    model = kinked()
    sent, knowledge = message_of(model, items_of(1), np.array([1]), known=True)
    with torch.no_grad():
        model.get_parameter("2.weight").fill_(torch.inf)
    found = run(replace(QUICK, evaluations=5), sent, knowledge)
    assert found.outcome == "failed"
    assert "is not finite" in found.reason
    assert found.items is None


def test_the_clock_is_told() -> None:
    sent, knowledge = message_of(kinked(), items_of(1), np.array([1]), known=True)
    found = run(replace(QUICK, seconds=1e-6), sent, knowledge)
    assert found.is_cut
    assert found.evaluations == 3
    assert "The clock ended it" in found.reason


def test_each_round_is_reported() -> None:
    heard: list[tuple[str, int, int]] = []
    sent, knowledge = message_of(kinked(), items_of(1), np.array([1]), known=True)
    with reporting(lambda *said: heard.append(said)):
        run(replace(QUICK, evaluations=3), sent, knowledge)
    assert heard == [("inverting the gradient", number, 3) for number in (1, 2, 3)]


def test_total_variation_counts_both_directions_of_every_image() -> None:
    checks = torch.tensor([[0.0, 2.0, 0.0], [2.0, 0.0, 2.0]])
    assert float(total_variation(checks)) == 4.0
    assert float(total_variation(checks.expand(5, 3, 2, 3))) == 4.0
    assert float(total_variation(torch.ones(2, 3, 4, 4))) == 0.0
    across = torch.tensor([[0.0, 3.0], [0.0, 3.0]])
    assert float(total_variation(checks[:, :, None].expand(2, 3, 5), rows=-3, columns=-2)) == 4.0
    assert float(total_variation(across)) == float(total_variation(across.T)) == 3.0


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("precision", "float8", "'precision' must be 'float32' or 'float64'; received 'float8'"),
        ("restarts", 0, "'restarts' must be a whole number from 1 up; received 0"),
        ("evaluations", 1.5, "'evaluations' must be a whole number from 1 up; received 1.5"),
        ("seconds", 0, "'seconds' must be a number above 0; received 0"),
        ("smoothness", -1, "'smoothness' must be a finite number of at least 0; received -1"),
        ("rate", 0, "'rate' must be a finite number above 0; received 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(field: str, value: object, says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        InvertingGradients(**{field: value})  # type: ignore[arg-type]


def test_a_layer_that_hardly_counts_in_the_whole_must_be_explained_too() -> None:
    torch.manual_seed(0)
    bottom, top = nn.Linear(6, 16), nn.Linear(16, 3)
    with torch.no_grad():
        bottom.weight.mul_(1e-5)  # the features say next to nothing of the item
        top.weight.mul_(1e-5)  # and the gradient below, which does, is that much shorter
    model = nn.Sequential(bottom, nn.Sigmoid(), top).eval()
    item = np.linspace(0.2, 0.8, 6, dtype=np.float32)[None]
    knowledge = Knowledge(model, (6,), 3, labels=np.array([1]))
    attack = InvertingGradients(restarts=1, evaluations=60)
    found = attack.recover(full(model, item, np.array([1])), knowledge, generator(0))
    assert found.outcome == "failed"
    assert found.residual is not None
    assert found.residual < 5e-4
    assert re.search(r"with '0\.\w+' at .* of its length, above 0\.01, which the whole", found.reason)
