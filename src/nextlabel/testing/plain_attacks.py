"""Attacks that do one thing each, well or badly, for those who test an audit and not an attack."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import torch
from torch import nn

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure

__all__ = ["Blind", "Broken", "Nosy", "Ratio", "Timed", "Told", "Vandal"]


class _PlainAttack(Attack):
    """Reads every kind of message, and is tried last."""

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"full", "last_layer", "embedding", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        return frozenset({"items", "labels"})

    @property
    def cost(self) -> str:
        return "optimisation"


@final
@dataclass(frozen=True)
class Ratio(_PlainAttack):
    """Finds the item: x = (dL/dW)ᵣ / (dL/db)ᵣ of the largest |dL/db|; the label by the sign of the last bias.

    Parameters
    ----------
    is_mute : bool
        Whether to keep the item to itself.
    """

    is_mute: bool = False

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The item and the label, or the label alone."""
        weight, bias, *_, last = disclosure.arrays.values()
        unit = int(np.abs(bias).argmax())
        item = (weight[unit] / bias[unit]).reshape(1, *knowledge.item_shape)
        labels = np.array([int(last.argmin())])
        if self.is_mute:
            return Recovery("recovered", labels=labels)
        return Recovery("recovered", items=item, labels=labels, residual=0.0)


@final
@dataclass(frozen=True)
class Told(_PlainAttack):
    """Says what it was told beforehand, whatever the message.

    Parameters
    ----------
    items, labels : array, optional
    """

    items: Any = None
    labels: Any = None

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """What it was told."""
        return Recovery("recovered", items=self.items, labels=self.labels, residual=0.0)


@final
@dataclass(frozen=True)
class Blind(_PlainAttack):
    """Gives what its generator draws, and a label whatever the message, where it has one.

    Parameters
    ----------
    residual : float
    outcome : str
        As it says of itself.
    label : int, optional
    """

    residual: float = 0.5
    outcome: str = "failed"
    label: int | None = None

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """What the generator draws."""
        items = rng.uniform(size=(disclosure.items, *knowledge.item_shape))
        labels = None if self.label is None else np.array([self.label])
        return Recovery(self.outcome, items=items, labels=labels, residual=self.residual)


@final
@dataclass(frozen=True)
class Timed(_PlainAttack):
    """Notes the seconds that it is given, and uses none.

    Parameters
    ----------
    seconds : float
    noted : list of float
        Written to.
    """

    seconds: float = np.inf
    noted: list[float] = field(default_factory=list, compare=False)

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """A failure, once the seconds are noted."""
        self.noted.append(self.seconds)
        return Recovery("failed", "it does not try", is_cut=True)


@final
@dataclass(frozen=True)
class Broken(_PlainAttack):
    """Raises, which no attack should.

    Parameters
    ----------
    fault : type
        What it raises.
    """

    fault: type[BaseException] = ValueError

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """Nothing: it raises."""
        raise self.fault("shapes (3,) and (4,)")


@final
@dataclass(frozen=True)
class Nosy(_PlainAttack):
    """Keeps all arrays that can be reached from what it is given.

    Parameters
    ----------
    seen, known : list of array
        Written to: all of them, and those that are in the knowledge.
    told : list of Knowledge
        Written to.
    """

    seen: list[Array] = field(default_factory=list, compare=False)
    known: list[Array] = field(default_factory=list, compare=False)
    told: list[Knowledge] = field(default_factory=list, compare=False)

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """A failure, once all is kept."""
        self.seen.extend(_arrays([disclosure, knowledge]))
        self.known.extend(_arrays([knowledge]))
        self.told.append(knowledge)
        return Recovery("failed")


@final
@dataclass(frozen=True)
class Vandal(_PlainAttack):
    """Notes how large the weights are that it is given, sets them to 0 and the model into training mode.

    Parameters
    ----------
    noted : list of float
        Written to.
    """

    noted: list[float] = field(default_factory=list, compare=False)

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """A failure, once the model is spoilt."""
        with torch.no_grad():
            self.noted.append(sum(float(one.abs().sum()) for one in knowledge.model.parameters()))
            for one in knowledge.model.parameters():
                one.zero_()
        knowledge.model.train()
        return Recovery("failed")


def _arrays(roots: list[Any]) -> Iterator[Array]:
    """Every array that can be reached without going through a module, a class or a function."""
    known: set[int] = set()
    queue = list(roots)
    while queue:
        one = queue.pop()
        if id(one) in known or isinstance(one, type) or (callable(one) and not isinstance(one, nn.Module)):
            continue
        known.add(id(one))
        if isinstance(one, np.ndarray):
            yield one
        elif isinstance(one, torch.Tensor):
            yield one.detach().numpy()
        else:
            queue.extend(gc.get_referents(one))
