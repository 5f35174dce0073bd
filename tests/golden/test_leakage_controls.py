"""Controls: what must be found is found, what is not there is not, and a broken report is void."""

import dataclasses

import numpy as np
import pytest

from nextlabel.core.attack import Recovery
from nextlabel.core.disclosure import Array
from nextlabel.core.registry import resolve
from nextlabel.leakage import audit
from nextlabel.leakage.attempts import Attempt, attempt, scored
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.controls import FALSE_ALARM, known_case, known_controls, own_control
from nextlabel.testing.plain_attacks import Told

ITEMS = np.random.default_rng(3).uniform(size=(24, 6)).astype(np.float32)
LABELS = np.arange(24) % 4


def case_of(items: Array = ITEMS) -> Case:
    network = resolve("network", "known_leak")((6,), 4)
    return Case(network, items, LABELS, CaseSetting(seed=2, bounds=(0.0, 1.0), knows=("batch",)))


def tried(case: Case, shift: int, *, has_items: bool = True) -> tuple[list[Attempt], list[Recovery]]:
    """Attempts by an attack that was told the truth of the message so many further on."""
    attempts, recoveries = [], []
    for message in range(len(case.batches)):
        truth = case.batches[(message + shift) % len(case.batches)]
        attack = Told(truth.items if has_items else None, truth.labels)
        sent, told = case.disclosure(message), case.knowledge(message)
        recovery, _ = attempt("told", attack, sent, told, message=message, seed=0)
        made = scored("told", recovery, case.batches[message], kind="full", message=message, classes=4)
        attempts.append(made)
        recoveries.append(recovery)
    return attempts, recoveries


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_known_network_leaks_and_nothing_else_does(seed: int) -> None:
    found = known_controls(seed)
    assert [one.name for one in found] == [
        "positive control, a network known to leak",
        "null control, gradient of another record",
        "null control, random arrays",
    ]
    assert [one.said for one in found if not one.is_passed] == []
    assert found[0].said == "20 of 20 known records exact, 20 of 20 labels right"
    assert found[1].said.startswith("0 of 20 records shown")


def test_the_positive_control_fails_where_attacks_do_not_work() -> None:
    """The broken twin: an attack that gives the same item whatever the message says."""
    positive, _, random = known_controls(0, {"told": Told(np.zeros((1, 64)), np.array([3]))})
    assert not positive.is_passed
    assert positive.said.startswith("0 of 20 known records exact, ")
    assert random.is_passed


def test_a_null_control_fails_where_an_attack_knows_a_record() -> None:
    """The broken twin: a record of the known network is given back, whatever the message says."""
    digits = known_case(0)
    record = digits.batches[4].items
    positive, other, random = known_controls(0, {"told": Told(record, None)})
    assert not positive.is_passed
    assert not other.is_passed
    assert not random.is_passed
    assert other.said == "1 of 20 records shown; no labels claimed"


def test_an_honest_attack_passes_the_null_control_of_the_own_messages() -> None:
    case = case_of()
    found = own_control(case, *tried(case, shift=0))
    assert found.is_passed
    assert found.said.startswith("0 of 20 records of another message shown; ")


def test_an_attack_that_knows_another_record_is_caught() -> None:
    """The broken twin: the truth of the next message is given back, which no message can tell."""
    case = case_of()
    found = own_control(case, *tried(case, shift=1))
    assert not found.is_passed
    assert found.said.startswith("20 of 20 records of another message shown; 20 of 20 labels right")


def test_labels_of_another_record_are_caught_alone() -> None:
    case = case_of()
    found = own_control(case, *tried(case, shift=1, has_items=False))
    assert not found.is_passed
    assert found.said == "0 of 0 records of another message shown; 20 of 20 labels right"


