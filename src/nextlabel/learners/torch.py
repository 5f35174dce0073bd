"""Any torch network as a learner: embedding, logits and Monte-Carlo dropout draws."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any, final

import numpy as np
from torch import Tensor, nn

from nextlabel.core.learner import Fit, Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task
from nextlabel.errors import ParameterError
from nextlabel.learners.abilities import kept_by_weight
from nextlabel.learners.border import as_spec
from nextlabel.learners.fitting import Fitting
from nextlabel.learners.fresh import network_maker, network_name
from nextlabel.learners.jobs import Job, MakeObjective
from nextlabel.learners.outputs import written
from nextlabel.learners.torch_model import TorchModel, offered
from nextlabel.learners.training import is_named, judged_by
from nextlabel.maths.axes import Array, Labels, Positions
from nextlabel.maths.parameters import checked_flag, checked_whole, settle

__all__ = ["TorchLearner"]


@final
@dataclass(frozen=True)
class TorchLearner(Learner):
    """Trains a torch network, from scratch on every call unless it is told to go on.

    Parameters
    ----------
    network : str, mapping or callable
        A registered network, ``"mlp"``, ``"lenet"``, ``"two_convolutions"``; or a mapping of its
        name and settings, ``{"name": "mlp", "hidden": [64]}``; or a function that makes a fresh
        `torch.nn.Module`, called as ``network(inputs, classes)`` with the shape of one item and the number
        of classes. The module returns logits, axes (n, c).
    train : str, mapping or callable
        ``"adam"`` (see `AdamTraining`) or ``"sgd"`` (see `SgdTraining`), or a mapping of one of these names
        and settings, ``{"name": "adam", "epochs": 50}``; or a function that trains a module in place, called
        as ``train(network, items, labels, rng)`` with all labelled items as one tensor on the device, and
        their class indices.
    embedding : str, optional
        The module whose output, flattened, is the embedding, for example ``"features.4"``. When left out: the
        input of the linear layer that is executed last.
    draws : int
        Passes with Monte-Carlo dropout; 0 for none. The network then needs dropout modules.
    device : str
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
    chunk : int
        Items in a forward pass of prediction.
    features : str or mapping, optional
        What items are turned into before the network reads them: ``"scale"``, numbers on one scale;
        ``"table"``, rows of names and numbers, missing ones too; ``"tfidf"``, the dense form of weighted
        words of texts; or a mapping of one of these names and settings. They are learnt without labels,
        of the labelled and unlabelled items of the fit. When left out: items are read as they are.
    output_change : str or mapping, optional
        ``"jacobian"``, or a mapping of that name and settings (see `JacobianChange`): the model also offers
        `output_change`.
    tangent : str or mapping, optional
        ``"proxy"``, or a mapping of that name and settings (see `ProxyHead`): it also offers `tangent`.
    loss : str, mapping or Loss
        What a named training minimises the mean of: ``"cross_entropy"``, ``"class_balanced"``, ``"focal"``
        and others of the registry, or a mapping of one of these names and settings.
    continues : bool
        Whether training begins with the weights of `previous`, where its network has the same shape; else
        with fresh ones.
    augment : str, mapping or callable, optional
        ``"crop_flip"``, other crops and mirror images in every epoch (see `CropFlip`), or a mapping of that
        name and settings; or a function that changes a minibatch, called as ``augment(items, rng)``.
    precision : {"float32", "mixed"}
        ``"mixed"``: training passes in bfloat16 where torch deems that safe, weights and loss in float32.
        Faster on a GPU, and on a CPU that has instructions for bfloat16; slower on others.
    compile : bool
        Whether torch compiles the network for training; needs a GPU.

    Raises
    ------
    UnknownName
        The network, the training, the loss or another way named is not known.
    ParameterError
        A setting that does not exist or has no sense, or that does not go with another: somebody's own
        training takes no loss, augmentation or precision; `output_change` and `tangent` are of the
        cross-entropy alone.
    LearnerError
        A module in place of a function that makes one.

    Notes
    -----
    Two streams are spawned from the generator: one decides the initial weights, one the order of
    minibatches and whatever else training draws. The global random state is left as it was. On a CPU
    the same generator state gives the same model, bit for bit; on a GPU, a close one.

    Floating items and bytes reach the network as float32, other integers as int64; items that are
    single numbers as rows of one. Whatever the device, signals are NumPy arrays in float32. Prediction
    is done in evaluation mode: batch norm uses its running statistics.

    Features are learnt once for a set of items, also where several trainings are given together: a
    model given as `previous` lends its own where they were learnt of the same. Nothing else of it is used
    unless the learner continues. Features are saved with the model.

    With draws, the model also offers `mean_proba`, `expected_entropy`, `votes` and `spread`, streamed
    so that the n·m·c probabilities are never held, and `draws` itself for who asks for it. Draw j is
    the same thinned network for every item, and layers before the first dropout are computed once: see
    `FixedMasks`. Two calls of `signals` with equal generator states use the same masks.

    What `output_change` and `tangent` need is learnt at the end of a fit and saved with the model, from
    generators of its own: network and other signals are those of a learner without them.

    With another loss than the cross-entropy, `logits` are what the loss says that the outputs mean, so that
    softmax of them estimates class probabilities. Where it says nothing of the kind (the Z-loss), a factor is
    learnt of people's labels, cross-fitted: four trainings in place of one. A loss that
    wants it sets the biases of the last linear layer before training, where the embedding is its input.

    Cost: O(n·m) passes of what follows the first dropout, O(n) of the rest. Memory on the device: the
    labelled items while training, then the weights and a chunk with its activations; on the host the
    signals, O(n·(c + d)).

    References
    ----------
    Gal, Islam, Ghahramani. Deep Bayesian active learning with image data. ICML 2017.

    Examples
    --------
    >>> from nextlabel import arrays, classes
    >>> pool = arrays([[-9.0], [-8.0], [8.0], [9.0]])
    >>> learner = TorchLearner({"name": "mlp", "hidden": [8]}, device="cpu")
    >>> model = learner.fit(pool, np.array([0, 3]), np.array([0, 1]), np.array([1, 2]),
    ...                     np.random.default_rng(0), task=classes("low", "high"))
    >>> said = model.signals(pool, np.array([1, 2]), {"proba", "embedding"}, np.random.default_rng(0))
    >>> said["proba"].argmax(axis=1).tolist(), said["embedding"].shape
    ([0, 1], (2, 8))
    """

    network: Any = "mlp"
    train: Any = "adam"
    embedding: str | None = None
    draws: int = 0
    device: str = "auto"
    chunk: int = 256
    features: Any = None
    output_change: Any = None
    tangent: Any = None
    loss: Any = "cross_entropy"
    continues: bool = False
    augment: Any = None
    precision: str = "float32"
    compile: bool = False

    def __post_init__(self) -> None:
        settle(
            self,
            {
                "network": as_spec(self.network),
                "train": as_spec(self.train),
                "features": as_spec(self.features),
                "output_change": as_spec(self.output_change),
                "tangent": as_spec(self.tangent),
                "loss": written(self.loss),
                "continues": checked_flag(self.continues, "continues", of="TorchLearner"),
                "augment": as_spec(self.augment),
                "draws": checked_whole(self.draws, "draws", least=0, of="TorchLearner"),
                "chunk": checked_whole(self.chunk, "chunk", least=1, of="TorchLearner"),
            },
        )
        self._fitting.check()

    def require(self, pool: Pool, task: Task) -> None:
        """Refuse items that no features are made of, and a network that suits neither items nor classes."""
        self.untrained(pool, task)

    def untrained(self, pool: Pool, task: Task) -> tuple[nn.Module, Tensor] | None:
        """A network for these items and classes, and two items as it reads them; or what would refuse a fit.

        None where that cannot be known before features are learnt, or of a task of several classes an item.
        """
        return self._fitting.untrained(pool, task)

    @property
    def provides(self) -> frozenset[str]:
        """`logits` and `embedding`; with draws also `draws` and its sums; and what else was asked for."""
        return offered(self.draws, self._fitting.asked.signals)

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
    ) -> TorchModel:
        """A network made and trained on the labelled items.

        Of `previous`, the features are used again where they were learnt of the same items, and the weights
        where the learner continues.

        Raises
        ------
        NoLabels
            There are no labels.
        LabelError
            Labels outside the task, or of another number than the positions.
        PoolError
            Positions outside the pool.
        LearnerError
            A network that does not return logits, without a linear last layer or without dropout
            where one is needed, or a training that diverges.
        """
        initialisation, order = rng.spawn(2)
        return self.fit_from(
            pool,
            labelled,
            labels,
            unlabelled,
            task=task,
            initialisation=initialisation,
            order=order,
            previous=previous,
        )

    def fit_from(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        *,
        task: Task,
        initialisation: np.random.Generator,
        order: np.random.Generator,
        previous: Model | None = None,
        beside: Model | None = None,
        weights: Array | None = None,
    ) -> TorchModel:
        """As `fit`, with a generator for the initial weights and one for everything drawn in training.

        Of `beside`, a model fitted in the same round, the features are used again where they were learnt of
        the same items. `weights` are as for `fit_objective`.
        """
        fit = Fit(labelled, labels, unlabelled, order, previous)
        job = self._fitting.job(pool, fit, [initialisation, order], task, [previous, beside])
        return self._fitting.fitted(pool, replace(job, weights=weights), task)

    @property
    def takes_weights(self) -> bool:
        """Whether `fit_weighted` serves: the training has a name."""
        return is_named(self.train)

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
    ) -> TorchModel:
        """As `fit`, with the loss of each labelled item multiplied by its weight.

        Parameters
        ----------
        pool, labelled, labels, unlabelled, rng, task, previous
            As for `fit`.
        weights : array of float64, axes (l,)
            From 0 up, not all 0. Items of weight 0 are left out; the others' are scaled to a mean of 1.

        Raises
        ------
        ParameterError
            Weights that are not finite numbers from 0 up, or all 0.
        LearnerError
            As `fit`; or the training is somebody's own function, which takes no weights.

        Notes
        -----
        Equal weights give the model of `fit`, bit for bit.
        """
        labelled, labels, heavy = kept_by_weight(labelled, labels, weights, learner="TorchLearner")
        fit = Fit(labelled, labels, unlabelled, rng, previous)
        job = self._fitting.job(pool, fit, rng.spawn(2), task, [previous])
        return self._fitting.fitted(pool, replace(job, weights=heavy), task)

    def fit_objective(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        *,
        task: Task,
        initialisation: np.random.Generator,
        order: np.random.Generator,
        objective: MakeObjective | None,
        weights: Array | None = None,
        previous: Model | None = None,
    ) -> TorchModel:
        """As `fit_from`, minimising something else.

        Parameters
        ----------
        pool, labelled, labels, unlabelled, task, initialisation, order, previous
            As for `fit_from`.
        objective : callable or None
            Makes what is minimised, of the network, a few items on its device, the number of classes and the
            loss of this learner for such labels; called once, before training. Torch's randomness
            is seeded then, from a copy of `initialisation`. None for the loss of this learner.
        weights : array of float64, axes (l,), optional
            Of the labelled items, above 0 and 1 on average.

        Raises
        ------
        LearnerError
            As `fit`; or the training is somebody's own function, which takes no objective.
        """
        fit = Fit(labelled, labels, unlabelled, order, previous)
        job = self._fitting.job(pool, fit, [initialisation, order], task, [previous])
        return self._fitting.fitted(pool, replace(job, weights=weights, objective=objective), task)

    def fit_many(self, pool: Pool, fits: Sequence[Fit], *, task: Task) -> list[Model]:
        """Models for several trainings; those with equal numbers of labels are trained together.

        Raises
        ------
        NextlabelError
            As `fit`, for any of them.

        Notes
        -----
        Together, where the network is ``"mlp"`` without dropout and the training ``"adam"``: each has the
        initial weights, the order of minibatches and the end of training that `fit` gives it. On a CPU
        the models are those of `fit`, bit for bit, whichever are given together: `fit` trains a stack
        of one. Otherwise a loop. Features of the same items are learnt once.

        Memory: every item that is labelled in one of the trainings, once; at most 136 MiB beside.
        """
        jobs: list[Job] = []
        for one in fits:
            jobs.append(self._fitting.job(pool, one, one.rng.spawn(2), task, [one.previous, *reversed(jobs)]))
        return [*self._fitting.models(pool, jobs, task)]

    @property
    def remembers(self) -> bool:
        """Whether it continues from `previous`."""
        return self.continues

    @property
    def stacks(self) -> bool:
        """Whether `fit_many` trains replicates together."""
        return self._fitting.stacks

    @property
    def _fitting(self) -> Fitting:
        return Fitting(**{one.name: getattr(self, one.name) for one in fields(self)})

    def load(self, path: Path) -> TorchModel:
        """The model saved there, on this learner's device.

        Raises
        ------
        LearnerError
            The file holds something else, or the weights of another network.
        """
        return self._fitting.loaded(path)

    def judged_on(self, first: int) -> "TorchLearner":
        """The same learner, whose trainings end by their accuracy on so many of the first labelled items."""
        return replace(self, train=judged_by(self.train, first))

    def widened(self, width: float) -> "TorchLearner":
        """The same learner with a network of other width.

        Raises
        ------
        ParameterError
            The network has no setting `width`.
        """
        if (
            not isinstance(self.network, Spec)
            or "width" not in signature(network_maker(self.network)).parameters
        ):
            message = (
                f"A width of {width:g} needs a registered network with the setting 'width'; received "
                f"{network_name(self.network)}. Use 'mlp', 'lenet' or 'two_convolutions', or a width of 1."
            )
            raise ParameterError(message)
        settings = dict(self.network.params)
        settings["width"] = width * settings.get("width", 1.0)
        return replace(self, network=Spec(self.network.name, settings))
