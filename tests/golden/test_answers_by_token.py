"""A model that answers at each token has no last layer that is audited, and each way in says so."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage import audit
from nextlabel.leakage.checks import check, remarks
from nextlabel.leakage.messages import embedding, full, last_layer

SAYS = (
    r"of models with one row of outputs for each item, of the axes \(items, classes\); this one's have the "
    r"axes \(1, 6, 50\), as those of a model that answers at each token. Share 'full', or an 'update'"
)


class Writer(nn.Module):
    """Answers at each token."""

    def __init__(self, *, is_tied: bool = False) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(50, 8), nn.Linear(8, 50, bias=not is_tied)
        if is_tied:
            self.head.weight = self.table.weight

    def forward(self, tokens: Any) -> Any:
        return self.head(self.table(tokens).tanh())


def texts() -> tuple[Array, Array]:
    tokens = np.random.default_rng(0).integers(50, size=(20, 6))
    return tokens, np.roll(tokens, -1, axis=1)


@pytest.mark.parametrize("is_tied", [False, True])
def test_the_last_layer_of_a_language_model_is_refused_in_its_own_words(is_tied: bool) -> None:
    model = Writer(is_tied=is_tied).eval()
    tokens, following = texts()
    with pytest.raises(LearnerError, match=SAYS):
        audit(model, tokens, following, loss="language_model", share="last_layer", controls=False)
    with pytest.raises(LearnerError, match=SAYS):
        last_layer(model, tokens, following, loss="language_model")
    with pytest.raises(LearnerError, match=SAYS):
        embedding(model, tokens)
    sent = full(model, tokens[:1], following[:1], loss="language_model")
    known = Knowledge(model, (6,), 50, loss="language_model")
    check(sent, known)
    assert any("language model's message" in one for one in remarks(sent, known))
    head = Disclosure("last_layer", {"head.weight": np.zeros((50, 8), np.float32)}, 1)
    with pytest.raises(DisclosureError, match=SAYS):
        check(head, known)


def test_a_transformers_model_is_refused_as_well() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    size: dict[str, Any] = {"vocab_size": 50, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 1}
    with torch.random.fork_rng(devices=[]):
        model: Any = GPT2LMHeadModel(GPT2Config(**size, bos_token_id=None, eos_token_id=None))
    with pytest.raises(LearnerError, match=SAYS):
        audit(model.eval(), *texts(), loss="language_model", share="last_layer", controls=False)
