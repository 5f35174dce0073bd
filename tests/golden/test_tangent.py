"""Kernel features of a proxy head: the kernel by autograd, a projection right in the mean, the training."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.randomness import seeded
from nextlabel.learners.tangent import HIDDEN, ProxyHead, Tangent


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rows(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.as_tensor(rng(seed).standard_normal((n, d)), dtype=torch.float32)


def kernel(weights: list[Tensor], embedding: Tensor) -> NDArray[Any]:
    """Inner products of the gradients of the sum of the outputs, by automatic differentiation."""
    leaves = [one.double().requires_grad_() for one in weights]
    gradients = []
    for row in embedding.double():
        hidden = nn.functional.silu(nn.functional.linear(row, *leaves[:2]))
        hidden = nn.functional.silu(nn.functional.linear(hidden, *leaves[2:4]))
        total = nn.functional.linear(hidden, *leaves[4:]).sum()
        gradients.append(torch.cat([one.flatten() for one in torch.autograd.grad(total, leaves)]))
    stack = torch.stack(gradients).numpy()
    return np.asarray(stack @ stack.T)


def test_over_all_signs_there_are_the_projection_is_the_kernel_itself() -> None:
    """One feature for every way to draw the signs: their mean is the expectation over a drawn feature."""
    sizes = [(2, 1), (2, 2), (1, 2)]
    weights = [part for out, into in sizes for part in (rows(out, into, seed=out + into), rows(out, 1)[:, 0])]
    units = [one for out, into in sizes for one in (out, into + 1)]
    every = torch.tensor(list(product([-1, 1], repeat=sum(units))), dtype=torch.int8).T
    signs = list(torch.split(every, units))
    embedding = rows(5, 1, seed=3)
    found = Tangent(weights, signs, 1.0).features(embedding).astype(np.float64)
    np.testing.assert_allclose(found @ found.T, kernel(weights, embedding), rtol=1e-4, atol=1e-5)


def test_signs_shared_by_two_layers_would_not_be_right_in_the_mean() -> None:
    """The broken twin of the test above: between layers with the same signs products do not vanish."""
    weights = [part for _ in range(3) for part in (rows(1, 1, seed=4), rows(1, 1, seed=5)[:, 0])]
    every = torch.tensor(list(product([-1, 1], repeat=3)), dtype=torch.int8).T
    shared = [every[:1], every[1:]] * 3
    embedding = rows(4, 1, seed=3)
    found = Tangent(weights, shared, 1.0).features(embedding).astype(np.float64)
    assert not np.allclose(found @ found.T, kernel(weights, embedding), rtol=1e-2)


def test_lengths_are_those_of_the_kernel_and_one_on_average() -> None:
    embedding = rows(12, 6)
    head = ProxyHead(features=16).fitted(embedding, rows(12, 3, seed=1), rng())
    exact = kernel(head.weights, embedding) * head.scale**2
    np.testing.assert_allclose(head.squared_lengths(embedding).numpy(), np.diag(exact), rtol=1e-5)
    assert float(head.squared_lengths(embedding).mean()) == pytest.approx(1.0)
    assert [tuple(one.shape) for one in head.signs] == [(k, 16) for k in (512, 7, 100, 513, 3, 101)]
    assert all(set(one.flatten().tolist()) == {-1, 1} for one in head.signs)


def test_the_head_is_trained_as_adam_trains_it() -> None:
    embedding, outputs = rows(9, 4), rows(9, 3, seed=1)
    found = ProxyHead(features=8).fitted(embedding, outputs, rng(5))
    with seeded(rng(5).spawn(2)[0], torch.device("cpu")):
        layers = [nn.Linear(4, 512), nn.Linear(512, 100), nn.Linear(100, 3)]
    head = nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])
    optimiser = torch.optim.Adam(head.parameters(), lr=0.02)
    losses = []
    for _ in range(10):
        loss = ((head(embedding) - outputs) ** 2).mean()
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for expected, weights in zip(head.parameters(), found.weights, strict=True):
        torch.testing.assert_close(weights, expected.detach())
    assert losses[-1] < losses[0]
    assert HIDDEN == (512, 100)


def test_without_epochs_the_initial_weights_stay_and_generators_decide_all() -> None:
    embedding, outputs = rows(5, 4), rows(5, 2)
    first, again, other = (
        ProxyHead(features=6, epochs=0).fitted(embedding, outputs, rng(s)) for s in (1, 1, 2)
    )
    assert (first.features(embedding) == again.features(embedding)).all()
    assert not np.allclose(first.features(embedding), other.features(embedding))
    with seeded(rng(1).spawn(2)[0], torch.device("cpu")):
        assert torch.equal(first.weights[0], nn.Linear(4, 512).weight)


def test_its_state_makes_it_again() -> None:
    head = ProxyHead(features=7).fitted(rows(4, 3), rows(4, 2), rng())
    assert (Tangent.of_state(head.state()).features(rows(6, 3)) == head.features(rows(6, 3))).all()


def test_a_head_without_any_gradient_is_not_scaled() -> None:
    zeros = [
        torch.zeros(2, 1),
        torch.zeros(2),
        torch.zeros(2, 2),
        torch.zeros(2),
        torch.zeros(1, 2),
        torch.zeros(1),
    ]
    head = Tangent(zeros, [torch.ones(k, 4, dtype=torch.int8) for k in (2, 2, 2, 3, 1, 3)], 1.0)
    assert (head.squared_lengths(rows(2, 1)) == 1.0).all()  # the last bias always has a gradient


def test_a_loss_that_is_not_finite_is_refused() -> None:
    with pytest.raises(
        LearnerError, match=r"must stay finite; it is (inf|nan) in epoch 1 with a learning rate of 0.02"
    ):
        ProxyHead().fitted(rows(3, 2) * 1e30, rows(3, 2), rng())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"features": 0}, "ProxyHead's 'features' must be a whole number from 1 up; received 0"),
        ({"epochs": -1}, "ProxyHead's 'epochs' must be a whole number from 0 up; received -1"),
        ({"learning_rate": 0}, "ProxyHead's 'learning_rate' must be a finite number above 0; received 0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ProxyHead(**wrong)
