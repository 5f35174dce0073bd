"""The recursive peel on networks small enough for many, with the truth kept for the comparison only."""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.recursive_peel import RecursivePeel
from nextlabel.leakage.messages import full, update
from nextlabel.leakage.networks import deep_leakage

Items = NDArray[np.float32]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def drawn(network: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return network().eval()


def picture(*shape: int, seed: int = 0) -> Items:
    """A smooth picture of values between 0 and 1: waves over the last two axes."""
    rng = np.random.default_rng(seed)
    high, wide = np.mgrid[: shape[-2], : shape[-1]] / 8.0
    waves = [
        np.sin(rng.uniform(-3, 3) * high + rng.uniform(-3, 3) * wide + rng.uniform(0, 6))
        for _ in range(int(np.prod(shape[:-2])) or 1)
    ]
    return np.asarray(0.5 + 0.4 * np.reshape(waves, shape), np.float32)


def attacked(model: nn.Module, item: Items, label: int = 3, classes: int = 10, **known: Any) -> Recovery:
    message = full(model, item[None], np.array([label]))
    return recovered(model, message, item.shape, classes, **known)


def recovered(
    model: nn.Module, message: Disclosure, shape: tuple[int, ...], classes: int = 10, **known: Any
) -> Recovery:
    knowledge = Knowledge(model, shape, classes, **known)
    return RecursivePeel().recover(message, knowledge, np.random.default_rng(0))


def error(found: Recovery, item: Items) -> float:
    assert found.items is not None
    return float(((found.items[0] - item) ** 2).mean())


@pytest.mark.parametrize("spread", [0.5, None])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "leaky_relu"])
def test_a_picture_comes_back_through_three_convolutions(activation: str, spread: float | None) -> None:
    model = drawn(lambda: deep_leakage((3, 12, 12), 10, activation=activation, spread=spread))
    item = picture(3, 12, 12)
    found = attacked(model, item)
    assert found.outcome == "recovered"
    assert error(found, item) < 1e-9
    assert found.labels is not None
    assert found.labels.tolist() == [3]
    assert found.residual is not None
    assert found.residual <= found.details["allowed_residual"]


class Standardised(nn.Module):
    """Takes a number off each channel, and divides by another."""

    def forward(self, items: Tensor) -> Tensor:
        numbers = torch.tensor([[0.4, 0.5], [0.2, 0.3]]).to(items)[:, :, None, None]
        return (items.float() - numbers[0]) / numbers[1]


