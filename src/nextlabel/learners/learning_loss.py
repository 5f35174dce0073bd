"""A torch network that also learns to predict its own loss, by which items can be picked."""

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Literal, cast, final, get_args

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.learner import Fit, Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.abilities import kept_by_weight
from nextlabel.learners.blocks import are_names, block_names, block_outputs, block_widths
from nextlabel.learners.border import checked_labels, sources
from nextlabel.learners.loss_head import LossHead
from nextlabel.learners.loss_ranking import RANKINGS
from nextlabel.learners.losses import Loss
from nextlabel.learners.objective import Objective, OfLoss
from nextlabel.learners.randomness import seeded
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.torch_model import TorchModel
from nextlabel.learners.training import is_named, trainer
from nextlabel.learners.wrapped import load_wrapped, save_wrapped
from nextlabel.maths.axes import Array, Labels, Positions
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole, settle

__all__ = ["LearningLoss", "LearningLossModel", "Ranking", "WithHead"]

Ranking = Literal["margin", "relative"]
"""How predicted losses are compared with true ones."""

_FORMAT = "nextlabel learning loss 1"
_HEAD = "head.pt"


@final
class WithHead(Objective):
    """A loss, and beside it how well a head predicts the order of that loss.

    Parameters
    ----------
    head : LossHead
    loss : Loss
        What the network minimises, and the head predicts.
    settings : LearningLoss
    """

    def __init__(self, head: LossHead, loss: Loss, settings: "LearningLoss") -> None:
        self._head = head
        self._of = OfLoss(loss)
        self._settings = settings
        self._is_apart = False

    def beside(self) -> LossHead:
        """The head."""
        return self._head

    def begin(self, epoch: int, epochs: int) -> None:
        """Notice when the head no longer shapes the network."""
        self._is_apart = epoch > round(self._settings.stop * epochs, 6)

    def loss(self, network: nn.Module, items: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        """The mean loss, and the weighted ranking loss of the head."""
        with block_outputs(network, self._head.names) as outputs:
            mean, losses = self._of.both(network, items, labels, weights)
        features = [outputs[name] for name in self._head.names]
        predicted = self._head([one.detach() for one in features] if self._is_apart else features)
        return mean + self._settings.weight * self._settings.ranked(predicted, losses)


@final
@dataclass(frozen=True)
class LearningLoss(Learner):
    """Trains a torch network, and a small head beside it that learns which items have the larger loss.

    Parameters
    ----------
    of : TorchLearner
        With a training that has a name, in minibatches of at least two items.
    blocks : sequence of str, optional
        The modules whose outputs the head reads, for example ``["layer1", "layer2"]``. When left out: those
        that the network names in its attribute `blocks`, or else every `torch.nn.ReLU`, as often as it is
        executed: ``"relu#2"`` is what the module `relu` says the second time.
    hidden : int
        Units of the head for each block.
    margin : float
        ξ, above 0: by how much the item of the larger loss is to be predicted above the other; of
        ``"margin"`` alone.
    weight : float
        λ, from 0 up, of the head's loss beside the network's. At 0 the network is trained as without a
        head, and the head stays as it was drawn.
    stop : float
        The share of the epochs, in [0, 1], after which the head no longer shapes the network: features
        reach it without their gradient.
    loss : {"margin", "relative"}
        What the head minimises: `margin_ranking`, of the pairs of a minibatch, or `relative_ranking`, of all
        of them, which has no margin.

    Raises
    ------
    ParameterError
        Something else than a `TorchLearner` with such a training, one that compiles its network, or a
        value out of its range.

    Notes
    -----
    Models publish `loss`, the predicted loss of each item, beside all that those of the wrapped learner do.
    Its unit is nobody's: only the order of items is learnt. The strategy `predicted_loss` picks by it.

    Features are averaged over space, go through a linear layer with rectifiers for each block, and
    together through a linear layer to one number. What is predicted is the loss that the learner
    minimises, weights of items aside, detached: no gradient flows to it. The head has an optimiser of its
    own, of the same settings. Shares of epochs are those of the cap: a training that ends early, at an
    accuracy, may end before features are detached.

    With few labels the network fits them all, true losses are near 0 and their order is noise: the
    method wants thousands of labels and a training that does not stop at the first perfect epoch.

    Cost: in training that of the learner, and of the head O(hidden·d) an item for the d features of all
    blocks; for `loss` one more pass over the items. Memory: that of the learner, and with ``"relative"``
    O(n²) for n items of a minibatch.

    References
    ----------
    Yoo, Kweon. Learning loss for active learning. CVPR 2019. Section 3.
    Wang, Song, Fan, Wang, Xie, Zhang. Hard patches mining for masked image modeling. CVPR 2023, for
    ``"relative"``.

    Examples
    --------
    >>> from nextlabel import arrays, classes
    >>> pool = arrays([[-9.0], [-8.0], [8.0], [9.0]])
    >>> learner = LearningLoss(TorchLearner(device="cpu"))
    >>> model = learner.fit(pool, np.array([0, 3]), np.array([0, 1]), np.array([1, 2]),
    ...                     np.random.default_rng(0), task=classes("low", "high"))
    >>> said = model.signals(pool, np.array([1, 2]), {"loss", "proba"}, np.random.default_rng(0))
    >>> said["loss"].shape, said["proba"].argmax(axis=1).tolist()
    ((2,), [0, 1])
    """

    of: TorchLearner
    blocks: Sequence[str] | None = None
    hidden: int = 128
    margin: float = 1.0
    weight: float = 1.0
    stop: float = 0.6
    loss: Ranking = "margin"

    def __post_init__(self) -> None:
        self._check_learner()
        name, share = "LearningLoss", "Give a share of the epochs."
        if self.blocks is not None and not are_names(self.blocks):
            message = (
                f"LearningLoss's 'blocks' must be names of modules; received {self.blocks!r}. Give for "
                "example blocks=['layer1', 'layer2'], or None."
            )
            raise ParameterError(message)
        settle(
            self,
            {
                "blocks": None if self.blocks is None else tuple(self.blocks),
                "hidden": checked_whole(self.hidden, "hidden", least=1, of=name),
                "margin": checked_number(self.margin, "margin", above=0, of=name, advice="Give 1."),
                "weight": checked_number(self.weight, "weight", least=0, of=name, advice="Give 0 for none."),
                "stop": checked_number(self.stop, "stop", least=0, most=1, of=name, advice=share),
                "loss": checked_choice(self.loss, "loss", get_args(Ranking), of=name),
            },
        )

    def _check_learner(self) -> None:
        given = cast(object, self.of)
        if not isinstance(given, TorchLearner) or not is_named(given.train) or given.compile:
            shown = type(given).__name__ if isinstance(given, Learner) else repr(given)
            why = ""
            if isinstance(given, TorchLearner):
                why = " that compiles its network" if given.compile else " with somebody's own training"
            message = (
                "LearningLoss trains a head beside a network and needs a TorchLearner whose training has a "
                f"name, not compiled; received {shown}{why}. Give for example "
                "TorchLearner('lenet', train='sgd'); other wrappers go round this one."
            )
            raise ParameterError(message)
        if trainer(given.train).chunk == 1:  # type: ignore[attr-defined]
            message = (
                "LearningLoss compares items of a minibatch; received a training with a chunk of 1. Give "
                "for example train={'name': 'sgd', 'chunk': 128}."
            )
            raise ParameterError(message)

    @property
    def provides(self) -> frozenset[str]:
        """What the wrapped learner provides, and `loss`."""
        return self.of.provides | {"loss"}

    def require(self, pool: Pool, task: Task) -> None:
        """Refuse what the wrapped learner refuses, and blocks that its network does not have."""
        if made := self.of.untrained(pool, task):
            network, items = made
            block_widths(network, items, block_names(network, items, self.blocks))

    @property
    def remembers(self) -> bool:
        """Whether the wrapped learner does."""
        return self.of.remembers

    def ranked(self, predicted: Tensor, losses: Tensor) -> Tensor:
        """What the head minimises, of predicted and true losses of a minibatch, axes (n,) each."""
        given = {"margin": self.margin} if self.loss == "margin" else {}
        return RANKINGS[self.loss](predicted.float(), losses, **given)

    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> "LearningLossModel":
        """Network and head, trained together.

        Of a `previous` of this learner the wrapped learner is given what it made; where it continues, the
        head does.

        Raises
        ------
        NoLabels
            There are no labels.
        LabelError
            Labels outside the task, or of another number than the positions.
        PoolError
            Positions outside the pool.
        LearnerError
            A task of several classes an item; blocks that the network does not have or execute, or none
            found; or as the wrapped learner.
        """
        return self._fitted(pool, Fit(labelled, labels, unlabelled, rng, previous), task)

    @property
    def takes_weights(self) -> bool:
        """Yes: the training of the wrapped learner has a name."""
        return self.of.takes_weights

    def fit_weighted(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        weights: Array,
        previous: Model | None = None,
    ) -> "LearningLossModel":
        """As `fit`, with the network's loss of each labelled item multiplied by its weight.

        Parameters
        ----------
        pool, labelled, labels, unlabelled, rng, task
            As for `fit`.
        weights : array of float64, axes (l,)
            From 0 up, not all 0. Items of weight 0 are left out; the others' are scaled to a mean of 1.
        previous
            As for `fit`.

        Raises
        ------
        ParameterError
            Weights that are not finite numbers from 0 up, or all 0.
        LearnerError
            As `fit`.

        Notes
        -----
        The head learns the order of the losses without weights. Equal weights give the model of `fit`, bit
        for bit.
        """
        labelled, labels, heavy = kept_by_weight(labelled, labels, weights, learner="LearningLoss")
        return self._fitted(pool, Fit(labelled, labels, unlabelled, rng, previous), task, heavy)

    def _fitted(self, pool: Pool, fit: Fit, task: Task, weights: Array | None = None) -> "LearningLossModel":
        labelled, labels = checked_labels(pool, fit.labelled, fit.labels, task, learner="LearningLoss")
        previous = fit.previous
        before = previous if isinstance(previous, LearningLossModel) else None
        initialisation, order = fit.rng.spawn(2)
        made: list[LossHead] = []

        def objective(network: nn.Module, items: Tensor, classes: int, loss: Loss) -> Objective:
            made.append(self._head(network, items, before))
            return WithHead(made[-1], loss, self)

        model = self.of.fit_objective(
            pool,
            labelled,
            labels,
            fit.unlabelled,
            task=task,
            initialisation=initialisation,
            order=order,
            objective=objective if self.weight else None,
            weights=weights,
            previous=previous if before is None else before.of,
        )
        if not made:  # the network was trained as without a head, in whatever way is fastest
            items = model.items(pool, labelled[:2])
            with seeded(deepcopy(initialisation), items.device):
                made.append(self._head(model.network, items, before))
        return LearningLossModel(model, made[0], self.provides)

    def judged_on(self, first: int) -> "LearningLoss":
        """The same learner, whose trainings end by their accuracy on so many of the first labelled items."""
        return replace(self, of=self.of.judged_on(first))

    def load(self, path: Path) -> "LearningLossModel":
        """The model saved there, on the wrapped learner's device.

        Raises
        ------
        LearnerError
            The folder holds something else, or the weights of another network.
        """
        inner, said = load_wrapped(path, self.of, format=_FORMAT, model="LearningLossModel")
        assert isinstance(inner, TorchModel)
        head = LossHead(said["blocks"], said["widths"], said["hidden"])
        try:
            head.load_state_dict(torch.load(Path(path) / _HEAD, map_location="cpu", weights_only=True))
        except Exception as cause:  # what a torn file raises is the unpickler's affair
            message = (
                f"The head that LearningLossModel.save wrote was expected in {Path(path) / _HEAD}; it cannot "
                f"be read: {cause}. Restore the file, or fit the model again."
            )
            raise LearnerError(message) from cause
        return LearningLossModel(inner, head.to(inner.device), self.provides)

    def _head(self, network: nn.Module, items: Tensor, before: "LearningLossModel | None") -> LossHead:
        """A fresh head, or the last one where training continues with a network of the same shape."""
        names = block_names(network, items, self.blocks)
        head = LossHead(names, block_widths(network, items, names), self.hidden).to(items.device)
        if self.of.continues and before is not None and before.head.shape == head.shape:
            head.load_state_dict(before.head.state_dict())
        return head


@final
class LearningLossModel(Model):
    """A trained network, and the head that predicts its loss.

    Attributes
    ----------
    of : TorchModel
    head : LossHead
    """

    def __init__(self, of: TorchModel, head: LossHead, offered: Collection[str]) -> None:
        self.of = of
        self.head = head.eval()
        self._offered = frozenset(offered)

    @property
    def fingerprint(self) -> str:
        """A digest of the network's fingerprint and of the head's weights and blocks."""
        digest = blake2b(repr((self.of.fingerprint, self.head.names)).encode(), digest_size=16)
        for name, values in self.head.state_dict().items():
            digest.update(f"{name}{tuple(values.shape)}".encode())
            digest.update(values.cpu().numpy().tobytes())
        return digest.hexdigest()

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the network says of some items, and how large the head takes its loss to be."""
        wanted = sources(names, self._offered, "A model that predicts its loss")
        said = self.of.signals(pool, positions, wanted - {"loss"}, rng)
        made: dict[str, Array] = {name: said[name] for name in wanted - {"loss"}}
        if "loss" in wanted:
            made |= self.of.told(pool, positions, self._predicted)
        return Signals(made, n=said.n)

    def save(self, path: Path) -> None:
        """Write the network's model, the head and what is needed to make it again, into a folder."""
        shape = {"blocks": self.head.names, "widths": self.head.widths, "hidden": self.head.hidden}
        save_wrapped(path, self.of, {"format": _FORMAT, **shape})
        torch.save(self.head.state_dict(), Path(path) / _HEAD)

    @torch.no_grad()
    def _predicted(self, items: Tensor) -> dict[str, Array]:
        with block_outputs(self.of.network, self.head.names) as outputs:
            self.of.network(items)
        predicted = self.head([outputs[name] for name in self.head.names])
        return {"loss": predicted.float().cpu().numpy()}
