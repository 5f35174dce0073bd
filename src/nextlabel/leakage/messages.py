"""The messages that clients share, made from a model and a batch: gradients, embeddings, updates."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.leakage.batches import array_of, evaluating, inputs_of, last_layer_of, logits_of, targets_of
from nextlabel.leakage.gradients import MessageGradient
from nextlabel.leakage.model_forms import check_form
from nextlabel.learners.layers import embedded
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole

__all__ = ["aggregated", "as_gradient", "embedding", "full", "last_layer", "update"]


def full(
    model: nn.Module,
    items: Array,
    labels: Array,
    *,
    loss: str = "cross_entropy",
    reduction: str = "mean",
) -> Disclosure:
    """The gradient of the loss by every parameter that requires one: what federated SGD sends.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode; neither its weights nor its gradients are written to.
    items : array, first axis b
        As the model takes them.
    labels : array
        Classes (int64), axes (b,); probabilities, axes (b, c); values with the axes of the outputs for the
        squared error; for a language model token ids, axes (b, t), -100 where nothing is asked for.
    loss : str
        One of `Knowledge.losses`.
    reduction : str
        ``"mean"`` or ``"sum"`` over the items (of a language model, over the positions asked for).

    Returns
    -------
    Disclosure
        Of kind ``"full"``: gradients by the names of the parameters; those that two layers share come once.

    Raises
    ------
    DisclosureError
        Labels that do not fit the model, or a model of which nothing requires a gradient.
    ParameterError
        A loss or a reduction that there is not.

    Examples
    --------
    >>> network = nn.Linear(3, 2)
    >>> full(network, np.ones((4, 3), np.float32), np.array([0, 1, 1, 0])).arrays["weight"].shape
    (2, 3)
    """
    found = _gradient(model, items, labels, loss, reduction)
    return Disclosure("full", {name: array_of(one) for name, one in found.items()}, len(items))


def last_layer(
    model: nn.Module,
    items: Array,
    labels: Array,
    *,
    loss: str = "cross_entropy",
    reduction: str = "mean",
) -> Disclosure:
    """The gradient by the weight and the bias of the linear layer that is executed last.

    Parameters
    ----------
    model, items, labels, loss, reduction
        As in `full`.

    Returns
    -------
    Disclosure
        Of kind ``"last_layer"``.

    Raises
    ------
    DisclosureError
        As in `full`, or nothing of the last layer requires a gradient.
    LearnerError
        The model does not end in a linear layer.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    >>> list(last_layer(network, np.ones((1, 3), np.float32), np.array([0])).arrays)
    ['2.weight', '2.bias']
    """
    name = last_layer_of(model, items)
    of_layer = model.get_submodule(name)
    wanted = [
        own
        for own, one in model.named_parameters()
        if one.requires_grad and any(one is held for held in of_layer.parameters())
    ]
    if not wanted:
        message = (
            f"The message is the gradient of the last linear layer, {name!r}, which is frozen: nothing in it "
            "requires a gradient. Share another message, or make it trainable with requires_grad_(True)."
        )
        raise DisclosureError(message)
    found = _gradient(model, items, labels, loss, reduction, wanted)
    return Disclosure("last_layer", {own: array_of(one) for own, one in found.items()}, len(items))


def embedding(
    model: nn.Module,
    items: Array,
    labels: Array | None = None,
    *,
    loss: str = "cross_entropy",
    reduction: str = "mean",
    sketch: Array | None = None,
) -> Disclosure:
    """The gradient embeddings of batch active learning: for each item (p − e_ŷ) ⊗ z.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode; ends in a linear layer.
    items : array, first axis b
        As the model takes them.
    labels : array, optional
        Not read: ŷ is the class that the model itself finds most probable, the first of equal ones.
    loss : str
        ``"cross_entropy"``; there is no other gradient embedding.
    reduction : str
        Not read: there is one embedding for each item.
    sketch : array of float, axes (r, k·d), optional
        A matrix by which each embedding, flattened class after class, is multiplied.

    Returns
    -------
    Disclosure
        Of kind ``"embedding"``: ``"embedding"``, axes (b, k, d); or ``"sketch"``, axes (b, r).

    Raises
    ------
    DisclosureError
        Another loss, a model of one logit, or a sketch of the wrong axes.
    LearnerError
        The model does not end in a linear layer.

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain gradient
    lower bounds. ICLR 2020.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
    >>> embedding(network, np.ones((2, 3), np.float32)).arrays["embedding"].shape
    (2, 4, 5)
    """
    if loss != "cross_entropy":
        message = (
            "A gradient embedding is that of cross-entropy under the model's own label; received "
            f"loss={loss!r}. Share another message, or give loss='cross_entropy'."
        )
        raise DisclosureError(message)
    inputs = inputs_of(model, items)
    name = last_layer_of(model, items)
    with evaluating(model), torch.no_grad(), embedded(model, name, is_input=True) as seen:
        logits = logits_of(model(inputs))
    classes = logits.shape[-1]
    if classes < 2:
        message = (
            f"A gradient embedding needs a model with a logit for each class; this one has {classes}. "
            "With a single output, as of a sigmoid, share the full gradient, or use two logits."
        )
        raise DisclosureError(message)
    residual = logits.softmax(-1) - nn.functional.one_hot(logits.argmax(-1), classes).to(logits.dtype)
    factors = torch.einsum("bk,bd->bkd", residual, seen[0])
    if sketch is None:
        return Disclosure("embedding", {"embedding": array_of(factors)}, len(items))
    flat = array_of(factors).reshape(len(items), -1)
    if np.ndim(sketch) != 2 or np.shape(sketch)[1] != flat.shape[1]:
        message = (
            f"The sketch of an embedding must have the axes (r, {flat.shape[1]}), {classes} classes times "
            f"{seen[0].shape[1]} features; received {np.shape(sketch)}. Give a matrix of that width."
        )
        raise DisclosureError(message)
    return Disclosure("embedding", {"sketch": flat @ np.asarray(sketch, flat.dtype).T}, len(items))


def update(
    model: nn.Module,
    items: Array,
    labels: Array,
    *,
    loss: str = "cross_entropy",
    reduction: str = "mean",
    steps: int = 1,
    rate: float = 0.1,
) -> Disclosure:
    """The change of the weights after local steps of gradient descent: what federated averaging sends.

    Parameters
    ----------
    model, items, labels, loss, reduction
        As in `full`; the model itself is not changed.
    steps : int
        Local steps, from 1, each over the whole batch, without momentum.
    rate : float
        The learning rate, above 0.

    Returns
    -------
    Disclosure
        Of kind ``"update"``: the weights after minus the weights before, by name.

    Raises
    ------
    DisclosureError
        As in `full`.
    ParameterError
        Steps or a rate that make no sense.

    Notes
    -----
    Weights are rounded to the model's precision after each step, as a client's are: the smaller the rate, the
    fewer digits of the gradient are left in the difference.

    Examples
    --------
    >>> network = nn.Linear(3, 2)
    >>> sent = update(network, np.ones((1, 3), np.float32), np.array([0]), steps=2, rate=0.5)
    >>> sent.kind, list(sent.arrays)
    ('update', ['weight', 'bias'])
    """
    steps = checked_whole(steps, "steps", least=1)
    rate = checked_number(rate, "rate", above=0, advice="Give for example 0.1.")
    gradient = _message_gradient(model, loss, reduction)
    inputs = inputs_of(model, items)
    with evaluating(model):
        targets = targets_of(labels, gradient.outputs(inputs), loss)
        weights = gradient.parameters
        for _ in range(steps):
            found = gradient(inputs, targets, weights)
            weights = {name: one - rate * found[name] for name, one in weights.items()}
    change = {name: array_of(one - gradient.parameters[name]) for name, one in weights.items()}
    return Disclosure("update", change, len(items))


def as_gradient(disclosure: Disclosure, knowledge: Knowledge) -> Disclosure:
    """A message read as a gradient: itself, or of an update minus the change over rate times steps.

    Parameters
    ----------
    disclosure : Disclosure
        Of kind ``"full"``, ``"last_layer"`` or ``"update"``.
    knowledge : Knowledge
        With ``steps`` and ``rate`` where it is an update.

    Returns
    -------
    Disclosure
        Of kind ``"full"`` where it was an update.

    Raises
    ------
    DisclosureError
        Embeddings, which are no gradient of a batch, or an update of unknown steps or rate.

    Notes
    -----
    For one step it is the gradient, up to the rounding of the weights; for more it is the mean of the
    gradients along the way, which is not the gradient at the weights known.

    Examples
    --------
    >>> network = nn.Linear(3, 2).double()
    >>> items, labels = np.ones((1, 3)), np.array([1])
    >>> known = Knowledge(network, (3,), 2, steps=1, rate=0.1)
    >>> found = as_gradient(update(network, items, labels, rate=0.1), known)
    >>> np.allclose(found["bias"], full(network, items, labels)["bias"])
    True
    """
    if disclosure.kind in ("full", "last_layer"):
        return disclosure
    if disclosure.kind != "update":
        message = (
            f"Only a gradient or an update can be read as a gradient; received a message of kind "
            f"{disclosure.kind!r}. Give one of kind 'full', 'last_layer' or 'update'."
        )
        raise DisclosureError(message)
    if knowledge.steps is None or knowledge.rate is None:
        message = (
            "An update is read as a gradient by its number of steps and its rate; known are "
            f"steps={knowledge.steps} and rate={knowledge.rate}. Declare both in the attacker's knowledge."
        )
        raise DisclosureError(message)
    scale = knowledge.rate * knowledge.steps
    found = {name: -one / np.asarray(scale, one.dtype) for name, one in disclosure.arrays.items()}
    return Disclosure("full", found, disclosure.items)


def aggregated(disclosures: Iterable[Disclosure], *, reduction: str = "mean") -> Disclosure:
    """What a server sees of several clients under secure aggregation: their messages joined.

    Parameters
    ----------
    disclosures : iterable of Disclosure
        Of one kind, with equal names and shapes.
    reduction : str
        As of the losses: the mean, each message counted by its items, or the sum. Of gradients this is the
        gradient of all items at once.

    Returns
    -------
    Disclosure
        Of the kind of the messages, speaking of all their items.

    Raises
    ------
    DisclosureError
        No messages, messages of different kinds, names or shapes, or embeddings, which are one row an item
        and cannot be added up.
    ParameterError
        A reduction that there is not.

    References
    ----------
    Bonawitz et al. Practical secure aggregation for privacy-preserving machine learning. CCS 2017.

    Examples
    --------
    >>> one, two = (Disclosure("full", {"bias": np.full(2, value)}, items=1) for value in (1.0, 3.0))
    >>> aggregated([one, two])["bias"].tolist(), aggregated([one, two]).items
    ([2.0, 2.0], 2)
    """
    checked_choice(reduction, "reduction", ("mean", "sum"))
    disclosures = tuple(disclosures)
    shapes = {
        (sent.kind, tuple((name, one.shape) for name, one in sent.arrays.items())) for sent in disclosures
    }
    if len(shapes) != 1 or disclosures[0].kind == "embedding":
        kinds = ", ".join(sorted({sent.kind for sent in disclosures})) or "none"
        message = (
            "Messages to aggregate must be gradients or updates of one kind, with equal names and shapes; "
            f"received {len(disclosures)} of kind {kinds}, of {len(shapes)} forms. Aggregate the messages of "
            "one model only."
        )
        raise DisclosureError(message)
    items = sum(sent.items for sent in disclosures)
    share = [sent.items / items if reduction == "mean" else 1.0 for sent in disclosures]
    joined = {
        name: np.sum(
            [part * sent[name].astype(np.float64) for part, sent in zip(share, disclosures, strict=True)],
            axis=0,
        ).astype(one.dtype)
        for name, one in disclosures[0].arrays.items()
    }
    return Disclosure(disclosures[0].kind, joined, items)


def _gradient(
    model: nn.Module,
    items: Array,
    labels: Array,
    loss: str,
    reduction: str,
    names: Sequence[str] | None = None,
) -> dict[str, Tensor]:
    gradient = _message_gradient(model, loss, reduction, names)
    inputs = inputs_of(model, items)
    with evaluating(model):
        return gradient(inputs, targets_of(labels, gradient.outputs(inputs), loss))


def _message_gradient(
    model: nn.Module, loss: str, reduction: str, names: Sequence[str] | None = None
) -> MessageGradient:
    checked_choice(loss, "loss", Knowledge.losses)
    checked_choice(reduction, "reduction", ("mean", "sum"))
    check_form(model)
    gradient = MessageGradient(model, loss, reduction, names)
    if not gradient.parameters:
        message = (
            f"A gradient is taken by parameters that require one; {type(model).__name__} has none. "
            "Make some trainable with requires_grad_(True)."
        )
        raise DisclosureError(message)
    return gradient
