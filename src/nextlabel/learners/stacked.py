"""Training replicates of one multi-layer perceptron together, with their weights stacked.

Small networks spend their time on calls, not on arithmetic. Twenty of them in one batched product make
as many calls as one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.spec import Spec
from nextlabel.errors import LearnerError
from nextlabel.learners.epochs import EVALUATED, Trained
from nextlabel.learners.training import AdamTraining
from nextlabel.maths.axes import Array

__all__ = ["stackable", "train_together"]

_BYTES = 128 * 2**20  # of minibatches
_CACHED = 8 * 2**20  # of weights, gradients and moments: a stack beyond the cache is slower than two within
_ALIGNED = 16  # floats in the widest vector register


def stackable(network: Any, train: Any) -> bool:
    """Whether a network and its training can be stacked: an ``"mlp"`` without dropout, under ``"adam"``.

    Parameters
    ----------
    network, train : Spec or callable
        As `TorchLearner` holds them.

    Examples
    --------
    >>> stackable(Spec("mlp", {"hidden": [64]}), Spec("adam"))
    True
    """
    specs = isinstance(network, Spec) and isinstance(train, Spec)
    return specs and (network.name, train.name) == ("mlp", "adam") and not network.params.get("dropout", 0)


def train_together(
    networks: Sequence[nn.Module],
    items: Tensor,
    rows: Array,
    labels: Array,
    orders: Sequence[np.random.Generator],
    training: AdamTraining,
) -> list[Trained]:
    """Train each network in place on its own items, as the training would one after the other.

    Parameters
    ----------
    networks : sequence of torch.nn.Module
        R networks of equal shape, made by `nextlabel.learners.networks.mlp` without dropout.
    items : Tensor, first axis u
        Every item that one of them learns, once, on the device.
    rows : array of int64, axes (R, l)
        Which items each network learns.
    labels : array of int64, axes (R, l)
        Their class indices.
    orders : sequence of numpy.random.Generator
        R generators; each draws the order of its network's minibatches, as `AdamTraining` does.
    training : AdamTraining
        The settings, the rule of stopping included: a network that has reached it leaves the stack.

    Returns
    -------
    list of Trained
        R of them.

    Raises
    ------
    LearnerError
        The loss of one is no longer finite.

    Notes
    -----
    The loss is the sum over networks of each one's mean, so each has the gradient that it would have
    alone, and Adam works on every weight by itself. Products are summed in another order than
    `AdamTraining` sums them: the weights agree up to the rounding of float32, which many steps may
    amplify. Which networks are trained together does not matter, on a CPU to the last bit: all axes are
    filled up with zeros to multiples of 16, so that a network's numbers are aligned alike wherever they
    stand in the stack, and the same instructions are used on them.

    Memory: items once, and at most 128 MiB of minibatches and 8 MiB of weights, or what one network takes;
    more networks than that allows are trained in several stacks.
    """
    linear = [_linear(network) for network in networks]
    flat = items.float().flatten(1)
    if _spare(flat.shape[1]):
        flat = nn.functional.pad(flat, (0, _spare(flat.shape[1])))
    size = _stack_size(linear[0], flat.shape[1], rows.shape[1], training)
    trained: list[Trained] = []
    for start in range(0, len(networks), size):
        part = slice(start, start + size)
        stack = _Stack(linear[part], flat, rows[part], labels[part], training)
        trained += stack.train(list(orders[part]))
    return trained


@final
class _Stack:
    """Networks in training, those that have finished taken out."""

    def __init__(
        self,
        linear: Sequence[Sequence[nn.Linear]],
        items: Tensor,
        rows: Array,
        labels: Array,
        training: AdamTraining,
    ) -> None:
        self._linear = linear
        self._items = items
        self._rows = torch.as_tensor(rows, device=items.device)
        self._labels = torch.as_tensor(labels, device=items.device)
        self._training = training
        self._alive = list(range(len(linear)))
        self._classes = linear[0][-1].out_features
        self._weights = [_aligned(several) for several in zip(*map(_parameters, linear), strict=True)]
        self._optimiser = training.optimiser(self._weights)

    def train(self, orders: Sequence[np.random.Generator]) -> list[Trained]:
        """Train until every network has finished."""
        ended: dict[int, Trained] = {}
        for epoch in range(1, self._training.epochs + 1):
            self._epoch(epoch, [orders[one] for one in self._alive])
            is_last = epoch == self._training.epochs
            if self._training.runs_all_epochs and not is_last:
                continue
            reached = self._accuracies(is_last)
            finished = [is_last or one >= self._training.accuracy for one in reached]
            for place, one in enumerate(self._alive):
                if finished[place]:
                    converged = reached[place] >= self._training.accuracy
                    ended[one] = Trained(epoch, reached[place], converged)
                    self._write(place, self._linear[one])
            self._leave(finished)
            if not self._alive:
                break
        return [ended[one] for one in range(len(self._linear))]

    def _epoch(self, epoch: int, orders: Sequence[np.random.Generator]) -> None:
        many = self._rows.shape[1]
        order = np.stack([rng.permutation(many) for rng in orders])
        losses = []
        for piece in np.array_split(order, self._training.loop.pieces(many), axis=1):
            chosen = torch.as_tensor(np.ascontiguousarray(piece), device=self._items.device)
            logits = self._logits(self._rows.gather(1, chosen))
            answers = self._labels.gather(1, chosen)
            losses_of = nn.functional.cross_entropy(logits.flatten(0, 1), answers.flatten(), reduction="none")
            each = losses_of.view(answers.shape).mean(1)
            self._optimiser.zero_grad(set_to_none=True)
            each.sum().backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            losses.append(each.detach())
        for place, total in enumerate(torch.stack(losses).sum(0).tolist()):
            if not np.isfinite(total):
                at = f" of fit {self._alive[place] + 1} of {len(self._linear)}"
                raise LearnerError(self._training.loop.diverged(total, epoch, at))

    def _logits(self, rows: Tensor) -> Tensor:
        """Logits of items of each network, axes (R, n, c), for rows of axes (R, n)."""
        values = self._items.index_select(0, rows.reshape(-1)).view(*rows.shape, -1)
        layers = list(zip(self._weights[::2], self._weights[1::2], strict=True))
        for weight, bias in layers[:-1]:
            values = torch.baddbmm(bias.unsqueeze(1), values, weight).relu_()
        weight, bias = layers[-1]
        return torch.baddbmm(bias.unsqueeze(1), values, weight)[:, :, : self._classes]

    @torch.no_grad()
    def _accuracies(self, is_last: bool) -> list[float]:
        """Of each network; where none can reach what is wanted any more, an upper bound of it."""
        many = min(self._training.judged or self._rows.shape[1], self._rows.shape[1])
        wrong = torch.zeros(len(self._alive), dtype=torch.int64, device=self._items.device)
        for start in range(0, many, EVALUATED):
            part = slice(start, min(start + EVALUATED, many))
            rows, answers = self._rows[:, part], self._labels[:, part]
            wrong += (self._logits(rows).argmax(2) != answers).sum(1)
            if not is_last and (many - int(wrong.min())) / many < self._training.accuracy:
                break
        return [(many - one) / many for one in wrong.tolist()]

    @torch.no_grad()
    def _write(self, place: int, layers: Sequence[nn.Linear]) -> None:
        for parameter, weights in zip(_parameters(layers), self._weights, strict=True):
            parameter.copy_(weights[place][tuple(map(slice, parameter.t().shape))].t())

    @torch.no_grad()
    def _leave(self, finished: Sequence[bool]) -> None:
        """Take networks out of the stack; the others go on, with their moments of Adam."""
        if not any(finished):
            return
        stay = [place for place, is_finished in enumerate(finished) if not is_finished]
        self._alive = [self._alive[place] for place in stay]
        self._rows, self._labels = self._rows[stay], self._labels[stay]
        for weights in self._weights:
            state: Mapping[str, Any] = self._optimiser.state[weights]
            for moment in (weights, state["exp_avg"], state["exp_avg_sq"]):
                moment.data = moment.data[stay]
            weights.grad = None


def _linear(network: nn.Module) -> list[nn.Linear]:
    return [layer for layer in network.children() if isinstance(layer, nn.Linear)]


def _parameters(layers: Sequence[nn.Linear]) -> list[Tensor]:
    return [one for layer in layers for one in (layer.weight, layer.bias)]


def _aligned(parameters: Sequence[Tensor]) -> Tensor:
    """One parameter of all networks, inputs before outputs, filled up with zeros: their gradient is 0."""
    stack = torch.stack([one.detach().t() for one in parameters])
    spare = [number for size in reversed(stack.shape[1:]) for number in (0, _spare(size))]
    return nn.functional.pad(stack, spare).requires_grad_()


def _spare(size: int) -> int:
    return -size % _ALIGNED


def _stack_size(layers: Sequence[nn.Linear], features: int, labels: int, training: AdamTraining) -> int:
    """How many networks are trained at once."""
    chunk = max(-(-labels // training.loop.pieces(labels)), min(labels, EVALUATED))
    activations = 4 * chunk * (features + 3 * sum(layer.out_features for layer in layers))
    weights = 16 * sum(one.numel() for one in _parameters(layers))  # themselves, gradient, two moments
    return max(1, min(_BYTES // activations, _CACHED // weights))
