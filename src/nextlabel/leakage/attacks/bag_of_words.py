"""Which words a message speaks of, in no order: the rows of the table of tokens that were written to."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from torch import nn

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.precisions import widened
from nextlabel.leakage.text.averaged_words import averaged_counts
from nextlabel.leakage.text.token_places import lookup_of, why_no_table
from nextlabel.leakage.text.word_rows import occurrences, without_decay, written_rows

__all__ = ["BagOfWords"]

_TABLES = (nn.Embedding, nn.EmbeddingBag)


@final
@dataclass(frozen=True)
class BagOfWords(Attack):
    """Names the words of a text: only the rows of the embedding that its tokens look up have a gradient.

    Of any model that embeds token ids, whatever reads the embeddings. The words of a batch come back as one
    set; which of them are of which text, and their order, do not.

    Notes
    -----
    Fails where the table is frozen, or is the output layer too, which writes to every row; where the
    vocabulary is so small, or the batch so large, that nearly all words occur; and where noise covers the
    rows. A token that the table holds for padding has no gradient and is not named, nor is one that the model
    puts beside every text. A model that changes token ids otherwise than by a constant is refused.

    Of a single text whose embeddings are averaged or added up the first linear layer tells the words,
    whatever the table shares: see `nextlabel.leakage.text.averaged_words`.

    Rows count that are not zero, with so many entries that pruning or rounding did not scatter them; where
    none is zero, those that stand out of noise, of all rows with less than 0.001 expected false ones; weight
    decay is taken off first. See `nextlabel.leakage.text.word_rows`. How often a word occurs follows where
    there are as many words as places, and where embeddings are averaged; it is in the details. A text of one
    token comes back as it was. Time O(v·d) for a vocabulary of v and d features.

    References
    ----------
    Melis, Song, De Cristofaro, Shmatikov. Exploiting unintended feature leakage in collaborative learning.
    IEEE Symposium on Security and Privacy 2019.

    Gupta, Huang, Zhong, Gao, Li, Chen. Recovering private text in federated learning of language models.
    NeurIPS 2022.

    Examples
    --------
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import full
    >>> model = nn.Sequential(nn.Embedding(50, 8), nn.Flatten(), nn.Linear(32, 3))
    >>> message = full(model, np.array([[3, 14, 15, 9]]), np.array([1]))
    >>> BagOfWords().recover(message, Knowledge(model, (4,), 3), np.random.default_rng(0)).words
    array([ 3,  9, 14, 15])
    """

    @property
    def reads(self) -> frozenset[str]:
        """Gradients, and updates: weights that no token looks up stay as they are."""
        return frozenset({"full", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        """Words; of texts of one token these are the items."""
        return frozenset({"items", "words"})

    @property
    def cost(self) -> str:
        """One pass over a layer's gradient."""
        return "closed_form"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The words of a batch, without their order."""
        found = self._of_rows(disclosure, knowledge)
        lookup = lookup_of(knowledge, _TABLES)
        if found.words is not None or lookup is None or lookup.shift or lookup.added:
            return found
        table: Any = knowledge.model.get_submodule(lookup.table)
        times = averaged_counts(widened(knowledge), disclosure, table.num_embeddings)
        if times is None:
            return found
        words = np.flatnonzero(times).astype(np.int64)
        return Recovery(
            "recovered",
            "what enters the first linear layer is the mean of what these words alone send into it",
            items=words[:, None] if knowledge.item_shape == (1,) else None,
            words=words,
            details={"times": times[words].tolist()},
        )

    def _of_rows(self, disclosure: Disclosure, knowledge: Knowledge) -> Recovery:
        """The words by the rows of the table that were written to."""
        if disclosure.kind not in self.reads:
            return Recovery("refused", "words are read from the full gradient, or from the update")
        lookup = lookup_of(knowledge, _TABLES)
        if lookup is None:
            return Recovery("refused", why_no_table(knowledge, _TABLES))
        name = f"{lookup.table}.weight"
        weight = knowledge.model.get_submodule(lookup.table).weight
        if name not in disclosure.arrays:
            return Recovery("refused", "the table of tokens is frozen, or its gradient is not shared")
        if _uses(knowledge.model, weight) > 1:
            return Recovery(
                "refused", "the table of tokens is the output layer too, which writes to all of its rows"
            )
        items = disclosure.items if knowledge.batch is None else knowledge.batch
        (length,) = knowledge.item_shape
        rows = without_decay(
            disclosure[name].astype(np.float64),
            weight.detach().cpu().double().numpy(),
            float(np.finfo(disclosure[name].dtype).eps),
        )
        found = written_rows(rows, items * length + len(lookup.added))
        own = found.words[~np.isin(found.words, lookup.added)]
        words = own[own >= lookup.shift] - lookup.shift
        if not len(words):
            only = "; all of them are of tokens that the model adds itself" if len(found.words) else ""
            return Recovery("failed", f"{found.said}{only}")
        is_told = found.is_clean and not lookup.added
        times = occurrences(rows[words + lookup.shift], items, length) if is_told else None
        return Recovery(
            "recovered",
            f"{found.said}{'; tokens that the model adds itself are left out' if lookup.added else ''}",
            items=words[:, None] if length == 1 else None,
            words=words,
            details={} if times is None else {"times": times.tolist()},
        )


def _uses(model: Any, weight: Any) -> int:
    """As how many parameters of the model a weight is used."""
    return sum(one is weight for _, one in model.named_parameters(remove_duplicate=False))
