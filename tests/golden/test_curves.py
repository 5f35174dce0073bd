"""Results hold together, and are written as JSON."""

import json

import pytest

from nextlabel.errors import ParameterError
from nextlabel.experiment.curves import Results, Run


def run(strategy: str, seed: int, labels: tuple[int, ...] = (2, 4)) -> Run:
    return Run(strategy, seed, labels, (0.5, 0.75), (("a", "b"), ("c", "d")), (0.1, 0.2), (0.3,))


def test_results_are_written_whole_as_json() -> None:
    written = json.loads(json.dumps(Results({"budget": 4}, (run("badge", 0), run("random", 0))).to_dict()))
    assert written["protocol"] == {"budget": 4}
    assert [one["strategy"] for one in written["runs"]] == ["badge", "random"]
    assert written["runs"][0] == {
        "strategy": "badge",
        "seed": 0,
        "labels": [2, 4],
        "accuracy": [0.5, 0.75],
        "queried": [["a", "b"], ["c", "d"]],
        "training_seconds": [0.1, 0.2],
        "selection_seconds": [0.3],
        "class_counts": [],
        "remarks": [],
    }


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
