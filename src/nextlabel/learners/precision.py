"""What makes training faster: mixed precision, and on a GPU a compiled network."""

import warnings
from typing import Any

import torch
from torch import nn

from nextlabel.errors import ParameterError
from nextlabel.learners.objective import Mixed, Objective
from nextlabel.maths.parameters import checked_choice, checked_flag

__all__ = ["PRECISIONS", "check_speed_ups", "compiled", "in_precision"]

PRECISIONS = ("float32", "mixed")
"""How exactly a network is computed in training."""


def check_speed_ups(precision: Any, is_compiled: Any, where: torch.device) -> None:
    """Refuse what a device cannot do.

    Parameters
    ----------
    precision : {"float32", "mixed"}
    is_compiled : bool
    where : torch.device

    Raises
    ------
    ParameterError
        A precision that has no name, a switch that is none, or a compiled network without a GPU.
    """
    checked_choice(precision, "precision", PRECISIONS, of="TorchLearner")
    checked_flag(is_compiled, "compile", of="TorchLearner")
    if is_compiled and where.type != "cuda":
        message = (
            f"compile of TorchLearner needs a GPU; the device is {str(where)!r}. Use compile=False here, or "
            "device='cuda' where there is a GPU."
        )
        raise ParameterError(message)


def in_precision(objective: Objective, precision: str, where: torch.device) -> Objective:
    """The objective as it is, or with its passes in mixed precision."""
    return Mixed(objective, where.type) if precision == "mixed" else objective


def compiled(network: nn.Module, is_compiled: bool) -> nn.Module:
    """The network as it is, or one that shares its weights and is compiled when it is first called."""
    if not is_compiled:
        return network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch imports what it deprecates itself
        faster: nn.Module = torch.compile(network)  # type: ignore[assignment]
    return faster
