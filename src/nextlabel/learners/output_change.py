"""How much one step of training on an item would change a torch network's outputs, all weights included."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp, vmap

from nextlabel.errors import LearnerError
from nextlabel.maths.output_change import Labelling, Output
from nextlabel.maths.parameters import checked_choice, checked_whole, settle

__all__ = ["JacobianChange"]

_NUMBERS = 1 << 24  # of gradients and their effects that are held at once
_ACTIVATIONS = 64  # numbers that the effect on one reference is taken to hold, beside the outputs


@final
@dataclass(frozen=True)
class JacobianChange:
    """Expected change of the outputs of reference items by one gradient step on an item, by all weights.

    Parameters
    ----------
    reference : int
        How many items of the pool the outputs are watched on, a uniform draw of the unlabelled ones in every
        fit; all of them where there are no more.
    labels : {"marginal", "map"}
        The label stepped on: the mean over all, weighted by their probabilities; or the most probable one.
    of : {"probabilities", "logits"}
        Which outputs are watched.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    E over labels y, mean over references x, of ‖J(x)·∇ℓ(item, y)‖₁, the first order of one gradient step of
    size 1 on the cross-entropy: a vector-Jacobian product for each item and label, and a Jacobian-vector
    product of all references for each. Weight decay is not part of the step; weights that do not learn
    take none. The network is in evaluation mode.

    Time: for each item, and each label of it with a probability above 0, about five passes of one item and
    three of all references: n·c·(5 + 3·x) passes; the default number of references is therefore a tenth of
    that of the closed form for the last layer. Memory beside network and references: a gradient and the
    activations of the references for each item and label of a piece, about 64 MiB, or those of one pair.

    References
    ----------
    Freytag, Rodner, Denzler. Selecting influential examples: active learning with expected model output
    changes. ECCV 2014.
    Käding, Rodner, Freytag, Denzler. Active and continuous exploration with deep neural networks and expected
    model output changes. arXiv 1612.06129, 2016.

    Examples
    --------
    A network sure of its answer learns nothing from it:

    >>> network = nn.Linear(1, 2).eval()
    >>> _ = nn.init.constant_(network.weight, 0.0), nn.init.constant_(network.bias, 0.0)
    >>> JacobianChange(of="logits")(network, torch.ones(1, 1), torch.ones(1, 1)).tolist()
    [2.0]
    """

    reference: int = 100
    labels: Labelling = "marginal"
    of: Output = "probabilities"

    def __post_init__(self) -> None:
        advice = "Try 100."
        least = checked_whole(self.reference, "reference", least=1, of="JacobianChange", advice=advice)
        settle(self, {"reference": least})
        checked_choice(self.labels, "labels", get_args(Labelling), of="JacobianChange")
        checked_choice(self.of, "of", get_args(Output), of="JacobianChange")

    def __call__(self, network: nn.Module, items: Tensor, references: Tensor) -> NDArray[np.float64]:
        """The expected change for each item.

        Parameters
        ----------
        network : torch.nn.Module
            In evaluation mode, on the device of the tensors.
        items : Tensor, first axis n
        references : Tensor, first axis x
            The items whose outputs are watched.

        Returns
        -------
        array of float64, axes (n,)

        Raises
        ------
        LearnerError
            An operation of the network cannot be differentiated so.
        """
        result = np.zeros(len(items))
        with torch.no_grad():
            logits = torch.cat([network(items[i : i + 256]) for i in range(0, len(items), 256)])
        proba = logits.double().softmax(1)
        weights = proba
        if self.labels == "map":
            weights = nn.functional.one_hot(logits.argmax(1), logits.shape[1]).double()
        pairs = (weights > 0).nonzero()
        step = self._piece(network, references)
        for start in range(0, len(pairs), step):
            item, label = pairs[start : start + step].T
            residuals = proba[item] - nn.functional.one_hot(label, proba.shape[1])
            changes = self._changes(network, items[item], residuals.to(logits.dtype), references)
            shares = weights[item, label] * changes.double()
            np.add.at(result, item.cpu().numpy(), shares.cpu().numpy())
        return result

    def _piece(self, network: nn.Module, references: Tensor) -> int:
        weights = sum(one.numel() for one in network.parameters())
        activations = len(references) * max(_ACTIVATIONS, references[0].numel())
        return max(1, _NUMBERS // (2 * weights + activations))

    def _changes(self, network: nn.Module, items: Tensor, residuals: Tensor, references: Tensor) -> Tensor:
        """The mean over references of the change by a step on each item, for its residual p − e_y."""
        learning, fixed = _parts(network)

        def outputs(weights: Mapping[str, Tensor], batch: Tensor) -> Tensor:
            logits: Tensor = functional_call(network, {**weights, **fixed}, (batch,))
            return logits.softmax(1) if self.of == "probabilities" else logits

        def change(item: Tensor, residual: Tensor) -> Tensor:
            def one(weights: Mapping[str, Tensor]) -> Any:
                return functional_call(network, {**weights, **fixed}, (item.unsqueeze(0),))[0]

            gradient = vjp(one, learning)[1](residual)[0]
            moved = jvp(lambda weights: outputs(weights, references), (learning,), (gradient,))[1]
            total: Tensor = moved.abs().sum(1).mean()
            return total

        try:
            with warnings.catch_warnings():
                # what torch itself calls when it first differentiates forwards
                warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
                found: Tensor = vmap(change)(items, residuals)
        except (RuntimeError, NotImplementedError) as cause:
            message = (
                "The full Jacobian needs a network that torch.func can differentiate forwards; one of the "
                f"operations of {type(network).__name__} is not of that kind: {str(cause).splitlines()[0]} "
                "Use another operation, or emoc with jacobian='last_layer', which needs no output_change."
            )
            raise LearnerError(message) from cause
        return found.detach()


def _parts(network: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights that learn; and all that does not."""
    learning = {name: one.detach() for name, one in network.named_parameters() if one.requires_grad}
    fixed = {name: one.detach() for name, one in network.named_parameters() if not one.requires_grad}
    return learning, {**fixed, **dict(network.named_buffers())}
