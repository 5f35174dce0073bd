"""Sentences by matching embeddings: what comes back, what is said on the way, and what is not claimed."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.progress import reporting
from nextlabel.errors import ParameterError
from nextlabel.leakage import audit
from nextlabel.leakage.answers import logits_alone
from nextlabel.leakage.attacks.text_matching import TextMatching, sentences
from nextlabel.leakage.messages import full
from nextlabel.leakage.text.text_candidates import Candidates, Given

pytest.importorskip("transformers")

from transformers import GPT2Config, GPT2LMHeadModel

from nextlabel.leakage.text.language_models import Logits, tiny_decoder, tiny_encoder

WORDS = 40
TOKENS = np.array([[7, 21, 4, 33]])
ASKED = np.array([[-100, 12, -100, -100]])
TABLE = "model.bert.embeddings.word_embeddings"


def encoder(**more: Any) -> Logits:
    torch.manual_seed(0)
    return tiny_encoder(WORDS, width=16, heads=2, blocks=1, positions=8, **more)


def message_of(model: Logits, tokens: NDArray[np.int64] = TOKENS) -> Disclosure:
    return full(model, tokens, ASKED, loss="language_model")


def knowledge_of(model: nn.Module, labels: NDArray[np.int64] | None = ASKED) -> Knowledge:
    return Knowledge(model, (4,), WORDS, loss="language_model", labels=labels)


def matched(message: Disclosure, knowledge: Knowledge, **more: Any) -> Recovery:
    return TextMatching(**({"restarts": 1, "iterations": 12} | more)).recover(
        message, knowledge, np.random.default_rng(0)
    )


def test_a_sentence_comes_back_and_explains_the_message() -> None:
    model = encoder()
    found = matched(message_of(model), knowledge_of(model))
    assert found.outcome == "recovered"
    assert found.items is not None
    assert found.items.tolist() == TOKENS.tolist()
    assert found.residual is not None
    assert found.residual < 1e-5


def fused(**more: Any) -> Any:
    """A model as the transformers library makes it: fused attention, and an object that holds the logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sizes: dict[str, Any] = {
            "vocab_size": WORDS,
            "n_positions": 8,
            "n_embd": 16,
            "n_layer": 2,
            "n_head": 2,
        }
        ends: dict[str, Any] = {"bos_token_id": None, "eos_token_id": None, "attn_implementation": "sdpa"}
        return GPT2LMHeadModel(GPT2Config(**sizes, **ends, **more)).train(mode=False)


def test_a_sentence_comes_back_of_fused_attention_which_stays_switched_on() -> None:
    model = fused()
    before = torch._C._get_flash_sdp_enabled()
    found = matched(message_of(model), knowledge_of(model))
    assert torch._C._get_flash_sdp_enabled() == before
    assert found.items is not None
    # the model looks back only: the loss at the second token says nothing of later ones
    assert found.items[0, :2].tolist() == TOKENS[0, :2].tolist()
    assert found.outcome == "recovered"


def test_a_model_of_the_library_is_audited_as_it_is() -> None:
    model = fused()
    rng = np.random.default_rng(0)
    tokens = rng.integers(WORDS, size=(3, 4))
    settings: dict[str, Any] = {"loss": "language_model", "records": 3, "controls": False}
    moved = audit(model, tokens, tokens, attacks=[TextMatching(restarts=1, iterations=1)], **settings)
    assert all(one.evaluations > 10 for one in moved.outcomes)  # it did not break off
    report = audit(model, tokens, tokens, attacks=["span_test"], **settings)
    assert [one.error for one in report.outcomes] == [0.0] * 3
    assert report.setting["model"] == "GPT2LMHeadModel"
    assert report.setting["classes"] == WORDS
    assert hasattr(model(torch.as_tensor(tokens)), "logits")  # the user's own is left alone
    plain = logits_alone(model, tokens)
    assert isinstance(plain(torch.as_tensor(tokens)), torch.Tensor)
    assert list(dict(plain.named_parameters())) == list(dict(model.named_parameters()))


