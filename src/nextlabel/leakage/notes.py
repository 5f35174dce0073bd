"""What a reader of a report must know of it: of the audit, and of the messages, each thing once."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from nextlabel.leakage.attempts import BROKE_OFF, Attempt
from nextlabel.leakage.cases import LEAST_MESSAGES, LEAST_RECORDS, Case
from nextlabel.leakage.units import levels_of
from nextlabel.leakage.verdicts import LIMITS, is_same

__all__ = ["remarks_on", "said_once"]

_LOOSE: Final = 4.0  # widths of the data: of a wider range, decibels say little
_NUMBER: Final = re.compile(r"-?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")


def remarks_on(case: Case, attempts: Sequence[Attempt]) -> tuple[str, ...]:
    """What a reader of the report must know, a sentence each."""
    setting, records, messages = case.setting, case.positions.size, len(case.positions)
    said = []
    if records < LEAST_RECORDS:
        said.append(
            f"Few records: {records}, where {LEAST_RECORDS} are wanted. Intervals are as wide as they say."
        )
    if messages < LEAST_MESSAGES:
        said.append(
            f"Few messages: {messages}, where {LEAST_MESSAGES} are wanted, each attacked with randomness of "
            "its own. Records of one message are attacked together, so its interval may be too narrow."
        )
    elif setting.batch > 1:
        said.append(
            f"The {records} records came in {messages} messages. Records of one message are attacked "
            "together; the intervals treat them as independent and may be too narrow."
        )
    said += _measure(case)
    said += _texts(case)
    others = "the public items" if case.public is not None and len(case.public) else "your other records"
    said.append(
        f"The baseline is the better of the mean of {others} and the nearest of them, chosen with the truth "
        "at hand: what one could come up with without the message."
    )
    twins = sum(is_same(one.score) for batch in case.batches for one in batch.guesses)
    if twins:
        said.append(
            f"Of {twins} of {records} records another one is the same, or within 0.001 of it: a guess "
            "without the message is as good as the record, so nothing can be shown of these, whatever leaks."
        )
    said += _labels(case, attempts)
    broken = Counter(one.attack for one in attempts if one.why == BROKE_OFF)
    said += [
        f"The attack {name.replace('_', ' ')} broke off with an error on {count} of {messages} messages: a "
        "fault of the attack, or a model that it cannot search, so that its counts say nothing of these."
        for name, count in broken.items()
    ]
    alone = dict.fromkeys(one.attack.replace("_", " ") for one in attempts if "one_by_one" in one.details)
    if alone:
        said.append(
            "Torch cannot run this model at many points at once, so that the starts of "
            f"{' and '.join(alone)} went one after another: the same search, which gets less far in the "
            "same time."
        )
    if any(one.is_cut for one in attempts):
        said.append(
            "Attempts that the clock ended may end elsewhere in another run; their counts may differ."
        )
    return tuple(said)


def _measure(case: Case) -> list[str]:
    """What errors are measured in: of columns and uneven pixels their spread, else the range of values."""
    if case.is_text:
        return []
    if case.spreads is not None and not case.is_image:
        silent = int((case.spreads == 0).sum())
        left = f" {silent} of {case.spreads.size} columns are the same in all of them and left out."
        return [
            f"Each column is measured in its own unit, its spread over the {len(case.items)} records given; "
            "PSNR is of a range of √12 such units, that of an even distribution."
            f"{left if silent else ''}"
        ]
    levels = None if case.spreads is None else levels_of(case.spreads)
    if levels is not None:
        return [
            f"{int((levels < 1).sum())} of {levels.size} pixels are spread over four times as wide as is "
            "usual for them: these are scaled down to that, so that they do not stand for the others; PSNR "
            "is of a range of √12 of the usual spread, and structural similarity is left out. Where items "
            "are measurements, is_image=False measures each by itself."
        ]
    if not case.is_span_declared:
        return [
            f"No range of values was declared: PSNR uses the width of the data, {case.span:.4g}, which no "
            "attacker was told."
        ]
    width = float(np.ptp(case.items))
    if case.span <= _LOOSE * width:
        return []
    return [
        f"The declared range, {case.span:.4g} wide, is more than {_LOOSE:g} times the width of the data, "
        f"{width:.4g}: PSNR is of the range declared, so that {LIMITS.psnr:g} dB, an error of "
        f"{case.span * 10 ** (-LIMITS.psnr / 20):.4g}, shows little of a record here."
    ]


def _texts(case: Case) -> list[str]:
    """What is taken for padding though nothing states it; and targets that are the tokens themselves."""
    said = []
    filler = case.filler
    if filler.shown not in (None, filler.stated, filler.custom):
        token = filler.shown
        taken = (
            "the model states no padding: it is taken for what fills texts up, which is no word"
            if filler.stated is None
            else f"the model states token {filler.stated} for padding: what fills these texts up counts "
            "as words, which an attack need not bring back"
        )
        said.append(
            f"Token {token} ends {filler.texts} of {len(case.items)} texts and stands nowhere else, and "
            f"{taken}. State it, as padding_idx={token} of the embedding or as model.padding = {token}: an "
            "attacker who is told may read more."
        )
    if case.is_text and case.setting.loss == "language_model" and case.labels.shape == case.items.shape:
        asked = case.labels >= 0
        if asked.any() and (case.labels == case.items)[asked].all():
            said.append(
                "At every place that is asked for, the target is the token that stands there. Models of the "
                "transformers library move such labels by one place themselves; here targets are taken as "
                "they are: give at each place the token that comes next, else the message is one that no "
                "training on the next token sends."
            )
    return said


def _labels(case: Case, attempts: Sequence[Attempt]) -> list[str]:
    """What counts as a label, where that is not the class given."""
    if case.setting.share == "embedding":
        return [
            "Labels read from an embedding are the model's own guesses, not the true labels: LABEL ONLY "
            "speaks of these guesses."
        ]
    if case.setting.loss == "squared_error":
        return _targets(case, attempts)
    if case.setting.loss == "cross_entropy" and case.labels.dtype.kind == "f":
        return [
            "Labels given as probabilities are not scored: where none is said to have come back, that says "
            "nothing of them."
        ]
    return []


def _targets(case: Case, attempts: Sequence[Attempt]) -> list[str]:
    """What is scored of the targets of a regression."""
    if case.targets is None:
        return ["All targets are the same, so that there is nothing to score of them."]
    if not any(one.targets for one in attempts):
        single = (
            " Of a single record the last layer's weights and biases give its input by one division, and the "
            "model's output there with the bias's gradient gives the target."
            if case.setting.batch == 1
            else ""
        )
        return [
            "No attack gave back a target, so targets are not scored: NOT SHOWN says nothing of them."
            f"{single}"
        ]
    told = case.public_labels is not None and len(case.public_labels) > 0
    return [
        f"Targets are measured as the columns of a table, each in units of its spread over the "
        f"{len(case.targets.values)} records given; the guess that they must beat is the mean target of "
        f"{'the public items' if told else 'your other records'}. Of a batch they are matched with the "
        "records whatever items they came with."
    ]


def said_once(by_message: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The remarks on several messages: those that differ in numbers only are one, with how many they are.

    Parameters
    ----------
    by_message : sequence of sequence of str
        What is to be said of each message.

    Returns
    -------
    tuple of str
        In the order in which they first occur. What is said of every message in the same words and numbers
        stands as it is.

    Examples
    --------
    >>> said_once([["It sums to 0.5."], ["It sums to -2e-05."], []])
    ('It sums to 0.5. So, but for the numbers, of 2 of 3 messages.',)
    """
    alike: dict[str, list[str]] = {}
    for said in by_message:
        for words, one in {_NUMBER.sub("#", one): one for one in said}.items():
            alike.setdefault(words, []).append(one)
    made = []
    for same in alike.values():
        apart = ", but for the numbers," if len(set(same)) > 1 else ""
        is_of_all = len(same) == len(by_message) and not apart
        made.append(
            same[0] if is_of_all else f"{same[0]} So{apart} of {len(same)} of {len(by_message)} messages."
        )
    return tuple(made)
