"""A report says how its lead was named, what its figures rest on, and where the rest of them is."""

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nextlabel.campaign.sheets import original
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.overview import overview
from nextlabel.experiment.report import write_report
from nextlabel.experiment.sections import all_sections, lead_sentence
from nextlabel.experiment.study import study
from nextlabel.figures.page import Picture, long_page


def setting(name: str = "letters", *, seeds: int = 6, **protocol: Any) -> Results:
    """Simulated curves of three strategies over three checkpoints; badge and margin are above random."""
    rng = np.random.default_rng(0)
    runs = [
        Run(
            strategy,
            seed,
            (20, 30, 40),
            tuple((np.array([0.3, 0.5, 0.6]) + gain + rng.normal(0.0, 0.003, 3)).tolist()),
            (("a",), ("b", "c"), ("d",)),
            (0.5,) * 3,
            (0.02,) * 2,
            class_counts=((19, 1, 0), (28, 1, 1), (38, 1, 1)),
        )
        for strategy, gain in (("badge", 0.05), ("margin", 0.04), ("random", 0.0))
        for seed in range(seeds)
    ]
    named = {"setting": name, "dataset": name, "lead": "badge", "baseline": "random", "rope": 0.01}
    return Results({**named, **protocol}, runs)


def said_of(settings: Sequence[Results]) -> str:
    """The words of the page, without its pictures, which take the time; `written` draws them too."""
    found = overview(settings)
    none = Picture("", "", "")
    text = long_page(
        title="Letters",
        lead=lead_sentence(found.studies),
        sections=all_sections(found, [none] * len(settings), {"matrix": none, "errors": none}, notes=[]),
        command="again",
        files=[],
    )
    return plain(text)


def plain(text: str) -> str:
    return re.sub("<[^>]*>", " ", text).replace("&#x27;", "'")


def written(folder: Path, settings: Sequence[Results]) -> list[Path]:
    return write_report(folder, settings, title="Letters", command="again", seconds=1.0)


def test_a_lead_is_named_beforehand_only_where_somebody_did() -> None:
    named = said_of([setting()])
    assert "Only badge against random was named beforehand: its sentence has" in named
    kept = said_of([setting(first_lead="badge", lead_is_default=False)])
    assert kept == named
    both = [setting(), setting("dna")]
    assert "Badge, named beforehand, against" in lead_sentence(overview(both).studies)

    first = [setting(name, lead_is_default=True) for name in ("letters", "dna")]
    assert "Badge, the first of the list, against random" in lead_sentence(overview(first).studies)
    for settings in (first, first[:1], [setting(lead=None)]):
        said = said_of(settings)
        assert "named beforehand" not in said
        assert "Nobody named a strategy to be compared with random: the sentence speaks of badge" in said


def test_a_lead_that_was_changed_later_is_said_to_be() -> None:
    settings = [setting(name, first_lead="margin") for name in ("letters", "dna")]
    for listed in (settings, settings[:1]):
        said = said_of(listed)
        assert "named beforehand" not in said
        changed = "The lead was changed from margin to badge when results were there."
        assert f"{changed} The interval does not allow for that." in said
        assert f"{changed} The interval of the lead's sentence does not allow for that." in said
    lead = lead_sentence(overview(settings).studies)
    assert lead.startswith("Badge, named when results were there, against random by the area")
    assert lead.endswith(". The lead was changed from margin to badge when results were there.")
    few = study(setting(seeds=3, first_lead="margin"), "letters").sentence()
    assert few.startswith("No verdict on badge")
    assert few.endswith("changed from margin to badge when results were there.")  # there is no interval


def test_a_lead_that_was_no_more_than_the_first_is_not_named_beforehand_later() -> None:
    late: dict[str, Any] = {"first_lead": "badge", "first_lead_is_default": True}
    told = "Nobody named a lead before results were there: badge was the first of the list."
    settings = [setting(name, **late, lead_is_default=False) for name in ("letters", "dna")]
    for listed in (settings, settings[:1]):
        said = said_of(listed)
        assert "named beforehand" not in said
        assert f"{told} The interval does not allow for that." in said
    assert "Badge, named when results were there, against" in lead_sentence(overview(settings).studies)
    still = said_of([setting(**late, lead_is_default=True)])
    assert told not in still
    assert "Nobody named a strategy to be compared with random" in still


