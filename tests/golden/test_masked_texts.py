"""Models as people write them: pooled heads, masks of their own, items divided by their spread."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.span_test import SpanTest
from nextlabel.leakage.attacks.text_matching import TextMatching
from nextlabel.leakage.blank_items import blank_item
from nextlabel.leakage.messages import full

pytest.importorskip("transformers")

from transformers import GPT2Config, GPT2Model

from nextlabel.leakage.text.language_models import tiny_encoder

WORDS, LENGTH = 60, 7


def seeded(make: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval()


def texts(count: int, classes: int = 3) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    return rng.integers(1, WORDS, size=(count, LENGTH)), rng.integers(classes, size=count)


class Pooled(nn.Module):
    """A causal body, and a head on the mean of its states or on the last."""

    def __init__(self, pool: str, classes: int) -> None:
        super().__init__()
        size: dict[str, Any] = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 16}
        size |= {"vocab_size": WORDS, "bos_token_id": None, "eos_token_id": None}
        self.body = GPT2Model(GPT2Config(**size))
        self.head, self.pool = nn.Linear(64, classes), pool

    def forward(self, x: Tensor) -> Tensor:
        states = self.body(input_ids=x).last_hidden_state
        said: Tensor = self.head(states.mean(1) if self.pool == "mean" else states[:, -1])
        return said


class MaskedMean(nn.Module):
    """The mean of the embeddings of what is not padding: no number, of padding alone."""

    def __init__(self, words: int = WORDS) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(words, 32), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        is_word = (x != 0).float().unsqueeze(-1)
        said: Tensor = self.last((self.table(x) * is_word).sum(1) / is_word.sum(1))
        return said


class Packed(nn.Module):
    """Texts packed by their lengths: it takes none of padding alone."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, 16, padding_idx=0)
        self.cells, self.last = nn.LSTM(16, 16, batch_first=True), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        lengths = (x != 0).sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            self.table(x), lengths, batch_first=True, enforce_sorted=False
        )
        said: Tensor = self.last(self.cells(packed)[1][0][-1])
        return said


class LastState(Packed):
    """The state at the last word: there is none in a text of padding alone."""

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cells(self.table(x))
        ends = (x != 0).sum(1) - 1
        said: Tensor = self.last(states.gather(1, ends.view(-1, 1, 1).expand(-1, 1, 16)).squeeze(1))
        return said


class RowByRow(Packed):
    """The largest of each text's own words, which padding alone has none of."""

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.last(torch.stack([self.table(row[row != 0]).amax(0) for row in x]))
        return said


class Attending(nn.Module):
    """Torch's own encoder, whose attention leaves padding out."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(WORDS, 32), nn.Linear(32, 3)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.last(self.body(self.table(x), src_key_padding_mask=x == 0)[:, 0])
        return said


class Standardised(nn.Module):
    """Each image less its mean, divided by its spread."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 96), nn.Linear(96, 3)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(1)
        rows = (rows - rows.mean(1, keepdim=True)) / rows.std(1, keepdim=True)
        said: Tensor = self.last(torch.relu(self.first(rows)))
        return said


class SelfMasked(nn.Module):
    """An encoder that is told, by the model itself, where no padding is."""

    def __init__(self) -> None:
        super().__init__()
        self.body = tiny_encoder(WORDS, width=16, heads=2, blocks=1, positions=8)

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.body.model(input_ids=x, attention_mask=(x != 0).long()).logits
        return said


@pytest.mark.parametrize("pool", ["mean", "last"])
@pytest.mark.parametrize("classes", [3, 77])
@pytest.mark.parametrize("batch", [1, 4])
def test_sequences_come_back_whatever_the_head_reads(pool: str, classes: int, batch: int) -> None:
    """The last layer that reads single tokens was taken for the head, and its units for classes."""
    model = seeded(lambda: Pooled(pool, classes))
    tokens, labels = texts(batch, classes)
    knowledge = Knowledge(model, (LENGTH,), classes)
    found = SpanTest().recover(full(model, tokens, labels), knowledge, np.random.default_rng(1))
    assert found.outcome == "recovered", found.reason
    assert found.items is not None
    assert sorted(found.items.tolist()) == sorted(tokens.tolist())
    assert (found.labels, found.residual) == (None, None)


