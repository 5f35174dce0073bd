"""Texts of unequal lengths, filled up to one: they come back with what fills them, or with -1 for it."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.span_test import SpanTest
from nextlabel.leakage.messages import full
from nextlabel.leakage.text.paddings import ignores_padding, padding_of
from nextlabel.leakage.text.token_places import reading
from nextlabel.leakage.text.word_scores import filler_in

pytest.importorskip("transformers")

from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
)

from nextlabel.leakage.text.language_models import Logits, tiny_decoder, tiny_encoder

Tokens = NDArray[np.int64]

WORDS, LENGTH = 60, 6
PADDED = np.array([[5, 9, 23, 41, 0, 0], [17, 33, 58, 2, 11, 0], [8, 8, 31, 0, 0, 0]])
TABLE = "bert.embeddings.word_embeddings"


def bert() -> Any:
    """A classifier as the library makes it, whose table holds the row of token 0."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(**sizes, vocab_size=WORDS, hidden_size=32, num_labels=3)  # type: ignore[call-arg]
    return BertForSequenceClassification(config).train(mode=False)


def attacked(model: nn.Module, tokens: Tokens, **more: Any) -> Recovery:
    """The span test on the gradient of these texts, classified unless targets are given."""
    targets = more.pop("targets", None)
    loss, classes = ("cross_entropy", 3) if targets is None else ("language_model", WORDS)
    message = full(model, tokens, np.arange(len(tokens)) % 3 if targets is None else targets, loss=loss)
    knowledge = Knowledge(model, (LENGTH,), classes, loss=loss, **more)
    return SpanTest().recover(message, knowledge, np.random.default_rng(1))


def is_whole(found: Recovery, tokens: Tokens) -> bool:
    """Whether the texts came back, with what fills them up."""
    if found.outcome != "recovered" or found.items is None:
        return False
    return bool(sorted(found.items.tolist()) == sorted(tokens.tolist()))


def following(tokens: Tokens) -> Tokens:
    """Each next token, and nothing where that is padding."""
    ahead = np.concatenate([tokens[:, 1:], np.zeros((len(tokens), 1), np.int64)], axis=1)
    return np.where(ahead > 0, ahead, -100)


def third(tokens: Tokens) -> Tokens:
    """The third token is asked for."""
    return np.where(np.arange(LENGTH) == 2, tokens, -100)


@pytest.mark.parametrize("row", range(3))
def test_padding_whose_row_is_held_still_is_among_the_candidates(row: int) -> None:
    # the model looks at its padding, and the row of it never has a gradient
    model = bert()
    assert model.get_submodule(TABLE).padding_idx == 0
    assert is_whole(attacked(model, PADDED[[row]]), PADDED[[row]])


def test_a_padded_batch_comes_back_of_a_model_that_looks_at_padding() -> None:
    model = bert()
    assert is_whole(attacked(model, PADDED[:2]), PADDED[:2])


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("items", [1, 2])
def test_an_encoder_that_masks_padding_is_searched_by_shorter_texts(items: int, is_frozen: bool) -> None:
    model = Logits(bert(), padding=0)
    model.get_submodule(f"model.{TABLE}").requires_grad_(not is_frozen)
    assert is_whole(attacked(model, PADDED[:items]), PADDED[:items])


def test_texts_of_all_lengths_are_tried_where_not_all_can_be_run() -> None:
    torch.manual_seed(0)
    model = tiny_encoder(WORDS, width=64, padding=0)
    tokens = PADDED[:2]
    message = full(model, tokens, third(tokens), loss="language_model")
    knowledge = Knowledge(model, (LENGTH,), WORDS, loss="language_model")
    # 2 + 4 + ... + 2^4 + 2^4 texts would be tried: single tokens are changed instead
    found = SpanTest(evaluations=45).recover(message, knowledge, np.random.default_rng(1))
    assert found.items is not None
    assert {tuple(one) for one in found.items.tolist()} & {tuple(one) for one in tokens.tolist()}


@pytest.mark.parametrize("is_tied", [True, False])
@pytest.mark.parametrize("items", [1, 3])
def test_the_last_token_of_padded_texts_is_told_by_its_target(items: int, is_tied: bool) -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=64, padding=0, is_tied=is_tied)
    tokens = PADDED[:items]
    found = attacked(model, tokens, targets=following(tokens))
    assert is_whole(found, tokens)
    assert found.residual is not None
    assert found.residual < 1e-4


def test_texts_that_begin_alike_keep_their_last_tokens() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=64, padding=0, is_tied=False)
    tokens = np.array([[5, 9, 23, 41, 0, 0], [5, 9, 58, 2, 11, 0], [5, 7, 31, 3, 0, 0]])
    found = attacked(model, tokens, targets=following(tokens))
    assert is_whole(found, tokens)
    assert found.residual is not None
    assert found.residual < 1e-4


