"""The audit: attacks see the message and what is known, scores come after, and equal seeds agree."""

import dataclasses
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from torch import nn

from nextlabel import leakage
from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.progress import reporting
from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError, ParameterError, UnknownName
from nextlabel.leakage import audit
from nextlabel.leakage.report.report import Report
from nextlabel.testing.plain_attacks import Blind, Broken, Ratio, Timed


@pytest.fixture(scope="module")
def network() -> nn.Module:
    made: nn.Module = resolve("network", "known_leak")((4, 5), 3, seed=1)
    return made


@pytest.fixture(scope="module")
def items() -> Array:
    return np.random.default_rng(5).uniform(size=(40, 4, 5)).astype(np.float32)


LABELS = np.arange(40) % 3


def audited(network: nn.Module, items: Array, *attacks: Attack, **options: Any) -> Report:
    settings: dict[str, Any] = {"controls": False, "bounds": (0.0, 1.0), "seconds": 60.0, **options}
    return audit(network, items, LABELS, attacks=attacks, **settings)


def test_what_comes_back_is_exact_and_counted(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Ratio())
    assert report.verdict == "EXACT"
    assert report.verdicts == ("EXACT",) * 20
    assert report.shares[0].low == pytest.approx(0.025 ** (1 / 20), rel=1e-9)
    assert sorted({one.position for one in report.standings}) == sorted(
        one.position for one in report.standings
    )
    assert all(one.score is not None and (one.score.relative or 0) < 1e-5 for one in report.standings)


def test_labels_alone_are_a_verdict_of_their_own(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Ratio(is_mute=True))
    assert set(report.verdicts) == {"LABEL ONLY"}
    assert report.summaries[0].labels_right == report.summaries[0].labels_of == 20
    assert report.summaries[0].labels_chance is not None
    assert report.summaries[0].labels_chance < 1e-6
    assert report.standings[0].why == "gave no item: Ratio"


@pytest.mark.parametrize(("classes", "verdict"), [(10, "LABEL ONLY"), (1, "NOT SHOWN")])
def test_few_labels_are_judged_by_all_the_labels_given(items: Array, classes: int, verdict: str) -> None:
    """Four of four by chance: once in about 10,000 audits of ten classes, always where there is one.

    The frequencies among the four themselves would be a better guess than anybody has.
    """
    network = resolve("network", "known_leak")((4, 5), 10, seed=1)
    attacks = [Ratio(is_mute=True)]
    labels = np.arange(40) % classes
    report = audit(network, items, labels, attacks=attacks, records=4, controls=False)
    assert report.summaries[0].labels_right == 4
    left, chance = np.bincount(labels), 1.0
    for label in labels[[one.position for one in report.standings]]:
        chance *= left[label] / left.sum()
        left[label] -= 1
    assert report.summaries[0].labels_chance == pytest.approx(chance)
    assert set(report.verdicts) == {verdict}


def test_a_label_that_is_right_by_chance_is_no_leak(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Blind(label=0))
    assert report.summaries[0].labels_right > 0
    assert set(report.verdicts) == {"NOT SHOWN"}


def test_labels_that_the_attacker_was_told_are_no_leak(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Ratio(is_mute=True), knows=("batch", "labels"))
    assert set(report.verdicts) == {"NOT SHOWN"}
    assert "the labels" in report.knows


@pytest.mark.parametrize(
    ("residual", "outcome", "why"),
    [
        (0.5, "failed", "optimiser failed: Blind"),
        (1e-6, "recovered", "claimed, and wrong: Blind"),
        (0.5, "unidentifiable", "optimiser failed: Blind"),  # its word alone bears nothing out
    ],
)
def test_nothing_shown_says_why_and_is_no_proof(
    network: nn.Module, items: Array, residual: float, outcome: str, why: str
) -> None:
    report = audited(network, items, Blind(residual, outcome))
    assert report.verdict == "NOT SHOWN"
    assert {one.why for one in report.standings} == {why}
    lead = report.sentences()[0]
    # the upper end for 0 of 20 is 1 - 0.025^(1/20) = 16.84 %, rounded up
    assert "no record of 20 came back" in lead
    assert "at most 16.9 %" in lead
    assert "no proof of safety" in lead


