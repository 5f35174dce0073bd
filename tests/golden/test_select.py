"""The one-liner: arrays in, positions out, and one clear message otherwise."""

import re
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Picks, Scorer, Signals, Spec, Strategy, build, select
from nextlabel.core.select import check_needs
from nextlabel.errors import (
    BatchSizeError,
    LabelError,
    MissingSignal,
    ParameterError,
    SignalError,
    UnknownName,
)
from nextlabel.maths.axes import Scores, checked_batch

PROBA = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])


@final
@dataclass(frozen=True)
class Furthest(Strategy):
    """A method of somebody else's: furthest from the labelled rows' mean, in small integers."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        checked_batch(batch, signals.n)
        centre = 0.0 if signals.labelled is None else signals.labelled["embedding"].mean(axis=0)
        far = -((signals["embedding"] - centre) ** 2).sum(axis=1)
        return Picks(np.argsort(far)[:batch].astype(np.int32))


@final
@dataclass(frozen=True)
class Largest(Scorer):
    """The score is the signal."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"loss"})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        return signals["loss"]


@pytest.mark.parametrize(
    "strategy", ["margin", {"name": "margin"}, Spec("margin"), {"name": "margin", "of": "proba"}]
)
def test_a_strategy_is_a_name_a_mapping_a_spec_or_an_object(strategy: Any) -> None:
    for given in (strategy, build("strategy", strategy)):
        picked = select(given, proba=PROBA, batch=2, seed=0)
        assert picked.tolist() == [1, 2]
        assert picked.dtype == np.int64


def test_signals_are_derived_on_the_way() -> None:
    assert select("margin", logits=np.log(PROBA), batch=3, seed=0).tolist() == [1, 2, 0]


def test_a_strategy_object_sees_the_labelled_rows() -> None:
    points = np.array([[0.0], [1.0], [5.0]])
    assert select(Furthest(), embedding=points, batch=1, seed=0).tolist() == [2]
    picked = select(Furthest(), embedding=points, labelled={"embedding": [[5.0]]}, batch=1, seed=0)
    assert picked.tolist() == [0]
    assert picked.dtype == np.int64


def test_no_labelled_rows_may_be_given() -> None:
    assert len(select("random", proba=PROBA, labelled={}, labels=[], batch=3, seed=0)) == 3


def test_the_seed_decides() -> None:
    items = np.zeros((1_000, 1))
    first, again, other = (
        select("random", embedding=items, batch=9, seed=seed).tolist() for seed in (0, 0, 1)
    )
    assert first == again != other


def test_the_scores_of_a_scorer_stand_beside_its_picks() -> None:
    picks = Largest().pick(Signals({"loss": [0.5, 2.0, 1.0]}), 2, np.random.default_rng(0))
    assert picks.scores is not None
    assert (picks.positions.tolist(), picks.scores.tolist()) == ([1, 2], [2.0, 1.0])


