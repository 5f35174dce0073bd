"""Sentences as an optimiser moves them: embeddings and shares of targets, and the tokens nearest to them."""

import copy
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.text.paddings import padding_of
from nextlabel.leakage.text.span_layers import words_to_try
from nextlabel.leakage.text.token_places import Place, Tokens, inputs_at, reading
from nextlabel.maths.axes import Floats

__all__ = ["Candidates", "Given"]

_CHUNK = 512  # tokens of the vocabulary that are compared at a time


@final
class Given(nn.Module):
    """Stands for a table of tokens, and gives the embeddings that it is told, whatever the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.value: Tensor | None = None

    def forward(self, tokens: Tensor) -> Tensor:
        """The embeddings, axes (b, t, d)."""
        if self.value is None:
            message = f"no embeddings were given for tokens of shape {tuple(tokens.shape)}"
            raise RuntimeError(message)
        return self.value


@final
class Candidates:
    """Sentences that are moved.

    Parameters
    ----------
    knowledge : Knowledge
    disclosure : Disclosure
    table : str
        The name of the embedding of tokens.

    Attributes
    ----------
    model : torch.nn.Module
        A copy that reads the embeddings given instead of tokens.
    reduction : str
        With which the loss of targets is to be joined.

    Notes
    -----
    Where the labels of a language model are not known but the gradient of its last bias is, the tokens asked
    for are its negative entries, and only the positions at which they are asked for are moved.
    """

    def __init__(self, knowledge: Knowledge, disclosure: Disclosure, table: str) -> None:
        self._knowledge = knowledge
        (length,) = knowledge.item_shape
        self._shape = (disclosure.items, length)
        of_tokens = knowledge.model.get_submodule(table)
        self._words, self._width = of_tokens.weight.shape
        self._spread = float(of_tokens.weight.detach().std())
        read = reading(knowledge.model, length, self._words)
        self._first: Place | None = read.places[0] if read.places else None
        # what no layer reads by itself is told less well: of the words that were written to, if they are seen
        every = np.arange(self._words)
        self._tried = every if self._first else words_to_try(knowledge.model, table, disclosure)
        self._rows = of_tokens.weight.detach().cpu().double().numpy()
        self.model = copy.deepcopy(knowledge.model)
        self._given = Given()
        parent, _, own = table.rpartition(".")
        setattr(self.model.get_submodule(parent), own, self._given)
        is_spread = knowledge.labels is None and knowledge.loss == "language_model"
        self._asked = _asked(knowledge, disclosure, read.places[-1]) if is_spread and read.places else None
        self.reduction = "sum" if is_spread else knowledge.reduction
        # any token that is no padding will do: what is read is what is given; 0 may be padding without a word
        stated = padding_of(knowledge.model, table)
        dummy = next((one for one in (1, 2) if one != stated and one < self._words), 0)
        self._dummy = torch.full(self._shape, dummy)

    def drawn(self, rng: np.random.Generator) -> list[Tensor]:
        """Random embeddings, and random targets where the labels are not known."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        items, length = self._shape
        parts = [self._spread * torch.randn((items, length, self._width), generator=generator)]
        if self._knowledge.labels is None and self.reduction != "sum":
            parts.append(torch.randn((items, self._knowledge.classes), generator=generator))
        elif self._asked is not None:
            # a logit of each position for each token asked for, and how much it is asked for
            parts.append(0.1 * torch.randn((items * length, len(self._asked[0])), generator=generator))
            parts.append(self._asked[1].log())
        elif self._knowledge.labels is None:
            parts.append(torch.randn((items * length, self._knowledge.classes), generator=generator))
            parts.append(torch.zeros(items * length))
        return [part.requires_grad_() for part in parts]

    def inputs(self, parts: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Tokens that stand for the embeddings, which are given, and the targets."""
        self._given.value = parts[0]
        if self._knowledge.labels is not None:
            return self._dummy, torch.as_tensor(np.array(self._knowledge.labels))
        if len(parts) == 2:
            return self._dummy, parts[1].softmax(-1)
        return self._dummy, self._spread_targets(parts).reshape(*self._shape, -1)

    def labels(self, parts: list[Tensor]) -> Tensor:
        """The targets as labels: the most probable, where the share in the loss is not small."""
        if self._knowledge.labels is not None:
            return torch.as_tensor(np.array(self._knowledge.labels))
        if len(parts) == 2:
            return parts[1].argmax(-1)
        targets = self._spread_targets(parts)
        shares = targets.sum(1)
        found = targets.argmax(1)
        found[shares < shares.max() / 4.0] = -100
        return found.reshape(self._shape)

    def _spread_targets(self, parts: list[Tensor]) -> Tensor:
        """Shares in the loss by position and token, axes (b·t, v)."""
        if self._asked is None:
            total = 1.0 if self._knowledge.reduction == "mean" else float(np.prod(self._shape))
            return total * parts[1].softmax(1) * parts[2].softmax(0)[:, None]
        columns = parts[1].softmax(0) * parts[2].exp()
        empty = columns.new_zeros((len(columns), self._knowledge.classes))
        return empty.index_add(1, self._asked[0], columns)

    def tokens(self, parts: list[Tensor]) -> Tokens:
        """The tokens whose inputs to the first layer are nearest to those of the embeddings.

        Where no linear layer reads single tokens, those whose own embeddings are nearest.
        """
        found = self._read(self.model, self._dummy.numpy(), parts[0])
        length = self._shape[1]
        nearest = np.zeros(self._shape, dtype=np.int64)
        least = np.full(self._shape, np.inf)
        for start in range(0, len(self._tried), _CHUNK):
            words = self._tried[start : start + _CHUNK]
            rows = self._read(self._knowledge.model, np.repeat(words[:, None], length, axis=1))
            # axes b t v: |x|² - 2 x·r + |r|², without |x|², which is the same for every word
            apart = (rows**2).sum(2).T - 2.0 * np.einsum("btd,vtd->btv", found, rows)
            here = apart.min(axis=2)
            nearest = np.where(here < least, words[apart.argmin(axis=2)], nearest)
            least = np.minimum(here, least)
        return nearest

    def _read(self, model: nn.Module, tokens: Tokens, embeddings: Tensor | None = None) -> Floats:
        """What the first layer that reads single tokens is given, axes (b, t, d)."""
        if self._first is None:
            shown = self._rows[tokens] if embeddings is None else embeddings.detach().double().numpy()
            return np.asarray(shown)
        if embeddings is not None:
            self._given.value = embeddings.detach()
        return inputs_at(model, [self._first.module], tokens, is_last=False)[0]


def _asked(knowledge: Knowledge, disclosure: Disclosure, head: Place) -> tuple[Tensor, Tensor] | None:
    """The tokens asked for, once each time, and their shares in the loss, from the last bias."""
    bias = getattr(knowledge.model.get_submodule(head.module), "bias", None)
    names = [own for own, one in knowledge.model.named_parameters() if one is bias]
    if not names or names[0] not in disclosure.arrays:
        return None
    gradient = disclosure[names[0]].astype(np.float64)
    falls = np.maximum(-gradient, 0.0)
    tokens = np.flatnonzero(falls > 0.1 * falls.max())
    if not len(tokens):
        return None
    # a token asked for twice has twice the share
    times = np.maximum(np.rint(falls[tokens] / falls[tokens].min()), 1).astype(np.int64)
    shares = np.repeat(falls[tokens] / times, times)
    return torch.as_tensor(np.repeat(tokens, times)), torch.as_tensor(shares, dtype=torch.float32)
