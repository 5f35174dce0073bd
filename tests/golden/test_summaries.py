"""The area under a learning curve and the labels to a level, by hand."""

import math

import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.summaries import area_under_budget_curve, labels_to_reach


def test_a_constant_curve_has_its_height_as_area() -> None:
    assert area_under_budget_curve([20, 30, 90], [[0.7, 0.7, 0.7]]).tolist() == pytest.approx([0.7])


def test_uneven_steps_are_weighted_by_their_labels() -> None:
    # 10 labels at a mean of 0.25, then 30 at 0.75: (2.5 + 22.5) / 40
    assert area_under_budget_curve([0, 10, 40], [[0.0, 0.5, 1.0]]).tolist() == pytest.approx([0.625])


def test_every_seed_has_its_own_area() -> None:
    assert area_under_budget_curve([5, 15], [[0.0, 1.0], [1.0, 1.0]]).tolist() == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize(
    ("level", "needed"),
    [
        (0.55, 25.0),  # a quarter of the way from 0.5 at 20 to 0.7 at 40
        (0.7, 40.0),  # exactly a checkpoint
        (0.5, 20.0),  # where the curve starts
        (0.1, 20.0),  # below the start: known no better than the start
        (0.75, 80.0),  # halfway up again, after the dip at 60
        (0.91, math.inf),  # never
    ],
)
def test_labels_to_reach_a_level_lie_on_the_straight_line(level: float, needed: float) -> None:
    assert labels_to_reach([20, 40, 60, 100], [0.5, 0.7, 0.6, 0.9], level) == pytest.approx(needed)


def test_the_first_of_several_passages_counts() -> None:
    assert labels_to_reach([0, 10, 20, 30], [0.0, 1.0, 0.0, 1.0], 0.5) == 5.0


@pytest.mark.parametrize("labels", [[20], [20, 20], [40, 20]])
def test_checkpoints_must_increase(labels: list[int]) -> None:
    with pytest.raises(
        ParameterError, match=rf"received labels {[float(one) for one in labels]}".replace("[", r"\[")
    ):
        area_under_budget_curve(labels, [[0.5] * len(labels)])


def test_a_curve_of_another_length_is_refused() -> None:
    with pytest.raises(SignalError, match="'labels' says 2, 'curves' has shape \\(1, 3\\)"):
        area_under_budget_curve([0, 10], [[0.0, 0.5, 1.0]])


def test_a_curve_that_is_not_finite_is_refused() -> None:
    with pytest.raises(SignalError, match="row 0 holds nan"):
        labels_to_reach([0, 10], [0.0, math.nan], 0.5)
