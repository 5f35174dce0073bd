"""Progress is heard by who asked, while he asks, and by nobody else."""

from threading import Thread

import numpy as np
import pytest

from nextlabel import arrays, classes
from nextlabel.core.progress import report, reporting
from nextlabel.core.rng import generator
from nextlabel.learners import features
from nextlabel.learners.sklearn import SklearnLearner

Told = list[tuple[str, int, int]]


def test_what_is_reported_in_a_block_is_heard_and_nothing_else() -> None:
    heard: Told = []
    report("before", 1, 2)
    with reporting(lambda *said: heard.append(said)):
        report("inside", 1, 2)
    report("after", 2, 2)
    assert heard == [("inside", 1, 2)]


def test_the_inner_of_two_blocks_hears_and_then_the_outer_again() -> None:
    outer: Told = []
    inner: Told = []
    with reporting(lambda *said: outer.append(said)):
        with reporting(lambda *said: inner.append(said)):
            report("a", 1, 1)
        report("b", 1, 1)
    assert (inner, outer) == ([("a", 1, 1)], [("b", 1, 1)])


def test_another_thread_is_not_heard() -> None:
    heard: Told = []
    with reporting(lambda *said: heard.append(said)):
        other = Thread(target=report, args=("elsewhere", 1, 1))
        other.start()
        other.join()
    assert heard == []


def test_what_the_listener_raises_ends_the_work_and_the_block() -> None:
    def refuse(what: str, done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), reporting(refuse):
        report("a", 1, 1)
    report("b", 1, 1)


def test_learning_features_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten items to learn of, twice since the deviation needs the mean; then the fifteen of the pool."""
    monkeypatch.setattr(features, "_PIECE", 6)
    pool = arrays(np.arange(30.0).reshape(15, 2))
    heard: Told = []
    with reporting(lambda *said: heard.append(said)):
        SklearnLearner(features="scale").fit(
            pool, np.arange(4), np.array([0, 1, 0, 1]), np.arange(4, 10), generator(0), task=classes("a", "b")
        )
    counts = [(6, 10), (10, 10), (6, 10), (10, 10), (6, 15), (12, 15), (15, 15)]
    assert heard == [("features 'scale'", done, of) for done, of in counts]
