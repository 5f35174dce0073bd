"""What a training minimises, an item at a time, and how the outputs it leads to become probabilities."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, logsigmoid, one_hot, softplus

from nextlabel.core.registry import build, names, target
from nextlabel.core.spec import Spec, listed
from nextlabel.errors import ParameterError, UnknownName
from nextlabel.maths.parameters import checked_number, settle

__all__ = ["CrossEntropy", "Focal", "Loss", "Sigmoid", "loss_of", "outputs_of"]


class Loss(ABC):
    """A loss for classification: a value, its settings and nothing else."""

    @property
    def is_probabilistic(self) -> bool:
        """Whether softmax of `logits` estimates class probabilities without anything further.

        Where not, they are the scores that a factor is learnt for, see `learnt_inverse_temperature`.
        """
        return True

    @abstractmethod
    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of each item.

        Parameters
        ----------
        outputs : tensor of float, axes (n, c)
            What the network returns.
        labels : tensor of int64, axes (n,)
            Class indices.

        Returns
        -------
        tensor of float, axes (n,)
        """

    def on_network(self, network: nn.Module, items: Tensor, labels: Tensor) -> Tensor:
        """The loss of each item, axes (n,), where more than one pass through the network may be needed.

        Parameters
        ----------
        network : torch.nn.Module
            As it is trained; its modes are left as they were.
        items : tensor, axes (n, ...)
        labels : tensor of int64, axes (n,)
        """
        return self.per_item(outputs_of(network, items), labels)

    def logits(self, outputs: Tensor) -> Tensor:
        """What softmax turns into the probabilities that this loss leads the outputs to.

        The order of the classes is that of the outputs. The outputs themselves for the cross-entropy.

        Parameters
        ----------
        outputs : tensor of float, axes (n, c)

        Returns
        -------
        tensor of float, axes (n, c)
        """
        return outputs

    def for_counts(self, counts: Sequence[float]) -> "Loss":
        """The loss for a training on so many items of each class: itself, unless it balances classes.

        Parameters
        ----------
        counts : sequence of float, axes (c,)
            How many items of each class are trained on; where they have weights, each counts as much as it
            weighs beside the heaviest.
        """
        return self

    def initial_bias(self, classes: int) -> float | None:
        """What the biases of the last layer are set to before training; None to leave them as they are.

        Parameters
        ----------
        classes : int
        """
        return None

    @property
    @final
    def spec(self) -> Spec:
        """The registered name and the settings, JSON values all of them.

        Raises
        ------
        UnknownName
            The class is not registered.

        Examples
        --------
        >>> Focal(gamma=1.0).spec.to_json()
        '{"name": "focal", "gamma": 1.0}'
        """
        where = f"{type(self).__module__}:{type(self).__qualname__}"
        name = next((one for one in names("loss") if target("loss", one) == where), None)
        if name is None:
            message = (
                f"A loss that is written down must be registered; {type(self).__name__} ({where}) is not. "
                "Register it: an entry point nextlabel.loss of your package."
            )
            raise UnknownName(message)
        made: Any = self  # a dataclass, which is all that the registry could have built
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(made)}
        return Spec(
            name,
            {
                key: one.spec.to_dict() if isinstance(one, Loss) else listed(one)
                for key, one in values.items()
            },
        )


def loss_of(source: Any) -> Loss:
    """The loss of a name, of a mapping of its name and settings, or of a spec; a loss as it is.

    Raises
    ------
    UnknownName
        The name is not registered.
    ParameterError
        A setting that the loss does not have, or of an impossible value; something else than a loss.

    Examples
    --------
    >>> loss_of({"name": "class_balanced", "of": "focal"}).of
    Focal(gamma=2.0)
    """
    if isinstance(source, Loss):
        return source
    made = build("loss", source)
    if not isinstance(made, Loss):
        message = (
            f"A loss must be a nextlabel.learners.losses.Loss; {source!r} makes {type(made).__name__}. "
            "Inherit from Loss, or name one that is registered."
        )
        raise ParameterError(message)
    return made


@final
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Minus the logarithm of the softmax probability of the label, in nats: the usual loss.

    Examples
    --------
    >>> CrossEntropy().per_item(torch.zeros(1, 4), torch.tensor([2])).exp()
    tensor([4.])
    """

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Minus log softmax at the label."""
        return cross_entropy(outputs, labels, reduction="none")


