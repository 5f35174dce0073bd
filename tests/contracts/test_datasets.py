"""Every registered data set keeps the promises of its kind."""

import numpy as np
import pytest

from nextlabel import build, classes, names
from nextlabel.core.dataset import Dataset
from nextlabel.errors import LabelError, PoolError
from nextlabel.readers.arrays import arrays

POOL = arrays(np.zeros((3, 2)))
TASK = classes("cat", "dog")


@pytest.fixture(params=names("dataset"))
def dataset(request: pytest.FixtureRequest) -> Dataset:
    made = build("dataset", request.param)
    assert isinstance(made, Dataset)
    assert made.name == request.param
    return made


def test_items_labels_and_classes_fit_together(dataset: Dataset) -> None:
    items = dataset.pool.take(np.arange(len(dataset.pool.ids)))
    assert len(items) == len(dataset.labels) == len(set(dataset.pool.ids))
    assert dataset.labels.dtype == np.int64
    assert set(dataset.labels.tolist()) == set(range(len(dataset.task.classes)))


def test_it_is_the_same_every_time(dataset: Dataset) -> None:
    again = build("dataset", dataset.name)
    assert again.pool.fingerprint == dataset.pool.fingerprint
    assert np.array_equal(again.labels, dataset.labels)


def test_it_says_what_it_is(dataset: Dataset) -> None:
    assert len(dataset.description.split()) >= 5


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array([0.0, 1.0, 0.0])])
def test_labels_are_one_class_index_for_each_item(labels: np.ndarray) -> None:
    received = rf"each of its 3 items; received labels of shape \({len(labels)},\) and type {labels.dtype}"
    with pytest.raises(LabelError, match=received):
        Dataset("x", "three items", POOL, labels, TASK)


def test_labels_outside_the_task_are_refused() -> None:
    with pytest.raises(LabelError, match="from 0 to 1; received values from -1 to 2"):
        Dataset("x", "three items", POOL, np.array([-1, 2, 0]), TASK)


@pytest.mark.parametrize("test", [[], [0, 0], [3], [-1], [0, 1, 2], [[0]]])
def test_official_test_items_are_distinct_and_leave_a_pool(test: list[int]) -> None:
    with pytest.raises(PoolError, match="distinct positions of the 3 items"):
        Dataset("x", "three items", POOL, np.array([0, 1, 0]), TASK, np.array(test, dtype=np.int64))


def test_official_test_items_are_kept() -> None:
    kept = Dataset("x", "three items", POOL, np.array([0, 1, 0]), TASK, np.array([2]))
    assert kept.test is not None
    assert kept.test.tolist() == [2]
