"""Agreement of the people of a campaign, and what they say together."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from nextlabel.campaign.events import Created, Skipped, Told
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.core.task import Label
from nextlabel.evaluation.agreement import aggregated, agreement
from nextlabel.maths.agreement import krippendorff_alpha

CLASSES = ("cat", "dog", "owl")


def told(answers: Mapping[str, Sequence[Label | None]], kind: str = "class", **changes: Any) -> State:
    """A campaign in which people answered the items "0", "1", ... in turn; None is a skip."""
    items = max(map(len, answers.values()))
    task = {"kind": kind, "classes": CLASSES}
    ids = tuple(map(str, range(items)))
    begun = Created(0.0, 7, task, ids, "", None, None, "", None, None, "margin", 0.1, (), "0")
    events: list[Told | Skipped] = []
    for who, said in answers.items():
        labels = {str(place): label for place, label in enumerate(said) if label is not None}
        events.append(Told(1.0, labels, who))
        skips = tuple(str(place) for place, label in enumerate(said) if label is None)
        events.append(Skipped(1.0, skips, who))
    return fold(None, [replace(begun, **changes), *events])


def letters(text: str) -> list[str | None]:
    names = {"c": "cat", "d": "dog", "o": "owl", ".": None}
    return [names[one] for one in text]


ADA, BEN, EVE = letters("ccddoocd"), letters("ccddoodc"), letters("cdd.o.cd")


def test_cohens_kappa_is_of_each_pair_on_what_both_answered() -> None:
    part = agreement(told({"Ada": ADA, "Ben": BEN, "Eve": EVE})).parts[""]
    assert [(pair.a, pair.b, pair.cohen.items) for pair in part.cohen] == [
        ("Ada", "Ben", 8),
        ("Ada", "Eve", 6),
        ("Ben", "Eve", 6),
    ]
    both = [(a, e) for a, e in zip(ADA, EVE, strict=True) if e is not None]
    assert part.cohen[0].cohen.value == pytest.approx(cohen_kappa_score(ADA, BEN))
    assert part.cohen[1].cohen.value == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))


def test_fleiss_kappa_is_of_the_items_with_the_usual_number_of_answers() -> None:
    part = agreement(told({"Ada": ADA, "Ben": BEN, "Eve": EVE})).parts[""]
    assert part.fleiss.items == 6
    assert "only items with 3 answers; 2 with another number are left out" in part.fleiss.why
    whole = agreement(told({"Ada": ADA, "Ben": BEN})).parts[""]
    assert (whole.fleiss.items, whole.fleiss.why) == (8, "")


def test_krippendorffs_alpha_is_of_all_items_with_two_answers() -> None:
    found = agreement(told({"Ada": [*ADA, "cat"], "Ben": BEN, "Eve": EVE}))
    counts = np.zeros((8, 3), dtype=np.int64)
    for said in (ADA, BEN, EVE):
        for place, label in enumerate(said):
            if label is not None:
                counts[place, CLASSES.index(label)] += 1
    assert found.items == 8
    assert found.parts[""].krippendorff.value == pytest.approx(krippendorff_alpha(counts))


def test_the_newest_answer_of_a_person_counts() -> None:
    state = told({"Ada": ADA, "Ben": BEN})
    again = fold(state, [Told(2.0, {"6": "cat", "7": "dog"}, "Ben")])
    assert agreement(again).parts[""].krippendorff.value == 1.0


def test_without_common_items_agreement_is_unknown() -> None:
    found = agreement(told({"Ada": letters("cc.."), "Ben": letters("..dd")}))
    assert (found.items, found.people, found.parts) == (0, (), {})
    assert found.sentence() == "Agreement: unknown, since no item has answers of two people."


def test_one_class_alone_has_no_coefficient_and_says_why() -> None:
    found = agreement(told({"Ada": letters("ccc"), "Ben": letters("ccc")}))
    part = found.parts[""]
    for one in (part.cohen[0].cohen, part.fleiss, part.krippendorff):
        assert (one.value, one.items) == (None, 3)
        assert "one class" in one.why
    assert "unknown: all answers name one class" in found.sentence()


def test_only_some_items_may_be_asked_for() -> None:
    state = told({"Ada": ADA, "Ben": BEN})
    assert agreement(state, {"0", "1", "2", "3"}).parts[""].krippendorff.value == 1.0
    assert agreement(state, ()).items == 0


def test_of_several_classes_each_is_a_question() -> None:
    ada: list[Label | None] = [("cat",), ("cat", "dog"), (), ("dog",)]
    ben: list[Label | None] = [("cat",), ("cat",), (), ("dog",)]
    found = agreement(told({"Ada": ada, "Ben": ben}, kind="classes"))
    assert list(found.parts) == list(CLASSES)
    assert found.parts["cat"].krippendorff.value == 1.0
    assert found.parts["dog"].cohen[0].cohen.value == pytest.approx(
        cohen_kappa_score([0, 1, 0, 1], [0, 0, 0, 1])
    )
    assert found.parts["owl"].fleiss.value is None


def test_what_is_said_of_agreement() -> None:
    """Two of eight pairs differ: Do .25. Of 16 answers 6, 6 and 4 name a class: De 168 / 240. Alpha .643."""
    assert agreement(told({"Ada": ADA, "Ben": BEN})).sentence() == (
        "Agreement of 2 people on 8 items: Krippendorff's alpha 0.64 (1 is full agreement, 0 what chance "
        "gives)."
    )
    beside = agreement(told({"Ada": ADA, "file": BEN})).sentence()
    assert beside.startswith("Agreement of 1 person and the labels that came with the file on 8 items: ")


def test_the_values_are_json() -> None:
    said = json.loads(json.dumps(agreement(told({"Ada": ADA, "Ben": BEN, "Eve": EVE})).values()))
    assert said["people"] == ["Ada", "Ben", "Eve"]
    assert set(said["parts"][""]) == {"cohen", "fleiss", "krippendorff"}
    assert set(said["parts"][""]["cohen"][0]) == {"a", "b", "value", "items", "why"}


def test_labels_together_weigh_each_person_by_how_they_err() -> None:
    """Two careful people outvote nobody alone; who is always contrary counts for what they do not say."""
    truth = "cdcdcdcdcdcdcdcd"
    contrary = letters("".join("d" if one == "c" else "c" for one in truth))
    ada, ben = letters(truth), letters("d" + truth[1:])
    found = aggregated(told({"Ada": ada, "Ben": ben, "Eve": contrary}))
    assert [label for label, _ in found.values()] == letters(truth)
    assert all(0.5 < share <= 1.0 for _, share in found.values())
    assert found["0"][1] < found["1"][1]


def test_labels_together_of_several_classes_are_sets() -> None:
    ada: list[Label | None] = [("cat",), ("cat", "dog"), (), ("dog",)] * 3
    found = aggregated(told({"Ada": ada, "Ben": ada}, kind="classes"))
    assert [label for label, _ in found.values()] == ada
    assert min(share for _, share in found.values()) > 0.9


def test_nobody_is_weighed_where_no_item_has_two_answers() -> None:
    assert aggregated(told({"Ada": letters("cd")})) == {}
    assert aggregated(told({"Ada": letters("cd.."), "Ben": letters("..cd")})) == {}


Crowd = tuple[list[tuple[str, str, str]], dict[str, str]]
"""Votes of (person, item, answer), and true answers of items."""


def crowd(file: str) -> Crowd:
    """Real answers of a crowd, where they are there."""
    path = Path(os.environ.get("NEXTLABEL_DATA", "")) / file
    if not os.environ.get("NEXTLABEL_DATA") or not path.exists():
        pytest.skip(f"needs {file} in the folder that NEXTLABEL_DATA names")
    rows = [line.split("," if path.suffix == ".csv" else "\t") for line in lines(path)]
    if path.suffix == ".csv":  # item, person, answer; the truth in a file beside
        known = dict(line.split(",") for line in lines(path.with_name("truth.csv")))
        return [(who, item, answer) for item, who, answer in rows], known
    return [(row[1], row[2], row[3]) for row in rows], {row[2]: row[4] for row in rows}


def lines(path: Path) -> list[str]:
    """Without the head, and without spaces around."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]


