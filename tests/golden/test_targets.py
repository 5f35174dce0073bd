"""The targets of a regression: scored as columns, held against a guess, counted, and said."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nextlabel.core.attack import Recovery
from nextlabel.core.disclosure import Array
from nextlabel.core.registry import resolve
from nextlabel.leakage import Report, audit
from nextlabel.leakage.attempts import Attempt, scored
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.controls import own_control
from nextlabel.leakage.notes import remarks_on
from nextlabel.leakage.target_counts import TargetCount, targets_by_attack
from nextlabel.leakage.targets import TargetLaw, target_law
from nextlabel.testing.plain_attacks import Told

Floats = NDArray[np.float64]

ITEMS = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
TARGETS = np.random.default_rng(1).normal(size=(60, 2)) * np.array([1.0, 500.0])
RATINGS = np.where(np.arange(60) % 3 > 0, 1.0, 0.0)[:, None] * np.ones(2)


def law_of(values: Array) -> TargetLaw:
    found = target_law(values)
    assert found is not None
    return found


def narrow() -> Any:
    """Of five units no item of six values follows: its target is all that a last layer tells."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return resolve("network", "mlp")((6,), 2, hidden=(5,)).eval()


def audited(targets: Array = TARGETS, network: Any = None, **options: Any) -> Report:
    network = resolve("network", "known_leak")((6,), 2) if network is None else network
    given: dict[str, Any] = {"loss": "squared_error", "controls": False, "attacks": ["fully_connected"]}
    return audit(network, ITEMS, targets, **given | options)


def case_of(targets: Array = TARGETS, **options: Any) -> Case:
    network = resolve("network", "known_leak")((6,), 2)
    arrays = {name: options.pop(name) for name in ("public", "public_labels") if name in options}
    return Case(network, ITEMS, targets, CaseSetting(loss="squared_error", **options), **arrays)


def told(case: Case, targets: Array, message: int = 0) -> Attempt:
    """An attempt that says these targets, and no item."""
    return scored(
        "told",
        Recovery("recovered", labels=targets),
        case.batches[message],
        kind=case.setting.share,
        message=message,
        classes=2,
    )


def test_targets_are_scored_column_by_column_in_units_of_their_spread() -> None:
    law = law_of(np.array([[-1.0, 70.0], [1.0, 90.0], [-1.0, 90.0], [1.0, 70.0]]))
    assert law.spreads.tolist() == [1.0, 10.0]
    score = law.score(np.array([1.0, 95.0]), np.array([1.0, 90.0]))
    assert (score.worst, score.columns) == (0.5, 0.5)
    assert score.relative == pytest.approx(np.sqrt(0.125))


def test_the_guess_is_the_mean_target_of_the_other_data() -> None:
    law = law_of(np.array([[1.0], [2.0], [6.0]]))
    # of the others 4, and so 3 away; of the first two 1.5, and 4.5 away
    errors = [one.relative or 0.0 for one in law.among(np.array([0, 2])).guesses]
    assert (np.array(errors) * law.spreads[0]).tolist() == pytest.approx([3.0, 4.5])
    (public,) = law.among(np.array([0]), np.array([5.0, 7.0])).guesses
    assert (public.relative or 0.0) * law.spreads[0] == pytest.approx(5.0)
    (own,) = law.among(np.array([0]), np.zeros(0)).guesses  # none are public
    assert own == law.among(np.array([0])).guesses[0]


def test_public_targets_make_the_guess_of_an_audit() -> None:
    rows = {"public": ITEMS[:4], "public_labels": np.full((4, 2), 1e6)}
    (far, *_), (near, *_) = (one.batches[0].targets.guesses for one in (case_of(**rows), case_of()))  # type: ignore[union-attr]
    assert (far.relative or 0.0) > 100.0 > (near.relative or 0.0)


