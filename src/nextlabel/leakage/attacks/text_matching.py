"""Deep leakage from gradients for text: embeddings are moved until their gradient is the one shared."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from torch import Tensor

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.progress import report
from nextlabel.leakage.gradients import MessageGradient, relative_distance, tensors_of
from nextlabel.leakage.matching.second_order import differentiating_twice
from nextlabel.leakage.messages import as_gradient
from nextlabel.leakage.precisions import widened
from nextlabel.leakage.text.single_steps import READ, rounded_sizes, why_no_gradient
from nextlabel.leakage.text.text_candidates import Candidates
from nextlabel.leakage.text.token_places import Tokens, table_of, why_no_table
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["TextMatching", "sentences"]

_INNER = 20  # gradients of one iteration, as the published program has it
_SHOWN = 10  # iterations between two sentences
_SILENT = 1e-6  # of the largest array: rounding only
_SOLVED = 1e-9  # squared share of an array: what float32 leaves
_COVERED = 20.0  # times what rounding adds: arrays no larger tell too little
_ROUNDED = 2.0  # times what rounding adds: it may be left of an array
_EXPLAINED = 1e-3  # share of an array that the right sentences leave at most


@final
@dataclass(frozen=True)
class TextMatching(Attack):
    """Recovers sentences by moving their embeddings until the gradient is the one shared.

    Parameters
    ----------
    iterations : int
        Of the optimiser, each of at most 20 gradients.
    restarts : int
        Starts; the one whose sentences leave the least of the message is kept.
    seconds : float
        When to stop; the best so far is given then.

    Notes
    -----
    Fails where the activations are not smooth, where the tables of tokens and positions are so large that
    neighbours are closer than the optimiser's error, and on messages with noise; batches of several sentences
    come back in any order or not at all.

    The embeddings of all positions, and unless the labels are known a distribution over the vocabulary and a
    share in the loss at each position, are moved by L-BFGS; the distance is divided by the squared length of
    the message. The gradient of the table of tokens is no function of embeddings and is left out. A token is
    the one whose input to the first layer is nearest to that of the embedding found, since a normalisation
    behind the table hides the embedding's own length. Of an update of one step, arrays are left out that the
    rounding of the weights nearly covers. Lengths are taken to be known. Sentences at iterations
    0, 10, 20, ... are in the details.

    Time O(iterations·restarts) gradients of gradients, 20 an iteration, and O(v·t·d) for each sentence
    shown, for a vocabulary of v and t positions.

    References
    ----------
    Zhu, Liu, Han. Deep leakage from gradients. NeurIPS 2019. Section 4.2.

    Examples
    --------
    >>> from nextlabel.leakage.text.language_models import tiny_encoder
    >>> from nextlabel.leakage.messages import full
    >>> _ = torch.manual_seed(0)
    >>> model, sentence = tiny_encoder(30, width=16, heads=2), np.array([[7, 21, 4]])
    >>> labels = np.array([[-100, 12, -100]])
    >>> message = full(model, sentence, labels, loss="language_model")
    >>> knowledge = Knowledge(model, (3,), 30, loss="language_model", labels=labels)
    >>> TextMatching(iterations=5, restarts=1).recover(message, knowledge, np.random.default_rng(0)).items
    array([[ 7, 21,  4]])
    """

    iterations: int = 60
    restarts: int = 2
    seconds: float = float("inf")

    def __post_init__(self) -> None:
        whole = {
            name: checked_whole(getattr(self, name), name, least=1, of="TextMatching")
            for name in ("iterations", "restarts")
        }
        seconds = checked_number(
            self.seconds,
            "seconds",
            above=0,
            is_finite=False,
            of="TextMatching",
            advice="Give seconds, or inf.",
        )
        settle(self, whole | {"seconds": seconds})

    @property
    def reads(self) -> frozenset[str]:
        """The full gradient, and updates of one step at a known rate."""
        return READ

    @property
    def recovers(self) -> frozenset[str]:
        """Sentences."""
        return frozenset({"items"})

    @property
    def cost(self) -> str:
        """Whole items are moved."""
        return "optimisation"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The sentences of a batch."""
        with differentiating_twice(knowledge.model):
            return self._recovered(disclosure, widened(knowledge), rng)

    def _recovered(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        refusal = why_no_gradient(disclosure, knowledge)
        if refusal:
            return Recovery("refused", refusal)
        table = table_of(knowledge)
        if table is None:
            return Recovery("refused", why_no_table(knowledge))
        rounded = rounded_sizes(disclosure, knowledge)
        disclosure = as_gradient(disclosure, knowledge)
        sizes = {
            name: float(np.sqrt((one.astype(np.float64) ** 2).mean()))
            for name, one in disclosure.arrays.items()
            if name != f"{table}.weight"
        }
        # what attention adds to all keys changes nothing: the gradient of that bias is rounding
        largest = max(sizes.values(), default=0.0)
        told = {
            name: size
            for name, size in sizes.items()
            if size > max(_SILENT * largest, _COVERED * rounded[name])
        }
        if not told:
            said = "zero" if largest == 0.0 else "rounding only"
            return Recovery("refused", f"the gradient is {said}: it says nothing")
        shares = {name: rounded[name] / size for name, size in told.items()}
        run = _Run(self, disclosure, knowledge, table, told, shares, time.monotonic() + self.seconds)
        ends: list[_End] = []
        for start in range(self.restarts):
            ends.append(run.start(start, rng))
            if ends[-1].residual <= _EXPLAINED or run.is_cut:
                break
        return run.recovery(ends)


@final
@dataclass(eq=False)
class _End:
    """Where a start ended."""

    tokens: Tokens
    residual: float
    loss: float
    sentences: dict[int, list[list[int]]] = field(default_factory=dict)
    trace: list[tuple[int, float]] = field(default_factory=list)


@final
class _Run:
    def __init__(
        self,
        attack: TextMatching,
        disclosure: Disclosure,
        knowledge: Knowledge,
        table: str,
        sizes: Mapping[str, float],
        rounded: Mapping[str, float],
        deadline: float,
    ) -> None:
        self.attack, self.disclosure, self.knowledge = attack, disclosure, knowledge
        self.deadline = deadline
        self.evaluations = 0
        self.candidates = Candidates(knowledge, disclosure, table)
        sent = tensors_of(disclosure)
        self._sent = {name: sent[name] / size for name, size in sizes.items()}
        self._sizes, self._rounded = sizes, rounded
        self._gradient = MessageGradient(
            self.candidates.model, knowledge.loss, self.candidates.reduction, list(sizes)
        )

    @property
    def is_cut(self) -> bool:
        return time.monotonic() > self.deadline

    def start(self, number: int, rng: np.random.Generator) -> _End:
        """One start, from drawn embeddings to sentences."""
        parts = self.candidates.drawn(rng)
        optimiser = torch.optim.LBFGS(
            parts,
            lr=1.0,
            max_iter=_INNER,
            max_eval=_INNER + 5,
            history_size=100,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )
        best = _End(np.zeros((0, 0), dtype=np.int64), float("inf"), float("inf"))
        kept = [one.detach().clone() for one in parts]
        for iteration in range(self.attack.iterations + 1):
            is_last = iteration == self.attack.iterations or best.loss <= _SOLVED or self.is_cut
            best.tokens = self.candidates.tokens(kept)
            best.residual = self._residual(best.tokens, kept)
            is_last = is_last or best.residual <= _EXPLAINED
            if iteration % _SHOWN == 0 or is_last:
                best.sentences[iteration] = self._shown(number, iteration, best.tokens)
            if is_last:
                break
            optimiser.step(lambda: self._closure(parts, optimiser))  # type: ignore[no-untyped-call]
            with torch.no_grad():
                loss = float(self._distance(parts))
            if not np.isfinite(loss):
                break  # what was found last is kept
            if loss < best.loss:
                best.loss, kept = loss, [one.detach().clone() for one in parts]
            best.trace.append((iteration + 1, best.loss**0.5))
        return best

    def recovery(self, ends: Sequence[_End]) -> Recovery:
        """The start that leaves the least of the message."""
        best = min(ends, key=lambda one: one.residual)
        is_found = best.residual <= _EXPLAINED
        least = min(one.loss for one in ends) ** 0.5
        reason = (
            "the sentences' own gradient is the message"
            if is_found
            else "the model makes no finite gradient of the sentences found"
            if np.isinf(best.residual)
            else f"the optimiser ended at {least:.1e} of the message, and its sentences leave "
            f"{best.residual:.1e} of it"
        )
        return Recovery(
            "recovered" if is_found else "failed",
            reason,
            items=best.tokens,
            residual=best.residual,
            evaluations=self.evaluations,
            is_cut=self.is_cut and not is_found,
            trace=tuple(best.trace),
            details={
                "sentences": {str(iteration): one for iteration, one in best.sentences.items()},
                "residuals": [one.residual for one in ends],
            },
        )

    def _closure(self, parts: list[Tensor], optimiser: torch.optim.Optimizer) -> Tensor:
        optimiser.zero_grad()
        loss = self._distance(parts)
        for part, slope in zip(parts, torch.autograd.grad(loss, parts), strict=True):
            part.grad = slope.contiguous()  # behind a transposition it is not
        return loss

    def _distance(self, parts: list[Tensor]) -> Tensor:
        self.evaluations += 1
        found = self._gradient(*self.candidates.inputs(parts))
        apart = [((found[name] / self._sizes[name] - one) ** 2).mean() for name, one in self._sent.items()]
        return torch.stack(apart).mean()

    def _shown(self, start: int, iteration: int, tokens: Tokens) -> list[list[int]]:
        rows: list[list[int]] = tokens.tolist()
        written = " / ".join(" ".join(map(str, row)) for row in rows)
        report(f"start {start}, iteration {iteration}: {written}", iteration, self.attack.iterations)
        return rows

    def _residual(self, tokens: Tokens, parts: list[Tensor]) -> float:
        """What the message of the sentences themselves leaves of the array that it explains worst.

        What rounding may leave of an array, as a share of it, is taken off. Infinite where the gradient of
        the sentences is not finite, or the model takes no such sentences, as some take none of padding alone.
        """
        gradient = MessageGradient.known(self.knowledge, self.disclosure)
        try:
            found = gradient(torch.as_tensor(tokens), self.candidates.labels(parts))
        except (RuntimeError, ValueError, IndexError):
            return np.inf
        sent = tensors_of(self.disclosure)
        left = [
            relative_distance(found, {name: sent[name]}) - _ROUNDED * share
            for name, share in self._rounded.items()
        ]
        return max(0.0, *left) if np.isfinite(left).all() else np.inf


def sentences(items: Tokens, vocabulary: Mapping[int, str]) -> list[str]:
    """Sequences of token ids in words.

    Parameters
    ----------
    items : array of int64, axes (r, t)
        As `Recovery.items` has them: -1 is left out.
    vocabulary : mapping of int to str
        The piece of each token; one that begins with ``##`` continues a word. A token that it lacks is
        written as its number in brackets.

    Examples
    --------
    >>> sentences(np.array([[2, 5, 9, -1]]), {2: "a", 5: "walk", 9: "##ing"})
    ['a walking']
    """
    rows = []
    for item in items:
        pieces = [vocabulary.get(int(one), f"[{int(one)}]") for one in item if one >= 0]
        rows.append(" ".join(pieces).replace(" ##", ""))
    return rows
