"""A grid of parts, and of all registered strategies: what runs, what is left out, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel.core.registry import names
from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import MissingSignal, ParameterError, UnknownName
from nextlabel.experiment.bench import load, run_settings
from nextlabel.experiment.compared import ALL, compared, offered, unnamed
from nextlabel.experiment.grid import Grid, read_grid, settings
from nextlabel.experiment.wording import facts
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.strategies.random import Random

FOREST = {"name": "sklearn", "estimator": {"name": "logistic", "C": 10.0}, "as": "weak prior"}


def grid(**changes: Any) -> Grid:
    given: dict[str, Any] = {
        "datasets": ["digits"],
        "learners": ["sklearn"],
        "strategies": ["margin"],
        "budget": 100,
        "test": 0.25,
        **changes,
    }
    return Grid(**given)


def test_a_part_takes_from_the_grid_what_it_does_not_say() -> None:
    made = settings(
        grid(
            parts=[
                {"datasets": ["diverging_sine"], "budget": 30, "start": 6, "batch": [3, 4]},
                {"learners": [FOREST], "pool": 300},
            ]
        )
    )
    assert [one.name for one in made] == ["diverging_sine, batch 3", "diverging_sine, batch 4", "digits"]
    assert [one.experiment.budget for one in made] == [30, 30, 100]
    assert [one.experiment.started for one in made] == [6, 6, 20]
    assert made[0].experiment.learner == SklearnLearner()
    assert made[2].experiment.learner == SklearnLearner({"name": "logistic", "C": 10.0})
    assert made[2].experiment.in_pool == 300
    assert made[0].experiment.dataset is made[1].experiment.dataset


def test_a_data_set_of_several_parts_is_loaded_once_and_each_setting_says_all_of_it() -> None:
    made = settings(grid(parts=[{"batch": 5}, {"learners": [FOREST]}]))
    assert [one.name for one in made] == [
        "digits, sklearn, start 20, batch 5",
        "digits, weak prior, start 20, batch 20",
    ]
    assert made[0].experiment.dataset is made[1].experiment.dataset


def test_parts_may_say_everything_that_a_setting_needs() -> None:
    (made,) = settings(
        Grid(
            strategies=["margin"],
            test=0.3,
            parts=[{"datasets": "diverging_sine", "learners": "sklearn", "budget": 30}],
        )
    )
    assert made.name == "diverging_sine"


def test_all_stands_for_what_needs_no_parameter_and_has_no_name_of_its_own() -> None:
    listed = ["all", {"name": "margin", "of": "mean_proba"}, {"name": "badge", "as": "BADGE"}]
    found = compared(listed, "random", {"bald": "for a reason"})
    assert set(found) == {
        *(set(names("strategy")) - set(unnamed(listed, {"bald": "for a reason"}))),
        "BADGE",
    }
    assert found["margin"].params == {"of": "mean_proba"}
    assert found["badge"].params == {}
    assert {"stochastic", "subsample", "bald"} & set(found) == set()


def test_what_all_does_not_stand_for_is_told_with_the_reason() -> None:
    listed = [ALL, {"name": "subsample", "of": "margin", "as": "a tenth"}]
    told = unnamed(listed, {"bald": "for a reason"})
    assert told["bald"] == "for a reason"
    assert told["stochastic"] == "has no default for 'of'"
    assert "subsample" not in told
    assert unnamed(["margin"], {}) == {}


def test_a_setting_of_all_leaves_out_what_its_learner_does_not_offer() -> None:
    (made,) = settings(grid(strategies=["all"], lead="margin"))
    assert "bald" not in made.experiment.strategies
    assert made.left_out["bald"] == "needs 'expected_entropy', 'mean_proba'"
    assert made.left_out["stochastic"] == "has no default for 'of'"
    assert set(made.experiment.strategies) | set(made.left_out) == set(names("strategy"))
    assert made.protocol()["left_out"] == dict(made.left_out)
    assert facts(made.protocol())["Not run"].startswith("bald: needs 'expected_entropy', 'mean_proba'; ")


def test_a_named_strategy_that_the_learner_cannot_serve_is_still_refused() -> None:
    with pytest.raises(MissingSignal, match="BALD needs the signals"):
        settings(grid(strategies=["margin", "bald"]))
    (made,) = settings(grid())
    assert "left_out" not in made.protocol()


def test_a_lead_that_is_left_out_is_refused() -> None:
    with pytest.raises(
        ParameterError, match="every setting; 'bald' cannot with the learner 'sklearn': it needs"
    ):
        settings(grid(strategies=["all"], lead="bald"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parts": [{"bach": 3}]}, r"a table of the keys datasets, .*; received 'bach'\. Write what"),
        ({"parts": ["letter"]}, "a table of the keys datasets, .*; received 'letter'"),
        ({"parts": [{"batch": [3, 3]}]}, "received 3 twice"),
        ({"budget": None}, "'budget' must be a whole number from 1 up; received None"),
        ({"strategies": ["all", "all"]}, "needs a name of its own"),
        ({"without": {"bald": "slow"}}, "that 'all' is not to stand for.*received 'bald'"),
        ({"strategies": ["all"], "without": {"bold": "slow"}}, "received 'bold'. It must be one of .*badge"),
        ({"strategies": ["all", "bald"], "without": {"bald": "slow"}}, "received 'bald'"),
        ({"strategies": ["all"], "without": ["bald"]}, r"a reason for each .*; received \['bald'\]"),
        ({"strategies": ["all"], "without": {"bald": 3}}, "a reason for each .*; received {'bald': 3}"),
    ],
)
def test_what_parts_cannot_say_is_refused(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        settings(grid(**changes))


def test_a_file_of_parts_needs_what_no_part_says(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(
        'strategies = "all"\n[[parts]]\ndatasets = "iris"\nbudget = 30\n[[parts]]\nlearners = "sklearn"\n'
    )
    with pytest.raises(ParameterError, match="needs the keys datasets, learners, budget, which"):
        read_grid(path)
    path.write_text('strategies = "all"\n[[parts]]\ndatasets = "iris"\nlearners = "sklearn"\nbudget = 30\n')
    assert [part.budget for part in read_grid(path).divided()] == [30]


def test_what_was_left_out_is_kept_with_the_results(tmp_path: Path) -> None:
    without = {
        name: "takes long" for name in names("strategy") if name not in ("margin", "entropy", "random")
    }
    without = {name: why for name, why in without.items() if name not in ("stochastic", "subsample")}
    made = settings(
        grid(
            strategies=["all"],
            without=without,
            lead="margin",
            start=10,
            batch=5,
            budget=15,
            seeds=2,
            test=0.5,
        )
    )
    (run,) = run_settings(tmp_path, made)
    assert run.strategies == ("entropy", "margin", "random")
    assert load(tmp_path)[0].protocol["left_out"]["bald"] == "takes long"


def test_the_grid_of_every_strategy_leaves_none_out_unsaid() -> None:
    path = Path(__file__).parents[2] / "experiments" / "every_strategy.toml"
    read = read_grid(path)
    found = compared(read.strategies, read.baseline, read.without)
    built = {*found, *(spec.name for spec in found.values())} & set(names("strategy"))
    assert built | set(unnamed(read.strategies, read.without)) == set(names("strategy"))
    assert set(unnamed(read.strategies, read.without)) == set(read.without)


def test_a_name_that_is_not_registered_is_refused_beside_all() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'badge'"):
        settings(grid(strategies=["all", "bagde"]))


class OfLabelled(Strategy):
    """Reads nothing but a signal of the labelled items."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({"draws"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        return Picks(np.arange(batch))


def test_signals_of_labelled_items_are_needed_too() -> None:
    kept, lacking = offered({"mine": OfLabelled(), "random": Random()}, SklearnLearner())
    assert list(kept) == ["random"]
    assert lacking == {"mine": "needs 'draws'"}