def test_seeds_that_were_added_when_results_were_there_are_told() -> None:
    told = "Seeds were added when results were there: 5 at first, now 6. Verdicts and intervals do not allow"
    settings = [setting(name, first_seeds=[0, 1, 2, 3, 4]) for name in ("letters", "dna")]
    for listed in (settings, settings[:1]):
        assert told in lead_sentence(overview(listed).studies)
        said = said_of(listed)
        assert said.count(told) >= 2  # in a sentence of its own, and beside what the page does not say
        assert "named beforehand" in said  # the lead was, all the same
    fewer = study(setting(first_seeds=list(range(8))), "letters").sentence()
    assert "Seeds were changed when results were there: 8 at first, now 6." in fewer
    assert "Seeds were" not in said_of([setting(first_seeds=list(range(6)))])


def test_a_baseline_or_a_region_that_was_changed_later_is_said_to_be() -> None:
    said = said_of([setting(first_baseline="entropy")])
    assert "named beforehand" not in said
    assert "The baseline was changed from entropy to random when results were there." in said
    wider = said_of([setting(first_rope=0.005)])
    changed = "The region of practical equivalence was changed from 0.5 points to 1 point when results were"
    assert wider.count(changed) == 1  # beside the lead, which was named beforehand all the same
    assert "Only badge against random was named beforehand" in wider
    (none,) = study(setting(first_rope=0.0), "letters").changes
    assert none.endswith("from none to 1 point when results were there.")


def test_the_page_says_what_its_figures_rest_on_and_where_the_others_are(tmp_path: Path) -> None:
    page, results, *_ = written(tmp_path, [setting()])
    said = plain(page.read_text(encoding="utf-8"))
    assert "intervals in the tables hold for all" not in said  # those of labels do not
    assert "the intervals of the gains, hold for all strategies of a setting together; each" in said
    kept = json.loads(results.read_text(encoding="utf-8"))
    assert "class_counts in results.json" in said
    assert kept["settings"][0]["runs"][0]["class_counts"][0] == [19, 1, 0]
    assert "penalties_first_five in results.json" in said
    assert (kept["penalties"]["seeds"], kept["penalties_first_five"]["seeds"]) == ([6, 6], [5, 5])


def test_five_seeds_have_one_matrix() -> None:
    few = [setting(seeds=5)]
    assert overview(few).penalties_first_five is None
    assert "penalties_first_five" not in said_of(few)


def test_labels_to_a_target_are_on_the_page_and_in_the_results(tmp_path: Path) -> None:
    found = written(tmp_path, [setting(target=[0.5, 0.6])])
    said = found[0].read_text(encoding="utf-8")
    assert said.count('columnheader">labels to 50 % (95 %)</th>') == 1
    kept = json.loads(found[1].read_text(encoding="utf-8"))["settings"][0]["reaches"]
    assert list(kept) == ["0.5", "0.6"]
    assert kept["0.5"]["random"]["interval"]["low"] <= kept["0.5"]["random"]["needed"]


def test_many_pictures_are_folded() -> None:
    names = [
        "results.json",
        "curves.csv",
        *(f"curves-{i}.{end}" for i in range(20) for end in ("svg", "png")),
    ]
    text = long_page(title="t", lead="l", sections=[], command="c", files=names)
    links = re.findall('href="([^"]*)"', text)
    assert links == names
    before, folded = text.split("<details><summary>40 pictures</summary>")
    assert before.count("href=") == 2
    assert folded.count("href=") == 40


def test_ids_that_a_spreadsheet_would_calculate_are_guarded(tmp_path: Path) -> None:
    results = setting()
    ids = Results(
        results.protocol,
        [replace(run, queried=(("=cmd|' /C calc'!A0", "-3"), *run.queried[1:])) for run in results.runs],
    )
    with written(tmp_path, [ids])[3].open(newline="", encoding="utf-8") as file:
        asked = [line["id"] for line in csv.DictReader(file)]
    assert asked[:2] == ["'=cmd|' /C calc'!A0", "-3"]
    assert original(asked[0]) == ids.runs[0].queried[0][0]


def test_the_claim_of_an_only_setting_is_said_once() -> None:
    said = said_of([setting()])
    assert said.count("Badge needed") == 1
    assert said.count("By the area under the whole curve, allowing") == 1


def test_files_in_a_folder_without_a_report_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "curves-1.svg").write_text("somebody's")
    written(tmp_path, [setting()])
    assert (tmp_path / "curves-1.svg").read_text() == "somebody's"


def test_settings_of_one_name_are_told_apart() -> None:
    found = overview([setting(), setting()])
    assert [one.name for one in found.studies] == ["letters (1)", "letters (2)"]
