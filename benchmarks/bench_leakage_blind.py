"""The verdict of an audit against the truth of 116 scenarios, leaking and null, set beforehand.

About half a CPU minute. Each scenario is audited by `nextlabel.leakage.audit` with all registered attacks,
which get the messages and nothing of the scenario; the truth is written here, beside each of them.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from benchmarks.measure import Row, shown
from nextlabel.core.defence import Defence
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.rng import generator
from nextlabel.leakage import audit
from nextlabel.leakage.messages import embedding, full
from nextlabel.leakage.networks import deep_leakage
from nextlabel.leakage.text.language_models import tiny_decoder
from nextlabel.learners.networks import Flat
from nextlabel.maths.intervals import binomial_interval

SECONDS = 6.0  # of each audit, for the attacks that run by the clock
RECORDS = 8
LEAST = 0.95  # of the verdicts must be right

EXACT, RECOGNISABLE, LABEL_ONLY, NOT_SHOWN = "EXACT", "RECOGNISABLE", "LABEL ONLY", "NOT SHOWN"


@dataclass(frozen=True)
class Scenario:
    """What is audited, and which verdicts are right."""

    name: str
    truth: frozenset[str]
    model: nn.Module
    items: Array
    labels: Array
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def is_null(self) -> bool:
        """Whether no record can come back exactly, whatever the attack."""
        return EXACT not in self.truth


@dataclass(frozen=True)
class Swapped(Defence):
    """Sends the message of another record: what leaves tells nothing of the record that it stands for."""

    make: Callable[[np.random.Generator], Disclosure]

    name: ClassVar[str] = "swapped"
    strength: ClassVar[None] = None
    sentence: ClassVar[str] = "The message of another record is sent."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        return self.make(rng)


@dataclass(frozen=True)
class Drawn(Defence):
    """Sends random numbers of the message's shapes and size."""

    name: ClassVar[str] = "drawn"
    strength: ClassVar[None] = None
    sentence: ClassVar[str] = "Random numbers are sent."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        arrays = {
            name: rng.normal(scale=float(one.std()) or 1.0, size=one.shape).astype(one.dtype)
            for name, one in disclosure.arrays.items()
        }
        return Disclosure(disclosure.kind, arrays, disclosure.items)


@dataclass(frozen=True)
class Redrawn(Defence):
    """Sends the message of a record whose first columns are drawn anew, each in its own unit."""

    network: nn.Module
    units: tuple[float, ...]

    name: ClassVar[str] = "redrawn"
    strength: ClassVar[None] = None
    sentence: ClassVar[str] = "The first columns of the record are drawn anew."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        unit = int(np.abs(disclosure["1.bias"]).argmax())
        item = disclosure["1.weight"][unit : unit + 1] / disclosure["1.bias"][unit]
        item[:, : len(self.units)] = rng.normal(scale=self.units)
        label = np.array([disclosure["3.bias"].argmin()])  # the only one whose gradient is negative
        return full(self.network, item, label)


def rows() -> list[Row]:
    torch.set_num_threads(1)
    right, exact_nulls, wrong, seconds = 0, 0, Counter[str](), []
    scenarios = list(_scenarios())
    for number, one in enumerate(scenarios):
        before = time.process_time()
        said = audit(
            one.model,
            one.items,
            one.labels,
            seed=number,
            controls=False,
            seconds=SECONDS,
            records=RECORDS,
            **one.options,
        ).verdict
        seconds.append(time.process_time() - before)
        is_right = said in one.truth
        right += is_right
        exact_nulls += one.is_null and said == EXACT
        if not is_right:
            wrong[f"{one.name}: {said}"] += 1
    nulls = sum(one.is_null for one in scenarios)
    ends, none = binomial_interval(right, len(scenarios)), binomial_interval(exact_nulls, nulls)
    listed = "; ".join(f"{name} ({count})" for name, count in wrong.most_common()) or "none"
    return [
        Row(
            f"verdicts of {len(scenarios)} blind scenarios, {RECORDS} records each; wrong: {listed}",
            f"{right} right ({100 * ends.low:.1f} % to {100 * ends.high:.1f} %)",
            shown(float(np.median(seconds))) + " each",
            "",
            f"{100 * LEAST:g} % right",
            right >= LEAST * len(scenarios),
        ),
        Row(
            f"EXACT said of {nulls} scenarios in which no record can come back",
            f"{exact_nulls} ({100 * none.low:.1f} % to {100 * none.high:.1f} %)",
            f"{sum(seconds):.0f} s in all",
            "",
            "none",
            exact_nulls == 0,
        ),
    ]


