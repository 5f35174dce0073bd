"""What is said of a record, and of all: which verdict, by which threshold, and what it does not mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol, final

import numpy as np

from nextlabel.errors import ParameterError
from nextlabel.leakage.scores import COLUMN, ItemScore
from nextlabel.maths.intervals import binomial_interval

__all__ = [
    "BOUNDED",
    "CLAIMED_WRONGLY",
    "DID_NOT_APPLY",
    "EXACT",
    "LABEL_ONLY",
    "LEFT_OPEN",
    "LIMITS",
    "MEANINGS",
    "NOT_IDENTIFIABLE",
    "NOT_SHOWN",
    "OPTIMISER_FAILED",
    "RECOGNISABLE",
    "VERDICTS",
    "Accountant",
    "Limits",
    "Share",
    "is_same",
    "item_verdict",
    "overall",
    "shares",
    "why_not",
    "worst",
    "would_show",
]

EXACT: Final = "EXACT"
RECOGNISABLE: Final = "RECOGNISABLE"
LABEL_ONLY: Final = "LABEL ONLY"
BOUNDED: Final = "BOUNDED"
NOT_SHOWN: Final = "NOT SHOWN"

NOT_IDENTIFIABLE: Final = "not identifiable"
"""Why nothing was shown: other records explain the message as well as the one it was made of."""

DID_NOT_APPLY: Final = "did not apply"
"""Why nothing was shown: the attack does not read such a message or model."""

LEFT_OPEN: Final = "left open by this attack"
"""Said instead where another attack brought back a record of that message."""

OPTIMISER_FAILED: Final = "optimiser failed"
"""Why nothing was shown: what the attack ended at does not explain the message."""

CLAIMED_WRONGLY: Final = "claimed, and wrong"
"""Why nothing was shown: the attack says that it explains the message, and it does not."""

VERDICTS: Final = (EXACT, RECOGNISABLE, LABEL_ONLY, BOUNDED, NOT_SHOWN)
"""From the worst to the least that was shown."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        EXACT: "The record came back as it was, a relative error below 0.001 (of a table, every column in "
        "its own unit) with no column or pixel beyond 0.01 of its unit, or every token, and no guess without "
        "the message is as good.",
        RECOGNISABLE: "What came back shows the record, or of a text which words it has, clearly better than "
        "a guess without the message.",
        LABEL_ONLY: "The label came back more often than a guess finds it (of a regression, the target, "
        "exactly); the record itself did not.",
        BOUNDED: "The attacks tried failed, and the noise bounds what any attack can do, as stated.",
        NOT_SHOWN: "The attacks tried failed; this is no proof of safety. Other attacks, more time or more "
        "knowledge may succeed.",
    }
)
"""What each verdict means, one sentence or two."""


@final
@dataclass(frozen=True)
class Limits:
    """The thresholds of the verdicts, written down before anything is attacked.

    Parameters
    ----------
    exact : float
        Relative error below which a record came back as it was; of columns, root mean square in their units.
    worst : float
        And the error of the worst column or pixel is at most this, in its unit.
    beyond_mean : float
        For that, the mean squared error is also at most this share of that of the mean of other items:
        where items hardly differ, a small relative error is no news.
    psnr, ssim, tokens, columns : float
        From where a record is recognisable: decibels, structural similarity, share of right tokens (or of
        its words, where these came back without their order), share of the columns that came back.
    near : float
        Or so many columns within `nextlabel.leakage.scores.NEAR` of their unit, with the margin of columns
        above the baseline: as many as errors of 20 dB spread evenly leave within it, whatever the others are.
    psnr_margin, ssim_margin, tokens_margin, columns_margin : float
        By so much it must exceed the baseline, to be clearly above it.
    least_columns : int
        And by so many columns: of few, one or two are hit by chance.
    few : float
        Decibels over the number of values of an item: the margin of PSNR is at least this, since of few
        values a guess lands near by chance. With 60 dB, where a guess lands as near as the nearest other
        record, it lands nearer by the margin once in a thousand times, whatever the number of values.
    residual : float
        The largest share of the message's length that may be left for an attack's claim to be one.
    chance : float
        Labels count as leaked where a guess by the prior is so often right with at most this probability,
        shared by the attacks that claim labels.
    """

    exact: float = 1e-3
    worst: float = COLUMN
    beyond_mean: float = 0.01
    psnr: float = 20.0
    psnr_margin: float = 3.0
    few: float = 60.0
    ssim: float = 0.6
    ssim_margin: float = 0.1
    tokens: float = 0.5
    tokens_margin: float = 0.2
    columns: float = 0.5
    near: float = 2 / 3
    columns_margin: float = 0.2
    least_columns: int = 3
    residual: float = 1e-3
    chance: float = 1e-3


