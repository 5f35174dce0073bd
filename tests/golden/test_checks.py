"""What is refused before an attack runs, and what is said of a message that passes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError
from nextlabel.leakage import audit
from nextlabel.leakage.blank_items import blank_item, takes_only_tokens
from nextlabel.leakage.body_evidence import UNSEEN_BODY
from nextlabel.leakage.checks import check, remarks
from nextlabel.leakage.defences.catalogue import parse
from nextlabel.leakage.messages import embedding, full
from nextlabel.leakage.model_modes import check_evaluation
from nextlabel.testing.attack_examples import small_network


def network(*widths: int, seed: int = 0) -> Any:
    return small_network(*(widths or (6, 8, 4)), seed=seed).float()


def batch(size: int, classes: int = 4, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, 6)).astype(np.float32), rng.integers(classes, size=size)


def said(model: nn.Module, size: int = 1, classes: int = 4, **more: Any) -> Knowledge:
    return Knowledge(model, (6,), classes, **{"batch": size, **more})


def renamed(sent: Disclosure, names: dict[str, str]) -> Disclosure:
    return Disclosure(
        sent.kind, {names.get(name, name): one for name, one in sent.arrays.items()}, sent.items
    )


def test_a_single_output_is_refused() -> None:
    model = network(6, 8, 1)
    sent = full(model, batch(1)[0], np.array([0.5]), loss="squared_error")
    with pytest.raises(DisclosureError, match=r"at least two logits; .* 1\. A single output with a sigmoid"):
        check(sent, said(model, classes=1))


def test_training_mode_is_refused_where_it_matters() -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4))
    sent = full(model, *batch(3))
    with pytest.raises(DisclosureError, match=r"1 \(BatchNorm1d\), 2 \(Dropout\)\. Call model.eval"):
        check(sent, said(model.train(), 3))
    check(sent, said(model.eval(), 3))
    plain = network().train()
    check(full(plain, *batch(1)), said(plain))
    assert plain.training


class Dropping(nn.Module):
    """Drops by a function, which no module tells."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 4)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        inner = nn.functional.dropout(self.first(items), 0.2, self.training)
        return torch.as_tensor(self.last(inner))


class Strict(nn.Module):
    """Refuses to be run in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(6, 4)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        if self.training:
            raise ValueError("not now")
        return torch.as_tensor(self.last(items))


@pytest.mark.parametrize("kind", [Dropping, Strict])
def test_a_function_that_reads_the_mode_is_seen_by_what_it_does(kind: type[nn.Module]) -> None:
    model = kind()
    sent, state = full(model, *batch(1)), torch.get_rng_state()
    with pytest.raises(
        DisclosureError, match=rf"{kind.__name__} is in training mode, and gives other outputs"
    ):
        check(sent, said(model.train()))
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    check(sent, said(model.eval()))


class Drawn(nn.Module):
    """Draws in every mode: before the last layer or after it, by torch's generator or by one of its own."""

    def __init__(self, place: str, share: float = 0.5) -> None:
        super().__init__()
        self.first, self.last, self.place, self.share = nn.Linear(6, 8), nn.Linear(8, 4), place, share
        self.drop = nn.Sequential(nn.Identity(), Always(share))
        self.own = np.random.default_rng(0)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        inner = self.first(items)
        inner = self.drop(inner) if self.place == "before" else inner
        outputs = torch.as_tensor(self.last(inner))
        if self.place == "after":
            return nn.functional.dropout(outputs, self.share)
        return outputs * float(self.own.uniform()) if self.place == "own" else outputs


