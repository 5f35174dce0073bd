"""A network that scales and shifts its input by itself is seen through; one that does more is not."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.errors import LearnerError
from nextlabel.leakage.closed_forms.dense_layers import dense_layers
from nextlabel.leakage.closed_forms.item_readings import reading_of
from nextlabel.leakage.messages import full
from nextlabel.leakage.peeling.layer_chain import executed_chain

MEAN, SPREAD = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.25, 0.2, 0.3])


class Before(nn.Module):
    """Does something to its input, in forward, before the layers."""

    def __init__(self, first: Callable[[Tensor], Tensor], body: nn.Module) -> None:
        super().__init__()
        self.first, self.body = first, body

    def forward(self, items: Tensor) -> Tensor:
        said: Tensor = self.body(self.first(items))
        return said


def by_channel(items: Tensor) -> Tensor:
    """Channels first, and as recommended for models trained on photographs."""
    return (items.movedim(-1, 1) - MEAN[:, None, None]) / SPREAD[:, None, None]


def dense(size: int, *, width: int = 64, first: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(size, width), nn.ReLU(), nn.Linear(width, 5)]
    return nn.Sequential(*([first] if first is not None else []), *layers).eval()


def attacked(
    name: str, model: nn.Module, items: Array, *, bounds: tuple[float, float] | None = None
) -> Recovery:
    labels = np.arange(len(items)) % 5
    known = Knowledge(model, items.shape[1:], 5, bounds=bounds, is_image=items.ndim > 2)
    found: Recovery = resolve("attack", name)().recover(
        full(model, items, labels), known, np.random.default_rng(0)
    )
    return found


def apart(found: Recovery, items: Array) -> float:
    """The largest error of an item beside the nearest that came back."""
    assert found.items is not None
    pairs = np.abs(found.items[:, None] - items[None]).reshape(len(found.items), len(items), -1).max(2)
    return float(pairs.min(0).max())


PICTURES = np.random.default_rng(1).uniform(size=(3, 6, 6, 3)).astype(np.float32)


@pytest.mark.parametrize("is_double", [True, False], ids=["float64", "float32"])
def test_factors_shifts_and_order_are_those_of_the_network(is_double: bool) -> None:
    class Single(nn.Module):
        def forward(self, items: Tensor) -> Tensor:
            return items if is_double else items.to(torch.float32)  # so that no copy in float64 runs

    model = Before(by_channel, nn.Sequential(Single(), nn.Flatten(), nn.Linear(108, 5)))
    found = reading_of(model, "body.2", (6, 6, 3))
    assert found is not None
    items = PICTURES.astype(np.float64)
    with torch.no_grad():
        read = by_channel(torch.tensor(items)).flatten(1).double().numpy()
    close = 1e-12 if is_double else 1e-5
    np.testing.assert_allclose(found.values_of(read).reshape(items.shape), items, atol=close)
    np.testing.assert_allclose(found.factor[::36], 1 / SPREAD.double().numpy(), rtol=close)
    np.testing.assert_allclose(found.shift[::36], (-MEAN.double() / SPREAD.double()).numpy(), rtol=close)


UNREAD: dict[str, Callable[[Tensor], Tensor]] = {
    "clamp": lambda items: items.clamp(0.0, 1.0),
    "cut after scaling": lambda items: ((items - 0.3) / 0.1).clamp(-3.0, 3.0),
    "logarithm": lambda items: (items.abs() + 0.5).log(),
    "power": lambda items: items.abs() ** 2.2,
    "own mean": lambda items: items - items.mean(1, keepdim=True),
    "nothing of one": lambda items: items * torch.tensor([1.0, 0.0, 1.0, 1.0]),
    "one twice": lambda items: items[:, [0, 1, 1, 3]],
    "neighbours": lambda items: items + 0.5 * items.roll(1, 1),
    "one drowned": lambda items: items * torch.tensor([1.0, 1e-20, 1.0, 1.0]) + 1.0,
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_does_more_is_not_undone_and_said(name: str) -> None:
    model = Before(UNREAD[name], dense(4))
    seen = dense_layers(Knowledge(model, (4,), 5))
    assert seen.order is None
    assert "'body.1', are not the values of the item, each scaled and shifted" in seen.unread
    for attack in ("fully_connected", "relu_sparsity"):
        found = attacked(attack, model, np.random.default_rng(0).uniform(0.1, 0.9, (2, 4)).astype(np.float32))
        assert found.items is None
        assert seen.unread in found.reason
    if name == "clamp":  # to the range that the peel takes items to be from: nothing is lost
        assert executed_chain(model, (4,))[0].reading is None
        return
    with pytest.raises(LearnerError, match=r"the item and 'body.0' than .* or to scale and shift each"):
        executed_chain(model, (4,))


def test_models_that_raise_or_read_fewer_values_have_no_reading() -> None:
    model = Before(lambda items: items[:, :3], dense(3))
    assert reading_of(model, "body.1", (4,)) is None
    assert reading_of(model, "body.9", (4,)) is None
    assert reading_of(dense(5), "1", (4,)) is None


def test_one_item_comes_back_through_a_normalisation() -> None:
    model = Before(by_channel, dense(108))
    found = attacked("fully_connected", model, PICTURES[:1])
    assert found.outcome == "recovered"
    assert apart(found, PICTURES[:1]) < 1e-6


def test_a_batch_comes_back_through_a_normalisation() -> None:
    model = Before(lambda items: (items - 0.3) / 0.35, dense(16, width=256))
    items = np.random.default_rng(2).uniform(size=(3, 4, 4)).astype(np.float32)
    found = attacked("relu_sparsity", model, items)
    assert found.outcome == "recovered"
    assert apart(found, items) < 1e-4


def test_batch_normalisation_first_is_a_normalisation() -> None:
    """With weights of its own, so that it is the first layer with weights."""
    norm = nn.BatchNorm1d(16)
    torch.manual_seed(1)
    norm.running_mean, norm.running_var = torch.rand(16), torch.rand(16) + 0.1
    norm.weight.data, norm.bias.data = torch.rand(16) + 0.5, torch.rand(16)
    items = np.random.default_rng(2).uniform(size=(1, 16)).astype(np.float32)
    found = attacked("fully_connected", dense(16, first=norm), items)
    assert found.outcome == "recovered"
    assert apart(found, items) < 1e-5


@pytest.mark.parametrize("bounds", [(0.0, 1.0), None], ids=["range", "no range"])
def test_a_picture_is_peeled_through_a_normalisation(bounds: tuple[float, float] | None) -> None:
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), nn.Sigmoid(), nn.Flatten(), nn.Linear(12 * 36, 5)
    ).double()
    model = Before(by_channel, body).eval()
    item = PICTURES[:1].astype(np.float64)
    found = attacked("recursive_peel", model, item, bounds=bounds)
    assert found.outcome == "recovered"
    assert apart(found, item) < 1e-6


def test_a_network_that_scales_is_peeled_as_one_whose_first_layer_does() -> None:
    """Of 108 directions 78 are open: what is given hangs on the range and on which pixels are alike."""
    torch.manual_seed(0)
    first = nn.Linear(108, 30)
    plain = nn.Sequential(nn.Flatten(), first, nn.Tanh(), nn.Linear(30, 5)).double().eval()
    model, folded = Before(by_channel, plain), Before(nn.Identity(), copy.deepcopy(plain))
    reading = reading_of(model, "body.1", (6, 6, 3))
    assert reading is not None
    weight, bias = (one.detach().numpy().copy() for one in (first.weight, first.bias))
    into = folded.get_submodule("body.1")
    assert isinstance(into, nn.Linear)
    into.bias.data = torch.tensor(bias + weight @ reading.shift)
    into.weight.data[:, torch.tensor(reading.order)] = torch.tensor(weight * reading.factor)
    ramp = np.linspace(0.2, 0.8, 6)[:, None, None] * np.ones((6, 6, 3))
    found = []
    for one in (model, folded):
        sent = full(one, ramp[None], np.array([1]))
        less = {name: value for name, value in sent.arrays.items() if name != "body.1.weight"}
        known = Knowledge(one, (6, 6, 3), 5, bounds=(0.0, 1.0), is_image=True)
        attack = resolve("attack", "recursive_peel")()
        found.append(attack.recover(Disclosure(sent.kind, less, 1), known, np.random.default_rng(0)))
    assert [one.outcome for one in found] == ["unidentifiable", "unidentifiable"]
    np.testing.assert_allclose(found[0].items, found[1].items, atol=1e-3)
    names = [stage.title for stage in executed_chain(model, (6, 6, 3))]
    assert names[:2] == ["what the network does to the item first", "Flatten 'body.0'"]
