"""Deep batch active learning that people can trust.

The names of the first five minutes; everything else is in the rooms below.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextlabel.campaign.advice import advise
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.core.registry import build, names, spec_of
    from nextlabel.core.select import select
    from nextlabel.core.signals import Signals
    from nextlabel.core.spec import Spec
    from nextlabel.core.strategy import Picks, Scorer, Strategy
    from nextlabel.core.task import classes, multilabel
    from nextlabel.readers.arrays import arrays

__all__ = [
    "Campaign",
    "Picks",
    "Scorer",
    "Signals",
    "Spec",
    "Strategy",
    "advise",
    "arrays",
    "build",
    "classes",
    "multilabel",
    "names",
    "select",
    "spec_of",
]

__version__ = "0.1.0"

_WHERE = {
    "Campaign": "nextlabel.campaign.campaign",
    "Picks": "nextlabel.core.strategy",
    "Scorer": "nextlabel.core.strategy",
    "Signals": "nextlabel.core.signals",
    "Spec": "nextlabel.core.spec",
    "Strategy": "nextlabel.core.strategy",
    "advise": "nextlabel.campaign.advice",
    "arrays": "nextlabel.readers.arrays",
    "build": "nextlabel.core.registry",
    "classes": "nextlabel.core.task",
    "multilabel": "nextlabel.core.task",
    "names": "nextlabel.core.registry",
    "select": "nextlabel.core.select",
    "spec_of": "nextlabel.core.registry",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that importing nextlabel costs next to nothing."""
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    message = f"module 'nextlabel' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
