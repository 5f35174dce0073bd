"""A bound is said of clipped and noised messages alone, and is that of their noise."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from nextlabel.core.defence import Defence
from nextlabel.errors import ParameterError
from nextlabel.leakage import audit
from nextlabel.leakage.defences.accounting import bound, epsilon
from nextlabel.leakage.defences.bounds import Bound, gaussian_bound, gaussian_delta, reconstruction_bound
from nextlabel.leakage.defences.noises import Gaussian, Private
from nextlabel.leakage.defences.promises import promised
from nextlabel.leakage.defences.thinnings import Prune
from nextlabel.leakage.sweep import sweep
from nextlabel.leakage.verdicts import overall
from nextlabel.testing.attack_examples import small_network

ITEMS = np.random.default_rng(0).uniform(size=(30, 6))
LABELS = np.arange(30) % 3


def audited(**more: Any) -> Any:
    attacks = ["fully_connected", "label_inference"]
    return audit(small_network(6, 12, 3), ITEMS, LABELS, attacks=attacks, seconds=5, controls=False, **more)


@pytest.mark.parametrize("defences", [[], [Gaussian(10.0), Prune(0.9)]])
@pytest.mark.parametrize(
    "what", [{"accountant": Bound(1.0, 1e-5, prior=1e-4)}, {"delta": 1e-5, "prior": 1e-4}]
)
def test_no_bound_is_said_of_messages_that_are_not_clipped(
    defences: list[Defence], what: dict[str, Any]
) -> None:
    applied = "gaussian:10.0, prune:0.9" if defences else "no defence"
    with pytest.raises(ParameterError, match=f"clipped and noised, .*'private'; received {applied}. Give"):
        promised(defences, **what)
    with pytest.raises(ParameterError, match=f"received {applied}"):
        audited(defences=defences, **what)


def test_the_bound_is_computed_from_the_noise_of_the_defence() -> None:
    wanted = bound(1.1, delta=1e-5, prior=1e-4)
    assert promised([Private(1.1, 0.5)], delta=1e-5, prior=1e-4) == wanted
    assert promised([Prune(0.3), Private(0.7), Private(1.1), Gaussian(1.0)], delta=1e-5, prior=1e-4) == wanted
    own = Bound(6.0, 1e-6, prior=1e-3)
    assert promised([Private(1.1)], own) is own
    assert promised([]) is None


@dataclass(frozen=True)
class Accountant:
    """What a caller may say, without any arithmetic behind it."""

    epsilon: float = 5.0
    delta: float = 1e-5
    prior: float = 0.1
    chance: float = 0.5


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"epsilon": 1.0}, r"noise 1, with which ε = 1 holds from δ = 0\.127 on; received δ = 1e-05\. Leave"),
        ({"delta": 1e-7}, r"ε = 5 holds from δ = \d\.\d+e-07 on; received δ = 1e-07"),
        ({"delta": np.nan}, "received δ = nan"),
        ({"chance": 0.2}, r"guessed with a probability of 0\.1 is .* up to 0\.389; received 0\.2\. Leave"),
        ({"chance": np.nan}, "up to 0.389; received nan"),
        ({"epsilon": np.nan}, "'epsilon' must be"),
        ({"prior": -0.1}, "'prior' must be"),
    ],
)
def test_an_accountant_that_promises_more_than_the_noise_keeps_is_refused(
    what: dict[str, float], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        promised([Private(1.0)], Accountant(**what))


def test_an_accountant_that_counts_more_messages_than_one_is_taken() -> None:
    own = Accountant(epsilon=epsilon(1.0, delta=1e-5, steps=20), chance=1.0)
    assert promised([Private(1.0)], own) is own


@pytest.mark.parametrize("noise", [0.3, 1.0, 4.0])
def test_the_least_that_is_taken_is_the_least_that_holds(noise: float) -> None:
    """The noise alone gives δ(ε); a hundredth less of δ, or of the chance, and it is refused."""
    delta, chance = gaussian_delta(noise, 2.0), gaussian_bound(noise, 0.1)
    kept = Accountant(2.0, delta, 0.1, chance)
    assert promised([Private(noise)], kept) is kept
    for less in (replace(kept, delta=0.99 * delta), replace(kept, chance=0.99 * chance)):
        with pytest.raises(ParameterError, match="must hold for the noise"):
            promised([Private(noise)], less)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"delta": 1e-5}, "both delta and prior; received delta=1e-05 and prior=None"),
        ({"prior": 0.5}, "both delta and prior; received delta=None and prior=0.5"),
        ({"accountant": Bound(1.0, 0.0, 0.1), "delta": 0.2}, "an accountant, delta=0.2 and prior=None"),
        ({"accountant": Bound(1.0, 0.0, 0.1), "prior": 0.2}, "an accountant, delta=None and prior=0.2"),
        ({"delta": 0.0, "prior": 0.2}, "'delta' must be a number above 0 and below 1; received 0.0"),
        ({"delta": 0.1, "prior": 2.0}, "'prior' must be .*; received 2.0"),
    ],
)
def test_a_bound_that_is_half_stated_or_stated_twice_is_refused(what: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        promised([Private()], **what)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_private_message_is_bounded_by_its_own_noise(batch: int) -> None:
    report = audited(defences="private:1.1:0.5", delta=1e-5, prior=1e-4, batch=batch)
    assert report.verdict == "BOUNDED"
    wanted = bound(1.1, delta=1e-5, prior=1e-4)
    assert report.bound == {
        "epsilon": wanted.epsilon,
        "delta": 1e-5,
        "prior": 1e-4,
        "chance": pytest.approx(wanted.chance),
    }
    assert (
        f"no attack whatever reconstructs a record with a chance above {wanted.chance:.3g}"
        in (report.sentences()[0])
    )


def test_a_bound_is_the_smaller_one_of_the_accountant_and_the_law_of_the_noise() -> None:
    """At noise 0.4 and δ = 1e-5 the ε is 14, which says nothing; the half-space says 0.28 at κ = 1e-3."""
    report = audited(defences="private:0.4", delta=1e-5, prior=1e-3)
    assert overall(["NOT SHOWN"], promised([Private(0.4)], delta=1e-5, prior=1e-3)) == "BOUNDED"
    assert (
        report.bound["chance"] == pytest.approx(gaussian_bound(0.4, 1e-3)) == pytest.approx(0.2775, abs=1e-4)
    )
    assert bound(1.0, delta=1e-5, prior=1e-3, steps=4).chance == gaussian_bound(1.0, 1e-3, steps=4)
    drawn = bound(1.0, delta=1e-5, prior=1e-3, steps=4, sample_rate=0.01)
    assert (
        drawn.chance == reconstruction_bound(drawn.epsilon, 1e-5, 1e-3) < gaussian_bound(1.0, 1e-3, steps=4)
    )
    assert Bound(1.0, 1e-5, prior=0.01).chance == reconstruction_bound(1.0, 1e-5, 0.01)


@pytest.mark.parametrize("noise", [0.1, 0.2])
def test_a_chance_that_is_nearly_certain_bounds_nothing(noise: float) -> None:
    assert 0.9 < gaussian_bound(noise, 1e-2) < 1.0
    assert bound(noise, delta=1e-5, prior=1e-2).chance == 1.0


def test_noise_so_small_that_it_bounds_nothing_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"from 0 to below 1; received .*chance=1\.0"):
        audited(defences="private:0.01", delta=1e-5, prior=1e-4)


def test_a_sweep_beside_a_bounded_report_tries_what_is_not_private_too() -> None:
    trials = sweep(
        small_network(6, 12, 3),
        ITEMS,
        LABELS,
        ["gaussian:10"],
        records=2,
        attacks=["fully_connected"],
        seeds=0,
        delta=1e-5,
        prior=1e-4,
    )
    assert [one.records for one in trials] == [2, 2]
