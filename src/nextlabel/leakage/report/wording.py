"""The report in sentences: what a verdict means, and what it does not."""

from collections.abc import Mapping
from math import ceil, floor
from types import MappingProxyType
from typing import Final

from nextlabel.leakage.attempts import AS_GUESSED, SOME_WORDS, TOO_FEW, UNSORTED
from nextlabel.leakage.report.report import VOID, Report
from nextlabel.leakage.report.several import several_words
from nextlabel.leakage.report.tried import broken_words, messages_tried, untried_words
from nextlabel.leakage.report.words import is_words_only, words_said
from nextlabel.leakage.verdicts import (
    BOUNDED,
    EXACT,
    LABEL_ONLY,
    LIMITS,
    NOT_IDENTIFIABLE,
    NOT_SHOWN,
    RECOGNISABLE,
    Share,
    shares,
)

__all__ = ["between", "count", "error_words", "others", "sentences", "share_words", "time_words"]

_SHARES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "full": "full gradients",
        "last_layer": "gradients of the last layer",
        "embedding": "gradient embeddings",
        "update": "updates of the weights",
    }
)

_TOLD: Final = "the labels"  # as the knowledge of an attacker is declared
_NAMED: Final = 0.05  # of all attacks' time: an attack that took less is not named
_NOTABLE: Final = 0.05  # labels that a guess names as often with a smaller chance are worth a word

_CAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        EXACT: "came back exactly",
        RECOGNISABLE: "came back so that they can be recognised",
        LABEL_ONLY: "gave away their label, not themselves",
        NOT_SHOWN: "did not come back",
    }
)

_ENDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        AS_GUESSED: "in {} what an attack gave is near to the record, and other records are as near, so that "
        "a guess would do as well",
        TOO_FEW: "in {} what an attack gave is nearer to the record than others are, and of so few values a "
        "guess comes as near by chance",
        UNSORTED: "the words of {} came back, and not which of them are in which text",
        SOME_WORDS: "words of {} came back, too few of them",
    }
)


def sentences(report: Report) -> tuple[str, ...]:
    """The verdict with its interval and what it does not mean, the controls, the attacker, the time.

    Parameters
    ----------
    report : Report
    """
    return (
        _lead(report),
        *others(report),
        _controls(report),
        f"The attacker knows: {'; '.join(report.knows)}.",
        time_words(report),
        *(() if report.is_void else report.remarks),
    )


def others(report: Report) -> tuple[str, ...]:
    """What else came back: other verdicts, a bound beside a leak, words, targets, inputs of the last layer.

    Parameters
    ----------
    report : Report
        Of one that is void, nothing.
    """
    if report.is_void:
        return ()
    left = [one for one in report.shares if one.verdict != report.verdict and report.verdict != BOUNDED]
    said = [f"{one.verdict}: {share_words(one, _label(report))}." for one in left]
    if report.bound is not None and report.verdict != BOUNDED:
        said.append(_bound(report))
    verdicts = {one.verdict for one in left}
    if NOT_SHOWN in verdicts and LABEL_ONLY not in verdicts and report.verdict != LABEL_ONLY:
        said.append(_labels(report))
    return (*filter(None, said), *words_said(report), *_targets(report), *_features(report))


def share_words(share: Share, label: str = "label") -> str:
    """What became of how many records, with the exact interval.

    Parameters
    ----------
    share : Share
    label : str
        What a label is called: of a regression, a target.

    Examples
    --------
    >>> share_words(Share("EXACT", 3, 20, 0.032, 0.379))
    '3 of 20 records came back exactly (15.0 %; 95 % interval 3.2 % to 37.9 %)'
    """
    did = _CAME[share.verdict].replace("label", label)
    if share.records == 1:
        did = did.replace("their", "its").replace("themselves", "itself").replace("they", "it")
    return (
        f"{share.records} of {share.of} {'record' if share.of == 1 else 'records'} {did} "
        f"({100 * share.records / share.of:.1f} %; 95 % interval {between(share.low, share.high)})"
    )


