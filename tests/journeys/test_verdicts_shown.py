"""The terminal shows verdicts on a screen of any width."""

from io import StringIO

import pytest
from rich.console import Console

from nextlabel.cli.comparison import show
from nextlabel.experiment.comparison import claim, rows
from nextlabel.experiment.curves import Results, Run

RESULTS = Results(
    {},
    [
        Run(name, seed, (10, 20), (0.5, height + 0.01 * seed), ((), ()), (0.1, 0.1), (0.2,))
        for name, height in (("badge", 0.9), ("random", 0.8))
        for seed in range(3)
    ],
)


def shown(width: int, verdicts: dict[str, str] | None) -> str:
    console = Console(file=StringIO(), width=width)
    show(console, claim(RESULTS, "badge", "random"), rows(RESULTS, "random"), verdicts)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [200, 90, 30])
def test_a_verdict_stands_with_its_strategy_and_is_never_cut(width: int) -> None:
    text = shown(width, {"badge": "not distinguishable"})
    assert text.count("not distinguishable") == 1
    assert "verdict" in text
    assert "Verdicts allow for all strategies" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= width


def test_without_verdicts_there_is_no_column() -> None:
    assert "verdict" not in shown(200, None)
    assert "verdict" not in shown(30, None)
