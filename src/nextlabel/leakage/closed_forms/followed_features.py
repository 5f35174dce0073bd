"""From features to the item that has them, which counts only if the model makes them of it again."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from nextlabel.core.attack import Knowledge
from nextlabel.leakage.closed_forms.dense_layers import DenseLayers, probe_of
from nextlabel.leakage.closed_forms.feature_inversion import Inversion, inverted
from nextlabel.leakage.closed_forms.known_items import as_items
from nextlabel.learners.layers import embedded
from nextlabel.maths.axes import Floats

__all__ = ["FollowedFeatures", "features_of", "followed", "range_of", "why_not_followed"]

_PROBES = 32  # items whose features have a sign or an end in common: then not by accident


@final
@dataclass(frozen=True, eq=False)
class FollowedFeatures:
    """How far features could be followed, and what the model makes of the item there.

    Parameters
    ----------
    item : array of float64, the axes of an item, or None
        None where none follows, or the model makes other features of it.
    step : Inversion
    apart : float
        The length between the item's features and those given, as a share of theirs; infinite without item.
    """

    item: Floats | None
    step: Inversion
    apart: float = np.inf


def followed(
    features: Floats, seen: DenseLayers, knowledge: Knowledge, *, tolerance: float, near: float
) -> FollowedFeatures:
    """The item that has these features, through known linear layers.

    Parameters
    ----------
    features : array of float64, axes (d,)
        What enters the last of the layers.
    seen : DenseLayers
        Up to the layer that reads the features.
    knowledge : Knowledge
        The model.
    tolerance : float
        The error of the features, as a share of the largest: as `inverted` takes it.
    near : float
        How far the item's own features may be from these, as a share of their length.

    Returns
    -------
    FollowedFeatures

    Notes
    -----
    `inverted` solves with the units that are on; that the model makes the same features of the item checks
    those that are off as well. One forward pass.

    Examples
    --------
    >>> from torch import nn
    >>> from nextlabel.leakage.closed_forms.dense_layers import dense_layers
    >>> model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 2)).double()
    >>> known, item = Knowledge(model, (2,), 2), np.array([0.5, -1.0])
    >>> features = features_of(item[None], "1", known)[0]
    >>> found = followed(features, dense_layers(known), known, tolerance=1e-12, near=1e-9)
    >>> np.allclose(found.item, item)
    True
    """
    step = inverted(features, seen, tolerance)
    length = float(np.linalg.norm(features))
    if step.row is None or not length:
        return FollowedFeatures(None, step)
    item = seen.items_of(step.row[None])
    own = features_of(item, seen.layers[-1].name, knowledge)[0]
    apart = float(np.linalg.norm(own - features)) / length
    return FollowedFeatures(item[0] if apart <= near else None, step, apart)


def features_of(items: Floats, layer: str, knowledge: Knowledge) -> Floats:
    """What enters a layer of the model.

    Parameters
    ----------
    items : array of float, axes (n, ...)
    layer : str
        As the model calls the module.
    knowledge : Knowledge

    Returns
    -------
    array of float64, axes (n, d)
    """
    with torch.no_grad(), embedded(knowledge.model, layer, is_input=True) as seen:
        knowledge.model(as_items(items, knowledge))
    return seen[0].double().cpu().numpy()


def range_of(layer: str, knowledge: Knowledge) -> tuple[float, float]:
    """Between what the features of items of very different sizes lie: from 0 behind a rectifier or its mean.

    Parameters
    ----------
    layer : str
        That the features enter.
    knowledge : Knowledge

    Returns
    -------
    low, high : float
        0 where none was negative, and 1 with its opposite where none was larger, as behind sigmoids and
        their means; else infinite, as for models that take tokens.
    """
    probe = probe_of(knowledge, _PROBES)
    if not probe.is_floating_point():
        return -np.inf, np.inf
    sizes = np.logspace(-2.0, 4.0, _PROBES).reshape(-1, *[1] * (probe.ndim - 1))
    features = features_of(probe.double().cpu().numpy() * sizes, layer, knowledge)
    features = features[np.isfinite(features).all(axis=1)]
    if not features.any():
        return -np.inf, np.inf
    high = 1.0 if np.abs(features).max() <= 1.0 else np.inf
    return (0.0 if features.min() >= 0.0 else -high), high


def why_not_followed(found: FollowedFeatures, seen: DenseLayers) -> str:
    """Why features gave no item.

    Parameters
    ----------
    found : FollowedFeatures
        Without an item.
    seen : DenseLayers
        The layers that they were followed through.

    Examples
    --------
    >>> from nextlabel.leakage.closed_forms.dense_layers import Dense
    >>> layers = (Dense("0", np.ones((2, 3)), None, None), Dense("1", np.ones((2, 2)), None, None))
    >>> why_not_followed(FollowedFeatures(None, Inversion(None)), DenseLayers(layers, None, (3,)))
    'No item follows: what lies before is not made of linear layers with known activations.'
    """
    if seen.order is None or any(one.activation is None for one in seen.layers[:-1]):
        return "No item follows: what lies before is not made of linear layers with known activations."
    if found.step.row is None:
        return (
            f"No item follows: {found.step.units} units of the layer {found.step.layer!r} speak of its "
            f"{found.step.inputs} inputs, too few or too much alike."
        )
    return (
        f"An item was followed back, of which the model makes features {found.apart:.2g} of their length "
        "away: it is left out."
    )
