"""A sweep over defences: what is written is what is tried, on the same records, attack by attack."""

from typing import Any

import numpy as np
import pytest

from nextlabel.core.attack import Attack
from nextlabel.core.registry import resolve
from nextlabel.core.rng import generator
from nextlabel.datasets.digits import digits
from nextlabel.errors import ParameterError, UnknownName
from nextlabel.leakage.advice import advise
from nextlabel.leakage.attacks.gradient_matching import GradientMatching
from nextlabel.leakage.auditing import audit
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.demonstration import digits as perceptron
from nextlabel.leakage.sweep import accuracy_with, sweep
from nextlabel.leakage.sweep_settings import settings
from nextlabel.leakage.trials import UNDEFENDED
from nextlabel.testing.plain_attacks import Timed

DATA = digits()
ITEMS, LABELS = DATA.pool.take(np.arange(160)), DATA.labels[:160]


def leaking() -> Any:
    return resolve("network", "known_leak")((8, 8), 10)


def test_two_lengths_to_clip_to_are_two_settings() -> None:
    """Noise is in units of the length, so that equal noise is not one defence."""
    made = settings(["private:1.1:0.5", "private:1.1:2"])
    assert [one.family for one in made[1:]] == ["private clipped to 0.5", "private clipped to 2"]
    assert len({(one.words, one.strength) for one in made}) == 3


def test_settings_say_what_is_compared_with_what() -> None:
    made = settings(
        ["gaussian:1e-3", "gaussian:10%", "prune:30%", "int8", "int8:stochastic", "batch:8", "clients:4"]
    )
    assert [(one.family, one.strength) for one in made] == [
        (UNDEFENDED, None),
        ("gaussian", 1e-3),
        ("gaussian%", 0.1),
        ("prune", 0.3),
        ("int8", None),
        ("int8:stochastic", None),
        ("batch", 8.0),
        ("clients", 4.0),
    ]
    assert [one.words for one in made] == [
        "no defence",
        "Gaussian noise of 0.001",
        "Gaussian noise of 10 % of the message's size",
        "30 % pruned",
        "int8",
        "int8:stochastic",
        "batches of 8 items",
        "secure aggregation of 4 clients",
    ]
    assert [dict(one.sizes) for one in made[-2:]] == [{"batch": 8}, {"clients": 4}]
    assert settings(["steps:5"], "update")[1].sizes == {"steps": 5}


