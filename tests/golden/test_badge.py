"""BADGE: the gradient of the last layer, its closed forms, and what happens at the edges."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError
from nextlabel.maths.predictions import softmax
from nextlabel.strategies.badge import BADGE, badge

Array = NDArray[Any]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def model(n: int, classes: int, features: int, seed: int = 0) -> tuple[Array, Array]:
    """Logits and embedding of a linear last layer, float64."""
    numbers = rng(seed)
    embedding = numbers.standard_normal((n, features))
    return embedding @ numbers.standard_normal((features, classes)), embedding


def gradients(signals: Signals) -> Array:
    products: Array = np.einsum("nc,nd->ncd", signals["residual"], signals["embedding"])
    return products


@pytest.mark.parametrize("bias", [False, True])
def test_the_two_factors_are_the_gradient_of_the_last_layer(bias: bool) -> None:
    # autograd of cross-entropy of the model's own label, with respect to weight and bias
    layer = torch.nn.Linear(5, 4, bias=bias, dtype=torch.float64)
    z = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    signals = Signals({"logits": layer(z).detach().numpy(), "embedding": z.numpy()})
    ours = gradients(signals)
    for i in range(7):
        logits = layer(z[i : i + 1])
        loss = torch.nn.functional.cross_entropy(logits, logits.argmax(1))
        of_weight, *of_bias = torch.autograd.grad(loss, list(layer.parameters()))
        np.testing.assert_allclose(ours[i], of_weight.numpy(), atol=1e-12)
        for gradient in of_bias:
            np.testing.assert_allclose(signals["residual"][i], gradient.numpy(), atol=1e-12)


def test_the_squared_length_has_a_closed_form() -> None:
    logits, embedding = model(50, 6, 8)
    signals = Signals({"logits": logits, "embedding": embedding})
    top = signals["proba"].max(axis=1)
    expected = (embedding**2).sum(1) * (1.0 - 2.0 * top + (signals["proba"] ** 2).sum(1))
    np.testing.assert_allclose((gradients(signals) ** 2).sum((1, 2)), expected, rtol=1e-9)


def test_the_models_own_label_gives_the_shortest_gradient() -> None:
    proba = rng().dirichlet(np.ones(5), size=200)
    own = (Signals({"proba": proba})["residual"] ** 2).sum(1)
    for label in range(5):
        other = ((proba - np.eye(5)[label]) ** 2).sum(1)
        assert (own <= other + 1e-12).all()


def test_with_two_classes_it_is_seeding_on_residual_scaled_embeddings() -> None:
    # g is √2·s·z with s = ±(1 − p_ŷ), signed by the predicted class: distances agree, so the law does
    logits, embedding = model(40, 2, 3)
    signals = Signals({"logits": logits, "embedding": embedding})
    proba = signals["proba"]
    signed = np.where(proba[:, 0] >= proba[:, 1], -1.0, 1.0) * (1.0 - proba.max(axis=1))
    scaled = np.sqrt(2.0) * signed[:, None] * embedding
    vectors = gradients(signals).reshape(40, -1)
    ours = ((vectors[:, None] - vectors[None]) ** 2).sum(2)
    theirs = ((scaled[:, None] - scaled[None]) ** 2).sum(2)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_with_two_classes_and_one_embedding_it_is_seeding_on_a_number() -> None:
    # every z the same: g lies on a line, and D² is that of √2·s·‖z‖
    proba = rng().dirichlet(np.ones(2), size=60)
    signals = Signals({"proba": proba, "embedding": np.tile([[3.0, 4.0]], (60, 1))})
    signed = np.where(proba[:, 0] >= proba[:, 1], -1.0, 1.0) * (1.0 - proba.max(axis=1))
    number = np.sqrt(2.0) * signed * 5.0
    picks = BADGE().pick(signals, 20, rng())
    assert picks.scores is not None
    assert picks.scores[0] == pytest.approx((number**2).max(), rel=1e-9)
    for k in range(1, 20):
        gap = ((number[picks.positions[:k]] - number[picks.positions[k]]) ** 2).min()
        assert picks.scores[k] == pytest.approx(gap, rel=1e-9, abs=1e-12)


def test_scores_are_the_squared_distances_of_gradients_written_out() -> None:
    logits, embedding = model(300, 4, 6)
    signals = Signals({"logits": logits, "embedding": embedding})
    picks = BADGE().pick(signals, 25, rng())
    vectors = gradients(signals).reshape(300, -1)
    assert picks.scores is not None
    assert picks.positions[0] == (vectors**2).sum(1).argmax()
    for k in range(1, 25):
        gap = ((vectors[picks.positions[:k]] - vectors[picks.positions[k]]) ** 2).sum(1).min()
        assert picks.scores[k] == pytest.approx(gap, rel=1e-9)


def test_a_constant_added_to_all_logits_changes_nothing() -> None:
    logits, embedding = model(300, 4, 6)
    plain = select("badge", logits=logits, embedding=embedding, batch=30, seed=0)
    shifted = select("badge", logits=logits + 2.0, embedding=embedding, batch=30, seed=0)
    assert plain.tolist() == shifted.tolist()


def test_an_overconfident_pool_in_single_precision_ends() -> None:
    # the softmax saturates at one: some residuals from probabilities are exactly zero
    logits, embedding = model(2_000, 10, 16)
    logits = (logits * 40.0).astype(np.float32)
    proba = softmax(logits)
    picks = select("badge", proba=proba, embedding=embedding.astype(np.float32), batch=1_999, seed=0)
    assert len(set(picks.tolist())) == 1_999
    # logits keep what probabilities lost
    lost = (Signals({"proba": proba})["residual"] == 0.0).all(axis=1)
    kept = (Signals({"logits": logits})["residual"] != 0.0).any(axis=1)
    assert lost.any()
    assert kept.all()


@pytest.mark.parametrize("batch", [1, 5, 8])
def test_a_pool_without_doubt_is_answered(batch: int) -> None:
    picks = select("badge", proba=np.eye(2)[[0, 1] * 4], embedding=np.ones((8, 3)), batch=batch, seed=0)
    assert len(set(picks.tolist())) == batch


def test_one_class_is_answered_though_nothing_is_uncertain() -> None:
    picks = select("badge", proba=np.ones((6, 1)), embedding=np.ones((6, 2)), batch=4, seed=0)
    assert len(set(picks.tolist())) == 4


def test_the_bias_counts_only_when_asked_for() -> None:
    residual = np.array([[0.5, -0.5], [0.4, -0.4]])
    embedding = np.array([[1.0], [2.0]])
    # without bias 0.5·1 < 0.64·... : lengths² are 0.5·1 = 0.5 and 0.32·4 = 1.28; with it 1.0 and 1.6
    assert badge(residual, embedding, 1, rng=rng()).tolist() == [1]
    with_bias = BADGE(include_bias=True).pick(
        Signals({"residual": residual, "embedding": embedding}), 1, rng()
    )
    assert with_bias.scores is not None
    assert with_bias.scores.tolist() == pytest.approx([1.6])


def test_an_unknown_first_pick_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'first' must be 'largest', 'uniform' or 'norm'; received 'x'"):
        BADGE(first="x")  # type: ignore[arg-type]


def test_too_large_a_batch_is_refused() -> None:
    with pytest.raises(BatchSizeError, match=r"between 1 and the 2 items at hand; received 3"):
        select("badge", proba=[[0.5, 0.5]] * 2, embedding=[[1.0], [2.0]], batch=3, seed=0)


@pytest.mark.parametrize("include_bias", ["no", None, 1])
def test_a_bias_that_is_neither_yes_nor_no_is_refused(include_bias: Any) -> None:
    says = f"BADGE's 'include_bias' must be True or False; received {include_bias!r}"
    with pytest.raises(ParameterError, match=says):
        BADGE(include_bias=include_bias)