def test_a_target_is_exact_by_the_rule_of_tables() -> None:
    targets = law_of(TARGETS).among(np.arange(3))
    units = law_of(TARGETS).spreads
    off = [np.zeros(2), np.array([0.0, 0.0101]) * units, np.array([0.9e-3, 0.9e-3]) * units]
    scores = targets.scores(TARGETS[:3] + np.array(off))
    # ten units are far less than a spread of the second column, and yet more than a hundredth
    assert targets.verdicts(scores) == ("EXACT", "NOT SHOWN", "EXACT")
    assert targets.verdicts((None, *scores[1:])) == ("NOT SHOWN", "NOT SHOWN", "EXACT")


def test_a_target_that_the_mean_tells_as_well_is_not_given_away() -> None:
    values = np.array([[-1.0], [1.0], [0.0], [2.0], [-2.0], [0.0]])
    targets = law_of(values).among(np.arange(6))
    assert targets.verdicts(targets.scores(values)) == (
        *("EXACT",) * 2,
        "NOT SHOWN",  # the others have the mean 0
        *("EXACT",) * 2,
        "NOT SHOWN",
    )


def test_targets_are_matched_whatever_their_order() -> None:
    targets = law_of(TARGETS).among(np.arange(4))
    scores = targets.scores(TARGETS[[3, 1, 0]])
    assert [None if one is None else one.worst for one in scores] == [0.0, 0.0, None, 0.0]


@pytest.mark.parametrize(
    "claimed",
    [None, np.zeros((0, 2)), np.zeros((1, 3)), np.array([1]), np.array([[1, 2]])],
    ids=["nothing", "none", "another width", "a class", "whole numbers"],
)
def test_what_is_no_target_is_not_scored(claimed: Array | None) -> None:
    assert law_of(TARGETS).among(np.arange(2)).scores(claimed) == ()


def test_values_that_are_not_finite_are_infinitely_far() -> None:
    (score,) = law_of(TARGETS).among(np.arange(1)).scores(np.full((1, 2), np.nan))
    assert score is not None
    assert score.relative == np.inf


def test_targets_that_are_all_the_same_have_no_law() -> None:
    assert target_law(np.ones((5, 2))) is None
    assert case_of(np.ones((60, 2))).batches[0].targets is None


@pytest.mark.parametrize("options", [{"loss": "cross_entropy"}, {"share": "embedding"}], ids=str)
def test_only_a_regression_has_targets(options: dict[str, Any]) -> None:
    network = resolve("network", "known_leak")((6,), 2)
    setting = CaseSetting(**{"loss": "squared_error"} | options)
    soft = np.random.default_rng(0).dirichlet(np.ones(2), 60)
    assert Case(network, ITEMS, soft, setting).targets is None


def test_the_last_layer_of_a_single_record_gives_its_target() -> None:
    report = audited(network=narrow(), share="last_layer", controls=True)
    assert report.verdict == "LABEL ONLY"
    (summary,) = report.summaries
    assert (summary.targets_exact, summary.targets_of) == (20, 20)
    assert (summary.targets_error or 1.0) < 1e-5
    said = " ".join(report.sentences())
    assert "20 of 20 records gave away their target, not themselves" in said
    assert "The target came back exactly for 20 of 20 records (fully connected)." in said
    assert "each in units of its spread over the 60 records given" in said
    assert "the mean target of your other records" in said
    assert "20 of 20 targets" not in report.controls[-1].said
    assert report.controls[-1].said.endswith("0 of 20 targets exact")
    assert not report.is_void
    page = report.html()
    assert "<caption>Targets</caption>" in page
    assert "20 of 20 (chance below 0.001)" in page
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize("batch", [1, 4])
def test_records_and_their_targets_come_back_together(batch: int) -> None:
    options: dict[str, Any] = {"attacks": ["fully_connected", "relu_sparsity"], "batch": batch}
    report = audited(**options)
    assert report.verdict == "EXACT"
    assert report.summaries[-1].targets_exact == 20