@pytest.mark.parametrize(
    ("file", "majority", "together"),
    [
        ("crowd_dog/answer.csv", 0.823, 0.843),
        ("crowd_face/answer.csv", 0.630, 0.640),
        ("crowd_snow2008/rte.standardized.tsv", 0.901, 0.928),
        ("crowd_snow2008/temp.standardized.tsv", 0.939, 0.942),
        ("crowd_product/answer.csv", 0.897, 0.940),
    ],
)
def test_on_real_crowds_labels_together_are_right_more_often_than_the_majority(
    file: str, majority: float, together: float
) -> None:
    """No law binds real people; the shares are what the same votes gave once, to half a point."""
    votes, truth = crowd(file)
    ids = tuple(dict.fromkeys(item for _, item, _ in votes))
    task = {"kind": "class", "classes": tuple(sorted({answer for _, _, answer in votes}))}
    begun = Created(0.0, 7, task, ids, "", None, None, "", None, None, "margin", 0.1, (), "0")
    by: dict[str, dict[str, Label]] = {}
    for who, item, answer in votes:
        by.setdefault(who, {})[item] = answer
    state = fold(None, [begun, *(Told(1.0, said, who) for who, said in by.items())])
    found = aggregated(state)
    known = [item for item in ids if item in truth]
    shares = [
        np.mean([state.label(item) == truth[item] for item in known]),
        np.mean([found[item][0] == truth[item] for item in known]),
    ]
    assert shares == pytest.approx([majority, together], abs=0.005)
    assert shares[1] > shares[0]
