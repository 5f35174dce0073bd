"""No attack breaks off for the precision of a model, be it a half, of which NumPy knows one, or a double."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array
from nextlabel.core.registry import build, names, resolve
from nextlabel.datasets.digits import digits
from nextlabel.leakage.attempts import attempt
from nextlabel.learners.networks import mlp
from nextlabel.testing.attack_examples import small_network

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float64": torch.float64}
RNG = np.random.default_rng(0)
ITEMS = RNG.normal(size=(2, 5)).astype(np.float32)
ITEMS /= np.linalg.norm(ITEMS, axis=1, keepdims=True)
TEXTS = RNG.integers(1, 20, size=(2, 4))
STEPS: dict[str, Any] = {"steps": 1, "rate": 0.1}


def writer() -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        size: dict[str, Any] = {"vocab_size": 20, "n_positions": 4, "n_embd": 16, "n_layer": 2, "n_head": 2}
        more: dict[str, Any] = {"bos_token_id": None, "eos_token_id": None, "tie_word_embeddings": False}
        model: nn.Module = GPT2LMHeadModel(GPT2Config(**size, **more))
    return model.eval()


def cases(width: int) -> list[tuple[Any, Array, Array, int, str]]:
    """Models of each kind that an attack reads, one of so many units; items, labels, outputs and loss."""
    following = np.roll(TEXTS, -1, axis=1)
    squashed = small_network(5, 30, 3, activation=nn.Sigmoid)
    wide = small_network(5, width, 1, activation=nn.Tanh)
    with torch.no_grad():
        wide.get_submodule("0").get_parameter("bias").zero_()
    return [
        (small_network(5, 30, 3), ITEMS, np.array([2, 0]), 3, "cross_entropy"),
        (squashed, ITEMS, np.array([2, 0]), 3, "cross_entropy"),
        (wide, ITEMS, np.array([[3.0], [-4.0]]), 1, "squared_error"),
        (writer(), TEXTS, following, 20, "language_model"),
    ]


def attacked(name: str, kind: str, dtype: torch.dtype) -> list[Recovery]:
    own = build("attack", name)
    short = {"seconds": 1.0, "evaluations": 5, "iterations": 1, "restarts": 1}
    settings = {field: one for field, one in short.items() if hasattr(own, field)}
    attack = build("attack", {"name": name, **settings})
    found = []
    for model, items, labels, classes, loss in cases(20_000 if name == "tensor_decomposition" else 40):
        if kind in ("embedding", "last_layer") and loss != "cross_entropy":
            continue
        model.to(dtype)
        more = STEPS if kind == "update" else {}
        for size in (1,) if own.cost == "optimisation" else (1, 2):
            sent = resolve("message", kind)(model, items[:size], labels[:size], loss=loss, **more)
            known = Knowledge(model, items.shape[1:], classes, loss=loss, batch=size, **more)
            before = [one.dtype for one in model.parameters()]
            found.append(attempt(name, attack, sent, known, message=0, seed=0)[0])
            assert [one.dtype for one in model.parameters()] == before
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", names("attack"))
def test_no_attack_breaks_off_for_the_precision_of_a_model(name: str, dtype: str) -> None:
    kinds = build("attack", name).reads & {"full", "update", "last_layer", "embedding"}
    found = [one for kind in sorted(kinds) for one in attacked(name, kind, DTYPES[dtype])]
    assert found
    assert [one.reason for one in found if "broke off" in one.reason] == []
    assert {one.outcome for one in found} != {"refused"}


def test_the_rank_of_a_batch_allows_for_the_digits_of_a_half() -> None:
    """Four items make no more than four directions; what more single precision sees is rounding."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = mlp((8, 8), 10, hidden=(256,)).bfloat16().eval()
    data = digits()
    for rows in np.arange(48).reshape(12, 4):
        items = np.asarray(data.pool.take(rows), np.float32)
        sent = resolve("message", "full")(model, items, data.labels[rows])
        known = Knowledge(model, (8, 8), 10, batch=4)
        found = build("attack", "fully_connected").recover(sent, known, np.random.default_rng(0))
        assert "has rank 4 for 4 items" in found.reason


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_numbers_of_a_half_give_an_item_as_single_ones_do(dtype: str) -> None:
    model = small_network(12, 60, 3).to(DTYPES[dtype])
    item = np.random.default_rng(1).normal(size=(1, 12)).astype(np.float32)
    sent = resolve("message", "full")(model, item, np.array([1]))
    found = build("attack", "fully_connected").recover(
        sent, Knowledge(model, (12,), 3, batch=1), np.random.default_rng(0)
    )
    assert found.outcome == "recovered"
    assert np.linalg.norm(found.items - item) < torch.finfo(DTYPES[dtype]).eps * np.linalg.norm(item)
