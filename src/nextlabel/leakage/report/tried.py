"""Which attacks were brought to bear: one that does not apply, or breaks off, tells nothing of a message."""

from collections import Counter

from nextlabel.leakage.attempts import BROKE_OFF
from nextlabel.leakage.report.report import Outcome, Report

__all__ = ["broken_off", "broken_words", "is_broken", "messages_tried", "untried_words"]


def messages_tried(report: Report) -> frozenset[int]:
    """The messages on whose records an attack was brought to bear; attacks on labels alone do not count.

    Parameters
    ----------
    report : Report
    """
    return frozenset(one.message for one in report.outcomes if _is_tried(one) and not one.is_of_labels)


def broken_off(report: Report) -> dict[str, int]:
    """On how many messages each attack broke off with an error of its own; of attacks that did.

    Parameters
    ----------
    report : Report
    """
    return dict(Counter(one.attack for one in report.outcomes if one.why == BROKE_OFF))


def broken_words(report: Report) -> str:
    """The same in words, names as they are spoken; empty where none did.

    Parameters
    ----------
    report : Report
    """
    messages = report.setting["messages"]
    of = f"{messages:,} message{'' if messages == 1 else 's'}"
    return ", ".join(
        f"{name.replace('_', ' ')} ({count} of {of})" for name, count in broken_off(report).items()
    )


def untried_words(report: Report, source: str) -> str:
    """That nothing is known of the records, as a sentence and a half.

    Parameters
    ----------
    report : Report
        In which no attack was brought to bear on any record.
    source : str
        What the messages are.
    """
    but = "but for attacks on labels alone, " if any(one.is_of_labels for one in report.outcomes) else ""
    broke = ", did not apply or broke off" if broken_words(report) else " or did not apply"
    return (
        f"{but}no attack was brought to bear on {source}: each was left out{broke}. This says nothing of "
        "what they give away."
    )


def is_broken(report: Report, attack: str) -> bool:
    """Whether all that an attack attempted broke off, so that its counts say nothing.

    Parameters
    ----------
    report : Report
    attack : str
    """
    whys = {one.why for one in report.outcomes if one.attack == attack}
    return whys == {BROKE_OFF}


def _is_tried(one: Outcome) -> bool:
    return one.outcome != "refused" and one.why != BROKE_OFF
