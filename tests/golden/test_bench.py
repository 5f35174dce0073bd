"""A grid in a folder: what is there is not run again, and what is run does not depend on how."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Picks, Signals, Strategy, arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Fit, Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import ExperimentError, NextlabelError, ParameterError
from nextlabel.experiment.bench import _planned, load, run_settings
from nextlabel.experiment.curves import Results
from nextlabel.experiment.grid import Setting
from nextlabel.experiment.lock import locked
from nextlabel.experiment.lockstep import ceiling
from nextlabel.experiment.reading import Reading
from nextlabel.experiment.runner import Experiment
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.maths.axes import Labels, Positions
from nextlabel.strategies.badge import BADGE
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random
from nextlabel.strategies.typiclust import TypiClust


def clusters(**changes: Any) -> Dataset:
    """Three clusters on a line, one class each."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    items = (labels[:, None] + 0.3 * rng.standard_normal((60, 2))).astype(np.float32)
    made = Dataset("clusters", "three clusters", arrays(items), labels, classes("a", "b", "c"))
    return dataclasses.replace(made, **changes)


def setting(ceiling_seeds: tuple[int, ...] = (0,), **changes: Any) -> Setting:
    given: dict[str, Any] = {
        "dataset": clusters(),
        "learner": SklearnLearner("logistic"),
        "strategies": {"margin": Margin(), "random": Random(), "badge": BADGE()},
        "start": 4,
        "batch": 3,
        "budget": 12,
        "seeds": 2,
        "test": 20,
        **changes,
    }
    return Setting("clusters", Experiment(**given), ceiling_seeds, Reading("margin"))


def outcome(results: Results) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Everything but the seconds."""
    return {
        (run.strategy, run.seed): (run.labels, run.accuracy, run.queried, run.class_counts)
        for run in results.runs
    }


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "runs").iterdir()}


@final
@dataclass(frozen=True)
class Counting(Learner):
    """Fits as another does, and counts; it is written down as that other."""

    of: Learner
    stacked: bool = False
    sizes: list[int] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Counting({self.of!r}, {self.stacked})"

    @property
    def provides(self) -> frozenset[str]:
        return self.of.provides

    @property
    def stacks(self) -> bool:
        return self.stacked

    def fit(self, *given: Any, **settings: Any) -> Model:
        raise NotImplementedError

    def fit_many(self, pool: Pool, fits: Sequence[Fit], *, task: Task) -> list[Model]:
        self.sizes.append(len(fits))
        return self.of.fit_many(pool, fits, task=task)

    def load(self, path: Path) -> Model:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Sociable(Learner):
    """Stacks, and lets the number of those trained together leave a trace in what is predicted."""

    stop_after: int = 10**9
    calls: list[int] = field(default_factory=list)

    def __repr__(self) -> str:
        return "Sociable()"

    @property
    def provides(self) -> frozenset[str]:
        return SklearnLearner("logistic").provides

    @property
    def stacks(self) -> bool:
        return True

    def fit(self, *given: Any, **settings: Any) -> Model:
        raise NotImplementedError

    def fit_many(self, pool: Pool, fits: Sequence[Fit], *, task: Task) -> list[Model]:
        self.calls.append(len(fits))
        if len(self.calls) > self.stop_after:
            message = "stopped"
            raise NextlabelError(message)
        learner = SklearnLearner({"name": "logistic", "C": 0.001 * len(fits) ** 3})
        return learner.fit_many(pool, fits, task=task)

    def load(self, path: Path) -> Model:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Fails(Strategy):
    """Fails when asked."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        message = "as promised"
        raise NextlabelError(message)


def test_a_bench_gives_what_the_experiment_gives(tmp_path: Path) -> None:
    (results,) = run_settings(tmp_path, [setting()])
    assert outcome(results) == outcome(setting().experiment.run())
    assert results.protocol["setting"] == "clusters"
    assert set(results.protocol["ceiling"]) == {"0"}
    assert {"lead", "baseline", "rope", "code", "versions", "seeds"} <= set(results.protocol)


def test_a_folder_is_read_as_somebody_names_it_now(tmp_path: Path) -> None:
    run_settings(tmp_path, [setting(ceiling_seeds=())])
    reading = Reading("badge", "margin", 0.02, lead_is_default=True, target=[0.8, 0.9])
    (results,) = load(tmp_path, reading)
    held = results.protocol
    assert (held["lead"], held["baseline"], held["rope"]) == ("badge", "margin", 0.02)
    assert (held["lead_is_default"], held["target"]) == (True, [0.8, 0.9])
    assert (held["first_lead"], held["first_baseline"], held["first_rope"]) == ("margin", "random", 0.01)
    assert "target" not in load(tmp_path)[0].protocol
    with pytest.raises(ExperimentError, match=r"that ran in .*received 'typiclust'"):
        load(tmp_path, Reading("typiclust"))
    with pytest.raises(ExperimentError, match=r"which are margin, random, badge; received 'coreset'"):
        load(tmp_path, Reading("badge", "coreset"))


