"""Mixed precision and compiled networks: what is refused where, and what stays as it is."""

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.rng import generator
from nextlabel.datasets.digits import digits as digits_set
from nextlabel.errors import ParameterError
from nextlabel.learners.objective import Mixed, OfLoss
from nextlabel.learners.precision import check_speed_ups, compiled, in_precision
from nextlabel.learners.torch import TorchLearner

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)


def test_only_a_gpu_compiles() -> None:
    check_speed_ups("mixed", True, GPU)
    check_speed_ups("mixed", False, CPU)
    with pytest.raises(ParameterError, match="compile of TorchLearner needs a GPU; the device is 'cpu'"):
        check_speed_ups("mixed", True, CPU)


def test_a_precision_that_has_no_name_is_refused_everywhere() -> None:
    with pytest.raises(ParameterError, match=r"'precision' must be .*'float32'.*; received 'half'"):
        check_speed_ups("half", False, GPU)


def test_in_full_precision_the_objective_is_what_it_was() -> None:
    objective = OfLoss()
    assert in_precision(objective, "float32", CPU) is objective
    assert in_precision(objective, "mixed", GPU) == Mixed(objective, "cuda")


def test_a_compiled_network_shares_its_weights() -> None:
    network = nn.Linear(2, 3)
    assert compiled(network, False) is network
    faster = compiled(network, True)  # nothing is compiled before the first call
    assert faster is not network
    assert [id(one) for one in faster.parameters()] == [id(one) for one in network.parameters()]


def test_a_network_learns_digits_in_mixed_precision_on_a_cpu() -> None:
    """As well as in full precision, with other weights, and with the same ones each time."""
    digits = digits_set()
    where = np.arange(300)
    models = [
        TorchLearner("mlp", train={"name": "adam", "epochs": 30}, device="cpu", precision=precision).fit(
            digits.pool, where, digits.labels[where], np.arange(300, 310), generator(0), task=digits.task
        )
        for precision in ("mixed", "mixed", "float32")
    ]
    weights = [model.network.state_dict() for model in models]
    assert all(one.dtype == torch.float32 for one in weights[0].values())
    for name, one in weights[0].items():
        assert torch.equal(one, weights[1][name])
    assert any(not torch.equal(one, weights[2][name]) for name, one in weights[0].items())
    asked = np.arange(400, 1400)
    said = [model.signals(digits.pool, asked, {"logits"}, generator(1))["logits"] for model in models]
    right = [np.mean(logits.argmax(1) == digits.labels[asked]) for logits in said]
    assert min(right) > 0.7  # one in ten by chance
    assert abs(right[0] - right[2]) < 0.02
