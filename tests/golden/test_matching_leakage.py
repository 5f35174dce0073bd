"""What attacks that match a message share: candidates' messages, distances, precision, refusals."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.attacks.gradient_matching import GradientMatching
from nextlabel.leakage.attacks.inverting_gradients import InvertingGradients
from nextlabel.leakage.gradients import relative_distance
from nextlabel.leakage.matching.candidates import Candidate, Match
from nextlabel.leakage.matching.premises import analytic_labels, precision_of, unmatchable
from nextlabel.leakage.messages import full, update
from nextlabel.testing.attack_examples import message_of, small_network

ITEMS = np.random.default_rng(0).normal(size=(2, 4))
LABELS = np.array([2, 0])


def pair(share: str = "full", **more: Any) -> tuple[Disclosure, Knowledge]:
    return message_of(small_network(4, 5, 3, activation=nn.Tanh), ITEMS, LABELS, share=share, **more)


@pytest.mark.parametrize("more", [{}, {"reduction": "sum"}, {"share": "update", "steps": 3, "rate": 0.3}])
def test_the_message_of_the_truth_is_the_message(more: dict[str, Any]) -> None:
    disclosure, knowledge = pair(**more)
    match = Match(disclosure, knowledge, "float64")
    found = match.message(torch.as_tensor(ITEMS), torch.as_tensor(LABELS))
    assert list(found) == list(disclosure.arrays)
    for name, one in disclosure.arrays.items():
        np.testing.assert_allclose(found[name].numpy(), one, rtol=1e-12, atol=1e-15)
    assert float(match.square(torch.as_tensor(ITEMS), torch.as_tensor(LABELS))) < 1e-28
    assert float(match.cosine(torch.as_tensor(ITEMS), torch.as_tensor(LABELS))) == pytest.approx(
        0.0, abs=1e-14
    )


def test_an_update_of_several_steps_is_not_its_mean_gradient() -> None:
    # the twin that takes the update for one step at three times the rate is told apart
    disclosure, knowledge = pair("update", steps=3, rate=0.3)
    wrong = Knowledge(knowledge.model, (4,), 3, batch=2, steps=1, rate=0.9)
    match = Match(disclosure, wrong, "float64")
    assert float(match.square(torch.as_tensor(ITEMS), torch.as_tensor(LABELS))) > 1e-3


def test_the_distances_are_those_of_all_numbers_in_a_row() -> None:
    disclosure, knowledge = pair()
    match = Match(disclosure, knowledge, "float64")
    items, labels = torch.as_tensor(ITEMS + 0.3), torch.as_tensor(LABELS)
    other = match.message(items, labels)
    a = np.concatenate([one.numpy().ravel() for one in other.values()])
    b = np.concatenate([one.ravel() for one in disclosure.arrays.values()])
    assert float(match.square(items, labels)) == pytest.approx(((a - b) ** 2).sum() / (b @ b), rel=1e-12)
    assert float(match.square(items, labels)) ** 0.5 == pytest.approx(relative_distance(other, match.sent))
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert float(match.cosine(items, labels)) == pytest.approx(1.0 - cosine, rel=1e-10)


def test_a_candidate_whose_message_is_zero_is_at_a_right_angle() -> None:
    disclosure, knowledge = pair()
    with torch.no_grad():
        for one in knowledge.model.parameters():
            one.zero_()
    match = Match(disclosure, knowledge, "float64")
    sure = torch.full((2, 3), 1.0 / 3.0, dtype=torch.float64)  # what the model says: no residual
    assert float(match.cosine(torch.as_tensor(ITEMS), sure)) == 1.0


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12])
def test_the_size_of_the_message_changes_nothing_even_in_single_precision(scale: float) -> None:
    disclosure, knowledge = pair()
    scaled = Disclosure("full", {name: scale * one for name, one in disclosure.arrays.items()}, 2)
    match = Match(scaled, knowledge, "float32")
    value = float(match.square(torch.as_tensor(ITEMS).float(), torch.as_tensor(LABELS)))
    # what the candidate is too long by, in lengths of the message
    expected = (1.0 / scale - 1.0) ** 2
    assert value == pytest.approx(expected, rel=1e-3) or (expected > 3e38 and value == float("inf"))


@pytest.mark.parametrize("power", [-100, -40, 0, 60])
@pytest.mark.parametrize("share", ["full", "update"])
def test_a_model_whose_gradients_are_of_another_size_is_matched_alike(power: int, share: str) -> None:
    # of a single linear layer the gradient is residual times item: items say how long the message is
    model = nn.Linear(4, 3).double()
    more: dict[str, Any] = {"steps": 1, "rate": 1.0} if share == "update" else {}
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    values = []
    for size in (1.0, 2.0**power):
        sent, knowledge = message_of(model, size * ITEMS[:1], LABELS[:1], share=share, **more)
        some = Disclosure(sent.kind, {"weight": sent["weight"]}, 1)
        match = Match(some, knowledge, "float32")
        moved = torch.as_tensor(size * (ITEMS[:1] + 0.5)).float()
        values.append(float(match.square(moved, torch.as_tensor(LABELS[:1]))))
    assert values[0] > 0.1
    assert values[1] == pytest.approx(values[0], rel=1e-6)


def test_the_model_that_is_given_is_left_as_it_is() -> None:
    disclosure, knowledge = pair()
    knowledge.model.train()
    Match(disclosure, knowledge, "float32")
    assert knowledge.model.training
    assert next(knowledge.model.parameters()).dtype == torch.float64


def test_points_are_items_and_targets_and_back() -> None:
    disclosure, knowledge = pair()
    match = Match(disclosure, knowledge, "float64")
    held = Candidate(match, knowledge, LABELS)
    point = torch.as_tensor(ITEMS.ravel())
    items, labels = held.arrays(point)
    np.testing.assert_array_equal(items, ITEMS)
    assert labels.tolist() == [2, 0]
    assert held.targets(point) == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    free = Candidate(match, knowledge, None)
    point = torch.cat([point, torch.tensor([0.0, 0.0, 1.0, 3.0, 0.0, 0.0], dtype=torch.float64)])
    items, labels = free.arrays(point)
    assert labels.tolist() == [2, 0]
    assert np.array(free.targets(point)).sum(1) == pytest.approx([1.0, 1.0])


def test_soft_labels_are_held_as_they_are() -> None:
    disclosure, knowledge = pair()
    soft = np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]])
    held = Candidate(Match(disclosure, knowledge, "float64"), knowledge, soft)
    assert held.targets(torch.zeros(8, dtype=torch.float64)) == soft.tolist()
    assert held.arrays(torch.zeros(8, dtype=torch.float64))[1].tolist() == [2, 0]


def test_starts_are_within_known_bounds_and_normal_without() -> None:
    disclosure, knowledge = pair()
    match = Match(disclosure, knowledge, "float64")
    free = Candidate(match, knowledge, None).starts(50, torch.Generator().manual_seed(0))
    assert free.shape == (50, 2 * 4 + 2 * 3)
    assert free.min() < -1.0
    bounded = Knowledge(knowledge.model, (4,), 3, batch=2, bounds=(2.0, 5.0))
    drawn = Candidate(match, bounded, LABELS).starts(50, torch.Generator().manual_seed(0))
    assert drawn.shape == (50, 8)
    assert 2.0 <= drawn.min() < 2.2 < 4.8 < drawn.max() <= 5.0


def test_precision_is_the_rounding_of_the_numbers_themselves() -> None:
    _, knowledge = pair()
    numbers = np.random.default_rng(0).normal(size=200)
    for dtype, unit in ((np.float16, 2.0**-10), (np.float32, 2.0**-23), (np.float64, 2.0**-52)):
        sent = Disclosure("full", {"0.bias": numbers.astype(dtype)}, 1)
        assert precision_of(sent, knowledge) == unit
        if dtype is not np.float64:  # and so when it is held in more digits than it has
            held = Disclosure("full", {"0.bias": numbers.astype(dtype).astype(np.float64)}, 1)
            assert precision_of(held, knowledge) == unit
    brain = torch.as_tensor(numbers).bfloat16().float().numpy()
    assert precision_of(Disclosure("full", {"0.bias": brain}, 1), knowledge) == 2.0**-7


def test_the_coarsest_array_says_the_precision_and_powers_of_two_say_nothing() -> None:
    _, knowledge = pair()
    fine, coarse = np.array([0.1], np.float32), np.array([0.1], np.float16).astype(np.float32)
    assert precision_of(Disclosure("full", {"a": fine, "b": coarse}, 1), knowledge) > 2.0**-12
    plain = Disclosure("full", {"a": np.array([0.0, -2.0, 0.5], np.float32)}, 1)
    assert precision_of(plain, knowledge) == 2.0**-23


def test_an_update_is_as_exact_as_the_weights_whose_difference_it_is() -> None:
    # numbers of 24 bits each, far smaller than the weights: their last bits are rounding of the weights
    _, knowledge = pair()
    weights = {name: one.detach().numpy() for name, one in knowledge.model.named_parameters()}
    change = {name: (1e-4 * one).astype(np.float32) for name, one in weights.items()}
    unit = precision_of(Disclosure("update", change, 1), knowledge)
    assert unit == pytest.approx(2.0**-23 * 1e4, rel=1e-4)
    assert precision_of(Disclosure("full", change, 1), knowledge) == 2.0**-23
    tiny = {name: 1e-30 * one for name, one in weights.items()}
    assert precision_of(Disclosure("update", tiny, 1), knowledge) == 1.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "embedding"}, "reads messages of kind full, update; this one is of kind 'embedding'"),
        ({"loss": "language_model"}, "text_matching moves their embeddings"),
        ({"kind": "update"}, "their number and their rate must be known"),
        ({"name": "9.weight"}, "names '9.weight', which is no trainable parameter"),
        ({"shape": (7,)}, r"'0.bias' has the shape \(7,\) in the message and \(5,\) in the model"),
        ({"frozen": True}, "names '0.bias', which is no trainable parameter"),
    ],
)
def test_what_cannot_be_matched_is_refused_with_the_reason(change: dict[str, object], says: str) -> None:
    model = small_network(4, 5, 3)
    if "frozen" in change:
        model.requires_grad_(False)
    knowledge = Knowledge(model, (4,), 3, loss=str(change.get("loss", "cross_entropy")))
    array = np.ones(change.get("shape", 5))  # type: ignore[call-overload]
    sent = Disclosure(str(change.get("kind", "full")), {str(change.get("name", "0.bias")): array}, 1)
    found = unmatchable(GradientMatching(), sent, knowledge)
    assert found is not None
    assert found.outcome == "refused"
    assert re.search(says, found.reason)


def test_token_ids_are_not_matched_whatever_the_loss() -> None:
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)).eval()
    sent = full(model, np.array([[1, 4]]), np.array([1]))
    for attack in (GradientMatching(), InvertingGradients()):
        found = attack.recover(sent, Knowledge(model, (2,), 2, bounds=(0.0, 1.0)), np.random.default_rng(0))
        assert found.outcome == "refused"
        assert "Token ids cannot be moved by a gradient" in found.reason


def test_a_message_of_zeros_is_explained_by_too_much() -> None:
    _, knowledge = pair()
    found = unmatchable(GradientMatching(), Disclosure("full", {"0.bias": np.zeros(5)}, 1), knowledge)
    assert found is not None
    assert found.outcome == "unidentifiable"


def test_what_can_be_matched_is_not_refused() -> None:
    assert unmatchable(GradientMatching(), *pair()) is None


def test_labels_are_read_off_the_last_layer() -> None:
    rng = np.random.default_rng(0)
    model = small_network(4, 5, 3, activation=nn.Sigmoid)
    one = full(model, ITEMS[:1], LABELS[:1])
    labels, _ = analytic_labels(one, Knowledge(model, (4,), 3), rng)
    assert labels is not None
    assert labels.tolist() == [2]
    both = full(model, ITEMS, LABELS)
    labels, _ = analytic_labels(both, Knowledge(model, (4,), 3, public=ITEMS), rng)
    assert labels is not None
    assert labels.tolist() == [0, 2]  # ascending: which item has which is not told


def test_labels_that_cannot_be_read_off_come_with_the_reason() -> None:
    model = small_network(4, 5, 3)
    sent = update(model, ITEMS[:1], ITEMS[:1, :3], loss="squared_error")
    known = Knowledge(model, (4,), 3, loss="squared_error", steps=1, rate=0.1)
    labels, reason = analytic_labels(sent, known, np.random.default_rng(0))
    assert labels is None
    assert "cross-entropy" in reason