LIMITS: Final = Limits()
"""The thresholds that reports use."""


class Accountant(Protocol):
    """What a privacy accountant says, where there is one."""

    @property
    def epsilon(self) -> float:
        """The ε of differential privacy, for all messages of the training together."""

    @property
    def delta(self) -> float:
        """Its δ."""

    @property
    def prior(self) -> float:
        """How probably a record is guessed without any message."""

    @property
    def chance(self) -> float:
        """How probably any attack whatever reconstructs a record, at most."""


@final
@dataclass(frozen=True)
class Share:
    """How many records have a verdict, with the exact 95 % interval of Clopper and Pearson."""

    verdict: str
    records: int
    of: int
    low: float
    high: float


def is_same(score: ItemScore, limits: Limits = LIMITS) -> bool:
    """Whether a score is that of the record itself, whoever else might have guessed it.

    Examples
    --------
    >>> is_same(ItemScore(tokens=1.0)), is_same(ItemScore(relative=0.5))
    (True, False)
    """
    if score.tokens is not None:
        return score.tokens == 1.0
    is_near = score.relative is not None and score.relative < limits.exact
    return is_near and (score.worst is None or score.worst <= limits.worst)


def item_verdict(
    score: ItemScore,
    baseline: ItemScore,
    mean_mse: float | None,
    limits: Limits = LIMITS,
    *,
    values: int | None = None,
) -> str:
    """What one recovered record amounts to.

    Parameters
    ----------
    score : ItemScore
        Of what was recovered.
    baseline : ItemScore
        The best that the mean of other items and the nearest other item give without the message.
    mean_mse : float, optional
        The mean squared error of the mean of other items; None for text.
    limits : Limits
    values : int, optional
        How many numbers an item has, columns without spread left out; None for so many that chance plays no
        part.

    Returns
    -------
    str
        ``EXACT``, ``RECOGNISABLE`` or ``NOT SHOWN``.

    Examples
    --------
    >>> near, guess = ItemScore(relative=1e-4, mse=1e-9, psnr=90.0), ItemScore(mse=0.1, psnr=10.0)
    >>> item_verdict(near, guess, mean_mse=0.1)
    'EXACT'
    """
    if score.tokens is not None:
        if score.tokens == 1.0 and baseline.tokens != 1.0:
            return EXACT
        least = max(limits.tokens, (baseline.tokens or 0.0) + limits.tokens_margin)
        return RECOGNISABLE if score.tokens >= least else NOT_SHOWN
    if score.words is not None:  # a set of words is no sentence, and never exact
        least = max(limits.tokens, (baseline.words or 0.0) + limits.tokens_margin)
        return RECOGNISABLE if score.words >= least else NOT_SHOWN
    if score.relative is None or score.mse is None or score.psnr is None:
        return NOT_SHOWN
    guessed = -np.inf if baseline.psnr is None else baseline.psnr
    # where another record is the same, both are infinite: nothing is better than that guess
    margin = max(limits.psnr_margin, limits.few / values if values else 0.0)
    is_beyond = guessed < np.inf and score.psnr >= guessed + margin
    is_news = mean_mse is None or score.mse <= limits.beyond_mean * mean_mse
    if is_same(score, limits) and is_news and is_beyond:
        return EXACT
    is_near = is_beyond and score.psnr >= limits.psnr
    if is_near or _looks_alike(score, baseline, limits) or _has_columns(score, baseline, limits, values):
        return RECOGNISABLE
    return NOT_SHOWN


def would_show(score: ItemScore | None, baseline: ItemScore, limits: Limits = LIMITS) -> bool:
    """Whether a score that is not shown would be that of an item of many values, which chance seldom hits.

    Parameters
    ----------
    score : ItemScore, optional
        Of what was recovered, where anything was.
    baseline : ItemScore
        Of the best guess without the message.
    limits : Limits

    Examples
    --------
    >>> would_show(ItemScore(psnr=30.0), ItemScore(psnr=20.0)), would_show(ItemScore(psnr=30.0), ItemScore())
    (True, True)
    """
    if score is None or score.psnr is None:
        return False
    guessed = -np.inf if baseline.psnr is None else baseline.psnr
    return score.psnr >= max(limits.psnr, guessed + limits.psnr_margin)


