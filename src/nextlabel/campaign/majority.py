"""The label of an item that several people have answered."""

from collections import Counter
from collections.abc import Sequence

from nextlabel.core.task import Label, Task

__all__ = ["majority"]


def majority(answers: Sequence[tuple[str, Label]], task: Task) -> Label | None:
    """What most annotators say; where as many say otherwise, the one told last decides.

    Parameters
    ----------
    answers : sequence of (annotator, label)
        The one told last at the end.
    task : Task

    Returns
    -------
    str, tuple of str or None
        None where there is no answer.

    Notes
    -----
    One class an item: the label that most give. Several: each class by itself, so that people who agree on a
    class are not split by others; the classes together may be a label that nobody gave. Time O(answers),
    of several classes times their number.

    Examples
    --------
    >>> from nextlabel import classes, multilabel
    >>> majority([("ann", "cat"), ("bob", "dog")], classes("cat", "dog"))
    'dog'
    >>> said = [("ann", ("cat", "dog")), ("bob", ("cat",)), ("eve", ("dog",))]
    >>> majority(said, multilabel("cat", "dog"))
    ('cat', 'dog')
    """
    if len(answers) < 2:
        return answers[0][1] if answers else None
    if not task.is_several:
        counts = Counter(label for _, label in answers)
        most = max(counts.values())
        return next(label for _, label in reversed(answers) if counts[label] == most)
    votes = Counter(name for _, label in answers for name in label)
    last = answers[-1][1]

    def applies(name: str) -> bool:
        ahead = 2 * votes[name] - len(answers)
        return ahead > 0 or (ahead == 0 and name in last)

    return tuple(name for name in task.classes if applies(name))