@pytest.mark.parametrize("make", [MaskedMean, Attending, Standardised, Packed, LastState, RowByRow])
@pytest.mark.parametrize("share", ["full", "last-layer", "embedding"])
def test_labels_are_read_where_a_blank_item_has_no_numbers(make: Any, share: str) -> None:
    """What is no number at a blank item was taken for an output that is not the last layer's."""
    model = seeded(make)
    items, labels = texts(40)
    if make is Standardised:
        items = np.random.default_rng(1).normal(size=(40, 8, 8)).astype(np.float32)
    attacks = ["embedding_inversion"] if share == "embedding" else ["label_inference"]
    report = audit(
        model, items, labels, share=share, records=10, attacks=attacks, seconds=10.0, controls=False
    )
    assert {one.outcome for one in report.outcomes} <= {"recovered", "not identifiable"}
    (told,) = report.summaries
    assert (told.labels_right, told.labels_of) == (10, 10)


@pytest.mark.parametrize("make", [MaskedMean, Attending, Packed, LastState, RowByRow])
def test_a_blank_text_is_one_of_which_a_model_makes_numbers(make: Any) -> None:
    model = seeded(make)
    blank = blank_item(Knowledge(model, (LENGTH,), 3))
    assert blank.dtype == np.int64
    assert model(torch.as_tensor(blank)).isfinite().all()


def test_texts_are_matched_at_a_model_that_masks_padding_itself() -> None:
    """The search ran at tokens 0, which such a model leaves out."""
    model = seeded(SelfMasked)
    tokens, asked = np.array([[7, 21, 4, 33]]), np.array([[-100, 12, -100, -100]])
    known = Knowledge(model, (4,), WORDS, loss="language_model", labels=asked)
    sent = full(model, tokens, asked, loss="language_model")
    found = TextMatching(restarts=2, iterations=20).recover(sent, known, np.random.default_rng(0))
    assert found.outcome == "recovered", found.reason
    assert found.items is not None
    assert found.items.tolist() == tokens.tolist()


@pytest.mark.parametrize("make", [Packed, LastState])
def test_no_attack_breaks_off_where_a_model_takes_no_padding_alone(make: Any) -> None:
    """Text matching ends at padding alone by chance, and at nothing that the model takes."""
    model = seeded(make)
    items, labels = texts(20)
    items[:, 4:] *= np.arange(20)[:, None] % 2
    report = audit(model, items, labels, records=2, seconds=4.0, controls=False)
    assert report.verdict == "RECOGNISABLE"
    assert {one.attack for one in report.outcomes if one.why == "broke off"} == set()
    assert "text_matching" in {one.attack for one in report.outcomes if one.outcome == "failed"}


def test_sentences_whose_gradient_is_no_number_explain_nothing() -> None:
    """Their residual counted as 0: recovered, in so many words."""
    model, other = (seeded(lambda: MaskedMean(2)) for _ in range(2))
    for one in (model, other):  # so that the message does not say which rows were read
        one.table.requires_grad_(False)
    other.table.weight[1] = model.table.weight[0]  # so that the search ends at the padding
    sent = full(other, np.array([[1]]), np.array([1]))
    known = Knowledge(model, (1,), 3, labels=np.array([1]))
    found = TextMatching(restarts=1, iterations=20).recover(sent, known, np.random.default_rng(0))
    assert found.items is not None
    assert found.items.tolist() == [[0]]
    assert (found.outcome, found.reason) == (
        "failed",
        "the model makes no finite gradient of the sentences found",
    )
