"""What is promised of every implementation, each a function from an examination to what it found."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from nextlabel.testing.conformity import at_the_edge, by_definition, of_form
from nextlabel.testing.conformity.examination import Examination, Found

__all__ = ["PROMISES"]

PROMISES: Mapping[str, Callable[[Examination], Found]] = MappingProxyType(
    {
        "law": by_definition.law,
        "sequence": by_definition.sequence,
        "worth": by_definition.worth,
        "distinct": of_form.distinct,
        "duplicates": at_the_edge.duplicates,
        "exhaustion": at_the_edge.exhaustion,
        "ties": at_the_edge.ties,
        "seed": of_form.seed,
        "permutation": by_definition.permutation,
        "precision": of_form.precision,
        "zeros_and_ones": at_the_edge.zeros_and_ones,
        "memory": of_form.memory,
        "inputs": of_form.inputs,
        "refusals": of_form.refusals,
    }
)
"""Every promise by its name, in the order of the table; the first line of its docstring says it."""