def count(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> count(1, "record"), count(3, "record")
    ('1 record', '3 records')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def between(low: float, high: float) -> str:
    """The ends of an interval of shares, rounded outwards.

    Examples
    --------
    >>> between(0.03217, 0.37893)
    '3.2 % to 37.9 %'
    """
    return f"{floor(1000 * low) / 10:.1f} % to {ceil(1000 * high) / 10:.1f} %"


def time_words(report: Report) -> str:
    """How long the attacks took, of how long and which of them, and what was cut, left out or over.

    Parameters
    ----------
    report : Report
    """
    spent = report.budget
    said = f"Time: {spent.spent:.1f} of {spent.seconds:.0f} seconds{_spent_on(report)}"
    said += f", {count(spent.timed, 'attempt')} with a share of it each" if spent.timed else ""
    said += f", {spent.cut} ended by the clock" if spent.cut else ""
    said += f", {spent.again} made again in the time that others left" if spent.again else ""
    said += f", {spent.unrun} not run for lack of time" if spent.unrun else ""
    left = _left_out(report)
    said += f" ({left})" if left else ""
    said += f"; over by {spent.overrun:.1f} seconds" if spent.overrun > 0 else ""
    said += _longest(report) if spent.overrun > 0 else ""
    early = (
        f" {spent.ended_early} attempts were left out: every record of their message had come back exactly."
        if spent.ended_early
        else ""
    )
    return f"{said}.{early}"


def error_words(report: Report) -> str:
    """What the error of a record is called: of tables, columns are in units of their spread.

    Parameters
    ----------
    report : Report
    """
    if report.setting.get("is_text"):
        return "share of wrong tokens"
    return "standardised error" if report.setting.get("is_table") else "relative error"


def _lead(report: Report) -> str:
    said = _found(report)
    left = _left_out(report)
    broken = broken_words(report)
    if report.verdict not in (VOID, EXACT):
        said += f" Not tried for lack of time: {left}." if left else ""
        said += f" Broke off with an error, and tried nothing: {broken}." if broken else ""
    return said if report.controls else f"{said} No controls ran."


def _spent_on(report: Report) -> str:
    """Where the time went, the longest first: attacks that took a twentieth of it or more."""
    took: dict[str, float] = {}
    for one in report.outcomes:
        took[one.attack] = took.get(one.attack, 0.0) + one.seconds
    whole = sum(took.values())
    named = [
        f"{name.replace('_', ' ')} {seconds:.1f}"
        for name, seconds in sorted(took.items(), key=lambda pair: -pair[1])
        if len(took) > 1 and seconds >= max(_NAMED * whole, 0.05)
    ]
    return f" ({', '.join(named)})" if named else ""


def _left_out(report: Report) -> str:
    """The attacks that time did not suffice for, and on how many messages."""
    messages = report.setting["messages"]
    return ", ".join(
        f"{name.replace('_', ' ')} ({number} of {count(messages, 'message')})"
        for name, number in report.budget.left_out.items()
    )


def _found(report: Report) -> str:
    message = _SHARES.get(report.setting["share"], str(report.setting["share"]))
    batch = report.setting["batch"]
    source = f"{message} of {'single records' if batch == 1 else f'batches of {batch}'}"
    if report.is_void:
        failed = "; ".join(
            f"{one.name} ({one.said})" for one in report.controls if one.is_run and not one.is_passed
        )
        return f"{VOID}: a control failed, so nothing in this report may be believed. Failed: {failed}."
    verdict = report.verdict
    if verdict in (BOUNDED, NOT_SHOWN):
        said = _none_came(report, source) if report.is_tried else untried_words(report, source)
        labels = _labels(report)
        return " ".join(one for one in (f"{verdict}: {said}", labels, _bound(report)) if one)
    share = next(one for one in report.shares if one.verdict == verdict)
    return f"{verdict}: {share_words(share, _label(report))} from {source}. {_against(verdict, report)}"


def _none_came(report: Report, source: str) -> str:
    """That no record came back, of those on which an attack was brought to bear, and of how many at most."""
    tried = messages_tried(report)
    count = sum(one.message in tried for one in report.standings)
    (share,) = shares([NOT_SHOWN] * count)
    least = f"at most {between(0.0, 1.0 - share.low).split(' to ')[1]} of such records by these attacks"
    spent = f"{report.budget.spent:.0f} of {report.budget.seconds:.0f} seconds"
    left = len(report.standings) - count
    said = f"no record of {count} came back from {source} ({least}, with 95 % confidence), {spent} spent. "
    said += f"On {left} more no attack was brought to bear. " if left else ""
    return said + _failed(report)


def _failed(report: Report) -> str:
    """That attacks failed, told apart from what no attack on such a message could have told."""
    unclear = _unclear(report)
    if not unclear:
        return _sentence(_ended(report))
    attacks = {one.attack for one in report.outcomes if one.why == NOT_IDENTIFIABLE}
    found = " and ".join(sorted(name.replace("_", " ") for name in attacks))
    why = f"not identifiable, as {found} found: different ones explain the message equally well"
    no_proof, more = "this is no proof of safety", "who knows more may tell which it was"
    if unclear == len(report.standings):
        whole = "The record is" if unclear == 1 else "The records are"
        return f"{whole} {why}. That is more than an optimiser that failed; {no_proof}, since {more}."
    are = "is" if unclear == 1 else "are"
    return (
        f"Of {count(len(report.standings), 'record')} {unclear} {are} {why}, though {more}. On "
        f"{'the other' if len(report.standings) == unclear + 1 else 'the others'}: "
        f"{_ended(report, besides=_alike(report))}; {no_proof}."
    )


def _ended(report: Report, besides: frozenset[int] = frozenset()) -> str:
    """How attacks ended that showed nothing: some gave what a guess gives too, or words."""
    left = messages_tried(report) - besides
    of, said = count(len(left), "message"), []
    for why, told in _ENDS.items():
        ended = {one.message for one in report.outcomes if one.why == why} & left
        said += [told.format(f"{len(ended)} of {of}")] * bool(ended)
        left -= ended
    if not said:
        return "the attacks tried failed"
    return "; ".join([*said, *["on the rest the attacks tried failed"] * bool(left)])


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}; this is no proof of safety."


