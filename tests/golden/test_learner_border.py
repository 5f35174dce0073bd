"""What adapters share: sums over draws against their plain forms, walks in chunks, names, positions."""

from typing import Any

import numpy as np
import pytest
import torch

from nextlabel import arrays
from nextlabel.core.task import classes
from nextlabel.errors import LabelError, MissingSignal, PoolError
from nextlabel.learners.border import checked_labels, checked_positions, gathered, sources
from nextlabel.learners.draws import DRAWN, DrawSums
from nextlabel.learners.randomness import seeded
from nextlabel.maths.information import entropy, expected_entropy
from nextlabel.maths.predictions import mean_proba, spread, votes
from nextlabel.strategies.bald import bald

POOL = arrays(np.arange(10.0).reshape(5, 2))


def test_sums_are_those_of_the_plain_forms() -> None:
    draws = np.random.default_rng(0).dirichlet(np.ones(4), (9, 7)).astype(np.float32)
    sums = DrawSums(DRAWN)
    for draw in range(7):
        sums.add(draws[:, draw])
    found = sums.arrays()
    np.testing.assert_array_equal(found["draws"], draws)
    np.testing.assert_array_equal(found["votes"], votes(draws))
    np.testing.assert_allclose(found["mean_proba"], mean_proba(draws), atol=1e-7)
    np.testing.assert_allclose(found["expected_entropy"], expected_entropy(draws), atol=1e-12)
    np.testing.assert_allclose(found["spread"], spread(draws), atol=1e-7)


def test_equal_draws_do_not_disagree_at_all() -> None:
    proba = np.random.default_rng(0).dirichlet(np.ones(5), 50).astype(np.float32)
    sums = DrawSums(DRAWN)
    for _ in range(7):
        sums.add(proba)
    found = sums.arrays()
    np.testing.assert_array_equal(found["mean_proba"], proba)
    np.testing.assert_array_equal(found["expected_entropy"], entropy(proba))
    np.testing.assert_array_equal(found["spread"], 0.0)


def test_only_what_is_wanted_is_kept() -> None:
    sums = DrawSums({"votes", "logits"})
    sums.add(np.array([[0.2, 0.8]]))
    assert {name: array.tolist() for name, array in sums.arrays().items()} == {"votes": [[0.0, 1.0]]}


@pytest.mark.parametrize("chunk", [1, 2, 5, 100])
def test_a_walk_in_chunks_keeps_the_order(chunk: int) -> None:
    sizes: list[int] = []

    def doubled(items: Any) -> dict[str, Any]:
        sizes.append(len(items))
        return {"embedding": items * 2.0}

    found = gathered(POOL, np.array([4, 0, 0, 2, 1]), chunk, doubled)
    np.testing.assert_array_equal(found["embedding"][:, 0], [16.0, 0.0, 0.0, 8.0, 4.0])
    assert max(sizes) <= chunk


def test_no_positions_give_no_rows() -> None:
    found = gathered(POOL, np.empty(0, np.int64), 3, lambda items: {"embedding": items})
    assert found["embedding"].shape == (0, 2)


def test_sources_follow_the_table_of_derivations() -> None:
    assert sources({"proba"}, {"logits", "mean_proba"}, "m") == {"logits"}
    assert sources({"proba"}, {"mean_proba"}, "m") == {"mean_proba"}
    assert sources({"residual"}, {"draws"}, "m") == {"draws"}
    assert sources({"proba", "mean_proba"}, {"logits", "mean_proba"}, "m") == {"logits", "mean_proba"}
    assert sources(set(), {"logits"}, "m") == set()


def test_a_signal_that_cannot_be_given_is_refused_by_name() -> None:
    message = "My model was asked for 'draws', 'loss', which it cannot give; it computes or derives embedding"
    with pytest.raises(MissingSignal, match=message):
        sources({"draws", "loss", "embedding"}, {"embedding"}, "My model")
    with pytest.raises(MissingSignal, match="derives nothing"):
        sources({"proba"}, set(), "My model")


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([5], r"from 0 to 4, .* shape \(1,\) of type int64 with values from 5 to 5"),
        ([-1, 2], "with values from -1 to 2"),
        ([0.5], "of type float64 with values from 0.5 to 0.5"),
        ([[1]], r"shape \(1, 1\)"),
        (["1"], "of type <U1. Count"),
    ],
)
def test_positions_outside_the_pool_are_refused(positions: Any, message: str) -> None:
    with pytest.raises(PoolError, match=message):
        checked_positions(POOL, positions)


def test_positions_come_back_as_int64() -> None:
    assert checked_positions(POOL, np.array([3], np.uint8)).dtype == np.int64
    assert checked_positions(POOL, []).dtype == np.int64


def test_labels_must_match_the_positions() -> None:
    with pytest.raises(
        LabelError, match="one label for each labelled item; received 2 positions and 1 labels"
    ):
        checked_labels(POOL, [0, 1], [0], classes("a", "b"))
    with pytest.raises(LabelError, match="from 0 to 1; received values from 0 to 2"):
        checked_labels(POOL, [0, 1], [0, 2], classes("a", "b"))


def test_the_global_state_returns_after_an_error() -> None:
    def fails() -> None:
        with seeded(np.random.default_rng(0), torch.device("cpu")):
            torch.rand(3)
            raise RuntimeError("stop")

    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="stop"):
        fails()
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_in_float64_that_agree_say_nothing_of_one_another() -> None:
    """The mean is given in float32; entropies of the draws are taken of the same numbers."""
    proba = np.random.default_rng(0).dirichlet(np.ones(5), size=200)
    sums = DrawSums(DRAWN)
    for _ in range(3):
        sums.add(proba)
    made = sums.arrays()
    assert bald(made["mean_proba"], made["expected_entropy"]).max() == 0.0
    assert made["spread"].max() == 0.0
