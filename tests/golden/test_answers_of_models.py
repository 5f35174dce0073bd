"""What a model says of items, and the network of the controls."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError, ParameterError
from nextlabel.leakage import audit
from nextlabel.leakage.answers import answers, known_leak
from nextlabel.leakage.checks import check
from nextlabel.leakage.messages import full

FLAT = np.zeros((20, 64), np.float32)
TOKENS = np.tile(np.arange(6), (20, 1))
LABELS = np.arange(20) % 3


class Heads(nn.Module):
    """Two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(64, 3), nn.Linear(64, 3)

    def forward(self, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.one(items), self.other(items)


def reads_tokens(words: int) -> nn.Module:
    return nn.Sequential(nn.Embedding(words, 4), nn.Flatten(), nn.Linear(24, 3))


@pytest.mark.parametrize(
    ("model", "items", "says"),
    [
        (
            nn.Linear(65, 10),
            FLAT,
            r"given float32 of the axes \(20, 64\), it raised RuntimeError: mat1 and .*shape that it takes",
        ),
        (
            nn.Conv2d(1, 2, 3),
            FLAT.reshape(20, 8, 8),
            r"\(20, 8, 8\), it raised Runtime.*begin the model with items\.unsqueeze\(1\)",
        ),
        (
            nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(48, 3)),
            np.zeros((20, 8, 6, 3), np.float32),
            r"\(20, 8, 6, 3\), it raised Runtime.*channels are the last axis.*permute\(0, 3, 1, 2\)",
        ),
        (Heads(), FLAT, r"axes \(20, classes\) for 20 items; given .* gives tuple\. Wrap it"),
        (
            nn.Sequential(nn.Linear(64, 1), nn.Flatten(0)),
            FLAT,
            r"gives axes \(20,\)\. Keep the last axis, of 1",
        ),
        (reads_tokens(5), TOKENS, r"IndexError: .* its vocabulary \(they are from 0 to 5\).* axes \(6,\)\)"),
        (reads_tokens(9), TOKENS[:, :5], r"RuntimeError: .*no longer than its positions \(.* \(5,\)\)"),
        (reads_tokens(9), TOKENS.astype(np.float32), r"channels\. Token ids are whole numbers: int64\."),
        (nn.Linear(64, 3), FLAT.astype(np.int64), r"given int64 .* embeds no token ids: give real numbers"),
        (
            nn.Linear(64, 3),
            FLAT[:, 0],
            r"Items must be .* 2 or more axes, .* received float32 of .* \(20,\)",
        ),
        (
            nn.Linear(64, 3),
            FLAT.astype(str),
            r"Items must be an array of numbers .* received <U\d+ of the axes",
        ),
    ],
)
def test_items_that_the_model_does_not_take_are_refused(model: nn.Module, items: Array, says: str) -> None:
    with pytest.raises(DisclosureError, match=says):
        audit(model.eval(), items, LABELS, controls=False, attacks=[])


def test_labels_that_are_no_numbers_are_refused() -> None:
    for labels, says in (
        (np.array(["cat"] * 20), r"<U3 of the axes \(20,\)"),
        (3, r"int64 of the axes \(\)"),
    ):
        with pytest.raises(DisclosureError, match=rf"Labels must be .* 1 or more axes, .* received {says}"):
            audit(nn.Linear(64, 3), FLAT, labels, controls=False, attacks=[])  # type: ignore[arg-type]


def test_what_is_not_finite_is_named_where_it_is() -> None:
    items, values = FLAT.copy(), np.zeros((20, 3))
    items[4, :2] = np.nan
    values[1, 0] = np.inf
    model = nn.Linear(64, 3)
    with pytest.raises(DisclosureError, match=r"^Items must be finite; 2 of the 1,280 numbers given"):
        audit(model, items, LABELS, controls=False, attacks=[])
    with pytest.raises(DisclosureError, match=r"^Labels must be finite; 1 of the 60 numbers given"):
        audit(model, FLAT, values, loss="squared_error", controls=False, attacks=[])
    with torch.no_grad():
        model.weight[0, :5] = torch.nan
    with pytest.raises(DisclosureError, match=r"weights must be finite; 5 of the 192 numbers of 'weight'"):
        audit(model, FLAT, LABELS, controls=False, attacks=[])


