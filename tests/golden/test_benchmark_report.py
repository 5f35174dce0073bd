"""The report of a benchmark is one page that needs nothing but itself, with everything beside it."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import ExperimentError, ParameterError
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.overview import overview
from nextlabel.experiment.pictures import errors, matrix, posterior, rank_line
from nextlabel.experiment.report import write_report
from nextlabel.experiment.sections import all_sections, lead_sentence
from nextlabel.experiment.study import study
from nextlabel.figures.page import Picture, long_page

GAINS = {"badge": 0.04, "margin": 0.038, "random": 0.0, "entropy": -0.1}


def setting(
    name: str = "letters",
    gains: Mapping[str, float] = GAINS,
    *,
    seeds: int = 6,
    batches: int = 6,
    with_classes: bool = True,
    **protocol: Any,
) -> Results:
    """Simulated curves: a seed is hard for all; each strategy is above random by its gain, nearly."""
    rng = np.random.default_rng(len(name))
    labels = tuple(range(20, 20 + 10 * (batches + 1), 10))
    expected = 0.8 - 0.5 * np.exp(-np.arange(batches + 1) / 3)
    hard = rng.normal(0.0, 0.02, size=seeds)
    runs = [
        Run(
            strategy,
            seed,
            labels,
            tuple(
                (
                    expected
                    + hard[seed]
                    + gain * (np.arange(batches + 1) > 0)
                    + rng.normal(0.0, 0.003, batches + 1)
                ).tolist()
            ),
            tuple(
                tuple(str(one) for one in rng.choice(500, 20 if k == 0 else 10, replace=False))
                for k in range(batches + 1)
            ),
            (0.5,) * (batches + 1),
            (0.02,) * batches,
            class_counts=tuple((count - 1, 1, 0) for count in labels) if with_classes else (),
        )
        for strategy, gain in gains.items()
        for seed in range(seeds)
    ]
    return Results(
        {
            "setting": name,
            "dataset": name,
            "description": f"simulated {name}",
            "fingerprint": "ab12",
            "items": 700,
            "test": 200,
            "official_test": False,
            "pool": 500,
            "learner": {"name": "mlp"},
            "start": 20,
            "batch": 10,
            "budget": labels[-1],
            "seeds": list(range(seeds)),
            "strategies": {one: {"name": one} for one in gains},
            "lead": "badge",
            "baseline": "random",
            "rope": 0.01,
            "ceiling": {"0": 0.9, "1": 0.92},
            "versions": {"numpy": "2.4"},
            "code": "c0de",
            **protocol,
        },
        runs,
    )


def written(folder: Path, settings: Sequence[Results], **changes: Any) -> list[Path]:
    said: dict[str, Any] = {"title": "Letters", "command": "nextlabel bench letters.toml", "seconds": 12.3}
    return write_report(folder, settings, **{**said, **changes})


def text_of(settings: Sequence[Results], *notes: str) -> str:
    """The page without learning curves, which take the time."""
    found = overview(settings)
    shared = {
        "matrix": matrix(found.penalties),
        "errors": errors(found.penalties, found.baseline),
        "ranks": rank_line(found.ranks),
        "posteriors": posterior(found.posteriors),
    }
    sections = all_sections(
        found,
        [Picture("", "", "")] * len(settings),
        {name: one.picture for name, one in shared.items() if one},
        notes=notes,
    )
    return long_page(
        title="Letters", lead=lead_sentence(found.studies), sections=sections, command="again", files=[]
    )


class Reader(HTMLParser):
    """Collects text, tables and attributes, and sees that every tag is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.captions: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "caption":
            self.captions.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if "caption" in self.open:
            self.captions[-1] += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return written(tmp_path_factory.mktemp("one") / "new", [setting()], notes=["Nothing was tuned."])


@pytest.fixture(scope="module")
def several() -> list[Results]:
    settings = [setting(f"set {i:0{i + 1}}", seeds=5, batches=2) for i in range(9)]
    settings.append(setting("dna", {"badge": -0.05, "margin": -0.02, "random": 0.0}, batches=2))
    settings.append(setting("dna, batch 20", dataset="dna", seeds=5, batches=2, batch=20))
    return settings


@pytest.fixture(scope="module")
def many(several: list[Results]) -> str:
    return text_of(several)


def test_everything_lies_beside_the_page(one: list[Path]) -> None:
    names = [path.name for path in one]
    assert names[0] == "index.html"
    pictures = [f"{name}.{end}" for name in ("curves", "penalty", "errors") for end in ("svg", "png")]
    assert names[1:] == ["results.json", "curves.csv", "queried.csv", *pictures]
    assert sorted(path.name for path in one[0].parent.iterdir()) == sorted(names)


