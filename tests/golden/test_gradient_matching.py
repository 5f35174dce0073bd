"""Gradient matching: what it recovers, and that it says so where it does not."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.progress import reporting
from nextlabel.core.rng import generator
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.gradient_matching import GradientMatching
from nextlabel.leakage.attacks.inverting_gradients import InvertingGradients
from nextlabel.leakage.gradients import MessageGradient, relative_distance, tensors_of
from nextlabel.leakage.messages import full
from nextlabel.leakage.networks import deep_leakage
from nextlabel.testing.attack_examples import message_of, small_network

SHAPE = (8, 8)
QUICK = GradientMatching(restarts=4, evaluations=400, target=1e-5)


def convolutional(seed: int, **more: Any) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return deep_leakage(SHAPE, 10, **more).eval()


def smooth_image(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    rows = np.cumsum(rng.normal(size=SHAPE), axis=0)
    image = np.cumsum(rows, axis=1)
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


def run(attack: GradientMatching, disclosure: Disclosure, knowledge: Knowledge, seed: int = 0) -> Recovery:
    return attack.recover(disclosure, knowledge, generator(seed))


def error(found: Recovery, items: Any) -> float:
    """The largest mean squared error of an item, each recovered one beside the item that it is nearest to."""
    assert found.items is not None
    apart = ((found.items[:, None] - items[None]) ** 2).reshape(len(items), len(items), -1).mean(2)
    assert sorted(apart.argmin(1).tolist()) == list(range(len(items)))
    return float(apart.min(1).max())


def test_an_image_and_its_label_come_back_from_a_convolutional_network() -> None:
    image = smooth_image(0)
    sent, knowledge = message_of(convolutional(0), image[None], np.array([7]))
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert error(found, image[None]) < 1e-4
    assert found.labels is not None
    assert found.labels.tolist() == [7]
    assert found.residual is not None
    assert found.residual <= 1e-5


def test_tiny_gradients_are_matched_as_well_as_large_ones() -> None:
    # torch's own initial weights: gradients of the first layers are far below those of the last
    image = smooth_image(1)
    sent, knowledge = message_of(convolutional(1, spread=None), image[None], np.array([3]))
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert error(found, image[None]) < 1e-3


def test_the_residual_is_that_of_the_items_given() -> None:
    image = smooth_image(0)
    model = convolutional(0)
    sent, knowledge = message_of(model, image[None], np.array([7]))
    found = run(replace(QUICK, evaluations=40, label="known"), sent, replace(knowledge, labels=np.array([7])))
    again = MessageGradient(model.double(), "cross_entropy", "mean")(
        torch.as_tensor(found.items), torch.tensor([7])
    )
    assert found.residual == pytest.approx(
        relative_distance(again, tensors_of(sent, torch.float64)), rel=1e-6
    )


def test_the_start_that_is_kept_is_the_one_with_the_least_residual() -> None:
    sent, knowledge = message_of(convolutional(0), smooth_image(0)[None], np.array([7]))
    found = run(replace(QUICK, evaluations=30), sent, knowledge)
    residuals = found.details["residuals"]
    assert len(set(residuals)) == 4
    assert found.residual == min(residuals)


def items_of(count: int) -> Any:
    return np.random.default_rng(5).normal(size=(count, 4))


def without_biases(seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(12, 16, bias=False), nn.ReLU(), nn.Linear(16, 5, bias=False)).eval()


def test_a_soft_label_gives_way_to_the_one_that_signs_tell() -> None:
    """Without biases an item of another length has the same message under a soft label, as often found."""
    soft, errors = [], []
    for seed in range(8):
        model, item = (
            without_biases(seed),
            np.random.default_rng(seed).uniform(size=(1, 12)).astype(np.float32),
        )
        sent, knowledge = message_of(model, item, np.array([seed % 5]))
        published = run(replace(QUICK, label="optimised"), sent, knowledge)
        found = run(QUICK, sent, knowledge)
        if found.outcome != "recovered":
            continue
        errors.append(error(found, item))
        soft.append(max(published.details["targets"][0]) < 0.95)
        if soft[-1]:
            assert "a soft label" in found.reason
            assert found.evaluations > published.evaluations
            assert [number for number, _ in found.trace] == sorted(number for number, _ in found.trace)
        else:
            assert found.reason == ""
    assert any(soft)
    assert max(errors) < 1e-6


def test_a_label_that_is_soft_stays_soft() -> None:
    model, label = small_network(4, 7, 3, activation=nn.Sigmoid), np.array([[0.2, 0.7, 0.1]])
    sent = full(model, items_of(1), label)
    found = run(QUICK, sent, Knowledge(model, (4,), 3))
    assert found.outcome == "recovered", found.reason
    assert error(found, items_of(1)) < 1e-6
    assert found.details["targets"][0] == pytest.approx(label[0], abs=1e-3)


@pytest.mark.parametrize("label", ["auto", "optimised", "known", "analytic"])
def test_labels_are_optimised_given_or_read_off(label: Any) -> None:
    sent, knowledge = message_of(
        small_network(4, 7, 3, activation=nn.Sigmoid), items_of(1), np.array([1]), known=label == "known"
    )
    found = run(replace(QUICK, label=label), sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert error(found, items_of(1)) < 1e-6
    if label == "known":  # what was given is not recovered
        assert found.labels is None
    else:
        assert found.labels is not None
        assert found.labels.tolist() == [1]


def test_labels_that_are_known_are_not_moved() -> None:
    """A batch of two of one class: their labels as they are told, and none claimed."""
    model = small_network(4, 12, 3, activation=nn.Sigmoid)
    sent, knowledge = message_of(model, items_of(2), np.array([2, 2]), known=True)
    told, named = (run(replace(QUICK, label=label), sent, knowledge) for label in ("auto", "known"))
    assert told.items is not None
    assert named.items is not None
    assert np.array_equal(told.items, named.items)
    assert (told.labels, told.evaluations) == (None, named.evaluations)
    moved = run(replace(QUICK, label="optimised"), sent, knowledge)
    assert moved.labels is not None


def frozen_first_layer(units: int) -> nn.Sequential:
    """Of an item of 64 values only what `units` weighted sums of it tell is in the message."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, units), nn.Tanh(), nn.Linear(units, 10)).eval()
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    return model


