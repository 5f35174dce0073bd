"""Gradient embeddings give the model's guess, the features, and the item where units suffice."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.datasets.digits import digits
from nextlabel.leakage.attacks.embedding_inversion import EmbeddingInversion
from nextlabel.leakage.closed_forms.dense_layers import Dense, dense_layers
from nextlabel.leakage.closed_forms.embedding_scale import Rounding, explanations
from nextlabel.leakage.closed_forms.feature_inversion import inverted as inverted_features
from nextlabel.leakage.messages import embedding
from nextlabel.learners.networks import lenet

RNG = np.random.default_rng(0)


def network(*widths: int, activation: type[nn.Module] = nn.ReLU, scale: float = 1.0) -> nn.Sequential:
    rng = np.random.default_rng(0)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs, dtype=torch.float64)
        with torch.no_grad():
            for one in layer.parameters():
                one.copy_(torch.as_tensor(scale * rng.normal(size=tuple(one.shape)) / np.sqrt(inputs)))
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1]).eval()


def items_of(number: int) -> Array:
    return np.random.default_rng(1).random((number, 6))


def inverted(model: nn.Module, items: Array, classes: int) -> Recovery:
    known = Knowledge(model, items.shape[1:], classes)
    return EmbeddingInversion().recover(embedding(model, items), known, RNG)


def features_of(model: nn.Sequential, items: Array) -> Array:
    found: Array = model[:-1](torch.tensor(items)).detach().numpy()
    return found


def guesses(model: nn.Module, items: Array) -> list[int]:
    found: list[int] = model(torch.tensor(items)).argmax(1).tolist()
    return found


@pytest.mark.parametrize("classes", [3, 4, 10])
def test_guess_features_and_item_are_recovered(classes: int) -> None:
    model, items = network(6, 40, classes), items_of(30)
    found = inverted(model, items, classes)
    assert found.outcome == "recovered"
    assert found.items is not None
    assert found.labels is not None
    assert found.details["rows"] == found.details["item_rows"] == list(range(30))
    assert found.labels.tolist() == guesses(model, items)
    assert found.features == pytest.approx(features_of(model, items), abs=1e-9)
    assert found.items == pytest.approx(items, abs=1e-9)
    assert "the model's own guesses, not the true ones" in found.reason


@pytest.mark.parametrize("activation", [nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.ELU])
def test_other_activations_and_several_layers_are_followed_back(activation: type[nn.Module]) -> None:
    model, items = network(6, 20, 40, 4, activation=activation), items_of(10)
    found = inverted(model, items, 4)
    assert found.items == pytest.approx(items, abs=1e-6)


def test_where_too_few_units_are_on_features_come_and_no_item() -> None:
    model, items = network(6, 13, 4), np.random.default_rng(1).normal(size=(60, 6))
    on = (features_of(model, items) > 0).sum(axis=1)
    found = inverted(model, items, 4)
    assert found.details["rows"] == list(range(60))
    assert found.details["units"] == on.tolist()
    assert found.details["item_rows"] == np.flatnonzero(on >= 6).tolist()
    assert 0 < len(found.details["item_rows"]) < 60
    assert "too few units speak of their input" in found.reason


def test_behind_convolutions_the_features_come_alone() -> None:
    with torch.random.fork_rng(devices=[]):
        model = lenet((12, 12), 5).double().eval()
    found = inverted(model, np.random.default_rng(0).random((3, 12, 12)), 5)
    assert found.items is None
    assert found.features is not None
    assert found.features.shape == (3, 84)
    assert "not made of linear layers alone" in found.reason


def test_a_sure_prediction_keeps_its_features_in_float32() -> None:
    # 1 − p has one digit left in float32; the other classes' probabilities have all of theirs
    model, items = network(6, 40, 5, scale=5.0), items_of(200)
    proba = model(torch.tensor(items)).softmax(-1).max(1).values.detach().numpy()
    sure = items[(proba > 1 - 1e-5) & (proba < 1 - 1e-7)]
    assert len(sure) > 3
    sent = embedding(model.float(), sure.astype(np.float32))
    found = EmbeddingInversion().recover(sent, Knowledge(model, (6,), 5), RNG)
    truth = features_of(model, sure.astype(np.float32))
    assert found.details["rows"] == list(range(len(sure)))
    assert found.features is not None
    apart = np.linalg.norm(found.features - truth, axis=1) / np.linalg.norm(truth, axis=1)
    assert apart.max() < 1e-5


def test_two_classes_and_few_units_are_not_identifiable() -> None:
    # without a bias the guess is one at every scale, and the probability of the other class falls with it
    model, items = network(6, 5, 2), items_of(30)
    with torch.no_grad():
        model[2].get_parameter("bias").zero_()
    found = inverted(model, items, 2)
    assert (found.outcome, found.details["ambiguous"]) == ("unidentifiable", list(range(30)))
    assert "explained equally well by several features, as they are with two classes" in found.reason
    options = next(iter(found.details["candidates"].values()))
    assert len(options) == 2
    assert all(one["residual"] < 1e-9 for one in options)
    assert options[0]["label"] == options[1]["label"]


def test_two_classes_are_identifiable_where_the_layer_before_decides() -> None:
    # z = relu(Wx + b) with more units on than values of x: only one scale of z is in the range of the layer
    model, items = network(6, 40, 2), items_of(30)
    found = inverted(model, items, 2)
    assert found.details["item_rows"] == list(range(30))
    assert found.items == pytest.approx(items, abs=1e-8)


def test_items_at_both_scales_are_not_chosen_between() -> None:
    # as many units as values, each of which tells its input: both scales are the features of an item
    model, items = network(6, 6, 2, activation=nn.Softplus), items_of(12)
    sent = embedding(model, items)["embedding"]
    found = inverted(model, items, 2)
    weight, bias = (one.detach().numpy() for one in model[2].parameters())
    seen = dense_layers(Knowledge(model, (6,), 2))
    both = []
    for place, row in enumerate(sent):
        options = explanations(row, Dense("2", weight, bias, None), Rounding(1e-15), has_sign=True)
        steps = [inverted_features(one.features, seen, 1e-12) for one in options]
        made = [embedding(model, step.row[None])["embedding"][0] for step in steps if step.row is not None]
        if len(made) == 2 and all(np.allclose(one, row, rtol=0, atol=1e-9) for one in made):
            both.append(place)
    assert len(both) > 3
    assert set(both) <= set(found.details["ambiguous"])
    assert not set(both) & set(found.details["rows"])


def test_both_scales_of_two_classes_are_found_by_hand() -> None:
    # one feature, W = (1, -1)', no bias: the guess is class 0 and 1 - p = s(-2c), with c·s(-2c) = size; at
    # c = 1/2 it is 0.13447, and the other root is where c·s(-2c) has come down to that again
    layer = Dense("", np.array([[1.0], [-1.0]]), np.zeros(2), None)
    size = 0.5 / (1 + np.exp(1.0))
    found = explanations(np.array([[-size], [size]]), layer, Rounding(1e-15), has_sign=True)
    lengths = sorted(float(one.features[0]) for one in found)
    assert lengths[0] == pytest.approx(0.5, abs=1e-9)
    assert len(lengths) == 2
    assert lengths[1] / (1 + np.exp(2 * lengths[1])) == pytest.approx(size, abs=1e-12)
    # without the sign of features the other class at minus both explains it as well
    both = explanations(np.array([[-size], [size]]), layer, Rounding(1e-15), has_sign=False)
    assert sorted(one.label for one in both) == [0, 0, 1, 1]


def test_two_roots_that_nearly_meet_are_both_found() -> None:
    # c·s(-2c) is largest where 1 = 2c·s(2c): at c = 0.63923; a size a billionth below has two roots beside it
    layer = Dense("", np.array([[1.0], [-1.0]]), np.zeros(2), None)
    top = 0.6392322713
    size = top / (1 + np.exp(2 * top)) * (1 - 1e-6)
    found = explanations(np.array([[-size], [size]]), layer, Rounding(1e-15), has_sign=True)
    lengths = sorted(float(one.features[0]) for one in found)
    assert len(lengths) == 2
    assert lengths[0] < top < lengths[1]


def test_a_one_hot_prediction_gives_nothing_and_the_others_do() -> None:
    model, items = network(6, 40, 4), items_of(3)
    sent = np.array(embedding(model, items)["embedding"])
    sent[1] = 0.0
    found = EmbeddingInversion().recover(
        Disclosure("embedding", {"embedding": sent}, 3), Knowledge(model, (6,), 4), RNG
    )
    assert found.details["zero"] == [1]
    assert found.details["rows"] == [0, 2]
    assert "1 embeddings are zero: the prediction is one-hot" in found.reason


def test_random_numbers_are_explained_by_nothing() -> None:
    model = network(6, 40, 4)
    sent = Disclosure("embedding", {"embedding": np.random.default_rng(0).normal(size=(2, 4, 40))}, 2)
    found = EmbeddingInversion().recover(sent, Knowledge(model, (6,), 4), RNG)
    assert found.outcome != "recovered" or found.items is None
    assert found.items is None


def test_an_embedding_of_another_model_gives_no_item() -> None:
    model, items = network(6, 40, 4), items_of(5)
    sent = embedding(model, items)
    with torch.no_grad():
        model[2].get_parameter("weight").mul_(-0.7)
    found = EmbeddingInversion().recover(sent, Knowledge(model, (6,), 4), RNG)
    assert found.outcome == "failed"
    assert "explained by no features of this model" in found.reason


@pytest.mark.parametrize(
    ("kind", "shape", "says"),
    [
        ("full", (2, 4, 40), "not 'full'"),
        ("embedding", (2, 4, 39), "4 classes and 40 features; the message has the axes (2, 4, 39)"),
    ],
)
def test_another_message_is_refused(kind: str, shape: tuple[int, ...], says: str) -> None:
    sent = Disclosure(kind, {"embedding": np.ones(shape)}, 2)
    found = EmbeddingInversion().recover(sent, Knowledge(network(6, 40, 4), (6,), 4), RNG)
    assert found.outcome == "refused"
    assert says in found.reason


def test_a_model_without_a_last_linear_layer_is_refused() -> None:
    model = nn.Sequential(network(6, 40, 4), nn.Tanh())
    sent = Disclosure("embedding", {"embedding": np.ones((2, 4, 40))}, 2)
    found = EmbeddingInversion().recover(sent, Knowledge(model, (6,), 4), RNG)
    assert found.outcome == "refused"


def sketched(rows: int, **more: object) -> Recovery:
    model, items = network(6, 20, 3), items_of(4)
    matrix = np.random.default_rng(2).normal(size=(rows, 60)) / np.sqrt(rows)
    told: Any = {"sketch": matrix, **more}
    known = Knowledge(model, (6,), 3, **told)
    return EmbeddingInversion().recover(embedding(model, items, sketch=matrix), known, RNG)


def test_a_sketch_of_full_rank_hides_nothing() -> None:
    assert sketched(60).items == pytest.approx(items_of(4), abs=1e-6)
    assert sketched(75).items == pytest.approx(items_of(4), abs=1e-8)


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        (59, {}, "A sketch of 59 numbers does not fix an embedding of 60 by linear equations, as many"),
        (20, {}, "The 20 features behind it may be fixed all the same, by equations that are not linear"),
        (60, {"sketch": None}, "the matrix is not known"),
        (60, {"sketch": np.ones((60, 3))}, "must have the axes (60, 60); it has (60, 3)"),
    ],
)
def test_a_sketch_that_cannot_be_solved_is_refused(rows: int, more: dict[str, object], says: str) -> None:
    found = sketched(rows, **more)
    assert found.outcome == "refused"
    assert says in found.reason


def test_a_message_without_embeddings_is_refused() -> None:
    sent = Disclosure("embedding", {"other": np.ones((2, 3))}, 2)
    found = EmbeddingInversion().recover(sent, Knowledge(network(6, 20, 3), (6,), 3), RNG)
    assert found.outcome == "refused"
    assert "neither embeddings" in found.reason


@pytest.mark.parametrize("width", [10, 160])
def test_two_features_behind_layers_that_are_not_followed_are_a_proof_only_of_few_units(width: int) -> None:
    """Of 160 units for 64 values one length alone may be an item's, which another attack may find."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(64, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, 2)
        ).eval()
    items = np.random.default_rng(0).uniform(size=(10, 8, 8)).astype(np.float32)
    known = Knowledge(model, (8, 8), 2)
    found = EmbeddingInversion().recover(embedding(model, items), known, np.random.default_rng(0))
    is_wide = width > 64
    left = found.details["unfollowed" if is_wide else "ambiguous"]
    assert len(left) >= 9  # of some predictions one length alone explains it
    assert not found.details["ambiguous" if is_wide else "unfollowed"]
    assert found.items is None
    assert (found.outcome == "unidentifiable") == (not is_wide and len(left) == 10)
    assert ("was not tried" in found.reason) == is_wide


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize(
    "between",
    [nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Hardswish()],
    ids=["gelu", "gelu_tanh", "silu", "mish", "hardswish"],
)
def test_activations_that_rise_from_zero_give_the_item_back(between: nn.Module, classes: int) -> None:
    """About half of 200 units are above zero, where an output has one input."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 200), between, nn.Linear(200, classes)).eval()
    items = np.random.default_rng(0).uniform(size=(10, 8, 8)).astype(np.float32)
    known = Knowledge(model, (8, 8), classes)
    found = EmbeddingInversion().recover(embedding(model, items), known, np.random.default_rng(0))
    assert found.details["item_rows"] == list(range(10))
    assert found.items == pytest.approx(items, abs=1e-3)


def two_classes(between: nn.Module, width: int, bounds: tuple[float, float] | None) -> Recovery:
    """Of digits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, width), between, nn.Linear(width, 2)).eval()
    items = np.asarray(digits().pool.take(np.arange(12)), np.float32)
    known = Knowledge(model, (8, 8), 2, bounds=bounds)
    return EmbeddingInversion().recover(embedding(model, items), known, np.random.default_rng(0))


def test_units_that_tell_one_of_two_values_are_not_counted_as_silent() -> None:
    """About half of 100 units of GELU are above zero, for 64 values; others tell one of two inputs each."""
    found = two_classes(nn.GELU(), 100, None)
    assert found.details["unfollowed"]
    assert found.details["ambiguous"] == []
    assert two_classes(nn.ReLU(), 100, None).details["unfollowed"] == []


def test_a_known_range_of_values_may_decide_what_counting_does_not() -> None:
    assert two_classes(nn.ReLU(), 112, None).details["ambiguous"]
    found = two_classes(nn.ReLU(), 112, (0.0, 1.0))
    assert (found.details["ambiguous"], "range of values" in found.reason) == ([], True)


def test_an_item_far_out_of_its_range_is_that_of_another_length() -> None:
    """Of 80 units of a tanh both lengths are an item's."""
    free, held = (two_classes(nn.Tanh(), 80, bounds) for bounds in (None, (0.0, 1.0)))
    assert len(held.details["item_rows"]) >= len(free.details["item_rows"])
    assert held.details["item_rows"] == list(range(12))
