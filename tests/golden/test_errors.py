"""One family of errors, each also what a Python user would catch."""

import inspect

import pytest

from nextlabel import errors
from nextlabel.errors import MissingSignal, NextlabelError, NextlabelWarning

BUILT_IN = {
    "BatchSizeError": ValueError,
    "BrokenPromise": AssertionError,
    "LabelError": ValueError,
    "LearnerError": TypeError,
    "MissingExtra": ImportError,
    "MissingSignal": LookupError,
    "NameClash": RuntimeError,
    "NoLabels": ValueError,
    "ParameterError": ValueError,
    "PoolError": ValueError,
    "SignalError": ValueError,
    "UnknownName": LookupError,
}


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - {"NextlabelError", "NextlabelWarning"}))
def test_every_error_is_ours_and_built_in(name: str) -> None:
    error = getattr(errors, name)
    if issubclass(error, Warning):
        assert issubclass(error, NextlabelWarning)
        return
    assert issubclass(error, NextlabelError)
    assert issubclass(error, BUILT_IN[name])
    assert inspect.getdoc(error)


@pytest.mark.parametrize("name", ["MissingSignal", "UnknownName"])
def test_messages_of_lookups_are_not_quoted(name: str) -> None:
    assert str(getattr(errors, name)("'bald' is not there.")) == "'bald' is not there."


def test_an_error_without_a_message_is_empty() -> None:
    assert str(MissingSignal()) == ""