def test_the_word_that_promises_is_nowhere(network: nn.Module, items: Array) -> None:
    for attack in (Ratio(), Ratio(is_mute=True), Blind()):
        report = audited(network, items, attack)
        text = " ".join(report.sentences()) + report.to_json()
        text += report.html() if isinstance(attack, Blind) else ""  # a second to draw
        assert not re.search(r"\bsafe\b", text, re.IGNORECASE)


def test_two_runs_at_one_seed_are_equal_but_for_times(network: nn.Module, items: Array) -> None:
    first, second = (audited(network, items, Blind(), Ratio(), batch=2) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    other = audited(network, items, Blind(), Ratio(), batch=2, seed=1)
    assert other.fingerprint != first.fingerprint


def test_leaving_an_attack_out_changes_no_other(network: nn.Module, items: Array) -> None:
    alone = audited(network, items, Blind())
    beside = audited(network, items, Timed(), Blind())
    errors = [[one.error for one in report.outcomes if one.attack == "Blind"] for report in (alone, beside)]
    assert errors[0] == errors[1]


def test_what_is_switched_off_is_not_told(network: nn.Module, items: Array) -> None:
    nothing = audited(network, items, Blind(), knows=(), public=items[:5])
    assert nothing.knows == (
        "the model and its weights",
        "the loss (cross entropy, mean over items)",
        "the shape of an item",
    )
    all_told = audited(
        network, items, Blind(), knows=("batch", "bounds", "images", "public"), public=items[:5]
    )
    assert "5 public items" in all_told.knows
    assert "that items are images" in all_told.knows


def test_the_picture_of_a_label_is_by_who_made_the_picture(network: nn.Module) -> None:
    images = np.random.default_rng(5).uniform(size=(40, 4, 5)).astype(np.float32)
    report = audited(network, images, Ratio(is_mute=True), Blind(), is_image=True)
    assert {one.attack for one in report.standings} == {"Ratio"}
    assert {(one.verdict, one.attack) for one in report.exhibits} == {("LABEL ONLY", "Blind")}


def test_dearer_attacks_are_left_out_once_all_is_exact(network: nn.Module, items: Array) -> None:
    timed = Timed()
    report = audited(network, items, Ratio(), timed)
    assert timed.noted == []
    assert report.budget.ended_early == 20
    assert "20 attempts were left out" in " ".join(report.sentences())


def test_an_attack_without_time_left_is_named(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Ratio(is_mute=True), Timed(), seconds=1e-4)
    assert report.budget.left_out == {"Timed": 20}
    assert report.budget.unrun == 20
    assert "Not tried for lack of time: Timed (20 of 20 messages)." in report.sentences()[0]
    assert "no clock ends Ratio" in " ".join(report.sentences())
    assert type(report).from_json(report.to_json()) == report


def test_time_is_split_evenly_and_what_is_unused_passes_on(network: nn.Module, items: Array) -> None:
    timed = Timed()
    report = audited(network, items, timed, records=4, seconds=40.0)
    # the attempts use next to nothing: a quarter, then a third, a half, all
    first, again = timed.noted[:4], timed.noted[4:]
    assert first == pytest.approx([10.0, 40 / 3, 20.0, 40.0], rel=0.02)
    # twice as much for those that the clock ended, as long as so much is left
    assert again == pytest.approx([20.0, 80 / 3, 40.0, 40.0, 40.0], rel=0.02)
    assert (report.budget.timed, report.budget.cut, report.budget.unrun) == (4, 4, 0)
    assert report.budget.again == 5
    assert any("5 made again in the time that others left" in one for one in report.sentences())
    assert "4 ended by the clock" in " ".join(report.sentences())
    assert any("clock ended" in one for one in report.remarks)


@final
@dataclass(frozen=True)
class Unfit(Attack):
    """Takes time by the clock, and applies to nothing."""

    seconds: float = np.inf

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"full"})

    @property
    def recovers(self) -> frozenset[str]:
        return frozenset({"items"})

    @property
    def cost(self) -> str:
        return "optimisation"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        return Recovery("refused", "it reads nothing")