def worst(verdicts: Sequence[str]) -> str:
    """The verdict that says most was shown; ``NOT SHOWN`` of none.

    Examples
    --------
    >>> worst(["NOT SHOWN", "LABEL ONLY"])
    'LABEL ONLY'
    """
    return min(verdicts, key=VERDICTS.index, default=NOT_SHOWN)


def overall(verdicts: Sequence[str], accountant: Accountant | None = None) -> str:
    """The worst that happened to any record; ``BOUNDED`` where nothing did and an accountant bounds the rest.

    Parameters
    ----------
    verdicts : sequence of str
        One for each record.
    accountant : Accountant, optional

    Raises
    ------
    ParameterError
        An accountant whose bound is no probability below one, or whose ε is not finite: that bounds nothing.
    """
    found = worst(verdicts)
    if accountant is None:
        return found
    if not (np.isfinite(accountant.epsilon) and 0.0 <= accountant.chance < 1.0):
        message = (
            "A bound needs a finite epsilon and a chance of reconstruction from 0 to below 1; received "
            f"epsilon={accountant.epsilon!r} and chance={accountant.chance!r}. Add noise, or leave the "
            "accountant out: the report then says NOT SHOWN."
        )
        raise ParameterError(message)
    return BOUNDED if found == NOT_SHOWN else found


def shares(verdicts: Sequence[str]) -> tuple[Share, ...]:
    """How many records have each verdict, from the worst on; verdicts that none has are left out.

    Examples
    --------
    >>> [(one.verdict, one.records, round(one.low, 3)) for one in shares(["EXACT", "EXACT", "NOT SHOWN"])]
    [('EXACT', 2, 0.094), ('NOT SHOWN', 1, 0.008)]
    """
    made = []
    for verdict in VERDICTS:
        count = sum(one == verdict for one in verdicts)
        if count:
            interval = binomial_interval(count, len(verdicts))
            made.append(Share(verdict, count, len(verdicts), interval.low, interval.high))
    return tuple(made)


def _looks_alike(score: ItemScore, baseline: ItemScore, limits: Limits) -> bool:
    if score.ssim is None:
        return False
    alike = -1.0 if baseline.ssim is None else baseline.ssim
    return score.ssim >= max(limits.ssim, alike + limits.ssim_margin)


def _has_columns(score: ItemScore, baseline: ItemScore, limits: Limits, values: int | None) -> bool:
    """Whether so many columns came back that the record is known by them, whatever the others are."""
    margin = max(limits.columns_margin, limits.least_columns / values if values else 0.0)
    found = (score.columns, baseline.columns, limits.columns), (score.near, baseline.near, limits.near)
    return any(
        share is not None and share >= max(least, (guessed or 0.0) + margin)
        for share, guessed, least in found
    )


def why_not(outcome: str, residual: float | None, limits: Limits = LIMITS) -> str:
    """Why an attack that read a message did not show its records.

    Parameters
    ----------
    outcome : str
        As the attack says, one of `nextlabel.core.attack.OUTCOMES`.
    residual : float, optional
        The share of the message that it leaves unexplained, as it says.
    limits : Limits

    Returns
    -------
    str
        ``"did not apply"``, ``"not identifiable"`` where the attack found that different items explain the
        message, ``"claimed, and wrong"`` where it says that it recovered them and nothing it says speaks
        against that, else ``"optimiser failed"``.

    Notes
    -----
    A small residual alone does not say that a record cannot be identified: one layer may hold nearly all of
    a message's length, and tell little of the item. `nextlabel.leakage.witnesses` settles that.

    Examples
    --------
    >>> why_not("recovered", 1e-6), why_not("recovered", 0.4), why_not("unidentifiable", None)
    ('claimed, and wrong', 'optimiser failed', 'not identifiable')
    """
    if outcome == "refused":
        return DID_NOT_APPLY
    if outcome == "unidentifiable":
        return NOT_IDENTIFIABLE
    if outcome == "recovered" and (residual is None or residual <= limits.residual):
        return CLAIMED_WRONGLY
    return OPTIMISER_FAILED
