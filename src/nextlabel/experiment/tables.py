"""The tables of one setting: what was gained, how it ended, what was asked for and what it took."""

from nextlabel.experiment.study import Study
from nextlabel.experiment.verdicts import LEAST_SEEDS
from nextlabel.experiment.wording import at_most, percent, points, probability, span, width
from nextlabel.figures.page import Table

__all__ = ["accuracies", "costs", "gains", "overlap"]

_ALL = "all labels"
_NOTHING = "–"


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
        f"Gain: mean difference to {one.baseline}, paired by seed, in points. The intervals (Student's t) "
        "hold together in 95 % of experiments.",
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
            "Classes: shares of the labels at the end of the budget, means over seeds.",
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
        notes=["Shared ids over all ids of the two, a drawn start left out, mean over seeds; 1: the same."],
    )