def test_an_attack_that_refuses_has_no_share_of_the_time(network: nn.Module, items: Array) -> None:
    """Shares are those of a ladder without it; counted among the others it would halve the first."""
    timed = Timed()
    report = audited(network, items, timed, Unfit(), records=4, seconds=40.0)
    assert timed.noted[:4] == pytest.approx([10.0, 40 / 3, 20.0, 40.0], rel=0.02)
    assert report.budget.timed == 4
    assert [one.outcome for one in report.outcomes if one.attack == "Unfit"] == ["refused"] * 4


def test_what_was_spent_is_said_by_attack(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Blind(), Ratio(is_mute=True), records=2)
    took = [
        dataclasses.replace(one, seconds=3.0 if one.attack == "Blind" else 0.25) for one in report.outcomes
    ]
    said = " ".join(dataclasses.replace(report, outcomes=tuple(took)).sentences())
    assert "of 60 seconds (Blind 6.0, Ratio 0.5)" in said


def test_messages_are_cut_from_records_drawn_once_each(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Blind(), batch=6)
    assert report.setting["messages"] == 4
    assert len({one.position for one in report.standings}) == 24
    assert any("24 records came in 4 messages" in one for one in report.remarks)


def test_few_records_and_messages_are_said(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Blind(), records=2)
    assert any(one.startswith("Few records: 2, where 20 are wanted") for one in report.remarks)
    assert any(one.startswith("Few messages: 2, where 3 are wanted") for one in report.remarks)


def test_a_range_that_was_not_declared_is_said(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Blind(), bounds=None, records=3)
    assert any("No range of values was declared" in one for one in report.remarks)
    assert not any("range" in one for one in report.knows)


@pytest.mark.parametrize("share", ["full", "last-layer", "last_layer", "embedding", "update"])
def test_every_kind_of_message_can_be_audited(network: nn.Module, items: Array, share: str) -> None:
    report = audited(network, items, Blind(), share=share, batch=2, records=4)
    assert report.setting["share"] == share.replace("-", "_")
    assert report.verdict == "NOT SHOWN"
    assert any("model's own guesses" in one for one in report.remarks) == (share == "embedding")


def test_defences_are_applied_before_the_attack(network: nn.Module, items: Array) -> None:
    plain = audited(network, items, Ratio(), records=6)
    noised = audited(network, items, Ratio(), records=6, defences=["gaussian:1e-1"])
    assert plain.verdict == "EXACT"
    assert noised.verdict != "EXACT"
    assert noised.setting["defences"] == ["gaussian:0.1"]


@dataclass(frozen=True)
class Bound:
    epsilon: float = 5.0
    delta: float = 1e-5
    prior: float = 0.1
    chance: float = 0.5


def test_a_bound_is_said_where_nothing_was_shown_and_beside_a_leak(network: nn.Module, items: Array) -> None:
    quiet = audited(network, items, Blind(), accountant=Bound(), defences="private")
    assert quiet.verdict == "BOUNDED"
    assert "ε = 5, δ = 1e-05" in quiet.sentences()[0]
    assert "a chance above 0.5" in quiet.sentences()[0]
    # so little noise that labels come back; records are bounded all the same, where they are hard to guess
    loud = audited(network, items, Ratio(), delta=1e-5, prior=1e-300, defences="private:0.05:2")
    assert loud.verdict == "LABEL ONLY"
    assert any("ε = " in one and "with a chance of 1e-300" in one for one in loud.sentences()[1:])