def test_without_targets_nothing_is_scored_and_the_report_says_so() -> None:
    report = audited(share="last_layer", batch=4)
    assert report.verdict == "NOT SHOWN"
    assert report.summaries[0].targets_exact is None
    assert report.summaries[0].targets_of == 0
    said = " ".join(report.remarks)
    assert "No attack gave back a target, so targets are not scored: NOT SHOWN says nothing of them." in said
    assert "one division" not in said
    assert "Targets" not in report.html().split("Attacks, cheapest first")[1].split("How it was done")[0]
    single = " ".join(remarks_on(case_of(), ()))
    assert "give its input by one division" in single


def test_equal_targets_are_said_to_tell_nothing() -> None:
    assert "All targets are the same" in " ".join(remarks_on(case_of(np.ones((60, 2))), ()))


def by(attack: Told, **options: Any) -> Report:
    return audited(attacks=[attack], **options)


def test_another_target_is_not_the_record_s() -> None:
    (summary,) = by(Told(None, TARGETS[:1] + 0.1)).summaries
    assert (summary.targets_exact, summary.targets_of) == (0, 20)
    assert (summary.targets_error or 0.0) > 0.1
    assert by(Told(None, TARGETS[:1] + 0.1)).verdict == "NOT SHOWN"


def test_a_rating_that_is_always_given_is_no_leak() -> None:
    # two ratings of three are 1: to say so is right as often without any message
    report = by(Told(None, np.ones((1, 2))), targets=RATINGS)
    exact, chance = report.summaries[0].targets_exact, report.summaries[0].targets_chance
    assert exact is not None
    assert exact > 5
    assert chance is not None
    assert chance > 1e-3
    assert report.verdict == "NOT SHOWN"
    said = " ".join(report.sentences())
    assert "came back exactly" not in said
    assert f"Of the targets {exact} of 20 were named rightly" in said
    assert "too likely to count as given away" in said


def test_targets_that_the_attacker_was_told_are_no_leak() -> None:
    assert audited(network=narrow(), share="last_layer", knows=("batch", "labels")).verdict == "NOT SHOWN"


def test_what_is_refused_claims_no_target() -> None:
    case = case_of()
    refused = Recovery("refused", labels=TARGETS[:1])
    found = scored("told", refused, case.batches[0], kind="full", message=0, classes=2)
    assert found.targets == ()


def test_each_attack_is_counted_by_itself() -> None:
    case = case_of(batch=2)
    rows = case.positions
    whole = told(case, TARGETS[rows[0]])
    half = dataclasses.replace(told(case, TARGETS[rows[1][:1]], 1), attack="other")
    silent = dataclasses.replace(told(case, np.zeros((0, 2))), attack="silent")
    found = targets_by_attack(case.targets, 2, [whole, half, silent])
    assert list(found) == ["told", "other"]
    assert found["told"] == TargetCount(2, 2, 0.0, pytest.approx(2 / (60 * 59)))  # type: ignore[arg-type]
    assert (found["other"].exact, found["other"].of) == (1, 2)
    assert targets_by_attack(None, 2, [whole]) == {}


@pytest.mark.parametrize(("shift", "is_passed"), [(0, True), (1, False)])
def test_a_null_control_fails_where_targets_of_another_message_come_back(shift: int, is_passed: bool) -> None:
    case = case_of()
    count = len(case.batches)
    made = [TARGETS[case.positions[(k + shift) % count]] for k in range(count)]
    attempts = [told(case, made[k], k) for k in range(count)]
    control = own_control(case, attempts, [Recovery("recovered", labels=one) for one in made])
    assert control.is_passed is is_passed
    assert control.said.endswith(f"{0 if is_passed else 20} of 20 targets exact")


def test_reports_from_before_targets_were_scored_are_read() -> None:
    content = json.loads(audited(share="last_layer").to_json())
    for one in content["summaries"]:
        for name in ("targets_exact", "targets_of", "targets_error", "targets_chance"):
            del one[name]
    (summary,) = Report.from_json(json.dumps(content)).summaries
    assert (summary.targets_exact, summary.targets_of) == (None, 0)