CHAINS: dict[str, tuple[tuple[int, ...], Callable[[], nn.Module]]] = {
    "dilated": (
        (2, 9, 9),
        lambda: nn.Sequential(
            nn.Conv2d(2, 8, 3, dilation=2, padding=2), nn.Tanh(), nn.Flatten(), nn.Linear(8 * 81, 10)
        ),
    ),
    "grouped": (
        (4, 7, 7),
        lambda: nn.Sequential(
            nn.Conv2d(4, 12, 3, groups=2, padding=1), nn.ELU(), nn.Flatten(), nn.Linear(12 * 49, 10)
        ),
    ),
    "unequal strides, padding that goes round": (
        (2, 8, 6),
        lambda: nn.Sequential(
            nn.Conv2d(2, 12, 3, stride=(2, 1), padding=1, padding_mode="circular"),
            nn.Softsign(),
            nn.Flatten(),
            nn.Linear(12 * 4 * 6, 10),
        ),
    ),
    "one axis, mirrored": (
        (3, 11),
        lambda: nn.Sequential(
            nn.Conv1d(3, 8, 3, padding=1, padding_mode="reflect"),
            nn.Sigmoid(),
            nn.Flatten(),
            nn.Linear(88, 10),
        ),
    ),
    "without a bias": (
        (2, 6, 6),
        lambda: nn.Sequential(
            nn.Conv2d(2, 8, 3, padding="same", bias=False), nn.Tanh(), nn.Flatten(), nn.Linear(288, 10)
        ),
    ),
    "normalised": (
        (2, 6, 6),
        lambda: nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Tanh(), nn.Flatten(), nn.Linear(288, 10)
        ),
    ),
    "pooled before the first convolution's outputs are many": (
        (1, 6, 6),
        lambda: nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.AvgPool2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(72, 10)
        ),
    ),
    "dense": (
        (5, 4),
        lambda: nn.Sequential(
            nn.Flatten(), nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 7), nn.Sigmoid(), nn.Linear(7, 10)
        ),
    ),
    "standardised by a module of one's own": (
        (2, 6, 6),
        lambda: nn.Sequential(
            Standardised(), nn.Conv2d(2, 8, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(288, 10)
        ),
    ),
    "one layer": ((5,), lambda: nn.Linear(5, 10)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_every_kind_of_layer_is_read_backwards(name: str) -> None:
    shape, made = CHAINS[name]
    model = drawn(made)
    item = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    found = attacked(model, item)
    assert (found.outcome, found.reason) == ("recovered", "")
    assert error(found, item) < 1e-8


class Cut(nn.Module):
    """Cuts values to a range, which no shift and no factor does."""

    def forward(self, items: Tensor) -> Tensor:
        return items.clamp(-0.5, 0.5)


class Chain(nn.Module):
    """Executes its layers in an order other than the one in which they were made."""

    def __init__(self, is_bent: bool = False) -> None:
        super().__init__()
        self.is_bent = is_bent
        self.end = nn.Linear(72, 10)
        self.unused = nn.Linear(3, 3)
        self.bend = nn.Tanh()
        self.begin = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, items: Tensor) -> Tensor:
        values = self.bend(self.begin(items))
        out: Tensor = self.end((values + items if self.is_bent else values).flatten(1))
        return out


def test_a_module_of_ones_own_is_followed_in_the_order_of_execution() -> None:
    item = picture(2, 6, 6)
    message = full(drawn(Chain), item[None], np.array([3]))
    found = recovered(drawn(Chain), message, (2, 6, 6))
    assert found.outcome == "recovered"
    assert error(found, item) < 1e-9


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "shortcut": (lambda: Chain(is_bent=True), "Chain does more between 'bend' and 'end'"),
    "maximum": (
        lambda: nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 10)),
        "MaxPool2d '0' can be read backwards neither",
    ),
    "no inverse": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 80), nn.GELU(), nn.Linear(80, 10)),
        "GELU '2' can be read backwards neither",
    ),
    "a clamp of one's own": (
        lambda: nn.Sequential(Cut(), nn.Flatten(), nn.Linear(72, 10)),
        "Cut '0' can be read backwards neither",
    ),
    "no last bias": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 10, bias=False)),
        "it is Linear '1', and shared are 1.weight",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_networks_that_are_no_such_chain_are_refused_by_name(name: str) -> None:
    made, reason = REFUSED[name]
    found = attacked(drawn(made), picture(2, 6, 6))
    assert found.outcome == "refused"
    assert reason in found.reason
    assert found.items is None


def test_layers_too_wide_to_solve_are_refused() -> None:
    model, item = drawn(CHAINS["dense"][1]), np.zeros((5, 4), np.float32)
    message = full(model, item[None], np.array([3]))
    knowledge = Knowledge(model, (5, 4), 10)
    found = RecursivePeel(unknowns=29).recover(message, knowledge, np.random.default_rng(0))
    assert found.outcome == "refused"
    assert "At most 29 values may enter a layer; 30 enter Tanh '2'" in found.reason
    with pytest.raises(ParameterError, match="'unknowns' must be a whole number from 1 up; received 0"):
        RecursivePeel(unknowns=0)


def test_several_items_and_other_messages_are_refused() -> None:
    model = drawn(CHAINS["one layer"][1])
    items = np.random.default_rng(0).random((2, 5), np.float32)
    both = full(model, items, np.array([3, 4]))
    assert "received one of 2" in recovered(model, both, (5,)).reason
    last = Disclosure("last_layer", both.arrays, 1)
    assert "kind 'last_layer'" in recovered(model, last, (5,)).reason
    words = recovered(model, Disclosure("full", both.arrays, 1), (5,), loss="language_model")
    assert "of a language model" in words.reason


def test_token_ids_are_refused_with_the_reason() -> None:
    model = drawn(lambda: nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 10)))
    message = full(model, np.array([[1, 4]]), np.array([3]))
    found = recovered(model, message, (2,))
    assert found.outcome == "refused"
    assert "the model takes token ids" in found.reason


def test_a_clock_that_ends_the_first_pass_leaves_no_item_and_says_so() -> None:
    model, item = drawn(CHAINS["dense"][1]), picture(5, 4)
    message = full(model, item[None], np.array([3]))
    knowledge, rng = Knowledge(model, (5, 4), 10), np.random.default_rng(0)
    found = RecursivePeel(seconds=1e-9).recover(message, knowledge, rng)
    assert (found.outcome, found.is_cut, found.items) == ("failed", True, None)
    assert "The clock ended it before the first layer was reached" in found.reason
    whole = RecursivePeel(seconds=600.0).recover(message, knowledge, rng)
    assert (whole.outcome, whole.is_cut) == ("recovered", False)
    assert RecursivePeel().is_timed
    with pytest.raises(ParameterError, match="'seconds' must be a number above 0; received 0"):
        RecursivePeel(seconds=0)


