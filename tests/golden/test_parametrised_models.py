"""Models whose weights are made of others, or that keep what they compute, are audited; others are named."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError
from nextlabel.leakage import audit, deep_leakage_from_gradients
from nextlabel.leakage.attacks.fully_connected import FullyConnected
from nextlabel.leakage.attacks.gradient_matching import GradientMatching
from nextlabel.leakage.checks import check, remarks
from nextlabel.leakage.closed_forms.dense_layers import dense_layers
from nextlabel.leakage.defences.private import private_message
from nextlabel.leakage.messages import full, last_layer
from nextlabel.leakage.model_copies import copied

RNG = np.random.default_rng(0)
ITEMS, LABELS = RNG.uniform(size=(20, 6)).astype(np.float32), RNG.integers(3, size=20)


class Doubled(nn.Module):
    """A parametrisation with a weight of its own."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(rows, 1))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2.0 * self.factor * weight


class Keeps(nn.Module):
    """Keeps its activations, as models do whose features somebody looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 24), nn.Linear(24, 3)

    def forward(self, items: torch.Tensor) -> Any:
        self.kept = self.first(items).sigmoid()
        return self.last(self.kept)


def doubled(layer: nn.Linear) -> None:
    nn.utils.parametrize.register_parametrization(layer, "weight", Doubled(len(layer.weight)))


def old_norm(layer: nn.Linear) -> None:
    with pytest.warns(FutureWarning, match="deprecated"):
        nn.utils.weight_norm(layer)


def pruned(layer: nn.Linear) -> None:
    prune.l1_unstructured(layer, "weight", 0.2)  # type: ignore[no-untyped-call]


WAYS: dict[str, Callable[[nn.Linear], Any]] = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "doubled": doubled,
    "old_weight_norm": old_norm,
    "old_spectral_norm": nn.utils.spectral_norm,
    "pruned": pruned,
}


def network(way: str, *places: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 24), nn.Sigmoid(), nn.Linear(24, 3)).eval()
        for place in places:
            WAYS[way](model[place])  # type: ignore[arg-type]
    return model


@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("share", ["full", "last_layer", "update"])
@pytest.mark.parametrize("way", WAYS)
def test_an_audit_of_parametrised_layers_tries_what_applies(way: str, share: str, place: int) -> None:
    attacks = ["label_inference", "fully_connected", *(["relu_sparsity"] if share != "last_layer" else [])]
    model = network(way, place)
    report = audit(model, ITEMS, LABELS, share=share, attacks=attacks, controls=False)
    said = {one.attack: one for one in report.outcomes if one.message == 0}
    assert not any("broke off" in one for one in report.remarks)
    assert said["label_inference"].outcome == "recovered"
    if place == 0 and share != "last_layer":
        assert said["fully_connected"].outcome == "recovered"
        assert "The input of the layer '2' was followed back" in said["fully_connected"].reason
    if share == "full" or (share == "last_layer" and place == 0):
        assert report.verdict == "EXACT"  # one of the two layers is plain, and 24 units tell six values


@pytest.mark.parametrize("way", WAYS)
def test_matching_recovers_an_item_through_parametrised_layers(way: str) -> None:
    model = network(way, 0, 2).double()
    sent = full(model, ITEMS[:1], LABELS[:1])
    known = Knowledge(model, (6,), 3, batch=1)
    check(sent, known)
    attack = GradientMatching(evaluations=4_000, restarts=4)
    found = attack.recover(sent, known, np.random.default_rng(0))
    assert found.outcome == "recovered", found.reason
    assert found.items is not None
    assert np.abs(found.items[0] - ITEMS[0]).max() < 1e-2


def test_deep_leakage_reads_the_gradients_of_parametrised_layers() -> None:
    model = network("weight_norm", 0, 2)
    loss = nn.functional.cross_entropy(model(torch.as_tensor(ITEMS[:1])), torch.as_tensor(LABELS[:1]))
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    data, label = deep_leakage_from_gradients(model, gradients, item_shape=(6,), iterations=2)
    assert (data.shape, int(label.argmax())) == ((1, 6), LABELS[0])


def test_the_weights_that_a_layer_computes_with_are_those_that_closed_forms_read() -> None:
    plain, made = network("doubled"), network("doubled", 0, 2)
    known = [dense_layers(Knowledge(one, (6,), 3)) for one in (plain, made)]
    for one, other in zip(*(seen.layers for seen in known), strict=True):
        assert np.allclose(2.0 * one.weight, other.weight)
    assert known[1].order is not None  # the module that makes the weight is no layer before it
    biasless = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6, bias=False), nn.Linear(6, 3))
    parametrizations.weight_norm(biasless[1])
    assert [layer.name for layer in dense_layers(Knowledge(biasless, (6,), 3)).layers] == ["0", "1", "2"]


def test_an_embedding_is_inverted_through_parametrised_layers() -> None:
    model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3)).eval()
    for place in (0, 2):
        parametrizations.weight_norm(model[place])
    report = audit(model, ITEMS, LABELS, share="embedding", controls=False)
    assert report.verdict == "EXACT"


def test_what_a_parametrised_last_layer_leaves_open_is_said() -> None:
    model = network("weight_norm", 2)
    said = remarks(full(model, ITEMS[:1], LABELS[:1]), Knowledge(model, (6,), 3, batch=1))
    assert any("whose last linear layer, '2', is parametrised" in one for one in said)
    alone = last_layer(model, ITEMS[:1], LABELS[:1])
    names = ["2.bias", "2.parametrizations.weight.original0", "2.parametrizations.weight.original1"]
    assert list(alone.arrays) == names
    check(alone, Knowledge(model, (6,), 3, batch=1))


@pytest.mark.parametrize("has_run", [False, True])
def test_a_model_that_keeps_its_activations_is_audited(has_run: bool) -> None:
    model = Keeps().eval()
    if has_run:
        model(torch.as_tensor(ITEMS[:2]))
    report = audit(model, ITEMS, LABELS, attacks=["fully_connected", "gradient_matching"], controls=False)
    assert report.verdict == "EXACT"
    made = model(torch.as_tensor(ITEMS[:2]))
    assert made.requires_grad
    assert copied(model).kept is None
    assert model.kept is not None


def scripted() -> nn.Module:
    with pytest.warns(DeprecationWarning, match="jit"):
        made: nn.Module = torch.jit.script(network("doubled"))
    return made


def traced(items: Array) -> nn.Module:
    with pytest.warns(DeprecationWarning, match="jit"):
        made: nn.Module = torch.jit.trace(network("doubled"), torch.as_tensor(items))  # type: ignore[no-untyped-call]
    return made


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(3)), "'0.weight' has no shape yet"),
        (lambda: nn.DataParallel(network("doubled")), "this one is a DataParallel. Give its attribute"),
        (lambda: nn.Sequential(nn.DataParallel(nn.Linear(6, 3))), "0 is a DataParallel. Give 0.module"),
        (scripted, "this one is scripted or traced. Give the module that it was"),
        (lambda: traced(ITEMS[:1]), "this one is scripted or traced. Give the module that it was"),
    ],
)  # fmt: skip
def test_a_model_that_torch_runs_with_no_other_weights_is_refused(
    make: Callable[[], nn.Module], says: str
) -> None:
    wanted = re.escape(
        f"The model must be a plain module, which torch runs with other weights than its own; {says}"
    )
    model = make().eval()
    known = Knowledge(model, (6,), 3)
    with pytest.raises(DisclosureError, match=wanted):
        audit(model, ITEMS, LABELS, controls=False)
    with pytest.raises(DisclosureError, match=wanted):
        full(model, ITEMS[:1], LABELS[:1])
    with pytest.raises(DisclosureError, match=wanted):
        check(full(network("doubled"), ITEMS[:1], LABELS[:1]), known)


class Attends(nn.Module):
    """A layer of torch's attention, which Opacus does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.within = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
        self.last = nn.Linear(6, 3)

    def forward(self, items: torch.Tensor) -> Any:
        return self.last(self.within(items[:, None, :]).mean(1))


def test_layers_that_opacus_does_not_know_are_refused_in_one_message() -> None:
    private: dict[str, Any] = {"defences": "private:1.0", "delta": 1e-5, "prior": 1e-4}
    says = "Opacus cannot take Attends apart: TypeError: .* Replace torch's attention by opacus"
    with pytest.raises(DisclosureError, match=says):
        audit(Attends().eval(), ITEMS, LABELS, controls=False, **private)


def test_parametrised_layers_are_clipped_item_by_item() -> None:
    model = network("weight_norm", 0)
    unbounded = private_message(
        model, ITEMS[:2], LABELS[:2], rng=np.random.default_rng(0), clip=1e6, noise=0.0
    )
    for name, one in full(model, ITEMS[:2], LABELS[:2]).arrays.items():
        assert np.allclose(unbounded[name], one, atol=1e-6)


def test_a_missing_weight_is_not_called_a_missing_bias() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 3)).eval()  # five units tell no item
    model[0].weight.requires_grad_(False)
    known = Knowledge(model, (6,), 3, batch=1)
    found = FullyConnected().recover(full(model, ITEMS[:1], LABELS[:1]), known, np.random.default_rng(0))
    assert "does not hold the gradient of the weight of the layer '0'" in found.reason
