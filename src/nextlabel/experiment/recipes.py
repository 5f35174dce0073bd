"""Published systems under one name each: what wraps the learner, and the strategy that goes with it.

Adding a recipe is a function here and one line in the registry.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from nextlabel.core.learner import Learner
from nextlabel.core.registry import build
from nextlabel.core.spec import Spec
from nextlabel.core.strategy import Strategy
from nextlabel.errors import ParameterError

__all__ = [
    "Recipe",
    "bgadl",
    "ceal",
    "dbal",
    "ensemble_vr",
    "hast",
    "learning_loss",
    "nest",
    "pair",
    "verips",
]

_SMALL_NETWORK = {"name": "torch", "network": "two_convolutions"}
_DRAWING = {"estimator": "mlp"}  # two fits of it differ, as those of logistic regression do not
_WITH_DRAWS = {"name": "torch", "network": {"name": "mlp", "dropout": 0.5}, "draws": 100}
_UNWEIGHTED = {"confidence": 0.9, "beta": 1.0, "is_balanced": False}


@final
@dataclass(frozen=True)
class Recipe:
    """A pair of learner and strategy, with a place in it for the learner that is there.

    Parameters
    ----------
    strategy : str, mapping or Strategy
        What picks.
    wraps : mapping, optional
        The name and settings of a learner that wraps a learner, without the ``of`` that each learner of a
        grid fills; none where the learner is left as it is.
    learner : str, mapping or Learner, optional
        What is wrapped where nobody names a learner and items are images: its own network. What suits the
        items, when left out.
    elsewhere : mapping, optional
        What is wrapped where items are no images, or there is no `learner`: what suits them with these
        settings, or, with a name, that learner with the features that suit them. None where the recipe
        needs images.
    source : str
        Who published it.

    Raises
    ------
    ParameterError
        `wraps` is no mapping with a name, or says itself what it wraps.

    Examples
    --------
    >>> made = Recipe("variation_ratio", {"name": "ensemble", "members": 3})
    >>> made.around(build("learner", {"name": "sklearn", "estimator": "mlp"})).members
    3
    """

    strategy: Any
    wraps: Any = None
    learner: Any = None
    source: str = ""
    elsewhere: Mapping[str, Any] | None = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.wraps is None:
            return
        if not isinstance(self.wraps, Mapping) or "name" not in self.wraps or "of" in self.wraps:
            message = (
                "'wraps' must be the name and the settings of a learner that wraps a learner, without 'of', "
                f"which each learner fills; received {self.wraps!r}. "
                "Write for example {'name': 'ensemble', 'members': 5}."
            )
            raise ParameterError(message)

    def own(self, suited: Mapping[str, Any], name: str, *, is_image: bool) -> Any:
        """The spec of what is wrapped where nobody names a learner.

        Parameters
        ----------
        suited : mapping
            Name and settings of the learner that suits the items.
        name : str
            What the recipe is called, for the message.
        is_image : bool
            Whether items are images, all of one size.

        Raises
        ------
        ParameterError
            The recipe needs images, and these are none.

        Examples
        --------
        >>> suited = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
        >>> ceal().own(suited, "ceal", is_image=True)["network"]
        'two_convolutions'
        >>> verips().own(suited, "verips", is_image=False)
        {'name': 'sklearn', 'estimator': 'mlp', 'features': 'tfidf'}
        """
        if is_image and self.learner is not None:
            return self.learner
        kept = {key: suited[key] for key in ("features",) if key in suited}
        if self.elsewhere is None:
            drawing = json.dumps({**_WITH_DRAWS, **kept})
            other = "" if self.wraps else f", or give a learner with draws, for example --learner '{drawing}'"
            message = (
                f"The recipe {name!r} needs images, all of one size, which its network reads; received other "
                f"items. Leave it out{other}."
            )
            raise ParameterError(message)
        return {**(kept if "name" in self.elsewhere else suited), **self.elsewhere}

    def picks(self) -> Strategy:
        """The strategy.

        Raises
        ------
        NextlabelError
            It is not registered, or its settings make no sense.
        """
        made: Strategy = build("strategy", self.strategy)
        return made

    def around(self, learner: Learner) -> Learner:
        """The learner that runs: the given one, wrapped.

        Parameters
        ----------
        learner : Learner

        Raises
        ------
        NextlabelError
            It lacks what the wrapper needs of it.
        """
        if self.wraps is None:
            return learner
        made: Learner = build("learner", Spec.read({**self.wraps, "of": learner}))
        return made


def pair(strategy: Any, wraps: Any = None, learner: Any = None) -> Recipe:
    """In experiment files alone: any strategy, with any learner that wraps a learner.

    Parameters
    ----------
    strategy : str or mapping
    wraps : mapping, optional
        As for `Recipe`.
    learner : str or mapping, optional
        As for `Recipe`.

    Examples
    --------
    >>> pair("bald", {"name": "ensemble"}).strategy
    'bald'
    """
    return Recipe(strategy, wraps, learner)


def bgadl(strategy: Any = "bald", generation: str = "reconstruction") -> Recipe:
    """Trains on a generated image beside each labelled one; asks by draws, which the learner must have.

    Parameters
    ----------
    strategy : str or mapping
        ``"bald"``; with ``"random"``, what generation is worth by itself.
    generation : str
        ``"reconstruction"``; with ``"random"`` and the strategy ``"random"``, Bayesian data augmentation.

    References
    ----------
    Tran, Do, Reid, Carneiro. Bayesian generative active deep learning. ICML 2019.

    Examples
    --------
    >>> bgadl().wraps
    {'name': 'generative', 'generation': 'reconstruction'}
    """
    wraps = {"name": "generative", "generation": generation}
    network = {**_SMALL_NETWORK, "draws": 50}
    return Recipe(strategy, wraps, network, "Tran et al., 2019", elsewhere=None)


def ceal(strategy: Any = "least_confident") -> Recipe:
    """Trains on the labels and on the model's own sure predictions; asks where it is least confident.

    Parameters
    ----------
    strategy : str or mapping
        ``"least_confident"``, ``"margin"`` or ``"entropy"``, as the paper has them.

    References
    ----------
    Wang, Zhang, Li, Zhang, Lin. Cost-effective active learning for deep image classification. IEEE
    Transactions on Circuits and Systems for Video Technology 27, 2017. Algorithm 1.

    Examples
    --------
    >>> ceal().wraps["name"]
    'pseudo_label'
    """
    # fine-tuned from round to round: where people's labels are known already, an end by accuracy is at once
    train = {"name": "adam", "epochs": 20, "runs_all_epochs": True}
    network = {**_SMALL_NETWORK, "continues": True, "train": train}
    return Recipe(strategy, {"name": "pseudo_label"}, network, "Wang et al., 2017")


def dbal(strategy: Any = "bald") -> Recipe:
    """Draws networks by dropout, and asks where they disagree; the learner itself must have draws.

    Parameters
    ----------
    strategy : str or mapping
        ``"bald"``, ``"variation_ratio"``, ``"mean_std"``, or the entropy of ``mean_proba``.

    References
    ----------
    Gal, Islam, Ghahramani. Deep Bayesian active learning with image data. ICML 2017.

    Examples
    --------
    >>> dbal().learner["draws"]
    100
    """
    network = {**_SMALL_NETWORK, "draws": 100}
    return Recipe(strategy, None, network, "Gal et al., 2017", elsewhere=None)


def ensemble_vr(members: int = 5) -> Recipe:
    """Trains several networks, and asks where their votes are most divided.

    Parameters
    ----------
    members : int

    References
    ----------
    Beluch, Genewein, Nürnberger, Köhler. The power of ensembles for active learning in image
    classification. CVPR 2018.

    Examples
    --------
    >>> ensemble_vr(3).wraps
    {'name': 'ensemble', 'members': 3}
    """
    wraps = {"name": "ensemble", "members": members}
    return Recipe("variation_ratio", wraps, _SMALL_NETWORK, "Beluch et al., 2018", _DRAWING)


def learning_loss(loss: str = "margin") -> Recipe:
    """Trains a head beside the network to predict the loss of an item, and asks where that is largest.

    Parameters
    ----------
    loss : str
        How the head learns: ``"margin"`` as in the paper, or ``"relative"``.

    References
    ----------
    Yoo, Kweon. Learning loss for active learning. CVPR 2019.

    Examples
    --------
    >>> learning_loss().strategy
    'predicted_loss'
    """
    network = {"name": "torch", "network": "narrow_resnet", "train": {"name": "sgd"}, "augment": "crop_flip"}
    rows = {"name": "torch", "network": "mlp", "train": "sgd"}
    wraps = {"name": "learning_loss", "loss": loss}
    return Recipe("predicted_loss", wraps, network, "Yoo and Kweon, 2019", rows)


def hast(strategy: Any = "margin") -> Recipe:
    """Trains again on items whose neighbours are predicted as they are; asks by margin.

    Parameters
    ----------
    strategy : str or mapping
        ``"margin"``, ``"cal"`` or ``"random"``, as the paper has them.

    References
    ----------
    Schröder, Heyer. Self-training for sample-efficient active learning for text classification with
    pre-trained language models. Findings of EMNLP 2024, arXiv 2406.09206.

    Examples
    --------
    >>> hast().wraps["rule"]
    'neighbours'
    """
    wraps = {"name": "self_training", "rule": "neighbours"}
    return Recipe(strategy, wraps, None, "Schröder and Heyer, 2024")


def verips(strategy: Any = "margin") -> Recipe:
    """Trains again on sure predictions that a second model is as sure of; a peer of HAST.

    Parameters
    ----------
    strategy : str or mapping

    References
    ----------
    Gilhuber, Jahn, Ma, Seidl. VERIPS: verified pseudo-label selection for deep active learning. ICDM 2022.

    Examples
    --------
    >>> verips().wraps["rule"]
    'entropy_verified'
    """
    wraps = {"name": "self_training", "rule": "entropy_verified", **_UNWEIGHTED}
    return Recipe(strategy, wraps, None, "Gilhuber et al., 2022", _DRAWING)


def nest(strategy: Any = "margin") -> Recipe:
    """Trains again on items whose neighbours have like labels or predictions; a peer of HAST.

    Parameters
    ----------
    strategy : str or mapping

    References
    ----------
    Xu, Yu, Cui, Kan, Zhu, Ho, Zhang, Yang. Neighborhood-regularized self-training for learning with few
    labels. AAAI 2023, arXiv 2301.03726.

    Examples
    --------
    >>> nest().wraps["k"]
    7
    """
    rule = {"name": "self_training", "rule": "neighbour_divergence", "k": 7, "iterations": 3}
    return Recipe(strategy, {**rule, **_UNWEIGHTED}, None, "Xu et al., 2023")