def halved(labels: Array) -> Array:
    return np.eye(3, dtype=np.float32)[labels] / 2


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (halved(LABELS), r"20 of 20 rows do not \(sums from 0\.5 to 0\.5\)\. Divide each row by its sum"),
        (halved(LABELS)[:, :2], r"20 of 20 rows do not \(sums from 0 to 0\.5\)"),
        (
            np.where(np.arange(20)[:, None] == 7, 0.5, 1.0) * np.eye(3)[LABELS],
            r"1 of 20 rows do not \(sums from 0\.5 to 1\)",
        ),
        (np.tile([1.5, -0.5, 0.0], (20, 1)), r"from 0 to 1; received -0\.5\. Give probabilities"),
    ],
    ids=["halved", "narrow", "one row", "negative"],
)
def test_soft_labels_that_are_no_probabilities_are_named_as_such(labels: Array, says: str) -> None:
    with pytest.raises(DisclosureError, match=rf"^Soft labels are probabilities.* {says}"):
        audit(nn.Linear(64, 3), FLAT, labels, controls=False)
    with pytest.raises(DisclosureError, match=r"^Soft labels are probabilities"):
        full(nn.Linear(64, 3), FLAT[7:8], labels[7:8])
    known = Knowledge(nn.Linear(64, 3), (64,), 3, labels=labels[7:8])
    with pytest.raises(DisclosureError, match=r"^Soft labels are probabilities"):
        check(full(nn.Linear(64, 3), FLAT[7:8], LABELS[7:8]), known)


def test_values_need_not_sum_to_one_nor_labels_that_no_embedding_reads() -> None:
    options: list[dict[str, Any]] = [{"loss": "squared_error"}, {"share": "embedding"}]
    for one in options:
        audit(nn.Linear(64, 3), FLAT, halved(LABELS), controls=False, records=2, seconds=0.1, **one)


@pytest.mark.parametrize("share", ["full", "embedding"])
def test_a_single_output_is_named_before_the_labels(share: str) -> None:
    says = r"at least two logits; the model has 1\. A single output with a sigmoid is .* 'squared_error'"
    with pytest.raises(DisclosureError, match=says):
        audit(nn.Linear(64, 1), FLAT, LABELS % 2, share=share, controls=False)
    with pytest.raises(DisclosureError, match=says):
        full(nn.Linear(64, 1), FLAT, LABELS % 2)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"must be a torch\.nn\.Module; received NoneType\. Give"):
        audit(None, FLAT, LABELS, controls=False, attacks=[])


def test_outputs_and_inputs_of_the_last_layer_are_those_of_the_model() -> None:
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).eval()
    items = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)  # more than one chunk
    outputs, features = answers(network, items)
    with torch.no_grad():
        expected = network[:2](torch.from_numpy(items))
    assert features is not None
    np.testing.assert_allclose(features, expected.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs, network[2](expected).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_model_is_asked_in_evaluation_mode_and_left_as_it_was() -> None:
    network = nn.Sequential(nn.Dropout(0.9), nn.Linear(3, 2)).train()
    items = np.ones((4, 3), np.float32)
    outputs, _ = answers(network, items)
    assert network.training
    assert (outputs == outputs[0]).all()  # with dropout on, rows would differ


def test_a_model_that_goes_on_after_its_last_layer_has_no_features() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()).eval()
    assert answers(network, np.ones((2, 3), np.float32))[1] is None
    text = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5)).eval()
    outputs, features = answers(text, np.array([[1, 2], [3, 4]]))
    assert outputs.shape == (2, 2, 5)
    assert features is None


def test_the_known_network_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    network = known_leak((4, 2), 3, hidden=6, seed=1)
    assert torch.equal(torch.rand(1), expected)
    assert [tuple(one.shape) for one in network.parameters()] == [(6, 8), (6,), (3, 6), (3,)]
    assert not network.training


@pytest.mark.parametrize("seed", [0, 5])
def test_equal_seeds_give_equal_networks(seed: int) -> None:
    first, second, other = (known_leak((4,), 3, seed=one) for one in (seed, seed, seed + 1))
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))
