"""Cells of one experiment step by step together: what they have in common is computed once."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from nextlabel.campaign.control import mixed
from nextlabel.campaign.turn import Turn
from nextlabel.core.learner import Fit, Learner, Model
from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Strategy
from nextlabel.errors import MissingSignal, NoLabels
from nextlabel.experiment.arms import control_items
from nextlabel.experiment.cells import Cell
from nextlabel.experiment.lines import Line
from nextlabel.maths.axes import Positions

if TYPE_CHECKING:
    from nextlabel.experiment.runner import Experiment

__all__ = ["ceiling", "lockstep"]


@final
@dataclass(eq=False)
class _Track:
    """Where one cell is: the checkpoint it has reached, and the items of it.

    The reserve is in none of the others; `control` of its items, the first, are labelled.
    """

    cell: Cell
    test: Positions
    labelled: Positions
    unlabelled: Positions
    reserve: Positions
    asked: Positions
    recorded: Sequence[Line]
    control: int = 0
    checkpoint: int = 0
    selection_seconds: float | None = None
    previous: Model | None = None

    @property
    def labels(self) -> int:
        """Labelled items of both arms."""
        return len(self.labelled) + self.control

    def label(self, asked: Positions) -> None:
        """The next batch has been answered; models see what is not of the reserve."""
        active = asked[~np.isin(asked, self.reserve)]
        self.asked = asked
        self.control += len(asked) - len(active)
        self.labelled = np.concatenate([self.labelled, active])
        self.unlabelled = np.delete(self.unlabelled, np.searchsorted(self.unlabelled, active))  # it is sorted

    def due(self, share: float, batch: int) -> Positions:
        """The control items of the next batch."""
        many = control_items(share, len(self.labelled), self.control, batch, len(self.reserve))
        return self.reserve[self.control : self.control + many]


@final
@dataclass(frozen=True, eq=False)
class _Trained:
    """A model, and all cells that are at this very labelled set with this very seed."""

    turn: Turn
    model: Model
    seconds: float
    accuracy: float | None
    tracks: Sequence[_Track]


def lockstep(
    experiment: "Experiment", cells: Sequence[Cell], recorded: Mapping[Cell, Sequence[Line]]
) -> Iterator[tuple[Cell, Line]]:
    """The lines of several cells, checkpoint by checkpoint.

    Parameters
    ----------
    experiment : Experiment
    cells : sequence of Cell
        Those that step together; all of one learner, as `Experiment.groups` puts them.
    recorded : mapping of Cell to sequence of Line
        What is known already: the first lines of a cell, up to all of them. These are not given again.

    Yields
    ------
    tuple of Cell and Line

    Raises
    ------
    Exception
        Whatever learner or strategy raised, with a note that names the cell and the number of labels.

    Notes
    -----
    Cells of one seed with the same labelled set share one fit and one computation of signals, for all that
    their strategies need: the start set of a seed, above all. When the learner stacks, all cells at a
    checkpoint are given to one `fit_many`; otherwise they are fitted one after another, so that the company
    of a cell changes nothing in it.

    A cell goes on after its last line by fitting once more what that line was measured on. Cells that are
    one line ahead of the last, as a kill leaves them, step again with those behind: a stack then has the
    members it had. Nothing is measured again.

    The model of the checkpoint before is handed to the learner as `previous`. Where models depend on it
    (`Learner.remembers`), a cell goes on by repeating its fits from the first checkpoint on.

    Control items are asked as a campaign asks them: mixed among those picked, which alone a model and a
    strategy ever see.
    """
    last = len(experiment.sizes) - 1
    tracks = [_begun(experiment, cell, recorded.get(cell, ())) for cell in cells]
    waiting = _resumed(experiment, tracks)
    while waiting:
        front = min(track.checkpoint for track in waiting)
        active = [track for track in waiting if track.checkpoint == front]
        _open(experiment, [track for track in active if not len(track.labelled)])
        trained = _train(experiment, active)
        for one in trained:
            for track in one.tracks:
                if len(track.recorded) <= front:
                    yield track.cell, _line(experiment, track, one)
        for one in trained:
            if front < last:
                _select(experiment, one)
            for track in one.tracks:
                track.previous = one.model
                track.checkpoint += 1
        waiting = [track for track in waiting if track.checkpoint <= last]


def ceiling(experiment: "Experiment", seed: int) -> Line:
    """What the learner reaches with the labels of the whole pool.

    Parameters
    ----------
    experiment : Experiment
    seed : int
        Decides split, pool and initial weights, as for the cells of that seed.

    Returns
    -------
    Line
        Without the ids: they are all, a control reserve among them.
    """
    test, start, rest = experiment.split(seed)
    everything = np.sort(np.concatenate([start, rest]))
    none = everything[:0]
    track = _Track(Cell("", seed), test, everything, none, none, none, ())
    return replace(_line(experiment, track, _train(experiment, [track])[0]), queried=())


def _begun(experiment: "Experiment", cell: Cell, recorded: Sequence[Line]) -> _Track:
    test, start, rest = experiment.split(cell.seed)
    pool = np.sort(np.concatenate([start, rest]))
    reserve = experiment.reserve(cell.seed)
    track = _Track(cell, test, pool[:0], np.setdiff1d(pool, reserve), reserve, pool[:0], recorded)
    if len(start):
        track.label(start)
    return track


def _resumed(experiment: "Experiment", tracks: Sequence[_Track]) -> list[_Track]:
    """Those with work to do, each at the checkpoint where it goes on."""
    total = len(experiment.sizes)
    behind = min(len(track.recorded) for track in tracks)
    learner = experiment.learner_of(tracks[0].cell.strategy)
    near = behind + 1 if learner.stacks else behind
    if behind == total:
        return []
    begun = any(track.recorded for track in tracks)
    places = {one: place for place, one in enumerate(experiment.dataset.pool.ids)} if begun else {}
    working = []
    for track in tracks:
        known = len(track.recorded)
        if known == total and known > near:
            continue
        goes_on = 0 if learner.remembers else max(behind if known <= near else known, 1) - 1
        while track.checkpoint < goes_on or (known and not len(track.labelled)):
            opening = not len(track.labelled)
            track.checkpoint += not opening
            queried = track.recorded[track.checkpoint].queried
            track.label(np.array([places[one] for one in queried], dtype=np.int64))
        working.append(track)
    return working


def _open(experiment: "Experiment", tracks: Sequence[_Track]) -> None:
    """The first batch of cells that start without a label: picked without a trained model, or drawn."""
    for seed in dict.fromkeys(track.cell.seed for track in tracks):
        together = [track for track in tracks if track.cell.seed == seed]
        turn = _turn(experiment, together[0])
        model = _unlabelled_model(experiment.learner_of(together[0].cell.strategy), turn)
        control = together[0].due(experiment.control, experiment.sizes[0])
        few = experiment.sizes[0] - len(control)
        drawn = experiment.opening(seed)[:few]
        for track in together:
            began = time.process_time()
            picked = None
            with _named(track):
                if model is not None:
                    picked = _opening_pick(experiment, turn.among(experiment.candidates), model, track, few)
            track.label(_both(turn, drawn if picked is None else picked, control))
            track.selection_seconds = time.process_time() - began


def _unlabelled_model(learner: Learner, turn: Turn) -> Model | None:
    try:
        return learner.fit_many(turn.pool, [turn.fit()], task=turn.task)[0]
    except NoLabels:
        return None


def _both(turn: Turn, active: Positions, control: Positions) -> Positions:
    """A batch as it is asked: control items look like any other."""
    return np.array(mixed(active.tolist(), control.tolist(), turn.seed, turn.round), dtype=np.int64)


def _opening_pick(
    experiment: "Experiment", turn: Turn, model: Model, track: _Track, few: int
) -> Positions | None:
    """What the strategy wants, where it reads signals and the model has them."""
    strategy = experiment.strategies[track.cell.strategy].opening
    if not strategy.needs:
        return None
    try:
        said = turn.signals(model, strategy.needs, strategy.needs_labelled)
    except MissingSignal:
        return None
    picked = turn.pick(strategy, said, few, track.cell.strategy).positions
    return np.asarray(turn.unlabelled[picked])


def _turn(experiment: "Experiment", track: _Track) -> Turn:
    """Rounds count the batches asked; where there is no start set, the first batch is one of them."""
    rounds = track.checkpoint + (not experiment.started and bool(len(track.labelled)))
    labels = np.asarray(experiment.dataset.labels, dtype=np.int64)[track.labelled]
    return Turn(
        experiment.dataset.pool,
        experiment.dataset.task,
        track.cell.seed,
        rounds,
        track.labelled,
        labels,
        track.unlabelled,
    )


def _train(experiment: "Experiment", active: Sequence[_Track]) -> list[_Trained]:
    """A model for every labelled set, and its accuracy."""
    shared: dict[tuple[int, bytes], list[_Track]] = {}
    for track in active:
        shared.setdefault((track.cell.seed, track.labelled.tobytes()), []).append(track)
    groups = list(shared.values())
    heads = [group[0] for group in groups]
    turns = [_turn(experiment, head) for head in heads]
    fits = [turn.fit(head.previous) for turn, head in zip(turns, heads, strict=True)]
    made = _fitted(experiment, heads, fits)
    return [
        _Trained(turn, model, seconds, _accuracy(experiment, turn, model, group), group)
        for group, turn, (model, seconds) in zip(groups, turns, made, strict=True)
    ]


def _accuracy(experiment: "Experiment", turn: Turn, model: Model, group: Sequence[_Track]) -> float | None:
    """On the test items, where a line of this checkpoint is to say it."""
    front = group[0].checkpoint
    if front not in experiment.measured or all(len(track.recorded) > front for track in group):
        return None
    test = group[0].test
    truth = np.asarray(experiment.dataset.labels, dtype=np.int64)[test]
    with _named(group[0]):
        return float(np.mean(turn.predictions(model, test, experiment.measures) == truth))


def _fitted(
    experiment: "Experiment", heads: Sequence[_Track], fits: Sequence[Fit]
) -> list[tuple[Model, float]]:
    """Models and CPU seconds; of a stack, each model's share of them."""
    pool, task = experiment.dataset.pool, experiment.dataset.task
    learner = experiment.learner_of(heads[0].cell.strategy)
    together = len(fits) if learner.stacks else 1
    made: list[tuple[Model, float]] = []
    for first in range(0, len(fits), together):
        began = time.process_time()
        with _named(heads[first], others=together - 1):
            models = learner.fit_many(pool, fits[first : first + together], task=task)
        share = (time.process_time() - began) / together
        made += [(model, share) for model in models]
    return made


