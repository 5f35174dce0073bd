"""Text from a gradient without optimisation: which tokens lie in the span of a layer's inputs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.messages import as_gradient
from nextlabel.leakage.precisions import widened
from nextlabel.leakage.text.paddings import ignores_padding, padded, padding_of, stated_padding
from nextlabel.leakage.text.single_steps import READ, rounded_sizes, why_no_gradient
from nextlabel.leakage.text.span_layers import SpanLayer, bag_of_words, span_layers, trusted, words_to_try
from nextlabel.leakage.text.span_search import Search
from nextlabel.leakage.text.token_labels import Told
from nextlabel.leakage.text.token_places import Reading, Tokens, inputs_at, reading, table_of, why_no_table
from nextlabel.maths.axes import Floats
from nextlabel.maths.column_space import ColumnSpace, least_gap
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["SpanTest"]


_LARGEST = 1e300  # JSON knows no infinity
_UNKNOWN = -1
_SHOWN = 64  # singular values kept for a report


@final
@dataclass(frozen=True)
class SpanTest(Attack):
    """Recovers whole batches of text exactly while they have fewer tokens than the model has features.

    The gradient of a linear layer is a sum over tokens of what went into the layer times something else: its
    columns span what went in. Every token at every position is tried against the span of the first layer;
    then sequences grow token by token, each kept where what it sends into the later layers lies in theirs.

    Parameters
    ----------
    evaluations : int
        How many sequences may be run through the model; a recovery says how many were.
    seconds : float
        When to stop; the best so far is given then.

    Notes
    -----
    Fails where the message speaks of as many different tokens at positions as the model has features: then
    every token lies in the span, and the attack is refused with "rank exhausted". Copies of a sequence, and
    a sequence that is the beginning of another, are not told apart by spans; the last layer's gradient tells
    them for a classifier. Copies of one token at the beginning of a sequence count once where the model
    tells positions by rotation. The last token of a model that predicts the next one leaves no trace but as
    a target, and is read from the gradient of the last layer. An encoder is searched by whole sentences,
    which ends for a few of them only.

    Texts of unequal lengths come back with the token that fills them up at their ends, where the model states
    one: see `nextlabel.leakage.text.paddings.padding_of`. An encoder may look at it, or be told by a mask of
    its own to leave it out; texts filled up at their beginnings are found of models that look at it.

    The threshold comes from the spectrum (see `nextlabel.maths.column_space`): no constant is tuned to a
    batch. Time O(v·t·d) for a vocabulary of v at t positions, O(d³) for the spectra, and a forward pass of
    each candidate behind each sequence, at each position: a second for 16 sequences of 7 tokens.

    Departs from the published code in the tolerance, in using queries, keys and values, attention outputs
    and feed-forward layers together, and in leaving out layers that saw only some of the tokens.

    References
    ----------
    Petrov, Dimitrov, Baader, Müller, Vechev. DAGER: exact gradient inversion for large language models.
    NeurIPS 2024.

    Examples
    --------
    >>> from nextlabel.leakage.text.language_models import tiny_decoder
    >>> from nextlabel.leakage.messages import full
    >>> model = tiny_decoder(50, width=32, classes=2)
    >>> message = full(model, np.array([[3, 14, 15, 9]]), np.array([1]))
    >>> knowledge = Knowledge(model, item_shape=(4,), classes=2)
    >>> SpanTest().recover(message, knowledge, np.random.default_rng(0)).items
    array([[ 3, 14, 15,  9]])
    """

    evaluations: int = 200_000
    seconds: float = float("inf")

    def __post_init__(self) -> None:
        seconds = checked_number(
            self.seconds, "seconds", above=0, is_finite=False, of="SpanTest", advice="Give seconds, or inf."
        )
        evaluations = checked_whole(self.evaluations, "evaluations", least=1, of="SpanTest")
        settle(self, {"seconds": seconds, "evaluations": evaluations})

    @property
    def reads(self) -> frozenset[str]:
        """The full gradient, and updates of one step at a known rate."""
        return READ

    @property
    def recovers(self) -> frozenset[str]:
        """Sequences of tokens, and their classes."""
        return frozenset({"items", "labels"})

    @property
    def cost(self) -> str:
        """A test of every token at every position."""
        return "solving"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The sequences of a batch, filled up with the model's padding, or with -1 where it has none."""
        refusal = why_no_gradient(disclosure, knowledge)
        if refusal:
            return Recovery("refused", refusal)
        table = table_of(knowledge)
        if table is None:
            return Recovery("refused", why_no_table(knowledge))
        if not any(array.any() for array in disclosure.arrays.values()):
            return Recovery("refused", "the gradient is zero: it says nothing")
        started = time.monotonic()
        rounded = rounded_sizes(disclosure, knowledge)
        gradient, deadline = as_gradient(disclosure, knowledge), started + self.seconds
        return _Attempt(self, gradient, rounded, widened(knowledge), rng, table, deadline).recovery()