def test_results_are_read_from_the_folder_as_they_were_given(tmp_path: Path) -> None:
    given = run_settings(tmp_path, [setting(), setting(start=5)])
    assert [json.dumps(one.to_dict()) for one in load(tmp_path)] == [
        json.dumps(one.to_dict()) for one in given
    ]


def test_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    learner = Counting(SklearnLearner("logistic"))
    run_settings(tmp_path, [setting(learner=learner)])
    before, fits = files(tmp_path), len(learner.sizes)
    # three strategies and two seeds of four rounds; the start of a seed is shared; one ceiling
    assert fits == 2 * (1 + 3 * 3) + 1
    run_settings(tmp_path, [setting(learner=learner)])
    assert (files(tmp_path), len(learner.sizes)) == (before, fits)


@pytest.mark.parametrize(
    "more",
    [{"budget": 17}, {"seeds": 3}, {"strategies": {**setting().experiment.strategies, "more": Margin()}}],
)
def test_more_extends_what_is_there_to_what_it_would_have_been(tmp_path: Path, more: dict[str, Any]) -> None:
    learner = Counting(SklearnLearner("logistic"))
    run_settings(tmp_path / "one", [setting(learner=learner)])
    first = len(learner.sizes)
    (extended,) = run_settings(tmp_path / "one", [setting(learner=learner, **more)])
    extending = len(learner.sizes) - first
    (whole,) = run_settings(tmp_path / "two", [setting(learner=learner, **more)])
    assert outcome(extended) == outcome(whole)
    assert extending < len(learner.sizes) - first - extending


def test_a_smaller_budget_is_served_from_the_same_lines(tmp_path: Path) -> None:
    run_settings(tmp_path, [setting()])
    (smaller,) = run_settings(tmp_path, [setting(budget=8)])
    assert outcome(smaller) == outcome(setting(budget=8).experiment.run())
    (again,) = run_settings(tmp_path, [setting()])
    assert outcome(again) == outcome(setting().experiment.run())


@pytest.mark.parametrize("start", [4, 0])
def test_a_run_cut_anywhere_goes_on_as_if_unbroken(tmp_path: Path, start: int) -> None:
    cold = {"start": start, "strategies": {"typiclust": TypiClust(), "margin": Margin(), "random": Random()}}
    one = setting(ceiling_seeds=(), seeds=2, **cold)
    whole = outcome(run_settings(tmp_path, [one])[0])
    rng = np.random.default_rng(start)
    for _ in range(6):
        for path in (tmp_path / "runs").iterdir():
            content = path.read_bytes()
            path.write_bytes(content[: rng.integers(len(content) + 1)])
        assert outcome(run_settings(tmp_path, [one])[0]) == whole


def test_a_stack_that_was_stopped_goes_on_in_the_company_it_had(tmp_path: Path) -> None:
    (whole,) = run_settings(tmp_path / "whole", [setting(learner=Sociable(), ceiling_seeds=())])
    for stopped in range(1, 4):
        folder = tmp_path / str(stopped)
        with pytest.raises(NextlabelError, match="stopped"):
            run_settings(folder, [setting(learner=Sociable(stopped), ceiling_seeds=())])
        for path in list((folder / "runs").iterdir())[::2]:  # as if killed while lines were written
            path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:-2]) + b"\n")
        (resumed,) = run_settings(folder, [setting(learner=Sociable(), ceiling_seeds=())])
        assert outcome(resumed) == outcome(whole)


def test_a_learner_that_stacks_is_given_all_cells_of_a_round_at_once(tmp_path: Path) -> None:
    stacking, plain = (Counting(SklearnLearner("logistic"), stacked) for stacked in (True, False))
    (together,) = run_settings(tmp_path / "one", [setting(learner=stacking, ceiling_seeds=())])
    (alone,) = run_settings(tmp_path / "two", [setting(learner=plain, ceiling_seeds=())])
    assert stacking.sizes == [2, 6, 6, 6]  # the start of each seed once, then three strategies and two seeds
    assert set(plain.sizes) == {1}
    assert outcome(together) == outcome(alone)


def test_stacks_are_cut_for_the_processes_and_never_too_large() -> None:
    experiment = setting(learner=Counting(SklearnLearner("logistic"), True), seeds=25).experiment
    assert [len(group) for group in experiment.groups(1)] == [27, 24, 24]
    assert len(experiment.groups(8)) == 8
    assert sorted(cell for group in experiment.groups(8) for cell in map(str, group)) == sorted(
        map(str, experiment.cells())
    )


def test_the_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    (one,) = run_settings(tmp_path / "one", [setting()])
    (two,) = run_settings(tmp_path / "two", [setting()], processes=2)
    assert outcome(one) == outcome(two)
    assert one.protocol["ceiling"] == two.protocol["ceiling"]


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": clusters(labels=np.arange(60)[::-1] % 3)},
        {"learner": SklearnLearner({"name": "logistic", "C": 2.0})},
        {"strategies": {"margin": Margin(), "random": Random(), "badge": Margin()}},
        {"start": 5},
        {"start": 1, "per_class": 1},
        {"test": 19},
        {"pool": 39},
        {"batch": 4},
    ],
)
def test_whatever_decides_a_result_has_lines_of_its_own(tmp_path: Path, other: dict[str, Any]) -> None:
    run_settings(tmp_path, [setting(ceiling_seeds=())])
    before = files(tmp_path)
    (results,) = run_settings(tmp_path, [setting(ceiling_seeds=(), **other)])
    assert outcome(results) == outcome(setting(**other).experiment.run())
    assert {name: files(tmp_path)[name] for name in before} == before