@pytest.mark.parametrize(("hits", "is_passed"), [(1, True), (2, True), (12, False), (20, False)])
def test_a_few_recognisable_records_of_another_message_are_chance(hits: int, is_passed: bool) -> None:
    """Beside 23 other items each of 20 answers hits with a chance of 1 in 24: 12 do once in 3e11 times."""
    case = case_of()
    rng = np.random.default_rng(0)
    recoveries = [
        Recovery(
            "recovered",
            items=case.batches[(k + 1) % 20].items + 0.003 * rng.normal(size=(1, 6))
            if k < hits
            else rng.uniform(5.0, 6.0, size=(1, 6)),
        )
        for k in range(20)
    ]
    attempts = [
        scored("near", one, case.batches[k], kind="full", message=k, classes=4)
        for k, one in enumerate(recoveries)
    ]
    found = own_control(case, attempts, recoveries)
    assert found.is_passed is is_passed
    by_chance = ", no more than by chance" if is_passed else ""
    assert found.said == f"{hits} of 20 records of another message shown{by_chance}; no labels claimed"


def test_a_single_exact_record_of_another_message_is_never_chance() -> None:
    case = case_of()
    attempts, recoveries = tried(case, shift=1)
    wrong = [dataclasses.replace(one, items=np.full((1, 6), 9.0)) for one in recoveries[1:]]
    found = own_control(case, attempts, [recoveries[0], *wrong])
    assert not found.is_passed
    assert found.said.startswith("1 of 20 records of another message shown; ")


def test_records_that_are_alike_in_truth_are_left_out() -> None:
    twins = np.repeat(ITEMS[:2], 12, axis=0)
    base = case_of(twins)
    # compared with public items, a twin among the records is no guess that anybody could make
    case = Case(base.model, twins, LABELS, base.setting, public=ITEMS[2:])
    found = own_control(case, *tried(case, shift=0, has_items=True))
    assert found.is_passed
    assert "pairs left out that are alike in truth" in found.said


def test_a_single_message_has_no_other() -> None:
    case = case_of()
    lonely = Case(case.model, ITEMS, LABELS, dataclasses.replace(case.setting, records=1))
    found = own_control(lonely, *tried(lonely, shift=0))
    assert (found.is_run, found.is_passed) == (False, False)
    assert found.said == "not possible with a single message"


def test_an_own_control_without_anything_to_lay_beside_is_not_run() -> None:
    case = case_of()
    attempts, recoveries = tried(case, shift=0, has_items=False)
    empty = [dataclasses.replace(one, labels=None) for one in recoveries]
    found = own_control(case, [dataclasses.replace(one, claimed=None) for one in attempts], empty)
    assert (found.is_run, found.said) == (False, "no attack gave a record or claimed a label")


def test_what_was_not_run_is_not_counted_as_passed() -> None:
    case = case_of()
    report = audit(case.model, ITEMS, LABELS, records=1, attacks=["fully_connected"], bounds=(0.0, 1.0))
    assert not report.is_void
    said = (
        "Controls: 3 of 3 passed. Not run: null control, your own messages scored against other records "
        "(not possible with a single message)."
    )
    assert said in report.sentences()
    assert "Not run: null control, your own messages" in report.html()


def test_a_report_with_a_failed_control_is_void() -> None:
    case = case_of()
    assert FALSE_ALARM == 1e-6
    item = ITEMS[int(case.positions[0, 0])]
    # the same record whatever the message says: right for one, and so for the null control of another
    report = audit(
        case.model, ITEMS, LABELS, attacks=[Told(item[None], None)], seed=2, bounds=(0.0, 1.0), seconds=60.0
    )
    assert report.is_void
    assert report.verdict == "VOID"
    assert report.verdicts.count("EXACT") == 0  # as it shows the record of no matter which message
    assert "1 of 20 records of another message shown" in report.sentences()[0]


def test_a_valid_report_has_all_four_controls() -> None:
    case = case_of()
    report = audit(case.model, ITEMS, LABELS, attacks=["fully_connected"], seed=2, bounds=(0.0, 1.0))
    assert len(report.controls) == 4
    assert not report.is_void
    assert report.verdict == "EXACT"
    assert "Controls: 4 of 4 passed." in report.sentences()