def _scenarios() -> Iterator[Scenario]:
    """116 of them, in an order that says nothing."""
    made = [one for build, count in _KINDS for one in _several(build, count)]
    for place in generator(0).permutation(len(made)):
        yield made[int(place)]


def _several(build: Callable[[int], Scenario], count: int) -> Iterator[Scenario]:
    for number in range(count):
        yield build(number)


def _digits(seed: int) -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    data, target = load_digits(return_X_y=True)
    order = generator(seed, 7).permutation(len(data))[:60]
    return (data[order] / 16.0).astype(np.float32).reshape(-1, 8, 8), target[order].astype(np.int64)


def _table(seed: int, features: int, classes: int) -> tuple[Array, Array]:
    rng = generator(seed, 8)
    return (
        rng.normal(size=(60, features)).astype(np.float32),
        rng.permutation(60) % classes,
    )


def _dense(seed: int, features: int, hidden: int, classes: int, act: type[nn.Module] = nn.ReLU) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(Flat(), nn.Linear(features, hidden), act(), nn.Linear(hidden, classes)).eval()


def _image_case(seed: int, name: str, truth: set[str], **options: Any) -> Scenario:
    items, labels = _digits(seed)
    network = _dense(seed, 64, 40, 10)
    return Scenario(name, frozenset(truth), network, items, labels, {"bounds": (0.0, 1.0), **options})


def _table_case(seed: int, name: str, truth: set[str], **options: Any) -> Scenario:
    features, classes = 5 + 3 * (seed % 5), 3 + seed % 4
    items, labels = _table(seed, features, classes)
    act = (nn.ReLU, nn.Tanh, nn.Sigmoid)[seed % 3]
    return Scenario(name, frozenset(truth), _dense(seed, features, 24, classes, act), items, labels, options)


def _dense_leak(seed: int) -> Scenario:
    made = _image_case if seed % 2 else _table_case
    return made(seed, "fully connected, one record", {EXACT})


def _update_leak(seed: int) -> Scenario:
    items, labels = _table(seed, 9, 4)
    network = _dense(seed, 9, 24, 4).double()
    options = {"share": "update", "rate": 0.5}
    return Scenario("one local step", frozenset({EXACT}), network, items.astype(np.float64), labels, options)


def _convolution_leak(seed: int) -> Scenario:
    items, labels = _digits(seed)
    torch.manual_seed(seed)
    act = ("sigmoid", "leaky_relu")[seed % 2]
    network = deep_leakage((8, 8), 10, activation=act).double().eval()
    name = f"convolutions that can be peeled, {act}"
    return Scenario(
        name, frozenset({EXACT}), network, items.astype(np.float64), labels, {"bounds": (0.0, 1.0)}
    )


def _wide_embedding(seed: int) -> Scenario:
    items, labels = _digits(seed)
    network = _dense(seed, 64, 256, 10)
    options = {"share": "embedding", "bounds": (0.0, 1.0)}
    return Scenario("embedding, enough active units", frozenset({EXACT}), network, items, labels, options)


def _narrow_embedding(seed: int) -> Scenario:
    items, labels = _digits(seed)
    network = _dense(seed, 64, 32, 10)
    options = {"share": "embedding", "bounds": (0.0, 1.0)}
    truth = frozenset({LABEL_ONLY, NOT_SHOWN})  # labels of the model: all may be of one class
    return Scenario("embedding, too few units", truth, network, items, labels, options)


def _two_class_embedding(seed: int) -> Scenario:
    """Of two classes two lengths of the features give one embedding; with more units than inputs the layer
    before would tell them apart, so there are fewer.
    """
    items, labels = _table(seed, 12, 2)
    network = _dense(seed, 12, 8, 2, nn.Tanh)
    truth = frozenset({NOT_SHOWN, LABEL_ONLY})
    return Scenario("embedding of two classes", truth, network, items, labels, {"share": "embedding"})


def _last_layer(seed: int) -> Scenario:
    return _image_case(seed, "last layer, one record", {LABEL_ONLY}, share="last_layer")


def _noised(seed: int) -> Scenario:
    share = ("full", "last_layer", "update")[seed % 3]
    return _image_case(seed, f"noise alone, {share}", {NOT_SHOWN}, share=share, defences=["gaussian:1e3"])


def _drawn(seed: int) -> Scenario:
    share = ("full", "embedding")[seed % 2]
    return _image_case(seed, f"random numbers, {share}", {NOT_SHOWN}, share=share, defences=[Drawn()])