def _select(experiment: "Experiment", trained: _Trained) -> None:
    """The next batch of every cell at this labelled set; what was asked already is taken from its line."""
    known = [track for track in trained.tracks if len(track.recorded) > track.checkpoint + 1]
    for track in known:
        line = track.recorded[track.checkpoint + 1]
        wanted = set(line.queried)
        ids = experiment.dataset.pool.ids
        there = np.concatenate([track.unlabelled, track.reserve])
        places = {ids[place]: place for place in there if ids[place] in wanted}
        track.selection_seconds = line.selection_seconds
        track.label(np.array([places[one] for one in line.queried], dtype=np.int64))
    asking = [track for track in trained.tracks if track not in known]
    if asking:
        _ask(experiment, trained, asking)


def _ask(experiment: "Experiment", trained: _Trained, asking: Sequence[_Track]) -> None:
    """The next batch of cells that are as far as one another: what each strategy wants, and control items."""
    batch = experiment.sizes[asking[0].checkpoint + 1] - asking[0].labels
    control = asking[0].due(experiment.control, batch)
    if len(control) == batch:  # a start set larger than its arm is owed
        for track in asking:
            track.selection_seconds = 0.0
            track.label(control)
        return
    turn = trained.turn.among(experiment.candidates)
    strategies = [experiment.strategies[track.cell.strategy] for track in asking]
    needs = frozenset().union(*(strategy.needs for strategy in strategies))
    needs_labelled = frozenset().union(*(strategy.needs_labelled for strategy in strategies))
    began = time.process_time()
    with _named(asking[0], others=len(asking) - 1):
        said = turn.signals(trained.model, needs, needs_labelled)
    computing = time.process_time() - began
    for track, strategy in zip(asking, strategies, strict=True):
        began = time.process_time()
        with _named(track):
            seen = said if len(asking) == 1 else _narrowed(said, strategy)
            picked = turn.pick(strategy, seen, batch - len(control), track.cell.strategy).positions
        reads = bool(strategy.needs or strategy.needs_labelled)
        track.selection_seconds = time.process_time() - began + computing * reads
        track.label(_both(turn, turn.unlabelled[picked], control))


