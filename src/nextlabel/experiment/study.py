"""One setting of a benchmark, worked out: all that its part of a report says, in figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from nextlabel.errors import ParameterError
from nextlabel.experiment.comparison import Claim, Row, Saving, claim, rows, savings
from nextlabel.experiment.curves import Results
from nextlabel.experiment.reaches import Reach, reaches
from nextlabel.experiment.shared import overlap
from nextlabel.experiment.verdicts import BETTER, EQUAL, LEAST_SEEDS, UNDECIDED, WORSE, Standing, standings
from nextlabel.experiment.wording import width

__all__ = ["BEFOREHAND", "CHANGED", "DEFAULT", "Classes", "Study", "study"]

_BASELINE = "random"

BEFOREHAND: Final = "named beforehand"
DEFAULT: Final = "the first of the list"
CHANGED: Final = "named when results were there"
"""How the lead came to be it: what a report may say of it."""


@final
@dataclass(frozen=True)
class Classes:
    """Which classes a strategy asked for: shares of the labels at the end of the budget, means over seeds.

    Parameters
    ----------
    rarest, commonest : float
        Share of the class with the fewest and of that with the most labels, from 0 to 1.
    absent : float
        Classes without any label.
    """

    rarest: float
    commonest: float
    absent: float


@final
@dataclass(frozen=True)
class Study:
    """What one setting says.

    Parameters
    ----------
    name : str
        Of the setting: data set, and what else differs between settings.
    results : Results
    lead : str
        The strategy named beforehand.
    baseline : str
    rope : float or None
        Region of practical equivalence, in accuracy.
    rows : tuple of Row
        One for each strategy, the largest area first.
    standings : mapping of str to Standing
        By strategy, without the baseline.
    savings : mapping of str to Saving
        By strategy, without the baseline.
    claim : Claim
        What may be said of the lead.
    classes : mapping of str to Classes
        By strategy; empty where classes were not counted.
    overlap : mapping of str to float
        For each pair ``"a, b"``: Jaccard's index of the ids that each chose, mean over seeds.
    ceiling : tuple of float
        Accuracy with all labels of the pool, a number for each seed that was run; may be empty.
    reaches : mapping of float to mapping of str to Reach
        By accuracy that is wanted, then by strategy; empty where none is.
    """

    name: str
    results: Results
    lead: str
    baseline: str
    rope: float | None
    rows: tuple[Row, ...]
    standings: Mapping[str, Standing]
    savings: Mapping[str, Saving]
    claim: Claim
    classes: Mapping[str, Classes]
    overlap: Mapping[str, float]
    ceiling: tuple[float, ...]
    reaches: Mapping[float, Mapping[str, Reach]]

    @property
    def seeds(self) -> int:
        """How many seeds each strategy ran with."""
        return len(self.results.seeds)

    @property
    def budget(self) -> int:
        """Labels at the end."""
        return int(self.results.labels[-1])

    @property
    def ceiling_mean(self) -> float | None:
        """Mean accuracy with all labels of the pool, where it was measured."""
        return float(np.mean(self.ceiling)) if self.ceiling else None

    @property
    def changes(self) -> tuple[str, ...]:
        """What was named otherwise when the folder was first run, a sentence each."""
        protocol, found = self.results.protocol, []
        for key, name, worded in (
            ("lead", "lead", str),
            ("baseline", "baseline", str),
            ("rope", "region of practical equivalence", _region),
        ):
            first, now = protocol.get(f"first_{key}"), protocol.get(key)
            if first is not None and first != now:
                found.append(
                    f"The {name} was changed from {worded(first)} to {worded(now)} when results were there."
                )
            elif key == "lead" and self._is_named_late:
                found.append(
                    f"Nobody named a lead before results were there: {now} was the first of the list."
                )
        return (*found, *self.other_seeds)

    @property
    def other_seeds(self) -> tuple[str, ...]:
        """That seeds were added or left out when results were there: one sentence, or none."""
        first, now = set(self.results.protocol.get("first_seeds") or ()), set(self.results.seeds)
        if not first or first == now:
            return ()
        change = "added" if first < now else "changed"
        return (
            f"Seeds were {change} when results were there: {len(first)} at first, now {len(now)}. Verdicts "
            "and intervals do not allow for looking in between.",
        )

    @property
    def _is_named_late(self) -> bool:
        """Whether the lead was no more than the first of the list when results were first there."""
        protocol = self.results.protocol
        return bool(protocol.get("first_lead_is_default")) and not protocol.get("lead_is_default")

    @property
    def is_changed(self) -> bool:
        """Whether lead or baseline were others, or the lead not named, when the folder was first run."""
        protocol = self.results.protocol
        return self._is_named_late or any(
            protocol.get(f"first_{key}") not in (None, protocol.get(key)) for key in ("lead", "baseline")
        )

    @property
    def naming(self) -> str:
        """How the lead came to be it: nobody named one, it was changed later, or it was named beforehand."""
        if self.is_changed:
            return CHANGED
        protocol = self.results.protocol
        is_default = protocol.get("lead_is_default") or protocol.get("lead") in (None, "", self.baseline)
        return DEFAULT if is_default else BEFOREHAND

    def sentence(self) -> str:
        """The claim of the lead in words; of too few seeds, that there is none; whether it was changed."""
        if not self.is_changed:
            return " ".join([self._claimed(), *self.other_seeds])
        rest = " The interval does not allow for that." if self.seeds >= LEAST_SEEDS else ""
        return f"{self._claimed()} {' '.join(self.changes)}{rest}"

    def _claimed(self) -> str:
        if self.seeds >= LEAST_SEEDS:
            return self.claim.sentence()
        gain = f"{100 * self.claim.area_gain:+.1f}".replace("-", "−")
        return (
            f"No verdict on {self.lead} against {self.baseline}: there are {self.seeds} seeds, and a verdict "
            f"takes {LEAST_SEEDS}. The mean difference of the area under the curve is {gain} points."
        )

    def verdict_sentence(self) -> str:
        """The verdict on the lead by the whole curve, beside which the sentence about labels stands."""
        words = {
            BETTER: f"better than {self.baseline}",
            WORSE: f"worse than {self.baseline}",
            EQUAL: f"practically equal to {self.baseline}",
            UNDECIDED: f"not distinguishable from {self.baseline}",
        }
        verdict = self.standings[self.lead].verdict
        return (
            f"By the area under the whole curve, allowing for all strategies compared, {self.lead} is "
            f"{words[verdict]}."
            if verdict in words
            else ""
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, protocol and runs included."""
        named = ("name", "lead", "baseline", "rope", "rows", "standings", "savings", "claim", "classes")
        return {
            **{key: getattr(self, key) for key in named},
            "sentence": self.sentence(),
            "verdict": self.verdict_sentence(),
            "naming": self.naming,
            "changes": self.changes,
            "overlap": self.overlap,
            "ceiling": self.ceiling,
            "reaches": self.reaches,
            **self.results.to_dict(),
        }


