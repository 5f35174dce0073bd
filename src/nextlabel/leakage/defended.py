"""What a defence costs: the accuracy of a model that is trained on nothing but defended messages."""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.defence import Defence
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.progress import report
from nextlabel.errors import DisclosureError, ParameterError
from nextlabel.leakage.batches import array_of, evaluating, inputs_of, last_layer_of, logits_of, targets_of
from nextlabel.leakage.gradients import joined_loss
from nextlabel.leakage.messages import aggregated, update
from nextlabel.leakage.model_copies import copied
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole

__all__ = ["defended_accuracy"]

_SHARES = ("full", "last_layer", "update")
_CHUNK = 256


def defended_accuracy(
    model: nn.Module,
    items: Array,
    labels: Array,
    held_items: Array,
    held_labels: Array,
    *,
    rng: np.random.Generator,
    defences: Sequence[Defence] = (),
    share: str = "full",
    batch: int = 1,
    clients: int = 1,
    steps: int = 1,
    epochs: int = 2,
    rate: float = 0.1,
    loss: str = "cross_entropy",
    reduction: str = "mean",
) -> float:
    """Accuracy on held-out items after training by messages, each defended before it is used.

    Parameters
    ----------
    model : torch.nn.Module
        Where training begins; it is copied.
    items, labels : array, first axis n
        To train on; labels are classes.
    held_items, held_labels : array, first axis t
        To measure on; no part of the training.
    rng : numpy.random.Generator
        Its first child draws the order of items, its second what the defences draw: two defences compared at
        one seed see the items in one order.
    defences : sequence of Defence
        Applied in turn to every message of every client.
    share : str
        ``"full"`` or ``"last_layer"``: a step of gradient descent follows each message; ``"update"``: the
        defended change of the weights is added.
    batch : int
        Items in a message.
    clients : int
        Messages joined before they are used, as under secure aggregation.
    steps : int
        Local steps of an update.
    epochs : int
        How often training goes over the items; what does not fill a message is left out of an epoch.
    rate : float
        The learning rate of the first message; it falls by equal steps, so that the last is a small one.
    loss, reduction : str
        As of the messages. With the reduction ``"sum"`` the message is divided by its number of items, so
        that a rate means the same.

    Returns
    -------
    float
        In [0, 1]; 0 where training diverged, since a model that says nan is wrong.

    Raises
    ------
    DisclosureError
        Labels that do not fit the model, or a defence that cannot be applied to such messages.
    ParameterError
        A message that nobody trains with, such as an embedding; sizes that make no sense, or more items in a
        step than there are.

    Notes
    -----
    The same training for every defence: no rate is tuned to one. A defence that changes the length of
    messages, as the sign does, may look dearer than it would with a rate of its own. In evaluation mode
    throughout, as messages are made. Time: epochs · n forward and backward passes, in batches.
    """
    checked_choice(share, "share", _SHARES, advice="Other messages train no model.")
    for name, value in {"batch": batch, "clients": clients, "steps": steps, "epochs": epochs}.items():
        checked_whole(value, name, least=1)
    rate = checked_number(rate, "rate", above=0, advice="Give for example 0.1.")
    together = batch * clients
    if together > len(items):
        message = (
            f"A step takes {together} items, {batch} from each of {clients} clients; there are {len(items)} "
            "to train on. Give more items, or smaller batches."
        )
        raise ParameterError(message)
    network = copied(model)
    with evaluating(network), torch.no_grad():  # labels that do not fit are refused before the training
        targets_of(labels, logits_of(network(inputs_of(network, items))), loss)
    sent = _Sender(network, items, labels, share, loss, reduction, steps)
    every = epochs * (len(items) // together)
    of_order, of_defences = rng.spawn(2)
    for done, rows in enumerate(_rows(len(items), together, epochs, of_order)):
        now = rate * (1.0 - done / every)
        try:
            messages = [sent.message(part, now) for part in rows.reshape(clients, batch)]
            for defence in defences:
                messages = [defence.apply(one, of_defences) for one in messages]
            sent.take(messages[0] if clients == 1 else aggregated(messages, reduction=reduction), now)
        except DisclosureError:
            if done == 0:
                raise  # the defence cannot be applied to such a message at all
            return 0.0  # a message that is not finite: the training diverged
        report("training on defended messages", done + 1, every)
    return _accuracy(network, held_items, held_labels)


@final
class _Sender:
    """Makes the messages of a network that goes on changing, and changes it by what is received."""

    def __init__(
        self,
        network: nn.Module,
        items: Array,
        labels: Array,
        share: str,
        loss: str,
        reduction: str,
        steps: int,
    ) -> None:
        self._network, self._items, self._labels = network, items, labels
        self._share, self._loss, self._reduction = share, loss, reduction
        self._steps = steps
        kept = {name: one for name, one in network.named_parameters() if one.requires_grad}
        if share == "last_layer":
            layer = network.get_submodule(last_layer_of(network, items))
            own = list(layer.parameters(recurse=False))
            kept = {name: one for name, one in kept.items() if any(one is held for held in own)}
        self._parameters: dict[str, Tensor] = dict(kept)

    def message(self, rows: Array, rate: float) -> Disclosure:
        items, labels = self._items[rows], self._labels[rows]
        kinds = {"loss": self._loss, "reduction": self._reduction}
        if self._share == "update":
            return update(self._network, items, labels, steps=self._steps, rate=rate, **kinds)
        # one backward pass in place of torch.func, which costs five times as much for so small a batch
        with evaluating(self._network):
            outputs = logits_of(self._network(inputs_of(self._network, items)))
            value = joined_loss(outputs, targets_of(labels, outputs, self._loss), self._loss, self._reduction)
            found = torch.autograd.grad(value, list(self._parameters.values()))
        named = zip(self._parameters, found, strict=True)
        return Disclosure(self._share, {name: array_of(one) for name, one in named}, len(rows))

    def take(self, received: Disclosure, rate: float) -> None:
        scale = 1.0 if self._share == "update" else -rate
        if self._reduction == "sum" and self._share != "update":
            scale /= received.items
        with torch.no_grad():
            for name, one in self._parameters.items():
                one.add_(torch.as_tensor(np.array(received[name])).to(one), alpha=scale)


def _rows(count: int, together: int, epochs: int, rng: np.random.Generator) -> Iterator[Array]:
    for _ in range(epochs):
        order = rng.permutation(count)[: count - count % together]
        yield from order.reshape(-1, together)


def _accuracy(network: nn.Module, items: Array, labels: Array) -> float:
    with evaluating(network), torch.no_grad():
        chunks = torch.split(inputs_of(network, items), _CHUNK)
        said = torch.cat([logits_of(network(part)) for part in chunks])
    is_right = (said.argmax(-1).cpu().numpy() == labels) & torch.isfinite(said).all(-1).cpu().numpy()
    return float(is_right.mean())
