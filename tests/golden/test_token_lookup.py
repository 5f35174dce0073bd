"""How a model looks up its tokens: a constant with or added to them hides no word, else it is said."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.attacks.bag_of_words import BagOfWords
from nextlabel.leakage.attacks.span_test import SpanTest
from nextlabel.leakage.attacks.text_matching import TextMatching
from nextlabel.leakage.messages import full
from nextlabel.leakage.text.token_places import Lookup, lookup_of

WORDS, LENGTH = 200, 5
TEXT = np.array([[53, 170, 61, 127, 102]])


class Changed(nn.Module):
    """Token ids, changed as the names say, before a table of 200 rows reads them."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.places, self.table = how, nn.Embedding(50, 8), nn.Embedding(WORDS, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits."""
        if self.how == "prefix":
            tokens = torch.cat([torch.full((len(tokens), 3), 199), tokens], 1)
        elif self.how == "shift":
            tokens = tokens + 4
        elif self.how == "columns":
            tokens = tokens + 30 * torch.arange(tokens.shape[1])
        parts = tokens.T if self.how == "one by one" else [tokens]
        seen = torch.cat([self.table(one).reshape(len(tokens), -1, 8) for one in parts], 1)
        found: Tensor = self.head(torch.tanh(seen + self.places(torch.arange(seen.shape[1]))).mean(1))
        return found


def recovered(message: Disclosure, model: nn.Module, length: int = LENGTH) -> Recovery:
    return BagOfWords().recover(message, Knowledge(model, (length,), 4), np.random.default_rng(0))


def test_prefixes_and_shifts_are_seen() -> None:
    of = {how: lookup_of(Knowledge(Changed(how), (LENGTH,), 4)) for how in ("prefix", "shift", "columns")}
    assert of == {"prefix": Lookup("table", 0, (199,)), "shift": Lookup("table", 4), "columns": None}


@pytest.mark.parametrize("how", ["prefix", "shift"])
def test_tokens_beside_a_text_and_shifted_ones_hide_no_word(how: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Changed(how).eval()
    found = recovered(full(model, TEXT, np.array([1])), model)
    assert found.words is not None
    assert found.words.tolist() == sorted(TEXT[0])
    assert ("times" in found.details) is (how == "shift")
    assert found.reason.endswith("the model adds itself are left out") is (how == "prefix")
    lone = recovered(full(model, np.array([[9]]), np.array([1])), model, length=1)
    assert lone.items is not None
    assert lone.items.tolist() == [[9]]
    if how == "prefix":
        found = recovered(full(model, np.full((1, LENGTH), 199), np.array([1])), model)
        assert (found.outcome, found.words) == ("failed", None)
        assert found.reason.endswith("all of them are of tokens that the model adds itself")


@pytest.mark.parametrize(
    "attack", [BagOfWords(), SpanTest(), TextMatching()], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("how", ["columns", "one by one"])
def test_a_model_that_changes_token_ids_is_refused_for_that(how: str, attack: Attack) -> None:
    model, text = Changed(how).eval(), np.array([[5, 17, 6, 12, 10]])
    message, rng = full(model, text, np.array([1])), np.random.default_rng(0)
    found = attack.recover(message, Knowledge(model, (LENGTH,), 4), rng)
    assert found.outcome == "refused"
    assert (
        "the model changes token ids before it looks them up, or looks them up in several steps"
        in found.reason
    )
    of_squares = attack.recover(message, Knowledge(model, (2, LENGTH), 4), rng)
    assert of_squares.reason == "items of shape (2, 5) are no sequences of token ids"
    plain = attack.recover(message, Knowledge(nn.Linear(LENGTH, 4), (LENGTH,), 4), rng)
    assert plain.reason == "the model has no table of tokens"
    other = attack.recover(Disclosure("embedding", {"0": np.ones((1, 4))}, 1), Knowledge(model, (5,), 4), rng)
    assert other.outcome == "refused"
    assert "the full gradient" in other.reason