def test_the_class_of_a_sentence_is_a_distribution_that_is_moved_too() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=16, heads=2, blocks=1, classes=3, positions=8)
    message = full(model, TOKENS, np.array([2]))
    candidates = Candidates(Knowledge(model, (4,), 3), message, "model.transformer.wte")
    parts = candidates.drawn(np.random.default_rng(0))
    assert candidates.inputs(parts)[1].detach().sum().item() == pytest.approx(1.0)
    parts[1].data[:] = torch.tensor([[0.0, 1.0, 5.0]])
    assert candidates.labels(parts).tolist() == [2]
    found = matched(message, Knowledge(model, (4,), 3), iterations=1)
    assert found.evaluations > 10
    assert found.items is not None
    assert found.items.shape == (1, 4)


def test_sentences_are_shown_at_every_tenth_iteration_as_they_are_reported() -> None:
    model = encoder()
    heard: list[str] = []
    foreign = message_of(model)
    torch.manual_seed(1)
    other = tiny_encoder(WORDS, width=16, heads=2, blocks=1, positions=8)
    with reporting(lambda what, done, of: heard.append(what)):
        found = matched(foreign, knowledge_of(other), iterations=10)
    assert list(found.details["sentences"]) == ["0", "10"]
    assert [one.partition(":")[0] for one in heard] == [f"start 0, iteration {at}" for at in (0, 10)]
    assert heard[0].endswith(" ".join(map(str, found.details["sentences"]["0"][0])))
    assert [at for at, _ in found.trace] == list(range(1, 11))


def test_a_message_of_another_model_is_not_claimed() -> None:
    message = message_of(encoder())
    torch.manual_seed(1)
    other = tiny_encoder(WORDS, width=16, heads=2, blocks=1, positions=8)
    found = matched(message, knowledge_of(other), iterations=3)
    assert found.outcome == "failed"
    assert found.residual is not None
    assert found.residual > 0.1
    assert re.search(r"the optimiser ended at .* and its sentences leave .* of it", found.reason)


def test_restarts_are_chosen_by_the_residual() -> None:
    message = message_of(encoder())
    torch.manual_seed(1)
    other = tiny_encoder(WORDS, width=16, heads=2, blocks=1, positions=8)
    found = matched(message, knowledge_of(other), iterations=1, restarts=3)
    assert len(found.details["residuals"]) == 3
    assert found.residual == min(found.details["residuals"])


def test_tokens_asked_for_are_read_off_the_last_bias() -> None:
    model = encoder()
    asked = np.array([[9, 12, -100, 9]])
    message = full(model, TOKENS, asked, loss="language_model")
    candidates = Candidates(knowledge_of(model, None), message, TABLE)
    assert candidates.reduction == "sum"
    parts = candidates.drawn(np.random.default_rng(0))
    targets = candidates.inputs(parts)[1].detach()
    assert targets.shape == (1, 4, WORDS)
    shares = targets.sum((0, 1))
    assert torch.nonzero(shares).flatten().tolist() == [9, 12]
    # two thirds and one third of the loss, less what the model itself gives to these tokens
    assert shares[9] / shares[12] == pytest.approx(2.0, rel=0.05)
    parts[1].data[:] = torch.tensor([[9.0, 0, 0], [0, 0, 9], [0, 0, 0], [0, 9, 0]])
    assert candidates.labels(parts).tolist() == asked.tolist()


def test_targets_are_spread_where_there_is_no_bias_to_read() -> None:
    torch.manual_seed(0)
    model = tiny_decoder(WORDS, width=16, heads=2, blocks=1, positions=8)
    message = full(model, TOKENS, np.roll(TOKENS, -1), loss="language_model")
    candidates = Candidates(knowledge_of(model, None), message, "model.transformer.wte")
    parts = candidates.drawn(np.random.default_rng(0))
    assert candidates.inputs(parts)[1].detach().sum().item() == pytest.approx(1.0, rel=1e-5)
    assert candidates.labels(parts).shape == (1, 4)