@final
@dataclass(eq=False)
class _Attempt:
    attack: SpanTest
    disclosure: Disclosure
    rounded: Mapping[str, float]
    knowledge: Knowledge
    rng: np.random.Generator
    table: str
    deadline: float

    @property
    def items(self) -> int:
        """How many sequences the message speaks of."""
        return self.disclosure.items if self.knowledge.batch is None else self.knowledge.batch

    def recovery(self) -> Recovery:
        model, (length,) = self.knowledge.model, self.knowledge.item_shape
        self.words: int = model.get_submodule(self.table).num_embeddings
        read = reading(model, length, self.words)
        layers = span_layers(model, read, self.disclosure, length, self.words, self.rng, self.rounded)
        if len(layers) < 2 or layers[0].place.is_mixed:
            return Recovery(
                "refused",
                "no linear layer reads single tokens, or the gradient of its weight is not shared (what "
                "torch's own MultiheadAttention reads is not tried)",
            )
        first = layers[0].space
        bag = bag_of_words(self.table, self.disclosure)
        details: dict[str, Any] = {
            "singular_values": first.values[:_SHOWN].tolist(),
            "rank": first.rank,
            "width": first.size,
            "gap": min(first.gap, _LARGEST),
        }
        if bag is not None:
            details["words"] = bag.tolist()
        if first.rank == 0:
            return Recovery("refused", "the gradient of the first layer is noise only", details=details)
        # fewer tokens than directions cannot fill them: the rest is then noise, whatever its gap
        could_fill = self.items * length >= first.size
        if first.is_exhausted or (could_fill and not first.has_gap):
            return Recovery("refused", _exhausted(first), details=details)
        return self._searched(read, layers, details)

    def _searched(self, read: Reading, layers: Sequence[SpanLayer], details: dict[str, Any]) -> Recovery:
        model, (length,) = self.knowledge.model, self.knowledge.item_shape
        kept = trusted(layers)
        padding = padding_of(model, self.table)
        search = Search(
            model,
            kept,
            length,
            read.has_positions,
            words_to_try(model, self.table, self.disclosure),
            self.attack.evaluations,
            self.deadline,
            can_be_shorter=padding is not None
            and not read.is_causal
            and ignores_padding(model, read, length, self.words, padding),
        )
        fitting = search.candidates()
        details |= {
            "candidates": [len(one) for one in fitting],
            "layers": {one.place.module: one.space.rank for one in kept},
        }
        if read.is_causal:
            sequences, is_whole = search.grown(fitting)
        else:
            sequences, is_whole = search.sentences(
                fitting, self.rng, lambda found: self._unexplained(kept, found) <= 1.0
            )
        told = Told.of(self.knowledge, self.disclosure, read, sequences, padding)
        left = self._unexplained(kept, told.sequences)
        more = len(told.items) - self.items
        return Recovery(
            "recovered" if is_whole and left <= 1.0 and more <= 0 else "failed",
            _reason(left, is_whole, search.is_cut, len(kept), more),
            items=self._items(told, read) if told.items else None,
            labels=told.labels,
            residual=told.residual,
            evaluations=search.used,
            is_cut=search.is_cut and not is_whole,
            details=details | {"unexplained": float(min(left, _LARGEST))},
        )

    def _items(self, told: Told, read: Reading) -> Tokens:
        """Sequences as items; -1 stands for tokens that are not known."""
        (length,) = self.knowledge.item_shape
        items = told.items
        if read.is_causal and self.knowledge.loss == "language_model":
            # the last token of a text goes into no layer: unless its target told it, it is not known
            seen = set(told.sequences)
            items = [(*one, _UNKNOWN)[:length] if one in seen else one for one in items]
        filler = stated_padding(self.knowledge.model, self.table)  # what is so by custom alone may be another
        return padded(items, length, _UNKNOWN if filler is None else filler)

    def _unexplained(self, layers: Sequence[SpanLayer], sequences: Sequence[tuple[int, ...]]) -> float:
        """What the sequences leave of the layers' spaces, in the worst, as a share of what noise explains."""
        if not sequences:
            return float("inf")
        modules = [one.place.module for one in layers]
        seen: list[list[Floats]] = [[] for _ in layers]
        for length in sorted({len(one) for one in sequences}):
            alike = np.array([one for one in sequences if len(one) == length], dtype=np.int64)
            for part, values in zip(
                seen, inputs_at(self.knowledge.model, modules, alike, is_last=False), strict=True
            ):
                part.append(values.reshape(-1, values.shape[-1]))
        return max(
            one.space.unexplained(np.concatenate(part)) for one, part in zip(layers, seen, strict=True)
        )


def _exhausted(first: ColumnSpace) -> str:
    if first.is_exhausted:
        return (
            f"rank exhausted: what went into the first layer fills all {first.size} directions that "
            "tokens can take, by its tokens or by noise, so that every token lies in it"
        )
    return (
        f"rank exhausted, as far as can be told: there are tokens enough to fill all {first.size} "
        f"directions, and after {first.rank} the singular values fall by {first.gap:.3g}, no more than by "
        f"chance ({least_gap(first.size - first.rank):.3g}): there is no gap in the spectrum"
    )


def _reason(left: float, is_whole: bool, is_cut: bool, layers: int, more: int) -> str:
    if is_whole and left <= 1.0 and more > 0:
        return (
            f"{more:,} more sequences lie in the spaces of the layers than the message speaks of, and these "
            "do not tell which of them it has"
        )
    if is_whole and left <= 1.0:
        alone = "; no later layer shows all tokens, so their order is not certain" if layers == 1 else ""
        return f"the sequences account for all that the layers' gradients span{alone}"
    if not is_whole:
        spent = "the time" if is_cut else "the number of sequences that may be run"
        return f"the search was ended by {spent} before all candidates were tried"
    return "the sequences found leave a part of the gradients unexplained: some are missing or wrong"