class Always(nn.Module):
    """Drops in every mode."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(items, self.share)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("before", r"Drawn draws anew at each call, within 'drop.1' \(Always\)\. Draw in training mode only"),
        ("after", r"Drawn draws anew at each call\. Draw"),
        ("own", r"Drawn draws anew at each call\. Draw"),
    ],
)
def test_a_model_that_draws_in_evaluation_mode_is_named(place: str, says: str) -> None:
    """With half of 16 or 8 values dropped, two passes agree with a chance of 2⁻⁸ at most, 64 with 2⁻⁵¹²."""
    model = Drawn(place).eval()
    sent, state = full(model, *batch(1)), torch.get_rng_state()
    with pytest.raises(DisclosureError, match=says):
        check(sent, said(model))
    assert torch.equal(torch.get_rng_state(), state)
    for mode in (True, False):
        with pytest.raises(DisclosureError, match=says):
            audit(model.train(mode), *batch(30), controls=False, seconds=1)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_draw_that_hardly_ever_matters_is_looked_for() -> None:
    """Of one unit in fifty, 2 · 8 values in 65 passes leave none dropped with a chance of 8e-10."""
    model = Drawn("before", share=0.02).eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with pytest.raises(DisclosureError, match=r"within 'drop.1'"):
            check(full(model, *batch(1)), said(model))


def test_a_draw_that_changes_nothing_is_let_pass() -> None:
    model = Drawn("before", share=0.0).eval()
    model.drop[1] = Unused()
    check(full(model, *batch(1)), said(model))


class Unused(nn.Module):
    """Draws, and gives what it was given."""

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        torch.rand(3)
        return items


class Mixing(nn.Module):
    """Normalises by the batch in every mode, by a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 4)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        inner = nn.functional.batch_norm(self.first(items), None, None, training=True)
        return torch.as_tensor(self.last(inner))


def normed(layer: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), layer, nn.ReLU(), nn.Linear(8, 4)).eval()


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize(
    ("model", "says"),
    [
        (normed(nn.BatchNorm1d(8, track_running_stats=False)), r"keep no running ones: 1 \(BatchNorm1d\)\."),
        (Mixing().eval(), r"Mixing answers an item otherwise beside other items than alone"),
    ],
    ids=["layer", "function"],
)
def test_what_reads_the_batch_in_evaluation_mode_is_named(model: nn.Module, says: str, size: int) -> None:
    with pytest.raises(DisclosureError, match=says + r".* Use running statistics"):
        audit(model, *batch(30), batch=size, controls=False, seconds=1)
    with pytest.raises(DisclosureError, match=says):
        check(full(model, *batch(4)), said(model, 4))


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm1d(8),
        nn.GroupNorm(2, 8),
        nn.LayerNorm(8),
        nn.Sequential(nn.Unflatten(1, (2, 4)), nn.InstanceNorm1d(2), nn.Flatten()),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_normalises_each_item_alone_is_let_pass(layer: nn.Module) -> None:
    model = normed(layer)
    check(full(model, *batch(4)), said(model, 4))


def test_few_bits_are_not_taken_for_a_batch_that_is_read() -> None:
    check_evaluation(network(6, 300, 300, 4).bfloat16(), batch(8)[0])


def test_dropout_within_attention_counts() -> None:
    attention = nn.MultiheadAttention(6, 2, dropout=0.1)
    with pytest.raises(DisclosureError, match=r"the model \(MultiheadAttention\)"):
        check(full(network(), *batch(1)), said(attention))


def test_weights_that_are_not_finite_are_refused() -> None:
    model = network()
    sent = full(model, *batch(1))
    with torch.no_grad():
        model[0].weight[0, :2] = torch.nan
    with pytest.raises(DisclosureError, match=r"2 of the 48 numbers of '0.weight' are NaN or infinite"):
        check(sent, said(model))


def test_names_and_shapes_of_another_model_are_refused() -> None:
    model = network()
    sent = full(model, *batch(1))
    with pytest.raises(
        DisclosureError, match=r"names 'fc.weight'; the model has no such .*'0.weight', '0.bias'"
    ):
        check(renamed(sent, {"0.weight": "fc.weight"}), said(model))
    with pytest.raises(DisclosureError, match=r"'0.weight' must have .*\(9, 6\); it has \(8, 6\)"):
        check(sent, said(network(6, 9, 4)))
    with pytest.raises(
        DisclosureError, match=r"lacks '0.weight', '0.bias'. It is of another model, or those"
    ):
        check(Disclosure("full", {name: sent[name] for name in ("2.weight", "2.bias")}, 1), said(model))
    with pytest.raises(
        DisclosureError, match=r"'0.weight', which is not of the last linear layer \('2.weight'"
    ):
        check(Disclosure("last_layer", dict(sent.arrays), 1), said(model))
    with pytest.raises(DisclosureError, match=r"is of kind embedding, full.*; received 'gradients'"):
        check(Disclosure("gradients", dict(sent.arrays), 1), said(model))


