"""What `nextlabel.advise` names in which situation, and that the measurements behind it say so."""

import csv
import gzip
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nextlabel
from nextlabel.campaign.advice import DIVERSE, FEW, MANY, RULES, Advice
from nextlabel.core.registry import build
from nextlabel.core.signals import derivable
from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.intervals import student_interval

DOCS = Path(__file__).parents[2] / "docs"
BOTH = frozenset({"proba", "embedding"})


def advised(**situation: Any) -> Advice:
    return nextlabel.advise(**{"signals": BOTH, "pool": 10_000, "classes": 10, "labelled": 100, **situation})


@pytest.mark.parametrize(
    ("situation", "rule", "named"),
    [
        ({"signals": set()}, "nothing to go by", "random"),
        ({"signals": {"marginals"}}, "nothing to go by", "random"),
        ({"signals": {"embedding"}, "fixed_embedding": True}, "nothing to go by", "random"),
        ({"signals": {"spread"}, "fixed_embedding": True, "labelled": 0}, "nothing to go by", "random"),
        ({"batch": 100, "labelled": 99, "fixed_embedding": True}, "typical first", "typiclust"),
        (
            {"signals": {"embedding"}, "fixed_embedding": True, "labelled": 99},
            "typical first",
            "typiclust",
        ),
        ({"fixed_embedding": True, "labelled": 0}, "typical first", "typiclust"),
        ({"fixed_embedding": True, "labelled": 99}, "typical first", "typiclust"),
        ({"fixed_embedding": True, "labelled": 100}, "unsure", "margin"),
        ({"fixed_embedding": False, "labelled": 99}, "few labels", "badge"),
        ({"fixed_embedding": False, "labelled": 100}, "unsure", "margin"),
        ({"signals": {"proba"}, "labelled": 30}, "unsure", "margin"),
        ({"classes": 2, "labelled": 3}, "unsure", "margin"),
        ({"classes": 26}, "many classes", "badge"),
        ({"classes": 26, "labelled": 26 * DIVERSE}, "unsure", "margin"),
        ({"classes": 26, "signals": {"proba"}}, "unsure", "margin"),
        ({"classes": 26, "signals": {"draws", "embedding"}}, "many classes", "badge"),
        ({"classes": MANY, "labelled": 200}, "unsure", "margin"),
        ({"batch": 100}, "large batch", "badge"),
        ({"batch": 50, "labelled": 50}, "few labels", "badge"),
        ({"batch": 99}, "unsure", "margin"),
        ({"batch": 100, "classes": 2}, "unsure", "margin"),
        ({"labelled": 0}, "nothing to go by", "random"),
        ({"labelled": 1}, "nothing to go by", "random"),
        ({"labelled": 2}, "few labels", "badge"),
        ({"pool": 99, "batch": 500}, "unsure", "margin"),
        ({"signals": "proba"}, "unsure", "margin"),
        ({"classes": None, "labelled": None, "label_counts": [30, 0, 0]}, "nothing to go by", "random"),
        ({"classes": None, "labelled": None, "label_counts": [29, 1, 0]}, "unsure", "margin"),
        ({"classes": None, "labelled": None, "label_counts": [0, 0, 0]}, "nothing to go by", "random"),
        ({"classes": 2}, "unsure", "margin"),
        ({"signals": {"logits"}}, "unsure", "margin"),
        ({"several": True}, "nothing to go by", "random"),
        ({"several": True, "signals": {"marginals"}, "labelled": 0}, "nothing to go by", "random"),
        ({"several": True, "signals": {"marginals"}, "labelled": 1}, "several classes", "margin"),
        ({"several": True, "signals": {"marginals"}, "classes": 1}, "several classes", "margin"),
        ({"several": True, "signals": {"marginals", "proba"}}, "several classes", "margin"),
        (
            {"several": True, "signals": {"embedding"}, "fixed_embedding": True, "labelled": 0},
            "typical first",
            "typiclust",
        ),
        (
            {
                "several": True,
                "signals": {"marginals", "embedding"},
                "fixed_embedding": True,
                "classes": None,
                "labelled": 2,
                "label_counts": [2, 2, 1],
            },
            "several classes",
            "margin",
        ),
    ],
)
def test_a_situation_is_given_its_rule(situation: dict[str, Any], rule: str, named: str) -> None:
    advice = advised(**situation)
    assert (advice.rule, advice.strategy.name) == (rule, named)
    assert build("strategy", advice.strategy) is not None


