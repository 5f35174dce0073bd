"""What an answer looks like: one class out of several."""

import re
from typing import Any

import numpy as np
import pytest

from nextlabel import classes
from nextlabel.core.task import Task
from nextlabel.errors import LabelError, ParameterError


def test_classes_are_named_one_by_one_or_in_a_sequence() -> None:
    assert classes("cat", "dog") == classes(["cat", "dog"]) == Task("class", ("cat", "dog"))
    assert classes("cat").classes == ("cat",)


@pytest.mark.parametrize("names", [(), ("cat", "dog", "cat")])
def test_no_classes_and_repeated_classes_are_refused(names: tuple[str, ...]) -> None:
    says = f"every name once; received {list(names)}. Give for example"
    with pytest.raises(ParameterError, match=re.escape(says)):
        classes(*names)


def test_labels_are_checked_and_encoded() -> None:
    task = classes("cat", "dog")
    assert task.check("dog") == "dog"
    indices = task.encode(["dog", "cat", "dog"])
    assert indices.tolist() == [1, 0, 1]
    assert indices.dtype == np.int64
    assert task.encode([]).shape == (0,)


@pytest.mark.parametrize("label", ["bird", 0, None])
def test_a_label_outside_the_task_is_refused(label: Any) -> None:
    says = f"A label must be one of cat, dog; received {label!r}."
    for read in (classes("cat", "dog").check, lambda one: classes("cat", "dog").encode(["cat", one])):
        with pytest.raises(LabelError, match=re.escape(says)):
            read(label)
