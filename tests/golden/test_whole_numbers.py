"""Whole numbers are token ids to some models, and numbers to others; some models ask for single precision."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.rng import generator
from nextlabel.errors import DisclosureError
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.gradient_matching import GradientMatching
from nextlabel.leakage.blank_items import blank_item
from nextlabel.leakage.double_copies import doubled
from nextlabel.leakage.gradients import relative_distance, tensors_of
from nextlabel.leakage.messages import full
from nextlabel.leakage.whole_numbers import as_read

ROWS = np.random.default_rng(0).integers(18, 80, (60, 5))
CLASSES = (ROWS.sum(1) > 245).astype(np.int64)


class Read(nn.Module):
    """A perceptron that first makes of its items what `how` says."""

    middle: Tensor
    spread: Tensor

    def __init__(self, how: str, activation: Any = torch.relu, width: int = 5, *, bias: bool = True) -> None:
        super().__init__()
        self.how, self.activation = how, activation
        self.register_buffer("middle", torch.linspace(40.0, 55.0, width))
        self.register_buffer("spread", torch.linspace(11.0, 19.0, width))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.first, self.last = nn.Linear(width, 16, bias=bias), nn.Linear(16, 2, bias=bias)
        with torch.no_grad():
            self.first.weight /= 50
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        if self.how == "float":
            x = x.float()
        elif self.how == "named":
            x = x.to(dtype=torch.float32)
        elif self.how == "typed":
            x = x.type("torch.FloatTensor")
        elif self.how == "guarded":
            x = x if x.is_floating_point() else x.float() / 255
        elif self.how == "unwatched":
            with torch.no_grad():
                x = x.float() / 2
        elif self.how == "centred":
            x = x.float() - x.float().mean(1, keepdim=True)
        elif self.how == "scaled":
            x = (x - self.middle) / self.spread
        elif self.how == "standardised":
            x = (x.float() - self.middle) / self.spread
        else:
            x = x / 2.0 if self.how == "divided" else x.to(self.first.weight.dtype)
        said: Tensor = self.last(self.activation(self.first(x)))
        return said


class Cast(nn.Module):
    """Reads token ids, and takes them as real numbers too."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(80, 4), nn.Linear(20, 2)

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.last(self.table(x.long()).flatten(1))
        return said


class Masked(Cast):
    """Takes the mean of the embeddings of what is not padding."""

    def __init__(self, mask: Any) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, x: Tensor) -> Tensor:
        is_word = self.mask(x).unsqueeze(-1)
        mean = (self.table(x.long()) * is_word).sum(1) / is_word.sum(1).clamp(min=1)
        said: Tensor = self.last(mean.repeat(1, 5))
        return said


class Mixed(Cast):
    """Looks one column up and reads the others as numbers."""

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.cat([self.table(x[:, 0].long()).repeat(1, 4), x[:, 1:].to(self.last.weight.dtype)], 1)
        said: Tensor = self.last(rows)
        return said


@pytest.mark.parametrize(
    "how", ["to", "float", "named", "typed", "divided", "unwatched", "centred", "standardised"]
)
@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_numbers_are_read_as_numbers(how: str, kind: Any) -> None:
    public = ROWS[:3].astype(kind)
    items, others = as_read(Read(how), ROWS.astype(kind), public)
    assert items.dtype == np.float64
    assert others is not None
    assert others.dtype == np.float64
    assert np.array_equal(items, ROWS)


@pytest.mark.parametrize(
    "model", [Cast(), nn.Sequential(nn.Embedding(80, 4), nn.Flatten(), nn.Linear(20, 2))]
)
def test_token_ids_stay_token_ids(model: nn.Module) -> None:
    assert as_read(model, ROWS)[0] is ROWS


@pytest.mark.parametrize(
    "mask",
    [
        lambda x: x != 0,
        lambda x: x.clamp(max=1).float(),
        lambda x: x.sign().float(),
        lambda x: torch.minimum(x, torch.ones_like(x)).float(),
    ],
    ids=["unequal", "clamp", "sign", "minimum"],
)
def test_token_ids_beside_a_mask_stay_token_ids(mask: Any) -> None:
    filled = ROWS * (np.arange(5) < 3)
    assert as_read(Masked(mask), filled)[0] is filled


def test_token_ids_beside_a_padding_of_another_number_stay_token_ids() -> None:
    assert as_read(Masked(lambda x: x != 20), ROWS)[0] is ROWS


def test_token_ids_of_a_model_that_draws_stay_token_ids() -> None:
    class Drawing(Cast):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.dropout(super().forward(x), 0.5, training=True)

    model, state = Drawing(), torch.get_rng_state()
    assert as_read(model, ROWS)[0] is ROWS
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_numbers_that_a_model_reads_otherwise_as_whole_ones_are_refused(kind: Any) -> None:
    """The record in the other unit passed for another answer: "not identifiable" of what had come back."""
    with pytest.raises(DisclosureError, match="otherwise than the same real numbers"):
        audit(Read("guarded"), ROWS.astype(kind), CLASSES, records=3, controls=False)
    report = audit(Read("guarded"), ROWS / 255, CLASSES, records=3, attacks=["fully_connected"])
    assert len(report.standings) == 3