def test_what_is_named_can_run_on_what_is_on_offer() -> None:
    offers = ({"proba"}, {"logits", "embedding"}, {"embedding"}, {"mean_proba"}, {"spread"})
    for signals in offers:
        for classes in (2, 10, 100):
            for fixed in (False, True):
                advice = advised(signals=signals, classes=classes, fixed_embedding=fixed)
                needed = build("strategy", advice.strategy).needs
                assert needed <= derivable(signals)


def test_several_classes_are_read_as_marginals_and_labels_are_counted_by_items() -> None:
    known = {"signals": {"marginals"}, "pool": 100, "several": True}
    advice = nextlabel.advise(**known, labelled=5, label_counts=[4, 4, 0])  # type: ignore[arg-type]
    assert advice.strategy.to_dict() == {"name": "margin", "of": "marginals", "reduce": "max"}
    assert "3 classes of which an item may have several, and 5 labelled items" in advice.reason
    assert advice.reason.endswith("1 of the classes has no label yet.")
    assert advised(several=True, signals={"marginals"}).against == ()  # nothing of entropy, of ten classes
    unsaid = nextlabel.advise(**known, label_counts=[4, 4, 0])  # type: ignore[arg-type]
    assert "8 labelled items" in unsaid.reason


def test_a_large_pool_is_cut_before_it_is_clustered() -> None:
    large = advised(fixed_embedding=True, labelled=0, pool=1_000_000).strategy
    assert large.to_dict() == {"name": "subsample", "of": {"name": "typiclust"}, "size": 100_000}
    assert advised(fixed_embedding=True, labelled=0, pool=100_000).strategy.to_dict() == {"name": "typiclust"}


def test_label_counts_say_classes_labels_and_what_was_never_seen() -> None:
    advice = nextlabel.advise(signals=BOTH, pool=100, label_counts=[3, 0, 4, 0])
    assert advice.reason.endswith("2 of the classes have no label yet.")
    assert "4 classes and on average 1.8 labels a class" in advice.reason
    for labelled, written in ((990, "99"), (1000, "100"), (1623, "162"), (12_345_678, "1,234,568")):
        assert f"10 classes and {written} labels a class" in advised(labelled=labelled, pool=10**8).reason
    assert nextlabel.advise(signals=BOTH, pool=100, label_counts=np.array([3, 3])).rule == "unsure"


def test_entropy_is_warned_of_with_many_classes_and_few_labels() -> None:
    assert "entropy, with 10 classes and fewer than 20 labels a class" in advised().against[0]
    assert advised(classes=9, labelled=20).against == ()
    assert advised(classes=10, labelled=20).against != ()
    assert advised(labelled=200).against == ()
    assert advised(labelled=199).against != ()


def test_the_text_says_what_why_otherwise_and_where() -> None:
    lines = advised(classes=26).text().splitlines()
    assert lines[0] == '{"name": "badge"}'
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "Why",
        "Otherwise",
        "Otherwise",
        "Not here",
        "Measured",
    ]
    assert lines[-1] == "Measured: docs/reproductions/letter.md, docs/reproductions/every_strategy.md"
    assert "Measured" not in advised(signals=set()).text()


