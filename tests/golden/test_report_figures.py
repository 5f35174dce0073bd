"""The pictures of a report show the figures that they are given."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from nextlabel.experiment.across import Posterior, Ranks
from nextlabel.experiment.penalty import Penalties
from nextlabel.experiment.pictures import Drawn, errors, matrix, posterior, rank_line
from nextlabel.figures import page
from nextlabel.figures.canvas import INK, svg
from nextlabel.figures.curves import learning_curves, looks_of
from nextlabel.figures.errors import error_distribution
from nextlabel.figures.penalty import penalty_matrix
from nextlabel.figures.posterior import posterior_bars
from nextlabel.figures.ranks import critical_difference_diagram

NAMES = ("badge", "random")


def test_a_ceiling_is_a_dotted_line_with_a_name() -> None:
    curves = {"random": np.array([[0.5, 0.6], [0.5, 0.7]])}
    upper = learning_curves(np.array([10, 20]), curves, baseline="random", title="", ceiling=0.9).axes[0]
    line = next(line for line in upper.lines if line.get_label() == "all labels")
    assert np.asarray(line.get_ydata()) == pytest.approx([90.0, 90.0])
    assert line.get_linestyle() == ":"
    legend = upper.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["random", "all labels"]


def test_a_dozen_strategies_look_different() -> None:
    looks = looks_of([*(f"strategy {i}" for i in range(12)), "random"], "random")
    pairs = {(one["color"], one.get("marker")) for one in looks.values()}
    assert len(pairs) == 13


def test_the_matrix_shows_its_figures_and_leaves_out_the_diagonal() -> None:
    figure = penalty_matrix(
        NAMES, np.array([[0.0, 1.5], [0.25, 0.0]]), np.array([0.125, 0.75]), most=2.0, title="t"
    )
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["1.50", "0.25", "0.12", "0.75"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["badge", "random", "column mean"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(NAMES)


def luminance(parts: Sequence[float]) -> float:
    table = np.asarray(parts)
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_figures_of_the_matrix_stand_out_on_the_strongest_ground_by_day_and_by_night() -> None:
    axes = penalty_matrix(NAMES, np.full((2, 2), 2.0), np.full(2, 2.0), most=2.0, title="t").axes[0]
    assert to_hex(axes.texts[0].get_color()) == INK  # which the page makes its own
    ground = np.array(to_rgb(axes.patches[0].get_facecolor()))
    alpha = axes.patches[0].get_alpha()
    assert alpha is not None
    style = (Path(page.__file__).with_name("page.css")).read_text(encoding="utf-8")
    papers = re.findall(r"--paper: (#\w+); --ink: (#\w+)", style)
    assert len(papers) == 2
    for paper, ink in papers:
        mixed = alpha * ground + (1.0 - alpha) * np.array(to_rgb(paper))
        low, high = sorted([luminance(mixed.tolist()), luminance(to_rgb(ink))])
        assert (high + 0.05) / (low + 0.05) >= 4.5  # as the accessibility guidelines ask


def test_nothing_of_the_matrix_hides_the_page() -> None:
    axes = penalty_matrix(NAMES, np.zeros((2, 2)), np.zeros(2), most=2.0, title="t").axes[0]
    assert not axes.images
    assert {patch.get_alpha() for patch in axes.patches} == {0.0}


def test_type_is_of_one_size_in_all_pictures_of_a_page() -> None:
    found = Penalties(
        NAMES, ((0.0, 1.0), (0.0, 0.0)), (0.0, 0.5), 1, (5, 5), (3,),
        {"badge": (0.9, 0.5, 0.7), "random": (1.0, 1.0, 1.0)}, (1 / 3,) * 3,
    )  # fmt: skip
    drawn = [
        matrix(found),
        errors(found, "random"),
        rank_line(Ranks(("a", "b", "c"), (1.0, 2.0, 3.0), 10, 0.01, 1.05)),
        posterior([Posterior("badge", "random", 5, 0.01, 0.9, 0.1, 0.0)]),
    ]
    widths = {re.findall(r'viewBox="0 0 ([\d.]+) ', one.picture.broad)[0] for one in drawn if one}
    assert widths == {"576"}  # eight inches, as learning curves have


def test_the_staircase_is_the_weighted_distribution() -> None:
    ratios = {"badge": np.array([0.8, 0.5, np.inf]), "random": np.array([1.0, 1.0, 1.0])}
    axes = error_distribution(ratios, np.array([0.25, 0.5, 0.25]), baseline="random", title="t").axes[0]
    line = next(line for line in axes.lines if line.get_label() == "badge")
    assert np.asarray(line.get_xdata())[1:3] == pytest.approx([0.5, 0.8])
    # what errs infinitely more often is never reached
    assert np.asarray(line.get_ydata()) == pytest.approx([0.0, 0.5, 0.75, 0.75])
    assert axes.get_xlabel() == "error as a multiple of random's"


def test_a_distribution_of_nothing_finite_is_flat() -> None:
    ratios = {"badge": np.array([np.inf]), "random": np.array([1.0])}
    axes = error_distribution(ratios, np.array([1.0]), baseline="random", title="t").axes[0]
    line = next(line for line in axes.lines if line.get_label() == "badge")
    assert np.asarray(line.get_ydata()).tolist() == [0.0, 0.0]


def test_ranks_are_points_and_bars_span_what_cannot_be_told_apart() -> None:
    axes = critical_difference_diagram(["a", "b", "c"], np.array([1.0, 1.5, 2.9]), 0.6, title="t").axes[0]
    points, bar = axes.lines
    assert np.asarray(points.get_xdata()).tolist() == [1.0, 1.5, 2.9]
    assert np.asarray(bar.get_xdata()).tolist() == [1.0, 1.5]
    assert [text.get_text() for text in axes.texts] == ["a 1.00", "b 1.50", "c 2.90"]


def test_probabilities_fill_a_bar_and_small_ones_have_no_figure() -> None:
    axes = posterior_bars("badge", ["random"], np.array([[0.9, 0.07, 0.03]]), title="t").axes[0]
    whole = axes.transData.transform((1.0, 0.0))[0] - axes.transData.transform((0.0, 0.0))[0]
    assert [bar.get_extents().width / whole for bar in axes.patches] == pytest.approx([0.9, 0.07, 0.03])
    assert [text.get_text() for text in axes.texts] == ["0.90"]


def test_pictures_are_described_with_their_figures() -> None:
    def alt(drawn: Drawn | None) -> str:
        assert drawn is not None
        assert drawn.png.startswith(b"\x89PNG")
        assert set(drawn.files()) == {f"{drawn.name}.svg", f"{drawn.name}.png"}
        return drawn.picture.broad.split('aria-label="')[1].split('"')[0]

    found = Penalties(
        NAMES, ((0.0, 1.0), (0.0, 0.0)), (0.0, 0.5), 1, (5, 5), (3,),
        {"badge": (0.9, 0.5, 0.7), "random": (1.0, 1.0, 1.0)}, (1 / 3,) * 3,
    )  # fmt: skip
    assert "Medians: badge 0.70; random 1.00." in alt(errors(found, "random"))
    assert alt(rank_line(Ranks(("a", "b", "c"), (1.0, 2.0, 3.0), 10, 0.01, 1.05))) == (
        "Mean ranks: a 1.00; b 2.00; c 3.00. Critical difference 1.05."
    )
    assert "against random: better 0.90, equal 0.10, worse 0.00" in alt(
        posterior([Posterior("badge", "random", 5, 0.01, 0.9, 0.1, 0.0)])
    )


def test_what_may_not_be_drawn_is_not() -> None:
    assert rank_line(Ranks(("a", "b"), (1.0, 2.0), 3, None, None)) is None
    assert posterior([]) is None


def test_the_same_picture_is_the_same_text() -> None:
    first, again = (
        svg(critical_difference_diagram(["a", "b"], np.array([1.0, 2.0]), 0.6, title="t")) for _ in range(2)
    )
    assert first == again
