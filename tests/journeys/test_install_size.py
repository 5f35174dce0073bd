"""What an installation brings, counted from what the installed packages say they need."""

from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_MOST = 70


def _needed(name: str, extras: frozenset[str], known: dict[str, frozenset[str]]) -> None:
    """Adds a package, and all that it needs with these extras, to those known."""
    name = canonicalize_name(name)
    if name in known and extras <= known[name]:
        return
    known[name] = known.get(name, frozenset()) | extras
    for line in requires(name) or []:
        one = Requirement(line)
        wanted = one.marker is None or any(
            one.marker.evaluate({"extra": extra}) for extra in ("", *known[name])
        )
        if wanted:
            _needed(one.name, frozenset(one.extras), known)


def test_the_page_brings_fewer_than_seventy_packages() -> None:
    known: dict[str, frozenset[str]] = {}
    _needed("nextlabel", frozenset({"app"}), known)
    assert {"starlette", "uvicorn", "scikit-learn", "matplotlib", "pillow"} <= known.keys()  # it does look on
    assert not {"torch", "transformers", "krippendorff"} & known.keys()
    assert len(known) < _MOST, sorted(known)


def test_with_the_encoders_of_others_torch_is_among_them() -> None:
    known: dict[str, frozenset[str]] = {}
    _needed("nextlabel", frozenset({"app", "huggingface"}), known)
    assert {"torch", "transformers"} <= known.keys()