def _swapped(seed: int) -> Scenario:
    """Messages of other records, of the same kind, drawn from records that are not audited."""
    items, labels = _digits(seed)
    share = ("full", "embedding")[seed % 2]
    network = _dense(seed, 64, 256 if share == "embedding" else 40, 10)
    others, target = _digits(1000 + seed)
    is_other = np.array([not (items == one).all((1, 2)).any() for one in others])
    others, target = others[is_other], target[is_other]

    def other(rng: np.random.Generator) -> Disclosure:
        one = int(rng.integers(len(others)))
        made = embedding if share == "embedding" else full
        return made(network, others[one : one + 1], target[one : one + 1])

    options = {"share": share, "bounds": (0.0, 1.0), "defences": [Swapped(other)]}
    name = f"messages of other records, {share}"
    return Scenario(name, frozenset({NOT_SHOWN}), network, items, labels, options)


def _unequal(seed: int) -> tuple[nn.Module, Array, Array]:
    """A table whose columns are counted in units from one to a million, and a first layer that knows them."""
    items, labels = _table(seed, 12, 3)
    units = (10.0 ** np.linspace(0, 6, 12)).astype(np.float32)
    network = _dense(seed, 12, 24, 3, nn.Tanh)
    with torch.no_grad():
        network[1].weight /= torch.tensor(units)  # type: ignore[index]
    return network, items * units, labels


def _unequal_leak(seed: int) -> Scenario:
    network, items, labels = _unequal(seed)
    return Scenario("table of unequal columns", frozenset({EXACT}), network, items, labels)


def _unequal_null(seed: int) -> Scenario:
    """All but the three largest columns are drawn anew: of the norm that is next to nothing."""
    network, items, labels = _unequal(seed)
    options = {"defences": [Redrawn(network, tuple(items.std(0)[:-3].tolist()))]}
    name = "table of which the small columns are drawn anew"
    return Scenario(name, frozenset({LABEL_ONLY, NOT_SHOWN}), network, items, labels, options)


def _pairs(seed: int) -> Scenario:
    items, labels = _digits(seed)
    network = _dense(seed, 64, 200, 10)
    options = {"batch": 2, "bounds": (0.0, 1.0), "attacks": ["fully_connected"]}
    return Scenario("fully connected, pairs", frozenset({EXACT}), network, items, labels, options)


def _text(seed: int) -> Scenario:
    """Texts of seven tokens, and a small GPT-2 that sorts them."""
    torch.manual_seed(seed)
    network = tiny_decoder(200, width=64, classes=4).eval()
    rng = generator(seed, 9)
    items, labels = rng.integers(200, size=(60, 7)), rng.permutation(60) % 4
    options = {"attacks": ["label_inference", "span_test"]}
    return Scenario("text", frozenset({EXACT}), network, items, labels, options)


class _Averages(nn.Module):
    """Token embeddings averaged before any layer reads them."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.table, self.layers = nn.Embedding(200, 16), _dense(0, 16, 16, classes, nn.Tanh)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.layers(self.table(tokens).mean(1))
        return made


def _averaged(seed: int) -> tuple[nn.Module, Array, Array]:
    torch.manual_seed(seed)
    rng = generator(seed, 10)
    return _Averages(4).eval(), rng.integers(200, size=(60, 5)), rng.permutation(60) % 4


def _words(seed: int) -> Scenario:
    """An average of embeddings has no order: the words come back, and never the sentence."""
    network, items, labels = _averaged(seed)
    options = {"attacks": ["label_inference", "bag_of_words"]}
    return Scenario("words of averaged text", frozenset({RECOGNISABLE}), network, items, labels, options)


def _other_words(seed: int) -> Scenario:
    """Messages of texts that are drawn anew."""
    network, items, labels = _averaged(seed)

    def other(rng: np.random.Generator) -> Disclosure:
        return full(network, rng.integers(200, size=(1, 5)), rng.integers(4, size=1))

    options = {"attacks": ["label_inference", "bag_of_words"], "defences": [Swapped(other)]}
    return Scenario("words of other texts", frozenset({NOT_SHOWN}), network, items, labels, options)


_KINDS: tuple[tuple[Callable[[int], Scenario], int], ...] = (
    (_dense_leak, 20),
    (_update_leak, 6),
    (_convolution_leak, 8),
    (_wide_embedding, 10),
    (_last_layer, 10),
    (_narrow_embedding, 8),
    (_two_class_embedding, 6),
    (_noised, 12),
    (_drawn, 10),
    (_swapped, 10),
    (_unequal_leak, 4),
    (_unequal_null, 4),
    (_pairs, 2),
    (_text, 2),
    (_words, 2),
    (_other_words, 2),
)