@pytest.mark.parametrize("how", ["to", "float", "divided"])
def test_yes_and_no_are_numbers(how: str) -> None:
    items = as_read(Read(how), ROWS > 50)[0]
    assert np.array_equal(items, (ROWS > 50).astype(np.float64))
    report = audit(Read(how), ROWS > 50, CLASSES, records=3, attacks=["fully_connected"], controls=False)
    assert len(report.standings) == 3


def test_a_table_with_one_column_of_categories_is_one_of_numbers() -> None:
    assert as_read(Mixed(), ROWS)[0].dtype == np.float64


def test_a_model_that_takes_no_real_numbers_keeps_its_own() -> None:
    class OneHot(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.one_hot(x, 80).double().mean(1)

    assert as_read(OneHot(), ROWS)[0] is ROWS


@pytest.mark.parametrize("how", ["to", "float", "divided"])
def test_a_table_of_whole_numbers_has_the_verdict_of_its_numbers(how: str) -> None:
    """Each value came back to some millionths, and was scored as a token cut to a whole number."""
    whole, real = (
        audit(Read(how), rows, CLASSES, records=10, attacks=["fully_connected"], controls=False)
        for rows in (ROWS, ROWS.astype(np.float32))
    )
    assert whole.verdict == "EXACT"
    assert [one.verdict for one in whole.standings] == [one.verdict for one in real.standings]


def test_pixels_as_they_are_decoded_are_audited() -> None:
    """Each attack had been run when the witnesses met weights in double precision and broke the audit off."""
    pixels = np.random.default_rng(1).integers(0, 256, (30, 4, 4)).astype(np.uint8)
    model = Read("divided", torch.sigmoid, 16, bias=False)
    report = audit(model, pixels, CLASSES[:30], records=3, seconds=6.0, bounds=(0, 255), controls=False)
    assert len(report.standings) == 3
    assert not {one.why for one in report.outcomes} & {"broke off"}


@pytest.mark.parametrize("batch", [1, 4])
def test_columns_that_a_model_casts_and_standardises_are_read(batch: int) -> None:
    """The plain copy in double precision ran, on items in single: no layer was seen to read them."""
    rows = np.random.default_rng(4).normal(45.0, 15.0, (60, 5)).astype(np.float32)
    found = []
    for how in ("scaled", "standardised"):
        model = Read(how)
        with torch.no_grad():
            model.first.weight *= 50
        report = audit(model, rows, CLASSES, records=8, batch=batch, attacks=["fully_connected"])
        found.append([one.verdict for one in report.standings])
    assert found[0] == found[1]
    assert "EXACT" in found[1]


@pytest.mark.parametrize("how", ["to", "float", "named", "typed", "divided", "standardised"])
def test_a_copy_computes_in_double_precision_whatever_the_model_asks_for(how: str) -> None:
    model = Read(how, torch.tanh)
    item = np.random.default_rng(2).normal(size=(1, 5))
    copy = doubled(model, item.astype(np.float32))
    own = {"divided": "divided", "standardised": "scaled"}.get(how, "to")
    plain = full(Read(own, torch.tanh).double(), item, np.array([1]))
    made = full(copy, item, np.array([1]))
    assert {one.dtype for one in made.arrays.values()} == {np.dtype(np.float64)}
    assert relative_distance(tensors_of(made, torch.float64), tensors_of(plain, torch.float64)) < 1e-15
    assert model.first.weight.dtype == torch.float32


class Habits(nn.Module):
    """Makes single precision by itself: a state of zeros, a tensor that is no buffer, a demand."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.factor = how, torch.tensor([[0.5, 2.0, 1.0, 0.25, 1.5]])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.first, self.last = nn.RNN(5, 6, batch_first=True), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "asserts":
            assert x.dtype == torch.float32
        x = x * self.factor.to(x) if self.how == "plain" else x @ torch.diag(self.factor[0])
        state = torch.zeros(1, len(x), 6) if self.how != "plain" else None
        said: Tensor = self.last(self.first(x.unsqueeze(1), state)[0][:, 0])
        return said


@pytest.mark.parametrize("how", ["makes", "asserts"])
def test_what_a_model_makes_itself_is_of_double_precision_too(how: str) -> None:
    item = np.random.default_rng(2).normal(size=(1, 5))
    made = full(doubled(Habits(how), item.astype(np.float32)), item, np.array([1]))
    plain = full(Habits("plain").double(), item, np.array([1]))
    assert {one.dtype for one in made.arrays.values()} == {np.dtype(np.float64)}
    assert relative_distance(tensors_of(made, torch.float64), tensors_of(plain, torch.float64)) < 1e-14


def test_a_model_that_takes_no_double_precision_is_copied_all_the_same() -> None:
    class Stubborn(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(torch.tensor(x.tolist(), dtype=torch.half))

    model = Stubborn(3, 2)
    copy = doubled(model, blank_item(Knowledge(model, (3,), 2)))
    assert "forward" not in vars(copy)
    assert [one.dtype for one in copy.parameters()] == [torch.float64] * 2


def test_a_model_that_asks_for_single_precision_is_matched() -> None:
    model = Read("float", torch.sigmoid)
    item = np.random.default_rng(3).normal(size=(1, 5)).astype(np.float32)
    sent = full(model, item, np.array([1]))
    found = GradientMatching(restarts=4, evaluations=400).recover(
        sent, Knowledge(model, (5,), 2), generator(0)
    )
    assert found.outcome == "recovered", found.reason
    assert found.items is not None
    assert np.abs(found.items - item).max() < 1e-3