def study(results: Results, name: str) -> Study:
    """Work out one setting.

    Parameters
    ----------
    results : Results
        With `lead`, `baseline`, `rope`, `ceiling` and `target` in the protocol: by default the first strategy
        beside the baseline, random, none, none, and none. `lead_is_default` says that nobody named the lead,
        `first_lead`, `first_lead_is_default`, `first_baseline`, `first_rope` and `first_seeds` what they were
        when the setting was first run.
    name : str
        Of the setting.

    Returns
    -------
    Study

    Raises
    ------
    ParameterError
        The lead or the baseline did not run, nothing was compared with the baseline, or fewer than two seeds.
    """
    protocol = results.protocol
    baseline = str(protocol.get("baseline", _BASELINE))
    others = [one for one in results.strategies if one != baseline]
    lead = str(protocol.get("lead") or (others[0] if others else baseline))
    if lead == baseline and others:
        lead = others[0]
    if lead not in others or baseline not in results.strategies:
        message = (
            f"A report compares the lead, {lead!r}, with the baseline {baseline!r}; the "
            f"setting {name!r} ran {', '.join(results.strategies)}. Run both."
        )
        raise ParameterError(message)
    rope = protocol.get("rope") or None
    return Study(
        name=name,
        results=results,
        lead=lead,
        baseline=baseline,
        rope=rope,
        rows=rows(results, baseline),
        standings={one.strategy: one for one in standings(results, baseline, rope=rope)},
        savings=savings(results, baseline),
        claim=claim(results, lead, baseline),
        classes=_classes(results),
        overlap=overlap(results),
        ceiling=tuple(float(one) for one in (protocol.get("ceiling") or {}).values()),
        reaches={level: reaches(results, level) for level in _targets(protocol.get("target"))},
    )


def _region(rope: Any) -> str:
    return width(float(rope)) if rope else "none"


def _targets(wanted: Any) -> tuple[float, ...]:
    listed = wanted if isinstance(wanted, list | tuple) else [wanted]
    return tuple(sorted({float(one) for one in listed if one is not None}))


def _classes(results: Results) -> dict[str, Classes]:
    found = {}
    for name in results.strategies:
        counts = [run.class_counts[-1] for run in results.of(name) if run.class_counts]
        if counts:
            table = np.array(counts, dtype=np.float64)
            shares = table / table.sum(axis=1, keepdims=True)
            found[name] = Classes(
                rarest=float(shares.min(axis=1).mean()),
                commonest=float(shares.max(axis=1).mean()),
                absent=float((table == 0).sum(axis=1).mean()),
            )
    return found
