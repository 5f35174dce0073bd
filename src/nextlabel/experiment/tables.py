"""The tables of one setting: what was gained, how it ended, what was asked for and what it took."""

from collections.abc import Sequence

from nextlabel.experiment.study import Study
from nextlabel.experiment.verdicts import LEAST_SEEDS
from nextlabel.experiment.wording import at_most, percent, points, probability, span, width
from nextlabel.figures.page import Table

__all__ = ["TOGETHER", "accuracies", "costs", "gains", "overlap", "summary", "targets"]

_ALL = "all labels"
_NOTHING = "–"

TOGETHER = "The intervals (Student's t) hold together in 95 % of experiments."
"""What may be said of the intervals of gains, on the page and on the terminal."""


def gains(one: Study) -> Table:
    """The area under the curve, the gain on the baseline, and the verdict."""
    body = []
    for row in one.rows:
        standing = one.standings.get(row.strategy)
        area = f"{100 * row.area_mean:.1f} ({100 * row.area_sd:.1f})"
        said = (
            [
                f"{points(standing.gain)} ({span(standing.interval)})",
                probability(standing.p_holm),
                probability(standing.p_signed_rank),
                standing.verdict,
            ]
            if standing
            else [_NOTHING] * 4
        )
        body.append([row.strategy, area, *said, f"{row.seeds}"])
    notes = [
        "AUBC: the area under the budget curve, the mean test accuracy over the budget, in %; sd over seeds.",
        f"Gain: mean difference to {one.baseline}, paired by seed, in points. {TOGETHER}",
        "p (Holm): of the paired t test, allowing for all strategies of the table; below 0.05 the verdict is "
        "better or worse. p (Wilcoxon): a second opinion on the row alone, not used.",
    ]
    if one.rope is not None:
        notes.append(
            f"Practically equal: the whole interval lies within {width(one.rope)} of {one.baseline}."
        )
    if one.seeds < LEAST_SEEDS:
        notes.append(f"No verdict: that takes {LEAST_SEEDS} seeds.")
    return Table(
        caption=f"What was gained: {one.seeds} seeds, up to {one.budget} labels",
        header=[
            "strategy",
            "AUBC (sd)",
            f"gain on {one.baseline} (95 %)",
            "p (Holm)",
            "p (Wilcoxon)",
            "verdict",
            "seeds",
        ],
        rows=body,
        notes=notes,
    )


def accuracies(one: Study) -> Table:
    """Accuracy at the end, labels to the baseline's end, and the accuracy with all labels."""
    body = []
    for row in one.rows:
        saving = one.savings.get(row.strategy)
        needed = at_most(row.labels_to_final, one.budget)
        if saving:
            ends = saving.needed_interval
            reach = f"{needed} ({min(ends.low, one.budget):.0f} to {at_most(ends.high, one.budget)})"
            saved = f"{100 * saving.share:.0f} %".replace("-", "−") if saving.share > -9 else _NOTHING
        else:
            reach, saved = needed, _NOTHING
        final = f"{percent(row.final_mean)} ({100 * row.final_sd:.1f})"
        body.append([row.strategy, final, reach, saved, f"{row.seeds}"])
    pool = one.results.protocol.get("pool")
    mean = one.ceiling_mean
    body.append(
        [
            _ALL,
            _NOTHING if mean is None else percent(mean),
            f"{pool}" if pool else _NOTHING,
            _NOTHING,
            f"{len(one.ceiling)}",
        ]
    )
    return Table(
        caption=f"Accuracy at the end, and labels to {one.baseline}'s end: {one.seeds} seeds",
        header=["strategy", "final accuracy (sd)", "labels (95 %)", "labels saved", "seeds"],
        rows=body,
        notes=[
            f"Labels: where the mean curve first reaches {one.baseline}'s mean final accuracy; "
            f"“> {one.budget}” where it may never do so. Each interval by itself, paired over seeds.",
            f"Labels saved: the share of what {one.baseline} needed. It has no interval of its own.",
            f"{_ALL}: the learner trained with the labels of the whole pool.",
        ],
    )


