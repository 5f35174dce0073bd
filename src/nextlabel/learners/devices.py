"""Where torch computes: a device by its name, or the best there is."""

import torch

from nextlabel.errors import ParameterError

__all__ = ["torch_device"]


def torch_device(name: str) -> torch.device:
    """The device of a name; for ``"auto"`` a GPU where there is one.

    Raises
    ------
    ParameterError
        No device of torch, or a GPU where torch finds none.

    Examples
    --------
    >>> torch_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as cause:
        message = f"'device' must be 'auto' or a torch device; received {name!r}. Use 'cpu' or 'cuda'."
        raise ParameterError(message) from cause
    if device.type == "cuda" and not torch.cuda.is_available():
        message = f"The device {name!r} was asked for and torch finds no GPU. Use 'auto' or 'cpu'."
        raise ParameterError(message)
    return device