def test_frozen_parameters_that_the_message_names_are_refused() -> None:
    model = network()
    sent = full(model, *batch(1))
    model[0].weight.requires_grad_(False)
    with pytest.raises(DisclosureError, match=r"names '0.weight', which is frozen"):
        check(sent, said(model))
    check(full(model, *batch(1)), said(model))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        said: torch.Tensor = self.head(self.embed(tokens))
        return said


def of_text(model: nn.Module, **more: Any) -> Knowledge:
    return Knowledge(model, (4,), 5, loss="language_model", **more)


def test_tied_embeddings_come_once_and_are_remarked_on() -> None:
    model = Tied()
    tokens = np.array([[0, 1, 2, 3]])
    sent = full(model, tokens, np.array([[1, 2, 3, -100]]), loss="language_model")
    check(sent, of_text(model))
    tied, left_open = remarks(sent, of_text(model))
    assert "'embed' is tied to 'head.weight'" in tied
    assert left_open.startswith("Of a language model's message the checks cannot rule out other weights")
    twice = Disclosure("full", {**sent.arrays, "head.weight": sent["embed.weight"]}, 1)
    with pytest.raises(
        DisclosureError, match=r"'head.weight', which is tied: .* same parameter as 'embed.weight'"
    ):
        check(twice, of_text(model))


def test_a_frozen_embedding_is_remarked_on() -> None:
    embed = nn.Embedding(5, 3)
    embed.weight.requires_grad_(False)
    model = nn.Sequential(embed, nn.Linear(3, 5))
    sent = full(model, np.array([[0, 1, 2, 3]]), np.array([[1, 2, 3, 0]]), loss="language_model")
    assert any("'0' is frozen" in one for one in remarks(sent, of_text(model)))


def test_sizes_and_labels_that_contradict_are_refused() -> None:
    model = network()
    sent = full(model, *batch(3))
    with pytest.raises(DisclosureError, match=r"speaks of 3 items; .* there are 4"):
        check(sent, said(model, 4))
    with pytest.raises(DisclosureError, match=r"speaks of 3 items; .* 2 labels"):
        check(sent, said(model, 3, labels=np.zeros(2, int)))
    with pytest.raises(DisclosureError, match=r"from 0 to 3; .* labels from 0 to 7"):
        check(sent, said(model, 3, labels=np.array([0, 7, 1])))


def test_items_and_outputs_that_contradict_are_refused() -> None:
    model = network()
    sent = full(model, *batch(1))
    with pytest.raises(
        DisclosureError, match=r"items of the shape \(5,\); given one, it raised RuntimeError"
    ):
        check(sent, Knowledge(model, (5,), 4))
    with pytest.raises(DisclosureError, match=r"must give 7 outputs .* it gives \(1, 4\)"):
        check(sent, Knowledge(model, (6,), 7))


def test_a_batch_larger_than_the_classes_is_remarked_on() -> None:
    model = network()
    sent = full(model, *batch(9))
    check(sent, said(model, 9))
    assert remarks(sent, said(model, 9))[0] == (
        "The message speaks of 9 items and there are 4 classes: some label occurs twice."
    )


def test_zeros_are_remarked_on() -> None:
    model = network()
    sent = full(model, *batch(1))
    zeros = Disclosure("full", {name: np.zeros_like(one) for name, one in sent.arrays.items()}, 1)
    check(zeros, said(model))
    assert any("Every number of the message is zero" in one for one in remarks(zeros, said(model)))


def test_gradient_embeddings_are_held_against_the_model() -> None:
    model = network()
    items, _ = batch(3)
    sent = embedding(model, items)
    check(sent, said(model, 3))
    assert remarks(sent, said(model, 3)) == (UNSEEN_BODY,)
    with pytest.raises(DisclosureError, match=r"must have the axes \(3, 4, 9\) .*; it has \(3, 4, 8\)"):
        check(sent, said(network(6, 9, 4), 3))
    with pytest.raises(DisclosureError, match="holds one array, 'embedding' or 'sketch'; received 'factors'"):
        check(renamed(sent, {"embedding": "factors"}), said(model, 3))
    noisy = parse("gaussian:1e-2").apply(sent, np.random.default_rng(0))
    assert any("these are not: they were noised" in one for one in remarks(noisy, said(model, 3)))
    for wrong in (
        embedding(network(seed=1), items),
        Disclosure("embedding", {"embedding": 2 * sent["embedding"]}, 3),
    ):
        with pytest.raises(DisclosureError, match=r"of 3 that were held .* 3 are .* for no features z"):
            check(wrong, said(model, 3))
    mixed = np.concatenate([sent["embedding"], wrong["embedding"][:1]])
    (first, second) = remarks(Disclosure("embedding", {"embedding": mixed}, 4), said(model, 4))
    assert first.startswith("Of 4 gradient embeddings 1 fit no features")
    assert second == UNSEEN_BODY