def _unclear(report: Report) -> int:
    """How many records did not come back and are not identifiable, by an attack that can tell."""
    alike = _alike(report)
    return sum(one.message in alike for one in report.standings if one.verdict in (NOT_SHOWN, LABEL_ONLY))


def _alike(report: Report) -> frozenset[int]:
    """The messages that other records explain equally well."""
    return frozenset(one.message for one in report.outcomes if one.why == NOT_IDENTIFIABLE)


def _against(verdict: str, report: Report) -> str:
    """What the verdict does not mean."""
    if verdict == LABEL_ONLY:
        guess = " These labels are the model's own guesses." if report.setting["share"] == "embedding" else ""
        is_near = any(one.why in (AS_GUESSED, TOO_FEW) for one in report.outcomes)
        if not report.is_tried:
            return (
                f"No attack on the records themselves was brought to bear: nothing is known of them.{guess}"
            )
        said = "That the records themselves did not come back is no proof of safety."
        said = _sentence(_ended(report)) if is_near else said
        return f"{_failed(report) if _unclear(report) else said}{guess}"
    whose = "which words they have" if report.setting["batch"] == 1 else "the words of their batch"
    words = f"What came back of them is {whose}. " if is_words_only(report, verdict) else ""
    several = several_words(report, verdict)
    return f"{words}{several}That is the least that leaks: another attack may take more."