@pytest.mark.parametrize("record", range(4))
def test_a_range_that_is_known_tells_what_the_message_leaves_open(record: int) -> None:
    """60 equations for the 64 pixels of a digit, of which about half are at an end of the range."""
    digits = load_digits()
    item, label = digits.data[record : record + 1] / 16.0, digits.target[record : record + 1]
    model = frozen_first_layer(60)
    sent, knowledge = message_of(model, item.astype(np.float32), label)
    anywhere = run(QUICK, sent, knowledge)
    assert anywhere.items is not None
    assert anywhere.items.min() < -0.05  # it explains the message too
    found = run(QUICK, sent, replace(knowledge, bounds=(0.0, 1.0)))
    assert found.outcome == "recovered", found.reason
    assert found.items is not None
    assert found.items.min() >= 0.0
    assert found.items.max() <= 1.0
    assert np.linalg.norm(found.items - item) < 1e-3 * np.linalg.norm(item)


def test_answers_stay_in_the_range_where_it_leaves_several() -> None:
    """20 equations for 64 pixels: some item of the range explains the message, and is given."""
    digits = load_digits()
    sent, knowledge = message_of(
        frozen_first_layer(20), (digits.data[:1] / 16.0).astype(np.float32), digits.target[:1]
    )
    found = run(QUICK, sent, replace(knowledge, bounds=(0.0, 1.0)))
    assert found.outcome == "recovered", found.reason
    assert found.items is not None
    assert found.items.min() >= 0.0
    assert found.items.max() <= 1.0
    assert [number for number, _ in found.trace] == sorted(number for number, _ in found.trace)


