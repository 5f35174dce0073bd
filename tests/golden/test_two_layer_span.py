"""The span of the items of a two-layer network's gradient: which rank its singular values show."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nextlabel.core.attack import Knowledge
from nextlabel.leakage.messages import full
from nextlabel.leakage.two_layer.network import TwoLayer, TwoLayerMessage, read_message
from nextlabel.leakage.two_layer.span import Span, span_of

Floats = NDArray[np.float64]


def with_values(values: Floats, *, units: int = 16, precision: float = 1e-7) -> TwoLayerMessage:
    """A message of 16 values whose hidden gradient has these singular values."""
    torch.manual_seed(0)
    model = TwoLayer(16, units, activation="tanh", has_bias=False).double()
    rng = np.random.default_rng(0)
    sent = full(model, rng.normal(size=(3, 16)), rng.normal(size=(3, 1)), loss="squared_error")
    message = read_message(sent, Knowledge(model, (16,), 1, loss="squared_error"))
    assert isinstance(message, TwoLayerMessage)
    left = np.linalg.qr(rng.normal(size=(units, 16)))[0]
    right = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    return replace(message, hidden_gradient=(left * values) @ right.T, precision=precision)


def rank_of_span(message: TwoLayerMessage) -> int:
    """The rank; 0 where it is refused as exhausted."""
    found = span_of(message)
    if isinstance(found, Span):
        return found.rank
    assert found.startswith("rank exhausted: the hidden gradient of ")
    return 0


@pytest.mark.parametrize(("last", "rank"), [(0.006 / 25.0, 0), (1e-6, 15), (1e-9, 15)])
def test_a_last_value_that_may_be_the_weakest_item_is_not_taken_for_rounding(last: float, rank: int) -> None:
    # a fall by 25 before the last value is chance; one by 6,000 is not, nor one to below the precision
    assert rank_of_span(with_values(np.append(0.7 ** np.arange(15.0), last))) == rank


def test_a_fall_to_rounding_counts_though_chance_makes_wider_ones() -> None:
    # by 60 in either case: to 1e-4, which is the precision, and to what stands ten times above it
    values = np.append(0.7 ** np.arange(15.0), 1e-4)
    assert rank_of_span(with_values(values, precision=1e-4)) == 15
    assert rank_of_span(with_values(values, precision=1e-5)) == 0


def test_the_end_of_a_level_spectrum_is_not_taken_for_noise() -> None:
    # as of a square matrix of full rank: no lower edge tells its smaller half from noise
    level = np.linspace(1.0, 0.05, 12)
    assert rank_of_span(with_values(np.append([6.0, 4.0, 3.0, 1.8], level))) == 0


def test_noise_that_the_items_stand_clear_of_is_noise() -> None:
    # 16 × 16 numbers have singular values that fall evenly to nearly nothing; those of items are far above
    level = np.linspace(1.0, 0.05, 12)
    assert rank_of_span(with_values(np.append([5.0, 4.0, 3.5, 3.0], 1e-2 * level))) == 4
    assert rank_of_span(with_values(np.append([5.0, 4.0, 3.5, 3.0], 1.4 * level))) == 4


def test_where_units_are_many_the_lower_edge_tells_noise() -> None:
    # of 64 × 16 numbers they lie between √64 - √16 and √64 + √16: nothing else is needed
    rng = np.random.default_rng(0)
    noise = np.linalg.svd(rng.normal(size=(60, 12)), compute_uv=False) / np.sqrt(60.0)
    assert rank_of_span(with_values(np.append([5.0, 4.0, 3.5, 2.8], noise), units=64)) == 4
