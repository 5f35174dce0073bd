"""Records that came back as one of several answers: how often is partly chance."""

from nextlabel.leakage.report.report import Report

__all__ = ["several_words"]


def several_words(report: Report, verdict: str) -> str:
    """Of how many records with a verdict only one of several answers was given, and by which attacks.

    Parameters
    ----------
    report : Report
    verdict : str
        Of `nextlabel.leakage.verdicts.VERDICTS`: one of those that say that a record came back.

    Returns
    -------
    str
        Empty where each of them was brought back, at least once, by an attack that knows of no other answer.
    """
    places: dict[int, int] = {}
    names: set[str] = set()
    came = several = 0
    for one in report.standings:
        place = places[one.message] = places.get(one.message, -1) + 1
        if one.verdict != verdict:
            continue
        own = [
            outcome
            for outcome in report.outcomes
            if outcome.message == one.message and outcome.verdicts[place : place + 1] == (verdict,)
        ]
        came += 1
        if own and all(outcome.outcome == "unidentifiable" for outcome in own):
            several += 1
            names |= {outcome.attack.replace("_", " ") for outcome in own}
    if not several:
        return ""
    those = "them" if several == came else f"{several} of them"
    say = f"{' and '.join(sorted(names))} {'says' if len(names) == 1 else 'say'}"
    return (
        f"For {those} several answers explain the message equally well, as {say}, and the one given was the "
        "record: how often is partly chance. "
    )