@pytest.mark.parametrize(
    ("strategy", "given", "error", "says"),
    [
        ("bagde", {}, UnknownName, "'bagde' is not a registered strategy. Did you mean 'badge'? The names"),
        ("margin", {"batch": 4}, BatchSizeError, "between 1 and the 3 items at hand; received 4. Ask for"),
        ("margin", {"batch": 0}, BatchSizeError, "received 0."),
        ("margin", {"batch": 1.0}, BatchSizeError, "received 1.0."),
        ("margin", {"batch": True}, BatchSizeError, "received True."),
        ("margin", {"proba": np.zeros((0, 2))}, BatchSizeError, "0 items at hand; received 1. Give at least"),
        ("margin", {"seed": -1}, ParameterError, "A seed must be a whole number from zero up; received -1."),
        ("margin", {"proba": [[0.5, 0.6]]}, SignalError, "row 0 sums to 1.1"),
        ("margin", {"probas": PROBA}, SignalError, "'probas' is not a signal. Did you mean 'proba'?"),
        ("margin", {"labels": [2]}, LabelError, "class indices from 0 to 1; received values from 2 to 2"),
        ({"name": "margin", "off": 1}, {}, ParameterError, "no parameter 'off'. Did you mean 'of'? It"),
        ({"name": "random", "off": 1}, {}, ParameterError, "'random' has no parameter 'off'. It takes none."),
        ({"name": "stochastic"}, {}, ParameterError, "'stochastic' needs the parameters 'of'; received none"),
        (3, {}, ParameterError, "received 3. Write for example 'badge'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(
    strategy: Any, given: dict[str, Any], error: type[Exception], says: str
) -> None:
    call = {"proba": PROBA, "batch": 1, "seed": 0, **given}
    with pytest.raises(error, match=re.escape(says)):
        select(strategy, **call)


def test_missing_signals_are_named_with_strategies_that_would_do() -> None:
    says = (
        "BALD needs the signals 'expected_entropy' and 'mean_proba', which the call does not provide (it "
        "provides proba). Give 'draws', or use a strategy that needs only what is there: "
    )
    with pytest.raises(MissingSignal, match=re.escape(says)) as refusal:
        select("bald", proba=PROBA, batch=1, seed=0)
    offered = str(refusal.value).rpartition(": ")[2].rstrip(".").split(", ")
    assert {"entropy", "least_confident", "margin", "random"} <= set(offered)
    assert not {"badge", "bald", "coreset", "stochastic"} & set(offered)


def test_one_missing_signal_reads_well_and_the_provider_is_named() -> None:
    says = (
        "Furthest needs the signal 'embedding', which SklearnLearner does not provide (it provides none). "
        "Give 'embedding', or use a strategy that needs only what is there: random."
    )
    with pytest.raises(MissingSignal, match=re.escape(says)):
        check_needs(Furthest(), [], "SklearnLearner")


def test_missing_signals_of_labelled_rows_are_named() -> None:
    says = (
        "Furthest needs the signal 'embedding' of the labelled rows, which 'labelled' does not hold (it "
        "holds proba). Give for example labelled={'embedding': ...}, or leave 'labelled' and 'labels' out."
    )
    with pytest.raises(MissingSignal, match=re.escape(says)):
        select(Furthest(), embedding=np.zeros((3, 1)), labelled={"proba": PROBA}, batch=1, seed=0)


def test_labels_of_rows_that_are_not_given_are_refused_where_the_rows_are_needed() -> None:
    with pytest.raises(
        MissingSignal, match=r"labelled rows, which 'labelled' does not hold \(it holds nothing\)"
    ):
        select(Furthest(), embedding=np.zeros((3, 1)), labels=[0, 1], batch=1, seed=0)
    assert len(select("margin", proba=PROBA, labels=[0, 1], batch=1, seed=0)) == 1


def test_every_signal_that_would_do_by_itself_is_offered() -> None:
    says = "Give 'logits' or 'proba' or 'residual' or 'draws' or 'mean_proba', or use"
    with pytest.raises(MissingSignal, match=re.escape(says)):
        select("badge", embedding=np.zeros((3, 1)), batch=1, seed=0)


def test_labelled_rows_without_names_are_refused() -> None:
    with pytest.raises(SignalError, match=r"must be a mapping .*; received ndarray"):
        select("random", proba=PROBA, labelled=np.zeros((3, 1)), batch=1, seed=0)  # type: ignore[arg-type]


def test_an_error_in_the_labelled_rows_says_so() -> None:
    with pytest.raises(SignalError, match=r"^In 'labelled': 'embedding' must be finite; row 1"):
        select("random", proba=PROBA, labelled={"embedding": np.array([[0.0], [np.nan]])}, batch=1, seed=0)


def test_nothing_given_is_refused() -> None:
    with pytest.raises(SignalError, match="received none"):
        select("random", batch=1, seed=0)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("labeled", "labelled"), ("batch_size", "batch"), ("label", "labels"), ("seeds", "seed")],
)
def test_a_slip_in_a_parameter_is_not_taken_for_a_signal(slip: str, meant: str) -> None:
    with pytest.raises(SignalError, match=rf"'{slip}' is neither .* Did you mean the parameter '{meant}'"):
        select("margin", proba=PROBA, batch=1, seed=0, **{slip: 3})  # type: ignore[arg-type]


UNCERTAINTY = ["least_confident", "margin", "entropy"]


@pytest.mark.parametrize("strategy", UNCERTAINTY)
def test_no_temperature_changes_the_ranking_of_two_classes(strategy: str) -> None:
    logits = np.random.default_rng(0).normal(size=(40, 2))
    rankings = {
        tuple(select(strategy, logits=logits / temperature, batch=40, seed=0).tolist())
        for temperature in (0.5, 1.0, 3.0)
    }
    assert len(rankings) == 1


@pytest.mark.parametrize("strategy", UNCERTAINTY)
def test_a_temperature_may_change_the_ranking_of_three_classes(strategy: str) -> None:
    logits = np.random.default_rng(0).normal(scale=2.0, size=(40, 3))
    cold, warm = (
        select(strategy, logits=logits / temperature, batch=40, seed=0) for temperature in (0.3, 3.0)
    )
    assert cold.tolist() != warm.tolist()
