"""Messages against gradients taken by hand, item by item and step by step."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError, LearnerError, ParameterError
from nextlabel.leakage.gradients import joined_loss
from nextlabel.leakage.messages import aggregated, as_gradient, embedding, full, last_layer, update
from nextlabel.leakage.networks import deep_leakage
from nextlabel.learners.networks import lenet, mlp
from nextlabel.maths.predictions import softmax
from nextlabel.testing.attack_examples import small_network


class Text(nn.Module):
    """A language model as small as one can be: each position from itself and from the mean of all."""

    def __init__(self, is_tied: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 5)
        self.mix = nn.Linear(5, 5)
        self.head = nn.Linear(5, 7, bias=False)
        if is_tied:
            self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        found = self.embed(tokens)
        said: Tensor = self.head(torch.tanh(self.mix(found + found.mean(1, keepdim=True))))
        return said


def by_hand(model: nn.Module, items: Array, loss_of: Any) -> dict[str, Array]:
    """Autograd of a loss that is written out, by parameter."""
    held = dict(model.named_parameters())
    inputs = torch.as_tensor(items)
    inputs = inputs.to(next(model.parameters()).dtype) if inputs.is_floating_point() else inputs
    grads = torch.autograd.grad(loss_of(model(inputs)), list(held.values()))
    return {name: one.numpy() for name, one in zip(held, grads, strict=True)}


def models() -> dict[str, tuple[nn.Module, Array]]:
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    return {
        "perceptron": (small_network(6, 8, 4), rng.normal(size=(5, 6))),
        "lenet": (lenet((14, 14), 4).eval(), rng.normal(size=(5, 14, 14)).astype(np.float32)),
        "deep_leakage": (deep_leakage((3, 8, 8), 4), rng.random((5, 3, 8, 8))),
        "normalised": (
            nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4)).eval(),
            rng.normal(size=(5, 6)).astype(np.float32),
        ),
    }


MODELS = ["perceptron", "lenet", "deep_leakage", "normalised"]
LABELS = np.array([0, 3, 1, 1, 2])


def same(sent: Disclosure, wanted: dict[str, Array], rtol: float = 1e-5) -> None:
    assert list(sent.arrays) == list(wanted)
    for name, one in wanted.items():
        assert sent[name].dtype == one.dtype
        np.testing.assert_allclose(sent[name], one, rtol=rtol, atol=1e-7 * np.abs(one).max(), err_msg=name)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_full_is_the_gradient_of_every_parameter(name: str, reduction: str) -> None:
    model, items = models()[name]
    sent = full(model, items, LABELS, reduction=reduction)

    def loss(outputs: Tensor) -> Tensor:
        each = -outputs.log_softmax(-1)[range(5), torch.as_tensor(LABELS)]
        return each.mean() if reduction == "mean" else each.sum()

    same(sent, by_hand(model, items, loss))
    assert (sent.kind, sent.items) == ("full", 5)


def test_the_message_of_a_batch_is_the_mean_of_those_of_its_items() -> None:
    model, items = models()["perceptron"]
    each = [full(model, items[[row]], LABELS[[row]]) for row in range(5)]
    same(
        full(model, items, LABELS),
        {name: np.mean([one[name] for one in each], axis=0) for name in each[0].arrays},
    )
    same(
        full(model, items, LABELS, reduction="sum"),
        {name: np.sum([one[name] for one in each], axis=0) for name in each[0].arrays},
    )


def test_one_hot_labels_are_classes_and_soft_ones_lie_between() -> None:
    model, items = models()["perceptron"]
    hot = np.eye(4)[LABELS]
    same(full(model, items, hot), dict(full(model, items, LABELS).arrays))
    other = np.eye(4)[(LABELS + 1) % 4]
    halves = full(model, items, 0.5 * hot + 0.5 * other)
    wanted = {
        name: 0.5 * (one + full(model, items, (LABELS + 1) % 4)[name])
        for name, one in full(model, items, LABELS).arrays.items()
    }
    same(halves, wanted)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_squared_error_is_halved_and_summed_over_outputs(reduction: str) -> None:
    model, items = models()["perceptron"]
    values = np.random.default_rng(1).normal(size=(5, 4))

    def loss(outputs: Tensor) -> Tensor:
        each = ((outputs - torch.as_tensor(values)) ** 2).sum(1) / 2
        return each.mean() if reduction == "mean" else each.sum()

    same(full(model, items, values, loss="squared_error", reduction=reduction), by_hand(model, items, loss))


def test_values_of_one_output_are_not_stretched_over_one_another() -> None:
    # (5, 1) minus (5,) would be (5, 5) without a word
    model = small_network(6, 8, 1)
    items, values = np.random.default_rng(0).normal(size=(5, 6)), np.arange(5.0)
    wanted = by_hand(model, items, lambda out: ((out[:, 0] - torch.arange(5.0)) ** 2).mean() / 2)
    same(full(model, items, values, loss="squared_error"), wanted)
    with pytest.raises(DisclosureError, match=r"axes of the outputs, \(5, 1\); received \(5,\)"):
        joined_loss(torch.zeros(5, 1), torch.zeros(5), "squared_error", "mean")


@pytest.mark.parametrize("is_tied", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_language_model_is_asked_at_the_positions_that_count(reduction: str, is_tied: bool) -> None:
    torch.manual_seed(0)
    model = Text(is_tied)
    tokens = np.array([[0, 1, 2, 3], [6, 5, 4, 4]])
    labels = np.array([[1, 2, -100, -100], [5, -100, -100, 0]])
    asked = [(0, 0, 1), (0, 1, 2), (1, 0, 5), (1, 3, 0)]

    def loss(outputs: Tensor) -> Tensor:
        logs = outputs.log_softmax(-1)
        each = torch.stack([-logs[row, place, label] for row, place, label in asked])
        return each.mean() if reduction == "mean" else each.sum()

    sent = full(model, tokens, labels, loss="language_model", reduction=reduction)
    same(sent, by_hand(model, tokens, loss))
    assert ("head.weight" in sent.arrays) is not is_tied
    assert sent.items == 2


def test_soft_targets_of_a_language_model_are_one_for_each_position() -> None:
    torch.manual_seed(0)
    model, tokens = Text(), np.array([[0, 1, 2, 3]])
    hot = np.eye(7)[[[1, 2, 3, 0]]]
    sent = full(model, tokens, hot, loss="language_model")
    same(sent, dict(full(model, tokens, np.array([[1, 2, 3, 0]]), loss="language_model").arrays))


@pytest.mark.parametrize("name", ["perceptron", "lenet", "deep_leakage"])
def test_the_last_layer_is_a_part_of_the_full_message(name: str) -> None:
    model, items = models()[name]
    everything = full(model, items, LABELS)
    sent = last_layer(model, items, LABELS)
    same(sent, {one: everything[one] for one in list(everything.arrays)[-2:]})
    assert (sent.kind, sent.items) == ("last_layer", 5)


def test_a_frozen_last_layer_has_no_message() -> None:
    model, items = models()["perceptron"]
    model.get_submodule("2").requires_grad_(False)
    with pytest.raises(DisclosureError, match="last linear layer, '2', which is frozen"):
        last_layer(model, items, LABELS)
    assert list(full(model, items, LABELS).arrays) == ["0.weight", "0.bias"]
    model.requires_grad_(False)
    with pytest.raises(DisclosureError, match="parameters that require one; Sequential has none"):
        full(model, items, LABELS)


def test_without_a_last_linear_layer_there_is_no_such_message() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
    with pytest.raises(LearnerError, match="goes on after Linear '0'"):
        last_layer(model, np.zeros((1, 6)), np.zeros(1, int))


@pytest.mark.parametrize("name", ["perceptron", "lenet"])
def test_embeddings_are_residual_times_features_row_by_row(name: str) -> None:
    model, items = models()[name]
    layers = list(model)  # type: ignore[call-overload]
    with torch.no_grad():
        inputs = torch.as_tensor(items)
        z = nn.Sequential(*layers[:-1])(inputs).numpy()
        logits = model(inputs).numpy()
    sent = embedding(model, items)["embedding"]
    proba = softmax(logits)
    for row in range(5):
        residual = proba[row] - np.eye(4)[proba[row].argmax()]
        np.testing.assert_allclose(sent[row], np.outer(residual, z[row]), rtol=1e-4, atol=1e-6)


def test_an_embedding_is_the_last_layers_gradient_under_the_models_own_label() -> None:
    model, items = models()["perceptron"]
    own = model(torch.as_tensor(items)).argmax(1).numpy()
    sent = embedding(model, items, LABELS)["embedding"]
    for row in range(5):
        np.testing.assert_allclose(
            sent[row], full(model, items[[row]], own[[row]])["2.weight"], rtol=1e-9, atol=1e-12
        )


def test_a_sketch_is_the_flattened_embedding_times_its_matrix() -> None:
    model, items = models()["perceptron"]
    matrix = np.random.default_rng(0).normal(size=(3, 32))
    plain = embedding(model, items)["embedding"]
    sent = embedding(model, items, sketch=matrix)
    np.testing.assert_allclose(sent["sketch"], plain.reshape(5, 32) @ matrix.T, rtol=1e-12)
    assert list(sent.arrays) == ["sketch"]
    with pytest.raises(
        DisclosureError, match=r"axes \(r, 32\), 4 classes times 8 features; received \(3, 31\)"
    ):
        embedding(model, items, sketch=matrix[:, :31])


def test_an_embedding_is_of_cross_entropy_and_of_several_logits() -> None:
    model, items = models()["perceptron"]
    with pytest.raises(DisclosureError, match="received loss='squared_error'"):
        embedding(model, items, loss="squared_error")
    with pytest.raises(DisclosureError, match="a logit for each class; this one has 1"):
        embedding(small_network(6, 8, 1), items)


@pytest.mark.parametrize("name", MODELS)
def test_an_update_of_one_step_is_the_gradient_times_the_rate(name: str) -> None:
    model, items = models()[name]
    model = copy.deepcopy(model).double()
    sent = update(model, items, LABELS, rate=0.25)
    gradient = full(model, items, LABELS)
    same(sent, {name: -0.25 * one for name, one in gradient.arrays.items()}, rtol=1e-9)
    known = Knowledge(model, items.shape[1:], 4, steps=1, rate=0.25)
    back = as_gradient(sent, known)
    same(back, dict(gradient.arrays), rtol=1e-9)
    assert (sent.kind, back.kind, back.items) == ("update", "full", 5)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_update_of_several_steps_is_that_of_torchs_own_descent(reduction: str) -> None:
    model, items = models()["perceptron"]
    trained = copy.deepcopy(model)
    descent = torch.optim.SGD(trained.parameters(), lr=0.3)
    for _ in range(4):
        descent.zero_grad()
        loss = nn.functional.cross_entropy(
            trained(torch.as_tensor(items)), torch.as_tensor(LABELS), reduction=reduction
        )
        torch.autograd.backward(loss)
        descent.step()
    wanted = {
        name: (after - before).detach().numpy()
        for (name, before), after in zip(model.named_parameters(), trained.parameters(), strict=True)
    }
    sent = update(model, items, LABELS, steps=4, rate=0.3, reduction=reduction)
    same(sent, wanted, rtol=1e-9)
    known = Knowledge(model, (6,), 4, steps=4, rate=0.3)
    same(as_gradient(sent, known), {name: -one / 1.2 for name, one in wanted.items()}, rtol=1e-9)


@pytest.mark.parametrize(("what", "says"), [({"steps": 0}, "'steps'"), ({"rate": 0.0}, "'rate'")])
def test_an_update_that_does_nothing_is_refused(what: dict[str, Any], says: str) -> None:
    model, items = models()["perceptron"]
    with pytest.raises(ParameterError, match=says):
        update(model, items, LABELS, **what)


def test_only_what_is_a_gradient_is_read_as_one() -> None:
    model, items = models()["perceptron"]
    known = Knowledge(model, (6,), 4)
    sent = full(model, items, LABELS)
    assert as_gradient(sent, known) is sent
    with pytest.raises(DisclosureError, match="a message of kind 'embedding'"):
        as_gradient(embedding(model, items), known)
    with pytest.raises(DisclosureError, match="steps=None and rate=None"):
        as_gradient(update(model, items, LABELS), known)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_messages_joined_by_a_server_are_the_message_of_all_items(reduction: str) -> None:
    model, items = models()["perceptron"]
    clients = [slice(0, 1), slice(1, 3), slice(3, 5)]
    sent = [full(model, items[one], LABELS[one], reduction=reduction) for one in clients]
    joined = aggregated(sent, reduction=reduction)
    same(joined, dict(full(model, items, LABELS, reduction=reduction).arrays))
    assert joined.items == 5
    same(aggregated(iter(sent), reduction=reduction), dict(joined.arrays))


def test_messages_that_do_not_fit_are_not_joined() -> None:
    model, items = models()["perceptron"]
    one = full(model, items, LABELS)
    with pytest.raises(DisclosureError, match="received 0 of kind none"):
        aggregated([])
    with pytest.raises(DisclosureError, match="received 2 of kind full, last_layer, of 2 forms"):
        aggregated([one, last_layer(model, items, LABELS)])
    with pytest.raises(DisclosureError, match="received 2 of kind embedding, of 1 forms"):
        aggregated([embedding(model, items), embedding(model, items)])
    with pytest.raises(ParameterError, match="'reduction'"):
        aggregated([one], reduction="median")


@pytest.mark.parametrize(
    ("labels", "loss", "says"),
    [
        (np.array([0, 1, 2, 3, 4]), "cross_entropy", "whole numbers from 0 to 3 .* from 0 to 4"),
        (np.array([0, 1, 2, 3, -1]), "cross_entropy", "whole numbers from 0 to 3 .* from -1 to 3"),
        (np.array([0, 1, 2, 3, -100]), "cross_entropy", "whole numbers from 0 to 3"),
        (np.array([-100] * 5), "language_model", "whole numbers from 0 to 3"),
        (np.array([0, 1]), "cross_entropy", r"of the axes \(5,\) .* axes \(2,\)"),
        (
            np.full((5, 3), 1 / 3),
            "cross_entropy",
            r"one number for each output .* float64 of the axes \(5, 3\)",
        ),
        (np.array([0, 1, 2, 3, 0]), "squared_error", "one number for each output"),
        (np.zeros((4, 5)), "squared_error", "one number for each output"),
        (np.zeros((0, 4)), "squared_error", r"axes \(0, 4\)\. Give"),
    ],
)
def test_labels_that_do_not_fit_the_model_are_refused(labels: Array, loss: str, says: str) -> None:
    model, items = models()["perceptron"]
    with pytest.raises(DisclosureError, match=says):
        full(model, items, labels, loss=loss)


@pytest.mark.parametrize("what", [{"loss": "hinge"}, {"reduction": "median"}])
@pytest.mark.parametrize("make", [full, last_layer, update])
def test_a_loss_or_reduction_that_there_is_not_is_refused(make: Any, what: dict[str, str]) -> None:
    model, items = models()["perceptron"]
    with pytest.raises(ParameterError, match=f"'{next(iter(what))}' must be"):
        make(model, items, LABELS, **what)


@pytest.mark.parametrize("share", ["full", "last_layer", "embedding", "update"])
def test_the_client_is_left_as_it_was(share: str) -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4))
    list(model)[1].eval()  # a mode of its own
    items = np.random.default_rng(0).normal(size=(5, 6))
    weights = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    drawn = torch.get_rng_state()
    one, other = (resolve("message", share)(model, items, LABELS) for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one.arrays)  # dropout is off
    assert [module.training for module in model.modules()] == modes
    assert all((weights[name] == now).all() for name, now in model.state_dict().items())
    assert (torch.get_rng_state() == drawn).all()
    assert all(weight.grad is None for weight in model.parameters())


def test_precisions_are_the_models_and_bfloat16_becomes_float32() -> None:
    items = np.random.default_rng(0).normal(size=(5, 6))
    for dtype, wanted in (
        (torch.float64, np.float64),
        (torch.float32, np.float32),
        (torch.bfloat16, np.float32),
    ):
        sent = full(small_network(6, 8, 4).to(dtype), items, LABELS)
        assert {one.dtype for one in sent.arrays.values()} == {np.dtype(wanted)}


def test_whole_numbers_reach_the_model_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(256, size=(5, 6), dtype=np.uint8)
    torch.manual_seed(0)
    model = mlp((6,), 4, hidden=(8,))
    same(full(model, pixels, LABELS), dict(full(model, pixels.astype(np.float32), LABELS).arrays))


class Answer:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


class Wrapped(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, items: Tensor) -> Answer:
        return Answer(self.inner(items))


def test_a_model_may_answer_with_an_object_that_holds_the_logits() -> None:
    model, items = models()["perceptron"]
    plain = full(model, items, LABELS)
    same(full(Wrapped(model), items, LABELS), {f"inner.{name}": one for name, one in plain.arrays.items()})
