"""A trained torch network, and what it says of items."""

from collections.abc import Callable, Collection
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.errors import LearnerError
from nextlabel.learners.border import checked_positions, gathered, sources
from nextlabel.learners.draws import DRAWN, DrawSums
from nextlabel.learners.dropout import FixedMasks
from nextlabel.learners.epochs import Trained
from nextlabel.learners.features import Features
from nextlabel.learners.further import Further
from nextlabel.learners.layers import embedded
from nextlabel.learners.outputs import Outputs
from nextlabel.maths.axes import Array, Positions
from nextlabel.maths.predictions import softmax

__all__ = ["TorchModel", "as_tensor", "offered", "saved_at"]


@final
class TorchModel(Model):
    """A trained network in evaluation mode, and where its embedding is read.

    Attributes
    ----------
    network : torch.nn.Module
        On the learner's device.
    trained : Trained or None
        How the training ended; None where somebody's own routine does not say.
    features : Features or None
        What items are turned into before the network reads them; None where it reads them as they are.
    outputs : Outputs
        How its outputs become logits.
    """

    def __init__(
        self,
        network: nn.Module,
        place: tuple[str, bool],
        trained: Trained | None,
        *,
        inputs: tuple[int, ...],
        classes: int,
        draws: int,
        chunk: int,
        device: torch.device,
        features: Features | None = None,
        further: Further | None = None,
        outputs: Outputs | None = None,
    ) -> None:
        self.network = network.eval()
        self.trained = trained
        self.features = features
        self.outputs = Outputs() if outputs is None else outputs
        self._further = Further() if further is None else further
        self._place = place
        self._inputs = inputs
        self._classes = classes
        self._draws = draws
        self._chunk = chunk
        self._device = device

    @property
    def fingerprint(self) -> str:
        """A digest of weights and buffers, of where the embedding is, of features, of what else is learnt."""
        digest = blake2b(repr(self._place).encode(), digest_size=16)
        for name, values in self.network.state_dict().items():
            digest.update(f"{name}{values.dtype}{tuple(values.shape)}".encode())
            digest.update(values.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        if self.features is not None:
            digest.update(self.features.fingerprint.encode())
        digest.update(self._further.digest)
        if self.outputs.state is not None:
            digest.update(repr(self.outputs.state).encode())
        return digest.hexdigest()

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the network says of some items, in evaluation mode, dropout masks drawn from `rng`.

        Notes
        -----
        One pass for all that is deterministic; m passes of what follows the first dropout, where
        draws are asked for. Memory: the signals, and a chunk with its activations. For the cost of
        `output_change` and `tangent` see `JacobianChange` and `ProxyHead`.

        Raises
        ------
        LearnerError
            Draws of a network that executes no dropout, or whose dropout is not given items first; the
            full Jacobian of a network that cannot be differentiated so.
        """
        positions = checked_positions(pool, positions)
        offers = offered(self._draws, self._further.asked.signals)
        wanted = sources(names, offers, f"A torch model with {self._draws} draws")
        own = self._further.sources(wanted)
        source = pool if self.features is None else self.features.dense_on(pool)

        def made(said: Callable[[Array], dict[str, Array]]) -> dict[str, Array]:
            return gathered(source, positions, self._chunk, said)

        told: dict[str, Array] = {}
        if own & DRAWN:
            with FixedMasks(self.network, rng) as masks:
                told = made(lambda items: self._with_tangent(self._drawn(items, own, masks), wanted))
        elif own:
            told = made(lambda items: self._with_tangent(self._said(items, own), wanted))
        if "output_change" in wanted:  # not among masks, which every call of the network would meet
            told |= made(lambda items: self._further.changes(self.network, self._on_device(items)))
        return Signals(told, n=len(positions))

    def told(
        self, pool: Pool, positions: Positions, say: Callable[[Tensor], dict[str, Array]]
    ) -> dict[str, Array]:
        """What a function says of items, given to it as the network reads them, a chunk at a time.

        Parameters
        ----------
        pool : Pool
        positions : array of int64, axes (n,)
        say : callable
            Items on the device to arrays, first axis the items.

        Returns
        -------
        dict of str to array, first axis n
        """
        source = pool if self.features is None else self.features.dense_on(pool)
        where = checked_positions(pool, positions)
        return gathered(source, where, self._chunk, lambda items: say(self._on_device(items)))

    def items(self, pool: Pool, positions: Positions) -> Tensor:
        """Items on the device, as the network reads them."""
        source = pool if self.features is None else self.features.dense_on(pool)
        return self._on_device(source.take(checked_positions(pool, positions)))

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self._device

    def save(self, path: Path) -> None:
        """Write weights, buffers, features and what is needed to make the network again."""
        module, is_input = self._place
        kept = {
            "weights": self.network.state_dict(),
            "inputs": list(self._inputs),
            "classes": self._classes,
            "module": module,
            "is_input": is_input,
            "trained": None if self.trained is None else asdict(self.trained),
            "features": None if self.features is None else _as_bytes(self.features.to_bytes()),
            "further": self._further.state(),
            "outputs": self.outputs.state,
        }
        torch.save(kept, path)

    @torch.no_grad()
    def _said(self, items: Array, wanted: Collection[str]) -> dict[str, Array]:
        return self._deterministic(self._on_device(items), wanted, self.network)

    @torch.no_grad()
    def _drawn(self, items: Array, wanted: Collection[str], masks: FixedMasks) -> dict[str, Array]:
        values = self._on_device(items)
        masks.begin(len(values))
        made: dict[str, Array] = {}
        if {"logits", "embedding"} & set(wanted):
            made = self._deterministic(values, wanted, lambda chunk: masks.run(chunk, None))
        sums = DrawSums(wanted)
        for said in masks.draws(values, self._draws):
            sums.add(softmax(_host(self.outputs.logits(said))))
        return made | sums.arrays()

    def _with_tangent(self, said: dict[str, Array], wanted: Collection[str]) -> dict[str, Array]:
        return self._further.with_tangent(said, wanted, self._device)

    def _deterministic(
        self, values: Tensor, wanted: Collection[str], run: Callable[[Tensor], Any]
    ) -> dict[str, Array]:
        if "embedding" not in wanted:
            return {"logits": _host(self.outputs.logits(run(values)))} if "logits" in wanted else {}
        with embedded(self.network, *self._place) as seen:
            logits = self.outputs.logits(run(values))
        made = {"embedding": _host(seen[0])}
        return made | ({"logits": _host(logits)} if "logits" in wanted else {})

    def _on_device(self, items: Array) -> Tensor:
        return as_tensor(items).to(self._device)


def offered(draws: int, further: frozenset[str] = frozenset()) -> frozenset[str]:
    """The signals that a network of so many dropout draws computes, and further ones it was asked for."""
    return frozenset({"logits", "embedding"}) | (DRAWN if draws else frozenset()) | further


def saved_at(path: Path, device: torch.device) -> dict[str, Any]:
    """What `TorchModel.save` wrote.

    Raises
    ------
    LearnerError
        The file holds something else.
    """
    kept = torch.load(path, map_location=device, weights_only=True)
    if not isinstance(kept, dict) or "weights" not in kept:
        message = (
            f"A file written by TorchModel.save was expected; {path} holds something else. "
            "Give the path that the model was saved to."
        )
        raise LearnerError(message)
    return kept


def as_tensor(items: Array) -> Tensor:
    """Floating numbers and bytes as float32, other integers as int64; a copy, of two axes or more.

    Raises
    ------
    LearnerError
        Not numbers.
    """
    if items.dtype.kind not in "fiub":
        message = (
            f"A network takes numbers; the items are of type {items.dtype}. Give features='tfidf' for texts, "
            "'table' for rows of names and numbers, 'hog' for images of different sizes, or encode them "
            "first, for example as token numbers."
        )
        raise LearnerError(message)
    is_code = items.dtype.kind in "iu" and items.dtype.itemsize > 1
    rows = items.reshape(len(items), 1) if items.ndim == 1 else items
    return torch.as_tensor(np.array(rows, dtype=np.int64 if is_code else np.float32))


def _host(values: Tensor) -> Array:
    array: Array = values.float().cpu().numpy()
    return array


def _as_bytes(kept: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(kept, np.uint8).copy())
