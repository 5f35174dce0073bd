"""The report: its sentences, its page and its files.

More than 400 lines: all are asked of one report, made by hand at the top.
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import ParameterError
from nextlabel.leakage import Report
from nextlabel.leakage.attempts import AS_GUESSED, SOME_WORDS, TOO_FEW, UNSORTED
from nextlabel.leakage.controls import Control
from nextlabel.leakage.ladder import Skipped
from nextlabel.leakage.report.pictures import (
    defence_picture,
    exhibit_picture,
    residual_picture,
    spectrum_picture,
    success_picture,
    time_picture,
)
from nextlabel.leakage.report.report import Exhibit, Outcome, Spent, Standing, Summary
from nextlabel.leakage.scores import ItemScore
from nextlabel.leakage.trials import Trial
from nextlabel.leakage.verdicts import VERDICTS, shares

SETTING: dict[str, Any] = {
    "model": "Sequential",
    "share": "full",
    "batch": 1,
    "records": 4,
    "messages": 4,
    "loss": "cross_entropy",
    "reduction": "mean",
    "defences": [],
    "defence_sentences": [],
    "item_shape": [8, 8],
    "is_image": True,
    "is_text": False,
    "classes": 10,
    "range": 1.0,
    "low": 0.0,
    "seed": 0,
    "seconds": 60.0,
    "command": "nextlabel leakage audit model.py:make --bounds 0,1",
}


def standing(place: int, verdict: str, relative: float | None) -> Standing:
    score = None if relative is None else ItemScore(relative, relative**2, -20 * np.log10(relative), 0.3)
    return Standing(place, place, verdict, "some_attack", score, ItemScore(0.5, 0.2, 7.0, 0.2), "failed: it")


def outcome(place: int, verdict: str, **changes: Any) -> Outcome:
    made = Outcome(
        "some_attack",
        place,
        "recovered",
        "",
        "",
        1e-7,
        1e-6,
        (verdict,),
        0.02,
        None,
        False,
        1,
        (3.0, 2.0, 1e-7),
        2,
    )
    return dataclasses.replace(made, **changes)


def report(*verdicts: str, **changes: Any) -> Report:
    errors = {"EXACT": 1e-6, "RECOGNISABLE": 0.05, "LABEL ONLY": 0.9, "NOT SHOWN": 0.8}
    image = tuple(float(value) for value in np.linspace(-0.1, 1.2, 64))
    made = Report(
        setting=SETTING | {"records": len(verdicts), "messages": len(verdicts)},
        knows=("the model and its weights", "the shape of <an item>"),
        remarks=("A remark.",),
        standings=tuple(standing(k, one, errors[one]) for k, one in enumerate(verdicts)),
        summaries=(
            Summary(
                "some_attack", len(verdicts), len(verdicts), shares(verdicts), 3, 4, 0.0004, 0.25, 2, 0.99
            ),
        ),
        outcomes=tuple(outcome(k, one, error=errors[one]) for k, one in enumerate(verdicts)),
        skipped=(Skipped("other_attack", "it needs public, which is not known here"),),
        controls=(Control("positive control", True, "20 of 20 known records exact"),),
        budget=Spent(60.0, 12.34, 0.0, 4, 1, 0, 0),
        exhibits=(Exhibit("best", 0, verdicts[0], "some_attack", (8, 8), image, image),),
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize(
    ("verdicts", "begins"),
    [
        (
            ("EXACT", "EXACT"),
            "EXACT: 2 of 2 records came back exactly (100.0 %; 95 % interval 15.8 % to 100.0 %)",
        ),
        (
            ("EXACT", "NOT SHOWN", "NOT SHOWN", "NOT SHOWN"),
            "EXACT: 1 of 4 records came back exactly (25.0 %; 95 % interval 0.6 % to 80.6 %) from full",
        ),
        (
            ("RECOGNISABLE", "NOT SHOWN"),
            "RECOGNISABLE: 1 of 2 records came back so that it can be recognised",
        ),
        (("LABEL ONLY",), "LABEL ONLY: 1 of 1 record gave away its label, not itself"),
        (("NOT SHOWN",) * 4, "NOT SHOWN: no record of 4 came back from full gradients of single records"),
    ],
)
def test_the_lead_says_the_worst_with_its_interval(verdicts: tuple[str, ...], begins: str) -> None:
    assert report(*verdicts).sentences()[0].startswith(begins)


def test_what_was_not_shown_says_the_budget_and_that_it_is_no_proof() -> None:
    lead = report(*["NOT SHOWN"] * 4).sentences()[0]
    # 0 of 4: the upper end is 1 - 0.025^(1/4) = 60.24 %
    assert "at most 60.3 %" in lead
    assert "12 of 60 seconds spent" in lead
    assert "The attacks tried failed; this is no proof of safety." in lead


@pytest.mark.parametrize(
    ("whys", "expected"),
    [
        (
            (AS_GUESSED, AS_GUESSED),
            "In 2 of 2 messages what an attack gave is near to the record, and other records are as near, so "
            "that a guess would do as well; this is no proof",
        ),
        (
            (TOO_FEW, AS_GUESSED),
            "In 1 of 2 messages what an attack gave is near to the record, and other records are as near, so "
            "that a guess would do as well; in 1 of 2 messages what an attack gave is nearer to the record "
            "than others are, and of so few values a guess comes as near by chance; this is no proof",
        ),
        (
            (UNSORTED, "optimiser failed"),
            "The words of 1 of 2 messages came back, and not which of them are in which text; on the rest "
            "the attacks tried failed; this is no proof",
        ),
        (
            (SOME_WORDS, "optimiser failed"),
            "Words of 1 of 2 messages came back, too few of them; on the rest the attacks tried failed; this",
        ),
    ],
)
def test_what_came_back_and_shows_no_record_is_not_called_a_failure(
    whys: tuple[str, str], expected: str
) -> None:
    made = report("NOT SHOWN", "NOT SHOWN")
    ended = [dataclasses.replace(one, why=why) for one, why in zip(made.outcomes, whys, strict=True)]
    assert expected in dataclasses.replace(made, outcomes=tuple(ended)).sentences()[0]


@pytest.mark.parametrize(("attacks", "expected"), [(1, "came back exactly for 3 of 4"), (2, "too likely")])
def test_the_more_attacks_name_targets_the_less_likely_must_chance_be(attacks: int, expected: str) -> None:
    made = report(*["NOT SHOWN"] * 4)
    (one,) = made.summaries
    named = dataclasses.replace(one, targets_exact=3, targets_of=4, targets_chance=8e-4)
    said = " ".join(dataclasses.replace(made, summaries=(named,) * attacks).sentences())
    assert expected in said


def test_all_other_verdicts_are_said_too() -> None:
    said = report("EXACT", "LABEL ONLY", "NOT SHOWN").sentences()
    assert any(one.startswith("LABEL ONLY: 1 of 3 records gave away its label") for one in said)
    assert any(one.startswith("NOT SHOWN: 1 of 3 records did not come back") for one in said)


def test_a_failed_control_makes_the_report_void_and_is_named() -> None:
    broken = report(
        "EXACT", controls=(Control("null control", False, "1 of 20 records shown"),), outcomes=(), exhibits=()
    )
    assert broken.is_void
    assert broken.verdict == "VOID"
    assert broken.sentences()[0] == (
        "VOID: a control failed, so nothing in this report may be believed. Failed: null control (1 of 20 "
        "records shown)."
    )


def test_a_void_report_shows_no_verdict_but_that() -> None:
    """Nor what a verdict could be read from: counts, pictures, records, a sweep."""
    failed = (Control("null control", False, "1 of 20 records shown"),)
    remark = ("LABEL ONLY speaks of these guesses.",)
    void = report(*VERDICTS[:3], "NOT SHOWN", controls=failed, remarks=remark).with_trials(TRIALS, ("Less.",))
    page, said = void.html(), " ".join(void.sentences())
    for text in (page, said):
        assert "VOID: a control failed" in text
        assert [name for name in VERDICTS if name in text] == []
        assert "came back" not in text.replace("What came back is not shown here", "")
    assert "FAILED: null control. Found: 1 of 20 records shown." in page
    assert "report.json keeps it for whoever looks for the fault" in page
    assert "<svg" not in page
    assert "The attacker knows" in page
    assert json.loads(void.to_json())["verdict"] == "VOID"


UNTRIED = {
    "nothing ran": (),
    "nothing applied": (outcome(0, "NOT SHOWN", outcome="refused", why="did not apply", residual=None),),
}


@pytest.mark.parametrize("name", UNTRIED)
def test_where_no_attack_applied_none_is_said_to_have_failed(name: str) -> None:
    made = report("NOT SHOWN", outcomes=UNTRIED[name], summaries=(), exhibits=())
    assert not made.is_tried
    assert made.sentences()[0] == (
        "NOT SHOWN: no attack was brought to bear on full gradients of single records: each was left out or "
        "did not apply. This says nothing of what they give away."
    )
    page = made.html()
    assert "NOT SHOWN: No attack was brought to bear: nothing is known" in page
    assert "attacks tried failed" not in page
    assert "<p>No attack was tried.</p>" in page


def test_advice_without_a_sweep_is_not_called_a_defence() -> None:
    titles = [
        "What to send instead" in made.html() and ">Defences</h2>" not in made.html()
        for made in (
            report("EXACT", outcomes=(), exhibits=(), advice=("Send scores.",)),
            report("EXACT", outcomes=(), exhibits=()).with_trials(TRIALS, ("Add noise.",)),
        )
    ]
    assert titles == [True, False]


def test_a_bound_stands_where_no_attack_applied() -> None:
    bound = {"epsilon": 1.0, "delta": 1e-5, "prior": 0.1, "chance": 0.27}
    lead = report("NOT SHOWN", outcomes=(), summaries=(), exhibits=(), bound=bound).sentences()[0]
    assert lead.startswith("BOUNDED: no attack was brought to bear")
    assert "no attack whatever reconstructs a record with a chance above 0.27" in lead
    assert "That is said of one message of each record: further messages of it tell more" in lead


def claims(right: int, of: int, chance: float, attack: str = "label_inference") -> Summary:
    return Summary(attack, of, of, shares(["NOT SHOWN"] * of), right, of, chance)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            (claims(3, 3, 0.037),),
            "Of the labels 3 of 3 were named rightly (label inference), as many as a guess by the prior "
            "names with a chance of 0.037: too likely to count as given away, which takes at most 0.001 "
            "here.",
        ),
        ((claims(9, 20, 0.01), claims(20, 20, 1.0, "other")), "9 of 20 were named rightly (label inference)"),
        ((claims(20, 20, 1.0),), "with a chance of 1: too likely to count as given away, which takes"),
        ((claims(9, 20, 1e-9),), "with a chance of 1e-09."),
        ((claims(7, 20, 0.5),), ""),
        ((claims(0, 20, 1.0),), ""),
    ],
)
def test_labels_that_came_back_and_count_for_nothing_are_said(found: tuple[Summary, ...], says: str) -> None:
    lead = report("NOT SHOWN", summaries=found).sentences()[0]
    assert (says in lead) if says else ("Of the labels" not in lead)


@pytest.mark.parametrize(
    ("verdicts", "is_said"),
    [
        (("RECOGNISABLE", "NOT SHOWN"), True),
        (("EXACT", "NOT SHOWN"), True),
        (("EXACT", "LABEL ONLY", "NOT SHOWN"), False),  # which speaks of the labels itself
        (("EXACT", "EXACT"), False),
    ],
)
def test_labels_that_count_for_nothing_are_said_beside_a_better_verdict(
    verdicts: tuple[str, ...], is_said: bool
) -> None:
    said = report(*verdicts, summaries=(claims(3, 3, 0.037),)).sentences()
    assert any("Of the labels 3 of 3 were named rightly" in one for one in said) is is_said
    assert all(said)


def test_labels_that_the_attacker_was_told_are_not_said_to_have_come_back() -> None:
    lead = report("NOT SHOWN", summaries=(claims(3, 3, 0.037),), knows=("the labels",)).sentences()[0]
    assert "Of the labels" not in lead


def test_a_report_without_controls_says_so() -> None:
    said = report("EXACT", controls=()).sentences()
    assert "This report has no controls of its own." in said
    assert said[0].endswith("No controls ran.")
    assert "No controls ran" not in report("EXACT").sentences()[0]


def test_inputs_of_the_last_layer_are_said() -> None:
    assert any(
        "input of the last layer came back for 2 of 2" in one for one in report("EXACT", "EXACT").sentences()
    )


def test_time_is_said_with_what_was_cut_left_out_and_over() -> None:
    spent = Spent(60.0, 63.0, 3.0, 4, 2, 5, 6)
    said = next(
        one for one in report("EXACT", budget=spent, outcomes=()).sentences() if one.startswith("Time")
    )
    assert said == (
        "Time: 63.0 of 60 seconds, 4 attempts with a share of it each, 2 ended by the clock, 5 not run for "
        "lack of time; over by 3.0 seconds. 6 attempts were left out: every record of their message had come "
        "back exactly."
    )


def test_attacks_that_time_did_not_suffice_for_are_named() -> None:
    spent = Spent(60.0, 61.0, 1.0, 4, 2, 5, 0, {"inverting_gradients": 1, "text_matching": 2})
    named = "inverting gradients (1 of 2 messages), text matching (2 of 2 messages)"
    setting = SETTING | {"messages": 2}
    for verdict in ("NOT SHOWN", "LABEL ONLY", "RECOGNISABLE"):
        lead = report(verdict, budget=spent, setting=setting).sentences()[0]
        assert lead.endswith(f"Not tried for lack of time: {named}.")
    said = report("EXACT", budget=spent, setting=setting).sentences()
    assert "lack of time" not in said[0]
    assert any(f"5 not run for lack of time ({named}); over by 1.0 seconds" in one for one in said)


def test_an_overrun_names_the_attack_that_it_is_owed_to() -> None:
    base = report("EXACT").outcomes[0]
    slow = [
        dataclasses.replace(base, attack=name, given=given, seconds=seconds)
        for name, given, seconds in (
            ("recursive_peel", None, 4.0),
            ("recursive_peel", None, 4.5),
            ("span_test", None, 6.0),
            ("inverting_gradients", 30.0, 30.0),
        )
    ]
    over = report("EXACT", budget=Spent(30.0, 44.5, 14.5, 1, 1, 0, 0), outcomes=tuple(slow))
    said = " ".join(over.sentences())
    assert "over by 14.5 seconds (no clock ends recursive peel, which took 8.5 seconds)." in said
    slow.append(dataclasses.replace(base, attack="text_matching", given=2.0, seconds=14.25))
    late = report("EXACT", budget=Spent(30.0, 58.7, 28.7, 1, 1, 0, 0), outcomes=tuple(slow))
    assert "over by 28.7 seconds (text matching went on 12.2 seconds beyond its share)." in " ".join(
        late.sentences()
    )
    within = report("EXACT", budget=Spent(60.0, 44.5, 0.0, 1, 1, 0, 0), outcomes=tuple(slow))
    assert "no clock ends" not in " ".join(within.sentences())


TRIALS = (
    Trial("none", None, "no defence", 20, 20, 20, {}, (0.9, 0.92)),
    Trial("gaussian", 0.01, "noise <0.01>", 20, 0, 18, {}, (0.8, 0.82)),
)


@pytest.fixture(scope="module")
def page() -> str:
    shown = ("EXACT", "RECOGNISABLE", "LABEL ONLY", "NOT SHOWN")
    return report(*shown).with_trials(TRIALS, ("Advice & more.",)).html()


def test_the_page_is_one_file_without_scripts_or_requests(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    # pictures inside a drawing are data, and parts of a drawing are ids of this page
    assert not re.search(r'(src|href)="(?!#|data:|report\.json)', page)
    assert "the shape of &lt;an item&gt;" in page
    assert "noise &lt;0.01&gt;" in page
    assert "Advice &amp; more." in page
    assert "Not tried: other attack, since it needs public" in page
    assert "prefers-color-scheme: dark" in page


def test_the_page_says_what_else_came_back_where_it_came_back_and_the_command(page: str) -> None:
    beside = page[page.index(">What came back</h2>") : page.index(">Attacks</h2>")]
    assert "RECOGNISABLE: 1 of 4 records came back so that it can be recognised" in beside
    assert "The input of the last layer came back for 2 of 4 records (some attack)" in beside
    caveats = page[page.index(">What this does not say</h2>") :]
    assert "A remark." in caveats
    assert "The attacker knows" not in caveats
    assert "12.3 of 60 seconds" in page
    assert "Again: <code>nextlabel leakage audit model.py:make --bounds 0,1</code>" in page


def test_every_picture_is_described_and_ids_do_not_collide(page: str) -> None:
    drawings = re.findall(r"<svg[^>]*>", page)
    assert len(drawings) == 12  # exhibits, success, residual, spectrum, time, defences: broad and slim
    assert all('role="img" aria-label="' in one for one in drawings)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_every_verdict_shown_is_explained_on_the_page(page: str) -> None:
    for name in set(VERDICTS) - {"BOUNDED"}:
        assert f"<li>{name}: " in page
    assert "<li>BOUNDED: " not in page


def test_files_are_written_whole_and_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    bare: dict[str, Any] = {"exhibits": (), "outcomes": ()}  # few pictures: they take time
    report("NOT SHOWN", **bare).write(folder)
    page, kept = report("EXACT", **bare).write(folder)
    assert sorted(one.name for one in folder.iterdir()) == ["report.html", "report.json"]
    assert "EXACT: 1 of 1" in page.read_text(encoding="utf-8")
    assert Report.from_json(kept.read_text(encoding="utf-8")).verdict == "EXACT"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match=f"{tmp_path / 'file' / 'x'} cannot"):
        report("EXACT").write(tmp_path / "file" / "x")


def test_json_holds_numbers_that_are_not_finite() -> None:
    made = report("EXACT")
    exact = dataclasses.replace(made.standings[0], score=ItemScore(0.0, 0.0, np.inf, 1.0))
    made = dataclasses.replace(made, standings=(exact,)).with_trials(TRIALS, ("more",))
    again = Report.from_json(made.to_json())
    assert again == dataclasses.replace(made, setting=json.loads(json.dumps(made.setting)))
    assert again.standings[0].score == ItemScore(0.0, 0.0, np.inf, 1.0)


def test_the_fingerprint_forgets_times_and_nothing_else() -> None:
    made = report("EXACT", "NOT SHOWN")
    slower = dataclasses.replace(made, budget=dataclasses.replace(made.budget, spent=40.0))
    later = dataclasses.replace(
        made, outcomes=tuple(dataclasses.replace(one, seconds=9.0) for one in made.outcomes)
    )
    assert made.fingerprint == slower.fingerprint == later.fingerprint
    elsewhere = dataclasses.replace(made, setting={**made.setting, "command": "nextlabel leakage audit"})
    assert made.fingerprint == elsewhere.fingerprint
    assert made.fingerprint != dataclasses.replace(made, remarks=("Another.",)).fingerprint


def test_pictures_say_what_they_show() -> None:
    made = report("EXACT", "NOT SHOWN", "NOT SHOWN")
    failed = (
        outcome(0, "EXACT"),
        outcome(1, "NOT SHOWN", residual=0.7, error=0.9, why="optimiser failed"),
        outcome(2, "NOT SHOWN", residual=1e-8, error=0.9, why="not identifiable"),
    )
    made = dataclasses.replace(made, outcomes=failed)
    said = {
        one.__name__: picture.caption
        for one in (exhibit_picture, success_picture, residual_picture, spectrum_picture, time_picture)
        if (picture := one(made)) is not None
    }
    assert "best: record 0, EXACT by some attack" in said["exhibit_picture"]
    assert "1 of 3 below 0.001" in said["success_picture"]
    assert "not identifiable (1)" in said["residual_picture"]
    assert "the optimiser failed (1)" in said["residual_picture"]
    assert "rank read off is 2, at a gap of a factor 2e+07" in said["spectrum_picture"]
    assert "The soonest leak took 0.02 seconds." in said["time_picture"]
    drawn = defence_picture(TRIALS)
    assert drawn is not None
    assert "Nothing came back under: noise <0.01>." in drawn.caption


def test_what_there_is_not_is_not_drawn() -> None:
    made = report("NOT SHOWN", exhibits=(), outcomes=())
    assert exhibit_picture(made) is None
    assert residual_picture(made) is None
    assert spectrum_picture(made) is None
    assert time_picture(made) is None
    assert defence_picture(()) is None
    nothing = dataclasses.replace(made, standings=(dataclasses.replace(made.standings[0], score=None),))
    assert success_picture(nothing) is None
    assert "<svg" not in nothing.html()


def test_texts_are_shown_as_token_ids() -> None:
    score, guess = ItemScore(tokens=0.5, rouge=0.75), ItemScore(tokens=0.1)
    text = report(
        "RECOGNISABLE",
        setting=SETTING | {"is_text": True, "is_image": False, "item_shape": [4]},
        standings=(Standing(7, 0, "RECOGNISABLE", "span_test", score, guess),),
        exhibits=(Exhibit("best", 7, "RECOGNISABLE", "span_test", (4,), (5, 6, 7, 8), (5, 6, 9, -1)),),
    )
    page = text.html()
    assert ">5 6 7 8<" in page
    assert ">5 6 9<" in page
    assert ">50 %<" in page
    assert "ROUGE-L" in page


def test_a_long_text_is_cut_on_the_page_alone() -> None:
    long = tuple(float(one) for one in range(100, 130))
    made = report(
        "NOT SHOWN",
        setting=SETTING | {"is_text": True, "is_image": False, "item_shape": [30]},
        exhibits=(Exhibit("worst", 7, "NOT SHOWN", "", (30,), long, ()),),
        outcomes=(),
        standings=(Standing(7, 0, "NOT SHOWN", "", None, ItemScore(tokens=0.1)),),
    )
    assert ">100 101 " in made.html()
    assert " 119 …<" in made.html()
    assert "120" not in made.html()
    assert "129" in made.to_json()


def test_a_picture_is_said_to_be_by_the_attack_that_made_it() -> None:
    """Of LABEL ONLY another attack named the label; what is drawn shows no record."""
    image = tuple(np.linspace(0, 1, 64).tolist())
    captions = {}
    for verdict in ("EXACT", "LABEL ONLY", "NOT SHOWN"):
        shown = (Exhibit("best", 3, verdict, "inverting_gradients", (8, 8), image, image),)
        picture = exhibit_picture(report(verdict, exhibits=shown))
        assert picture is not None
        captions[verdict] = picture.caption
    assert "best: record 3, EXACT by inverting gradients." in captions["EXACT"]
    for verdict in ("LABEL ONLY", "NOT SHOWN"):
        words = f"record 3, {verdict}, and what is drawn came nearest, by inverting gradients."
        assert words in captions[verdict]


def test_what_the_clock_cut_short_is_not_said_to_have_ended() -> None:
    trials = [
        Trial("none", None, "no defence", 20, 20, 20),
        Trial("prune", 0.5, "half pruned", 20, 0, 20),
        Trial("prune", 0.9, "most pruned", 20, 0, 20, unsettled=4, cut=4),
    ]
    picture = defence_picture(trials)
    assert picture is not None
    assert "Nothing came back under: half pruned. Cut short" in picture.caption
    assert "more may come back, under: most pruned." in picture.caption
    page = report("EXACT", outcomes=(), exhibits=()).with_trials(tuple(trials)).html()
    assert ">0 of 20 (4 more cut short)<" in page
    assert "the clock ended 4 attempts or left no time for them (most pruned 4)" in page


def test_colour_images_and_lost_ones_are_drawn() -> None:
    values = tuple(np.linspace(0, 1, 3 * 8 * 8).tolist())
    for shape in ((3, 8, 8), (8, 8, 3)):
        made = report("NOT SHOWN", exhibits=(Exhibit("worst", 0, "NOT SHOWN", "", shape, values, ()),))
        picture = exhibit_picture(made)
        assert picture is not None
        assert "nothing" in picture.broad
        assert picture.broad.count("<image") == 1
