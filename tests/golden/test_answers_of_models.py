"""What a model says of items, and the network of the controls."""

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.leakage.answers import answers, known_leak


def test_outputs_and_inputs_of_the_last_layer_are_those_of_the_model() -> None:
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).eval()
    items = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)  # more than one chunk
    outputs, features = answers(network, items)
    with torch.no_grad():
        expected = network[:2](torch.from_numpy(items))
    assert features is not None
    np.testing.assert_allclose(features, expected.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs, network[2](expected).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_model_is_asked_in_evaluation_mode_and_left_as_it_was() -> None:
    network = nn.Sequential(nn.Dropout(0.9), nn.Linear(3, 2)).train()
    items = np.ones((4, 3), np.float32)
    outputs, _ = answers(network, items)
    assert network.training
    assert (outputs == outputs[0]).all()  # with dropout on, rows would differ


def test_a_model_that_goes_on_after_its_last_layer_has_no_features() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()).eval()
    assert answers(network, np.ones((2, 3), np.float32))[1] is None
    text = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5)).eval()
    outputs, features = answers(text, np.array([[1, 2], [3, 4]]))
    assert outputs.shape == (2, 2, 5)
    assert features is None


def test_the_known_network_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    network = known_leak((4, 2), 3, hidden=6, seed=1)
    assert torch.equal(torch.rand(1), expected)
    assert [tuple(one.shape) for one in network.parameters()] == [(6, 8), (6,), (3, 6), (3,)]
    assert not network.training


@pytest.mark.parametrize("seed", [0, 5])
def test_equal_seeds_give_equal_networks(seed: int) -> None:
    first, second, other = (known_leak((4,), 3, seed=one) for one in (seed, seed, seed + 1))
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))
