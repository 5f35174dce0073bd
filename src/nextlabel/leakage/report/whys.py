"""Why attacks showed nothing, and why records did not come back: lines of the page."""

from collections import Counter
from collections.abc import Sequence

from nextlabel.leakage.report.report import Report
from nextlabel.leakage.report.wording import count

__all__ = ["why_of_attack", "whys_of_records"]

_MOST_WHYS, _MOST_NAMED = 6, 10  # reasons why records did not come back, and records named with each


def why_of_attack(report: Report, attack: str) -> str:
    """Why an attack showed nothing, with counts, and in its own words; empty where it showed all.

    Parameters
    ----------
    report : Report
    attack : str
    """
    own = [one for one in report.outcomes if one.attack == attack]
    counts = Counter(one.why for one in own if one.why)
    if not counts:
        return ""
    found = ", ".join(f"{why} ({count} of {len(own)} messages)" for why, count in counts.most_common())
    reasons = dict.fromkeys(one.reason for one in own if one.why and one.reason)
    said = f" In its words: {next(iter(reasons)).rstrip('.')}." if reasons else ""
    return f"{_spaced(attack)}: {found}.{said}"


def whys_of_records(report: Report) -> list[str]:
    """Why records did not come back, and which: what most of them have in common first.

    Parameters
    ----------
    report : Report
    """
    found: dict[str, list[int]] = {}
    for one in report.standings:
        if one.why:
            found.setdefault(one.why, []).append(one.position)
    ranked = sorted(found.items(), key=lambda pair: -len(pair[1]))
    said = [f"Why not {_those(records)}: {_spaced(why)}." for why, records in ranked[:_MOST_WHYS]]
    left = sum(len(records) for _, records in ranked[_MOST_WHYS:])
    return [*said, f"Why not {count(left, 'more record')}: in report.json."] if left else said


def _those(records: Sequence[int]) -> str:
    named, left = ", ".join(map(str, records[:_MOST_NAMED])), len(records) - _MOST_NAMED
    if len(records) == 1:
        return f"record {named}"
    return f"records {named}" if left <= 0 else f"records {named} and {left} more"


def _spaced(name: str) -> str:
    return name.replace("_", " ")