def targets(one: Study) -> Table | None:
    """Labels to the accuracies that the protocol wants; None where it wants none."""
    if not one.reaches:
        return None

    def said(strategy: str, level: float) -> str:
        found = one.reaches[level][strategy]
        low = min(found.interval.low, one.budget)
        return (
            f"{at_most(found.needed, one.budget)} ({low:.0f} to {at_most(found.interval.high, one.budget)})"
        )

    return Table(
        caption=f"Labels to a wanted accuracy: {one.seeds} seeds",
        header=["strategy", *(f"labels to {100 * level:g} % (95 %)" for level in one.reaches), "seeds"],
        rows=[
            [row.strategy, *(said(row.strategy, level) for level in one.reaches), f"{row.seeds}"]
            for row in one.rows
        ],
        notes=[
            f"Where the mean curve first reaches the accuracy; “> {one.budget}” where it may never do so. "
            "Each interval by itself: the label counts at which a t test over seeds cannot tell the accuracy "
            "from the wanted one.",
        ],
    )


def costs(one: Study) -> Table:
    """Classes that were asked for, and the seconds it took."""
    body = []
    for row in one.rows:
        classes = one.classes.get(row.strategy)
        counted = (
            [percent(classes.rarest), percent(classes.commonest), f"{classes.absent:.1f}"]
            if classes
            else [_NOTHING] * 3
        )
        seconds = [f"{row.selection_seconds:.2g}", f"{row.training_seconds:.2g}"]
        body.append([row.strategy, *counted, *seconds, f"{row.seeds}"])
    return Table(
        caption=f"What was asked for, and what it took: {one.seeds} seeds",
        header=[
            "strategy",
            "rarest class",
            "commonest class",
            "classes without a label",
            "seconds a selection",
            "seconds a fit",
            "seeds",
        ],
        rows=body,
        notes=[
            "Classes: shares of the labels at the end of the budget, means over seeds. How many labels each "
            "class had at each checkpoint of each run: class_counts in results.json.",
            "Seconds: CPU seconds, medians over rounds and seeds. A selection computes the signals that a "
            "strategy needs, and picks.",
        ],
    )


def overlap(one: Study) -> Table:
    """How far strategies ask for the same items."""
    names = one.results.strategies

    def shared(a: str, b: str) -> str:
        return (
            _NOTHING if a == b else f"{one.overlap.get(f'{a}, {b}', one.overlap.get(f'{b}, {a}', 0.0)):.2f}"
        )

    return Table(
        caption=f"Do they ask for the same? Jaccard's index of the ids asked: {one.seeds} seeds",
        header=["strategy", *names],
        rows=[[a, *(shared(a, b) for b in names)] for a in names],
        notes=[
            "Shared ids over all ids of the two, mean over seeds; 1: the same. Left out: a drawn start, "
            "control items, and a first batch that was drawn for one of the two."
        ],
    )


def summary(studies: Sequence[Study]) -> Table:
    """All settings in one table: what each strategy gains on the baseline, and the verdict."""
    names = list(dict.fromkeys(name for one in studies for name in one.results.strategies))
    baseline = studies[0].baseline
    others = [name for name in names if name != baseline]
    body = []
    for one in studies:
        base = next(row for row in one.rows if row.strategy == one.baseline)
        cells = [
            f"{points(one.standings[name].gain)} {one.standings[name].verdict}"
            if name in one.standings
            else _NOTHING
            for name in others
        ]
        body.append([one.name, f"{one.seeds}", percent(base.area_mean), *cells])
    return Table(
        caption=f"Gain in AUBC on {baseline}, in points, and the verdict",
        header=["setting", "seeds", f"AUBC of {baseline}", *others],
        rows=body,
        notes=[
            "AUBC: the area under the budget curve, the mean test accuracy over the budget.",
            "Verdicts of a setting hold together (Holm's procedure, 5 %); of twenty settings in which "
            "nothing differs, about one says that something does, half of these that it is better.",
        ],
    )
