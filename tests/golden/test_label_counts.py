"""Classes are counted exactly where predictions hardly vary, and not claimed where they do."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.label_counts import LabelCounts
from nextlabel.leakage.messages import full, last_layer, update

RNG = np.random.default_rng(0)


def network(scale: float = 1e-2, *, bias: bool = True) -> nn.Sequential:
    """Predictions vary the more the larger the scale of the last weights."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 4, bias=bias)).double().eval()
    with torch.no_grad():
        for one in model.parameters():
            one.copy_(torch.as_tensor(rng.normal(size=tuple(one.shape))))
        model[2].get_parameter("weight").mul_(scale)
    return model


def items_of(number: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).random((number, 6))


def counted(model: nn.Module, sent: Disclosure, prediction: str = "auto", **more: object) -> Recovery:
    known = Knowledge(model, (6,), 4, **more)  # type: ignore[arg-type]
    return LabelCounts(prediction).recover(sent, known, RNG)  # type: ignore[arg-type]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("number", [1, 2, 8, 30])
@pytest.mark.parametrize("share", [full, last_layer])
def test_counts_are_exact_with_public_items(number: int, reduction: str, share: type) -> None:
    model = network(1e-3)
    labels = np.random.default_rng(number).integers(0, 3, size=number)
    sent = share(model, items_of(number), labels, reduction=reduction)
    found = counted(model, sent, reduction=reduction, public=items_of(200, 9))
    assert found.outcome == "recovered"
    assert found.counts is not None
    assert found.counts.tolist() == np.bincount(labels, minlength=4).tolist()
    assert found.residual == pytest.approx(0.0, abs=0.02)


def test_without_public_items_a_flat_model_is_asked_about_random_ones() -> None:
    model = network(1e-4)
    labels = np.array([0, 0, 2, 3, 3, 3])
    found = counted(model, full(model, items_of(6), labels))
    assert found.counts is not None
    assert (found.outcome, found.counts.tolist()) == ("recovered", [2, 0, 1, 3])
    assert "the model's prediction of random items" in found.reason
    assert found.details["prediction"] == "untrained"


def test_of_one_item_the_counts_are_solved_for_exactly() -> None:
    model = network(1.0)
    for label in range(4):
        found = counted(model, full(model, items_of(1), np.array([label])), public=items_of(50, 9))
        assert found.counts is not None
        assert (found.outcome, found.counts.tolist()) == ("recovered", np.eye(4)[label].tolist())
        assert found.details["prediction"] == "solved"


@pytest.mark.parametrize("scale", [30.0, 60.0, 100.0, 200.0, 400.0])
def test_a_count_that_leaves_the_message_unexplained_is_not_claimed(scale: float) -> None:
    """Of a sure prediction little but rounding is left, and what is solved for may be any class."""
    model, rng = network(scale).float(), np.random.default_rng(0)
    claimed = 0
    for _ in range(40):
        item = rng.normal(size=(1, 6)).astype(np.float32)
        label = int(model(torch.tensor(item)).argmax())
        found = counted(model, full(model, item, np.array([label])))
        if found.outcome == "recovered":
            claimed += 1
            assert found.counts is not None
            assert found.counts[label] == 1
            assert found.residual is not None
            assert found.residual < 0.5
        elif found.residual is not None:
            assert f"leave {found.residual:.2g} of it unexplained" in found.reason
    assert claimed or scale > 30


def test_a_balanced_batch_whose_gradient_is_small_is_counted_all_the_same() -> None:
    # the error of the mean prediction is small beside an item, and large beside the gradient
    model = network(1e-2)
    with torch.no_grad():
        for _ in range(3):  # until the batch is predicted as it is made up
            mean = model(torch.as_tensor(items_of(12))).softmax(1).mean(0)
            model[2].get_parameter("bias").sub_(mean.log())
    found = counted(model, full(model, items_of(12), np.arange(12) % 4), public=items_of(50, 9))
    assert found.counts is not None
    assert (found.outcome, found.counts.tolist()) == ("recovered", [3, 3, 3, 3])
    assert found.residual is not None
    assert found.residual > 0.5


