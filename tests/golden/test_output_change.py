"""The expected change of a last layer's outputs: a real step, closed forms, both implementations."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths import output_change as module
from nextlabel.maths.output_change import last_layer_change
from nextlabel.maths.predictions import softmax

Floats = NDArray[np.float64]
_STEP = 1e-6


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool(seed: int, n: int = 9, c: int = 4, d: int = 3) -> tuple[Floats, Floats]:
    return rng(seed).dirichlet(np.full(c, 0.7), n), rng(seed + 1).standard_normal((n, d))


def stepped(
    weights: Floats, bias: Floats, z: Floats, item: int, label: int, learns_bias: bool
) -> tuple[Floats, Floats]:
    """Weights after one step of stochastic gradient descent on the cross-entropy of one labelled item."""
    residual = softmax(z @ weights.T + bias)[item] - np.eye(len(bias))[label]
    moved = bias - _STEP * residual if learns_bias else bias
    return weights - _STEP * np.outer(residual, z[item]), moved


@pytest.mark.parametrize("learns_bias", [False, True])
@pytest.mark.parametrize("of", ["logits", "probabilities"])
@pytest.mark.parametrize("labels", ["marginal", "map"])
def test_it_is_what_a_real_step_of_training_changes(of: Any, labels: Any, learns_bias: bool) -> None:
    """A step of 1e-6: the second order is about 1e-6 of the first, so five digits agree."""
    z, weights, bias = (
        rng(1).standard_normal((7, 3)),
        rng(2).standard_normal((4, 3)),
        rng(3).standard_normal(4),
    )
    proba = softmax(z @ weights.T + bias)
    found = last_layer_change(proba, z, proba, z, labels=labels, of=of, include_bias=learns_bias)

    def outputs(weights: Floats, bias: Floats) -> Floats:
        logits = z @ weights.T + bias
        return np.asarray(logits if of == "logits" else softmax(logits))

    before = outputs(weights, bias)
    for item in range(len(z)):
        change = [
            np.abs(outputs(*stepped(weights, bias, z, item, label, learns_bias)) - before).sum(axis=1).mean()
            for label in range(4)
        ]
        expected = proba[item] @ change if labels == "marginal" else change[int(proba[item].argmax())]
        assert found[item] == pytest.approx(expected / _STEP, rel=2e-5)


def written_out(p: Floats, z: Floats, q: Floats, others: Floats, labels: str, of: str, bias: float) -> Floats:
    """Jacobians and gradients as matrices, a label and a pair at a time."""
    result = np.zeros(len(p))
    for item in range(len(p)):
        weight = p[item] if labels == "marginal" else np.eye(p.shape[1])[p[item].argmax()]
        for label in range(p.shape[1]):
            gradient = np.outer(p[item] - np.eye(p.shape[1])[label], np.append(z[item], bias))
            for other, row in zip(q, others, strict=True):
                moved = gradient @ np.append(row, bias)
                if of == "probabilities":
                    moved = (np.diag(other) - np.outer(other, other)) @ moved
                result[item] += weight[label] * np.abs(moved).sum() / len(q)
    return result


@pytest.mark.parametrize("work", [0, 10**12], ids=["compiled", "plain"])
@pytest.mark.parametrize("classes", [1, 2, 5, 17])
def test_both_implementations_are_what_is_written(
    classes: int, work: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PLAIN_WORK", work)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 500)  # several blocks
    p, z = pool(classes, c=classes)
    q, others = pool(classes + 50, n=6, c=classes)
    p[0], p[1], q[2] = np.eye(classes)[0], 1.0 / classes, np.eye(classes)[-1]
    p[2], q[3] = p[3], p[3]
    for labels in ("marginal", "map"):
        for of in ("probabilities", "logits"):
            for bias in (False, True):
                given: Any = {"labels": labels, "of": of, "include_bias": bias}
                found = last_layer_change(p, z, q, others, **given)
                expected = written_out(p, z, q, others, labels, of, float(bias))
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
                assert found[0] == 0.0  # a certain item changes nothing


@pytest.mark.parametrize("work", [0, 10**12], ids=["compiled", "plain"])
@pytest.mark.parametrize("of", ["logits", "probabilities"])
def test_equal_items_score_equally_to_the_last_bit(
    of: Any, work: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PLAIN_WORK", work)
    p, z = pool(4, n=13, c=5, d=37)
    p[:], z[:] = p[0], z[0]
    q, others = pool(5, n=11, c=5, d=37)
    assert len(set(last_layer_change(p, z, q, others, of=of).tolist())) == 1


def test_of_logits_it_is_closeness_times_the_gini_impurity_or_the_doubt() -> None:
    p, z = pool(6)
    closeness = np.abs(z @ z.T).mean(axis=1)
    found = last_layer_change(p, z, p, z, of="logits")
    np.testing.assert_allclose(found, 2 * closeness * (1 - (p**2).sum(axis=1)), rtol=1e-12)
    found = last_layer_change(p, z, p, z, of="logits", labels="map")
    np.testing.assert_allclose(found, 2 * closeness * (1 - p.max(axis=1)), rtol=1e-12)


def test_with_a_bias_each_embedding_has_one_feature_more() -> None:
    p, z = pool(7)
    longer = np.hstack([z, np.ones((len(z), 1))])
    np.testing.assert_allclose(
        last_layer_change(p, z, p, z, include_bias=True), last_layer_change(p, longer, p, longer), rtol=1e-12
    )


def test_normalised_embeddings_lose_their_length_and_a_row_of_zeros_stays() -> None:
    p, z = pool(8)
    z[0] = 0.0
    lengths = np.array([[1.0], [3.0], [1e-200], [1e100], [1.0], [2.0], [5.0], [0.1], [7.0]])
    straight = last_layer_change(p, z, p, z, normalise=True)
    np.testing.assert_allclose(last_layer_change(p, z * lengths, p, z * lengths, normalise=True), straight)
    assert straight[0] == 0.0
    assert not np.allclose(last_layer_change(p, z, p, z), straight)


@pytest.mark.parametrize("tiny", [1e-6, 1e-12])
def test_small_doubts_are_not_lost(tiny: float) -> None:
    """q = (½, ½) makes diag q − q·qᵀ = ¼·((1, −1), (−1, 1)), so the change is ½·|r₁ − r₂|.

    Under p = (1 − ε, ε) the residuals are (−ε, ε) and (1 − ε, ε − 1): in the mean (1 − ε)·ε + ε·(1 − ε).
    """
    one = np.ones((1, 1))
    found = last_layer_change(np.array([[1 - tiny, tiny]]), one, np.array([[0.5, 0.5]]), one)
    assert found[0] == pytest.approx(2 * tiny * (1 - tiny), rel=1e-3)  # 1 − ε holds ε to 1e-4 of itself


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"labels": "all"}, ParameterError, "'labels' must be 'marginal' or 'map'; received 'all'"),
        ({"of": "votes"}, ParameterError, "'of' must be 'probabilities' or 'logits'; received 'votes'"),
        ({"normalise": 1}, ParameterError, "'normalise' must be True or False; received 1"),
        ({"include_bias": "no"}, ParameterError, "'include_bias' must be True or False; received 'no'"),
    ],
)
def test_unknown_choices_are_refused(wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    p, z = pool(0)
    with pytest.raises(error, match=message):
        last_layer_change(p, z, p, z, **wrong)


def test_arrays_that_do_not_fit_are_refused() -> None:
    p, z = pool(0)
    with pytest.raises(SignalError, match="'embedding' and 'proba' must agree on axis 'n'"):
        last_layer_change(p, z[:3], p, z)
    with pytest.raises(
        SignalError, match="'reference_embedding' and 'reference_proba' must agree on axis 'x'"
    ):
        last_layer_change(p, z, p, z[:3])
    with pytest.raises(SignalError, match="'reference_embedding' and 'embedding' must agree on axis 'd'"):
        last_layer_change(p, z, p, z[:, :2])
    with pytest.raises(SignalError, match="rows of 'embedding' must fit into float64"):
        last_layer_change(p, z * 1e200, p, z)


def test_rows_that_sum_to_one_but_for_rounding_are_made_to() -> None:
    (proba, z), (watched, others) = pool(3), pool(5)
    exact = last_layer_change(proba, z, watched, others)
    np.testing.assert_allclose(last_layer_change(proba, z, watched * 1.00005, others), exact, rtol=1e-12)
    np.testing.assert_allclose(last_layer_change(proba * 0.99995, z, watched, others), exact, rtol=1e-12)
