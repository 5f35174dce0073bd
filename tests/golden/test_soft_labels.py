"""Soft labels are never taken for a factor on the loss, nor a factor for soft labels, unless it is proved."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.leakage import audit, deep_leakage_from_gradients
from nextlabel.leakage.checks import check, remarks
from nextlabel.leakage.given import hard
from nextlabel.leakage.label_evidence import label_evidence
from nextlabel.leakage.messages import full, last_layer, update
from nextlabel.testing.attack_examples import small_network

SOFT = (
    "The labels are soft: an attack that reads one label off the signs names at most the class of the "
    "largest share."
)


def smoothed(labels: Array, classes: int, share: float) -> Array:
    return (np.eye(classes)[labels] * (1 - share) + share / classes).astype(np.float32)


def network(classes: int, seed: int = 0) -> Any:
    return small_network(6, 8, classes, seed=seed)


def items(size: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(size, 6)).astype(np.float32)


def said(model: nn.Module, classes: int, labels: Array | None = None) -> Knowledge:
    return Knowledge(model, (6,), classes, batch=1, labels=labels, steps=1, rate=0.1)


def times(factor: float, sent: Disclosure) -> Disclosure:
    return Disclosure(sent.kind, {name: factor * one for name, one in sent.arrays.items()}, sent.items)


@pytest.mark.parametrize("head", [1.0, 0.1, 0.0])
@pytest.mark.parametrize(("classes", "share"), [(2, 0.1), (3, 0.1), (10, 0.05), (10, 0.2)])
def test_label_smoothing_is_refused_of_no_message(classes: int, share: float, head: float) -> None:
    """Of probabilities that are all alike, p - q is 1 - share times p - e, whatever the arithmetic."""
    for seed in range(4):
        model = network(classes, seed)
        with torch.no_grad():
            model[2].weight.mul_(head)
            model[2].bias.mul_(head)
        soft = smoothed(np.array([seed % classes]), classes, share)
        for make in (full, last_layer, update):
            sent = make(model, items(1, seed), soft)
            check(sent, said(model, classes))
            (remark,) = [one for one in remarks(sent, said(model, classes)) if "one class" in one]
            assert "soft" in remark
            check(sent, said(model, classes, soft))
            known = remarks(sent, said(model, classes, soft))
            assert known[0] == SOFT
            assert not any("factor" in one or "one class" in one for one in known)


def test_a_factor_below_one_has_a_soft_label_that_gives_the_same_and_both_are_said() -> None:
    """s (p - e) = p - q with q = (1 - s) p + s e, which is a distribution."""
    for classes in (2, 3, 10):
        model = network(classes)
        sent = times(0.5, full(model, items(1), np.array([1])))
        check(sent, said(model, classes))
        (remark,) = remarks(sent, said(model, classes))
        assert "the loss carries a factor of 0.5" in remark
        assert "soft" in remark
        with torch.no_grad():
            proba = model(torch.as_tensor(items(1)).to(model[0].weight.dtype)).softmax(1).numpy()
        twin = full(model, items(1), 0.5 * proba + 0.5 * np.eye(classes)[[1]])
        assert all(np.allclose(twin[name], one, atol=1e-7) for name, one in sent.arrays.items())


@pytest.mark.parametrize("factor", [0.5, 0.95, 2.0])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_factor_is_proved_where_the_label_is_known(classes: int, factor: float) -> None:
    model = network(classes)
    for labels in (np.array([1]), smoothed(np.array([1]), classes, 0.1)):
        honest = full(model, items(1), labels)
        check(honest, said(model, classes, labels))
        with pytest.raises(DisclosureError, match=f"is {factor:g} times the gradient .* label that is known"):
            check(times(factor, honest), said(model, classes, labels))


def test_another_label_than_the_one_known_is_named() -> None:
    model = network(4)
    sent = full(model, items(1), smoothed(np.array([1]), 4, 0.3))
    for other in (np.array([1]), np.array([2]), smoothed(np.array([1]), 4, 0.1)):
        with pytest.raises(
            DisclosureError, match="cannot come from this model and cross-entropy with the la"
        ):
            check(sent, said(model, 4, other))


def test_soft_labels_of_few_bits_that_miss_their_sum_pass() -> None:
    model = network(4)
    rough = np.array([[0.7, 0.1, 0.1, 0.1005]], np.float32)
    check(full(model, items(1), rough), said(model, 4, rough))


def test_rows_that_name_one_class_are_not_called_soft() -> None:
    model = network(4)
    named = np.eye(4, dtype=np.float32)[[2]]
    assert remarks(full(model, items(1), named), said(model, 4, named)) == ()


@pytest.mark.parametrize("known", [("batch",), ("batch", "labels")])
@pytest.mark.parametrize("share", ["full", "last_layer", "update", "embedding"])
def test_an_audit_of_smoothed_labels_names_them_as_such(share: str, known: tuple[str, ...]) -> None:
    soft = smoothed(np.arange(20) % 10, 10, 0.05)
    attack = "embedding_inversion" if share == "embedding" else "label_counts"
    more: dict[str, Any] = {"knows": (*known, "steps", "rate") if share == "update" else known}
    more |= {"share": share, "attacks": attack, "controls": False, "seconds": 1.0}
    for batch in (1, 4):
        report = audit(network(10), items(20), soft, batch=batch, **more)
        assert (SOFT in report.remarks) == (share != "embedding")
        assert any("are not scored" in one for one in report.remarks) == (share != "embedding")
        assert not any("factor of" in one or "one class" in one for one in report.remarks)


def test_deep_leakage_takes_the_gradient_of_smoothed_labels() -> None:
    model = network(10).double()
    with torch.no_grad():
        model[2].weight.zero_()
        model[2].bias.zero_()
    item, label = torch.as_tensor(items(1)).double(), torch.tensor([3])
    loss = nn.functional.cross_entropy(model(item), label, label_smoothing=0.05)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    _, found = deep_leakage_from_gradients(model, gradients, iterations=10)
    assert int(found.argmax()) == 3


def test_of_two_classes_another_label_is_named_beside_the_factor() -> None:
    """p = (1/2, 1/2): the gradient of (3/4, 1/4) is half of that of class 0."""
    wrong, _ = label_evidence(np.zeros(2), 0.0, np.array([-0.25, 0.25]), np.array([0]))
    assert wrong.startswith(
        "The message is 0.5 times the gradient of cross-entropy of one item with the label"
    )
    assert "or it was made with another label (0.75, 0.25)" in wrong


def test_a_factor_is_never_negative() -> None:
    """The gradient of class 0, where class 1 is known."""
    logits = np.array([1.0, 0.0])
    gradient = np.exp(logits) / np.exp(logits).sum() - np.array([1.0, 0.0])
    wrong, _ = label_evidence(logits, 0.0, gradient, np.array([1]))
    assert "times the gradient" not in wrong
    assert "are (1, 0). It was made with another label" in wrong


def test_the_least_factor_is_said_to_be_the_least() -> None:
    """Twice the gradient of (0.9, 0.1) is 1.6 times that of class 0."""
    wrong, _ = label_evidence(np.zeros(2), 0.0, np.array([-0.8, 0.8]), None)
    assert wrong.startswith("The message is 1.6 times the gradient")
    assert "or more if its label is soft" in wrong


@pytest.mark.parametrize("batch", [1, 4])
def test_one_hot_rows_are_the_classes_that_they_name(batch: int) -> None:
    """The same verdicts, and the same public labels, as of whole numbers; so are columns and whole reals."""
    model, given, classes = network(3), items(40), np.arange(40) % 3
    reports = [
        audit(
            *(model, given[:20], labels[:20]),
            share="last_layer",
            batch=batch,
            public=given[20:],
            public_labels=labels[20:],
            controls=False,
            records=8,
            seconds=5,
            attacks=["label_inference", "label_counts"],
        )
        for labels in (
            classes,
            *(np.eye(3, dtype=kind)[classes] for kind in (np.float32, np.int64)),
            *(classes.astype(np.float64), classes[:, None], classes[:, None].astype(np.float32)),
        )
    ]
    plain, *others = ([one.verdict for one in report.standings] for report in reports)
    assert others == [plain] * 5
    assert batch > 1 or "LABEL ONLY" in plain
    assert reports[0].summaries == reports[1].summaries


def test_rows_as_long_as_a_text_are_no_classes() -> None:
    """A tagger's labels, of which one a text is 1, were taken for one-hot rows."""
    rows = np.eye(4, dtype=np.int64)[np.arange(8) % 4]
    assert hard(rows, (8, 4, 2)) is rows
    column = np.ones((8, 1), np.int64)
    assert hard(column, (8, 1, 2)) is column


@pytest.mark.parametrize("kind", [np.int64, np.float32])
@pytest.mark.parametrize("width", [2, 5])
def test_one_hot_rows_of_another_width_than_the_outputs_are_named(width: int, kind: Any) -> None:
    rows = np.eye(width, dtype=kind)[np.arange(20) % width]
    with pytest.raises(DisclosureError, match=r"Labels must be of the axes|one number for each output"):
        audit(network(3), items(20), rows, attacks=["label_inference"], controls=False, records=4, seconds=5)
