"""Where a language model reads its tokens."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.leakage.messages import full
from nextlabel.leakage.text.language_models import Logits, loaded, tiny_decoder, tiny_encoder
from nextlabel.leakage.text.span_layers import gradient_of
from nextlabel.leakage.text.token_places import Place, inputs_at, reading, token_table
from nextlabel.maths.column_space import column_space

transformers = pytest.importorskip("transformers")


def rotating() -> Logits:
    """A small model that tells positions by rotation."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        attn_implementation="eager",
    )
    return Logits(transformers.LlamaForCausalLM(config)).eval()


@pytest.mark.parametrize(
    ("model", "is_causal", "has_positions"),
    [
        (tiny_decoder(50, width=32, classes=3), True, True),
        (tiny_decoder(50, width=32), True, True),
        (tiny_encoder(50, width=32), False, True),
        (rotating(), True, False),
    ],
    ids=["classifier", "decoder", "encoder", "rotating"],
)
def test_a_model_is_read_as_it_was_built(model: Logits, is_causal: bool, has_positions: bool) -> None:
    read = reading(model, 5, 50)
    assert (read.is_causal, read.has_positions) == (is_causal, has_positions)
    first, *later = read.places
    assert not first.is_mixed
    assert all(one.is_mixed for one in later)
    assert "attn" in first.module or "attention" in first.module


def test_layers_that_read_one_tensor_are_one_place() -> None:
    place = reading(tiny_encoder(50, width=32), 5, 50).places[0]
    assert [one.split(".")[-2] for one in place.weights] == ["query", "key", "value"]


def test_the_table_of_tokens_is_not_that_of_positions() -> None:
    assert token_table(tiny_decoder(20, width=16, positions=64), 4) == "model.transformer.wte"
    assert token_table(tiny_encoder(20, width=16), 4) == "model.bert.embeddings.word_embeddings"
    assert token_table(nn.Sequential(nn.Linear(2, 3)), 2) is None


def test_inputs_are_those_of_the_layer_and_the_pass_ends_there() -> None:
    seen: list[str] = []
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    model[3].register_forward_hook(lambda *_: seen.append("the end"))
    tokens = np.array([[1, 2], [3, 8]])
    whole, last = (inputs_at(model, ["1"], tokens, is_last=is_last)[0] for is_last in (False, True))
    table: Any = model[0].weight
    expected = table.detach().numpy()[tokens]
    assert np.array_equal(whole, expected.astype(np.float64))
    assert np.array_equal(last, expected[:, -1].astype(np.float64))
    assert not seen
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_queries_alone_do_not_show_the_first_token() -> None:
    # attention of the first token is to itself alone, whatever its query: a softmax over one key is constant
    torch.manual_seed(0)
    model = tiny_decoder(50, width=32, classes=3)
    tokens = np.array([[4, 9, 17, 30]])
    message = full(model, tokens, np.array([1]))
    place = reading(model, 4, 50).places[0]
    (inputs,) = inputs_at(model, [place.module], tokens, is_last=False)
    queries = message[place.weights[0]][:, :32].astype(np.float64)
    of_queries, of_all = column_space(queries), column_space(gradient_of(place, model, message))
    assert (of_queries.rank, of_all.rank) == (3, 4)
    assert of_queries.distances(inputs[0])[0] > 0.1
    assert of_all.distances(inputs[0]).max() < 1e-5


def test_columns_of_a_gradient_that_sum_to_zero_lose_one() -> None:
    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(6, 5)

    from nextlabel.core.disclosure import Disclosure

    gradient = np.random.default_rng(0).normal(size=(5, 6))
    place = Place("one", ("one.weight",), is_mixed=True)
    whole = gradient_of(place, Holder(), Disclosure("full", {"one.weight": gradient}, 1))
    balanced = gradient - gradient.mean(axis=0)
    less = gradient_of(place, Holder(), Disclosure("full", {"one.weight": balanced}, 1))
    assert whole.shape == (6, 5)
    assert less.shape == (6, 4)
    assert np.linalg.matrix_rank(less) == 4
    zero = gradient_of(place, Holder(), Disclosure("full", {"one.weight": np.zeros((5, 6))}, 1))
    assert zero.shape == (6, 0)


def test_a_saved_model_is_read_back(tmp_path: Any) -> None:
    torch.manual_seed(0)
    model = tiny_encoder(30, width=16, heads=2, padding=0)
    model.model.save_pretrained(tmp_path)  # type: ignore[operator]
    again = loaded(tmp_path)
    tokens = torch.tensor([[5, 6, 7, 0]])
    assert again.padding == 0
    assert torch.equal(again(tokens), model(tokens))
    assert not again.training


def test_a_folder_without_a_model_is_refused(tmp_path: Any) -> None:
    with pytest.raises(LearnerError, match=r"could not be read: .*save_pretrained"):
        loaded(tmp_path / "nothing")


def test_another_kind_of_model_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ParameterError, match="'kind' must be 'masked' or 'classifier'; received 'seq2seq'"):
        loaded(tmp_path, "seq2seq")
