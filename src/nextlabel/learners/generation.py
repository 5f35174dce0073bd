"""What a generator makes of labelled items for a training, and what of it is left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, final

import numpy as np

from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.core.spec import Spec
from nextlabel.errors import NextlabelError, ParameterError, UnknownName
from nextlabel.learners.autoencoder import Autoencoder, Coder, Fitted, Identity
from nextlabel.learners.extended import Extended
from nextlabel.learners.generated import errors_of, is_collapsed
from nextlabel.learners.vae_acgan import VaeAcgan
from nextlabel.maths.axes import Array, Labels, Positions

__all__ = ["AUTOENCODERS", "Generated", "Generation", "Made", "Making", "autoencoder_of"]

Generation = Literal["reconstruction", "random", "none"]
"""What the generator makes: a reconstruction of each image, or an image of its class from the prior."""

AUTOENCODERS: Mapping[str, Callable[..., Autoencoder]] = MappingProxyType(
    {"identity": Identity, "vae_acgan": VaeAcgan}
)
"""Those that have a name; any other is given as an object."""

_NOTHING_NEW = "no item was labelled since the start"
_OFF = "generation is off"


@final
@dataclass(frozen=True)
class Generated:
    """What a training took beside the labelled items.

    Parameters
    ----------
    made : int
        Items made: one for each item labelled since the start, or none.
    too_far : int
        Of these, left out because they are too far from the item that they were made of.
    disagreed : int
        Of the rest, left out because the model before says another class of them.
    used : int
        Those trained on.
    skipped : str
        Why none were made or trained on, in words; empty where they were.
    error : float or None
        Mean squared error of the items made, as a share of the variance of the labelled items; None where
        none were reconstructed.
    fitted : Fitted
        How the fit of the generator ended: epochs, losses and its fault.
    """

    made: int = 0
    too_far: int = 0
    disagreed: int = 0
    used: int = 0
    skipped: str = ""
    error: float | None = None
    fitted: Fitted = Fitted()  # noqa: RUF009 (frozen)

    @property
    def remarks(self) -> tuple[str, ...]:
        """How many were trained on, or why none; nothing where none were asked for.

        Examples
        --------
        >>> Generated(made=20, too_far=3, disagreed=5, used=12).remarks
        ('Trained on 12 generated items too; of 20 made, 3 were too far and 5 of another class.',)
        """
        if self.skipped in (_OFF, _NOTHING_NEW):
            return ()
        if self.skipped:
            return (f"No generated item was trained on: {self.skipped.rstrip('.')}.",)
        left_out = f"of {self.made} made, {self.too_far} were too far and {self.disagreed} of another class"
        return (f"Trained on {self.used} generated items too; {left_out}.",)


@final
@dataclass(frozen=True, eq=False)
class Made:
    """Items to train on beside the labelled ones.

    Parameters
    ----------
    items : array, first axis k
        Those that passed the gates.
    labels : array of int64, axes (k,)
    coder : Coder or None
        What the next fit of the autoencoder goes on from.
    report : Generated
    """

    items: Array
    labels: Labels
    coder: Coder | None
    report: Generated


@final
@dataclass(frozen=True)
class Making:
    """How items are made, and which are left out.

    Parameters
    ----------
    generation, autoencoder, most_error, must_agree
        As for `Generative`.
    """

    generation: Generation
    autoencoder: Any
    most_error: float | None
    must_agree: bool

    def made(
        self,
        pool: Pool,
        where: Positions,
        labels: Labels,
        is_new: Array,
        classes: int,
        rng: np.random.Generator,
        *,
        old: Coder | None,
        asked: Model | None,
    ) -> Made:
        """The items to train on beside the labelled ones, with what is carried on and reported.

        Parameters
        ----------
        pool : Pool
        where : array of int64, axes (l,)
            Positions of the labelled items.
        labels : array of int64, axes (l,)
        is_new : array of bool, axes (l,)
            Whether an item is made of this one.
        classes : int
            How many the task has.
        rng : numpy.random.Generator
        old : Coder or None
            What the fit of the autoencoder goes on from.
        asked : Model or None
            Of the wrapped learner, asked for its agreement; none where there is no model yet.

        Raises
        ------
        LearnerError
            Items that the autoencoder cannot be fitted to.
        """
        none = labels[:0]
        if self.generation == "none":
            return Made(np.empty(0), none, None, Generated(skipped=_OFF))
        autoencoder = autoencoder_of(self.autoencoder)
        autoencoder.check_items(pool.take(np.zeros(1, np.int64)))
        if not is_new.any():
            return Made(np.empty(0), none, old, Generated(skipped=_NOTHING_NEW))
        items = pool.take(where)
        fitting, drawing, asking = rng.spawn(3)
        coder = autoencoder.fit(items, labels, classes, fitting, old)
        given, wanted = items[is_new], labels[is_new]
        fault = coder.fitted.fault
        if not fault:
            if self.generation == "random":
                made = coder.drawn(wanted, drawing)
            else:
                made = coder.decode(coder.encode(given), wanted)
            fault = is_collapsed(made, given, wanted)
        if fault:
            return Made(np.empty(0), none, None, Generated(skipped=fault, fitted=coder.fitted))
        return self._kept(pool, _Candidates(items, given, made, wanted), coder, asked, asking)

    def _kept(
        self,
        pool: Pool,
        those: "_Candidates",
        coder: Coder,
        asked: Model | None,
        rng: np.random.Generator,
    ) -> Made:
        """Those that pass both gates."""
        is_near = np.ones(len(those.made), bool)
        error = None
        if self.generation == "reconstruction":
            errors = errors_of(those.made, those.given, those.labelled)
            error = float(errors.mean())
            if self.most_error is not None:
                is_near = errors <= self.most_error
        is_kept = is_near
        if self.must_agree and asked is not None:
            try:
                is_kept = is_near & self._agreed(pool, those, asked, rng)
            except NextlabelError as cause:  # it has no labels, or knows its items alone: go on without
                report = Generated(skipped=f"the model before cannot judge: {cause}", fitted=coder.fitted)
                return Made(np.empty(0), those.classes[:0], coder, report)
        report = Generated(
            made=len(those.made),
            too_far=int((~is_near).sum()),
            disagreed=int((is_near & ~is_kept).sum()),
            used=int(is_kept.sum()),
            error=error,
            fitted=coder.fitted,
        )
        return Made(those.made[is_kept], those.classes[is_kept], coder, report)

    def _agreed(self, pool: Pool, those: "_Candidates", before: Model, rng: np.random.Generator) -> Array:
        """Whether the model before says of each made item what it should, axes (n,)."""
        is_drawn = self.generation == "random"
        asked = those.made if is_drawn else np.concatenate([those.made, those.given])
        both = Extended(pool, asked)
        positions = np.arange(len(asked)) + both.begins
        said = before.signals(both, positions, {"proba"}, rng)["proba"].argmax(axis=1)
        wanted = those.classes if is_drawn else said[len(those.made) :]
        return np.asarray(said[: len(those.made)] == wanted)


@final
@dataclass(frozen=True, eq=False)
class _Candidates:
    labelled: Array
    given: Array
    made: Array
    classes: Labels


def autoencoder_of(source: Any) -> Autoencoder:
    """That of a name and its settings, or the object that was given.

    Parameters
    ----------
    source : Spec or Autoencoder

    Raises
    ------
    ParameterError
        Neither of these, or a setting that does not exist or is out of its range.
    UnknownName
        It is not one of `AUTOENCODERS`.

    Examples
    --------
    >>> autoencoder_of(Spec("vae_acgan", {"epochs": 10})).epochs
    10
    """
    if not isinstance(source, Spec):
        if not isinstance(source, Autoencoder):
            message = (
                f"'autoencoder' must be a name, a mapping with one, or an Autoencoder; received {source!r}. "
                "Give for example autoencoder='vae_acgan'."
            )
            raise ParameterError(message)
        return source
    if source.name not in AUTOENCODERS:
        message = (
            f"{source.name!r} is not a named autoencoder. The names are: {', '.join(AUTOENCODERS)}. "
            "Give any other as an object."
        )
        raise UnknownName(message)
    try:
        return AUTOENCODERS[source.name](**source.params)
    except TypeError as cause:
        message = (
            f"The autoencoder {source.name!r} has no such setting ({cause}). See its class for those it has."
        )
        raise ParameterError(message) from cause