def noisy_message(model: nn.Module, item: Items) -> Disclosure:
    clean, rng = full(model, item[None], np.array([3])), np.random.default_rng(5)
    return Disclosure(
        "full", {name: one + 0.1 * rng.standard_normal(one.shape) for name, one in clean.arrays.items()}, 1
    )


def test_a_round_is_begun_only_where_as_much_time_is_left_as_the_last_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = drawn(lambda: deep_leakage((3, 8, 8), 10, activation="leaky_relu"))
    item = picture(3, 8, 8)
    message, knowledge = noisy_message(model, item), Knowledge(model, item.shape, 10)

    def ended(seconds: float = 1e9, rounds: int = 4) -> tuple[Recovery, int]:
        ticks = count()  # each look at the clock finds it a second later
        monkeypatch.setattr("time.monotonic", lambda: float(next(ticks)))
        attack = RecursivePeel(rounds=rounds, seconds=seconds)
        return attack.recover(message, knowledge, np.random.default_rng(0)), next(ticks)

    once, taken = ended(rounds=0)
    whole, _ = ended()
    cut, _ = ended(1.5 * taken)
    assert (once.is_cut, whole.is_cut, cut.is_cut) == (False, False, True)
    assert whole.evaluations > once.evaluations == cut.evaluations
    assert once.items is not None
    assert cut.items is not None
    assert (cut.items == once.items).all()
    later, at = ended(3.5 * taken)
    assert whole.evaluations > later.evaluations > once.evaluations
    assert later.is_cut
    assert at <= 3.5 * taken


def test_two_items_said_to_be_one_are_not_recovered() -> None:
    model = drawn(lambda: deep_leakage((1, 8, 8), 10))
    items = np.stack([picture(1, 8, 8, seed=seed) for seed in (0, 1)])
    both = full(model, items, np.array([3, 4]))
    assert recovered(model, Disclosure("full", both.arrays, 1), (1, 8, 8)).outcome == "failed"


def test_an_update_of_one_step_is_a_gradient() -> None:
    model = drawn(lambda: deep_leakage((1, 8, 8), 10)).double()
    item = picture(1, 8, 8)
    message = update(model, item[None], np.array([3]), steps=1, rate=0.1)
    found = recovered(model, message, (1, 8, 8), steps=1, rate=0.1)
    assert found.outcome == "recovered"
    assert error(found, item) < 1e-12
    assert "steps=None" in recovered(model, message, (1, 8, 8)).reason


def test_a_regression_needs_no_label() -> None:
    model, item = drawn(CHAINS["grouped"][1]), np.random.default_rng(1).random((4, 7, 7), np.float32)
    target = np.linspace(-1, 1, 10, dtype=np.float32)[None]
    message = full(model, item[None], target, loss="squared_error", reduction="sum")
    found = recovered(model, message, item.shape, loss="squared_error", reduction="sum")
    assert found.outcome == "recovered"
    assert error(found, item) < 1e-9
    assert found.labels is None


def test_soft_labels_give_the_item_and_no_label() -> None:
    model, item = drawn(CHAINS["grouped"][1]), np.random.default_rng(1).random((4, 7, 7), np.float32)
    soft = np.full((1, 10), 0.01, np.float32)
    soft[0, [2, 5]] = 0.46
    found = recovered(model, full(model, item[None], soft), item.shape)
    assert found.outcome == "recovered"
    assert error(found, item) < 1e-9
    assert found.labels is None


def test_a_zero_gradient_fails() -> None:
    model = drawn(CHAINS["one layer"][1])
    arrays = {name: np.zeros(tuple(one.shape), np.float32) for name, one in model.named_parameters()}
    found = recovered(model, Disclosure("full", arrays, 1), (5,))
    assert (found.outcome, found.items) == ("failed", None)


