"""An attack that broke off was not tried: no sentence, interval, page or sweep says that it failed."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import pytest
from torch import nn

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.leakage import Report, audit
from nextlabel.leakage.advice import advise
from nextlabel.leakage.attacks.fully_connected import FullyConnected
from nextlabel.leakage.attacks.label_inference import LabelInference
from nextlabel.leakage.sweep import sweep
from nextlabel.leakage.trials import Trial, sweep_words

RECORDS = 5


@final
@dataclass(frozen=True)
class BreaksOff(Attack):
    """Reads some messages and gives nothing; on the others it ends with an error."""

    reading: int = 0
    by: Attack | None = None
    seen: list[int] = field(default_factory=list)

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"full"})

    @property
    def recovers(self) -> frozenset[str]:
        return frozenset({"items"})

    @property
    def cost(self) -> str:
        return "decomposition"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        self.seen.append(len(self.seen))
        if len(self.seen) > self.reading:
            message = "no derivative of some_operation"
            raise AttributeError(message)
        if self.by is None:
            return Recovery("failed", "nothing was found")
        return self.by.recover(disclosure, knowledge, rng)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    made: nn.Module = resolve("network", "known_leak")((4,), 3)
    return made


@pytest.fixture(scope="module")
def items() -> Array:
    return np.random.default_rng(0).uniform(size=(40, 4)).astype(np.float32)


def audited(network: nn.Module, items: Array, *attacks: str | Attack) -> Report:
    labels = np.arange(len(items)) % 3
    return audit(network, items, labels, attacks=attacks, records=RECORDS, controls=False)


def test_where_every_attempt_broke_off_nothing_is_said_to_have_failed(
    network: nn.Module, items: Array
) -> None:
    report = audited(network, items, BreaksOff())
    assert not report.is_tried
    assert report.sentences()[0] == (
        "NOT SHOWN: no attack was brought to bear on full gradients of single records: each was left out, "
        "did not apply or broke off. This says nothing of what they give away. Broke off with an error, and "
        "tried nothing: BreaksOff (5 of 5 messages). No controls ran."
    )
    assert any(
        "The attack BreaksOff broke off with an error on 5 of 5 messages" in one for one in report.remarks
    )
    page = report.html()
    assert "attacks tried failed" not in page.split("What this does not say")[0]
    assert "47.8 %" not in page  # the lower end for 5 of 5
    assert "0 of 5" not in page
    assert Report.from_json(report.to_json()).sentences() == report.sentences()


def test_the_interval_counts_the_records_that_an_attack_was_tried_on(
    network: nn.Module, items: Array
) -> None:
    report = audited(network, items, BreaksOff(reading=2))
    assert report.is_tried
    # 0 of 2: the upper end is 1 - 0.025^(1/2) = 84.19 %
    assert report.sentences()[0].startswith(
        "NOT SHOWN: no record of 2 came back from full gradients of single records (at most 84.2 % of such "
        "records by these attacks, with 95 % confidence), 0 of 120 seconds spent. On 3 more no attack was "
        "brought to bear. The attacks tried failed; this is no proof of safety. Broke off with an error, and "
        "tried nothing: BreaksOff (3 of 5 messages)."
    )
    (summary,) = report.summaries
    assert (summary.messages, summary.records) == (2, 2)
    assert "0 of 2<" in report.html()


def test_labels_alone_say_nothing_of_records_on_which_all_broke_off(network: nn.Module, items: Array) -> None:
    few = audited(network, items, LabelInference(), BreaksOff())
    assert few.verdict == "NOT SHOWN"  # of five labels a guess is right often enough
    assert few.sentences()[0].startswith(
        "NOT SHOWN: but for attacks on labels alone, no attack was brought to bear on full gradients"
    )
    labels = np.arange(len(items)) % 3
    report = audit(
        network, items, labels, attacks=(LabelInference(), BreaksOff()), records=20, controls=False
    )
    assert report.sentences()[0] == (
        "LABEL ONLY: 20 of 20 records gave away their label, not themselves (100.0 %; 95 % interval 83.1 % "
        "to 100.0 %) from full gradients of single records. No attack on the records themselves was brought "
        "to bear: nothing is known of them. Broke off with an error, and tried nothing: BreaksOff (20 of 20 "
        "messages). No controls ran."
    )


def test_what_was_brought_back_stands_beside_what_broke_off(network: nn.Module, items: Array) -> None:
    report = audited(network, items, BreaksOff(), "fully_connected")
    assert report.sentences()[0].startswith("EXACT: 5 of 5")
    assert "Broke off" not in report.sentences()[0]


def test_why_not_says_of_which_records(network: nn.Module, items: Array) -> None:
    report = audited(network, items, BreaksOff(reading=1))
    first, *others = [one.position for one in report.standings]
    page = report.html()
    assert f"Why not records {', '.join(map(str, others))}: broke off: BreaksOff." in page
    assert f"Why not record {first}: gave no item: BreaksOff." in page


def test_many_reasons_and_records_are_counted(network: nn.Module, items: Array) -> None:
    report = audited(network, items, BreaksOff())
    (one, *_) = report.standings
    many = [dataclasses.replace(one, position=k, why=f"reason {max(0, k - 11)}") for k in range(19)]
    page = dataclasses.replace(report, standings=tuple(many)).html()
    assert "Why not records 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more: reason 0." in page
    assert "Why not record 16: reason 5." in page
    assert "Why not 2 more records: in report.json." in page


def test_a_defence_is_not_said_to_end_an_attack_that_broke_off(network: nn.Module, items: Array) -> None:
    """The attack takes all four records without a defence, one with it, and breaks off at the others."""
    trials = sweep(
        network,
        items,
        np.arange(len(items)) % 3,
        ["prune:0%"],
        attacks=[BreaksOff(reading=5, by=FullyConnected())],
        records=4,
        seeds=0,
    )
    bare, pruned = trials
    assert (bare.leaked, dict(bare.broken)) == (4, {})
    assert (pruned.leaked, dict(pruned.broken)) == (1, {"BreaksOff": 3})
    assert Trial.read(pruned.to_dict()) == pruned
    assert sweep_words(trials)[-2] == (
        "The attack BreaksOff broke off with an error on the messages of these records, and tried nothing "
        f"there: {pruned.words} 3 of 4. Nothing is said to have ended it there."
    )


@pytest.mark.parametrize(
    ("broken", "ending"), [({"search": 20}, "unknown, since attempts broke off"), ({}, "0")]
)
def test_what_took_nothing_since_it_broke_off_has_not_ended(broken: dict[str, int], ending: str) -> None:
    took = {"search": 20}
    bare = Trial("none", None, "no defence", 20, leaked=20, labels=20, by_attack=took)
    noisy = Trial("gaussian", 0.1, "noise of 0.1", 20, leaked=0, labels=0, broken=broken)
    first = advise([bare, noisy])[0]
    assert ("broke off with an error" in first) == bool(broken)
    assert ending in first


def test_what_broke_off_without_a_defence_too_leaves_the_others_as_they_are() -> None:
    broken = {"search": 20}
    bare = Trial("none", None, "no defence", 20, leaked=20, labels=20, by_attack={"ratio": 20}, broken=broken)
    noisy = Trial("gaussian", 0.1, "noise of 0.1", 20, leaked=0, labels=0, broken=broken)
    assert advise([bare, noisy])[0].startswith(
        "The attacks together took 20 of 20 items without a defence and 0 of 20 items with noise of 0.1."
    )


@final
@dataclass(frozen=True)
class Forgetful(Attack):
    """Its author forgot to return what it found."""

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"full"})

    @property
    def recovers(self) -> frozenset[str]:
        return frozenset({"items"})

    @property
    def cost(self) -> str:
        return "decomposition"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Any:
        return None


def test_an_attack_that_returns_nothing_breaks_off(network: nn.Module, items: Array) -> None:
    """The whole report was lost."""
    report = audited(network, items, Forgetful(), "label_inference")
    (why,) = {one.reason for one in report.outcomes if one.why == "broke off"}
    assert why == "It broke off with AssertionError: recover must return a Recovery, not None"
    assert {one.outcome for one in report.outcomes if one.attack == "label_inference"} == {"recovered"}
