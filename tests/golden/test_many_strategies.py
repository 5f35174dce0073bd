"""With dozens of strategies a report has other forms, and says the same."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.many import (
    FEW,
    are_many,
    forest_rows,
    nearest,
    outstanding,
    penalties_of_many,
    summary_of_many,
)
from nextlabel.experiment.overview import overview
from nextlabel.experiment.penalty import median_ratio
from nextlabel.experiment.pictures import curves, gained
from nextlabel.experiment.report import write_report
from nextlabel.experiment.study import Study, study
from nextlabel.experiment.verdicts import BETTER, UNDECIDED, WORSE
from nextlabel.experiment.wording import points
from nextlabel.figures.curves import GREY
from nextlabel.figures.forest import ForestRow, forest

LABELS = (10, 20, 30, 40)


def results(
    strategies: int = FEW + 1, *, seeds: int = 6, name: str = "letters", ran: Any = None, **protocol: Any
) -> Results:
    """Strategy k gains (k − 6) points on random, all but the first two checkpoints the same for all."""
    rng = np.random.default_rng(len(name))
    names = ["random", *(f"s{k}" for k in range(1, strategies))]
    runs = []
    for seed in range(seeds):
        for k, one in enumerate(names):
            gain = 0.0 if one == "random" else 0.01 * (k - 6)
            noise = rng.normal(0.0, 0.002, 4)
            curve = 0.5 + 0.1 * np.arange(4) + gain * (np.arange(4) > 0) + noise
            ids = tuple(tuple(f"{k if one != 's2' else 1}-{c}-{i}" for i in range(3)) for c in range(4))
            runs.append(
                Run(one, seed, LABELS, tuple(curve.tolist()), ids, (0.1,) * 4, (0.1,) * 3, ((3, 7),) * 4)
            )
    said = {
        "setting": name,
        "dataset": name,
        "lead": "s8",
        "baseline": "random",
        "rope": 0.01,
        "drawn": 10,
        "strategies": ran,
    }
    return Results({**said, **protocol}, runs)


def worked_out(**changes: Any) -> Study:
    return study(results(**changes), "letters")


def test_more_than_a_dozen_are_many() -> None:
    assert not are_many(["a"] * FEW)
    assert are_many(["a"] * (FEW + 1))


def test_curves_of_many_are_those_of_the_lead_the_baseline_and_the_ends() -> None:
    one = worked_out()
    assert outstanding(one) == ("s8", "s12", "s11", "s2", "s1", "random")
    drawn = curves(one, "curves")
    assert set(re.findall(r">(s\d+|random)</text>", drawn.svg)) == set(outstanding(one))
    assert "Of 13 strategies are drawn s8, random, and those of the two largest" in drawn.picture.caption
    few = curves(worked_out(strategies=9), "curves")
    assert set(re.findall(r">(s\d+|random)</text>", few.svg)) == {"random", *(f"s{k}" for k in range(1, 9))}
    assert "are drawn" not in few.picture.caption


def test_a_lead_at_the_end_is_drawn_once() -> None:
    assert outstanding(worked_out(lead="s12")) == ("s12", "s11", "s10", "s2", "s1", "random")


def test_the_forest_has_the_figures_of_the_standings() -> None:
    one = worked_out()
    rows = {row.name: row for row in forest_rows(one)}
    assert set(rows) == set(one.standings)
    said = one.standings["s9"]
    assert rows["s9"].gain == pytest.approx(100 * said.gain)
    assert rows["s9"].own == pytest.approx((100 * said.own_interval.low, 100 * said.own_interval.high))
    assert rows["s9"].joint == pytest.approx((100 * said.interval.low, 100 * said.interval.high))
    assert (said.verdict, rows["s9"].sign) == (BETTER, 1)
    assert (one.standings["s2"].verdict, rows["s2"].sign) == (WORSE, -1)
    assert rows["s6"].sign == 0


def test_the_forest_is_sorted_and_says_better_and_worse_by_colour_and_marker() -> None:
    rows = [
        ForestRow("worse", -3.0, (-4.0, -2.0), (-5.0, -1.0), -1),
        ForestRow("better", 2.0, (1.0, 3.0), (0.5, 3.5), 1),
        ForestRow("neither", 0.5, (-1.0, 2.0), (-2.0, 3.0), 0),
    ]
    axes = forest(rows, baseline="random", title="t", rope=1.0).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["better", "neither", "worse"]
    points = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert [np.asarray(line.get_xdata()).tolist() for line in points] == [[2.0], [0.5], [-3.0]]
    assert len({line.get_color() for line in points}) == len({line.get_marker() for line in points}) == 3
    assert points[1].get_color() == GREY
    spans = [
        np.asarray(line.get_xdata()).tolist() for line in axes.lines if len(np.asarray(line.get_xdata())) == 2
    ]
    assert spans[1:] == [[0.5, 3.5], [1.0, 3.0], [-2.0, 3.0], [-1.0, 2.0], [-5.0, -1.0], [-4.0, -2.0]]
    assert len(axes.patches) == 1
    assert not forest(rows, baseline="random", title="t").axes[0].patches


def test_the_forest_on_the_page_is_described() -> None:
    one = worked_out()
    drawn = gained(one, "gains-1")
    assert f": s1 {points(one.standings['s1'].gain)}; s2 " in drawn.picture.broad
    assert "Grey band: within 1 point of random." in drawn.picture.caption
    assert "Grey band" not in gained(worked_out(rope=0), "gains").picture.caption
    assert set(drawn.files()) == {"gains-1.svg", "gains-1.png"}


def test_the_summary_has_a_row_for_each_strategy_and_a_column_for_each_setting() -> None:
    first = worked_out()
    other = study(results(strategies=FEW, name="digits"), "digits")
    table = summary_of_many([first, other])
    assert table.header == ["strategy", "letters (6 seeds)", "digits (6 seeds)"]
    assert [row[0] for row in table.rows][:2] == ["s12", "s11"]
    assert [row[0] for row in table.rows][-1] == "AUBC of random"
    by_name = {row[0]: row for row in table.rows}
    assert by_name["s12"][2] == "–"
    assert by_name["s1"][1].endswith(WORSE)
    assert by_name["s6"][1].endswith(("practically equal", UNDECIDED))


def test_the_nearest_is_the_one_with_most_shared_ids() -> None:
    table = {row[0]: row[1:] for row in nearest(worked_out()).rows}
    assert table["s1"] == ["s2", "1.00", "0.00"]
    assert table["s2"] == ["s1", "1.00", "0.00"]
    assert table["random"][2] == "–"


def test_penalties_of_many_are_the_means_of_the_matrix_the_least_beaten_first() -> None:
    found = overview([results()])
    rows = penalties_of_many(found.penalties, "random", ["more"]).rows
    column = np.array(found.penalties.matrix).mean(axis=0)
    assert [float(row[1]) for row in rows] == pytest.approx(sorted(column), abs=0.006)
    names = found.penalties.strategies
    place = names.index("s12")
    said = next(row for row in rows if row[0] == "s12")
    assert float(said[2]) == pytest.approx(sum(found.penalties.matrix[place]) / (len(names) - 1), abs=0.006)
    assert float(said[3]) == pytest.approx(median_ratio(found.penalties, "s12"), abs=0.006)


def test_the_median_of_errors_is_weighted() -> None:
    found = overview([results()]).penalties
    made = replace(found, ratios={"a": (3.0, 1.0, 2.0)}, weights=(0.2, 0.2, 0.6))
    assert median_ratio(made, "a") == 2.0
    assert median_ratio(replace(made, weights=(0.2, 0.6, 0.2)), "a") == 1.0


def test_a_report_of_many_has_neither_matrix_nor_wide_tables(tmp_path: Path) -> None:
    ran = {"s1": {"name": "stochastic", "of": {"name": "bald"}, "beta": 2.0}}
    two = [results(left_out={"bald": "needs 'draws'"}, ran=ran), results(name="digits")]
    paths = write_report(tmp_path, two, title="All", command="again", seconds=1.0)
    names = {path.name for path in paths}
    assert {"gains-1.svg", "gains-2.png", "curves-1.svg"} <= names
    assert not {"penalty.svg", "errors.svg"} & names
    text = paths[0].read_text(encoding="utf-8")
    assert "<dt>Not run</dt><dd>bald: needs &#x27;draws&#x27;</dd>" in text
    assert "<dt>Strategies</dt>" not in text
    assert "stochastic (of bald, beta 2.0)" in text
    columns = [table.count('scope="col"') for table in text.split("<table")[1:]]
    assert max(columns) <= 8
    assert text.index("Gain in AUBC on random, in points:") < text.index("Learning curves up to 40 labels")


def test_pictures_of_an_earlier_report_of_many_go_with_it(tmp_path: Path) -> None:
    write_report(tmp_path, [results()], title="All", command="again", seconds=1.0)
    assert (tmp_path / "gains.svg").exists()
    write_report(tmp_path, [results(strategies=9)], title="Few", command="again", seconds=1.0)
    assert not (tmp_path / "gains.svg").exists()