@pytest.mark.parametrize(
    ("written", "share", "said"),
    [
        ([], "full", "at least one defence; received none"),
        ([" "], "full", "at least one defence; received none"),
        (
            ["int8", "gaussian:1", "gaussian:1.0"],
            "full",
            "written once; received int8, gaussian:1, gaussian:1.0",
        ),
        (["batch:none"], "full", "'batch' must be a whole number from 1 up; received 'none'"),
        (["batch:0"], "full", "'batch' must be a whole number from 1 up; received 0"),
        (["steps:5"], "full", "Local steps are made before an update is sent; the message is 'full'"),
        (
            ["clients:5"],
            "embedding",
            "joined here by the mean of their gradients; the message is 'embedding'",
        ),
        (["prune:2"], "full", "prune's 'share' must be .*; received 2.0"),
    ],
)
def test_what_cannot_be_swept_over_is_refused(written: list[str], share: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        settings(written, share)


def test_an_unknown_defence_is_offered_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'gausian' is not a defence.* Did you mean 'gaussian'"):
        settings(["gausian:1"])


def test_noise_ends_the_closed_form_and_the_trial_says_so_attack_by_attack() -> None:
    trials = sweep(
        leaking(),
        ITEMS,
        LABELS,
        ["gaussian:10", "prune:0%"],
        records=6,
        attacks=["fully_connected", "label_inference"],
        seeds=0,
        seconds=10,
    )
    bare, noisy, untouched = trials
    assert [one.defence for one in trials] == [UNDEFENDED, "gaussian", "prune"]
    assert (bare.records, bare.leaked, bare.labels) == (6, 6, 6)
    assert bare.by_attack == {"fully_connected": 6, "label_inference": 0}
    assert noisy.leaked == 0
    assert untouched.by_attack == bare.by_attack  # pruning nothing changes nothing
    assert bare.accuracies == ()


def test_clients_are_attacked_as_one_batch_of_all_their_items() -> None:
    one, several = (
        sweep(leaking(), ITEMS, LABELS, [written], records=8, attacks=["fully_connected"], seeds=0)[1]
        for written in ("batch:4", "clients:4")
    )
    assert (one.records, one.leaked, one.by_attack) == (several.records, several.leaked, several.by_attack)
    assert one.records == 8


def test_messages_that_an_attack_does_not_read_are_counted() -> None:
    options: dict[str, Any] = {"records": 6, "attacks": ["recursive_peel"], "seeds": 0, "seconds": 10}
    bare, joined = sweep(leaking(), ITEMS, LABELS, ["batch:3"], **options)
    assert (bare.leaked, dict(bare.refused)) == (6, {})
    assert (joined.leaked, dict(joined.refused)) == (0, {"recursive_peel": 6})
    said = " ".join(advise([bare, joined]))
    assert "does not apply there" in said
    assert "The chance for a record is at most" not in said


def test_the_accuracy_is_that_of_the_same_training_with_the_defence_on() -> None:
    bare, noisy = settings(["gaussian:30"])
    common: dict[str, Any] = {"batch": 4, "epochs": 8, "rate": 0.3, "seeds": 2}
    alone = accuracy_with(bare, leaking(), ITEMS, LABELS, **common)
    defended = accuracy_with(noisy, leaking(), ITEMS, LABELS, **common)
    assert len(alone) == len(defended) == 2
    assert max(defended) < min(alone)
    trained = resolve("inspection", "defended_accuracy")
    order = generator(0, 2).permutation(160)
    by_hand = trained(
        leaking(),
        ITEMS[order[40:]],
        LABELS[order[40:]],
        ITEMS[order[:40]],
        LABELS[order[:40]],
        rng=generator(0, 3, 1),
        batch=4,
        epochs=8,
        rate=0.3,
    )
    assert alone[1] == by_hand


def test_a_training_by_updates_makes_the_local_steps_of_the_messages() -> None:
    def accuracies(written: str, **more: Any) -> tuple[float, ...]:
        common: dict[str, Any] = {"records": 4, "attacks": ["fully_connected"], "epochs": 1, "rate": 0.05}
        trials = sweep(leaking(), ITEMS, LABELS, [written], share="update", batch=4, **common, **more)
        return trials[-1].accuracies

    one, several = accuracies("prune:0%"), accuracies("prune:0%", steps=5)
    assert accuracies("steps:5") == several != one
    assert accuracies("steps:1", steps=5) == one  # a setting's own steps go before


def test_settings_share_their_records_but_for_those_that_fill_a_last_message() -> None:
    of = {
        batch: Case(leaking(), ITEMS, LABELS, CaseSetting(batch=batch)).positions.ravel() for batch in (1, 8)
    }
    assert (len(of[1]), len(of[8])) == (20, 24)
    np.testing.assert_array_equal(of[8][:20], of[1])
    few = Case(leaking(), ITEMS[:22], LABELS[:22], CaseSetting(batch=8)).positions.ravel()
    alone = Case(leaking(), ITEMS[:22], LABELS[:22], CaseSetting()).positions.ravel()
    assert len(few) == 16
    np.testing.assert_array_equal(few, alone[:16])


@pytest.mark.parametrize("share", ["embedding", "full"])
def test_no_accuracy_is_claimed_where_none_can_be_measured(share: str) -> None:
    (bare, *_) = settings(["int8"])
    if share == "full":  # clipping needs the gradient of each item, which a message of several has lost
        (_, bare) = settings(["private:1"])
    assert accuracy_with(bare, leaking(), ITEMS, LABELS, share=share, batch=4) == ()


def test_one_seed_gives_one_sweep() -> None:
    one, other = (
        sweep(
            leaking(),
            ITEMS,
            LABELS,
            ["gaussian:1e-2"],
            records=4,
            attacks=["fully_connected"],
            seeds=1,
            epochs=1,
        )
        for _ in range(2)
    )
    assert one == other


def test_every_strength_is_attacked_with_the_same_work_whatever_the_clock_says() -> None:
    """Given six times as long, or run again, a sweep comes to the same."""
    common: dict[str, Any] = {"records": 3, "seeds": 0, "evaluations": 30}
    attacks: list[str | Attack] = [GradientMatching(restarts=4, evaluations=200), "fully_connected"]
    trials = [
        sweep(perceptron(), ITEMS, LABELS, ["gaussian:1e-2"], attacks=attacks, seconds=one, **common)
        for one in (100.0, 600.0)
    ]
    assert trials[0] == trials[1]
    assert all(one.limits == {"GradientMatching": {"restarts": 4, "evaluations": 30}} for one in trials[0])
    assert [one.cut for one in trials[0]] == [0, 0]
    assert [one.given for one in trials[0]] == [100.0, 100.0]
    assert 0 < trials[0][0].seconds < 100.0


def test_an_attack_is_given_no_more_work_than_it_has_by_itself() -> None:
    (trial, _) = sweep(
        perceptron(),
        ITEMS,
        LABELS,
        ["gaussian:1e-2"],
        attacks=[GradientMatching(restarts=1, evaluations=2)],
        records=1,
        seeds=0,
        evaluations=30,
        seconds=60.0,
    )
    assert trial.limits["GradientMatching"]["evaluations"] == 2


def test_a_trial_counts_what_the_clock_cut_short() -> None:
    """One attack is always cut and shows nothing; beside it another takes all, or nothing."""
    timed = Timed()
    bare, noisy = sweep(
        leaking(),
        ITEMS,
        LABELS,
        ["gaussian:10"],
        attacks=["fully_connected", timed],
        records=4,
        seeds=0,
        seconds=16.0,
    )
    assert (bare.leaked, bare.unsettled, bare.unsettled_by_attack) == (4, 0, {"Timed": 4})
    assert (noisy.leaked, noisy.unsettled, noisy.unsettled_by_attack) == (0, 4, {"Timed": 4})
    assert (bare.cut, noisy.cut) == (4, 4)
    # half of the time for each setting, a quarter of that for each message; the rest once more for both
    assert timed.noted[:4] == pytest.approx([2.0, 8 / 3, 4.0, 8.0], rel=0.05)
    assert max(timed.noted) == pytest.approx(16.0, rel=0.05)


def test_messages_that_no_time_was_left_for_are_open_too() -> None:
    bare, _ = sweep(
        leaking(),
        ITEMS,
        LABELS,
        ["gaussian:10"],
        attacks=[Timed()],
        records=4,
        seeds=0,
        seconds=1e-9,
    )
    assert (bare.unsettled, bare.cut) == (4, 4)


@pytest.mark.parametrize("written", ["gaussian:1e-2", "sign", "prune:99%", "int8", "private:1"])
def test_a_defended_message_is_audited_and_not_taken_for_that_of_another_model(written: str) -> None:
    report = audit(
        perceptron(),
        ITEMS,
        LABELS,
        defences=[written],
        attacks=["label_inference"],
        records=4,
        controls=False,
    )
    assert len(report.verdicts) == 4
