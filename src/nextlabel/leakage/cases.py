"""What is audited: the setting, and the records cut into messages of which the auditor keeps the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np

from nextlabel.core import registry
from nextlabel.core.attack import Knowledge
from nextlabel.core.defence import Defence
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.rng import generator
from nextlabel.errors import ParameterError
from nextlabel.leakage.attempts import Batch
from nextlabel.leakage.defences.catalogue import parse
from nextlabel.leakage.defences.noises import Private
from nextlabel.leakage.given import (
    hard,
    looks_like_images,
    require_classes,
    require_known_classes,
    require_labels_by_position,
    require_range,
    require_sound,
)
from nextlabel.leakage.guesses import guess
from nextlabel.leakage.targets import target_law
from nextlabel.leakage.units import pixel_units, spreads_of
from nextlabel.maths.parameters import checked_choice, checked_whole, settle

__all__ = ["LEAST_MESSAGES", "LEAST_RECORDS", "SWITCHES", "Case", "CaseSetting"]

LEAST_RECORDS: Final = 20
"""Below, a report says that it rests on few records."""

LEAST_MESSAGES: Final = 3
"""Below, a report says that it rests on few messages, each attacked with randomness of its own."""

SWITCHES: Final = (
    "batch",
    "bounds",
    "images",
    "labels",
    "public",
    "public_labels",
    "rate",
    "sketch",
    "steps",
)
"""What an attacker may be told beyond the model, its loss and the shape of an item.