def _narrowed(said: Signals, strategy: Strategy) -> Signals:
    """What one strategy declared, out of what was computed for several."""
    labelled = None
    if strategy.needs_labelled and said.labelled is not None:
        labelled = Signals({name: said.labelled[name] for name in strategy.needs_labelled}, n=said.labelled.n)
    return Signals(
        {name: said[name] for name in strategy.needs},
        labelled=labelled,
        labels=said.labels,
        class_counts=said.class_counts,
        n=said.n,
    )


def _line(experiment: "Experiment", track: _Track, trained: _Trained) -> Line:
    ids = experiment.dataset.pool.ids
    counts = np.bincount(trained.turn.labels, minlength=len(experiment.dataset.task.classes))
    return Line(
        round=track.checkpoint,
        labels=track.labels,
        accuracy=trained.accuracy,
        queried=tuple(ids[place] for place in track.asked),
        class_counts=tuple(counts.tolist()),
        training_seconds=trained.seconds,
        selection_seconds=track.selection_seconds,
        remarks=tuple(trained.model.remarks),
    )


@contextmanager
def _named(track: _Track, others: int = 0) -> Iterator[None]:
    """A note on whatever is raised: the cell and how far it was."""
    try:
        yield
    except Exception as error:
        more = f" and {others} more" if others else ""
        name, seed, labels = track.cell.strategy, track.cell.seed, track.labels
        cell = f"the cell {name!r}" if name else "the ceiling"
        error.add_note(f"in {cell}, seed {seed}{more}, with {labels} labels")
        raise
