"""Results hold together, and come back from JSON as they went."""

import json

import pytest

from nextlabel.errors import ParameterError
from nextlabel.experiment.curves import Results, Run


def run(strategy: str, seed: int, labels: tuple[int, ...] = (2, 4)) -> Run:
    return Run(strategy, seed, labels, (0.5, 0.75), (("a", "b"), ("c", "d")), (0.1, 0.2), (0.3,))


def test_results_come_back_from_json() -> None:
    results = Results({"budget": 4}, (run("badge", 0), run("random", 0)))
    again = Results.from_dict(json.loads(json.dumps(results.to_dict())))
    assert again.protocol == results.protocol
    assert tuple(again.runs) == results.runs


def test_seeds_are_in_order_whatever_the_order_of_the_runs() -> None:
    results = Results({}, (run("random", 1), run("random", 0)))
    assert results.seeds == (0, 1)
    assert [one.seed for one in results.of("random")] == [0, 1]
    assert results.accuracy("random").tolist() == [[0.5, 0.75], [0.5, 0.75]]


def test_rows_are_a_line_for_each_checkpoint() -> None:
    results = Results({}, (run("random", 3),))
    assert list(results.rows()) == [("random", 3, 2, 0.5), ("random", 3, 4, 0.75)]
    assert results.labels.tolist() == [2, 4]
    assert results.strategies == ("random",)


def test_a_missing_seed_is_named() -> None:
    with pytest.raises(ParameterError, match=r"seeds \{'badge': \[0\], 'random': \[0, 1\]\}"):
        Results({}, (run("badge", 0), run("random", 0), run("random", 1)))


def test_other_checkpoints_are_refused() -> None:
    with pytest.raises(ParameterError, match="received 2 different sets of checkpoints"):
        Results({}, (run("badge", 0), run("random", 0, labels=(2, 3))))


def test_no_runs_are_no_results() -> None:
    with pytest.raises(ParameterError, match="received 0 different sets of checkpoints"):
        Results({}, ())
