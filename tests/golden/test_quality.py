"""Looks at the model's quality: when they are due, what they hold, and what is said of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sklearn.metrics import f1_score

from nextlabel.campaign.events import (
    Asked,
    Certifying,
    Created,
    Event,
    Extended,
    Fitted,
    Measured,
    Noted,
    Released,
    Retracted,
    Revised,
    Skipped,
    Stopped,
    Told,
    to_entry,
)
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.core.task import Label
from nextlabel.errors import CampaignError, LabelError
from nextlabel.evaluation.quality import (
    LOOKS,
    Look,
    band,
    due,
    look,
    looks,
    newest,
    reached,
    sentence,
    wanted,
)
from nextlabel.evaluation.steering import steered

IDS = tuple(f"item {number}" for number in range(600))
RESERVE = tuple(range(599, 479, -1))
ORDER = tuple(IDS[place] for place in RESERVE)


def begun(**changes: Any) -> Created:
    made = Created(
        0.0,
        7,
        {"kind": "class", "classes": ("cat", "dog")},
        IDS,
        "",
        None,
        {"name": "sklearn"},
        "",
        {"name": "margin"},
        {"name": "random"},
        "margin",
        0.1,
        RESERVE,
        "0",
    )
    return replace(made, **changes)


def told(many: int, label: Label = "cat", first: int = 0) -> Told:
    return Told(1.0, {id: label for id in ORDER[first:many]})


def fitted(labels: int = 450, through: int = 3) -> Fitted:
    return Fitted(2.0, "model", "learner", 9, labels, through)


def after(*events: Event, **changes: Any) -> State:
    return fold(None, [begun(**changes), *events])


def saying(label: Label, wrong: int = 0, other: Label = "dog") -> Mapping[str, Label]:
    """Predictions of the reserve, the first few of them wrong."""
    return {id: other if place < wrong else label for place, id in enumerate(ORDER)}


def measured(one: Look) -> Measured:
    return Measured(3.0, "quality", json.loads(json.dumps(one.values())), "model")


def asked(
    strategy: Mapping[str, Any], learner: str = "learner", arms: tuple[str, ...] = ("active",)
) -> Asked:
    ids = IDS[: len(arms)]
    return Asked(4.0, "t", 0, "", None, ids, arms, (0,) * len(arms), None, None, strategy, learner, None, 7)


def entries(*events: Any) -> list[dict[str, Any]]:
    return [to_entry(event) for event in events]


def test_a_look_is_due_when_its_count_of_control_items_is_answered() -> None:
    assert due(after(told(49))) is None
    assert due(after(told(50))) == 0
    assert due(after(told(62))) == 0
    assert due(after(told(63))) == 1


def test_of_several_looks_that_are_reached_at_once_the_last_is_taken() -> None:
    assert due(after(told(100))) == 3
    assert LOOKS[3] == 98


def test_a_look_is_taken_once() -> None:
    state = after(told(62), fitted())
    first = look(state, saying("cat"))
    again = fold(state, [measured(first)])
    assert due(again) is None
    assert due(fold(again, [told(63, first=62)])) == 1
    assert due(fold(again, [Retracted(5.0, ORDER[:20])])) is None


def test_a_gap_in_the_reserves_order_waits() -> None:
    state = after(told(80), Retracted(2.0, ORDER[49:50]))
    assert (reached(state), due(state)) == (49, None)
    assert due(fold(state, [Skipped(3.0, ORDER[49:50], "", "blurred")])) == 2


def test_labels_that_nobody_asked_for_count_as_well() -> None:
    """The first of the order are a uniform draw, however their labels came."""
    assert due(after(Told(1.0, dict.fromkeys(ORDER[:30], "cat")), told(50, first=30))) == 0


def test_the_items_of_a_look_are_the_first_of_the_order_asked_or_not() -> None:
    assert wanted(after(told(49))) == ()
    assert wanted(after(told(70))) == ORDER[:63]


def test_no_look_is_due_without_a_reserve() -> None:
    assert due(after(told(63), Released(2.0))) is None
    assert due(after(told(63), reserve=())) is None
    assert due(after(told(63), control=0.0)) is None


def test_items_that_came_later_are_another_draw_and_not_looked_at() -> None:
    more = tuple(f"more {number}" for number in range(100))
    later = Extended(1.0, more, "", None, tuple(range(600, 620)))
    answers = Told(2.0, {id: "cat" for id in (*ORDER, *more[:20])})
    state = after(later, answers)
    assert len(state.reserve) == 140
    assert reached(state) == 120
    assert due(state) == LOOKS.index(98)


def test_a_look_counts_the_first_items_of_the_order_alone() -> None:
    state = after(told(62), fitted())
    found = look(state, saying("cat", wrong=10))
    assert (found.asked, found.right, found.skipped) == (50, 40, 0)
    assert (found.low, found.high) == band(40, 50)
    assert (found.look, found.labels, found.items, found.through) == (0, 450, 600, 3)
    assert look(state, saying("cat", wrong=10), labels=9).labels == 9


def test_skipped_items_are_wrong_for_the_lower_end_and_right_for_the_upper() -> None:
    state = after(told(45), Skipped(2.0, ORDER[45:50]), fitted())
    found = look(state, saying("cat", wrong=4))
    assert (found.right, found.skipped) == (41, 5)
    assert (found.low, found.high) == (band(41, 50)[0], band(46, 50)[1])


def test_above_a_tenth_of_skips_there_is_no_band() -> None:
    found = look(after(told(44), Skipped(2.0, ORDER[44:50]), fitted()), saying("cat"))
    assert (found.low, found.high) == (None, None)
    assert "no band (44 of 50 control items right, 6 skipped)" in found.sentence()
    assert "More than a tenth of the control items were skipped, 6 of 50" in found.sentence()
    assert Look.read(found.values()) == found


def test_nobody_answered_anything_is_said_without_a_number() -> None:
    found = look(after(Skipped(2.0, ORDER[:50])), saying("cat"))
    assert (found.right, found.skipped, found.macro_f1, found.labels) == (0, 50, None, 0)
    assert found.indication() == ""


def test_a_corrected_label_counts_in_the_next_look_and_the_last_one_stays() -> None:
    state = after(told(50), fitted())
    first = look(state, saying("cat"))
    state = fold(state, [measured(first), Told(4.0, {ORDER[0]: "dog"}), told(63, first=50)])
    second = look(state, saying("cat"))
    assert (first.right, second.right) == (50, 62)
    assert newest(state) == first
    assert looks(fold(state, [measured(second)])) == (first, second)


def test_several_people_are_taken_by_their_majority() -> None:
    others = [Told(2.0, {ORDER[0]: "dog"}, who) for who in ("Ada", "Ben")]
    assert look(after(told(50), *others), saying("cat")).right == 49


def test_of_several_classes_the_whole_set_must_be_right() -> None:
    task = {"kind": "classes", "classes": ("cat", "dog")}
    labels: dict[str, Label] = {id: ("cat",) for id in ORDER[:50]}
    labels[ORDER[0]] = ()
    said = {**saying(("cat",)), ORDER[0]: (), ORDER[1]: ("cat", "dog"), ORDER[2]: ("dog",)}
    found = look(after(Told(1.0, labels), task=task), said)
    assert found.right == 48
    assert found.f1["cat"] == pytest.approx(2 * 48 / (49 + 48))
    assert found.f1["dog"] == 0.0
    assert "(48 of 50 control items right in their whole set of classes)" in found.sentence()


def test_f1_is_that_of_the_items_answered_and_has_no_band() -> None:
    answers = Told(1.0, {id: "dog" if place % 3 else "cat" for place, id in enumerate(ORDER[:50])})
    state = after(answers, fitted())
    said = {id: "cat" if place % 5 else "dog" for place, id in enumerate(ORDER)}
    found = look(state, said)
    truth = [str(state.label(id)) for id in ORDER[:50]]
    assert found.macro_f1 == pytest.approx(f1_score(truth, [said[id] for id in ORDER[:50]], average="macro"))
    assert found.macro_f1_low is not None
    assert found.macro_f1_high is not None
    assert found.macro_f1_low < float(found.macro_f1 or 0.0) < found.macro_f1_high
    assert look(state, said) == found
    assert "(macro-F1). That is a rough figure without a band" in found.indication()
    assert "Do not hold it against a target" in found.indication()


def test_a_class_that_does_not_occur_has_no_f1() -> None:
    found = look(after(told(50)), saying("cat"))
    assert found.f1 == {"cat": 1.0, "dog": None}
    assert found.macro_f1 == 1.0


def test_more_errors_never_raise_what_is_shown() -> None:
    state = after(told(50))
    found = [look(state, saying("cat", wrong=wrong)) for wrong in range(51)]
    ends = [(one.low or 0.0, one.high or 0.0) for one in found]
    assert ends == sorted(ends, reverse=True)
    assert [end[1] for end in ends] == sorted((end[1] for end in ends), reverse=True)


def test_a_look_off_the_schedule_is_refused() -> None:
    with pytest.raises(
        CampaignError, match=r"49 control items answered or skipped, and the next look is at 50"
    ):
        look(after(told(49)), saying("cat"))
    state = after(told(50))
    taken = fold(state, [measured(look(state, saying("cat")))])
    with pytest.raises(CampaignError, match="the next look is at 63"):
        look(taken, saying("cat"))
    with pytest.raises(CampaignError, match=r"the next look is none \(no control share was asked for\)"):
        look(after(control=0.0, reserve=()), saying("cat"))
    last = replace(look(state, saying("cat")), look=16)
    with pytest.raises(CampaignError, match=r"the next look is none \(all were taken\)"):
        look(fold(state, [measured(last)]), saying("cat"))


def test_predictions_that_do_not_fit_are_refused() -> None:
    state = after(told(50))
    with pytest.raises(LabelError, match=f"received none for '{ORDER[0]}'"):
        look(state, {id: "cat" for id in ORDER[1:]})
    with pytest.raises(LabelError, match="must be one of cat, dog; received 'cow'"):
        look(state, saying("cow"))


def test_the_values_of_a_look_are_json_and_come_back_whole() -> None:
    found = look(after(told(50), fitted()), saying("cat", wrong=3))
    assert Look.read({**json.loads(json.dumps(found.values())), "of a later version": 1}) == found


def test_what_is_said_below_fifty() -> None:
    assert sentence(after(told(23))) == (
        "Quality: not measured yet; 23 of the first 50 control items are answered."
    )


def test_what_is_said_without_a_reserve() -> None:
    assert "no control share was asked for" in sentence(after(control=0.0, reserve=()))
    assert "the pool had 600 items, and a control arm needs at least 500" in sentence(after(reserve=()))
    assert "the control reserve was released" in sentence(after(Released(1.0)))


def test_a_certificate_is_promised_while_one_can_be_had_and_there_is_none() -> None:
    def said(*events: Event) -> str:
        return sentence(after(*events, reserve=()))

    promise = "A certificate can be had at the end."
    certifying = Certifying(2.0, "model", IDS[:20], 600, 0.05, "two", "")
    everything = Told(1.0, dict.fromkeys(IDS, "cat"))
    assert said().endswith(promise)
    assert said(Told(1.0, {IDS[0]: "cat"})).endswith(promise)
    assert said(Stopped(1.0, "enough")).endswith("at least 500.")
    assert said(everything).endswith("at least 500.")
    assert said(fitted(), certifying).endswith(
        "at least 500. What is known of the labels is in the certificate."
    )


def test_what_is_said_of_a_look() -> None:
    state = after(told(50), fitted())
    state = fold(state, [measured(look(state, saying("cat", wrong=10)))])
    assert sentence(state) == (
        "Accuracy on new items like the 600 of the pool, of the model trained on 450 labels: between 60.9 % "
        "and 92.7 % (40 of 50 control items right). In at least 95 of 100 campaigns every such band holds "
        "the truth, at whichever look one stops."
    )


def test_the_band_that_is_shown_holds_the_band_that_was_computed() -> None:
    state = after(told(50), fitted())
    for wrong in range(51):
        found = look(state, saying("cat", wrong=wrong))
        shown = re.search(r"between ([\d.]+) % and ([\d.]+) %", found.sentence())
        assert shown is not None
        assert found.low is not None
        assert found.high is not None
        assert float(shown[1]) <= 100 * found.low < float(shown[1]) + 0.11
        assert float(shown[2]) - 0.11 < 100 * found.high <= float(shown[2])


def test_what_has_changed_since_a_look_is_said_with_it() -> None:
    state = after(told(50), fitted())
    found = look(state, saying("cat"))
    looked = fold(state, [measured(found)])
    revised = fold(looked, [Revised(5.0, ("cat", "dog", "owl"), {"cat": "cat", "dog": "dog"})])
    assert sentence(revised).endswith("The classes have changed since: it speaks of those before.")
    new = measured(replace(found, through=revised.revised))
    assert "have changed since" not in sentence(fold(revised, [new]))
    assert "were released since" in sentence(fold(looked, [Released(5.0)]))
    last = fold(state, [measured(replace(found, look=16, asked=1777, right=1700))])
    assert sentence(last).endswith("It was the last look that the schedule has.")


def test_a_strategy_changed_by_a_person_after_a_look_is_seen() -> None:
    one = measured(look(after(told(50)), saying("cat")))
    margin, badge = {"name": "margin"}, {"name": "badge"}
    path = [begun(), asked({"name": "random"}), asked(margin), one, asked(margin)]
    assert steered(entries(*path)) == ""
    assert steered(entries(*path, asked(badge))) == "strategy"
    assert steered(entries(*path, asked(badge, arms=("certificate",)))) == ""
    assert steered(entries(*path, asked(margin, "other"))) == "learner"
    both = [*path, asked(badge, "other")]
    assert steered(entries(*both)) == "strategy and the learner"
    before = [begun(), asked(badge), one, asked(badge)]
    assert steered(entries(*before)) == ""


def test_what_auto_changes_after_a_look_is_no_persons_choice() -> None:
    one = measured(look(after(told(50)), saying("cat")))
    badge = {"name": "badge"}
    path = [begun(strategy={"name": "auto"}), asked({"name": "margin"}), one, asked(badge)]
    note = Noted(5.0, 'auto: {"name": "badge"}. many labels: a reason', author="auto")
    assert steered(entries(*path)) == "strategy"
    assert steered(entries(*path, note)) == ""
    assert steered(entries(*path, note, asked(badge))) == ""
    assert steered(entries(*path, replace(note, author="Ada"))) == "strategy"
    by_a_person = asked({"name": "coreset"})
    for both in ([by_a_person, *path[-1:], note], [*path[-1:], by_a_person, note]):
        assert steered(entries(*path[:-1], *both)) == "strategy"  # the remark is about the other change


def test_a_strategy_that_cannot_be_written_down_is_told_apart_all_the_same() -> None:
    one = measured(look(after(told(50)), saying("cat")))
    path = [begun(strategy=None), asked({"repr": "Mine(1)"}), one, asked({"repr": "Mine(1)"})]
    assert steered(entries(*path)) == ""
    assert steered(entries(*path, asked({"repr": "Mine(2)"}))) == "strategy"
