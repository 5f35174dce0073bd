"""Every registered set of ours, as far as it is known without reading it."""

from collections.abc import Mapping
from types import MappingProxyType

from nextlabel.datasets.listing import Listing
from nextlabel.datasets.published import PUBLISHED
from nextlabel.datasets.uci import TABLES

__all__ = ["LISTINGS"]

_MADE = (
    Listing(
        name="digits",
        items=1797,
        classes=10,
        medium="image",
        description="1,797 handwritten digits of 8 × 8 pixels in ten classes, bundled with scikit-learn",
        licence="UCI, CC BY 4.0",
        citation="Alpaydin, Kaynak. Optical recognition of handwritten digits. UCI, 1998.",
    ),
    Listing(
        name="diverging_sine",
        items=200,
        classes=2,
        medium="row",
        description="200 generated points on two sine curves that start together and drift apart",
        licence="none needed",
        citation="none needed: generated from a seed",
    ),
    Listing(
        name="honeypot",
        items=600,
        classes=2,
        medium="row",
        description="600 generated points in four clusters, two of which coincide and carry both classes",
        licence="none needed",
        citation="none needed: generated from a seed",
    ),
)

LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        one.name: one
        for one in sorted(
            (*_MADE, *PUBLISHED, *(table.listing for table in TABLES)), key=lambda one: one.name
        )
    }
)
"""By name, alphabetical."""
