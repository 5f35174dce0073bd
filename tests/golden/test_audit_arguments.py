"""Arguments of an audit that nothing would read are refused, and those that are read are taken."""

from typing import Any

import numpy as np
import pytest

from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError, ParameterError
from nextlabel.leakage import audit
from nextlabel.leakage.auditing import KNOWN
from nextlabel.leakage.sweep import sweep

pytest.importorskip("torch")

LABELS = np.arange(40) % 3
ITEMS = np.random.default_rng(5).uniform(size=(40, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"steps": 5}, r"those of an update; received steps=5, rate=0\.1 with share='full'"),
        ({"rate": 0.5, "share": "last-layer"}, r"received steps=1, rate=0\.5 with share='last_layer'"),
        ({"knows": "public"}, r"'knows' has public, and no such array came\. Give public= too"),
        (
            {"knows": ["batch", "public", "public_labels"], "public": ITEMS},
            r"'knows' has public_labels, and no such array came\. Give public_labels= too",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(options: dict[str, Any], expected: str) -> None:
    network = resolve("network", "known_leak")((4,), 3)
    with pytest.raises(ParameterError, match=expected):
        audit(network, ITEMS, LABELS, controls=False, **options)


@pytest.mark.parametrize("knows", [KNOWN, (*KNOWN, "labels"), ("batch", "public")])
def test_arrays_are_known_where_they_are_given(knows: tuple[str, ...]) -> None:
    network = resolve("network", "known_leak")((4,), 3)
    report = audit(
        network, ITEMS, LABELS, attacks="label_inference", controls=False, knows=knows, public=ITEMS
    )
    assert any("public items" in one for one in report.knows)


def test_the_rate_of_the_trainings_of_a_sweep_is_none_of_a_gradient() -> None:
    network = resolve("network", "known_leak")((4,), 3)
    options: dict[str, Any] = {"attacks": "label_inference", "seeds": 1, "epochs": 1, "rate": 0.5}
    trials = sweep(network, ITEMS, LABELS, ["prune:30%"], **options)
    assert [len(one.accuracies) for one in trials] == [1, 1]
    with pytest.raises(ParameterError, match=r"those of an update; received steps=2, rate=0\.1"):
        sweep(network, ITEMS, LABELS, ["prune:30%"], **options, steps=2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_label_that_is_no_class_is_refused_whatever_is_drawn(wrong: int, seed: int) -> None:
    network, labels = resolve("network", "known_leak")((4,), 3), LABELS.copy()
    labels[7] = wrong
    said = (
        rf"from 0 to 2, .*; 1 of 40 are not \(from {min(0, wrong)} to {max(2, wrong)}, the first in record 7,"
    )
    options: dict[str, Any] = {"attacks": "label_inference", "controls": False, "records": 3, "seed": seed}
    with pytest.raises(DisclosureError, match=said):
        audit(network, ITEMS, labels, **options)
    report = audit(network, ITEMS, labels, share="embedding", **options | {"attacks": "embedding_inversion"})
    assert len(report.standings) == 3  # which reads no labels


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_a_loss_that_there_is_not_is_named_before_labels_are_looked_at(loss: str) -> None:
    network = resolve("network", "known_leak")((4,), 1)
    with pytest.raises(ParameterError, match=rf"'loss' must be .*cross_entropy.*received '{loss}'"):
        audit(network, ITEMS, np.arange(40), controls=False, loss=loss)
