"""Which attacks were brought to bear: one that does not apply, or breaks off, tells nothing of a message."""

from collections import Counter

from nextlabel.leakage.attempts import BROKE_OFF
from nextlabel.leakage.report.report import Outcome, Report

__all__ = ["broken_words", "messages_tried", "untried_words"]


def messages_tried(report: Report) -> frozenset[int]:
    """The messages on whose records an attack was brought to bear; attacks on labels alone do not count.

    Parameters
    ----------
    report : Report
    """
    return frozenset(one.message for one in report.outcomes if _is_tried(one) and not one.is_of_labels)


def broken_words(report: Report) -> str:
    """The attacks that broke off with an error of their own, and on how many messages; empty where none did.

    Parameters
    ----------
    report : Report
    """
    broken = Counter(one.attack for one in report.outcomes if one.why == BROKE_OFF)
    messages = report.setting["messages"]
    of = f"{messages:,} message{'' if messages == 1 else 's'}"
    return ", ".join(f"{name.replace('_', ' ')} ({count} of {of})" for name, count in broken.items())


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


def _is_tried(one: Outcome) -> bool:
    return one.outcome != "refused" and one.why != BROKE_OFF
