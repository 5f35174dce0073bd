"""Clipping and noise through Opacus, its accountant, and what follows for reconstruction."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr
from scipy.stats import chi2
from torch import nn

from nextlabel.core.defence import length_of
from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError, ParameterError
from nextlabel.leakage.defences.accounting import bound, epsilon
from nextlabel.leakage.defences.bounds import Bound, gaussian_bound, reconstruction_bound
from nextlabel.leakage.defences.noises import Private
from nextlabel.leakage.defences.private import private_message
from nextlabel.leakage.messages import full
from nextlabel.testing.attack_examples import small_network


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class Beside(nn.Module):
    """A network with a layer that it holds and does not use."""

    def __init__(self, used: nn.Module) -> None:
        super().__init__()
        self.used, self.beside = used, nn.Linear(3, 2)

    def forward(self, items: torch.Tensor) -> Any:
        return self.used(items)


def exact_epsilon(noise: float, delta: float, steps: int = 1) -> float:
    """Of the Gaussian mechanism without sampling, from its two normal laws (Balle and Wang, ICML 2018)."""
    mu = np.sqrt(steps) / noise

    def excess(eps: float) -> float:
        return float(ndtr(-eps / mu + mu / 2) - np.exp(eps + log_ndtr(-eps / mu - mu / 2)) - delta)

    return float(brentq(excess, 0, 1e6)) if excess(0) > 0 else 0.0


@pytest.mark.parametrize("steps", [1, 100])
@pytest.mark.parametrize("noise", [0.05, 0.3, 1.0, 3.0, 30.0, 300.0])
def test_epsilon_is_an_upper_bound_and_not_far_above_the_exact_one(noise: float, steps: int) -> None:
    wanted = exact_epsilon(noise, 1e-5, steps)
    found = epsilon(noise, delta=1e-5, steps=steps)
    assert wanted <= found <= 1.25 * wanted


@pytest.mark.parametrize(("noise", "rate"), [(0.3, 0.1), (1.0, 0.01), (1.0, 0.1), (5.0, 0.01)])
def test_sampling_helps_and_the_tighter_accountant_is_tighter(noise: float, rate: float) -> None:
    whole = epsilon(noise, delta=1e-5, steps=100)
    renyi = epsilon(noise, delta=1e-5, steps=100, sample_rate=rate)
    tighter = epsilon(noise, delta=1e-5, steps=100, sample_rate=rate, accountant="prv")
    assert 0 < tighter < renyi < whole


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"noise": 0.0}, "'noise' must be a finite number above 0; received 0.0"),
        ({"delta": 1.0}, "'delta' must be a number above 0 and below 1; received 1.0"),
        ({"steps": 0}, "'steps' must be a whole number from 1 up; received 0"),
        ({"sample_rate": 1.5}, "'sample_rate' must be a number above 0 and at most 1; received 1.5"),
        ({"accountant": "prv"}, "'accountant' must be 'rdp'; received 'prv'. At a sample_rate of 1"),
        ({"accountant": "gdp", "sample_rate": 0.1}, "'accountant' must be 'rdp' or 'prv'; received 'gdp'"),
    ],
)
def test_an_account_that_cannot_be_given_is_refused(what: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        epsilon(**{"noise": 1.0, "delta": 1e-5, **what})


def test_the_bound_on_reconstruction_by_hand() -> None:
    assert reconstruction_bound(np.log(3), 0.01, 0.1) == pytest.approx(0.31)
    assert reconstruction_bound(0.0, 0.0, 0.25) == pytest.approx(0.25)
    assert reconstruction_bound(5.0, 0.0, 0.5) == 1.0
    assert reconstruction_bound(np.inf, 0.0, 0.5) == 1.0
    assert reconstruction_bound(1e6, 0.25, 0.0) == 0.25
    assert reconstruction_bound(1e6, 0.0, 1e-300) == 1.0


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ((-1.0, 0.0, 0.1), "'epsilon'"),
        ((1.0, 1.5, 0.1), "'delta'"),
        ((1.0, 0.0, 1.1), "'prior' must be a number of at least 0 and at most 1; received 1.1"),
    ],
)
def test_numbers_that_are_no_promise_are_refused(what: tuple[float, float, float], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        reconstruction_bound(*what)
    with pytest.raises(ParameterError, match=says):
        Bound(*what)


def test_no_attack_on_two_candidates_is_better_than_the_bounds() -> None:
    """One number, clipped to length 1, is 0 or 1 with equal belief: the best guess is right with Φ(1/(2σ)).

    Without the message it is right with 1/2 = κ. Both bounds must lie above; the Gaussian one says Φ(1/σ).
    """
    for noise in (0.5, 1.0, 3.0):
        best = float(ndtr(1 / (2 * noise)))
        assert best <= gaussian_bound(noise, 0.5) == pytest.approx(float(ndtr(1 / noise)))
        assert best <= bound(noise, delta=1e-5, prior=0.5).chance


def test_the_gaussian_bound_is_reached(seed: int) -> None:
    """By an attacker who may name several of 50 candidates, and without the message names one on average.

    The candidates are unit vectors along 50 axes, equally likely; the message is one of them plus noise.
    Named is each axis along which the message exceeds t, with P[σ·n > t] = 1/50 = κ. The right one is named
    with P[1 + σ·n > t] = Φ(Φ⁻¹(κ) + 1/σ). Law: hits are binomial with that probability; Hoeffding's bound at
    1e-6. Twin: σ² for σ.
    """
    size, noise, draws = 50, 0.7, 200_000
    threshold = -noise * float(torch.special.ndtri(torch.tensor(1 / size, dtype=torch.float64)))
    hits = int((1.0 + noise * rng(seed).normal(size=draws) > threshold).sum())
    wanted = gaussian_bound(noise, 1 / size)
    # Hoeffding: beyond this distance with a probability below 1e-6
    assert abs(hits / draws - wanted) <= np.sqrt(np.log(2e6) / (2 * draws))
    assert abs(hits / draws - gaussian_bound(noise**2, 1 / size)) > 0.1


@pytest.mark.parametrize("noise", [0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("prior", [1e-6, 1e-3, 0.1, 0.9])
@pytest.mark.parametrize("steps", [1, 10])
def test_the_tight_bound_is_never_above_the_general_one(noise: float, prior: float, steps: int) -> None:
    for delta in (1e-9, 1e-5, 1e-2):
        general = reconstruction_bound(exact_epsilon(noise, delta, steps), delta, prior)
        assert prior <= gaussian_bound(noise, prior, steps=steps) <= general + 1e-12
        said = bound(noise, delta=delta, prior=prior, steps=steps)
        assert general <= reconstruction_bound(said.epsilon, delta, prior) + 1e-12
        assert gaussian_bound(noise, prior, steps=steps) <= said.chance


def test_a_bound_says_what_it_rests_on() -> None:
    found = bound(2.0, delta=1e-5, prior=0.01)
    assert found.delta == 1e-5
    assert found.epsilon == epsilon(2.0, delta=1e-5)
    for number in (f"{found.epsilon:.3g}", f"{found.chance:.3g}", "0.01", "1e-05"):
        assert number in found.sentence
    assert resolve("inspection", "bound") is bound
    assert resolve("inspection", "epsilon") is epsilon
    assert resolve("inspection", "private_message") is private_message


@pytest.mark.parametrize(("noise", "prior", "says"), [(0.0, 0.1, "'noise'"), (1.0, -0.1, "'prior'")])
def test_a_gaussian_bound_of_nothing_is_refused(noise: float, prior: float, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        gaussian_bound(noise, prior)


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    frozen = small_network(9, 8, 4)
    frozen.get_submodule("0").requires_grad_(False)
    layers = (nn.Unflatten(1, (1, 3, 3)), nn.Conv2d(1, 2, 2), nn.Sigmoid(), nn.Dropout(0.5), nn.Flatten())
    return {
        "perceptron": small_network(9, 8, 4),
        "convolution": nn.Sequential(*layers, nn.Linear(8, 4)).double(),
        "frozen": frozen,
    }


def batch(seed: int = 0) -> tuple[Any, Any]:
    return rng(seed).normal(size=(5, 9)), rng(seed).integers(4, size=5)


@pytest.mark.parametrize("clip", [0.05, 1.0, 1e6])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["perceptron", "convolution", "frozen"])
def test_each_items_gradient_is_clipped_by_itself(name: str, reduction: str, clip: float) -> None:
    model = networks()[name]
    items, labels = batch()
    each = [full(model, items[[row]], labels[[row]]) for row in range(5)]
    # Opacus divides by the length plus 1e-6, which shortens a little more: 1e-6 over the length
    lengths = [length_of(one) for one in each]
    factor = [min(1.0, clip / length) for length in lengths]
    sent = private_message(model, items, labels, rng=rng(), clip=clip, noise=0.0, reduction=reduction)
    assert list(sent.arrays) == list(each[0].arrays)
    for array in sent.arrays:
        wanted = np.sum([share * one[array] for share, one in zip(factor, each, strict=True)], axis=0)
        wanted = np.asarray(wanted) / (5 if reduction == "mean" else 1)
        atol = 5 * min(clip, max(lengths)) * 1e-6 / min(lengths)
        np.testing.assert_allclose(sent[array], wanted, rtol=0.0, atol=atol)
    assert (sent.kind, sent.items) == ("full", 5)


def test_the_squared_error_is_clipped_alike() -> None:
    model, (items, _) = networks()["perceptron"], batch()
    values = rng(3).normal(size=(5, 4))
    sent = private_message(model, items, values, rng=rng(), clip=1e6, noise=0.0, loss="squared_error")
    wanted = full(model, items, values, loss="squared_error")
    for name, one in wanted.arrays.items():
        np.testing.assert_allclose(sent[name], one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("reduction", "share"), [("mean", 0.2), ("sum", 1.0)])
def test_noise_is_that_of_the_sum_in_units_of_the_length(reduction: str, share: float, seed: int) -> None:
    """Law: message less noiseless message over σ·C (/B) is standard normal in each of n = 3,004 numbers.

    Statistic: their sum of squares, chi-square with n degrees of freedom; two-sided at 1e-6. Twins: noise not
    scaled by the length (C = 0.5), or not divided by the items, lie far outside.
    """
    model = small_network(9, 300, 1)
    items, values = batch()[0], rng(3).normal(size=5)
    held = {"clip": 0.5, "loss": "squared_error", "reduction": reduction}
    plain = private_message(model, items, values, rng=rng(), noise=0.0, **held)  # type: ignore[arg-type]
    noisy = private_message(model, items, values, rng=rng(seed), noise=2.0, **held)  # type: ignore[arg-type]
    apart = np.concatenate([(noisy[name] - plain[name]).ravel() for name in plain.arrays]) / share
    low, high = chi2(apart.size).ppf([5e-7, 1 - 5e-7])
    assert low <= float((apart**2).sum()) <= high
    for twin in (0.5, 2.0, 5.0):
        assert not low <= float(((twin * apart) ** 2).sum()) <= high


def test_one_item_is_clipped_and_noised_alike_by_the_defence() -> None:
    model, (items, labels) = networks()["perceptron"], batch()
    one = full(model, items[:1], labels[:1])
    mechanism = Private(1e-9, clip=0.1)
    sent = private_message(model, items[:1], labels[:1], rng=rng(), clip=0.1, noise=0.0)
    defended = mechanism.apply(one, rng())
    for name in one.arrays:
        np.testing.assert_allclose(sent[name], defended[name], atol=1e-6)


def test_the_model_and_the_random_streams_are_left_alone() -> None:
    model, (items, labels) = networks()["convolution"], batch()
    model.train()
    weights = {name: one.clone() for name, one in model.state_dict().items()}
    drawn = torch.get_rng_state()
    one, other = (private_message(model, items, labels, rng=rng(4)) for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one.arrays)
    assert all(module.training for module in model.modules())
    assert all((weights[name] == now).all() for name, now in model.state_dict().items())
    assert all(weight.grad is None and not hasattr(weight, "grad_sample") for weight in model.parameters())
    assert (torch.get_rng_state() == drawn).all()


def test_a_layer_that_nothing_depends_on_sends_only_noise() -> None:
    torch.manual_seed(0)
    used = nn.Linear(3, 2)
    network = Beside(used)
    items, labels = np.eye(4, 3, dtype=np.float32), np.array([0, 1, 1, 0])
    alone = private_message(used, items, labels, rng=rng(), clip=0.1, noise=0.0)
    sent = private_message(network, items, labels, rng=rng(), clip=0.1, noise=0.0)
    assert not sent["beside.weight"].any()
    assert not sent["beside.bias"].any()
    np.testing.assert_array_equal(sent["used.weight"], alone["weight"])
    noised = private_message(network, items, labels, rng=rng(), clip=0.1, noise=1.0)
    assert noised["beside.weight"].all()


def test_what_cannot_be_clipped_item_by_item_is_refused() -> None:
    items, labels = batch()
    normalised = nn.Sequential(nn.Linear(9, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)).double()
    with pytest.raises(DisclosureError, match=r"Opacus cannot take Sequential apart: .*BatchNorm1d"):
        private_message(normalised, items, labels, rng=rng())
    with pytest.raises(DisclosureError, match="cross_entropy or squared_error; received 'language_model'"):
        private_message(networks()["perceptron"], items, labels, rng=rng(), loss="language_model")


@pytest.mark.parametrize(("what", "says"), [({"clip": 0.0}, "'clip'"), ({"noise": -1.0}, "'noise'")])
def test_a_mechanism_that_makes_no_sense_is_refused(what: dict[str, float], says: str) -> None:
    items, labels = batch()
    with pytest.raises(ParameterError, match=says):
        private_message(networks()["perceptron"], items, labels, rng=rng(), **what)  # type: ignore[arg-type]
