"""Ordinary models whose gradients torch does not differentiate twice, or map, unless it is told to."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Attack, Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.gradient_matching import GradientMatching
from nextlabel.leakage.attacks.inverting_gradients import InvertingGradients
from nextlabel.leakage.matching.at_once import ONE_BY_ONE, AtOnce
from nextlabel.leakage.matching.second_order import begin_as_given, differentiating_twice
from nextlabel.leakage.matching.together import descend
from nextlabel.leakage.messages import full, update

SEARCHES: tuple[Attack, ...] = (
    GradientMatching(restarts=2, evaluations=3),
    InvertingGradients(restarts=2, evaluations=3),
    InvertingGradients(restarts=2, evaluations=3, precision="float32"),
    GradientMatching(restarts=2, evaluations=3, precision="float32"),
)


class Recurrent(nn.Module):
    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer
        self.head = nn.LazyLinear(3)
        self(torch.zeros(1, 4, 2))

    def forward(self, items: Tensor) -> Tensor:
        said: Tensor = self.head(self.layer(items)[0].mean(1))
        return said


class Attentive(nn.Module):
    def __init__(self, *, is_frozen: bool = False) -> None:
        super().__init__()
        self.body = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(2, 1, 4, batch_first=True), 1, enable_nested_tensor=False
        ).requires_grad_(not is_frozen)
        self.head = nn.Linear(2, 3)

    def forward(self, items: Tensor) -> Tensor:
        said: Tensor = self.head(self.body(items).mean(1))
        return said


class Branching(nn.Module):
    """Asks for a value on its way, as no mapped function can."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, items: Tensor) -> Tensor:
        inner = torch.sigmoid(self.body(items.flatten(1)))
        if float(inner.detach().mean()) > 0.0:
            inner = 2.0 * inner
        said: Tensor = self.head(inner)
        return said


class Squash(torch.autograd.Function):
    """A sigmoid with a backward pass of its own, in the form that torch's transforms do not take."""

    @staticmethod
    def forward(ctx: Any, inner: Tensor) -> Tensor:
        ctx.save_for_backward(inner)
        return torch.sigmoid(inner)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (inner,) = ctx.saved_tensors
        said = torch.sigmoid(inner)
        return slope * said * (1.0 - said)


class Custom(nn.Module):
    def __init__(self, *, is_plain: bool = False) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(8, 6), nn.Linear(6, 3)
        self.squash = torch.sigmoid if is_plain else Squash.apply

    def forward(self, items: Tensor) -> Tensor:
        said: Tensor = self.head(self.squash(self.body(items.flatten(1))))
        return said


MODELS = {
    "encoder": Attentive,
    "encoder, frozen": lambda: Attentive(is_frozen=True),
    "GRU": lambda: Recurrent(nn.GRU(2, 4, batch_first=True)),
    "GRU, both ways": lambda: Recurrent(nn.GRU(2, 3, 2, batch_first=True, bidirectional=True)),
    "LSTM": lambda: Recurrent(nn.LSTM(2, 4, batch_first=True)),
    "LSTM, projected": lambda: Recurrent(nn.LSTM(2, 4, batch_first=True, proj_size=3)),
    "RNN": lambda: Recurrent(nn.RNN(2, 4, batch_first=True)),
    "branching": Branching,
    "custom": Custom,
}


