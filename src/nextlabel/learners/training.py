"""How a torch classifier is trained unless somebody brings a routine of their own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import signature
from types import MappingProxyType
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.spec import Spec
from nextlabel.errors import ParameterError, UnknownName
from nextlabel.learners.epochs import Epochs, Trained
from nextlabel.learners.named_training import NamedTraining
from nextlabel.learners.sgd import SgdTraining
from nextlabel.maths.parameters import checked_flag, checked_number, checked_whole, settle

__all__ = ["TRAININGS", "AdamTraining", "Training", "is_named", "judged_by", "trainer"]

Training = Callable[[nn.Module, Tensor, Tensor, np.random.Generator], Trained | None]
"""Trains a network in place on items, axes (l, ...), and class indices, axes (l,), all on one device.

Those that have a name also take `objective`, `weights` and `augment`: see `Epochs.run`.
"""


@final
@dataclass(frozen=True)
class AdamTraining(NamedTraining):
    """Adam on the cross-entropy, from where the network stands, until the training accuracy is reached.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    weight_decay : float
        From 0 up, as Adam adds it to the gradient.
    accuracy : float
        On the labelled items, in (0, 1]; training ends after the epoch that reaches it.
    epochs : int
        The most that are run.
    chunk : int
        Items in a step of the optimiser; 0 for all of them.
    runs_all_epochs : bool
        Whether all epochs are run, whatever the accuracy.
    judged : int
        The accuracy is of so many of the first labelled items; 0 for all. Learners that train on labels of
        their own beside people's set it to the number of these, see `judged_on`.

    Raises
    ------
    ParameterError
        A setting outside its range.

    Notes
    -----
    Every epoch goes over the items in a fresh order from the generator, in pieces of equal size up to
    one. The accuracy is measured after the epoch in evaluation mode. Departs from the code published
    with BADGE, which counts the predictions made while training: under dropout these may never reach
    99 %, however well the network has learnt. Reaching the cap raises no warning, since a study makes
    hundreds of fits: `Trained.converged` says it. The measurement after an epoch ends at the item that
    rules the wanted accuracy out.

    Adam is torch's fused one, which makes one call where the plain one makes a dozen a weight.

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain
    gradient lower bounds. ICLR 2020. Section 4: Adam, from scratch, until 99 % training accuracy.

    Examples
    --------
    >>> network = nn.Linear(1, 2)
    >>> items, labels = torch.tensor([[-9.0], [9.0]]), torch.tensor([0, 1])
    >>> AdamTraining(learning_rate=0.1)(network, items, labels, np.random.default_rng(0)).accuracy
    1.0
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    accuracy: float = 0.99
    epochs: int = 200
    chunk: int = 64
    runs_all_epochs: bool = False
    judged: int = 0

    def __post_init__(self) -> None:
        rate, decay, share = "Give for example 0.001.", "Give 0 for none.", "Give a share."
        settle(
            self,
            {
                "learning_rate": checked_number(self.learning_rate, "learning_rate", above=0, advice=rate),
                "weight_decay": checked_number(self.weight_decay, "weight_decay", least=0, advice=decay),
                "accuracy": checked_number(self.accuracy, "accuracy", above=0, most=1, advice=share),
                "epochs": checked_whole(self.epochs, "epochs", least=1),
                "chunk": checked_whole(self.chunk, "chunk", least=0, advice="Give 0 for all items at once."),
                "runs_all_epochs": checked_flag(self.runs_all_epochs, "runs_all_epochs"),
                "judged": checked_whole(self.judged, "judged", least=0, advice="Give 0 for all items."),
            },
        )

    @property
    def loop(self) -> Epochs:
        """How long it goes on, and in which pieces."""
        ends = self.accuracy, self.runs_all_epochs
        return Epochs(self.epochs, self.chunk, *ends, self.learning_rate, self.judged)

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        """Adam over these weights, as set here."""
        return torch.optim.Adam(
            [one for one in weights if one.requires_grad],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            fused=True,
        )


TRAININGS: Mapping[str, Callable[..., Training]] = MappingProxyType(
    {"adam": AdamTraining, "sgd": SgdTraining}
)
"""The routines that have a name; any other is given as a function."""


def trainer(source: Any) -> Training:
    """The routine of a name and its settings, or the function that was given.

    Raises
    ------
    UnknownName
        The training is not one of `TRAININGS`.
    ParameterError
        A setting that it does not have, or neither a name nor a function.

    Examples
    --------
    >>> trainer(Spec("adam", {"epochs": 60})).epochs
    60
    """
    if not isinstance(source, Spec):
        if not callable(source):
            message = (
                "'train' must be a name, or a function train(network, items, labels, rng); received "
                f"{source!r}. Give for example train='adam'."
            )
            raise ParameterError(message)
        routine: Training = source
        return routine
    if source.name not in TRAININGS:
        message = (
            f"{source.name!r} is not a named training. The names are: {', '.join(TRAININGS)}. "
            "Give any other routine as a function."
        )
        raise UnknownName(message)
    made = TRAININGS[source.name]
    try:
        return made(**source.params)
    except TypeError as cause:
        message = (
            f"The training {source.name!r} has no such setting ({cause}). "
            f"It takes: {', '.join(signature(made).parameters)}."
        )
        raise ParameterError(message) from cause


def is_named(source: Any) -> bool:
    """Whether a training has a name, so that it takes an objective, weights and augmentation.

    Examples
    --------
    >>> is_named(Spec("sgd")), is_named(lambda network, items, labels, rng: None)
    (True, False)
    """
    return isinstance(source, Spec)


def judged_by(source: Any, first: int) -> Any:
    """The same training, ended by what is known of the first items alone; a function is left as it is.

    Parameters
    ----------
    source : Spec or callable
        As `TorchLearner` holds it.
    first : int
        How many; 0 for all.

    Examples
    --------
    >>> trainer(judged_by(Spec("adam", {"epochs": 60}), 20)).judged
    20
    """
    return Spec(source.name, {**source.params, "judged": first}) if is_named(source) else source
