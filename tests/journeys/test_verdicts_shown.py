"""The terminal shows what the page shows, on a screen of any width."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from nextlabel.cli.benchmark import report
from nextlabel.cli.comparison import show, show_table
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.study import Study, study
from nextlabel.experiment.tables import gains, summary, targets
from nextlabel.experiment.wording import span

WOBBLE = (0.0, 0.03, -0.02, 0.01, -0.03, 0.02)


def results(seeds: int = 6, **protocol: object) -> Results:
    runs = [
        Run(
            name,
            seed,
            (10, 20),
            (0.5, height + 0.01 * seed + slope * WOBBLE[seed]),
            (("a",), ("b",)),
            (0.1, 0.1),
            (0.2,),
        )
        for name, height, slope in (("badge", 0.9, 1.0), ("margin", 0.81, -1.0), ("random", 0.8, 0.0))
        for seed in range(seeds)
    ]
    return Results({"setting": "letters", "lead": "badge", "baseline": "random", **protocol}, runs)


def found(seeds: int = 6, **protocol: object) -> Study:
    return study(results(seeds, **protocol), "letters")


def printed(width: int) -> Console:
    return Console(file=StringIO(), width=width)


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def shown(width: int, one: Study, *, with_standings: bool = True) -> str:
    console = printed(width)
    show(console, one.claim, one.rows, one.standings if with_standings else None)
    return text(console)


@pytest.mark.parametrize("width", [200, 90, 30])
def test_a_verdict_stands_with_its_strategy_and_is_never_cut(width: int) -> None:
    said = shown(width, found())
    assert said.count("not distinguishable") == 1
    assert "better" in said
    assert "Verdicts allow for all strategies" in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= width


def test_without_standings_there_is_no_column_and_each_interval_is_its_own() -> None:
    one = found()
    for width in (200, 30):
        assert "verdict" not in shown(width, one, with_standings=False)
    assert f"({span(one.standings['badge'].own_interval)})" in shown(200, one, with_standings=False)


@pytest.mark.parametrize("width", [200, 30])
def test_terminal_and_page_show_one_interval_under_one_heading(width: int) -> None:
    one = found()
    table = gains(one)
    said = " ".join(shown(width, one).split())
    column = list(table.header).index("gain on random (95 %)")
    for name in ("badge", "margin"):
        standing = one.standings[name]
        assert span(standing.interval) != span(standing.own_interval)  # else this could not fail
        (cell,) = (row[column] for row in table.rows if row[0] == name)
        assert cell in said
    assert "The intervals (Student's t) hold together in 95 % of experiments." in said


@pytest.mark.parametrize("width", [200, 30])
def test_a_table_of_the_page_is_never_cut(width: int) -> None:
    table = summary([found(), found(), found()])
    console = printed(width)
    show_table(console, table)
    said = text(console)
    assert max(map(len, said.splitlines())) <= width
    for part in (table.caption, *table.header[3:], *table.notes):
        assert part in " ".join(said.split())
    for row in table.rows:
        assert all(cell in " ".join(said.split()) for cell in row)


def reported(folder: Path, settings: list[Results], width: int = 300) -> tuple[str, str]:
    """What the terminal says before the files are named, and the page."""
    console = printed(width)
    report(console, folder, settings, title="t", command="again", notes=[])
    page = (folder / "index.html").read_text(encoding="utf-8")
    return text(console).split("The page:")[0], page


def test_terminal_and_page_say_the_same_of_the_lead(tmp_path: Path) -> None:
    for seeds, words in ((6, "badge is better than random."), (3, "No verdict on badge against random")):
        said, page = reported(tmp_path / str(seeds), [results(seeds, target=0.7)])
        assert words in said
        assert said.splitlines()[-2 if said.endswith("\n\n") else -1] in page.replace("&#x27;", "'")
        assert "labels to 70 % (95 %)" in said
        assert "labels to 70 % (95 %)" in page
    assert "needed" not in said  # of three seeds no claim


def test_more_than_three_settings_are_one_table(tmp_path: Path) -> None:
    settings = [results(setting=f"set {i}") for i in range(4)]
    said, _ = reported(tmp_path, settings)
    assert said.count("AUBC of random") == 1
    assert "seconds" not in said
    assert "Badge, named beforehand, against random by the area" in said
    assert "of 4 settings: better in 4." in said


def test_labels_to_a_target_stand_in_a_table_of_their_own() -> None:
    assert targets(found()) is None
    table = targets(found(target=[0.7, 0.95]))
    assert table is not None
    assert list(table.header) == ["strategy", "labels to 70 % (95 %)", "labels to 95 % (95 %)", "seeds"]
    by_name = {row[0]: row for row in table.rows}
    # random ends with 0.825 on average, badge with 0.92667: 0.95 is out of reach of both
    assert by_name["random"][1].startswith(f"{10 + 10 * 0.2 / 0.325:.0f} (")
    assert by_name["badge"][1].startswith(f"{10 + 10 * 0.2 / (0.425 + 0.01 / 6):.0f} (")
    assert by_name["random"][2] == "> 20 (20 to > 20)"