def test_missing_equations_are_counted() -> None:
    model = drawn(
        lambda: nn.Sequential(nn.Conv2d(1, 1, 2, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(16, 10))
    )
    item = picture(8, 8)[None]
    found = attacked(model, item, is_image=True)
    # 16 outputs and 4 gradients, of which one says what the outputs say already (their sum over places)
    assert found.outcome == "unidentifiable"
    assert found.details["missing"] == 64 - 16 - 3
    assert "fix about 19 of 64 directions" in found.reason


def test_directions_that_layers_leave_open_one_by_one_are_no_proof() -> None:
    """Together they tell all 64 values: the Jacobian of the message by the item has full rank."""
    model = drawn(
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.Sigmoid(), nn.Conv2d(2, 2, 3, stride=2, padding=1),
            nn.Sigmoid(), nn.Flatten(), nn.Linear(32, 10),
        )
    )  # fmt: skip
    item = picture(8, 8)[None]
    found = attacked(model, item)
    assert found.outcome == "failed"
    assert "it is no second item that explains it" in found.reason
    exact = model.double()

    def sent(one: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(exact(one[None]), torch.tensor([1]))
        slopes = torch.autograd.grad(loss, list(exact.parameters()), create_graph=True)
        return torch.cat([slope.ravel() for slope in slopes])

    jacobian = torch.autograd.functional.jacobian(sent, torch.tensor(item, dtype=torch.float64))  # type: ignore[no-untyped-call]
    values = torch.linalg.svdvals(jacobian.reshape(-1, 64))
    assert float(values[-1]) > 1e-5 * float(values[0])


def test_smooth_pictures_come_first_among_those_that_explain_alike() -> None:
    model = drawn(
        lambda: nn.Sequential(nn.Conv2d(1, 2, 2, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(32, 10))
    )
    item = picture(8, 8)[None]
    smooth, plain = (attacked(model, item, is_image=is_image) for is_image in (True, False))
    assert error(smooth, item) < 0.2 * error(plain, item)
    assert smooth.outcome == plain.outcome == "unidentifiable"


def test_bounds_cut_the_answer_where_that_explains_more() -> None:
    model = drawn(lambda: deep_leakage((1, 8, 8), 10))
    item = (picture(1, 8, 8) > 0.5).astype(np.float32)
    found = attacked(model, item, bounds=(0.0, 1.0))
    assert found.items is not None
    assert found.items.min() >= 0.0
    assert found.items.max() <= 1.0
    assert found.outcome == "recovered"
    far = attacked(model, item, bounds=(0.0, 0.5))  # wrong bounds explain less and are left
    assert far.items is not None
    assert far.items.max() > 0.9


@pytest.mark.parametrize("activation", ["sigmoid", "leaky_relu"])
def test_noise_ends_in_a_failure_or_in_an_item_as_good_as_said(activation: str) -> None:
    model = drawn(lambda: deep_leakage((3, 8, 8), 10, activation=activation))
    item = picture(3, 8, 8)
    clean = full(model, item[None], np.array([3]))
    for scale in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        rng = np.random.default_rng(5)
        noisy = {name: one + scale * rng.standard_normal(one.shape) for name, one in clean.arrays.items()}
        found = recovered(model, Disclosure("full", noisy, 1), item.shape)
        assert found.items is not None
        assert np.isfinite(found.items).all()
        assert found.outcome != "recovered" or error(found, item) < 1e-3
        if scale == 1e-6:
            assert found.outcome == "recovered"
        if scale == 1e-1:
            assert found.outcome != "recovered"


@pytest.mark.parametrize("draw", range(3))
def test_equations_of_a_message_in_single_precision_agree_within_their_errors(draw: int) -> None:
    # a slope that is known to so many digits makes the equations of the weights as doubtful as it is itself
    with torch.random.fork_rng():
        torch.manual_seed(draw)
        network = deep_leakage((3, 12, 12), 10, activation="sigmoid", spread=0.5).eval()
    item = np.random.default_rng(draw).uniform(size=(1, 3, 12, 12)).astype(np.float32)
    message = full(network, item, np.array([draw]))
    found = RecursivePeel().recover(message, Knowledge(network, (3, 12, 12), 10), np.random.default_rng(draw))
    assert found.outcome == "recovered"
    assert [layer["misfit"] for layer in found.details["layers"]] == [1.0] * len(found.details["layers"])


def test_equations_that_contradict_one_another_claim_nothing() -> None:
    """A side of a kink that was taken wrongly makes errors so large that they would explain any residual."""

    def network() -> nn.Module:
        layers: list[nn.Module] = []
        for channels, stride in ((1, 1), (3, 2), (3, 1)):
            layers += [nn.Conv2d(channels, 3, 3, stride=stride, padding=1), nn.LeakyReLU()]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(48, 10))

    item = (load_digits().images[1774][None] / 16.0).astype(np.float32)
    found = attacked(drawn(network, seed=8), item, bounds=(0.0, 1.0), is_image=True)
    assert found.outcome == "failed"
    assert error(found, item) > 0.01
