"""The signals of a torch model that are more than outputs of its network: `output_change` and `tangent`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.pool import Pool
from nextlabel.core.spec import Spec
from nextlabel.errors import LearnerError, ParameterError, UnknownName
from nextlabel.learners.border import checked_positions
from nextlabel.learners.layers import embedded
from nextlabel.learners.output_change import JacobianChange
from nextlabel.learners.tangent import ProxyHead, Tangent
from nextlabel.maths.axes import Array

if TYPE_CHECKING:
    from nextlabel.learners.jobs import Job

__all__ = ["Asked", "Further"]

_MADE: Mapping[str, tuple[str, Callable[..., Any]]] = MappingProxyType(
    {"output_change": ("jacobian", JacobianChange), "tangent": ("proxy", ProxyHead)}
)
"""For each signal, the name of the way to compute it, and what holds its settings."""


@final
@dataclass(frozen=True)
class Asked:
    """Which of these signals a learner was asked for, and how they are computed.

    Parameters
    ----------
    change : JacobianChange or None
    head : ProxyHead or None
    """

    change: JacobianChange | None = None
    head: ProxyHead | None = None

    @classmethod
    def of(cls, output_change: Any, tangent: Any) -> "Asked":
        """From what a learner's parameters say: None, or a spec of a name and settings.

        Raises
        ------
        ParameterError
            Neither a name nor a mapping, or a setting that does not exist or is out of its range.
        UnknownName
            There is no such way to compute the signal.

        Examples
        --------
        >>> Asked.of(None, Spec("proxy", {"features": 64})).head.features
        64
        """
        return cls(_settings("output_change", output_change), _settings("tangent", tangent))

    @property
    def signals(self) -> frozenset[str]:
        """The names of the signals."""
        both = {"output_change": self.change, "tangent": self.head}
        return frozenset(name for name, settings in both.items() if settings is not None)

    def learnt(
        self,
        pool: Pool,
        job: "Job",
        network: nn.Module,
        place: tuple[str, bool],
        items: Tensor,
        chunk: int,
        rows: Tensor | None = None,
    ) -> "Further":
        """What the signals of a model need, learnt once its network is trained.

        Parameters
        ----------
        pool : Pool
        job : Job
            The training: its unlabelled items are drawn from; generators are spawned from that of its order,
            whose own numbers stay what they were.
        network : torch.nn.Module
            Trained.
        place : tuple of str and bool
            Where the embedding is read.
        items : Tensor
            The labelled items, on the network's device, others perhaps among them.
        chunk : int
            Items in a forward pass.
        rows : Tensor, axes (l,), optional
            Which of the items are labelled here; all when left out.
        """
        if not self.signals:
            return Further()
        drawing, heading = job.order.spawn(2)
        network.eval()
        references = tangent = None
        if self.change is not None:
            where = checked_positions(pool, job.unlabelled if len(job.unlabelled) else job.labelled)
            if len(where) > self.change.reference:
                where = np.sort(drawing.choice(where, self.change.reference, replace=False))
            references = job.items(pool, where).to(items.device)
        if self.head is not None:
            rows = torch.arange(len(items)) if rows is None else rows
            tangent = self.head.fitted(*_said(network, place, items, rows, chunk), heading)
        return Further(self, references, tangent)

    def of_state(self, state: Mapping[str, Any] | None) -> "Further":
        """What was saved with a model.

        Raises
        ------
        LearnerError
            The model was saved by a learner that was asked for other signals.
        """
        held = frozenset(state or ())
        if held != self.signals:
            message = (
                f"The model must hold what its further signals need, here {_listed(self.signals)}; it holds "
                f"that of {_listed(held)}. Load with the learner that trained the model."
            )
            raise LearnerError(message)
        if not state:
            return Further()
        tangent = Tangent.of_state(state["tangent"]) if "tangent" in state else None
        return Further(self, state.get("output_change"), tangent)


@final
@dataclass(frozen=True, eq=False)
class Further:
    """What a model keeps beside its network for these signals.

    Parameters
    ----------
    asked : Asked
    references : Tensor or None
        The items whose outputs are watched, as the network reads them.
    tangent : Tangent or None
    """

    asked: Asked = Asked()
    references: Tensor | None = None
    tangent: Tangent | None = None

    def sources(self, wanted: Collection[str]) -> frozenset[str]:
        """What of the network's own signals must be computed, so that all that are wanted can be given."""
        own = frozenset(wanted) - self.asked.signals
        return own | ({"embedding"} if "tangent" in wanted else frozenset())

    def with_tangent(
        self, said: dict[str, Array], wanted: Collection[str], device: torch.device
    ) -> dict[str, Array]:
        """The wanted of a chunk's signals, its kernel features from its embedding among them."""
        made = {name: array for name, array in said.items() if name in wanted}
        if "tangent" in wanted and self.tangent is not None:
            made["tangent"] = self.tangent.features(torch.as_tensor(said["embedding"]).to(device))
        return made

    def changes(self, network: nn.Module, items: Tensor) -> dict[str, Array]:
        """The expected change of the outputs by each item of a chunk."""
        assert self.asked.change is not None
        assert self.references is not None
        return {"output_change": self.asked.change(network, items, self.references)}

    def state(self) -> dict[str, Any]:
        """What `Asked.of_state` reads: tensors and numbers."""
        held: dict[str, Any] = {}
        if self.references is not None:
            held["output_change"] = self.references
        if self.tangent is not None:
            held["tangent"] = self.tangent.state()
        return held

    @property
    def digest(self) -> bytes:
        """A digest of what is held; empty where that is nothing."""
        if not self.asked.signals:
            return b""
        digest = blake2b(repr(self.asked).encode(), digest_size=16)
        tensors = [] if self.references is None else [self.references]
        if self.tangent is not None:
            digest.update(repr(self.tangent.scale).encode())
            tensors += [*self.tangent.weights, *self.tangent.signs]
        for one in tensors:
            digest.update(one.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.digest()


def _listed(signals: frozenset[str]) -> str:
    return " and ".join(sorted(signals)) or "none"


def _settings(signal: str, source: Any) -> Any:
    if source is None:
        return None
    known, made = _MADE[signal]
    if not isinstance(source, Spec):
        message = (
            f"{signal!r} must be None, or a name with settings; received {source!r}. "
            f"Give for example {signal}={known!r}."
        )
        raise ParameterError(message)
    if source.name != known:
        message = f"{source.name!r} is no way to compute {signal!r}. The names are: {known}."
        raise UnknownName(message)
    try:
        return made(**source.params)
    except TypeError as cause:
        message = (
            f"{known!r}, the way to compute {signal!r}, has no such setting ({cause}). "
            f"It takes: {', '.join(signature(made).parameters)}."
        )
        raise ParameterError(message) from cause


@torch.no_grad()
def _said(
    network: nn.Module, place: tuple[str, bool], items: Tensor, rows: Tensor, chunk: int
) -> tuple[Tensor, Tensor]:
    """Embedding and logits of some of the items."""
    embeddings, logits = [], []
    with embedded(network, *place) as seen:
        for start in range(0, len(rows), chunk):
            logits.append(network(items[rows[start : start + chunk].to(items.device)]))
            embeddings.append(seen[0])
    return torch.cat(embeddings), torch.cat(logits)