@pytest.mark.parametrize(
    "defence", ["gaussian:1e-3", "int8", "float16", "bfloat16", "prune:30%", "prune:90%", "sign"]
)
def test_defended_gradient_embeddings_are_not_called_another_models(defence: str) -> None:
    rng = np.random.default_rng(0)
    for seed in range(12):
        model = network(seed=seed)
        sent = parse(defence).apply(embedding(model, batch(3, seed=seed)[0]), rng)
        check(sent, said(model, 3))
        assert remarks(sent, said(model, 3))


def test_wide_columns_and_sure_predictions_are_not_called_noise() -> None:
    columns = np.array([1.0, 1.0, 30.0, 1000.0, 1.0, 300.0], np.float32)
    for seed in range(12):
        model = network(seed=seed)
        sent = embedding(model, batch(3, seed=seed)[0] * columns)
        check(sent, said(model, 3))
        assert not any("noised" in one for one in remarks(sent, said(model, 3)))


def test_two_classes_hide_whose_gradient_embeddings_they_are() -> None:
    model = network(6, 8, 2)
    for sent in (embedding(model, batch(3)[0]), embedding(network(6, 8, 2, seed=1), batch(3)[0])):
        check(sent, said(model, 3, classes=2))
        twice, remark = remarks(sent, said(model, 3, classes=2))
        assert "occurs twice" in twice
        assert remark.startswith("Of two classes, gradient embeddings of other weights")


def test_sketches_are_held_against_their_matrix() -> None:
    model = network()
    items, _ = batch(3)
    matrix = np.random.default_rng(0).normal(size=(5, 32))
    sent = embedding(model, items, sketch=matrix)
    check(sent, said(model, 3, sketch=matrix))
    check(sent, said(model, 3))
    (remark,) = remarks(sent, said(model, 3))
    assert remark.startswith("A sketch of gradient embeddings is not held against the model")
    with pytest.raises(DisclosureError, match=r"\(r, 32\); .* \(5, 31\)"):
        check(sent, said(model, 3, sketch=matrix[:, :31]))
    with pytest.raises(DisclosureError, match=r"\(3, 4\) for this model and message; it has \(3, 5\)"):
        check(sent, said(model, 3, sketch=matrix[:4]))


def test_a_model_without_a_last_linear_layer_has_no_last_layer_message() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
    sent = full(model, *batch(1))
    check(sent, said(model))
    (remark,) = remarks(sent, said(model))
    assert remark.startswith("Of a model that does not end in a linear layer the checks cannot rule out")
    with pytest.raises(DisclosureError, match="last linear layer, and the model has none that is read"):
        check(Disclosure("last_layer", dict(sent.arrays), 1), said(model))


class Placed(nn.Module):
    """Real numbers with an embedding of their places, as of a picture's patches."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Embedding(6, 1)
        self.head = nn.Linear(6, 4)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        said: torch.Tensor = self.head(items + self.place.weight[:, 0])
        return said


def test_a_model_that_embeds_places_may_take_real_numbers() -> None:
    model = nn.Sequential(nn.LayerNorm(6), Placed())  # normalising refuses whole numbers
    sent = full(model, *batch(1))
    assert blank_item(said(model)).dtype == np.float32
    check(sent, said(model))
    words = of_text(nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5)))
    assert blank_item(words).dtype == np.int64
    assert takes_only_tokens(words)
    assert not takes_only_tokens(said(model))
    assert not takes_only_tokens(said(network()))


def test_a_public_item_is_what_the_model_is_run_on() -> None:
    public = np.arange(12.0).reshape(2, 6)
    assert (blank_item(said(network(), public=public)) == public[:1]).all()


def test_the_checks_are_reached_by_name() -> None:
    assert resolve("inspection", "check") is check
    assert resolve("inspection", "remarks") is remarks
