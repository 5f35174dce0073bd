"""Text from the spans of a gradient: exact batches, what is not in the message, and honest refusals."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.span_test import SpanTest
from nextlabel.leakage.messages import full

transformers = pytest.importorskip("transformers")

from nextlabel.leakage.text.language_models import Logits, tiny_decoder, tiny_encoder  # noqa: E402

Tokens = NDArray[np.int64]

WORDS, LENGTH = 200, 6


def classifier(width: int = 64, **more: Any) -> Logits:
    torch.manual_seed(0)
    return tiny_decoder(WORDS, width=width, classes=3, **more)


def drawn(items: int, seed: int = 0) -> tuple[Tokens, Tokens]:
    rng = np.random.default_rng(seed)
    return rng.integers(1, WORDS, size=(items, LENGTH)), rng.integers(3, size=items)


def attacked(message: Disclosure, model: nn.Module, **more: Any) -> Recovery:
    attack = {name: more.pop(name) for name in ("evaluations", "seconds") if name in more}
    loss = more.get("loss", "cross_entropy")
    classes = 3 if loss == "cross_entropy" else WORDS
    knowledge = Knowledge(model, more.pop("item_shape", (LENGTH,)), classes, **more)
    return SpanTest(**attack).recover(message, knowledge, np.random.default_rng(1))


def rows(items: Any) -> list[tuple[int, ...]]:
    return sorted(tuple(int(token) for token in row if token >= 0) for row in items)


@pytest.mark.parametrize("items", [1, 4, 9])
def test_a_batch_of_sequences_comes_back_exactly_with_its_classes(items: int) -> None:
    model = classifier()
    tokens, labels = drawn(items)
    found = attacked(full(model, tokens, labels), model)
    assert found.outcome == "recovered"
    assert rows(found.items) == rows(tokens)
    assert found.residual is not None
    assert found.residual < 1e-5
    assert found.labels is not None
    assert found.items is not None
    told = {tuple(row): int(label) for row, label in zip(found.items.tolist(), found.labels, strict=True)}
    assert told == {tuple(row): int(label) for row, label in zip(tokens.tolist(), labels, strict=True)}


def test_the_sum_of_losses_gives_the_same_as_their_mean() -> None:
    model = classifier()
    tokens, labels = drawn(3)
    found = attacked(full(model, tokens, labels, reduction="sum"), model, reduction="sum")
    assert rows(found.items) == rows(tokens)
    assert found.residual is not None
    assert found.residual < 1e-5


@pytest.mark.parametrize("items", [1, 4])
@pytest.mark.parametrize("words", [40, 60, 64])
def test_a_vocabulary_no_larger_than_the_width_is_no_obstacle(words: int, items: int) -> None:
    # each token sends a direction of its own into the first layer: none may be left out of what can be sent
    torch.manual_seed(0)
    model = tiny_decoder(words, width=64, classes=3)
    model.model.get_input_embeddings().weight.requires_grad_(False)  # type: ignore[operator]
    rng = np.random.default_rng(2)
    for _ in range(3):
        tokens, labels = rng.integers(words, size=(items, LENGTH)), rng.integers(3, size=items)
        found = attacked(full(model, tokens, labels), model)
        assert found.outcome == "recovered"
        assert rows(found.items) == rows(tokens)


def test_frozen_embeddings_hide_the_bag_of_words_and_not_the_text() -> None:
    model = classifier()
    tokens, labels = drawn(4)
    told = attacked(full(model, tokens, labels), model)
    assert told.details["words"] == sorted(set(tokens.ravel().tolist()))
    model.model.get_input_embeddings().weight.requires_grad_(False)  # type: ignore[operator]
    found = attacked(full(model, tokens, labels), model)
    assert "words" not in found.details
    assert rows(found.items) == rows(tokens)


def test_a_pruned_table_tells_no_bag_of_words() -> None:
    # zeros that pruning made say nothing of which tokens there were
    model = classifier()
    message = full(model, *drawn(4))
    arrays = dict(message.arrays)
    name = "model.transformer.wte.weight"
    arrays[name] = np.where(np.abs(arrays[name]) > np.quantile(np.abs(arrays[name]), 0.98), arrays[name], 0)
    assert "words" not in attacked(Disclosure("full", arrays, 4), model).details


def test_repeated_tokens_shared_beginnings_copies_and_padding_are_sorted_out() -> None:
    model = classifier(padding=0)
    tokens = np.array(
        [
            [5, 5, 5, 9, 0, 0],
            [5, 5, 17, 9, 5, 3],
            [8, 0, 0, 0, 0, 0],
            [8, 0, 0, 0, 0, 0],
            [40, 41, 42, 43, 44, 45],
        ]
    )
    labels = np.array([0, 1, 2, 2, 1])
    found = attacked(full(model, tokens, labels), model)
    assert found.outcome == "recovered"
    assert found.items is not None
    assert sorted(found.items.tolist()) == sorted(tokens.tolist())
    assert found.residual is not None
    assert found.residual < 1e-5


@pytest.mark.parametrize("is_tied", [True, False])
def test_a_model_of_the_next_token_gives_its_last_tokens_too(is_tied: bool) -> None:
    # the last token is no input that reaches the loss: it is a target only
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=64, is_tied=is_tied)
    tokens, _ = drawn(5)
    asked = np.concatenate([tokens[:, 1:], np.full((5, 1), -100)], axis=1)
    found = attacked(full(model, tokens, asked, loss="language_model"), model, loss="language_model")
    assert found.outcome == "recovered"
    assert rows(found.items) == rows(tokens)
    assert found.residual is not None
    assert found.residual < 1e-4


def test_the_last_token_is_missing_where_the_layer_that_shows_it_is_frozen() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=64)
    model.model.get_input_embeddings().weight.requires_grad_(False)  # type: ignore[operator]
    tokens, _ = drawn(3)
    asked = np.concatenate([tokens[:, 1:], np.full((3, 1), -100)], axis=1)
    found = attacked(full(model, tokens, asked, loss="language_model"), model, loss="language_model")
    assert rows(found.items) == rows(tokens[:, :-1])
    assert found.residual is None


def test_rotated_positions_are_found_by_the_later_layers() -> None:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=WORDS,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        attn_implementation="eager",
    )
    model = Logits(transformers.LlamaForCausalLM(config)).eval()
    tokens, _ = drawn(3)
    asked = np.concatenate([tokens[:, 1:], np.full((3, 1), -100)], axis=1)
    found = attacked(full(model, tokens, asked, loss="language_model"), model, loss="language_model")
    assert rows(found.items) == rows(tokens)


@pytest.mark.parametrize(("items", "evaluations"), [(2, 20_000), (2, 50)])
def test_an_encoder_is_searched_by_sentences(items: int, evaluations: int) -> None:
    # 50 is less than all combinations: sentences are then changed token by token
    torch.manual_seed(0)
    model = tiny_encoder(WORDS, width=64)
    tokens, _ = drawn(items)
    asked = np.where(np.arange(LENGTH) == 2, tokens, -100)
    message = full(model, tokens, asked, loss="language_model")
    found = attacked(message, model, loss="language_model", evaluations=evaluations)
    assert set(rows(found.items if found.items is not None else [])) <= set(rows(tokens))
    if evaluations > 50:
        assert found.outcome == "recovered"
        assert rows(found.items) == rows(tokens)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precisions_protect_nothing(precision: torch.dtype) -> None:
    model = classifier(width=128)
    tokens, labels = drawn(4)
    message = full(model, tokens, labels)
    rounded = {
        name: torch.as_tensor(np.array(one)).to(precision).float().numpy()
        for name, one in message.arrays.items()
    }
    found = attacked(Disclosure("full", rounded, 4), model)
    assert found.outcome == "recovered"
    assert rows(found.items) == rows(tokens)


def test_more_tokens_than_features_are_refused_as_exhausted() -> None:
    model = classifier(width=32)
    found = attacked(full(model, *drawn(6)), model)  # 36 tokens
    assert found.outcome == "refused"
    assert "rank exhausted" in found.reason
    assert found.items is None
    assert found.details["rank"] == found.details["width"] == 31  # a normalisation takes one of 32


def test_many_tokens_of_a_level_spectrum_are_refused_for_lack_of_a_gap() -> None:
    # the last four or five of 31 singular values are as level as noise is for some models
    for number in (3, 12, 18, 20):
        torch.manual_seed(number)
        model = tiny_decoder(WORDS, width=32, classes=3)
        found = attacked(full(model, *drawn(6, number)), model)
        assert found.outcome == "refused", number
        assert found.details["rank"] < found.details["width"]
        gap = f"after {found.details['rank']} the singular values fall by {found.details['gap']:.3g}"
        assert gap in found.reason
        assert "rank exhausted" in found.reason


def test_a_gap_is_asked_for_only_where_tokens_could_fill_all_directions() -> None:
    # four sequences fill 24 of 63 directions: what lies beyond is noise, however little the spectrum falls
    model = classifier()
    message = full(model, *drawn(4))
    rng = np.random.default_rng(0)
    arrays = {
        name: one + 0.02 * one.std() * rng.normal(size=one.shape) for name, one in message.arrays.items()
    }
    found = attacked(Disclosure("full", arrays, 4), model)
    assert found.details["gap"] < 1.5
    assert found.outcome != "refused"


def test_more_copies_than_the_batch_has_are_not_made() -> None:
    # a last layer of another size than the rest says that each sequence was there a thousand times
    model = classifier()
    message = full(model, *drawn(4))
    arrays = dict(message.arrays)
    arrays["model.score.weight"] = 1000.0 * arrays["model.score.weight"]
    found = attacked(Disclosure("full", arrays, 4), model)
    assert found.items is not None
    assert len(found.items) == 4


def test_noise_is_not_taken_for_text() -> None:
    model = classifier()
    message = full(model, *drawn(4))
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=one.shape) for name, one in message.arrays.items()}
    found = attacked(Disclosure("full", arrays, 4), model)
    assert found.outcome == "refused"
    assert "noise only" in found.reason or "exhausted" in found.reason


def test_a_gradient_of_another_model_gives_no_text() -> None:
    model = classifier()
    message = full(model, *drawn(4))
    torch.manual_seed(1)
    found = attacked(message, tiny_decoder(WORDS, width=64, classes=3))
    assert found.outcome == "failed"
    assert found.reason
    assert found.items is None


def test_an_ended_search_says_what_ended_it() -> None:
    model = classifier()
    message = full(model, *drawn(4))
    counted = attacked(message, model, evaluations=8)
    assert (counted.outcome, counted.is_cut) == ("failed", False)
    assert "the number of sequences" in counted.reason
    timed = attacked(message, model, seconds=1e-9)
    assert (timed.outcome, timed.is_cut) == ("failed", True)
    assert "by the time" in timed.reason


def test_what_is_no_text_is_refused() -> None:
    network = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)).eval()
    message = full(network, np.ones((1, 6), np.float32), np.array([0]))
    assert attacked(message, network).outcome == "refused"
    flat = nn.Sequential(nn.Embedding(WORDS, 8), nn.Flatten(), nn.Linear(8 * LENGTH, 3)).eval()
    found = attacked(full(flat, *drawn(1)), flat)
    assert (found.outcome, "no linear layer reads single tokens" in found.reason) == ("refused", True)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("evaluations", 0, "'evaluations' must be a whole number"),
        ("seconds", 0, "'seconds' must be a number"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(field: str, value: object, expected: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(expected)):
        SpanTest(**{field: value})  # type: ignore[arg-type]
