"""One family of errors, each also what a Python user would catch."""

import inspect
import pickle

import pytest

from nextlabel import errors
from nextlabel.errors import MissingExtra, MissingSignal, NextlabelError

BUILT_IN = {
    "BatchSizeError": ValueError,
    "BrokenEntryPoint": ImportError,
    "BrokenPromise": AssertionError,
    "CampaignError": RuntimeError,
    "ConvergenceError": ArithmeticError,
    "DatasetMissing": LookupError,
    "DigestError": ValueError,
    "DisclosureError": ValueError,
    "ExperimentError": RuntimeError,
    "JournalError": RuntimeError,
    "LabelError": ValueError,
    "LearnerError": TypeError,
    "MissingExtra": ImportError,
    "MissingSignal": LookupError,
    "NameClash": RuntimeError,
    "NoLabels": ValueError,
    "ParameterError": ValueError,
    "PoolChanged": ValueError,
    "PoolError": ValueError,
    "ReaderError": ValueError,
    "RequestError": ValueError,
    "SignalError": ValueError,
    "StaleJournal": RuntimeError,
    "UnknownName": LookupError,
}


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - {"NextlabelError"}))
def test_every_error_is_ours_and_built_in(name: str) -> None:
    error = getattr(errors, name)
    assert issubclass(error, NextlabelError)
    assert issubclass(error, BUILT_IN[name])
    assert inspect.getdoc(error)


@pytest.mark.parametrize("name", ["DatasetMissing", "MissingSignal", "UnknownName"])
def test_messages_of_lookups_are_not_quoted(name: str) -> None:
    assert str(getattr(errors, name)("'bald' is not there.")) == "'bald' is not there."


def test_an_error_without_a_message_is_empty() -> None:
    assert str(MissingSignal()) == ""


def test_a_missing_extra_is_named_after_a_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(MissingExtra("Install it.", extra="torch")))
    assert (str(error), error.extra) == ("Install it.", "torch")
