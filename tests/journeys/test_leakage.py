"""Somebody who is about to share gradients asks what they give away, and reads the report."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from nextlabel.core.disclosure import Array
from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError
from nextlabel.leakage import Report, audit


@pytest.fixture(scope="module")
def digits() -> tuple[Array, Array]:
    data, target = load_digits(return_X_y=True)
    return (data / 16.0).astype(np.float32).reshape(-1, 8, 8), target.astype(np.int64)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        made: nn.Module = resolve("network", "mlp")((8, 8), 10, hidden=(256,))
    return made.eval()


def asked(network: nn.Module, digits: tuple[Array, Array], **options: Any) -> Report:
    settings: dict[str, Any] = {"bounds": (0.0, 1.0), "seconds": 5.0, **options}
    return audit(network, *digits, **settings)


def test_single_digits_come_back_from_their_gradients(
    network: nn.Module, digits: tuple[Array, Array], tmp_path: Path
) -> None:
    report = asked(network, digits)
    assert report.verdict == "EXACT"
    assert [one.is_passed for one in report.controls] == [True] * 4
    page, kept = report.write(tmp_path)
    assert "EXACT: 20 of 20 records came back exactly" in page.read_text(encoding="utf-8")
    assert Report.from_json(kept.read_text(encoding="utf-8")).fingerprint == report.fingerprint


def test_gradient_embeddings_give_digits_away(network: nn.Module, digits: tuple[Array, Array]) -> None:
    report = asked(network, digits, share="embedding", batch=5)
    assert report.verdict == "EXACT"
    assert not report.is_void
    assert any("model's own guesses" in one for one in report.remarks)


def test_gradients_of_a_wide_last_layer_give_digits_away(
    network: nn.Module, digits: tuple[Array, Array]
) -> None:
    assert asked(network, digits, share="last-layer").verdict == "EXACT"


def test_gradients_of_a_narrow_last_layer_give_the_label_and_the_features_away(
    digits: tuple[Array, Array],
) -> None:
    """Of 48 units no digit of 64 values follows."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        narrow = resolve("network", "mlp")((8, 8), 10, hidden=(48,)).eval()
    report = asked(narrow, digits, share="last-layer")
    assert report.verdict == "LABEL ONLY"
    assert any(
        one.startswith("The input of the last layer came back for 20 of 20") for one in report.sentences()
    )


def test_noise_that_drowns_the_message_shows_nothing_and_promises_nothing(
    network: nn.Module, digits: tuple[Array, Array]
) -> None:
    report = asked(network, digits, share="last-layer", defences=["gaussian:10"])
    assert report.verdict == "NOT SHOWN"
    assert "no proof of safety" in report.sentences()[0]
    assert not re.search(r"\bsafe\b", " ".join(report.sentences()) + report.html(), re.IGNORECASE)


def test_a_model_in_training_mode_is_refused_before_anything_runs(digits: tuple[Array, Array]) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Linear(16, 10)).train()
    with pytest.raises(DisclosureError, match="training mode"):
        asked(network, digits, batch=4)
