"""Many descents at once: each as if it were alone."""

import re

import pytest
import torch
from torch import Tensor

from nextlabel.errors import ParameterError
from nextlabel.leakage.matching.together import descend


def rosenbrock(point: Tensor) -> Tensor:
    return (100.0 * (point[1::2] - point[::2] ** 2) ** 2 + (1.0 - point[::2]) ** 2).sum()


def some_starts(count: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_every_start_finds_the_end_of_the_valley() -> None:
    ended = descend(rosenbrock, some_starts(6, 4), evaluations=400)
    # some reach zero exactly, which is no reason for the others to end
    assert (ended.values < 1e-20).all()
    torch.testing.assert_close(ended.points, torch.ones(6, 4, dtype=torch.float64), rtol=0.0, atol=1e-8)
    assert not ended.is_cut


def test_a_start_goes_as_if_it_were_alone() -> None:
    # products of matrices may be rounded otherwise in another batch; twenty rounds do not let that grow
    starts = some_starts(5, 4)
    joined = descend(rosenbrock, starts, evaluations=20, history=7)
    for row, start in enumerate(starts):
        alone = descend(rosenbrock, start[None], evaluations=20, history=7)
        torch.testing.assert_close(joined.points[row], alone.points[0], rtol=1e-8, atol=1e-8)
        assert joined.evaluations[row] == alone.evaluations[0]


def test_two_runs_are_equal_bit_for_bit() -> None:
    one, other = (descend(rosenbrock, some_starts(3, 4), evaluations=60) for _ in range(2))
    assert torch.equal(one.points, other.points)
    assert one.trace == other.trace


def test_chunks_change_nothing_that_matters() -> None:
    whole = descend(rosenbrock, some_starts(5, 4), evaluations=30)
    pieces = descend(rosenbrock, some_starts(5, 4), evaluations=30, chunk=2)
    torch.testing.assert_close(whole.points, pieces.points, rtol=1e-8, atol=1e-8)


def test_gradients_are_taken_where_they_are_switched_off() -> None:
    with torch.no_grad():
        ended = descend(rosenbrock, some_starts(2, 4), evaluations=400)
    assert (ended.values < 1e-20).all()
    assert not ended.points.requires_grad


@pytest.mark.parametrize("chunk", [None, 2])
def test_an_objective_that_no_point_moves_ends_at_once(chunk: int | None) -> None:
    ended = descend(lambda point: point.detach().sum(), some_starts(5, 3).abs(), evaluations=9, chunk=chunk)
    assert ended.evaluations.tolist() == [1] * 5
    assert torch.equal(ended.values, some_starts(5, 3).abs().sum(1))


def test_the_least_value_never_rises() -> None:
    ended = descend(rosenbrock, some_starts(4, 6), evaluations=150)
    values = [value for _, value in ended.trace]
    assert values == sorted(values, reverse=True)
    assert [number for number, _ in ended.trace] == list(range(1, len(values) + 1))
    assert values[-1] == float(ended.values.min()) == float(ended.values[ended.best])


def test_the_values_given_are_those_of_the_points_given() -> None:
    ended = descend(rosenbrock, some_starts(4, 6), evaluations=37)
    assert ended.values.tolist() == [float(rosenbrock(point)) for point in ended.points]


def test_a_trial_that_is_no_number_is_too_long() -> None:
    def walled(point: Tensor) -> Tensor:  # no number below zero; least at one
        return (point - point.log() - 1.0).sum()

    starts = torch.tensor([[1e-3], [30.0], [1e-8]], dtype=torch.float64)
    ended = descend(walled, starts, evaluations=100)
    torch.testing.assert_close(ended.points, torch.ones(3, 1, dtype=torch.float64), rtol=0.0, atol=1e-6)


def test_a_start_that_is_no_number_leaves_and_the_others_go_on() -> None:
    def walled(point: Tensor) -> Tensor:
        return ((point.sqrt() - 2.0) ** 2).sum()

    ended = descend(walled, torch.tensor([[-1.0], [1.0]], dtype=torch.float64), evaluations=100)
    assert ended.values[0] == float("inf")
    assert ended.points[0].tolist() == [-1.0]
    assert ended.evaluations[0] == 1
    assert ended.points[1].item() == pytest.approx(4.0)
    assert ended.best == 1


def test_gradients_that_are_no_numbers_are_not_followed() -> None:
    def kinked(point: Tensor) -> Tensor:  # the square root has an infinite slope at zero
        return (point - 1.0).abs().sqrt().sum() + point.sum() * 0.0

    ended = descend(kinked, torch.tensor([[3.0]], dtype=torch.float64), evaluations=200)
    assert ended.points.isfinite().all()
    assert ended.values.item() < 1e-3


def test_a_flat_start_leaves_at_once() -> None:
    ended = descend(lambda point: (point * 0.0).sum() + 1.0, torch.zeros(2, 3), evaluations=50)
    assert ended.evaluations.tolist() == [1, 1]
    assert len(ended.trace) == 1


def test_a_start_that_gains_nothing_leaves_when_patience_is_over() -> None:
    def raised(point: Tensor) -> Tensor:  # never below one: the last digits cannot be gained
        return 1.0 + (point**4).sum()

    ended = descend(raised, some_starts(2, 3), evaluations=10_000, patience=30)
    assert (ended.evaluations < 200).all()
    assert ended.values.max() < 1.0 + 1e-3


def test_a_lower_trial_whose_gradient_is_no_number_is_too_long() -> None:
    # the first step lands at x = 1.8: lower than the start, and where the root of 0 has an infinite slope
    def half_blind(point: Tensor) -> Tensor:
        apart = point - torch.tensor([3.0, 1.0])
        bowl = (torch.tensor([4.0, 0.1]) * apart**2).sum()
        rooted = torch.where(point[0] > 2.0, torch.ones(()), point[0] - point[0]).sqrt()
        return bowl + 0.0 * rooted

    ended = descend(half_blind, torch.tensor([[5.0, -9.0]], dtype=torch.float64), evaluations=200)
    torch.testing.assert_close(ended.points, torch.tensor([[3.0, 1.0]], dtype=torch.float64))


@pytest.mark.parametrize(("lifted", "does_go_on"), [(1e3, True), (1e6, False)])
def test_patience_is_reset_by_a_thousandth_and_by_no_less(lifted: float, does_go_on: bool) -> None:
    # the valley is 24 deep: of a thousand that is 24 thousandths, and of a million less than one
    start = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    ended = descend(lambda point: lifted + rosenbrock(point), start, evaluations=400, patience=15)
    # one evaluation for the start itself, whose value is a fall from infinity
    assert (int(ended.evaluations[0]) > 16) is does_go_on


def test_all_end_when_one_has_reached_the_target() -> None:
    starts = torch.tensor([[1.0, 1.1], [-3.0, 7.0]], dtype=torch.float64)
    ended = descend(rosenbrock, starts, evaluations=500, target=1e-6)
    assert ended.values[0] <= 1e-6
    assert ended.values[1] > 1e-6
    assert len(ended.trace) < 30


def test_one_goes_on_alone_when_it_is_near_enough() -> None:
    starts = torch.tensor([[1.0, 1.1], [-3.0, 7.0]], dtype=torch.float64)
    ended = descend(rosenbrock, starts, evaluations=500, enough=1e-6)
    assert ended.values[0] < 1e-20
    assert ended.evaluations[1] < ended.evaluations[0]


def test_the_clock_ends_it_with_the_best_so_far() -> None:
    ended = descend(rosenbrock, some_starts(3, 4), evaluations=10_000, seconds=1e-9)
    assert ended.is_cut
    assert ended.evaluations.tolist() == [1, 1, 1]
    assert torch.equal(ended.points, some_starts(3, 4))


def test_the_clock_does_not_cut_what_has_ended_by_itself() -> None:
    ended = descend(rosenbrock, torch.ones(1, 4, dtype=torch.float64), evaluations=9, seconds=1e-9)
    assert not ended.is_cut
    assert ended.evaluations.tolist() == [1]


def test_each_round_is_told() -> None:
    heard: list[tuple[int, float]] = []
    ended = descend(
        rosenbrock,
        some_starts(3, 4),
        evaluations=12,
        heard=lambda number, _, values: heard.append((number, float(values.min()))),
    )
    assert tuple(heard) == ended.trace


def test_the_starts_given_are_left_alone() -> None:
    starts = some_starts(2, 4)
    descend(rosenbrock, starts, evaluations=5)
    assert torch.equal(starts, some_starts(2, 4))


@pytest.mark.parametrize("starts", [torch.zeros(3), torch.zeros(0, 3)])
def test_starts_must_be_rows(starts: Tensor) -> None:
    with pytest.raises(
        ParameterError, match=re.escape(f"axes (r, d), at least one start; received {tuple(starts.shape)}")
    ):
        descend(rosenbrock, starts, evaluations=5)


@pytest.mark.parametrize(("evaluations", "history"), [(0, 3), (3, 0)])
def test_there_must_be_room_for_an_evaluation_and_a_pair(evaluations: int, history: int) -> None:
    with pytest.raises(ParameterError, match=f"received {evaluations} and {history}"):
        descend(rosenbrock, torch.zeros(1, 2), evaluations=evaluations, history=history)