def test_a_message_of_an_item_out_of_the_range_is_explained_by_none_within() -> None:
    model = small_network(4, 7, 3, activation=nn.Sigmoid)
    sent, knowledge = message_of(model, np.full((1, 4), 3.0), np.array([1]))
    found = run(QUICK, sent, replace(knowledge, bounds=(0.0, 1.0)))
    assert found.outcome == "failed"
    assert found.items is not None
    assert found.items.max() <= 1.0
    assert found.residual is not None
    assert found.residual > 1e-3


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_comes_back_in_some_order(reduction: str) -> None:
    model = small_network(4, 12, 3, activation=nn.Sigmoid)
    sent, knowledge = message_of(model, items_of(2), np.array([0, 2]), known=True, reduction=reduction)
    found = run(replace(QUICK, label="known", restarts=8), sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert error(found, items_of(2)) < 1e-5


def test_several_local_steps_are_made_again_from_the_candidate() -> None:
    model = small_network(4, 7, 3, activation=nn.Sigmoid)
    sent, knowledge = message_of(model, items_of(1), np.array([1]), share="update", steps=4, rate=0.5)
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert error(found, items_of(1)) < 1e-6


def test_targets_of_a_regression_are_values() -> None:
    model = small_network(4, 9, 2, activation=nn.Tanh)
    values = np.array([[0.7, -1.2]])
    sent, knowledge = message_of(model, items_of(1), values, loss="squared_error")
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert error(found, items_of(1)) < 1e-6
    assert found.labels is not None
    np.testing.assert_allclose(found.labels, values, atol=1e-3)


def test_soft_labels_come_back_as_they_are() -> None:
    model = small_network(4, 7, 3, activation=nn.Sigmoid)
    soft = np.array([[0.2, 0.7, 0.1]])
    sent, knowledge = message_of(model, items_of(1), soft)
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "recovered", found.reason
    np.testing.assert_allclose(found.details["targets"], soft, atol=1e-3)


@pytest.mark.parametrize(("kind", "unit"), [(torch.float16, 2.0**-10), (torch.bfloat16, 2.0**-7)])
def test_a_message_in_fewer_digits_is_explained_up_to_them(kind: torch.dtype, unit: float) -> None:
    image = smooth_image(0)
    sent, knowledge = message_of(convolutional(0), image[None], np.array([7]))
    rounded = {
        name: torch.as_tensor(np.array(one)).to(kind).float().numpy() for name, one in sent.arrays.items()
    }
    found = run(replace(QUICK, target=0.0), Disclosure("full", rounded, 1), knowledge)
    assert found.outcome == "recovered", found.reason
    assert found.residual is not None
    assert 0.05 * unit < found.residual < unit  # it goes on below the bound, and ends where rounding stops it
    assert error(found, image[None]) < 2e-2


def test_kinked_activations_end_in_an_honest_failure() -> None:
    sent, knowledge = message_of(convolutional(2, activation="relu"), smooth_image(2)[None], np.array([7]))
    found = run(replace(QUICK, evaluations=100), sent, knowledge)
    assert found.outcome == "failed"
    assert re.search(r"The optimiser failed, .* it ended at a residual of .*, above 0.00035", found.reason)
    assert found.items is not None
    assert np.isfinite(found.items).all()


@pytest.mark.parametrize("kind", ["noise", "another model"])
def test_what_nothing_explains_is_not_claimed(kind: str) -> None:
    image = smooth_image(0)
    sent, knowledge = message_of(convolutional(0), image[None], np.array([7]))
    if kind == "noise":
        rng = np.random.default_rng(0)
        sent = Disclosure("full", {name: rng.normal(size=one.shape) for name, one in sent.arrays.items()}, 1)
    else:
        sent = full(convolutional(9), image[None], np.array([7]))
    found = run(replace(QUICK, evaluations=100), sent, knowledge)
    assert found.outcome == "failed"
    assert found.residual is not None
    assert found.residual > 0.01


def test_agreement_of_starts_is_told() -> None:
    # rounded noise: no start explains it, and all end at the same best answer
    rng = np.random.default_rng(0)
    model = small_network(4, 7, 3, activation=nn.Sigmoid)
    sent, knowledge = message_of(model, items_of(1), np.array([1]), known=True)
    noised = {name: one + 1e-3 * rng.normal(size=one.shape) for name, one in sent.arrays.items()}
    found = run(GradientMatching(label="known", restarts=4), Disclosure("full", noised, 1), knowledge)
    assert found.outcome == "failed"
    assert found.details["agreeing"] >= 2
    assert f"{found.details['agreeing']} of 4 starts ended at the same items" in found.reason
    assert error(found, items_of(1)) < 1e-2


def test_a_model_that_overflows_ends_in_a_failure_without_items() -> None:
    model = small_network(4, 5, 3, activation=nn.Sigmoid)
    sent, knowledge = message_of(model, items_of(1), np.array([1]))
    with torch.no_grad():
        model.get_parameter("2.weight").fill_(torch.inf)
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "failed"
    assert "is not finite" in found.reason
    assert found.items is None


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (GradientMatching(label="known"), "The labels are not known"),
        (GradientMatching(label="analytic"), "cross-entropy"),
    ],
)
def test_labels_that_are_missing_are_a_refusal(attack: GradientMatching, says: str) -> None:
    sent, knowledge = message_of(
        small_network(4, 5, 3), items_of(1), items_of(1)[:, :3], loss="squared_error"
    )
    found = run(attack, sent, knowledge)
    assert found.outcome == "refused"
    assert says in found.reason