``batch`` hides nothing where it is off: a message says itself how many items it speaks of.
"""

_OTHERS = 300  # items beside the record that the baseline looks at, where none are public


@final
@dataclass(frozen=True)
class CaseSetting:
    """How messages are made and what an attacker is told of them.

    Parameters
    ----------
    share : str
        The kind of message: ``"full"``, ``"last_layer"``, ``"embedding"``, ``"update"``.
    batch : int
        Records in a message.
    records : int, optional
        How many are audited; by default at least 20, in at least 3 messages.
    loss, reduction : str
        As of the messages.
    defences : sequence of str or Defence
        Applied to each message in turn.
    seed : int
        Settles which records, and all randomness.
    knows : sequence of str
        Which of `SWITCHES` are on; a single one may stand alone.
    bounds : tuple of two floats, optional
        The declared range of values.
    is_image : bool, optional
        By default two or three axes of at least 4 pixels a side, of one scale along each.
    steps, rate : int and float
        Of an update.

    Raises
    ------
    UnknownName
        A message or a defence that there is not.
    ParameterError
        Sizes or bounds that make no sense, a switch that there is not, or a share that is no name.
    """

    share: str = "full"
    batch: int = 1
    records: int | None = None
    loss: str = "cross_entropy"
    reduction: str = "mean"
    defences: Sequence[str | Defence] = ()
    seed: int = 0
    knows: str | Sequence[str] = ()
    bounds: tuple[float, float] | None = None
    is_image: bool | None = None
    steps: int = 1
    rate: float = 0.1

    def __post_init__(self) -> None:
        knows = (self.knows,) if isinstance(self.knows, str) else tuple(self.knows)
        unknown = [one for one in knows if one not in SWITCHES]
        if unknown:
            message = (
                f"'knows' takes {', '.join(SWITCHES)}; received {', '.join(map(repr, unknown))}. "
                "Name what the attacker is told beyond the model."
            )
            raise ParameterError(message)
        if self.bounds is not None:
            require_range(self.bounds)
        records = self.records
        settle(
            self,
            {
                "share": _share(self.share),
                "batch": checked_whole(self.batch, "batch", least=1),
                "records": None if records is None else checked_whole(records, "records", least=1),
                "defences": _read(self.defences),
                "loss": checked_choice(self.loss, "loss", Knowledge.losses),
                "knows": knows,
                "steps": checked_whole(self.steps, "steps", least=1),
            },
        )

    @property
    def applied(self) -> tuple[Defence, ...]:
        """The defences, names read."""
        return _read(self.defences)


@final
class Case:
    """The records of an audit, in messages; holds the truth, and hands out what an attacker may have.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode.
    items : array, first axis n
        The user's data.
    labels : array, first axis n
    setting : CaseSetting
    public, public_labels : array, optional
        Items that are not private, and their labels.
    sketch : array, optional
        Of a sketched embedding.

    Raises
    ------
    DisclosureError
        No items; labels of another number or axes, or that are no class or, soft, do not sum to 1; fewer
        records than fill a message; numbers that are not finite or out of the declared bounds; public items
        of another shape; or a model that does not take the items, answers them otherwise each time or as
        whole numbers, or has one output under cross-entropy.
    ParameterError
        The model is no module.
    """

    def __init__(
        self,
        model: Any,
        items: Array,
        labels: Array,
        setting: CaseSetting,
        *,
        public: Array | None = None,
        public_labels: Array | None = None,
        sketch: Array | None = None,
    ) -> None:
        self.setting = setting
        self.items, self.labels = np.asarray(items), np.asarray(labels)
        if self.labels.dtype.kind == "b":
            self.labels = self.labels.astype(np.int64)  # else no class, and never scored
        self.public_labels, self.sketch = public_labels, sketch
        require_sound(self.items, self.labels, setting, public=public, public_labels=public_labels)
        model = registry.resolve("inspection", "sparing")(model, self.items)
        self.items, self.public = registry.resolve("inspection", "as_read")(model, self.items, public)
        self.positions = self._chosen()
        answers = registry.resolve("inspection", "answers")
        self.outputs, self._features = answers(model, self.items[self.positions.ravel()])
        self.model = registry.resolve("inspection", "logits_alone")(model, self.items)
        self.classes = int(self.outputs.shape[-1])
        if setting.loss == "cross_entropy":
            told = self.outputs.shape
            self.labels, self.public_labels = hard(self.labels, told), hard(self.public_labels, told)
        require_classes(self.classes, setting.loss)
        self.is_text = bool(np.issubdtype(self.items.dtype, np.integer))
        if self.is_text and self.outputs.ndim == 3 and setting.share != "embedding":
            require_labels_by_position(self.labels, self.outputs.shape[1], setting.loss)
        if setting.share != "embedding":
            require_known_classes(self.labels, self.classes, setting.loss)
        self.is_image = looks_like_images(self.items) if setting.is_image is None else setting.is_image
        self.span, self.is_span_declared = self._span()
        self.low = float(self.items.min() if setting.bounds is None else setting.bounds[0])
        self.spreads = self._units()
        is_regression = setting.loss == "squared_error" and setting.share != "embedding"
        self.targets = target_law(self.labels) if is_regression else None
        self._feature_spreads = None if self._features is None else spreads_of(self._features)
        self.filler = registry.resolve("inspection", "filler")(self.knowledge(0), self.items)
        self.batches = tuple(self._batch(rows) for rows in range(len(self.positions)))

    @property
    def population(self) -> Array | None:
        """How many of the records given have each class; None where records have no single class.

        Records are drawn from these, so a guess that knows their numbers is what labels must beat. Of an
        embedding the labels are the model's own, and counted among the audited records.
        """
        found = [one.said if self.setting.share == "embedding" else one.labels for one in self.batches]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        guessed = np.concatenate(known)
        if self.setting.share != "embedding":
            is_class = (self.labels >= 0) & (self.labels < self.classes)  # values of a regression need not be
            guessed = self.labels[is_class].astype(np.int64)
        return np.asarray(np.bincount(guessed, minlength=self.classes))

    @property
    def described(self) -> dict[str, Any]:
        """How messages were made, as JSON values."""
        setting = self.setting
        steps = {"steps": setting.steps, "rate": setting.rate} if setting.share == "update" else {}
        return {
            "model": type(self.model).__name__,
            "share": setting.share,
            "batch": setting.batch,
            "records": int(self.positions.size),
            "messages": len(self.positions),
            "loss": setting.loss,
            "reduction": setting.reduction,
            **steps,
            "defences": [str(one) for one in setting.applied],
            "defence_sentences": [one.sentence for one in setting.applied],
            "item_shape": list(self.items.shape[1:]),
            "is_image": self.is_image,
            "is_text": self.is_text,
            "is_table": self.spreads is not None and not self.is_image,
            "classes": self.classes,
            "range": self.span,
            "low": self.low,
            "seed": setting.seed,
        }

    def undefended(self, message: int) -> Disclosure:
        """A message before any defence: what can be held against the model, since noise is no fault of it."""
        rows = self.positions[message]
        common: dict[str, Any] = {"loss": self.setting.loss, "reduction": self.setting.reduction}
        return self._plain(self.items[rows], self.labels[rows], common)

    def disclosure(self, message: int) -> Disclosure:
        """A message as it leaves the client: made, and defended."""
        setting = self.setting
        rows = self.positions[message]
        items, labels = self.items[rows], self.labels[rows]
        rng = generator(setting.seed, 2, message)
        common: dict[str, Any] = {"loss": setting.loss, "reduction": setting.reduction}
        first, *later = setting.applied or (None,)
        if isinstance(first, Private) and setting.share == "full":
            # each record is clipped by itself, which only the client can do, before records are joined
            private = {"clip": first.clip, "noise": first.noise, "rng": rng}
            maker = registry.resolve("inspection", "private_message")
            made: Disclosure = maker(self.model, items, labels, **common, **private)
        else:
            made = self._plain(items, labels, common)
            later = list(setting.applied)
        for defence in later:
            made = defence.apply(made, rng)
        return made

    def _plain(self, items: Array, labels: Array, common: dict[str, Any]) -> Disclosure:
        setting = self.setting
        if setting.share == "update":
            common |= {"steps": setting.steps, "rate": setting.rate}
        if setting.share == "embedding" and self.sketch is not None:
            common["sketch"] = self.sketch
        made: Disclosure = registry.resolve("message", setting.share)(self.model, items, labels, **common)
        return made

    def bystanders(self, rows: Array) -> Batch:
        """Records of the data laid out as if they were a message, to compare recoveries with.

        Parameters
        ----------
        rows : array of int, axes (b,)
            Positions of records that are in no message; there are no labels and no features for them.
        """
        return self._truth(np.asarray(rows))

    def knowledge(self, message: int) -> Knowledge:
        """What the attacker is told of a message: what is switched on, and nothing else."""
        setting = self.setting
        told = {
            "batch": setting.batch,
            "bounds": setting.bounds,
            "labels": self.labels[self.positions[message]],
            "public": self.public,
            "public_labels": self.public_labels,
            "sketch": self.sketch,
        }
        if setting.share == "update":
            told |= {"steps": setting.steps, "rate": setting.rate}
        return Knowledge(
            self.model,
            self.items.shape[1:],
            self.classes,
            loss=setting.loss,
            reduction=setting.reduction,
            is_image=self.is_image and "images" in setting.knows,
            **{name: value for name, value in told.items() if name in setting.knows},
        )

    def _chosen(self) -> Array:
        """Which records are in which message, axes (message, b): drawn, so that sorted data do no harm."""
        setting, batch = self.setting, self.setting.batch
        wanted = setting.records or max(LEAST_RECORDS, LEAST_MESSAGES * batch)
        messages = max(1, min(-(-wanted // batch), len(self.items) // batch))
        order = generator(setting.seed, 0).permutation(len(self.items))
        return order[: messages * batch].reshape(messages, batch)

    def _span(self) -> tuple[float, bool]:
        if self.setting.bounds is not None:
            low, high = self.setting.bounds
            return float(high) - float(low), True
        width = 1.0 if self.is_text else float(self.items.max()) - float(self.items.min())
        return (width if width > 0 else 1.0), False

    def _units(self) -> Array | None:
        """The unit of each column of a table or pixel of an image; None of text, or where none differs."""
        if self.is_text:
            return None
        found = (pixel_units if self.is_image else spreads_of)(self.items)
        return found if (found > 0).any() else None

    def _batch(self, message: int) -> Batch:
        rows = self.positions[message]
        part = slice(message * self.setting.batch, (message + 1) * self.setting.batch)
        has_classes = self.labels.ndim == 1 and np.issubdtype(self.labels.dtype, np.integer)
        says_classes = self.outputs.ndim == 2 and self.setting.loss == "cross_entropy"
        return replace(
            self._truth(rows),
            labels=self.labels[rows].astype(np.int64) if has_classes else None,
            said=self.outputs[part].argmax(1) if says_classes else None,
            features=None if self._features is None else self._features[part],
            targets=None if self.targets is None else self.targets.among(rows, self.public_labels),
            feature_spreads=self._feature_spreads,
        )

    def _truth(self, rows: Array) -> Batch:
        look: dict[str, Any] = {
            "is_image": self.is_image,
            "is_text": self.is_text,
            "span": self.span,
            "spreads": self.spreads,
            "padding": self.filler.token,
        }
        return Batch(
            positions=rows,
            items=self.items[rows],
            labels=None,
            said=None,
            features=None,
            guesses=[guess(self.items[row], self._others(int(row)), **look) for row in rows],
            **look,
        )

    def _others(self, row: int) -> Array:
        """What a record is compared with: the public items, or other records, the audited ones first."""
        if self.public is not None and len(self.public):
            return np.asarray(self.public)
        audited = self.positions.ravel()
        rest = np.setdiff1d(np.arange(len(self.items)), audited)
        near = np.concatenate([audited[audited != row], rest[rest != row]])[: max(_OTHERS, len(audited))]
        return np.asarray(self.items[near])


def _share(share: object) -> str:
    """The name of a message; one that there is not is refused before anything is made."""
    if not isinstance(share, str):
        message = (
            f"'share' must be one of {', '.join(registry.names('message'))}; received {share!r}. Name one: "
            "each is an audit of its own."
        )
        raise ParameterError(message)
    name = share.replace("-", "_")
    registry.target("message", name)
    return name


def _read(defences: str | Defence | Sequence[str | Defence]) -> tuple[Defence, ...]:
    several = [defences] if isinstance(defences, str | Defence) else defences
    return tuple(parse(one) if isinstance(one, str) else one for one in several)
