"""Messages of tiny language models on which attacks on text are tried; transformers is loaded when asked."""

from typing import Any, final

import numpy as np
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve

__all__ = ["asked_text", "averaged_text", "crowded_text", "every_word", "foreign_text", "short_text"]


def short_text() -> tuple[Disclosure, Knowledge]:
    """The gradient of two sequences of four tokens, of which spans tell every one.

    Examples
    --------
    >>> message, knowledge = short_text()
    >>> message.items, knowledge.item_shape
    (2, (4,))
    """
    return _classified(np.array([[3, 14, 15, 9], [26, 5, 35, 8]]), width=24)


def crowded_text() -> tuple[Disclosure, Knowledge]:
    """The gradient of as many tokens as there are features: every token lies in the span.

    Examples
    --------
    >>> crowded_text()[0].items
    10
    """
    return _classified(np.random.default_rng(0).integers(40, size=(10, 4)), width=16)


def asked_text() -> tuple[Disclosure, Knowledge]:
    """The gradient of a sentence of three tokens, one of them masked, with the labels known.

    Examples
    --------
    >>> asked_text()[1].labels.tolist()
    [[-100, 12, -100]]
    """
    return _masked(seed=0)


def foreign_text() -> tuple[Disclosure, Knowledge]:
    """The same of another model than the attacker knows.

    Examples
    --------
    >>> foreign_text()[0].items
    1
    """
    return _masked(seed=1)[0], _masked(seed=0)[1]


def _masked(seed: int) -> tuple[Disclosure, Knowledge]:
    from nextlabel.leakage.text.language_models import tiny_encoder  # needs the extra 'leakage'

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: Any = tiny_encoder(30, width=16, heads=2, blocks=1, positions=8)
    tokens, labels = np.array([[7, 21, 4]]), np.array([[-100, 12, -100]])
    disclosure = resolve("message", "full")(model, tokens, labels, loss="language_model")
    return disclosure, Knowledge(model, (3,), 30, loss="language_model", batch=1, labels=labels)


def _classified(tokens: Array, width: int) -> tuple[Disclosure, Knowledge]:
    from nextlabel.leakage.text.language_models import tiny_decoder  # needs the extra 'leakage'

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = tiny_decoder(40, width=width, heads=2, classes=3, positions=8)
    labels = np.arange(len(tokens)) % 3
    disclosure = resolve("message", "full")(model, tokens, labels)
    return disclosure, Knowledge(model, tokens.shape[1:], 3, batch=len(tokens))


def averaged_text() -> tuple[Disclosure, Knowledge]:
    """The gradient of two sequences whose embeddings are averaged before any layer reads them.

    Examples
    --------
    >>> message, knowledge = averaged_text()
    >>> message.items, knowledge.item_shape
    (2, (4,))
    """
    return _averaged(40)


def every_word() -> tuple[Disclosure, Knowledge]:
    """The same of so few words and features that all rows of their table are written to.

    Examples
    --------
    >>> int(every_word()[0]["table.weight"].any(axis=1).sum())
    8
    """
    return _averaged(8)


@final
class _Averaged(nn.Module):
    """Token embeddings averaged, and a linear layer."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(words, 6), nn.Linear(6, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of token ids, axes (b, t)."""
        made: torch.Tensor = self.head(self.table(tokens).mean(1))
        return made


def _averaged(words: int) -> tuple[Disclosure, Knowledge]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = _Averaged(words).eval()
    tokens = np.arange(8).reshape(2, 4) * (words // 8)
    disclosure = resolve("message", "full")(model, tokens, np.array([2, 0]))
    return disclosure, Knowledge(model, (4,), 3, batch=2)