def test_the_clock_is_told() -> None:
    sent, knowledge = message_of(convolutional(0), smooth_image(0)[None], np.array([7]))
    found = run(replace(QUICK, seconds=1e-6), sent, knowledge)
    assert found.is_cut
    assert found.evaluations == 4
    assert "The clock ended it" in found.reason


def test_each_round_is_reported() -> None:
    heard: list[tuple[str, int, int]] = []
    sent, knowledge = message_of(small_network(4, 5, 3), items_of(1), np.array([1]))
    with reporting(lambda *said: heard.append(said)):
        found = run(GradientMatching(restarts=1, evaluations=3), sent, knowledge)
    assert heard == [("matching the gradient", number, 3) for number in (1, 2, 3)]
    assert [number for number, _ in found.trace] == [1, 2, 3]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("label", "guessed", "GradientMatching's 'label' must be 'auto', 'optimised', 'analytic' or 'known'"),
        ("precision", "float8", "'precision' must be 'float32' or 'float64'; received 'float8'"),
        ("restarts", 0, "'restarts' must be a whole number from 1 up; received 0"),
        ("evaluations", 1.5, "'evaluations' must be a whole number from 1 up; received 1.5"),
        ("history", 0, "'history' must be a whole number from 1 up; received 0"),
        ("seconds", 0, "'seconds' must be a number above 0; received 0"),
        ("target", -1, "'target' must be a finite number of at least 0; received -1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(field: str, value: object, says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        GradientMatching(**{field: value})  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch finds")
def test_a_model_on_a_gpu_is_attacked_there() -> None:
    image = smooth_image(0)
    sent, knowledge = message_of(convolutional(0), image[None], np.array([7]))
    knowledge.model.cuda()
    found = run(QUICK, sent, knowledge)
    assert found.outcome == "recovered", found.reason
    assert error(found, image[None]) < 1e-4


class Categories(nn.Module):
    """A table whose first column is a category, looked up, and whose others are numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.layer = nn.Embedding(10, 4), nn.Linear(9, 3)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits."""
        logits: torch.Tensor = self.layer(torch.cat([self.table(rows[:, 0].long()), rows[:, 1:]], dim=1))
        return logits


def test_columns_that_are_looked_up_are_a_refusal_and_no_error() -> None:
    torch.manual_seed(0)
    model, rng = Categories().eval(), np.random.default_rng(0)
    rows = rng.normal(size=(1, 6)).astype(np.float32)
    rows[:, 0] = 7
    message = full(model, rows, np.array([1]))
    for attack in (GradientMatching(), InvertingGradients()):
        found = attack.recover(message, Knowledge(model, (6,), 3), np.random.default_rng(0))
        assert found.outcome == "refused"
        assert "looks some values up in a table, as categories" in found.reason
