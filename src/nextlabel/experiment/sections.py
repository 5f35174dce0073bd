"""The parts of a report, each from what was worked out: tables, sentences, and where pictures go."""

import json
from collections.abc import Mapping, Sequence

from nextlabel.experiment import tables
from nextlabel.experiment.across import (
    LEAST_SETS_POSTERIOR,
    STABLE,
    Agreement,
)
from nextlabel.experiment.beside_plain import beside_plain
from nextlabel.experiment.many import are_many, nearest, penalties_of_many, specs, summary_of_many
from nextlabel.experiment.overview import Overview
from nextlabel.experiment.penalty import PUBLISHED_SEEDS, Penalties
from nextlabel.experiment.remarked import remarked
from nextlabel.experiment.study import DEFAULT, Study
from nextlabel.experiment.verdicts import BETTER, EQUAL, LEAST_SEEDS, NONE, UNDECIDED, WORSE
from nextlabel.experiment.wording import facts, points, span, width
from nextlabel.figures.page import Listing, Picture, Section, Table, Terms

__all__ = [
    "agreement_section",
    "all_sections",
    "caveats_section",
    "lead_sentence",
    "penalty_section",
    "ranks_section",
    "setting_section",
    "summary_section",
    "tables_of",
]

_NOTHING = "–"


def lead_sentence(studies: Sequence[Study]) -> str:
    """What comes first on the page: the claim, or over several settings how often it holds."""
    first = studies[0]
    if len(studies) == 1:
        return f"{first.sentence()} {first.verdict_sentence()}".rstrip()
    verdicts = [one.standings[first.lead].verdict for one in studies if first.lead in one.standings]
    counted = [
        f"{word} in {verdicts.count(word)}"
        for word in (BETTER, WORSE, EQUAL, UNDECIDED, NONE)
        if verdicts.count(word)
    ]
    told = next((one for one in studies if one.is_changed), first)
    seeds = [said for one in studies for said in one.other_seeds]
    changed = dict.fromkeys([*(told.changes if told.is_changed else ()), *seeds])
    said = (
        f"{first.lead[0].upper()}{first.lead[1:]}, {told.naming}, against {first.baseline} by the area "
        f"under the curve, of {len(verdicts)} settings: {', '.join(counted)}."
    )
    return " ".join([said, *changed])


def all_sections(
    found: Overview,
    singles: Sequence[Picture],
    shared: Mapping[str, Picture],
    *,
    notes: Sequence[str],
    forests: Mapping[str, Picture] | None = None,
) -> list[Section]:
    """The parts of the page in their order.

    Parameters
    ----------
    found : Overview
    singles : sequence of Picture
        Learning curves, one for each setting.
    shared : mapping of str to Picture
        ``matrix`` and ``errors``, unless there are many strategies; ``ranks`` and ``posteriors`` where they
        may be drawn.
    notes : sequence of str
        What else a reader must know.
    forests : mapping of str to Picture, optional
        The gains of a setting with many strategies, by its name.
    """
    studies = found.studies
    return [
        *([summary_section(studies)] if len(studies) > 1 else []),
        *(
            setting_section(one, picture, is_only=len(studies) == 1, forest=(forests or {}).get(one.name))
            for one, picture in zip(studies, singles, strict=True)
        ),
        penalty_section(found.penalties, found.baseline, shared.get("matrix"), shared.get("errors")),
        *([ranks_section(found, shared)] if found.ranks.sets > 1 else []),
        agreement_section(found.agreements, studies),
        caveats_section(studies, notes),
    ]


def summary_section(studies: Sequence[Study]) -> Section:
    """All settings in one table: what each strategy gains on the baseline, and the verdict."""
    names = {name for one in studies for name in one.results.strategies}
    return Section(
        "Summary", [summary_of_many(studies) if are_many(sorted(names)) else tables.summary(studies)]
    )


def setting_section(
    one: Study, picture: Picture, *, is_only: bool = False, forest: Picture | None = None
) -> Section:
    """One setting: the claim (above already, where it is the only one), curves, figures, protocol."""
    said = [] if is_only else [lead_sentence([one])]
    parts: list[str | Table | Picture | Listing | Terms] = [*said, *([forest] if forest else []), picture]
    parts += tables_of(one)
    if len(one.results.strategies) > 1:
        parts.append(nearest(one) if are_many(one.results.strategies) else tables.overlap(one))
    protocol = dict(one.results.protocol)
    if are_many(one.results.strategies):
        parts.append(specs(one))
        protocol.pop("strategies", None)
    parts.append(Terms({**_second_opinion(one), **facts(protocol)}))
    return Section(one.name, parts)