def made(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = MODELS[name]()
    return model.eval()


@pytest.fixture(scope="module")
def items() -> Array:
    return np.random.default_rng(0).uniform(size=(30, 4, 2)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # torch's own, of the model as it is
@pytest.mark.parametrize("name", MODELS)
def test_a_search_of_an_ordinary_model_does_not_break_off(name: str, items: Array) -> None:
    labels = np.arange(30) % 3
    for search in SEARCHES:
        report = audit(made(name), items, labels, records=1, attacks=[search], controls=False)
        (ended,) = report.outcomes
        assert (ended.why, ended.evaluations) != ("broke off", 0)
        assert ended.evaluations == 6, ended.reason


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", [one for one in MODELS if one not in ("branching", "custom")])
def test_the_starts_of_what_can_be_mapped_go_on_together(name: str, items: Array) -> None:
    model = made(name)
    sent, told = full(model, items[:1], np.array([2])), Knowledge(model, (4, 2), 3)
    for search in SEARCHES:
        assert ONE_BY_ONE not in search.recover(sent, told, np.random.default_rng(0)).details


def test_starts_that_cannot_be_mapped_end_where_they_would_together(items: Array) -> None:
    """The same network with and without a branch that it always takes: the same search, to rounding."""

    class Straight(nn.Module):
        def __init__(self, model: Branching) -> None:
            super().__init__()
            self.body, self.head = model.body, model.head

        def forward(self, items: Tensor) -> Tensor:
            said: Tensor = self.head(2.0 * torch.sigmoid(self.body(items.flatten(1))))
            return said

    model = made("branching")
    assert isinstance(model, Branching)
    sent = full(model, items[:1], np.array([2]))
    for search in (
        GradientMatching(restarts=3, evaluations=40),
        InvertingGradients(restarts=3, evaluations=40),
    ):
        alone, together = (
            search.recover(sent, Knowledge(one, (4, 2), 3), np.random.default_rng(0))
            for one in (model, Straight(model).eval())
        )
        assert "vmap" in alone.details[ONE_BY_ONE]
        assert ONE_BY_ONE not in together.details
        assert alone.evaluations == together.evaluations
        assert alone.items is not None
        assert together.items is not None
        np.testing.assert_allclose(alone.items, together.items, atol=1e-4)


def test_an_operation_with_a_backward_pass_of_its_own_has_the_same_messages_and_searches(
    items: Array,
) -> None:
    """Of one gradient, and through several local steps, against torch's own sigmoid."""
    custom, plain = made("custom"), Custom(is_plain=True).eval()
    plain.load_state_dict(custom.state_dict())
    labels = np.array([2])
    for make in (full, partial(update, steps=3, rate=0.5)):
        sent, same = (make(one, items[:1], labels) for one in (custom, plain))
        for name, array in same.arrays.items():
            np.testing.assert_allclose(sent[name], array, atol=1e-7)
        told: dict[str, Any] = {"steps": 3, "rate": 0.5} if sent.kind == "update" else {}
        for search in SEARCHES[:2]:
            alone, together = (
                search.recover(same, Knowledge(one, (4, 2), 3, **told), np.random.default_rng(0))
                for one in (custom, plain)
            )
            assert "autograd.Function" in alone.details[ONE_BY_ONE]
            assert alone.items is not None
            assert together.items is not None
            np.testing.assert_allclose(alone.items, together.items, atol=1e-6)


def test_a_report_says_that_starts_went_one_after_another(items: Array) -> None:
    labels = np.arange(30) % 3
    for name, is_said in (("branching", True), ("GRU", False)):
        report = audit(made(name), items, labels, records=2, attacks=SEARCHES[:2], controls=False)
        said = "so that the starts of gradient matching and inverting gradients went one after another"
        assert any(said in one for one in report.remarks) == is_said


def test_an_objective_that_breaks_off_at_a_single_point_says_its_own_error() -> None:
    def broken(point: Tensor) -> Tensor:
        message = f"no value at {point.ndim} axis"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="no value at 1 axis"):
        descend(broken, torch.zeros(2, 3), evaluations=2)


def test_what_could_not_be_mapped_once_is_not_mapped_again() -> None:
    asked: list[int] = []

    def together(points: Tensor) -> tuple[Tensor, Tensor]:
        asked.append(len(points))
        raise ValueError

    at_once = AtOnce(together, lambda point: (2.0 * point, (point**2).sum()))
    for _ in range(3):
        gradients, values = at_once(torch.tensor([[1.0], [3.0]]))
    assert (gradients.tolist(), values.tolist(), asked) == ([[2.0], [6.0]], [1.0, 9.0], [2])
    assert at_once.refusal.startswith("ValueError")


def test_the_switches_of_torch_are_put_back() -> None:
    def switches() -> tuple[bool, ...]:
        backends: Any = torch.backends
        cuda = backends.cuda
        return (
            cuda.flash_sdp_enabled(),
            cuda.mem_efficient_sdp_enabled(),
            cuda.math_sdp_enabled(),
            backends.mha.get_fastpath_enabled(),
            backends.mkldnn.enabled,
            backends.cudnn.enabled,
        )

    before = switches()
    with differentiating_twice(nn.LSTM(2, 3)):
        assert switches() == (False, False, True, False, False, False)
    assert switches() == before


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("shape", [(4, 2), (3, 4, 2)], ids=["one item", "several items"])
def test_a_recurrent_layer_says_the_same_from_zeros_of_its_input(
    kind: type[nn.RNNBase], shape: tuple[int, ...]
) -> None:
    torch_state = torch.random.get_rng_state()
    layer = kind(2, 3, 2, bidirectional=True)  # type: ignore[arg-type]
    torch.random.set_rng_state(torch_state)
    item = torch.linspace(0.0, 1.0, int(np.prod(shape))).reshape(shape)
    packed = nn.utils.rnn.pack_sequence([item.reshape(-1, 2)])
    with torch.no_grad():
        before, of_lengths = layer(item)[0], layer(packed)[0].data
        begin_as_given(layer)
        assert torch.equal(layer(item)[0], before)
        assert torch.equal(layer(packed)[0].data, of_lengths)