def test_the_ceiling_is_the_accuracy_with_every_label_of_the_pool(tmp_path: Path) -> None:
    one = setting(ceiling_seeds=(0, 1))
    (results,) = run_settings(tmp_path, [one])
    experiment = one.experiment
    for seed in (0, 1):
        test, start, rest = experiment.split(seed)
        everything = np.sort(np.concatenate([start, rest]))
        model = experiment.learner.fit(
            experiment.dataset.pool,
            everything,
            experiment.dataset.labels[everything],
            everything[:0],
            np.random.default_rng(0),
            task=experiment.dataset.task,
        )
        said = model.signals(experiment.dataset.pool, test, {"proba"}, np.random.default_rng(0))
        right = said["proba"].argmax(axis=1) == experiment.dataset.labels[test]
        assert results.protocol["ceiling"][str(seed)] == pytest.approx(right.mean())


def chance() -> SklearnLearner:
    """Of few trees: its ceiling shows the generator that it was given."""
    return SklearnLearner({"name": "random_forest", "n_estimators": 2, "max_depth": 1})


def test_the_ceiling_does_not_depend_on_the_order_of_the_settings(tmp_path: Path) -> None:
    seeds = (0, 1, 2, 3)
    both = [setting(seeds, learner=chance(), seeds=4, start=start) for start in (0, 4)]
    for name, settings in (("one", both), ("two", both[::-1]), ("three", both[:1])):
        tops = [results.protocol["ceiling"] for results in run_settings(tmp_path / name, settings)]
        assert tops == [{str(seed): ceiling(both[1].experiment, seed).accuracy for seed in seeds}] * len(tops)
    # a twin that begins without a start set has another generator, and the ceilings can tell
    assert [ceiling(both[0].experiment, seed).accuracy for seed in seeds] != list(tops[0].values())


def test_settings_that_share_records_write_them_once(tmp_path: Path) -> None:
    learner = Counting(SklearnLearner("logistic"))
    run_settings(tmp_path / "one", [setting(learner=learner), setting(learner=learner, start=5)])
    # each setting: a shared start, three strategies of two seeds; 4, 7, 10, 12 and 5, 8, 11, 12 labels
    assert len(learner.sizes) == 2 * 2 * (1 + 3 * 3) + 1
    tasks, index = _planned(tmp_path, [setting(), setting(start=5), setting()], 2)
    paths = [record.path for task in tasks for record in task.records]
    assert len(paths) == len(set(paths)) == 2 * 6 + 1
    assert len(index) == 3


def test_a_failure_names_its_cell_and_leaves_the_lines_before_it(tmp_path: Path) -> None:
    with pytest.raises(NextlabelError, match="as promised") as caught:
        run_settings(tmp_path, [setting(strategies={"fails": Fails()}, ceiling_seeds=())])
    assert caught.value.__notes__ == ["in the cell 'fails', seed 0, with 4 labels"]
    (content,) = files(tmp_path).values()
    assert json.loads(content.split(b"\n")[1])["labels"] == 4
    with pytest.raises(ExperimentError, match=r"\.jsonl holds 1 of 4\. Run the same benchmark again"):
        load(tmp_path)


def test_progress_ends_with_all_rounds(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    run_settings(tmp_path, [setting()], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2 * 3 * 4 + 1, 2 * 3 * 4 + 1)


def test_two_benchmarks_do_not_run_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with (
        locked(tmp_path / ".lock"),
        pytest.raises(ExperimentError, match=r"another is running in .*Wait until it has ended"),
    ):
        run_settings(tmp_path, [setting()])


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(ParameterError, match=r"file/out cannot \(Not a directory\)\. Name another one"):
        run_settings(tmp_path / "file" / "out", [setting()])


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(ExperimentError, match=r"gone cannot \(No such file or directory\)"),
        locked(tmp_path / "gone" / ".lock"),
    ):
        pass


def test_an_index_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "grid.json").mkdir(parents=True)
    with pytest.raises(ExperimentError, match=r"grid\.json could not be \(Is a directory\)"):
        run_settings(tmp_path, [setting()])


def test_a_folder_without_a_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"grid\.json is not there or not whole .*given to bench"):
        load(tmp_path)


def test_class_counts_are_those_of_the_ids_asked(tmp_path: Path) -> None:
    (results,) = run_settings(tmp_path, [setting(ceiling_seeds=())])
    labels: Labels = clusters().labels
    for run in results.runs:
        asked: list[int] = []
        for batch, counts in zip(run.queried, run.class_counts, strict=True):
            asked += [int(one) for one in batch]
            places: Positions = np.array(asked)
            assert np.bincount(labels[places], minlength=3).tolist() == list(counts)