def test_every_curve_and_every_queried_id_is_written(one: list[Path]) -> None:
    results = setting()
    with one[2].open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4 * 6 * 7
    assert lines[0] == {
        "setting": "letters",
        "strategy": "badge",
        "seed": "0",
        "labels": "20",
        "accuracy": repr(results.runs[0].accuracy[0]),
    }
    with one[3].open(newline="", encoding="utf-8") as file:
        asked = list(csv.DictReader(file))
    assert len(asked) == 4 * 6 * 80
    assert asked[20] == {
        "setting": "letters",
        "strategy": "badge",
        "seed": "0",
        "checkpoint": "1",
        "rank": "1",
        "id": results.runs[0].queried[1][0],
    }


def test_the_results_can_be_read_back_and_are_plain_json(one: list[Path]) -> None:
    kept = json.loads(one[1].read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
    again = kept["settings"][0]
    assert again["runs"] == json.loads(json.dumps(setting().to_dict()))["runs"]
    assert again["standings"]["entropy"]["verdict"] == "worse"
    assert again["savings"]["entropy"]["needed"] is None  # never: no number
    assert again["protocol"]["code"] == "c0de"
    assert again["sentence"] == study(setting(), "letters").sentence()
    assert kept["sentence"] == f"{again['sentence']} {again['verdict']}"
    assert len(kept["penalties"]["matrix"]) == 4
    assert kept["agreements"][0]["nuisance"] == "seeds"


def test_the_page_needs_nothing_but_itself(one: list[Path], many: str) -> None:
    beside = {path.name for path in one}
    for text in (one[0].read_text(encoding="utf-8"), many):
        reader = read(text)
        ids = [value for _, name, value in reader.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        for _, name, value in reader.attributes:
            if name in ("src", "href", "xlink:href"):
                own = value.startswith("#") and value[1:] in ids
                assert own or value.startswith("data:image/png;base64,") or value in beside, value
        assert "<script" not in text
        assert not re.findall(r"url\((?!#)", text)
        assert "prefers-color-scheme: dark" in text


def test_every_picture_is_described(one: list[Path], many: str) -> None:
    reader = read(one[0].read_text(encoding="utf-8") + many)
    pictures = [
        (name, value)
        for tag, name, value in reader.attributes
        if tag == "svg" and name in ("role", "aria-label")
    ]
    labels = [value for name, value in pictures if name == "aria-label"]
    assert len(labels) == 2 * (3 + 4)  # each broad and slim: curves, matrix, errors; ranks, probabilities
    assert all(len(label) > 20 for label in labels)


def test_verdicts_are_words_and_the_claim_comes_first(one: list[Path]) -> None:
    text = one[0].read_text(encoding="utf-8")
    assert text.index('<p class="lead">Badge needed') < text.index("<svg")
    said = "".join(read(text).text)
    for word in ("better", "worse", "all labels", "91.0 %", "Nothing was tuned.", "12 seconds by the clock"):
        assert word in said
    assert "−" in said
    assert not re.search(r"\s-\d", "".join(re.findall(r"<td[^>]*>([^<]*)<", text)))  # a minus is a minus


def test_the_claim_about_labels_stands_beside_the_verdict_on_the_whole_curve() -> None:
    for gain, rope, words in (
        (0.1, 0.01, "badge is better than random."),
        (-0.1, 0.01, "badge is worse than random."),
        (0.0, 0.05, "badge is practically equal to random."),
        (0.0, None, "badge is not distinguishable from random."),
    ):
        said = text_of([setting(gains={"badge": gain, "margin": 0.0, "random": 0.0}, rope=rope)])
        lead = said.split('<p class="lead">')[1].split("</p>")[0]
        assert lead.endswith(f"the whole curve, allowing for all strategies compared, {words}")


def test_a_lead_that_is_the_baseline_gives_way_to_the_first_other() -> None:
    assert study(setting(lead="random"), "letters").lead == "badge"


def test_a_start_that_was_drawn_for_all_is_no_choice() -> None:
    runs = [
        Run(name, seed, (2, 4), (0.5, 0.6), (("a", "b"), second), (0.1, 0.1), (0.1,))
        for name, second in (("badge", ("c", "d")), ("random", ("d", "e")))
        for seed in (0, 1)
    ]
    assert study(Results({}, runs), "n").overlap == {"badge, random": pytest.approx(1 / 3)}
    # without a start set both have the same first batch, as random has it: it was drawn for badge too
    assert study(Results({"drawn": 0}, runs), "n").overlap == {"badge, random": pytest.approx(1 / 3)}


def test_equal_strategies_are_said_to_be_so() -> None:
    equal = {"badge": 0.0, "margin": 0.0, "random": 0.0}
    text = text_of([setting(gains=equal, rope=None)])
    assert text.count(">not distinguishable</td>") == 2
    assert ">better</td>" not in text
    assert "Practically equal" not in text
    near = text_of([setting(gains=equal, rope=0.05)])
    assert near.count(">practically equal</td>") == 2


def test_the_number_of_seeds_stands_on_every_table(one: list[Path], many: str) -> None:
    for text in (one[0].read_text(encoding="utf-8"), many):
        tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
        assert len(tables) >= 6
        assert [table for table in tables if "seeds" not in table] == []


def test_few_seeds_have_no_verdict() -> None:
    text = text_of([setting(seeds=3)])
    said = "".join(read(text).text)
    assert "No verdict on badge against random: there are 3 seeds, and a verdict takes 5." in said
    assert "No verdict: that takes 5 seeds." in said
    assert ">better<" not in text


def test_without_a_ceiling_or_counted_classes_the_row_stands_and_says_so() -> None:
    bare = setting(ceiling={}, with_classes=False)
    text = text_of([bare])
    assert re.search(r'rowheader">all labels</th><td[^>]*>–<', text)
    assert "the learner was not trained on the whole pool" in text
    assert study(bare, "letters").classes == {}
    assert study(bare, "letters").ceiling_mean is None


def test_many_settings_are_summed_up_first(many: str) -> None:
    headings = re.findall(r'<h2 id="part-\d+">(.*?)</h2>', many)
    assert headings[0] == "Summary"
    assert headings[-4:] == [
        "Who beats whom",
        "Across data sets",
        "Is the ranking stable?",
        "What this does not say",
    ]
    assert len(headings) == 1 + 11 + 4
    assert "of 11 settings: better in 10, worse in 1." in many
    assert "Over 10 data sets the ranks" in many
    assert (
        "Under another batch the ranking is not stable: Kendall&#x27;s tau −1.00 in one comparison." in many
    )
    assert re.search(
        r"other the ranking is (not )?stable: lowest Kendall&#x27;s tau −?\d\.\d\d in 11 comparisons\.", many
    )
    assert '<a href="#part-12">dna, batch 20</a>' in many


def test_few_data_sets_have_no_tests() -> None:
    said = "".join(read(text_of([setting("letters", batches=2), setting("dna", batches=2)])).text)
    assert "No test: Friedman's asks for 3 strategies and about 10 data sets, and there are 4 and 2." in said
    assert "No Bayesian verdict: it takes 5 data sets with 5 seeds each, and there are 2." in said


def test_a_ranking_that_cannot_be_tried_is_not_called_stable() -> None:
    text = text_of([setting(gains={"badge": 0.0, "random": 0.0})])
    assert "Not known: that takes three strategies" in text


def test_a_protocol_that_says_little_is_enough(tmp_path: Path) -> None:
    bare = Results({}, setting(batches=2).runs)
    kept = json.loads(written(tmp_path, [bare])[1].read_text(encoding="utf-8"))["settings"][0]
    assert (kept["name"], kept["lead"], kept["baseline"], kept["rope"]) == (
        "experiment",
        "badge",
        "random",
        None,
    )


def test_each_of_several_settings_has_its_curves(tmp_path: Path, several: list[Results]) -> None:
    names = [path.name for path in written(tmp_path, several[-2:])]
    assert {"curves-1.svg", "curves-1.png", "curves-2.svg", "curves-2.png"} <= set(names)
    (tmp_path / "curves-notes.svg").write_text("somebody's")
    (tmp_path / "curves-9.svg").mkdir()
    again = [path.name for path in written(tmp_path, several[-1:])]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*again, "curves-notes.svg", "curves-9.svg"}  # ours that are not made any more are gone


def test_fifty_runs_make_a_page_of_less_than_three_megabytes(tmp_path: Path) -> None:
    gains = {**GAINS, "least_confident": -0.05}
    page = written(tmp_path, [setting(gains=gains, seeds=10, batches=40)])[0]
    assert page.stat().st_size < 3_000_000


def test_what_cannot_be_reported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="at least one setting; received none"):
        written(tmp_path, [])
    with pytest.raises(
        ParameterError, match=r"the lead, 'bald', with the baseline 'random'; .*'letters' ran badge,"
    ):
        written(tmp_path, [setting(lead="bald")])
    with pytest.raises(ParameterError, match="with the baseline 'uniform'"):
        written(tmp_path, [setting(baseline="uniform")])
    with pytest.raises(ParameterError, match="share their baseline; received margin, random"):
        written(tmp_path, [setting(), setting("dna", baseline="margin")])
    with pytest.raises(ParameterError, match="at least 2 seeds; received"):
        written(tmp_path, [setting(seeds=1)])
    with pytest.raises(ParameterError, match="the lead, 'random', with the baseline 'random'"):
        written(tmp_path, [setting(gains={"random": 0.0}, lead=None)])
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_leaves_an_earlier_report_as_it_was(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    earlier = {path: path.read_bytes() for path in written(tmp_path, [setting(batches=2)])}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(ExperimentError, match=r"could not be \(File too large\)"):
            written(tmp_path, [setting(batches=3)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == earlier