def tables_of(one: Study) -> list[Table]:
    """The figures of a setting, in their order; those that it has none for are left out."""
    made = (
        tables.gains(one),
        beside_plain(one),
        tables.accuracies(one),
        tables.targets(one),
        tables.costs(one),
        remarked(one),
    )
    return [table for table in made if table]


def penalty_section(
    found: Penalties, baseline: str, matrix: Picture | None, errors: Picture | None
) -> Section:
    """Who beats whom how often, and errors beside the baseline's; of many strategies the means alone."""
    body = [
        [name, *(_NOTHING if i == j else f"{value:.2f}" for j, value in enumerate(row))]
        for i, (name, row) in enumerate(zip(found.strategies, found.matrix, strict=True))
    ]
    body.append(["column mean", *(f"{value:.2f}" for value in found.penalties)])
    fewest, most = found.seeds
    seeds = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    notes = [
        f"The row's strategy beats the column's so often; at most {found.settings}, once for each "
        "setting. In the last row lower is better.",
        "Counted at the first measurement, and 1, 2, 4, 8 … measurements after it as long as "
        f"{baseline} has no more than 99 % of its accuracy at the end "
        f"({_many(sum(found.checkpoints), 'checkpoint')} in all), each weighing one over their number in "
        "its setting: a paired t test over all seeds, p < 0.05, without allowance for many tests; a "
        "verdict on a setting is in its table.",
        _published(most),
    ]
    if matrix is None or errors is None:
        return Section("Who beats whom", [penalties_of_many(found, baseline, notes[1:])])
    table = Table(
        caption=f"Penalty matrix: {_many(found.settings, 'setting')}, {seeds} seeds each",
        header=["beats", *found.strategies],
        rows=body,
        notes=notes,
    )
    return Section("Who beats whom", [matrix, table, errors])


def ranks_section(everything: Overview, pictures: Mapping[str, Picture]) -> Section:
    """Mean ranks over data sets, and what is probable for the next one."""
    ranks, found, seeds = everything.ranks, everything.posteriors, everything.seeds
    parts: list[str | Table | Picture | Listing | Terms] = [ranks.sentence()]
    parts += [pictures[name] for name in ("ranks",) if name in pictures]
    parts.append(
        Table(
            caption=f"Mean ranks by AUBC over {_many(ranks.sets, 'data set')}, {seeds} seeds each",
            header=["strategy", "mean rank"],
            rows=[[name, f"{rank:.2f}"] for name, rank in zip(ranks.strategies, ranks.ranks, strict=True)],
            notes=["1 is the best. Several settings of one data set count once, by their mean area."],
        )
    )
    if not found:
        parts.append(
            f"No Bayesian verdict: it takes {LEAST_SETS_POSTERIOR} data sets with {LEAST_SEEDS} seeds each, "
            f"and there are {_sets_of_enough_seeds(everything)}."
        )
        return Section("Across data sets", parts)
    parts += [pictures[name] for name in ("posteriors",) if name in pictures]
    lead, rope = found[0].strategy, found[0].rope
    parts.append(
        Table(
            caption=f"How probable it is that {lead} is better, on a data set like these "
            f"({found[0].sets} data sets, at least {LEAST_SEEDS} seeds each)",
            header=["against", BETTER, EQUAL, WORSE],
            rows=[[one.other, *(f"{p:.2f}" for p in (one.better, one.equal, one.worse))] for one in found],
            notes=[
                f"Practically equal: mean areas within {width(rope)}. Bayesian signed rank test, with "
                "its usual prior of one half of a data set without a difference."
            ],
        )
    )
    return Section("Across data sets", parts)