def test_a_last_token_that_nothing_tells_is_not_taken_for_padding() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=64, padding=0)
    model.model.get_input_embeddings().weight.requires_grad_(False)  # type: ignore[operator]
    found = attacked(model, PADDED[:1], targets=following(PADDED[:1]))
    assert found.items is not None
    assert found.items.tolist() == [[5, 9, 23, -1, 0, 0]]


def test_the_padding_of_a_classifier_is_read_from_its_configuration() -> None:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"n_positions": 8, "n_embd": 64, "n_layer": 2, "n_head": 2}
    config = GPT2Config(**sizes, vocab_size=WORDS, pad_token_id=0, num_labels=3)  # type: ignore[call-arg]
    model = GPT2ForSequenceClassification(config).train(mode=False)
    assert padding_of(model, "transformer.wte") == 0
    assert is_whole(attacked(model, PADDED), PADDED)


def test_padding_that_no_model_states_is_not_known() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=64)
    assert padding_of(model, "model.transformer.wte") is None
    found = attacked(model, PADDED[:1], targets=following(PADDED[:1]))
    assert found.items is not None
    assert found.items.tolist() == [[5, 9, 23, -1, -1, -1]]


def unequal(count: int) -> Tokens:
    """Texts of two to five words, filled up with 0."""
    rng = np.random.default_rng(0)
    kept = np.arange(LENGTH) < rng.integers(2, 6, size=(count, 1))
    return rng.integers(1, WORDS, size=(count, LENGTH)) * kept


@pytest.mark.parametrize(("stated", "verdict"), [(None, "EXACT"), (0, "EXACT"), (59, "NOT SHOWN")])
def test_padding_that_the_texts_show_is_no_word(stated: int | None, verdict: str) -> None:
    """Every word came back, in order, and short texts were NOT SHOWN, for what fills them up."""
    torch.manual_seed(0)
    texts = unequal(20)
    model = tiny_decoder(WORDS, width=64, is_tied=False)
    model.padding = stated
    options: dict[str, Any] = {"records": 6, "attacks": ["span_test"], "controls": False, "seconds": 20}
    report = audit(model, texts, following(texts), loss="language_model", **options)
    assert verdict in {one.verdict for one in report.standings}
    assert ({one.verdict for one in report.standings} == {"EXACT"}) == (verdict == "EXACT")
    said = [one for one in report.remarks if one.startswith("Token 0 ends 20 of 20 texts")]
    assert len(said) == (stated != 0)
    assert all(("states no padding" in one) == (stated is None) for one in said)


