"""What a learner round the usual one gains: the same strategy with it, and without."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nextlabel.experiment.comparison import areas
from nextlabel.experiment.study import Study
from nextlabel.experiment.tables import TOGETHER
from nextlabel.experiment.verdicts import LEAST_SEEDS, joint_intervals, verdicts
from nextlabel.experiment.wording import points, probability, span, width
from nextlabel.figures.page import Table
from nextlabel.maths.comparisons import holm, paired_t_p

__all__ = ["beside_plain", "plain_of"]


def plain_of(protocol: Mapping[str, Any]) -> dict[str, str]:
    """Each arm that wraps the usual learner, and the arm of the same strategy that does not.

    Parameters
    ----------
    protocol : mapping of str to JSON value
        As `nextlabel.experiment.runner.Experiment.protocol` writes it.

    Examples
    --------
    >>> plain_of({
    ...     "learner": {"name": "torch"},
    ...     "strategies": {"CEAL": {"name": "margin"}, "margin": {"name": "margin"}},
    ...     "learners": {"CEAL": {"name": "pseudo_label", "of": {"name": "torch"}}},
    ... })
    {'CEAL': 'margin'}
    """
    usual, own = protocol.get("learner"), protocol.get("learners") or {}
    picked = protocol.get("strategies") or {}
    plain = {name: spec for name, spec in picked.items() if name not in own}
    found = {}
    for name, learner in own.items():
        same = [other for other, spec in plain.items() if spec == picked.get(name)]
        if same and isinstance(learner, Mapping) and learner.get("of") == usual:
            found[name] = same[0]
    return found


def beside_plain(one: Study) -> Table | None:
    """Paired differences in area to the same strategy with the usual learner; None where no arm has one.

    Parameters
    ----------
    one : Study

    Returns
    -------
    Table or None
        A row for each arm; intervals and p-values allow for all of its rows, and for these alone.
    """
    pairs = plain_of(one.results.protocol)
    pairs = {name: other for name, other in pairs.items() if {name, other} <= set(one.results.strategies)}
    if not pairs or one.seeds < 2:
        return None
    gained = np.stack(
        [areas(one.results, name) - areas(one.results, other) for name, other in pairs.items()], axis=1
    )
    body = [
        [
            name,
            other,
            f"{points(float(values.mean()))} ({span(interval)})",
            probability(float(p)),
            verdict,
            f"{int((values < 0).sum())} of {len(values)}",
        ]
        for (name, other), values, interval, p, verdict in zip(
            pairs.items(),
            gained.T,
            joint_intervals(gained),
            holm(paired_t_p(gained)),
            verdicts(gained, rope=one.rope),
            strict=True,
        )
    ]
    notes = [
        "Gain: mean difference in the area under the budget curve to the same strategy with the usual "
        f"learner, paired by seed, in points. {TOGETHER}",
        "p (Holm): of the paired t test, allowing for all rows of this table. Below: in how many seeds.",
    ]
    if one.rope is not None:
        notes.append(f"Practically equal: the whole interval lies within {width(one.rope)}.")
    if one.seeds < LEAST_SEEDS:
        notes.append(f"No verdict: that takes {LEAST_SEEDS} seeds.")
    return Table(
        caption=f"Beside the same strategy with the usual learner: {one.seeds} seeds",
        header=["strategy", "beside", "gain (95 %)", "p (Holm)", "verdict", "below"],
        rows=body,
        notes=notes,
    )
