"""Random: every item that is left is as likely as any other."""

from collections.abc import Sequence

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, uniform

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    return uniform(question.n, picked)


DEFINITION = Definition("random", frozenset(), weights=_weights)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 32.0 * sizes["n"] + 4e6
