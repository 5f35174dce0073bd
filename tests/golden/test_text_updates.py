"""Text from an update of one step at a known rate: it is the gradient, up to the rounding of the weights."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from nextlabel.core.attack import Attack, Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.span_test import SpanTest
from nextlabel.leakage.attacks.text_matching import TextMatching
from nextlabel.leakage.messages import as_gradient, full, update
from nextlabel.leakage.text.single_steps import rounded_sizes

pytest.importorskip("transformers")

from nextlabel.leakage.text.language_models import Logits, tiny_decoder, tiny_encoder

Tokens = NDArray[np.int64]

WORDS, LENGTH = 200, 6


def writer() -> Logits:
    torch.manual_seed(0)
    return tiny_decoder(WORDS, width=64)


def texts(items: int) -> tuple[Tokens, Tokens]:
    """Texts, and at each place the token that follows."""
    tokens = np.random.default_rng(0).integers(WORDS, size=(items, LENGTH))
    return tokens, np.concatenate([tokens[:, 1:], np.full((items, 1), -100)], axis=1)


def known(model: nn.Module, **more: Any) -> Knowledge:
    settings: dict[str, Any] = {"loss": "language_model", "steps": 1} | more
    return Knowledge(model, (LENGTH,), WORDS, **settings)


@pytest.mark.parametrize("items", [1, 4])
@pytest.mark.parametrize("rate", [1.0, 0.1, 0.001])
def test_an_update_of_one_step_gives_its_texts(rate: float, items: int) -> None:
    model = writer()
    tokens, asked = texts(items)
    message = update(model, tokens, asked, loss="language_model", rate=rate)
    found = SpanTest().recover(message, known(model, rate=rate), np.random.default_rng(1))
    assert found.outcome == "recovered"
    assert found.items is not None
    assert sorted(found.items.tolist()) == sorted(tokens.tolist())


@pytest.mark.parametrize("number", range(3))
def test_rounding_of_the_weights_is_not_taken_for_tokens(number: int) -> None:
    # it covers queries and keys, whose gradient is small, and not values: one noise for all of them counted
    # eight times as many directions as there were tokens
    torch.manual_seed(number)
    model = tiny_decoder(WORDS, width=64, classes=3)
    tokens = np.random.default_rng(number).integers(WORDS, size=(1, LENGTH))
    message = update(model, tokens, np.array([1]), rate=0.001)
    knowledge = Knowledge(model, (LENGTH,), 3, steps=1, rate=0.001)
    found = SpanTest().recover(message, knowledge, np.random.default_rng(1))
    assert found.outcome == "recovered"
    assert set(found.details["layers"].values()) == {LENGTH}
    assert found.items is not None
    assert found.items.tolist() == tokens.tolist()


@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_sentences_are_matched_to_an_update_of_one_step(rate: float) -> None:
    torch.manual_seed(0)
    model = tiny_encoder(40, width=16, heads=2, blocks=1, positions=8)
    tokens, asked = np.array([[7, 21, 4, 33]]), np.array([[-100, 12, -100, -100]])
    message = update(model, tokens, asked, loss="language_model", rate=rate)
    settings: dict[str, Any] = {"loss": "language_model", "labels": asked, "steps": 1, "rate": rate}
    knowledge = Knowledge(model, (4,), 40, **settings)
    found = TextMatching(restarts=1, iterations=12).recover(message, knowledge, np.random.default_rng(0))
    assert found.outcome == "recovered"
    assert found.items is not None
    assert found.items.tolist() == tokens.tolist()


def test_an_update_of_rounding_alone_says_nothing() -> None:
    model = writer()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1)  # a weight of 0 is rounded to what is added to it
    tokens, asked = texts(1)
    message = update(model, tokens, asked, loss="language_model", rate=1e-7)
    assert any(one.any() for one in message.arrays.values())
    found = TextMatching().recover(message, known(model, rate=1e-7), np.random.default_rng(0))
    assert found.outcome == "refused"
    assert "rounding only" in found.reason


@pytest.mark.parametrize("attack", [SpanTest(), TextMatching()], ids=["span_test", "text_matching"])
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"steps": 5, "rate": 0.1}, "of 5 steps at 0.1"),
        ({"steps": 1}, "of 1 step at an unknown rate"),
        ({"steps": None, "rate": 0.1}, "of an unknown number of steps at 0.1"),
    ],
    ids=["steps", "no rate", "no steps"],
)
def test_another_update_is_refused_with_the_reason(attack: Attack, more: dict[str, Any], said: str) -> None:
    model = writer()
    message = update(model, *texts(1), loss="language_model")
    found = attack.recover(message, known(model, **more), np.random.default_rng(0))
    assert found.outcome == "refused"
    assert said in found.reason


@pytest.mark.parametrize("attack", [SpanTest(), TextMatching()], ids=["span_test", "text_matching"])
def test_a_message_of_another_kind_is_refused(attack: Attack) -> None:
    message = Disclosure("embedding", {"embedding": np.ones((1, 3, 4), np.float32)}, 1)
    found = attack.recover(message, known(writer()), np.random.default_rng(0))
    assert found.outcome == "refused"
    assert re.search("an update of one step; not 'embedding'", found.reason)


def test_what_rounding_adds_is_told_from_the_weights() -> None:
    # of 16,384 entries and more, their root mean square is within a few percent of what an even law has
    model = writer()
    tokens, asked = texts(1)
    knowledge = known(model, rate=0.01)
    sent = update(model, tokens, asked, loss="language_model", rate=0.01)
    gradient = full(model, tokens, asked, loss="language_model")
    added, said = as_gradient(sent, knowledge), rounded_sizes(sent, knowledge)
    for name in (f"model.transformer.h.0.{one}.weight" for one in ("mlp.c_fc", "mlp.c_proj")):
        apart = float(np.sqrt(((added[name] - gradient[name]).astype(np.float64) ** 2).mean()))
        assert apart == pytest.approx(said[name], rel=0.1)
    assert set(rounded_sizes(gradient, knowledge).values()) == {0.0}


def test_weights_of_half_precision_are_rounded_by_more() -> None:
    model = nn.Linear(64, 64)
    sent = Disclosure("update", {"weight": np.ones((64, 64), np.float32)}, 1)
    settings: dict[str, Any] = {"steps": 1, "rate": 0.1}
    fine = rounded_sizes(sent, Knowledge(model, (64,), 64, **settings))["weight"]
    coarse = rounded_sizes(sent, Knowledge(model.bfloat16(), (64,), 64, **settings))["weight"]
    assert coarse == pytest.approx(2.0**16 * fine, rel=0.05)


def test_texts_are_exact_in_an_audit_of_updates() -> None:
    model = writer()
    tokens, asked = texts(8)
    options: dict[str, Any] = {"records": 4, "attacks": ["span_test"], "controls": False, "seconds": 20}
    found = audit(model, tokens, asked, loss="language_model", share="update", **options)
    assert [one.verdict for one in found.standings] == ["EXACT"] * 4