def _labels(report: Report) -> str:
    """Labels that came back, and yet make no verdict, since a guess by the prior is as good."""
    claims = [one for one in report.summaries if one.labels_right and one.labels_chance is not None]
    if not claims or _TOLD in report.knows:
        return ""
    best = min(claims, key=lambda one: (one.labels_chance or 0.0, -one.labels_right))
    chance = best.labels_chance or 0.0
    if best.labels_right < best.labels_of and chance > _NOTABLE:
        return ""
    said = (
        f"Of the labels {best.labels_right} of {best.labels_of} were named rightly "
        f"({best.attack.replace('_', ' ')}), as many as a guess by the prior names with a chance of "
        f"{chance:.2g}"
    )
    limit = LIMITS.chance / len(claims)
    if chance <= limit:
        return f"{said}."
    return f"{said}: too likely to count as given away, which takes at most {limit:.2g} here."


def _bound(report: Report) -> str:
    if report.bound is None:
        return ""
    found = report.bound
    return (
        f"By the accountant (ε = {found['epsilon']:.3g}, δ = {found['delta']:.2g}) no attack whatever "
        f"reconstructs a record with a chance above {found['chance']:.3g}, where it is guessed without the "
        f"message with a chance of {found['prior']:.2g}. That is said of one message of each record: further "
        "messages of it tell more, unless the accountant counts them."
    )


def _label(report: Report) -> str:
    return "target" if report.setting.get("loss") == "squared_error" else "label"


def _features(report: Report) -> tuple[str, ...]:
    best = max((one for one in report.summaries if one.features_exact), default=None, key=_exact)
    if best is None:
        return ()
    return (
        f"The input of the last layer came back for {best.features_exact} of {best.records} records "
        f"({best.attack.replace('_', ' ')}): whoever can invert the layers before it has the record.",
    )


def _targets(report: Report) -> tuple[str, ...]:
    best = max((one for one in report.summaries if one.targets_exact), default=None, key=_exact_targets)
    if best is None or _TOLD in report.knows:
        return ()
    by = f"({best.attack.replace('_', ' ')})"
    claims = sum(one.targets_chance is not None for one in report.summaries)
    if best.targets_chance is not None and best.targets_chance > LIMITS.chance / claims:
        return (
            f"Of the targets {best.targets_exact} of {best.targets_of} were named rightly {by}, as many as a "
            f"guess names with a chance of {best.targets_chance:.2g}: too likely to count as given away.",
        )
    return (f"The target came back exactly for {best.targets_exact} of {best.records} records {by}.",)


def _exact_targets(summary: object) -> int:
    return int(getattr(summary, "targets_exact", 0) or 0)


def _exact(summary: object) -> int:
    return int(getattr(summary, "features_exact", 0) or 0)


def _controls(report: Report) -> str:
    if not report.controls:
        return "This report has no controls of its own."
    run = [one for one in report.controls if one.is_run]
    said = f"Controls: {sum(one.is_passed for one in run)} of {len(run)} passed."
    left = "; ".join(f"{one.name} ({one.said})" for one in report.controls if not one.is_run)
    return f"{said} Not run: {left}." if left else said


def _longest(report: Report) -> str:
    """The attack that the overrun is owed to: one without a clock, or one that went beyond its share."""
    beyond: dict[tuple[str, bool], float] = {}
    for one in report.outcomes:
        name = (one.attack.replace("_", " "), one.given is not None)
        beyond[name] = beyond.get(name, 0.0) + one.seconds - (one.given or 0.0)
    if not beyond:
        return ""
    attack, is_timed = max(beyond, key=lambda name: beyond[name])
    seconds = f"{beyond[attack, is_timed]:.1f} seconds"
    if is_timed:
        return f" ({attack} went on {seconds} beyond its share)"
    return f" (no clock ends {attack}, which took {seconds})"
