"""Expected model output change: what would change the model's answers most (Freytag et al., 2014)."""

from dataclasses import dataclass, fields
from typing import ClassVar, Literal, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Embeddings, Probabilities, Scores, Sizes, checked_probabilities
from nextlabel.maths.distances import checked_points
from nextlabel.maths.output_change import Labelling, Output, last_layer_change
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_whole, settle

__all__ = ["EMOC", "Jacobian", "emoc"]

Jacobian = Literal["last_layer", "full"]


def emoc(
    proba: Probabilities,
    embedding: Embeddings,
    *,
    rng: np.random.Generator,
    labels: Labelling = "marginal",
    of: Output = "probabilities",
    reference: int = 1000,
    normalise: bool = False,
    include_bias: bool = False,
) -> Scores:
    """How much one gradient step of the last layer on each item would change the outputs of the pool.

    High where the label is open and where many items of the pool have features like these.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.
    embedding : array of float, axes (n, d)
        The input of the last layer.
    rng : numpy.random.Generator
        Draws the reference items where the pool is larger than their number.
    labels : {"marginal", "map"}
        The label stepped on: the mean over all, weighted by their probabilities; or the most probable one.
    of : {"probabilities", "logits"}
        Which outputs are watched.
    reference : int
        How many items of the pool they are watched on, a uniform draw; all of a pool that is no larger.
    normalise : bool
        Whether embeddings are scaled to length one first.
    include_bias : bool
        Whether the last layer's bias changes as well.

    Returns
    -------
    array of float64, axes (n,)
        For a step of size 1, from 0.

    Raises
    ------
    SignalError
        Wrong axes or sizes, values that are not finite, or rows that do not sum to one.
    ParameterError
        A parameter out of its range.

    Notes
    -----
    See `nextlabel.maths.output_change.last_layer_change` for the formula and the cost.

    References
    ----------
    Freytag, Rodner, Denzler. Selecting influential examples: active learning with expected model output
    changes. ECCV 2014.
    Käding, Rodner, Freytag, Denzler. Active and continuous exploration with deep neural networks and expected
    model output changes. arXiv 1612.06129, 2016.

    Examples
    --------
    Equally open items, of which the last is like no other:

    >>> rows = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> emoc(np.full((3, 2), 0.5), rows, of="logits", rng=np.random.default_rng(0)).round(2).tolist()
    [0.67, 0.7, 0.37]
    """
    reference = checked_whole(reference, "reference", least=1, of="EMOC", advice="Try 1000.")
    sizes: Sizes = {}
    proba = checked_probabilities(proba, "n c", "proba", sizes)
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    seen_proba, seen = proba, embedding
    if len(proba) > reference:
        drawn = np.sort(rng.choice(len(proba), reference, replace=False))
        seen_proba, seen = proba[drawn], embedding[drawn]
    return last_layer_change(
        proba,
        embedding,
        seen_proba,
        seen,
        labels=labels,
        of=of,
        normalise=normalise,
        include_bias=include_bias,
    )


@final
@dataclass(frozen=True)
class EMOC(Scorer):
    """Prefers items that would change the model's outputs most; needs proba and embedding; costs O(n·1000·d).

    Parameters
    ----------
    jacobian : {"last_layer", "full"}
        Which weights take the step: those of the last layer, in closed form from `proba` and `embedding`; or
        all of them, as a learner says that offers the signal `output_change`. The parameters below belong to
        the first; a learner has its own.
    labels : {"marginal", "map"}
        The label stepped on: the mean over all, weighted by their probabilities; or the most probable one.
    of : {"probabilities", "logits"}
        Which outputs are watched.
    reference : int
        How many items of the pool they are watched on, a uniform draw in every call; all of a pool that is no
        larger.
    normalise : bool
        Whether embeddings are scaled to length one first: long ones win by their length otherwise.
    include_bias : bool
        Whether the last layer's bias changes as well.

    Raises
    ------
    ParameterError
        A parameter out of its range, or one of the last layer for the full Jacobian.

    Notes
    -----
    E over labels y, mean over x, of ‖∇f(x)·∇ℓ(item, y)‖₁, the first order of one gradient step of size 1 on
    the cross-entropy without weight decay. In the last layer ∇ℓ = (p − e_y) ⊗ z. The largest scores win, as
    published: a batch may hold near duplicates; `stochastic` wraps it against that.

    Time O(n·x·(d + c)) for x references, then O(n + b log b); memory O(n + x·(d + c)). The full Jacobian
    costs the learner O(n·x·c) passes of the network.

    Fails where some embeddings are much longer than others, which win by length; where the model is
    confidently wrong, since a sure item changes nothing; and where most of the pool is of no interest.

    References
    ----------
    Freytag, Rodner, Denzler. Selecting influential examples: active learning with expected model output
    changes. ECCV 2014.
    Käding, Rodner, Freytag, Denzler. Active and continuous exploration with deep neural networks and expected
    model output changes. arXiv 1612.06129, 2016.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]]
    >>> select("emoc", proba=proba, embedding=[[1.0], [1.0], [2.0]], batch=2, seed=0)
    array([2, 1])
    """

    jacobian: Jacobian = "last_layer"
    labels: Labelling = "marginal"
    of: Output = "probabilities"
    reference: int = 1000
    normalise: bool = False
    include_bias: bool = False

    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_choice(self.jacobian, "jacobian", get_args(Jacobian), of="EMOC")
        checked_choice(self.labels, "labels", get_args(Labelling), of="EMOC")
        checked_choice(self.of, "of", get_args(Output), of="EMOC")
        flags = {name: getattr(self, name) for name in ("normalise", "include_bias")}
        settle(
            self,
            {
                "reference": checked_whole(
                    self.reference, "reference", least=1, of="EMOC", advice="Try 1000."
                ),
                **{name: checked_flag(value, name, of="EMOC") for name, value in flags.items()},
            },
        )
        changed = [one.name for one in fields(self)[1:] if getattr(self, one.name) != one.default]
        if self.jacobian == "full" and changed:
            message = (
                "EMOC with jacobian='full' reads what the learner computed and takes no other parameter; "
                f"received {', '.join(changed)}. Give them to the learner, as settings of its "
                "'output_change', or use jacobian='last_layer'."
            )
            raise ParameterError(message)

    @property
    def needs(self) -> frozenset[str]:
        """Prediction and features for the closed form, or the learner's own answer."""
        return frozenset({"output_change"} if self.jacobian == "full" else {"proba", "embedding"})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """The expected change of the outputs."""
        if self.jacobian == "full":
            return np.asarray(signals["output_change"], np.float64)
        return emoc(
            signals["proba"],
            signals["embedding"],
            labels=self.labels,
            of=self.of,
            reference=self.reference,
            normalise=self.normalise,
            include_bias=self.include_bias,
            rng=rng,
        )
