"""Pictures show what they are given, and are the same each time."""

import builtins
import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from nextlabel.errors import MissingExtra, ParameterError
from nextlabel.figures.canvas import INK, inline, new_figure, png, svg
from nextlabel.figures.curves import learning_curves
from nextlabel.figures.strips import strip
from nextlabel.maths.intervals import student_interval

LABELS = np.array([20, 40, 60])
CURVES = {
    "BADGE": np.array([[0.5, 0.8, 0.9], [0.6, 0.7, 0.9]]),
    "random": np.array([[0.5, 0.6, 0.8], [0.6, 0.7, 0.7]]),
}


@pytest.fixture
def drawn() -> Figure:
    return learning_curves(LABELS, CURVES, baseline="random", title="Digits")


def test_lines_are_means_over_seeds_in_percent(drawn: Figure) -> None:
    upper, lower = drawn.axes
    by_name = {line.get_label(): line for line in upper.lines}
    np.testing.assert_allclose(np.asarray(by_name["BADGE"].get_ydata()), [55.0, 75.0, 90.0])
    np.testing.assert_allclose(np.asarray(by_name["random"].get_ydata()), [55.0, 65.0, 75.0])
    np.testing.assert_allclose(np.asarray(lower.lines[0].get_ydata()), [0.0, 10.0, 15.0])


def test_bands_are_paired_in_the_lower_panel(drawn: Figure) -> None:
    lower = drawn.axes[1]
    edges = lower.collections[0].get_paths()[0].vertices
    interval = student_interval(100.0 * (CURVES["BADGE"] - CURVES["random"])[:, 1])
    at_40 = sorted({float(y) for x, y in np.asarray(edges) if x == 40.0})
    assert at_40 == pytest.approx([interval.low, interval.high])


def test_the_name_of_a_long_baseline_is_drawn_whole() -> None:
    name = "random picks, an ensemble of five members"
    curves = {"BADGE": CURVES["BADGE"], name: CURVES["random"]}
    figure = learning_curves(LABELS, curves, baseline=name, title="Digits")
    lower = figure.axes[1]
    assert lower.get_ylabel().replace("\n", " ") == f"gain on {name}, points"
    figure.canvas.draw()
    label, panel = lower.yaxis.label.get_window_extent(), lower.get_window_extent()
    assert figure.bbox.x0 <= label.x0
    assert figure.bbox.y0 <= label.y0
    assert label.x1 <= panel.x0
    assert label.height <= 1.2 * panel.height


def test_curves_begin_at_the_start_size_and_axes_are_named(drawn: Figure) -> None:
    upper, lower = drawn.axes
    assert lower.get_xlim()[0] == 20.0
    assert lower.get_xlabel() == "labelled items"
    assert upper.get_ylabel() == "test accuracy, %"
    assert lower.get_ylabel() == "gain on random, points"
    legend = upper.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["BADGE", "random"]
    assert legend.get_title().get_text() == "mean of 2 seeds, band 95 %"


def test_accuracies_that_cannot_be_take_no_room() -> None:
    wild = {"BADGE": np.array([[0.1, 0.9], [0.9, 0.1]]), "random": np.array([[0.5, 0.5], [0.5, 0.5]])}
    upper = learning_curves(LABELS[:2], wild, baseline="random", title="Digits").axes[0]
    assert upper.get_ylim() == (0.0, 102.0)


def test_a_small_picture_has_text_of_the_same_size(drawn: Figure) -> None:
    small = learning_curves(LABELS, CURVES, baseline="random", title="Digits", size=(4.0, 5.0))
    assert tuple(small.get_size_inches()) == (4.0, 5.0)
    sizes = [{text.get_fontsize() for text in figure.findobj(Text)} for figure in (drawn, small)]
    assert sizes[0] == sizes[1]


def test_many_strategies_differ_in_colour_or_marker() -> None:
    many = {f"strategy {i}": CURVES["BADGE"] for i in range(6)} | {"random": CURVES["random"]}
    figure = learning_curves(LABELS, many, baseline="random", title="Digits")
    looks = {(to_hex(line.get_color()), line.get_marker()) for line in figure.axes[0].lines}
    assert len(looks) == len(many)


def test_of_many_strategies_the_legend_does_not_lie_on_the_curves() -> None:
    many = {f"strategy {i}": CURVES["BADGE"] for i in range(7)} | {"random": CURVES["random"]}
    figure = learning_curves(LABELS, many, baseline="random", title="Digits")
    upper, lower = figure.axes
    legend = upper.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    assert upper.get_window_extent().y0 >= box.y1
    assert box.y0 >= lower.get_window_extent().y1
    assert len({to_hex(line.get_color()) for line in upper.lines}) == len(many)


def test_one_seed_has_no_band() -> None:
    with pytest.raises(ParameterError, match="received 1"):
        learning_curves(LABELS, {"random": CURVES["random"][:1]}, baseline="random", title="Digits")


def test_the_same_picture_is_the_same_file(drawn: Figure) -> None:
    again = learning_curves(LABELS, CURVES, baseline="random", title="Digits")
    assert svg(drawn) == svg(again)
    assert png(drawn) == png(again)
    assert png(drawn).startswith(b"\x89PNG")


def test_on_a_page_a_picture_is_described_and_takes_the_page_s_colour(drawn: Figure) -> None:
    part = inline(svg(drawn), alt='Curves of "BADGE" & others')
    assert part.startswith('<svg role="img" aria-label="Curves of &quot;BADGE&quot; &amp; others"')
    assert INK not in part
    assert "currentColor" in part
    assert "<metadata" not in part
    assert ">labelled items<" in part  # text is text
    assert re.search(r"<svg[^>]*viewBox=", part)
    assert not re.search(r"<svg[^>]* width=", part)


def test_two_pictures_on_a_page_keep_their_parts_apart(drawn: Figure) -> None:
    plain, marked = inline(svg(drawn), alt=""), inline(svg(drawn), alt="", mark="phone-")
    named = set(re.findall(r'\bid="([^"]+)"', marked))
    assert named
    assert not named & set(re.findall(r'\bid="([^"]+)"', plain))
    assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', plain))
    assert {one or two for one, two in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', marked)} <= named


def test_drawing_leaves_matplotlib_s_settings_alone() -> None:
    from matplotlib import rcParams

    before = dict(rcParams)
    with new_figure(1.0, 1.0) as figure:
        assert rcParams["svg.fonttype"] == "none"
    svg(figure)
    assert dict(rcParams) == before


def test_a_strip_shows_images_side_by_side_dark_on_white() -> None:
    images = np.zeros((2, 3, 3))
    images[1, 1, 1] = 1.0
    pixels = imread(BytesIO(strip(images, scale=2)))
    assert pixels.shape[:2] == (10, 20)
    assert pixels[4:6, 14:16, :3].max() == 0.0
    pixels[4:6, 14:16, :3] = 1.0
    assert pixels[..., :3].min() == 1.0


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name=name)
        return kept(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    for draw in (
        lambda: learning_curves(LABELS, CURVES, baseline="random", title=""),
        lambda: strip(np.ones((1, 2, 2))),
    ):
        with pytest.raises(MissingExtra, match=r"'matplotlib'.* pip install 'nextlabel\[plot\]'"):
            draw()


def test_the_legend_of_a_small_picture_covers_no_curve() -> None:
    small = learning_curves(LABELS, CURVES, baseline="random", title="Digits", size=(4.4, 6.2))
    small.draw_without_rendering()
    upper, lower = small.axes
    legend = upper.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    assert not box.overlaps(upper.get_window_extent())
    assert not box.overlaps(lower.get_window_extent())
