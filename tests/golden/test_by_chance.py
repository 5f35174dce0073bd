"""What an attack shows of any record as often, it does not show of its own."""

from collections.abc import Sequence

import numpy as np

from nextlabel.core.attack import Recovery
from nextlabel.core.disclosure import Array
from nextlabel.core.registry import resolve
from nextlabel.leakage.attempts import AS_GUESSED, TOO_FEW, Attempt, Batch, scored
from nextlabel.leakage.by_chance import BY_CHANCE, Bystanders
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.notes import remarks_on
from nextlabel.leakage.verdicts import EXACT, NOT_SHOWN, RECOGNISABLE

ITEMS = np.random.default_rng(5).uniform(size=(60, 6)).astype(np.float32)


def case_of(items: Array = ITEMS, batch: int = 2, records: int = 20) -> Case:
    network = resolve("network", "known_leak")(items.shape[1:], 3)
    setting = CaseSetting(batch=batch, records=records, seed=1, bounds=(0.0, 1.0), knows=("batch",))
    return Case(network, items, np.arange(len(items)) % 3, setting)


def settled(case: Case, found: Sequence[Array]) -> tuple[Attempt, ...]:
    recoveries = [Recovery("recovered", items=one, residual=0.0) for one in found]
    attempts = [laid(one, case.batches[k], k) for k, one in enumerate(recoveries)]
    return Bystanders(case).settle(attempts, recoveries)


def laid(recovery: Recovery, batch: Batch, message: int) -> Attempt:
    return scored("told", recovery, batch, kind="full", message=message, classes=3)


def flat(made: Sequence[Attempt]) -> list[str]:
    return [verdict for one in made for verdict in one.verdicts]


def test_records_that_come_back_from_their_own_message_stay_exact() -> None:
    case = case_of()
    assert flat(settled(case, [one.items for one in case.batches])) == [EXACT] * 20


def test_a_lone_exact_record_stays_exact() -> None:
    case = case_of()
    found = [np.full((2, 6), 0.5) for _ in case.batches]
    found[3] = case.batches[3].items
    assert flat(settled(case, found)).count(EXACT) == 2


def test_what_is_shown_whatever_the_message_says_is_not_shown() -> None:
    """The broken attack: it names records of all messages, and so, now and then, one of its own."""
    case = case_of()
    named = np.concatenate([case.batches[0].items[:1], case.batches[1].items[:1]])
    recoveries = [Recovery("recovered", items=named)] * len(case.batches)
    raw = [laid(one, case.batches[k], k) for k, one in enumerate(recoveries)]
    assert flat(raw).count(EXACT) == 2
    made = Bystanders(case).settle(raw, recoveries)
    assert set(flat(made)) == {NOT_SHOWN}
    assert [one.why for one in made[:2]] == [BY_CHANCE] * 2


def test_a_stray_hit_elsewhere_costs_no_clear_success() -> None:
    case = case_of()
    found = [one.items for one in case.batches]
    found[0] = np.concatenate([found[0][:1], case.batches[5].items[:1]])
    assert flat(settled(case, found)).count(EXACT) == 19


def test_records_outside_the_messages_count_where_messages_are_few() -> None:
    case = case_of(batch=2, records=2)  # a single message, so that no other one can tell
    outside = np.setdiff1d(np.arange(60), case.positions.ravel())[:2]
    own, foreign = case.batches[0].items, case.items[outside]
    assert flat(settled(case, [own])) == [EXACT, EXACT]
    assert flat(settled(case, [np.concatenate([own[:1], foreign[:1]])])) == [NOT_SHOWN] * 2


def test_exact_by_chance_may_still_be_recognisable() -> None:
    """Every own record comes near; of the exact ones there are as many elsewhere."""
    case = case_of(batch=1)
    found = [one.items + np.float32(0.02) for one in case.batches]
    found[0], found[1] = case.batches[0].items, case.batches[2].items
    made = settled(case, found)
    assert made[0].verdicts == (RECOGNISABLE,)
    assert EXACT not in flat(made)


def test_of_few_columns_nearer_than_others_is_not_near_enough_and_that_is_said() -> None:
    """Of two columns 30 dB above the guess are asked for; the errors here are a hundredth of the range."""
    case = case_of(ITEMS[:, :2], batch=1)
    made = [
        laid(Recovery(outcome, items=one.items + np.float32(0.01)), one, number)
        for number, one in enumerate(case.batches)
        for outcome in ("failed", "unidentifiable")
    ]
    near = [one for one in made if one.verdicts == (NOT_SHOWN,) and one.outcome == "failed"]
    assert len(near) > 10
    assert {one.why for one in near} <= {TOO_FEW, "optimiser failed"}
    assert sum(one.why == TOO_FEW for one in near) > 10
    assert TOO_FEW not in {one.why for one in made if one.outcome == "unidentifiable"}


def test_where_every_record_has_a_twin_nothing_can_be_shown_and_the_report_says_so() -> None:
    case = case_of(np.repeat(ITEMS[:6], 10, axis=0))
    made = settled(case, [one.items for one in case.batches])
    assert set(flat(made)) == {NOT_SHOWN}
    assert {one.why for one in made} == {AS_GUESSED}
    said = " ".join(remarks_on(case, made))
    assert "Of 20 of 20 records another one is the same" in said
    assert "another one is the same" not in " ".join(remarks_on(case_of(), ()))
