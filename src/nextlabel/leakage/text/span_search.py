"""Sequences of tokens of which every input of every layer lies in the space that the message shows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, final

import numpy as np

from nextlabel.core.progress import report
from nextlabel.leakage.text.span_layers import SpanLayer
from nextlabel.leakage.text.token_places import Tokens, inputs_at
from nextlabel.maths.axes import Floats

__all__ = ["Search"]


_SWEEPS = 20  # of one start over all positions
_CHUNK = 1024  # sequences whose inputs of all layers are held at once


@final
@dataclass(eq=False)
class Search:
    """Candidates by position, then prefixes that grow to the right, or whole sentences.

    Parameters
    ----------
    model : torch.nn.Module
    layers : sequence of SpanLayer
        The first reads single tokens at positions, the others read contexts.
    length : int
        Of a sequence.
    has_positions : bool
        Whether the first layer tells positions apart.
    words : array of int64
        The tokens to try.
    evaluations : int
        How many sequences may be run through the model.
    deadline : float
        Of `time.monotonic`.
    can_be_shorter : bool
        Whether sentences may have fewer tokens, since the model ignores what fills them up.

    Notes
    -----
    Whatever the spaces let pass, no more than `evaluations` sequences are run, a thousand at a time, and the
    clock is read between them. Time O(evaluations) forward passes; memory O(evaluations · t · layers) for
    the scores, and a thousand times t times the features of all layers.
    """

    model: Any
    layers: Sequence[SpanLayer]
    length: int
    has_positions: bool
    words: Tokens
    evaluations: int
    deadline: float
    can_be_shorter: bool = False
    used: int = field(default=0, init=False)

    @property
    def is_cut(self) -> bool:
        """Whether the clock has ended."""
        return time.monotonic() > self.deadline

    @property
    def is_over(self) -> bool:
        """Whether the clock, or the number of sequences, has ended."""
        return self.used >= self.evaluations or self.is_cut

    def candidates(self) -> list[Tokens]:
        """The tokens that fit each position by themselves."""
        first = self.layers[0]
        found: list[list[int]] = [[] for _ in range(self.length)]
        alike = np.repeat(self.words[:, None], self.length, axis=1)
        of = alike.size
        for start in range(0, len(alike), 4096):
            (values,) = inputs_at(
                self.model, [first.place.module], alike[start : start + 4096], is_last=False
            )
            scores = first.space.scores(values.reshape(-1, values.shape[-1]), of)
            for row, position in np.argwhere(scores.reshape(values.shape[:2]) <= 1.0):
                found[position].append(int(self.words[start + row]))
        return [np.array(one, dtype=np.int64) for one in found]

    def grown(self, candidates: Sequence[Tokens]) -> tuple[list[tuple[int, ...]], bool]:
        """Sequences found by adding tokens to the right, as a causal model reads; and whether all were tried.

        A prefix that no token extends is a sequence that ends there.
        """
        prefixes: list[tuple[int, ...]] = [()]
        ended: list[tuple[int, ...]] = []
        most = max(one.space.rank for one in self.layers)
        for position, fitting in enumerate(candidates):
            report("growing sequences", position, self.length)
            if self.used + len(prefixes) * len(fitting) > self.evaluations or self.is_cut:
                return ended + prefixes, False
            tried = [(*prefix, int(token)) for prefix in prefixes for token in fitting]
            if position and not self.has_positions:
                # attention to copies of one token is attention to one: any number of them looks alike
                tried = [one for one in tried if len(set(one)) > 1]
            scores = self._scores(np.array(tried, dtype=np.int64), is_last=True) if tried else np.empty(0)
            if np.isinf(scores).any():  # the clock left some untried
                return ended + prefixes, False
            # no more contexts than directions: where noise lets more pass, the nearest are kept
            order = [int(one) for one in np.argsort(scores, kind="stable")[:most] if scores[one] <= 1.0]
            longer = sorted(tried[one] for one in order)
            extended = {one[:-1] for one in longer}
            ended += [one for one in prefixes if one and one not in extended]
            prefixes = longer
            if not prefixes:
                break
        return ended + prefixes, True

    def sentences(
        self,
        candidates: Sequence[Tokens],
        rng: np.random.Generator,
        is_done: Callable[[list[tuple[int, ...]]], bool],
    ) -> tuple[list[tuple[int, ...]], bool]:
        """Whole sequences, for a model that reads in both directions; and whether all were tried.

        All combinations are tried where there are few enough, and otherwise single tokens are changed from
        drawn starts, to the nearest, until the sequences found explain the message or the budget is spent.

        Parameters
        ----------
        candidates : sequence of arrays of int64
            By position.
        rng : numpy.random.Generator
            Draws the starts.
        is_done : callable
            Whether sequences explain the message.
        """
        lengths = self._lengths(candidates)
        if not lengths:
            return [], True
        sizes = np.array([float(len(one)) for one in candidates])
        count = float(sum(np.prod(sizes[:length]) for length in lengths))
        found: set[tuple[int, ...]] = set()
        if self.used + count <= self.evaluations:
            for length in lengths:
                tried = np.array(list(product(*candidates[:length])), dtype=np.int64)
                found |= {tuple(map(int, one)) for one in tried[self._scores(tried, is_last=False) <= 1.0]}
            return sorted(found), not self.is_cut
        ends = _ends(sizes, lengths)
        while not self.is_over:
            length = lengths[0] if len(lengths) == 1 else int(rng.choice(lengths, p=ends))
            sentence, score = self._descent(candidates[:length], rng)
            if score <= 1.0:
                found.add(tuple(map(int, sentence)))
                if is_done(sorted(found)):
                    return sorted(found), True
        return sorted(found), False

    def _lengths(self, candidates: Sequence[Tokens]) -> list[int]:
        """How many tokens a sentence can have."""
        empty = [position for position, one in enumerate(candidates) if len(one) == 0]
        reached = empty[0] if empty else self.length
        if self.can_be_shorter:
            return list(range(1, reached + 1))
        return [] if empty else [self.length]

    def _descent(self, candidates: Sequence[Tokens], rng: np.random.Generator) -> tuple[Tokens, float]:
        current = np.array([rng.choice(one) for one in candidates], dtype=np.int64)
        best = float("inf")
        for _ in range(_SWEEPS):
            before = best
            for position in rng.permutation(len(candidates)):
                tried = np.repeat(current[None], len(candidates[position]), axis=0)
                tried[:, position] = candidates[position]
                scores = self._totals(tried)
                nearest = int(scores.argmin())
                current, best = tried[nearest], float(scores[nearest])
                if self.is_over:
                    break
            if best >= before or self.is_over:
                break
        return current, float(self._scores(current[None], is_last=False)[0])

    def _scores(self, tokens: Tokens, *, is_last: bool) -> Floats:
        """The worst score over layers, and over positions unless only the last counts."""
        found = self._each(tokens, is_last=is_last)
        return np.asarray(found.reshape(len(tokens), -1).max(axis=1))

    def _totals(self, tokens: Tokens) -> Floats:
        """A sum over layers and positions that falls with every input that comes nearer to its space."""
        found = self._each(tokens, is_last=False)
        return np.asarray(np.log(found + 1e-3).reshape(len(tokens), -1).sum(axis=1))

    def _each(self, tokens: Tokens, *, is_last: bool) -> Floats:
        """Scores by sequence, layer and position; infinite for what the clock leaves untried."""
        self.used += len(tokens)
        modules = [one.place.module for one in self.layers]
        positions = 1 if is_last else tokens.shape[1]
        of = max(len(tokens) * positions, len(self.words))
        found = np.full((len(tokens), len(self.layers), positions), np.inf)
        for start in range(0, len(tokens), _CHUNK):
            if start and self.is_cut:
                break
            part = tokens[start : start + _CHUNK]
            shown = inputs_at(self.model, modules, part, is_last=is_last)
            for row, (one, values) in enumerate(zip(self.layers, shown, strict=True)):
                scores = one.space.scores(values.reshape(-1, values.shape[-1]), of)
                found[start : start + _CHUNK, row] = scores.reshape(len(part), positions)
        return found


def _ends(sizes: Floats, lengths: Sequence[int]) -> Floats:
    """How often a sentence of each length is looked for: more where fewer candidates are behind it."""
    fewer = np.maximum(-np.diff(np.append(sizes, 0.0)), 0.0)[np.array(lengths) - 1] + 0.1
    return np.asarray(fewer / fewer.sum())
