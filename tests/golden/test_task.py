"""What an answer looks like: one class out of several, or those that apply."""

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nextlabel import classes, multilabel
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


SEVERAL = multilabel("cat", "dog", "bird")


def test_several_classes_are_kept_in_the_tasks_order_each_once() -> None:
    assert multilabel(["cat", "dog", "bird"]) == SEVERAL == Task("classes", ("cat", "dog", "bird"))
    for one in (
        ["bird", "cat"],
        ("cat", "bird"),
        {"bird", "cat"},
        frozenset(("cat", "bird")),
        ["bird", "cat"] * 2,
    ):
        assert SEVERAL.check(one) == ("cat", "bird")
    assert SEVERAL.check([]) == ()


def test_several_classes_are_encoded_as_zeros_and_ones_and_decoded() -> None:
    labels = [("cat", "bird"), (), ("dog",)]
    encoded = SEVERAL.encode(labels)
    assert encoded.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert encoded.dtype == np.int64
    assert SEVERAL.encode([]).shape == (0, 3)
    assert SEVERAL.decode(encoded) == labels
    assert SEVERAL.decode(encoded.astype(bool)) == labels
    assert classes("cat", "dog").decode(np.array([1, 0])) == ["dog", "cat"]


@pytest.mark.parametrize("label", ["cat", 0, None, ["cow"], ["cat", 1], [["cat"]], {"cat": 1}])
def test_what_is_no_list_of_classes_is_refused(label: Any) -> None:
    says = (
        "A label must be a list of classes out of cat, dog, bird, empty where none applies; received "
        f"{label!r}. Give for example ['cat']."
    )
    with pytest.raises(LabelError, match=re.escape(says)):
        SEVERAL.check(label)


def test_a_list_is_no_label_of_one_class() -> None:
    with pytest.raises(LabelError, match=re.escape("must be one of cat, dog; received ['cat']")):
        classes("cat", "dog").check(["cat"])


@pytest.mark.parametrize("name", ["", "a;b", ";", " cat", "cat ", "(none)", "(None)", "a\n"])
def test_names_that_no_cell_could_tell_apart_are_refused_for_several_classes(name: str) -> None:
    says = f"without ';', without spaces around them, and other than '(none)'; received {name!r}. Rename"
    with pytest.raises(ParameterError, match=re.escape(says)):
        multilabel("dog", name)
    assert classes("dog", name).classes == ("dog", name)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ParameterError, match="kind must be 'class' or 'classes'; received 'spans'"):
        Task("spans", ("a",))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("cat", ("cat",)),
        ("dog; cat", ("dog", "cat")),
        ("dog;cat;", ("dog", "cat")),
        ("(none)", ()),
        (" (NONE) ", ()),
        (";", (";",)),
        ("; ;", ("; ;",)),
        ("(none); cat", ("(none)", "cat")),
    ],
)
def test_a_cell_names_classes_in_its_own_words(cell: str, names: tuple[str, ...]) -> None:
    assert SEVERAL.names(cell) == names


def test_a_cell_of_one_class_is_its_name() -> None:
    task = classes("cat; dog", "(none)")
    assert [task.names(task.text(name)) for name in task.classes] == ["cat; dog", "(none)"]


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.data())
def test_every_label_can_be_written_in_a_cell_and_read_again(names: list[str], data: st.DataObject) -> None:
    try:
        task = multilabel(names)
    except ParameterError:
        assume(False)
    label = task.check(data.draw(st.lists(st.sampled_from(names))))
    read = task.names(task.text(label))
    assert task.check(read) == label
    assert task.decode(task.encode([label])) == [label]
    assert task.check(json.loads(json.dumps(label))) == label
