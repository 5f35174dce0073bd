"""Words of a text whose embeddings are averaged: the first linear layer tells them, not the table."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.bag_of_words import BagOfWords
from nextlabel.leakage.messages import full, update
from nextlabel.leakage.text.averaged_words import averaged_counts

Tokens = NDArray[np.int64]

WORDS, LENGTH = 60, 7


class Texts(nn.Module):
    """A table that learns nothing, the layers above it, and three classes."""

    def __init__(
        self, how: str = "mean", *, width: int = 64, words: int = WORDS, has_bias: bool = True
    ) -> None:
        super().__init__()
        self.how = how
        self.table = nn.Embedding(words, width).requires_grad_(False)
        self.middle, self.head = nn.Linear(width, 32, bias=has_bias), nn.Linear(32, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits."""
        rows = self.table(tokens)
        read = {"mean": rows.mean(1), "sum": rows.sum(1), "largest": rows.amax(1)}[self.how]
        logits: Tensor = self.head(torch.relu(self.middle(read)))
        return logits


def named(model: nn.Module, message: Disclosure, **more: Any) -> list[int] | None:
    """The words that are named, each as often as is said."""
    found = BagOfWords().recover(message, Knowledge(model, (LENGTH,), 3, **more), np.random.default_rng(0))
    if found.words is None:
        assert found.outcome == "refused"
        return None
    assert found.items is None
    return [int(one) for one in np.repeat(found.words, found.details["times"])]


def texts(seed: int, words: int = WORDS) -> Tokens:
    return np.random.default_rng(seed).integers(words, size=(1, LENGTH))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("how", ["mean", "sum"])
def test_all_words_are_named_with_their_numbers(how: str, has_bias: bool, seed: int) -> None:
    torch.manual_seed(seed)
    model = Texts(how, has_bias=has_bias).eval()
    message = full(model, texts(seed), np.array([1]))
    assert named(model, message) == sorted(texts(seed).ravel().tolist())


def test_the_words_are_named_of_an_update_of_one_step() -> None:
    torch.manual_seed(0)
    model = Texts().eval()
    own = sorted(texts(0).ravel().tolist())
    assert named(model, update(model, texts(0), np.array([1])), steps=1, rate=0.1) == own
    assert named(model, update(model, texts(0), np.array([1]), steps=3), steps=3, rate=0.1) is None


def test_few_words_of_a_large_vocabulary_are_named_or_none() -> None:
    # non-negative least squares find few words among more tokens than features, mostly; never others
    torch.manual_seed(0)
    model = Texts(words=500).eval()
    found = [named(model, full(model, texts(seed, 500), np.array([1]))) for seed in range(8)]
    own = [sorted(texts(seed, 500).ravel().tolist()) for seed in range(8)]
    assert all(one is None or one == true for one, true in zip(found, own, strict=True))
    assert sum(one is not None for one in found) >= 4


class PaddedTexts(Texts):
    """Zero fills texts up: it adds nothing to a mean over all places, or is left out of the mean."""

    def __init__(self, how: str, *, has_bias: bool = True) -> None:
        super().__init__(how, has_bias=has_bias)
        self.table = nn.Embedding(WORDS, 64, padding_idx=0).requires_grad_(False)
        self.bag = nn.EmbeddingBag(WORDS, 64, padding_idx=0).requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits."""
        if self.how == "bag":
            read = self.bag(tokens)
        else:
            rows = self.table(tokens)
            told = (tokens != 0).sum(1, keepdim=True)
            read = rows.sum(1) / {"mean": LENGTH, "sum": 1, "masked": told}[self.how]
        logits: Tensor = self.head(torch.relu(self.middle(read)))
        return logits


@pytest.mark.parametrize("told", [2, 5, 7])
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("how", ["mean", "sum", "masked", "bag"])
def test_words_of_texts_that_are_filled_up_are_named_with_their_numbers(
    how: str, has_bias: bool, told: int
) -> None:
    torch.manual_seed(told)
    model = PaddedTexts(how, has_bias=has_bias).eval()
    tokens = texts(told) % (WORDS - 1) + 1
    tokens[:, told:] = 0
    message = full(model, tokens, np.array([1]))
    assert named(model, message) == sorted(tokens[0, :told].tolist())


def test_of_words_that_all_come_twice_the_shortest_text_is_named_where_the_mean_hides_it() -> None:
    torch.manual_seed(0)
    tokens = np.array([[5, 9, 5, 9, 0, 0, 0]])
    for how, own in (("mean", [5, 5, 9, 9]), ("bag", [5, 9])):
        model = PaddedTexts(how).eval()
        assert named(model, full(model, tokens, np.array([1]))) == own


def test_no_words_are_named_where_the_layer_reads_no_mean() -> None:
    torch.manual_seed(0)
    model = Texts("largest").eval()
    assert named(model, full(model, texts(0), np.array([1]))) is None


def test_no_words_are_named_of_several_texts_or_of_noise() -> None:
    torch.manual_seed(0)
    model = Texts().eval()
    two = np.concatenate([texts(0), texts(1)])
    assert named(model, full(model, two, np.array([1, 2]))) is None
    message = full(model, texts(0), np.array([1]))
    rng = np.random.default_rng(0)
    noisy = {name: rng.normal(size=one.shape).astype(np.float32) for name, one in message.arrays.items()}
    assert named(model, Disclosure("full", noisy, 1)) is None
    alone = {name: one for name, one in message.arrays.items() if name.startswith("head")}
    assert named(model, Disclosure("full", alone, 1)) is None
    zero = {name: np.zeros_like(one) for name, one in message.arrays.items()}
    assert named(model, Disclosure("full", zero, 1)) is None


def test_features_that_chance_could_make_tell_nothing() -> None:
    # of two features a thousandth of their length leaves a million places, and there are more texts
    torch.manual_seed(0)
    model = Texts(width=2).eval()
    message = full(model, texts(0), np.array([1]))
    assert averaged_counts(Knowledge(model, (LENGTH,), 3), message, WORDS) is None


def test_a_frozen_table_hides_no_words_in_an_audit() -> None:
    torch.manual_seed(0)
    model = Texts().eval()
    rng = np.random.default_rng(0)
    tokens, labels = rng.integers(WORDS, size=(40, LENGTH)), rng.integers(3, size=40)
    options: dict[str, Any] = {"records": 4, "attacks": ["bag_of_words"], "controls": False, "seconds": 20}
    found = audit(model, tokens, labels, **options)
    assert [one.verdict for one in found.standings] == ["RECOGNISABLE"] * 4