def test_the_attack_ends_by_the_clock() -> None:
    model = encoder()
    found = matched(message_of(model), knowledge_of(model), seconds=1e-9, restarts=3)
    assert (found.outcome, found.is_cut) == ("failed", True)
    assert found.items is not None
    assert found.items.shape == (1, 4)


def test_what_is_no_text_and_what_is_zero_are_refused() -> None:
    network = nn.Sequential(nn.Linear(4, 3)).eval()
    message = full(network, np.ones((1, 4), np.float32), np.array([0]))
    assert matched(message, Knowledge(network, (4,), 3)).outcome == "refused"
    model = encoder()
    zeros = {name: np.zeros_like(one) for name, one in message_of(model).arrays.items()}
    found = matched(Disclosure("full", zeros, 1), knowledge_of(model))
    assert (found.outcome, found.reason) == ("refused", "the gradient is zero: it says nothing")


def test_a_table_that_was_told_nothing_says_so() -> None:
    with pytest.raises(RuntimeError, match=re.escape("no embeddings were given for tokens of shape (1, 2)")):
        Given()(torch.zeros(1, 2, dtype=torch.int64))


def test_pieces_are_joined_to_words() -> None:
    words = {1: "play", 2: "##ed", 3: "chess"}
    assert sentences(np.array([[1, 2, 3], [3, 9, -1]]), words) == ["played chess", "chess [9]"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("iterations", 0, "TextMatching's 'iterations' must be a whole number from 1 up; received 0"),
        ("restarts", 1.5, "TextMatching's 'restarts' must be a whole number from 1 up; received 1.5"),
        ("seconds", 0, "TextMatching's 'seconds' must be a number above 0; received 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(field: str, value: Any, expected: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(expected)):
        TextMatching(**{field: value})


class Flat(nn.Module):
    """Embeddings that no linear layer reads one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.first, self.head = nn.Embedding(WORDS, 8), nn.Linear(32, 16), nn.Linear(16, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(torch.tanh(self.first(self.table(tokens).flatten(1))))
        return found


def test_embeddings_that_nothing_reads_one_by_one_are_matched_themselves() -> None:
    torch.manual_seed(0)
    model = Flat().eval()
    message = full(model, TOKENS, np.array([2]))
    known = Knowledge(model, (4,), 3)
    found = matched(message, known, restarts=2)
    assert found.outcome == "recovered"
    assert found.items is not None
    assert found.items.tolist() == TOKENS.tolist()
    # the rows that were written to say which tokens there can be
    candidates = Candidates(known, message, "table")
    assert set(candidates.tokens(candidates.drawn(np.random.default_rng(1)))[0]) <= set(TOKENS[0])
    alone = {name: one for name, one in message.arrays.items() if name != "table.weight"}
    assert matched(Disclosure("full", alone, 1), known, restarts=2).items is not None


class Convolved(nn.Module):
    """A convolution over the places of a text, which reads its channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.first, self.head = nn.Embedding(WORDS, 8), nn.Conv1d(8, 24, 2), nn.Linear(24, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        rows = self.table(tokens).transpose(1, 2)
        found: torch.Tensor = self.head(torch.tanh(self.first(rows)).mean(2))
        return found


def test_embeddings_that_a_model_turns_round_break_no_search_off() -> None:
    torch.manual_seed(0)
    model = Convolved().eval()
    message = full(model, TOKENS, np.array([2]))
    found = matched(message, Knowledge(model, (4,), 3), restarts=2)
    assert found.outcome in ("recovered", "failed")
    assert found.residual is not None
    assert np.isfinite(found.residual)
    report = audit(
        model,
        np.repeat(TOKENS, 12, axis=0),
        np.arange(12) % 3,
        attacks="text_matching",
        records=2,
        controls=False,
    )
    assert not [one for one in report.outcomes if one.why == "broke off"]