@final
@dataclass(frozen=True)
class Sigmoid(Loss):
    """One yes-or-no question a class, each by the logistic loss; their sum, in nats.

    Notes
    -----
    At the minimum the sigmoid of an output is the probability of its class, whatever the others are;
    `logits` are therefore the logarithms of the sigmoids. Softmax of the outputs themselves, which
    compares odds, would be too certain. The last bias starts at −log(c − 1), where each of the c
    sigmoids is 1/c, so that the c − 1 negative answers of an item do not swamp the first steps.

    References
    ----------
    Cui, Jia, Lin, Song, Belongie. Class-balanced loss based on effective number of samples. CVPR 2019.
    Section 4.2.

    Examples
    --------
    >>> Sigmoid().per_item(torch.zeros(1, 2), torch.tensor([0])).exp()
    tensor([4.])
    """

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The sum over classes of minus the logarithm of the sigmoid of the right answer."""
        return -logsigmoid(_towards_right(outputs, labels)).sum(1)

    def logits(self, outputs: Tensor) -> Tensor:
        """The logarithms of the sigmoids."""
        return logsigmoid(outputs)

    def initial_bias(self, classes: int) -> float | None:
        """−log(c − 1); nothing for a single class."""
        return _even_start(classes)


@final
@dataclass(frozen=True)
class Focal(Loss):
    """The sigmoid loss with answers that are right already made small: a weight (1 − p)^gamma each.

    Parameters
    ----------
    gamma : float
        From 0 up; 0 is the sigmoid loss.

    Raises
    ------
    ParameterError
        A gamma below 0.

    Notes
    -----
    The sigmoids that minimise it are not the probabilities, but a known increasing function of them:
    with φ(p) = −(1 − p)^gamma log p, the class has probability φ'(1 − p) / (φ'(p) + φ'(1 − p)) where p
    is the sigmoid of its output. `logits` are the logarithms of these.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollár. Focal loss for dense object detection. ICCV 2017. Section 3.
    Charoenphakdee, Vongkulbhisal, Chairatanakul, Sugiyama. On focal loss for class-posterior
    probability estimation. CVPR 2021. Section 4.

    Examples
    --------
    >>> Focal(gamma=1.0).per_item(torch.zeros(1, 2), torch.tensor([0])).exp()
    tensor([2.])
    """

    gamma: float = 2.0

    def __post_init__(self) -> None:
        advice = "Give 0 for the plain sigmoid loss."
        settle(self, {"gamma": checked_number(self.gamma, "gamma", least=0, of="Focal", advice=advice)})

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The sum over classes of −(1 − p)^gamma log p, p the sigmoid of the right answer."""
        right = _towards_right(outputs, labels)
        return (torch.exp(self.gamma * logsigmoid(-right)) * -logsigmoid(right)).sum(1)

    def logits(self, outputs: Tensor) -> Tensor:
        """The logarithms of the class probabilities that would lead to such sigmoids."""
        if not self.gamma:
            return logsigmoid(outputs)
        yes, no = self._log_slope(-outputs), self._log_slope(outputs)
        return yes - torch.logaddexp(yes, no)

    def initial_bias(self, classes: int) -> float | None:
        """−log(c − 1); nothing for a single class."""
        return _even_start(classes)

    def _log_slope(self, outputs: Tensor) -> Tensor:
        """Log −φ'(p) at the sigmoids p: (1 − p)^(gamma − 1) · ((1 − p)/p − gamma log p)."""
        surprise = softplus(-outputs)  # −log p; equals exp(−output) where that is small, even below float32
        log_surprise = torch.where(outputs > 15, -outputs, surprise.clamp_min(1e-12).log())
        return (self.gamma - 1) * logsigmoid(-outputs) + torch.logaddexp(
            -outputs, log(self.gamma) + log_surprise
        )


def outputs_of(network: nn.Module, items: Tensor) -> Tensor:
    """What a network says of items, in float32 at least: a loss in bfloat16 would be off by a hundredth.

    Parameters
    ----------
    network : torch.nn.Module
    items : tensor, axes (n, ...)

    Returns
    -------
    tensor, axes (n, ...)
    """
    outputs: Tensor = network(items)
    return outputs.to(torch.promote_types(outputs.dtype, torch.float32))


def _towards_right(outputs: Tensor, labels: Tensor) -> Tensor:
    """Each output where its class is the label, and minus it elsewhere."""
    return torch.where(one_hot(labels, outputs.shape[1]).bool(), outputs, -outputs)


def _even_start(classes: int) -> float | None:
    return -log(classes - 1) if classes > 1 else None
