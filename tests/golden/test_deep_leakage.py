"""The published call: a model and its gradients in, dummy data and label out."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nextlabel.leakage
from nextlabel.core.progress import reporting
from nextlabel.errors import ConvergenceError, DisclosureError, ParameterError
from nextlabel.leakage import deep_leakage_from_gradients
from nextlabel.leakage.networks import deep_leakage
from nextlabel.testing.attack_examples import small_network

ITEM = torch.tensor([[0.1, 0.9, 0.4, 0.2]], dtype=torch.float64)
LABEL = torch.tensor([2])


def smooth() -> nn.Module:
    return small_network(4, 7, 3, activation=nn.Sigmoid)


def gradients_of(model: nn.Module, items: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """As the listing takes them, by torch alone."""
    loss = nn.functional.cross_entropy(model(items), labels)
    return torch.autograd.grad(loss, list(model.parameters()))


@pytest.mark.parametrize("form", ["tuple", "list", "generator", "mapping", "arrays"])
def test_gradients_are_taken_in_any_form(form: str) -> None:
    model = smooth()
    found = gradients_of(model, ITEM, LABEL)
    named = dict(zip(dict(model.named_parameters()), found, strict=True))
    forms: dict[str, Any] = {
        "tuple": found,
        "list": list(found),
        "generator": iter(found),
        "mapping": named,
        "arrays": {name: one.numpy() for name, one in named.items()},
    }
    data, label = deep_leakage_from_gradients(model, forms[form], restarts=4, iterations=10)
    assert data.dtype == label.dtype == torch.float64
    torch.testing.assert_close(data, ITEM, rtol=0.0, atol=1e-3)
    assert label.shape == (1, 3)
    assert label.sum().item() == pytest.approx(1.0)
    assert int(label.argmax()) == 2


def test_the_published_network_tells_the_shape_of_its_items() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = deep_leakage((8, 8), 10).eval()
        image = torch.rand(1, 8, 8)
    found = gradients_of(model, image, torch.tensor([4]))
    data, label = deep_leakage_from_gradients(model, found, restarts=4, iterations=20)
    assert data.shape == (1, 8, 8)
    assert data.dtype == torch.float32
    torch.testing.assert_close(data, image, rtol=0.0, atol=0.05)
    assert int(label.argmax()) == 4


@pytest.mark.parametrize("shape", [(8, 8), (3, 8, 8), (8, 8, 3)])
def test_images_of_any_axes_are_told(shape: tuple[int, ...]) -> None:
    model = deep_leakage(shape, 5).eval()
    found = gradients_of(model, torch.rand(1, *shape), torch.tensor([0]))
    data, _ = deep_leakage_from_gradients(model, found, iterations=1)
    assert data.shape == (1, *shape)


def test_an_analytic_label_is_one_class() -> None:
    model = smooth()
    data, label = deep_leakage_from_gradients(
        model, gradients_of(model, ITEM, LABEL), label="analytic", restarts=4, iterations=10
    )
    assert label.tolist() == [[0.0, 0.0, 1.0]]
    torch.testing.assert_close(data, ITEM, rtol=0.0, atol=1e-3)


@pytest.mark.parametrize("label", ["known", "foo"])
def test_a_label_that_is_neither_optimised_nor_analytic_is_refused(label: Any) -> None:
    model = smooth()
    with pytest.raises(
        ParameterError, match=f"'label' must be 'optimised' or 'analytic'; received '{label}'"
    ):
        deep_leakage_from_gradients(model, gradients_of(model, ITEM, LABEL), label=label)


def test_a_seed_repeats_exactly_and_another_does_not() -> None:
    model = smooth()
    found = gradients_of(model, ITEM, LABEL)
    one, other, third = (
        deep_leakage_from_gradients(model, found, iterations=1, seed=seed)[0] for seed in (3, 3, 4)
    )
    assert torch.equal(one, other)
    assert not torch.equal(one, third)


def test_progress_is_told_by_iterations() -> None:
    model = smooth()
    heard: list[tuple[int, int]] = []
    deep_leakage_from_gradients(
        model,
        gradients_of(model, ITEM, LABEL),
        iterations=3,
        progress=lambda done, of: heard.append((done, of)),
    )
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(("iterations", "restarts"), [(100, 4), (300, 1)])
def test_progress_ends_where_the_gradient_is_matched_before_all_is_done(
    iterations: int, restarts: int
) -> None:
    model = smooth()
    heard: list[tuple[int, int]] = []
    deep_leakage_from_gradients(
        model,
        gradients_of(model, ITEM, LABEL),
        iterations=iterations,
        restarts=restarts,
        progress=lambda done, of: heard.append((done, of)),
    )
    assert heard[-1] == (iterations, iterations)
    assert len(heard) < iterations  # it ended before
    assert heard == sorted(set(heard))


def test_who_listens_already_hears_every_evaluation() -> None:
    model = smooth()
    heard: list[int] = []
    with reporting(lambda _, done, of: heard.append(done)):
        deep_leakage_from_gradients(model, gradients_of(model, ITEM, LABEL), iterations=1)
    assert heard == list(range(1, 21))


def test_the_model_is_left_alone() -> None:
    model = smooth()
    before = [one.clone() for one in model.parameters()]
    deep_leakage_from_gradients(model, gradients_of(model, ITEM, LABEL), iterations=1)
    assert all(torch.equal(one, kept) for one, kept in zip(model.parameters(), before, strict=True))
    assert all(one.grad is None for one in model.parameters())


def test_too_few_gradients_are_refused() -> None:
    model = smooth()
    found = gradients_of(model, ITEM, LABEL)
    with pytest.raises(DisclosureError, match="each of the 4 trainable parameters of the model; received 3"):
        deep_leakage_from_gradients(model, found[:3])


def test_gradients_of_another_model_are_refused_by_name() -> None:
    model = smooth()
    with pytest.raises(DisclosureError, match=re.escape("7.weight")):
        deep_leakage_from_gradients(model, {"7.weight": np.ones((7, 4))})


def test_a_model_that_does_not_tell_the_shape_asks_for_it() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(3)).eval()
    model(torch.zeros(1, 1, 8, 8))
    found = gradients_of(model, torch.rand(1, 1, 8, 8), torch.tensor([1]))
    with pytest.raises(DisclosureError, match=r"Sequential begins with Conv2d, which takes several"):
        deep_leakage_from_gradients(model, found)
    data, _ = deep_leakage_from_gradients(model, found, item_shape=(1, 8, 8), iterations=1)
    assert data.shape == (1, 1, 8, 8)


def test_a_model_that_drops_out_is_refused() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5), nn.Linear(5, 3))
    with pytest.raises(DisclosureError, match=r"in training mode are: 1 \(Dropout\)"):
        deep_leakage_from_gradients(model, gradients_of(model, ITEM.float(), LABEL))


def test_batch_normalisation_in_training_mode_is_named_and_left_so() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
    found = [torch.ones_like(one) for one in model.parameters()]
    with pytest.raises(DisclosureError, match=r"in training mode are: 1 \(BatchNorm1d\)\. Call model.eval"):
        deep_leakage_from_gradients(model, found)
    assert model[1].training
    assert model.state_dict()["1.num_batches_tracked"].item() == 0


def test_a_shape_that_the_model_does_not_take_is_refused() -> None:
    model = smooth().float()
    found = [torch.ones_like(one) for one in model.parameters()]
    with pytest.raises(
        DisclosureError, match=r"given float32 of the axes \(1, 5\), it raised RuntimeError: mat1"
    ):
        deep_leakage_from_gradients(model, found, item_shape=(5,))


def test_a_model_of_two_heads_is_refused() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, items: Tensor) -> tuple[Tensor, Tensor]:
            return self.linear(items), items

    model = Heads()
    found = [torch.ones_like(one) for one in model.parameters()]
    with pytest.raises(
        DisclosureError, match=r"one tensor of logits, of the axes \(1, classes\).* gives tuple"
    ):
        deep_leakage_from_gradients(model, found, item_shape=(4,))


def test_a_model_that_drops_the_last_axis_is_told_to_keep_it() -> None:
    model = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    found = torch.autograd.grad(model(torch.ones(1, 4)).sum(), list(model.parameters()))
    with pytest.raises(DisclosureError, match=r"gives axes \(1,\)\. Keep the last axis, of 1"):
        deep_leakage_from_gradients(model, found, loss="squared_error")


def test_gradients_that_are_zero_are_refused() -> None:
    model = smooth()
    with pytest.raises(DisclosureError, match="The message is zero"):
        deep_leakage_from_gradients(model, [torch.zeros_like(one) for one in model.parameters()])


def test_a_model_that_overflows_gives_no_data() -> None:
    class Overflowing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, items: Tensor) -> Tensor:
            # finite at zero only, where the model is asked how many outputs it has
            logits: Tensor = self.linear(items) * torch.where(items.abs().sum() > 0, torch.inf, 1.0)
            return logits

    model = Overflowing()
    found = [torch.ones_like(one) for one in model.parameters()]
    with pytest.raises(ConvergenceError, match="The gradient of every start is not finite"):
        deep_leakage_from_gradients(model, found, item_shape=(4,), loss="squared_error", iterations=1)


@pytest.mark.parametrize("shape", [64, "abc", 2.5])
def test_a_shape_that_is_no_tuple_is_refused(shape: Any) -> None:
    model = smooth()
    first = 64 if shape == 64 else 3
    expected = rf"'item_shape' must be a tuple, .* received {shape!r}\. Give .* item_shape=\({first},"
    with pytest.raises(ParameterError, match=expected):
        deep_leakage_from_gradients(model, gradients_of(model, ITEM, LABEL), item_shape=shape)


@pytest.mark.parametrize(("shape", "axis"), [((0,), "0"), ((3, "a"), "'a'"), ((2, 2.5), r"2\.5")])
def test_each_axis_of_a_shape_is_a_whole_number(shape: Any, axis: str) -> None:
    model = smooth()
    with pytest.raises(
        ParameterError, match=rf"'item_shape\[{len(shape) - 1}\]' must be .* received {axis}\."
    ):
        deep_leakage_from_gradients(model, gradients_of(model, ITEM, LABEL), item_shape=shape)


@pytest.mark.parametrize("given", [None, 3, "gradients"])
def test_what_is_no_gradients_is_refused(given: Any) -> None:
    with pytest.raises(DisclosureError, match=rf"Gradients must be a mapping .* received {given!r}\."):
        deep_leakage_from_gradients(smooth(), given)


@pytest.mark.parametrize("is_named", [True, False])
def test_a_gradient_that_is_none_is_named(is_named: bool) -> None:
    model = smooth()
    found: list[Any] = list(gradients_of(model, ITEM, LABEL))
    found[1] = None
    names = list(dict(model.named_parameters()))
    with pytest.raises(DisclosureError, match=rf"must be an array; that of '{re.escape(names[1])}' is None"):
        deep_leakage_from_gradients(model, dict(zip(names, found, strict=True)) if is_named else found)


def test_a_model_of_token_ids_is_sent_to_the_attack_on_text() -> None:
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 3)).eval()
    found = gradients_of(model, torch.tensor([[1, 5, 2]]), torch.tensor([0]))
    for told in ({}, {"item_shape": (3,)}, {"item_shape": (3,), "classes": 3}):
        with pytest.raises(DisclosureError, match=r"Sequential embeds such\. .*attacks='text_matching'"):
            deep_leakage_from_gradients(model, found, **told)


def test_a_model_that_names_its_embedding_last_is_known_to_take_token_ids() -> None:
    class Averaged(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.table = nn.Linear(4, 3), nn.Embedding(9, 4)

        def forward(self, ids: Tensor) -> Tensor:
            out: Tensor = self.layer(self.table(ids).mean(1))
            return out

    model = Averaged().eval()
    found = gradients_of(model, torch.tensor([[1, 5, 2]]), torch.tensor([0]))
    with pytest.raises(DisclosureError, match="which token ids do not have: Averaged embeds such"):
        deep_leakage_from_gradients(model, found)


def test_iterations_must_be_at_least_one() -> None:
    model = smooth()
    with pytest.raises(ParameterError, match="'iterations' must be a whole number from 1 up; received 0"):
        deep_leakage_from_gradients(model, gradients_of(model, ITEM, LABEL), iterations=0)


def test_the_room_offers_it_by_name() -> None:
    assert nextlabel.leakage.deep_leakage_from_gradients is deep_leakage_from_gradients
    assert "deep_leakage_from_gradients" in dir(nextlabel.leakage)