def test_predictions_that_vary_let_no_counts_be_claimed() -> None:
    model = network(2.0)
    labels = np.arange(12) % 4
    found = counted(model, full(model, items_of(12), labels), public=items_of(50, 9))
    assert found.outcome != "recovered"
    assert found.counts is not None
    assert found.counts.sum() == 12


@pytest.mark.parametrize(("public", "outcome"), [(400, "recovered"), (2, "failed")])
def test_a_mean_of_few_public_items_is_not_believed(public: int, outcome: str) -> None:
    # predictions at only two places, half of the items at each: of the same variance however many there are
    model = network(1e-1)
    ends = items_of(2, 9)
    proba = model(torch.as_tensor(ends)).softmax(1).detach().numpy()
    variance = ((proba[0] - proba[1]) ** 2 / 4).max()
    error = float(np.sqrt(12 * (1 + 12 / public) * variance))
    assert (error <= 0.25) == (outcome == "recovered")
    labels = np.arange(12) % 4
    found = counted(
        model, full(model, ends[np.arange(12) % 2], labels), public=np.tile(ends, (public // 2, 1))
    )
    assert found.outcome == outcome
    assert (f"off by {error:.2g} of an item" in found.reason) == (outcome == "failed")


@pytest.mark.parametrize(("number", "outcome"), [(20, "recovered"), (40, "failed")])
def test_random_items_speak_of_no_large_batch(number: int, outcome: str) -> None:
    model = network(3.5e-3)
    found = counted(model, full(model, items_of(number), np.arange(number) % 4))
    assert found.details["prediction"] == "untrained"
    assert found.outcome == outcome


def test_solved_for_several_items_nothing_is_claimed() -> None:
    model = network(1e-4)
    found = counted(model, full(model, items_of(6), np.arange(6) % 4), "solved")
    assert found.outcome == "failed"
    assert "A count may be off by any number" in found.reason


def test_without_a_bias_the_features_of_public_items_stand_for_it() -> None:
    model = network(1e-4, bias=False)
    items = items_of(9)
    labels = np.array([0, 0, 1, 1, 1, 3, 3, 3, 3])
    # items alike in their features: the rows are then the entries of the bias times these
    items[1:] = items[0]
    found = counted(model, last_layer(model, items, labels), public=items[:1].repeat(3, axis=0))
    assert found.counts is not None
    assert found.counts.tolist() == [2, 3, 0, 4]
    alone = counted(model, last_layer(model, items, labels))
    assert alone.outcome == "refused"
    assert "compared with the features of public items" in alone.reason


def test_an_update_of_several_steps_is_said_to_be_an_approximation() -> None:
    model = network(1e-4)
    sent = update(model, items_of(4), np.array([1, 1, 1, 2]), steps=3, rate=1e-3)
    found = counted(model, sent, steps=3, rate=1e-3, public=items_of(50, 9))
    assert found.counts is not None
    assert found.counts.tolist() == [0, 3, 1, 0]
    assert "3 steps" in found.reason


@pytest.mark.parametrize(
    ("prediction", "more", "says"),
    [
        ("public", {}, "asked of public items, and none are given"),
        ("auto", {"loss": "squared_error"}, "the loss is squared_error"),
    ],
)
def test_what_is_missing_is_said(prediction: str, more: dict[str, object], says: str) -> None:
    model = network()
    found = counted(model, full(model, items_of(2), np.array([0, 1])), prediction, **more)
    assert found.outcome == "refused"
    assert says in found.reason


def test_solving_needs_weight_and_bias() -> None:
    model = network()
    sent = last_layer(model, items_of(2), np.array([0, 1]))
    alone = Disclosure("last_layer", {"2.bias": sent["2.bias"]}, 2)
    found = counted(model, alone, "solved")
    assert found.outcome == "refused"
    assert "both weight and bias" in found.reason


def test_a_zero_gradient_counts_nobody() -> None:
    zero = Disclosure("last_layer", {"2.weight": np.zeros((4, 20)), "2.bias": np.zeros(4)}, 3)
    assert counted(network(), zero).outcome == "failed"


def test_another_word_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=re.escape("LabelCounts's 'prediction' must be 'auto', 'public'")
    ):
        LabelCounts("guess")  # type: ignore[arg-type]