def test_what_cannot_be_audited_is_refused_before_an_attack_runs(network: nn.Module, items: Array) -> None:
    timed = Timed()
    with pytest.raises(DisclosureError, match="received 40 items and 39 labels"):
        audit(network, items, LABELS[1:], attacks=[timed])
    with pytest.raises(DisclosureError, match="A message of 50 records needs as many; received 40"):
        audited(network, items, timed, batch=50)
    with pytest.raises(ParameterError, match=r"'knows' takes batch, .*; received 'secrets'"):
        audited(network, items, timed, knows=("secrets",))
    with pytest.raises(ParameterError, match="'seconds' must be a finite number above 0; received 0"):
        audited(network, items, timed, seconds=0)
    with pytest.raises(UnknownName, match="'gossip' is not a registered message"):
        audited(network, items, timed, share="gossip")
    with pytest.raises(UnknownName, match="'magic' is not a defence"):
        audited(network, items, timed, defences="magic")
    with pytest.raises(ParameterError, match="A bound needs a finite epsilon"):
        audited(network, items, timed, accountant=Bound(chance=2.0), defences="private")
    with pytest.raises(ParameterError, match=r"by the defence 'private'; received gaussian:1\.0"):
        audited(network, items, timed, accountant=Bound(), defences="gaussian:1")
    assert timed.noted == []


def test_an_attack_that_breaks_off_is_named_and_the_others_go_on(network: nn.Module, items: Array) -> None:
    report = audited(network, items, Broken(), Ratio())
    assert report.verdict == "EXACT"
    broken = next(one for one in report.outcomes if one.attack == "Broken")
    assert (broken.why, broken.reason) == ("broke off", "It broke off with ValueError: shapes (3,) and (4,)")
    assert any(
        one.startswith("The attack Broken broke off with an error on 20 of 20") for one in report.remarks
    )


def test_whoever_ends_the_work_is_heard(network: nn.Module, items: Array) -> None:
    class Enough(Exception):
        pass

    for fault in (KeyboardInterrupt, Enough):
        with pytest.raises(fault):
            audited(network, items, Broken(fault), records=1)


def test_a_report_is_read_without_a_model_library(network: nn.Module, items: Array, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(audited(network, items, Blind()).to_json(), encoding="utf-8")
    script = (
        "import sys; from nextlabel.leakage import Report, audit; "
        f"Report.from_json(open({str(tmp_path / 'report.json')!r}, encoding='utf-8').read()).sentences(); "
        "sys.exit(','.join({'torch', 'transformers', 'opacus', 'skimage'} & set(sys.modules)) or None)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_the_room_names_what_it_has() -> None:
    assert {"Disclosure", "Knowledge", "Report", "audit", "check", "remarks"} <= set(dir(leakage))
    assert {name: getattr(leakage, name).__name__ for name in leakage.__all__} == {
        name: name for name in leakage.__all__
    }
    with pytest.raises(AttributeError, match=r"'nextlabel\.leakage' has no attribute 'gossip'"):
        leakage.gossip  # noqa: B018


def test_progress_is_told_and_ends(network: nn.Module, items: Array) -> None:
    heard: list[tuple[str, int, int]] = []
    with reporting(lambda what, done, of: heard.append((what, done, of))):
        audited(network, items, Blind(), Timed(), records=2)
    assert heard[0] == ("attacking with Blind", 0, 4)
    assert heard[-1] == ("attacks done", 4, 4)
    assert [done for _, done, _ in heard] == [0, 1, 2, 3, 4]


def test_a_report_is_read_from_its_json(network: nn.Module, items: Array) -> None:
    bounded = audited(network, items, Blind(), accountant=Bound(), defences="private")
    for report in (audited(network, items, Ratio()), bounded):
        again = Report.from_json(report.to_json())
        assert again.to_json() == report.to_json()
        assert again.verdicts == report.verdicts
        assert again.fingerprint == report.fingerprint


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', "nonsense"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=r"Give report\.json"):
        Report.from_json(text)
    with pytest.raises(ParameterError, match="has version 9; this one reads version 1"):
        Report.from_json('{"version": 9, "verdict": "EXACT"}')