@pytest.mark.parametrize(
    ("situation", "error", "says"),
    [
        ({"signals": {"probs"}}, SignalError, "'probs' is not a signal. Did you mean 'proba'"),
        ({"classes": None}, ParameterError, "neither 'classes' nor 'label_counts'"),
        ({"pool": 0}, ParameterError, "'pool'.*0"),
        ({"labelled": -1}, ParameterError, "'labelled'.*-1"),
        ({"classes": 1}, ParameterError, "'classes'.*1"),
        ({"classes": 0, "several": True}, ParameterError, "'classes'.*0"),
        ({"several": 1}, ParameterError, "'several'.*1"),
        ({"classes": None, "label_counts": [3, 4]}, ParameterError, "which is 7; received 100"),
        ({"batch": 0}, ParameterError, "'batch'.*0"),
        ({"fixed_embedding": 1}, ParameterError, "'fixed_embedding'.*1"),
        ({"label_counts": [1, 2]}, ParameterError, "each of the 10 classes; received 2"),
        ({"classes": None, "label_counts": [1, -2]}, ParameterError, r"received \[1, -2\]"),
        ({"classes": None, "label_counts": [0.5]}, ParameterError, r"received \[0.5\]"),
        ({"classes": None, "label_counts": []}, ParameterError, r"received \[\]"),
    ],
)
def test_a_situation_that_cannot_be_is_refused(
    situation: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        advised(**situation)


# -- the measurements -------------------------------------------------------------------------------------


def curves(page: str, setting: str = "") -> dict[str, dict[int, dict[str, float]]]:
    """Accuracy by strategy, labels and seed, of the results beside a page; of one setting, or all."""
    found: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    with gzip.open(DOCS / "reproductions" / f"{page}.csv.gz", "rt") as rows:
        for row in csv.DictReader(rows):
            if not setting or row["setting"] == setting:
                found[row["strategy"]][int(row["labels"])][row["seed"]] = float(row["accuracy"])
    return found


def settings(page: str) -> list[str]:
    with gzip.open(DOCS / "reproductions" / f"{page}.csv.gz", "rt") as rows:
        return sorted({row["setting"] for row in csv.DictReader(rows)})


def gain(page: str, one: str, other: str, labels: list[int], setting: str = "") -> tuple[float, float]:
    """The 95 % interval of a mean difference over checkpoints, paired by seed."""
    table = curves(page, setting)
    seeds = sorted(table[one][labels[0]])
    means = [np.mean([table[one][at][s] - table[other][at][s] for at in labels]) for s in seeds]
    interval = student_interval(means)
    return interval.low, interval.high


@pytest.mark.parametrize("page", ["digits_low", "optdigits_low"])
def test_typical_items_led_at_few_labels_a_class(page: str) -> None:
    few = [10 * one for one in range(1, FEW + 1)]  # ten classes
    for other in ("margin", "BADGE", "random"):
        assert gain(page, "TypiClust", other, few)[0] > 0.0


def test_typical_items_led_on_weighted_words_too() -> None:
    labels = sorted(curves("every_strategy", "trec")["typiclust"])
    for other in ("margin", "badge", "random"):
        assert gain("every_strategy", "typiclust", other, labels, "trec")[0] > 0.0


def test_typical_items_to_ten_labels_a_class_were_not_worse_than_to_five() -> None:
    between = [60, 70, 80, 90, 100]
    low = {
        setting: gain("schedule", "TypiClust", "TypiClust, margin from 50", between, setting)[0]
        for setting in ("digits", "optdigits")
    }
    high = gain("schedule", "TypiClust", "TypiClust, margin from 50", between, "digits")[1]
    assert low["optdigits"] > 0.0
    assert high > 0.0


@pytest.mark.parametrize(("setting", "classes", "start"), [("letter", 26, 100), ("mnist", 10, 50)])
def test_badge_led_margin_at_first_where_the_embedding_learns(setting: str, classes: int, start: int) -> None:
    checkpoints = sorted(curves("every_strategy", setting)["badge"])
    few = [one for one in checkpoints if start < one <= FEW * classes]
    assert gain("every_strategy", "badge", "margin", few, setting)[0] > 0.0


def test_badge_led_margin_on_texts_twice() -> None:
    for page, name, setting in (("trec", "BADGE", "trec"), ("every_strategy", "badge", "trec")):
        labels = sorted(curves(page, setting)["margin"])
        assert gain(page, name, "margin", labels, setting)[0] > 0.0
    assert gain("trec", "margin", "random", [60, 80, 100, 120])[1] < 0.0
    assert gain("letter", "margin", "random", [300])[1] < 0.0
    assert gain("mnist_1000", "margin", "random", [1_100])[1] < 0.0


def test_badge_led_with_many_classes_up_to_the_stated_labels_and_was_level_after() -> None:
    labels = sorted(curves("letter")["BADGE"])
    before = [one for one in labels if one > 100 and one < 26 * DIVERSE]
    after = [one for one in labels if one >= 26 * DIVERSE]
    assert gain("letter", "BADGE", "margin", before)[0] > 0.0
    low, high = gain("letter", "BADGE", "margin", after)
    assert low < 0.0 < high
    for one in ("BADGE", "margin"):
        assert gain("letter", one, "random", before)[0] > 0.0


def test_a_large_batch_gained_more_by_badge() -> None:
    assert gain("mnist_1000", "BADGE", "margin", [1_100])[0] > 0.0  # a batch of 1,000 on 100 labels


@pytest.mark.parametrize("page", ["digits_low", "optdigits_low", "splice", "rt_polarity", "mnist_100"])
def test_margin_led_badge_elsewhere(page: str) -> None:
    labels = sorted(curves(page)["margin"])
    assert gain(page, "margin", "BADGE", labels)[0] > 0.0


@pytest.mark.parametrize("file", sorted((DOCS / "reproductions").glob("*.csv.gz")), ids=lambda one: one.name)
def test_margin_lost_to_random_nowhere(file: Path) -> None:
    page = file.name.partition(".")[0]
    for setting in settings(page):
        table = curves(page, setting)
        if "margin" in table:
            assert gain(page, "margin", "random", sorted(table["margin"]), setting)[1] > 0.0


def test_entropy_lost_to_random_with_few_labels_and_many_classes() -> None:
    few = [one for one in sorted(curves("letter")["entropy"]) if 100 < one < 20 * 26]
    assert gain("letter", "entropy", "random", few)[1] < 0.0
    for setting, classes, start in (("letter", 26, 100), ("mnist", 10, 50)):
        checkpoints = sorted(curves("every_strategy", setting)["entropy"])
        few = [one for one in checkpoints if start < one < 20 * classes]
        assert gain("every_strategy", "entropy", "random", few, setting)[1] < 0.0


def several(measure: str, setting: str, one: str) -> tuple[float, float]:
    """What a strategy gains on a random draw over all checkpoints of several classes an item."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with gzip.open(DOCS / "explanation" / "several-classes.csv.gz", "rt") as rows:
        for row in csv.DictReader(rows):
            if row["setting"] == setting:
                found[row["strategy"]][row["seed"]].append(float(row[measure]))
    seeds = sorted(found[one])
    assert len(seeds) == 10
    means = [np.mean(found[one][seed]) - np.mean(found["random"][seed]) for seed in seeds]
    interval = student_interval(means)
    return interval.low, interval.high


@pytest.mark.parametrize("setting", ["btc_ner", "wnut17", "news pairs"])
def test_the_class_in_most_doubt_named_classes_better_and_did_not_order_items_better(setting: str) -> None:
    assert several("f1", setting, "max")[0] > 0.0
    for one in ("max", "margin sum", "entropy sum", "typiclust"):
        assert several("precision", setting, one)[0] < 0.0
    for measure in ("precision", "f1"):
        low, high = several(measure, setting, "typiclust")
        assert low < 0.0 < high


def test_doubts_lost_in_order_on_tweets() -> None:
    for one in ("max", "margin sum"):
        assert several("precision", "btc_ner", one)[1] < 0.0


def test_every_page_of_evidence_is_there() -> None:
    for rule in RULES:
        for page in rule.evidence:
            assert (DOCS / page).is_file()
