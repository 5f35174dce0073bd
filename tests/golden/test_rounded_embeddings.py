"""Embeddings that were rounded or noised give back what a plain reading of them does."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.datasets.digits import digits
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.embedding_inversion import EmbeddingInversion
from nextlabel.leakage.defences.catalogue import parse
from nextlabel.leakage.messages import embedding
from nextlabel.learners.networks import mlp

RECORDS = 5
HALVES = {"float16 model": torch.float16, "bfloat16 model": torch.bfloat16}
CHANGES = ("float16", "bfloat16", "int8", "gaussian:0.1%", "gaussian:1%", *HALVES)


def records(classes: int) -> Array:
    data = digits()
    return np.asarray(data.pool.take(np.arange(200)))[data.labels[:200] < classes]


def network(
    width: int, classes: int, change: str = "", *, between: nn.Module | None = None, sharp: float = 1.0
) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = mlp((8, 8), classes, hidden=(width,)).eval()
    model[-2] = between or model[-2]
    with torch.no_grad():
        model[-1].weight.mul_(sharp)
    return model.to(HALVES.get(change, torch.float32))


def trained(width: int, classes: int) -> Any:
    data, model = digits(), network(width, classes)
    kept = np.flatnonzero(data.labels < classes)[200:]
    items, labels = torch.tensor(data.pool.take(kept)), torch.tensor(data.labels[kept])
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(items.float()), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return model


def attacked(model: Any, item: Array, classes: int, change: str) -> tuple[Recovery, Array]:
    """What came back of one record, and the embedding that was sent."""
    sent = embedding(model, item[None])
    if change and change not in HALVES:
        sent = parse(change).apply(sent, np.random.default_rng(0))
    known = Knowledge(model, (8, 8), classes, batch=1)
    found = EmbeddingInversion().recover(sent, known, np.random.default_rng(0))
    return found, sent["embedding"][0].astype(np.float64)


def plainly(sent: Array, model: Any) -> Array:
    """A singular vector for the direction, and a fixed point for the scale: all that a first try takes."""
    body, last = (copy.deepcopy(one).double() for one in (model[-3], model[-1]))
    weight, bias, below, shift = (
        one.detach().numpy() for one in (last.weight, last.bias, body.weight, body.bias)
    )
    left, values, right = np.linalg.svd(sent, full_matrices=False)
    sign = np.sign(right[0].sum())
    direction, hot = sign * right[0], np.eye(len(sent))[(sign * left[:, 0]).argmin()]
    scale = values[0]
    for _ in range(500):
        logits = weight @ (scale * direction) + bias
        proba = np.exp(logits - logits.max())
        scale = 0.5 * scale + 0.5 * values[0] / np.linalg.norm(proba / proba.sum() - hot)
    features = scale * direction
    on = features > 0.02 * features.max()
    return np.asarray(np.linalg.lstsq(below[on], features[on] - shift[on], rcond=None)[0])


def decibels(found: Array, true: Array) -> float:
    return float(-10 * np.log10(np.mean((found.reshape(-1) - true.reshape(-1)) ** 2)))


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("change", CHANGES)
def test_as_much_comes_back_as_a_plain_reading_gets(change: str, classes: int) -> None:
    """On average up to a decibel, an eighth of the error: the two read one noise in other ways."""
    model, more = network(256, classes, change), []
    for item in records(classes)[:RECORDS]:
        found, sent = attacked(model, item, classes, change)
        assert found.outcome == "recovered", found.reason
        assert found.items is not None
        assert decibels(found.items, item) > 40.0
        more.append(decibels(found.items, item) - decibels(plainly(sent, model), item))
    assert np.mean(more) > -1.0


@pytest.mark.parametrize("change", CHANGES)
def test_units_near_the_bend_of_a_leaky_activation_do_not_spoil_the_rest(change: str) -> None:
    """Such a unit's error is a hundred times as large below zero, if it is below."""
    model = network(256, 10, change, between=nn.LeakyReLU())
    for item in records(10)[:RECORDS]:
        found, _ = attacked(model, item, 10, change)
        assert found.outcome == "recovered", found.reason
        assert found.items is not None
        assert decibels(found.items, item) > 40.0


@pytest.mark.parametrize("change", CHANGES[:5])
def test_a_trained_model_gives_its_records_too(change: str) -> None:
    model = trained(256, 10)
    for item in records(10)[:RECORDS]:
        found, _ = attacked(model, item, 10, change)
        assert found.outcome == "recovered", found.reason
        assert found.items is not None
        assert decibels(found.items, item) > 40.0


