"""Whether a message is what it is said to be, asked before any attack runs."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.batches import evaluating, inputs_of, last_layer_of, logits_of
from nextlabel.leakage.blank_items import blank_item
from nextlabel.leakage.embedding_evidence import embedding_evidence
from nextlabel.leakage.given import require_classes, require_probabilities
from nextlabel.leakage.label_evidence import are_soft
from nextlabel.leakage.loss_evidence import evidence
from nextlabel.leakage.model_forms import check_form
from nextlabel.leakage.model_modes import check_modes

__all__ = ["check", "check_weights", "remarks"]

_KINDS = ("embedding", "full", "last_layer", "update")


def check(disclosure: Disclosure, knowledge: Knowledge) -> None:
    """Refuse a message that is not what the attacker's knowledge says, and name what is wrong.

    Parameters
    ----------
    disclosure : Disclosure
        The message.
    knowledge : Knowledge
        What it is said to be: model, loss, reduction, size.

    Raises
    ------
    DisclosureError
        A kind that there is not; a model that cannot be run with other weights, that draws or mixes the items
        of a batch, in training mode or in evaluation mode, with weights that are not finite, or that does not
        take such items or give so many outputs; names or shapes of another model, of frozen parameters, or of
        one parameter twice; another number of items or labels; or numbers that the stated loss and reduction
        cannot give.

    Notes
    -----
    Numbers are judged only where arithmetic settles it: a message that was noised, pruned or rounded to few
    bits settles nothing, and is not refused for that. Of several items almost nothing is settled: neither
    other weights, nor a factor, nor a mean that is said to be a sum; `remarks` says so. Costs a few forward
    passes of one or two items, and nine more of two where the model is in training mode.

    Examples
    --------
    >>> network = nn.Linear(2, 3)
    >>> known = Knowledge(network, (2,), 3)
    >>> sent = Disclosure("full", {"weight": np.zeros((3, 2)), "bias": np.zeros(3)}, items=1)
    >>> check(sent, known)
    """
    if disclosure.kind not in _KINDS:
        message = (
            f"A message is of kind {', '.join(_KINDS)}; received {disclosure.kind!r}. Make it with a "
            "registered message, or say which of these it is."
        )
        raise DisclosureError(message)
    check_form(knowledge.model)
    check_modes(knowledge)
    check_weights(knowledge.model)
    _check_size(disclosure, knowledge)
    _check_outputs(knowledge)
    if disclosure.kind == "embedding":
        _check_embedding(disclosure, knowledge)
        fault = embedding_evidence(disclosure, knowledge).fault
    else:
        _check_names(disclosure, knowledge)
        fault = evidence(disclosure, knowledge, blank_item(knowledge)).fault
    if fault:
        raise DisclosureError(fault)


def remarks(disclosure: Disclosure, knowledge: Knowledge) -> tuple[str, ...]:
    """What a reader of the report should know of a message that passed the check.

    Parameters
    ----------
    disclosure, knowledge
        As in `check`.

    Returns
    -------
    tuple of str
        Sentences: more items than classes, soft labels, frozen or tied embeddings, a last layer without bias,
        numbers that were changed on the way, or weights and a loss that cannot be seen in the numbers, as
        those of several items.

    Examples
    --------
    >>> known = Knowledge(nn.Linear(2, 3), (2,), 3, batch=4)
    >>> sent = Disclosure("full", {"weight": np.zeros((3, 2)), "bias": np.zeros(3)}, items=4)
    >>> remarks(sent, known)[0]
    'The message speaks of 4 items and there are 3 classes: some label occurs twice.'
    """
    said = []
    if disclosure.items > knowledge.classes and knowledge.loss == "cross_entropy":
        said.append(
            f"The message speaks of {disclosure.items} items and there are {knowledge.classes} classes: some "
            "label occurs twice."
        )
    if disclosure.kind != "embedding" and knowledge.loss == "cross_entropy" and are_soft(knowledge.labels):
        said.append(
            "The labels are soft: an attack that reads one label off the signs names at most the class of "
            "the largest share."
        )
    if not any(one.any() for one in disclosure.arrays.values()):
        said.append("Every number of the message is zero: it says nothing of any item.")
    said += _of_embeddings(knowledge.model)
    if disclosure.kind == "embedding":
        said += embedding_evidence(disclosure, knowledge).remarks
    else:
        said += evidence(disclosure, knowledge, blank_item(knowledge)).remarks
    return tuple(said)


def check_weights(model: nn.Module) -> None:
    """Refuse a model whose weights are not finite, and name the first such.

    Parameters
    ----------
    model : torch.nn.Module

    Raises
    ------
    DisclosureError
        Numbers that are NaN or infinite.
    """
    for name, one in model.named_parameters():
        if not bool(torch.isfinite(one).all()):
            count = int((~torch.isfinite(one)).sum())
            message = (
                f"The model's weights must be finite; {count:,} of the {one.numel():,} numbers of {name!r} "
                "are NaN or infinite. Give the weights at which the message was made."
            )
            raise DisclosureError(message)


def _check_size(disclosure: Disclosure, knowledge: Knowledge) -> None:
    if knowledge.batch is not None and knowledge.batch != disclosure.items:
        message = (
            f"The message speaks of {disclosure.items} items; the attacker is said to know that there are "
            f"{knowledge.batch}. Give one number for both."
        )
        raise DisclosureError(message)
    if knowledge.labels is not None and len(knowledge.labels) != disclosure.items:
        message = (
            f"The message speaks of {disclosure.items} items; the attacker is said to know "
            f"{len(knowledge.labels)} labels. Give one for each item."
        )
        raise DisclosureError(message)
    require_classes(knowledge.classes, knowledge.loss)
    told = np.asarray(knowledge.labels if knowledge.labels is not None else [0])
    require_probabilities(told, knowledge.loss)
    is_class = told.dtype.kind in "iu" and knowledge.loss == "cross_entropy"
    if is_class and not 0 <= told.min() <= told.max() < knowledge.classes:
        message = (
            f"Labels must be whole numbers from 0 to {knowledge.classes - 1}; the attacker is said to know "
            f"labels from {told.min()} to {told.max()}. Give the classes as the model counts them."
        )
        raise DisclosureError(message)


def _check_outputs(knowledge: Knowledge) -> None:
    item = blank_item(knowledge)
    try:
        with evaluating(knowledge.model), torch.no_grad():
            said = knowledge.model(inputs_of(knowledge.model, item))
    except Exception as cause:  # a model may raise anything
        message = (
            f"The model must take items of the shape {knowledge.item_shape}; given one, it raised "
            f"{type(cause).__name__}: {cause}. State the shape of one item as the model takes it."
        )
        raise DisclosureError(message) from cause
    said = logits_of(said)
    if not isinstance(said, Tensor) or not said.ndim or said.shape[-1] != knowledge.classes:
        shape = tuple(said.shape) if isinstance(said, Tensor) else type(said).__name__
        message = (
            f"The model must give {knowledge.classes} outputs for an item, as the attacker's knowledge says; "
            f"for one item it gives {shape}. State the number of its outputs."
        )
        raise DisclosureError(message)


def _check_names(disclosure: Disclosure, knowledge: Knowledge) -> None:
    model = knowledge.model
    own = dict(model.named_parameters())
    wanted = {name: one for name, one in own.items() if one.requires_grad}
    if disclosure.kind == "last_layer":
        layer = _last_layer(knowledge)
        held = list(model.get_submodule(layer).parameters())
        wanted = {name: one for name, one in wanted.items() if any(one is part for part in held)}
    _check_strangers(disclosure, own, wanted, dict(model.named_parameters(remove_duplicate=False)))
    missing = [name for name in wanted if name not in disclosure.arrays]
    if missing:
        message = (
            f"A message of kind {disclosure.kind!r} of this model has {len(wanted)} arrays; it lacks "
            f"{_listed(missing)}. It is of another model, or those were frozen: then call "
            "requires_grad_(False) on them."
        )
        raise DisclosureError(message)
    for name, one in disclosure.arrays.items():
        if one.shape != tuple(wanted[name].shape):
            message = (
                f"The array {name!r} must have the shape of the model's parameter, "
                f"{tuple(wanted[name].shape)}; it has {one.shape}. The message is of another model."
            )
            raise DisclosureError(message)


def _check_strangers(
    disclosure: Disclosure,
    own: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    every: Mapping[str, Tensor],
) -> None:
    for name in disclosure.arrays:
        if name in wanted:
            continue
        if name in own and not own[name].requires_grad:
            message = (
                f"The message names {name!r}, which is frozen in the attacker's model: it has no gradient. "
                "Call requires_grad_(True) on it, or leave it out of the message."
            )
            raise DisclosureError(message)
        if name in own:
            message = (
                f"The message names {name!r}, which is not of the last linear layer "
                f"({_listed(list(wanted))}). Say that its kind is 'full', or send the last layer only."
            )
            raise DisclosureError(message)
        if name in every:
            first = next(one for one in own if own[one] is every[name])
            message = (
                f"The message names {name!r}, which is tied: it is the same parameter as {first!r}. Send it "
                f"once, as {first!r}, with both gradients added."
            )
            raise DisclosureError(message)
        message = (
            f"The message names {name!r}; the model has no such parameter. Its own are "
            f"{_listed(list(wanted))}. The message is of another model."
        )
        raise DisclosureError(message)


def _check_embedding(disclosure: Disclosure, knowledge: Knowledge) -> None:
    name = "sketch" if "sketch" in disclosure.arrays else "embedding"
    if set(disclosure.arrays) != {name}:
        message = (
            "A message of gradient embeddings holds one array, 'embedding' or 'sketch'; received "
            f"{_listed(list(disclosure.arrays))}. Give one of the two."
        )
        raise DisclosureError(message)
    layer = knowledge.model.get_submodule(_last_layer(knowledge))
    shape: tuple[int, ...] = (disclosure.items, knowledge.classes, layer.in_features)
    if name == "sketch":
        rows = disclosure["sketch"].shape[-1]
        if knowledge.sketch is not None:
            rows = len(knowledge.sketch)
            width = knowledge.classes * layer.in_features
            if knowledge.sketch.shape != (rows, width):
                message = (
                    f"The matrix of a sketch must have the axes (r, {width}); the attacker is said to know "
                    f"one of {knowledge.sketch.shape}. Give the matrix of this model's embeddings."
                )
                raise DisclosureError(message)
        shape = (disclosure.items, rows)
    if disclosure[name].shape != shape:
        message = (
            f"The array {name!r} must have the axes {shape} for this model and message; it has "
            f"{disclosure[name].shape}. It is of another model, or of another number of items."
        )
        raise DisclosureError(message)


def _last_layer(knowledge: Knowledge) -> str:
    try:
        return last_layer_of(knowledge.model, blank_item(knowledge))
    except LearnerError as cause:
        message = f"The message is of the last linear layer, and the model has none that is read. {cause}"
        raise DisclosureError(message) from cause


def _of_embeddings(model: nn.Module) -> list[str]:
    said = []
    every = dict(model.named_parameters(remove_duplicate=False))
    for name, module in model.named_modules():
        if not isinstance(module, nn.Embedding):
            continue
        twins = [other for other, one in every.items() if one is module.weight and other != f"{name}.weight"]
        if not module.weight.requires_grad:
            said.append(
                f"The token embedding {name!r} is frozen: its gradient, whose rows name the words, is not in "
                "the message."
            )
        elif twins:
            said.append(
                f"The token embedding {name!r} is tied to {_listed(twins)}: rows of its gradient are not "
                "zero also for words that do not occur."
            )
    return said


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:4])) or "none"
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} others"
