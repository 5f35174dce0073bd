"""A bound is said of clipped and noised messages alone, and is that of their noise."""

from typing import Any

import numpy as np
import pytest

from nextlabel.core.defence import Defence
from nextlabel.errors import ParameterError
from nextlabel.leakage import audit
from nextlabel.leakage.defences.accounting import bound
from nextlabel.leakage.defences.bounds import Bound
from nextlabel.leakage.defences.noises import Gaussian, Private
from nextlabel.leakage.defences.promises import promised
from nextlabel.leakage.defences.thinnings import Prune
from nextlabel.leakage.sweep import sweep
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
    own = Bound(2.0, 1e-6, prior=1e-3)
    assert promised([Private(1.1)], own) is own
    assert promised([]) is None


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
