"""Networks of published attacks: the convolutional one of deep leakage from gradients."""

from collections.abc import Sequence

import torch
from torch import nn

from nextlabel.errors import ParameterError
from nextlabel.learners.networks import Images

__all__ = ["ACTIVATIONS", "deep_leakage"]

ACTIVATIONS = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "softplus": nn.Softplus,
}


def deep_leakage(
    inputs: Sequence[int], classes: int, *, activation: str = "sigmoid", spread: float | None = 0.5
) -> nn.Module:
    """The convolutional network of deep leakage from gradients.

    Parameters
    ----------
    inputs : sequence of int
        The shape of one image.
    classes : int
        How many logits.
    activation : str
        One of `ACTIVATIONS`.
    spread : float, optional
        Weights and biases are drawn uniformly from minus to plus this number, from torch's global stream;
        None leaves torch's own initial values.

    Raises
    ------
    LearnerError
        Not images.
    ParameterError
        An activation that there is not.

    Notes
    -----
    Three convolutions of 12 channels, 5×5, padding 2, strides 2, 2 and 1, each followed by the activation,
    and a linear layer: 768 inputs for images of 32 × 32.

    References
    ----------
    Zhu, Liu, Han. Deep leakage from gradients. NeurIPS 2019.

    Examples
    --------
    >>> deep_leakage((3, 32, 32), 100)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 100])
    """
    if activation not in ACTIVATIONS:
        message = f"'activation' must be one of {', '.join(ACTIVATIONS)}; received {activation!r}."
        raise ParameterError(message)
    images = Images(inputs, least=4)
    high, wide = ((side + 3) // 4 for side in images.sides)
    made = ACTIVATIONS[activation]
    network = nn.Sequential(
        images,
        nn.Conv2d(images.channels, 12, 5, padding=2, stride=2),
        made(),
        nn.Conv2d(12, 12, 5, padding=2, stride=2),
        made(),
        nn.Conv2d(12, 12, 5, padding=2, stride=1),
        made(),
        nn.Flatten(),
        nn.Linear(12 * high * wide, classes),
    )
    if spread is not None:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.uniform_(-spread, spread)
    return network
