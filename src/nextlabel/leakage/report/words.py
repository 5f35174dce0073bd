"""What a report says of the words of texts that came back without their order."""

from nextlabel.leakage.report.report import Exhibit, Report, Summary

__all__ = ["is_words_only", "recovered_tokens", "words_said"]

_MOST = 20  # token ids of a text in a sentence or a table


def words_said(report: Report) -> tuple[str, ...]:
    """Which words came back, in one sentence; nothing where none did.

    Parameters
    ----------
    report : Report
    """
    best = max((one for one in report.summaries if one.words_right), default=None, key=_right)
    if best is None:
        return ()
    wrong = best.words_named - best.words_right
    named = next((one for one in report.exhibits if one.is_unordered and one.attack == best.attack), None)
    batch = report.setting["batch"]
    whose = "the message of record" if batch > 1 else "record"
    example = f" Of {whose} {named.position}, for example: {recovered_tokens(named)}." if named else ""
    order = "Their order and which of them are in one record" if batch > 1 else "Their order"
    return (
        f"Words: {best.words_right:,} of the {best.words_of:,} different words in the texts of "
        f"{best.messages:,} message{'' if best.messages == 1 else 's'} were named "
        f"({best.attack.replace('_', ' ')}), and {wrong:,} that are not there.{example} {order} this attack "
        "does not tell.",
    )


def is_words_only(report: Report, verdict: str) -> bool:
    """Whether all records with a verdict have it for their words, without the order.

    Parameters
    ----------
    report : Report
    verdict : str
    """
    scores = [one.score for one in report.standings if one.verdict == verdict]
    return bool(scores) and all(one is not None and one.words is not None for one in scores)


def recovered_tokens(one: Exhibit) -> str:
    """The token ids that came back; words without an order in braces.

    Parameters
    ----------
    one : Exhibit

    Examples
    --------
    >>> true, found = (9.0, 3.0, 7.0), (3.0, 7.0, 9.0)
    >>> recovered_tokens(Exhibit("best", 4, "RECOGNISABLE", "bag_of_words", (3,), true, found, True))
    '{3, 7, 9}'
    """
    kept = [str(int(token)) for token in one.recovered if token >= 0]
    more = len(kept) > _MOST
    if one.is_unordered:
        return f"{{{', '.join(kept[:_MOST])}{', …' if more else ''}}}"
    return " ".join(kept[:_MOST]) + (" …" if more else "")


def _right(one: Summary) -> tuple[int, int]:
    return one.words_right, -one.words_named
