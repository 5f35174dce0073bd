"""What trainings said of themselves: labels that a model gave itself, items generated, or why none were."""

import re
from collections.abc import Iterable

from nextlabel.experiment.study import Study
from nextlabel.figures.page import Table

__all__ = ["remarked", "together"]

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")


def together(remarks: Iterable[str]) -> dict[str, int]:
    """How often each remark was made; those that differ in numbers alone are one, with the span of each.

    Parameters
    ----------
    remarks : iterable of str

    Examples
    --------
    >>> together(["Trained on 12 labels of its own too.", "Trained on 7 labels of its own too."])
    {'Trained on 7 to 12 labels of its own too.': 2}
    """
    alike: dict[tuple[str, ...], list[list[str]]] = {}
    for one in remarks:
        alike.setdefault(tuple(_NUMBER.split(one)), []).append(_NUMBER.findall(one))
    said = {}
    for (first, *words), numbers in alike.items():
        spans = [_span(column) for column in zip(*numbers, strict=True)]
        text = first + "".join(span + word for span, word in zip(spans, words, strict=True))
        said[text] = len(numbers)
    return said


def remarked(one: Study) -> Table | None:
    """The remarks of a setting's trainings, by strategy; None where none made any.

    Parameters
    ----------
    one : Study
    """
    body = []
    for strategy in one.results.strategies:
        trainings = [training for run in one.results.of(strategy) for training in run.remarks]
        for text, many in together(remark for training in trainings for remark in training).items():
            body.append([strategy, text, f"{many} of {len(trainings)}"])
    if not body:
        return None
    return Table(
        caption="What the trainings said of themselves",
        header=["strategy", "said", "trainings"],
        rows=body,
        notes=[
            "The numbers span the trainings that said so, of all seeds and checkpoints; each by itself is in "
            "results.json."
        ],
    )


def _span(numbers: tuple[str, ...]) -> str:
    low, high = min(numbers, key=float), max(numbers, key=float)
    return low if float(low) == float(high) else f"{low} to {high}"
