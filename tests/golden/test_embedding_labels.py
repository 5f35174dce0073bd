"""The model's label of a gradient embedding is told by signs, also where its features are not."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.embedding_inversion import EmbeddingInversion
from nextlabel.leakage.closed_forms.followed_features import range_of
from nextlabel.leakage.messages import embedding

ITEMS = np.random.default_rng(1).random((20, 1, 8, 8)).astype(np.float32)


def perceptron(classes: int, activation: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), activation or nn.ReLU(), nn.Linear(32, classes)
    ).eval()


def convolutions(classes: int) -> nn.Sequential:
    """Batch norm, a rectifier and the mean over places: nothing that is followed back."""
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, classes)),
    ).eval()


def guesses(model: nn.Module) -> list[int]:
    found: list[int] = model(torch.tensor(ITEMS)).argmax(1).tolist()
    return found


def attacked(model: nn.Module, sent: Disclosure, classes: int) -> Recovery:
    known = Knowledge(model, ITEMS.shape[1:], classes)
    return EmbeddingInversion().recover(sent, known, np.random.default_rng(0))


def signs(sent: Disclosure) -> Disclosure:
    return Disclosure("embedding", {name: np.sign(one) for name, one in sent.arrays.items()}, sent.items)


@pytest.mark.parametrize("model", [perceptron(2), perceptron(2, nn.Sigmoid()), convolutions(2)])
def test_of_two_classes_all_labels_are_told_where_no_feature_is_negative(model: nn.Module) -> None:
    """Several lengths of the features explain most messages; all of them with the same label."""
    found = attacked(model, embedding(model, ITEMS), 2)
    assert found.labels is not None
    assert found.labels.tolist() == guesses(model)
    assert found.details["label_rows"] == list(range(len(ITEMS)))
    assert set(found.details["rows"]) <= set(range(len(ITEMS)))


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("make", [perceptron, convolutions])
def test_signs_alone_tell_the_labels(make: Callable[[int], nn.Module], classes: int) -> None:
    model = make(classes)
    found = attacked(model, signs(embedding(model, ITEMS)), classes)
    assert found.outcome == "failed"
    assert found.features is None
    assert found.labels is not None
    assert found.labels.tolist() == guesses(model)


def test_of_features_of_either_sign_no_label_is_claimed_that_another_explains_too() -> None:
    model = perceptron(2, nn.Tanh())
    found = attacked(model, embedding(model, ITEMS), 2)
    told = dict(zip(found.details["label_rows"], [] if found.labels is None else found.labels, strict=True))
    both = {
        int(place)
        for place, options in found.details["candidates"].items()
        if len({one["label"] for one in options}) == 2
    }
    assert both
    assert not both & set(told)
    assert all(guesses(model)[place] == label for place, label in told.items())


def test_an_audit_says_that_all_labels_were_given_away() -> None:
    model, labels = convolutions(2), np.zeros(len(ITEMS), np.int64)
    with torch.no_grad():  # as many of one class as of the other, so that no guess is as good
        model[-1].bias.sub_(model(torch.tensor(ITEMS)).median(0).values)  # type: ignore[operator]
    assert set(guesses(model)) == {0, 1}
    report = audit(model, ITEMS, labels, share="embedding", records=20, controls=False, seconds=10)
    assert {one.verdict for one in report.standings} == {"LABEL ONLY"}


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (nn.ReLU(), (0.0, np.inf)),
        (nn.Sigmoid(), (0.0, 1.0)),
        (nn.Tanh(), (-1.0, 1.0)),
        (nn.GELU(), (-np.inf, np.inf)),
    ],
)
def test_the_range_of_features_is_seen_by_looking(
    activation: nn.Module, expected: tuple[float, float]
) -> None:
    model = perceptron(3, activation)
    knowledge = Knowledge(model, ITEMS.shape[1:], 3)
    assert range_of("3", knowledge) == expected
    assert range_of("1", knowledge) == (-np.inf, np.inf)  # what enters it are the items, of either sign
    of_tokens = nn.Sequential(nn.Embedding(9, 4), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3))
    assert range_of("3", Knowledge(of_tokens, (3,), 3)) == (-np.inf, np.inf)


@pytest.mark.parametrize("spread", [1.0, 0.2])
def test_features_larger_than_units_can_be_are_no_second_explanation(spread: float) -> None:
    """Behind sigmoids the larger of two lengths has units above 1: the other is told, with its features."""
    model = convolutions(2)
    model[5] = nn.Sigmoid()
    with torch.no_grad():
        model[-1].weight.mul_(spread)  # type: ignore[operator]
    found = attacked(model, embedding(model, ITEMS), 2)
    with torch.no_grad():
        true = model[:-1](torch.tensor(ITEMS)).numpy()
    assert found.details["rows"] == list(range(len(ITEMS)))
    assert found.features is not None
    np.testing.assert_allclose(found.features, true, rtol=1e-4)