def agreement_section(found: Sequence[Agreement], studies: Sequence[Study]) -> Section:
    """Whether the ranking survives what should not matter."""
    if not found:
        return Section(
            "Is the ranking stable?",
            ["Not known: that takes three strategies, and four seeds or settings that differ in one thing."],
        )
    sentences = []
    for nuisance in dict.fromkeys(one.nuisance for one in found):
        taus = [one.tau for one in found if one.nuisance == nuisance]
        change = (
            "With one half of the seeds or the other" if nuisance == "seeds" else f"Under another {nuisance}"
        )
        word = "stable" if min(taus) >= STABLE else "not stable"
        pairs = "in one comparison" if len(taus) == 1 else f"in {len(taus)} comparisons"
        tau = "Kendall's tau" if len(taus) == 1 else "lowest Kendall's tau"
        sentences.append(f"{change} the ranking is {word}: {tau} {min(taus):.2f} {pairs}.".replace("-", "−"))
    table = Table(
        caption="Kendall's tau of the ranking by AUBC",
        header=["what changed", "between", "seeds", "tau"],
        rows=[
            [
                one.nuisance,
                f"halves of the seeds, {studies[one.first].name}"
                if one.nuisance == "seeds"
                else f"{studies[one.first].name} / {studies[one.second].name}",
                f"{min(studies[one.first].seeds, studies[one.second].seeds)}",
                f"{one.tau:.2f}".replace("-", "−"),
            ]
            for one in found
        ],
        notes=[
            f"1: the same order; −1: the reverse. Stable is said where all are at least {STABLE}. Strategies "
            "that cannot be told apart change places by chance."
        ],
    )
    return Section("Is the ranking stable?", [Listing(sentences), table])


def caveats_section(studies: Sequence[Study], notes: Sequence[str]) -> Section:
    """What the figures do not say."""
    lines = [
        "Every seed draws from the same items, so the intervals speak of these items, "
        "not of data that nobody has seen.",
        f"{_naming(studies)} Verdicts, and the intervals of the gains, hold for all strategies of a setting "
        "together; each interval of labels speaks of its row alone.",
        "The labels come from the data set. People make mistakes, and take longer over some items than "
        "others.",
        "Accuracy is measured at the checkpoints; label counts in between are read off straight lines.",
        "Verdicts and intervals rest on Student's t. Where differences over seeds lean to one side and seeds "
        "are few, they err more often than they say: with five to ten seeds of a baseline that errs by an "
        "exponential law, about 6 % of reports call one of three equals better, and about 9 % claim a saving "
        "of one, instead of 2.5 % each. Where Wilcoxon's p disagrees, look at the seeds.",
        *notes,
    ]
    if any(not one.ceiling for one in studies):
        lines.append(
            "Where nothing stands beside “all labels”, the learner was not trained on the whole pool."
        )
    return Section("What this does not say", [Listing(lines)])


def _second_opinion(one: Study) -> dict[str, str]:
    said = one.standings[one.lead]
    return {
        "Second opinion": (
            f"{one.lead}'s gain in AUBC on {one.baseline} is {points(said.gain)} points; 95 % interval for "
            f"it alone {span(said.own_interval)} by Student's t, {span(said.bootstrap)} by the BCa bootstrap"
        )
    }


def _naming(studies: Sequence[Study]) -> str:
    """What the lead's own interval rests on."""
    first = studies[0]
    changes = list(dict.fromkeys(change for one in studies for change in one.changes))
    if any(one.is_changed for one in studies):
        return " ".join([*changes, "The interval of the lead's sentence does not allow for that."])
    if changes:
        return " ".join([*changes, _named(first)])
    return _named(first)


def _named(first: Study) -> str:
    if first.naming == DEFAULT:
        return (
            f"Nobody named a strategy to be compared with {first.baseline}: the sentence speaks of "
            f"{first.lead}, the first of the list, with an interval of its own."
        )
    return (
        f"Only {first.lead} against {first.baseline} was named beforehand: its sentence has an interval of "
        "its own."
    )


def _published(most: int) -> str:
    if most <= PUBLISHED_SEEDS:
        return (
            f"Counted as the authors' script counts: the first {PUBLISHED_SEEDS} runs of a setting, or as "
            "many as there are."
        )
    return (
        f"The authors' script takes the first {PUBLISHED_SEEDS} runs of a setting: that one is "
        "penalties_first_five in results.json, and the one to be set beside published ones."
    )


def _sets_of_enough_seeds(found: Overview) -> int:
    return len(
        {
            json.dumps(one.results.protocol.get("dataset"), sort_keys=True)
            for one in found.studies
            if one.seeds >= LEAST_SEEDS
        }
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