@pytest.mark.parametrize("is_ended", [False, True], ids=["words alone", "words and their end"])
@pytest.mark.parametrize("stated", [None, 0])
def test_the_end_of_texts_is_their_padding_only_where_nothing_else_is(
    is_ended: bool, stated: int | None
) -> None:
    """By custom texts are filled up with the token that ends them; these are not, and all words came back."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"n_positions": 8, "n_embd": 64, "n_layer": 2, "n_head": 2}
    config = GPT2Config(**sizes, vocab_size=WORDS, bos_token_id=1, eos_token_id=2, pad_token_id=stated)
    model = GPT2LMHeadModel(config).train(mode=False)
    texts = unequal(20)
    texts = np.where(texts == 2, 3, texts)
    if is_ended:
        texts[np.arange(20), (texts > 0).sum(axis=1)] = 2
    options: dict[str, Any] = {"records": 6, "attacks": ["span_test"], "controls": False, "seconds": 20}
    report = audit(model, texts, following(texts), loss="language_model", **options)
    assert {one.verdict for one in report.standings} == {"EXACT"}
    assert any("states no padding" in one for one in report.remarks) == (stated is None)


def test_what_stands_elsewhere_too_or_by_chance_is_no_padding() -> None:
    texts = unequal(20)
    assert filler_in(texts) == (0, 20)
    elsewhere = texts.copy()
    elsewhere[3, 0] = 0
    assert filler_in(elsewhere) is None
    assert filler_in(texts[:3]) is None  # too few to tell
    assert filler_in(np.concatenate([texts, np.full((20, 2), 7)], axis=1)) is None  # put behind every text
    assert filler_in(np.concatenate([texts, np.full((20, 1), 7)], axis=1)) is None  # what ends a text
    assert filler_in(np.random.default_rng(0).integers(4, size=(200, 6))) is None
    assert filler_in(texts[:, :1]) is None


def test_targets_that_are_the_tokens_themselves_are_remarked_on() -> None:
    """Models of the transformers library move labels themselves; this audit does not."""
    texts = unequal(20)
    options: dict[str, Any] = {"records": 2, "attacks": ["bag_of_words"], "controls": False, "seconds": 5}
    model = tiny_decoder(WORDS, width=32, padding=0)
    for targets, is_said in ((np.where(texts > 0, texts, -100), True), (following(texts), False)):
        report = audit(model, texts, targets, loss="language_model", **options)
        assert any("give at each place the token that comes next" in one for one in report.remarks) == is_said


def test_padded_texts_are_exact_in_an_audit() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=32, classes=3, padding=0)
    rng = np.random.default_rng(0)
    texts = rng.integers(1, WORDS, size=(12, LENGTH)) * (np.arange(LENGTH) < rng.integers(2, 6, size=(12, 1)))
    options: dict[str, Any] = {"records": 4, "attacks": ["span_test"], "controls": False, "seconds": 20}
    found = audit(model, texts, rng.integers(3, size=12), **options)
    assert [one.verdict for one in found.standings] == ["EXACT"] * 4


def test_more_sequences_than_the_message_has_are_not_a_recovery() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=64, classes=3)
    found = attacked(model, PADDED[:2], batch=1)
    assert found.outcome == "failed"
    assert "1 more sequences" in found.reason


@pytest.mark.parametrize(
    ("padding", "held", "expected"), [(4, None, None), (None, 2, 2), (None, None, None)], ids=str
)
def test_padding_is_what_a_model_states_first(padding: int, held: int, expected: int) -> None:
    model = nn.Sequential(nn.Embedding(7, 2, padding_idx=held))
    assert padding_of(model, "0") == expected
    model.padding = padding  # type: ignore[assignment]
    assert padding_of(model, "0") == (expected if padding is None else padding)


def test_padding_is_ignored_only_where_a_mask_leaves_it_out() -> None:
    for padding, expected in ((0, True), (None, False)):
        torch.manual_seed(0)
        model = tiny_encoder(WORDS, width=32, padding=padding)
        assert ignores_padding(model, reading(model, LENGTH, WORDS), LENGTH, WORDS, 0) is expected
    assert not ignores_padding(model, reading(model, 1, WORDS), 1, WORDS, 0)


class OfOneLength(nn.Module):
    """Adds a row for each position, and takes no texts of other lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, 8)
        self.places = nn.Parameter(torch.randn(LENGTH, 8))
        self.mixing, self.head = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        mixed = self.mixing(self.table(tokens) + self.places)
        return torch.as_tensor(self.head(mixed.mean(1, keepdim=True).tanh() + mixed).mean(1))


def test_a_model_of_one_length_is_not_said_to_ignore_padding() -> None:
    torch.manual_seed(0)
    model = OfOneLength().eval()
    assert not ignores_padding(model, reading(model, LENGTH, WORDS), LENGTH, WORDS, 0)


class Bags(nn.Module):
    """The words of a text, averaged, and a layer above: zero fills texts up and is left out of the mean."""

    def __init__(self, padding: int | None) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(WORDS, 16, padding_idx=padding)
        self.layer = nn.Linear(16, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.layer(self.bag(tokens))
        return logits


def filled(told: int) -> Any:
    """Forty texts of so many different words, the rest of each filled up with zeros."""
    rng = np.random.default_rng(0)
    texts = np.zeros((40, LENGTH), np.int64)
    for text in texts:
        text[:told] = 1 + rng.choice(WORDS - 1, size=told, replace=False)
    return texts


@pytest.mark.parametrize("padding", [0, None])
def test_padding_is_no_word_of_a_text(padding: int | None) -> None:
    """All words of a text that is filled up are named, and what fills it is not among them."""
    torch.manual_seed(0)
    model, texts = Bags(padding).eval(), filled(3)
    if padding is None:
        model.padding = 0  # type: ignore[assignment]
    labels = np.arange(len(texts)) % 4
    report = audit(model, texts, labels, attacks="bag_of_words", records=10, controls=False, seconds=10)
    assert {one.verdict for one in report.standings} == {"RECOGNISABLE"}
    assert all(one.score is not None and one.score.words == 1.0 for one in report.standings)
    (summary,) = report.summaries
    assert (summary.words_named, summary.words_right, summary.words_of) == (30, 30, 30)


@pytest.mark.parametrize("share", ["full", "last_layer", "embedding", "update"])
def test_no_attack_breaks_off_on_a_bag_of_embeddings(share: str) -> None:
    torch.manual_seed(0)
    model, texts = Bags(0).eval(), filled(4)
    report = audit(model, texts, np.arange(len(texts)) % 4, share=share, records=4, controls=False, seconds=5)
    assert not [one for one in report.outcomes if "broke off" in one.why or "error" in one.reason]
    assert "Broke off" not in report.sentences()[0]