@pytest.mark.parametrize("change", CHANGES)
def test_two_classes_before_a_narrow_layer_stay_not_identifiable(change: str) -> None:
    """Of either length the message is the same, whatever is done to it then; untrained, both are met."""
    model = network(32, 2, change)
    found = [attacked(model, item, 2, change)[0] for item in records(2)[:RECORDS]]
    assert {one.outcome for one in found} <= {"unidentifiable", "recovered"}
    assert sum(one.outcome == "unidentifiable" for one in found) >= RECORDS // 2
    assert all(one.items is None for one in found)


@pytest.mark.parametrize("between", [nn.Tanh(), nn.LeakyReLU()], ids=["tanh", "leaky"])
@pytest.mark.parametrize("change", CHANGES)
def test_of_two_classes_signed_features_come_back_through_noise(change: str, between: nn.Module) -> None:
    """Each label explains the message with features of its own sign; the layers before allow one."""
    model = network(256, 2, change, between=between)
    for item in records(2)[: 2 * RECORDS]:
        found, _ = attacked(model, item, 2, change)
        assert found.outcome == "recovered", found.reason
        assert found.items is not None
        assert decibels(found.items, item) > 40.0


@pytest.mark.parametrize("between", [nn.Tanh(), nn.LeakyReLU()], ids=["tanh", "leaky"])
@pytest.mark.parametrize("sharp", [1.0, 16.0, 48.0])
@pytest.mark.parametrize("change", ["", "gaussian:1%", *HALVES])
def test_however_sure_the_model_no_wrong_features_are_called_recovered(
    change: str, sharp: float, between: nn.Module
) -> None:
    """Of a sure prediction the label's row has lost its digits, and features are longer than the message."""
    model = network(32, 2, change, between=between, sharp=sharp)
    for item in records(2)[: 2 * RECORDS]:
        true = model[:-1](torch.tensor(item[None]).to(model[-1].weight.dtype))[0].detach().double().numpy()
        found, _ = attacked(model, item, 2, change)
        if found.features is not None:
            assert np.linalg.norm(found.features[0] - true) < 0.05 * np.linalg.norm(true)


@pytest.mark.parametrize("width", [16, 256, 1024])
@pytest.mark.parametrize("classes", [2, 3])
def test_signs_are_read_as_signs(classes: int, width: int) -> None:
    """Of two classes they are an outer product, whose features no item has."""
    model = network(width, classes, between=nn.Tanh())
    for item in records(classes)[:RECORDS]:
        found, _ = attacked(model, item, classes, "sign")
        assert (found.outcome, found.details["signs"], found.items) == ("failed", [0], None)
        assert found.reason.startswith("1 embeddings are signs alone")


def test_an_item_that_does_not_make_the_message_is_said_to_be_left_out() -> None:
    """Nine of ten numbers pruned away, which a tanh makes of no item: units there were enough."""
    model = network(256, 3, between=nn.Tanh())
    found = [attacked(model, item, 3, "prune:0.9")[0] for item in records(3)[:RECORDS]]
    left = [one.reason for one in found if one.outcome == "recovered"]
    assert left
    assert all("an item was found whose features are not those of the message" in one for one in left)
    assert not any("too few units" in one for one in left)


def test_rounding_of_three_classes_or_more_is_never_called_a_proof() -> None:
    for width in (32, 256):
        for change in CHANGES:
            model = network(width, 10, change)
            found = [attacked(model, item, 10, change)[0] for item in records(10)[:4]]
            assert not any(one.details["ambiguous"] for one in found)


def test_a_report_of_rounded_embeddings_names_what_came_back() -> None:
    items = records(10)
    report = audit(
        network(256, 10), items, np.arange(len(items)) % 10, share="embedding", defences="int8",
        records=5, controls=False,
    )  # fmt: skip
    assert set(report.verdicts) <= {"EXACT", "RECOGNISABLE"}
    assert "not identifiable" not in report.sentences()[0]


def test_too_much_noise_between_two_lengths_is_no_proof() -> None:
    """The layers before allow one of the two, so that it is no property of the message which is not seen."""
    model = network(256, 2)
    found = [attacked(model, item, 2, "gaussian:30%")[0] for item in records(2)[:RECORDS]]
    assert not any(one.details["ambiguous"] for one in found)
    undecided = [one for one in found if one.details["undecided"]]
    assert undecided
    assert {one.outcome for one in undecided} == {"failed"}
    assert "1 of 1 embeddings are explained by several features, of which the layers" in undecided[0].reason


def test_noise_alone_is_explained_by_nothing() -> None:
    model = network(256, 10)
    drawn = np.random.default_rng(0).normal(size=(1, 10, 256)).astype(np.float32)
    sent = Disclosure("embedding", {"embedding": drawn}, 1)
    found = EmbeddingInversion().recover(sent, Knowledge(model, (8, 8), 10), np.random.default_rng(0))
    assert (found.outcome, found.details["unexplained"]) == ("failed", [0])
