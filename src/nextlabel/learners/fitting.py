"""How the trainings of a torch learner are carried out: each by itself, or several in a stack."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.learner import Fit, Model
from nextlabel.core.pool import Pool
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, NoLabels, ParameterError
from nextlabel.learners.augmentation import augmentation
from nextlabel.learners.border import checked_labels
from nextlabel.learners.devices import torch_device
from nextlabel.learners.dropout import check_dropout
from nextlabel.learners.epochs import Trained
from nextlabel.learners.features import Features, encoder, features_of
from nextlabel.learners.fresh import begin_at, fresh_network, network_maker, network_name, set_bias
from nextlabel.learners.further import Asked, Further
from nextlabel.learners.jobs import Job, read_together
from nextlabel.learners.layers import embedding_place
from nextlabel.learners.losses import CrossEntropy, loss_of
from nextlabel.learners.objective import Objective, OfLoss
from nextlabel.learners.outputs import Outputs
from nextlabel.learners.precision import check_speed_ups, compiled, in_precision
from nextlabel.learners.randomness import seed_of, seeded
from nextlabel.learners.stacked import stackable, train_together
from nextlabel.learners.temperature import learnt_inverse_temperature
from nextlabel.learners.torch_model import TorchModel, as_tensor, saved_at
from nextlabel.learners.training import AdamTraining, is_named, trainer
from nextlabel.maths.axes import Array, Positions

__all__ = ["Fitting"]

_FEATURES = 16  # of an item that a network is tried on before any are learnt


@final
@dataclass(frozen=True)
class Fitting:
    """The settings of a `TorchLearner`, checked, and the work that follows from them.

    Parameters
    ----------
    network, train, features, output_change, tangent, loss, augment : Spec, object or None
        As `TorchLearner` holds them.
    embedding : str or None
    draws, chunk : int
    device, precision : str
    continues, compile : bool
    """

    network: Any
    train: Any
    embedding: str | None
    draws: int
    device: str
    chunk: int
    features: Any
    output_change: Any
    tangent: Any
    loss: Any
    continues: bool
    augment: Any
    precision: str
    compile: bool

    @property
    def asked(self) -> Asked:
        """The signals that are more than outputs of the network."""
        return Asked.of(self.output_change, self.tangent)

    @property
    def stacks(self) -> bool:
        """Whether several trainings are carried out together."""
        is_usual = stackable(self.network, self.train) and not self.draws
        return is_usual and not (self.special or self.compile)

    @property
    def special(self) -> list[str]:
        """What a training must take beside items and labels, by the names of the settings."""
        asked = {
            "loss": not self.minimised.are_logits,
            "augment": self.augment is not None,
            "precision": self.precision != "float32",
        }
        return [name for name, is_asked in asked.items() if is_asked]

    @property
    def minimised(self) -> Outputs:
        """The loss, and how outputs become logits by it, before anything is learnt of that."""
        return Outputs(loss_of(self.loss))

    def untrained(self, pool: Pool, task: Task) -> tuple[nn.Module, Tensor] | None:
        """A fresh network, and two items as it reads them: see `TorchLearner.untrained`."""
        first, made = pool.take(np.zeros(1, np.int64)), encoder(self.features)
        if made is not None:
            made.require(first)
        read = as_tensor(first) if made is None else torch.zeros(1, _FEATURES)  # how many there are is learnt
        takes_any_width = isinstance(self.network, Spec) and self.network.name == "mlp"
        if task.is_several or (made is not None and not takes_any_width):
            return None
        items = read.to(torch_device(self.device)).repeat_interleave(2, dim=0)
        network, _ = self._initial(items, len(task.classes), np.random.default_rng(0))
        network.eval()
        with torch.no_grad():
            self.minimised.logits(network(items))
        return network, items

    def check(self) -> None:
        """Refuse settings that have no sense, alone or together.

        Raises
        ------
        UnknownName
            A name that is not known.
        ParameterError
            A setting that does not exist, or is out of its range, or does not go with another.
        LearnerError
            A module in place of a function that makes one.
        """
        network_maker(self.network)
        trainer(self.train)
        encoder(self.features)
        augmentation(self.augment)
        check_speed_ups(self.precision, self.compile, torch_device(self.device))
        if self.special and not is_named(self.train):
            need = "needs" if len(self.special) == 1 else "need"
            message = (
                f"{' and '.join(self.special)} of TorchLearner {need} a training that has a name; received a "
                "function of four arguments. Give for example train='adam', or leave it as it is."
            )
            raise ParameterError(message)
        if self.asked.signals and not self.minimised.are_logits:
            message = (
                f"{' and '.join(sorted(self.asked.signals))} are gradients of the cross-entropy; received "
                f"the loss {self.minimised.loss!r}. Use loss='cross_entropy', or leave them out."
            )
            raise ParameterError(message)

    def job(
        self,
        pool: Pool,
        fit: Fit,
        streams: Sequence[np.random.Generator],
        task: Task,
        known: Sequence[Model | Job | None],
    ) -> Job:
        """A training with its labels checked and its features learnt, or lent by one of those known."""
        where, labels = checked_labels(pool, fit.labelled, fit.labels, task, learner="TorchLearner")
        if not len(labels):
            message = (
                "TorchLearner trains from scratch and needs labels; received none. "
                "Label some items first, for example with the strategy 'random'."
            )
            raise NoLabels(message)
        features = None
        if self.features is not None:
            features = features_of(self.features, pool, where, fit.unlabelled, known)
        initialisation, order = streams
        start = fit.previous if self.continues and isinstance(fit.previous, TorchModel) else None
        return Job(where, labels, fit.unlabelled, features, initialisation, order, start=start)

    def fitted(self, pool: Pool, job: Job, task: Task) -> TorchModel:
        """The model of one training."""
        return self.models(pool, [job], task)[0]

    def models(self, pool: Pool, jobs: Sequence[Job], task: Task) -> list[TorchModel]:
        """A model of each training, in their order; those of equal shape together where that can be."""
        if not (self.stacks and all(job.is_plain for job in jobs)):
            return [self._alone(pool, job, task) for job in jobs]
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, job in enumerate(jobs):
            groups.setdefault(job.shape(pool), []).append(number)
        models: dict[int, TorchModel] = {}
        for members in groups.values():
            made = self._together(pool, [jobs[number] for number in members], task)
            models.update(zip(members, made, strict=True))
        return [models[number] for number in range(len(jobs))]

    def _alone(self, pool: Pool, job: Job, task: Task) -> TorchModel:
        items = job.items(pool, job.labelled).to(torch_device(self.device))
        classes = len(task.classes)
        folding = deepcopy(job.order).spawn(4)[3]  # what follows of `order` is as it is without it
        network, place, trained = self._trained(job, items, classes)
        outputs = self.minimised
        if not outputs.loss.is_probabilistic:
            factor = learnt_inverse_temperature(
                lambda learnt, held: self._scored(job, items, classes, learnt, held, folding),
                job.labels[: self._judged or None],
                folding,
            )
            outputs = replace(outputs, factor=factor)
        further = self.asked.learnt(pool, job, network, place, items, self.chunk)
        inputs = tuple(items.shape[1:])
        return self._model(network, place, trained, inputs, classes, job.features, further, outputs)

    def _trained(
        self, job: Job, items: Tensor, classes: int
    ) -> tuple[nn.Module, tuple[str, bool], Trained | None]:
        """A network that has learnt these items, where its embedding is, and how training ended."""
        network, place = self._initial(items[:2], classes, job.initialisation)
        begin_at(network, job.start and job.start.network)
        more = self._more(job, network, items, classes)
        network.train()
        with seeded(job.order, items.device):
            labels = torch.tensor(job.labels, device=items.device)
            faster = compiled(network, self.compile)
            trained = trainer(self.train)(faster, items, labels, job.order, **more)
        return network, place, trained

    def _scored(
        self,
        job: Job,
        items: Tensor,
        classes: int,
        learnt: Positions,
        held: Positions,
        rng: np.random.Generator,
    ) -> Array:
        """What a network trained on some of the labelled items says of others, as the loss reads it."""
        initialisation, order = rng.spawn(2)
        weights = None if job.weights is None else job.weights[learnt]
        part = replace(
            job,
            labelled=job.labelled[learnt],
            labels=job.labels[learnt],
            weights=None if weights is None else weights / weights.mean(),
            initialisation=initialisation,
            order=order,
            start=None,  # it has learnt from those held back
        )
        network, _, _ = self._trained(part, items[torch.as_tensor(learnt, device=items.device)], classes)
        network.eval()
        asked = items[torch.as_tensor(held, device=items.device)]
        with torch.no_grad():
            pieces = [self.minimised.logits(network(piece)) for piece in torch.split(asked, self.chunk)]
        scores: Array = torch.cat(pieces).float().cpu().numpy()
        return scores

    @property
    def _judged(self) -> int:
        """How many of the first labelled items people labelled, where others are beside them; or 0."""
        first: int = self.train.params.get("judged", 0) if is_named(self.train) else 0
        return first

    def _more(self, job: Job, network: nn.Module, items: Tensor, classes: int) -> dict[str, Any]:
        """What a named training is given beside items and labels; nothing where all is as usual."""
        more: dict[str, Any] = {}
        if job.objective is not None or {"loss", "precision"} & set(self.special):
            loss = self.minimised.loss.for_counts(job.counts(classes))
            objective: Objective = OfLoss(loss)
            if job.objective is not None:
                with seeded(deepcopy(job.initialisation), items.device):  # what it makes is at random too
                    objective = job.objective(network, items[:2], classes, loss)
            more["objective"] = in_precision(objective, self.precision, items.device)
        if job.weights is not None:
            more["weights"] = torch.tensor(job.weights, dtype=torch.float32, device=items.device)
        if self.augment is not None:
            more["augment"] = augmentation(self.augment)
        if more and not is_named(self.train):
            message = (
                "Weights and other objectives need a training that has a name; received a function of four "
                f"arguments for {' and '.join(sorted(more))}. Give for example train='adam'."
            )
            raise LearnerError(message)
        return more

    def _together(self, pool: Pool, jobs: Sequence[Job], task: Task) -> list[TorchModel]:
        read, rows = read_together(pool, jobs)
        device = torch_device(self.device)
        items = read.to(device)
        inputs = tuple(items.shape[1:])
        network, place = self._initial(items[:2], len(task.classes), jobs[0].initialisation)
        networks = [network]
        for job in jobs[1:]:  # of the same shape, so that the embedding is at the same place
            with seeded(job.initialisation, device):
                networks.append(fresh_network(self.network, inputs, len(task.classes), device))
        for network, job in zip(networks, jobs, strict=True):
            begin_at(network, job.start and job.start.network)
            seed_of(job.order)  # nothing here is drawn from torch, but any other training draws this first
        training = trainer(self.train)
        assert isinstance(training, AdamTraining)
        trained = train_together(
            networks,
            items,
            rows,
            np.stack([job.labels for job in jobs]),
            [job.order for job in jobs],
            training,
        )
        models = []
        for network, ended, job, own in zip(networks, trained, jobs, torch.as_tensor(rows), strict=True):
            further = self.asked.learnt(pool, job, network, place, items, self.chunk, own)
            models.append(
                self._model(
                    network, place, ended, inputs, len(task.classes), job.features, further, Outputs()
                )
            )
        return models

    def _initial(
        self, items: Tensor, classes: int, initialisation: np.random.Generator
    ) -> tuple[nn.Module, tuple[str, bool]]:
        """A fresh network, and where its embedding is read."""
        device = torch_device(self.device)
        with seeded(initialisation, device):
            network = fresh_network(self.network, tuple(items.shape[1:]), classes, device)
            place = embedding_place(network, items, classes, self.embedding)
        if self.draws:
            check_dropout(network)
        set_bias(network, place, self.minimised.loss.initial_bias(classes))
        return network, place

    def loaded(self, path: Path) -> TorchModel:
        """The model saved there, on this learner's device.

        Raises
        ------
        LearnerError
            The file holds something else, or the weights of another network.
        """
        device = torch_device(self.device)
        kept = saved_at(path, device)
        inputs, classes = tuple(kept["inputs"]), int(kept["classes"])
        with seeded(np.random.default_rng(0), device):  # the initial weights are overwritten
            network = fresh_network(self.network, inputs, classes, device)
        try:
            network.load_state_dict(kept["weights"])
        except RuntimeError as cause:
            message = (
                f"{path} must hold the weights of the network {network_name(self.network)}; they do not fit: "
                f"{cause} Load with the learner that trained the model."
            )
            raise LearnerError(message) from cause
        trained = None if kept["trained"] is None else Trained(**kept["trained"])
        learnt = kept.get("features")
        features = None if learnt is None else Features.from_bytes(learnt.cpu().numpy().tobytes())
        place = (kept["module"], kept["is_input"])
        further = self.asked.of_state(kept.get("further"))
        outputs = self._outputs_of(kept.get("outputs"))
        return self._model(network, place, trained, inputs, classes, features, further, outputs)

    def _outputs_of(self, state: dict[str, Any] | None) -> Outputs:
        """How outputs become logits, as it was saved with a model.

        Raises
        ------
        LearnerError
            The model was trained on another loss.
        """
        outputs = self.minimised
        saved: dict[str, Any] = {"loss": repr(CrossEntropy()), "factor": 1.0} if state is None else state
        if saved["loss"] != repr(outputs.loss):
            message = (
                f"The model must have been trained on the loss of this learner, {outputs.loss!r}; it was on "
                f"{saved['loss']}. Load with the learner that trained the model."
            )
            raise LearnerError(message)
        return replace(outputs, factor=float(saved["factor"]))

    def _model(
        self,
        network: nn.Module,
        place: tuple[str, bool],
        trained: Trained | None,
        inputs: tuple[int, ...],
        classes: int,
        features: Features | None,
        further: Further,
        outputs: Outputs,
    ) -> TorchModel:
        return TorchModel(
            network,
            place,
            trained,
            inputs=inputs,
            classes=classes,
            draws=self.draws,
            chunk=self.chunk,
            device=torch_device(self.device),
            features=features,
            further=further,
            outputs=outputs,
        )
