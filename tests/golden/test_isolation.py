"""Attacks are handed the message and what is declared, and nothing near to what they must not have."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import nn, tensor

from nextlabel.core.attack import Attack, Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.errors import ParameterError
from nextlabel.leakage import audit
from nextlabel.leakage.cases import SWITCHES
from nextlabel.testing.plain_attacks import Nosy

LABELS = np.random.default_rng(6).integers(3, size=40)
PUBLIC = np.random.default_rng(7).uniform(size=(5, 4, 5)).astype(np.float32)
ALWAYS = {"model", "item_shape", "classes", "loss", "reduction"}  # what every attacker knows
NEAR = 0.98
"""A correlation of 20 values that say nothing of an item exceeds it with a chance below 1e-12.

Of independent normal values (1 − r²) has a Beta law: P(|r| > 0.98) < (1 − 0.98²)⁹ = 3e-13; of the labels' 40
values it is less. The 3,000 or so windows of what is known beside 40 items are below 1e-6 together.
"""


@pytest.fixture(scope="module")
def network() -> nn.Module:
    made: nn.Module = resolve("network", "known_leak")((4, 5), 3, seed=1)
    return made


@pytest.fixture(scope="module")
def items() -> Array:
    return np.random.default_rng(5).uniform(size=(40, 4, 5)).astype(np.float32)


def audited(network: nn.Module, items: Array, *attacks: Attack, **options: Any) -> None:
    settings: dict[str, Any] = {"records": 4, "controls": False, "bounds": (0.0, 1.0), **options}
    audit(network, items, LABELS, attacks=attacks, **settings)


def correlations(array: Array, wanted: Array) -> Array:
    """Of every window of an array, read by rows and by columns, with each wanted row."""
    length = wanted.shape[1]
    flat = np.asarray(array, np.float64)
    if flat.size < length:
        return np.zeros(1)
    read = np.concatenate(
        [np.lib.stride_tricks.sliding_window_view(one.ravel(), length) for one in (flat, flat.T)]
    )
    return np.asarray(np.abs(unit(read) @ unit(wanted).T))


def unit(rows: Array) -> Array:
    centred = rows - rows.mean(1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.divide(centred, lengths, where=lengths > 1e-9, out=np.zeros_like(centred)))


def reached(nosy: Nosy, items: Array, batch: int) -> set[str]:
    """What of the records is in the message as it is, or in the knowledge, or near to something there.

    A message of gradients holds multiples of its items: that is the leak, and no fault of the audit.
    """
    width = items[0].size
    rows = items.reshape(-1, width).astype(np.float64)
    private = {row.tobytes() for row in rows}
    found = set()
    for array in nosy.seen:
        if array.size % width == 0:
            held = np.ascontiguousarray(array, np.float64).reshape(-1, width)
            found |= {"items" for row in held if row.tobytes() in private}
        if np.issubdtype(array.dtype, np.integer) and array.shape in ((batch,), LABELS.shape):
            found.add("labels")
    for array in nosy.known:
        if correlations(array, rows).max() > NEAR:
            found.add("items")
        one_hot = array.ndim == 2 and array.shape[0] == len(LABELS)
        if correlations(array.argmax(1) if one_hot else array, LABELS[None].astype(np.float64)).max() > NEAR:
            found.add("labels")
    return found


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("share", ["full", "last_layer", "update", "embedding"])
def test_an_attack_can_reach_neither_records_nor_labels(
    network: nn.Module, items: Array, share: str, batch: int
) -> None:
    for knows in ((), tuple(one for one in SWITCHES if one != "labels")):
        nosy = Nosy()
        audited(network, items, nosy, batch=batch, share=share, knows=knows)
        assert nosy.seen
        assert nosy.known
        assert reached(nosy, items, batch) == set()


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("knows", "is_public", "held"), [("labels", False, {"labels"}), ("public", True, {"items"})]
)
def test_what_an_attacker_is_told_can_be_reached(
    network: nn.Module, items: Array, knows: str, is_public: bool, held: set[str], batch: int
) -> None:
    """The broken twin of the test before: what is handed over is found, in copies as well."""
    nosy = Nosy()
    public = items[::-1].astype(np.float64) if is_public else None
    audited(network, items, nosy, batch=batch, knows=(knows,), public=public)
    assert reached(nosy, items, batch) == held


NOISE = np.random.default_rng(8).normal(size=(40, 4, 5))
PLANTED: dict[str, Callable[[Array], Array]] = {
    "a factor near 1": lambda items: items * 1.0000001,
    "other units": lambda items: 255 * items - 128,
    "a negative": lambda items: 1 - items,
    "few bits": lambda items: items.astype(np.float16),
    "noise": lambda items: items + 0.02 * NOISE,
    "another order": lambda items: items[np.random.default_rng(9).permutation(40)] * 1.0000001,
    "one record": lambda items: np.concatenate([PUBLIC, items[11:12] * 1.0000001]),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_near_to_the_records_is_found(network: nn.Module, items: Array, kind: str) -> None:
    """Broken twins: the records are handed over as public items, changed so that no byte is the same."""
    nosy = Nosy()
    audited(network, items, nosy, knows=("public",), public=PLANTED[kind](items).astype(np.float32))
    assert reached(nosy, items, 1) == {"items"}


HIDDEN: dict[str, tuple[Callable[[Array], Array], set[str]]] = {
    "in a row": (lambda items: np.r_[np.zeros(7), 0.5 * items[3].ravel(), np.ones(4)], {"items"}),
    "by columns": (lambda items: items.reshape(40, 20).T * 2, {"items"}),
    "labels": (lambda items: 2.0 * LABELS + 5, {"labels"}),
    "probabilities": (lambda items: 0.7 * np.eye(3)[LABELS] + 0.1, {"labels"}),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_is_hidden_in_the_model_is_found(items: Array, kind: str) -> None:
    """Broken twins: an attacker has the model with all that hangs on it."""
    made, held = HIDDEN[kind]
    network = resolve("network", "known_leak")((4, 5), 3, seed=1)
    network.register_buffer("memory", tensor(made(items)))
    nosy = Nosy()
    audited(network, items, nosy)
    assert reached(nosy, items, 1) == held


@pytest.mark.parametrize("batch", [1, 2])
def test_the_batch_itself_would_be_found(items: Array, batch: int) -> None:
    """The broken twin with the batch in the knowledge, of any shape."""
    for private in (items[3 : 3 + batch], items[3 : 3 + batch].reshape(batch, -1), items[3].ravel()):
        nosy = Nosy()
        told = Knowledge(None, (4, 5), 3, public=private.copy(), labels=LABELS[3 : 3 + batch].copy())
        nosy.recover(Disclosure("full", {"weight": np.ones((2, 20))}, batch), told, np.random.default_rng(0))
        assert reached(nosy, items, batch) == {"items", "labels"}


def told(network: nn.Module, items: Array, **options: Any) -> set[str]:
    """The fields of the knowledge that an attack was handed, beyond what every attacker knows."""
    nosy = Nosy()
    public = {"public": PUBLIC, "public_labels": LABELS[:5]}
    audited(network, items, nosy, **{**public, **options})
    assert nosy.told
    return {
        field.name
        for one in nosy.told
        for field in dataclasses.fields(one)
        if field.name not in ALWAYS and (value := getattr(one, field.name)) is not None and value is not False
    }


SHARES: list[tuple[dict[str, Any], set[str]]] = [
    ({"share": "full"}, {"rate", "steps", "sketch"}),
    ({"share": "update", "steps": 2, "rate": 0.5}, {"sketch"}),
    ({"share": "embedding", "sketch": np.eye(192)}, {"rate", "steps"}),
]


@pytest.mark.parametrize(("options", "none_such"), SHARES, ids=["full", "update", "embedding"])
@pytest.mark.parametrize("switch", [None, *SWITCHES])
def test_a_field_is_told_where_its_switch_is_on_and_else_not(
    network: nn.Module, items: Array, switch: str | None, options: dict[str, Any], none_such: set[str]
) -> None:
    if switch == "sketch" and switch in none_such:  # an array that there is not cannot be known
        with pytest.raises(ParameterError, match="'knows' has sketch, and no such array came"):
            told(network, items, knows=(switch,), **options)
        return
    on = set() if switch is None or switch in none_such else {{"images": "is_image"}.get(switch, switch)}
    assert told(network, items, knows=() if switch is None else (switch,), **options) == on


def test_every_field_of_the_knowledge_has_a_switch() -> None:
    declared = {"is_image" if one == "images" else one for one in SWITCHES}
    assert declared | ALWAYS == {field.name for field in dataclasses.fields(Knowledge)}


def test_of_what_is_not_there_nothing_is_told(network: nn.Module, items: Array) -> None:
    """With all switches on and nothing given, nothing is made up."""
    given = {"public": None, "public_labels": None, "bounds": None, "is_image": False}
    assert told(network, items, knows=SWITCHES, **given) == {"batch", "labels"}
