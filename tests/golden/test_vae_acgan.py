"""A VAE-ACGAN: what it learns of a few images, in whatever form they come, and how it fails."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.autoencoder import Identity, IdentityCoder
from nextlabel.learners.generated import errors_of
from nextlabel.learners.vae_acgan import VaeAcgan, VaeAcganCoder
from nextlabel.learners.vae_acgan_networks import Networks, Scale

SMALL = VaeAcgan(
    latent=8, channels=8, epochs=120, more_epochs=10, chunk=10, learning_rate=0.005, device="cpu"
)


def shapes(items: int = 30) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Bars of 12 × 12, upright or level, each at a place of its own."""
    rng = np.random.default_rng(1)
    labels, places = np.arange(items) % 2, rng.uniform(2, 10, size=items)
    bars = np.exp(-np.square(np.arange(12) - places[:, None]))[:, None, :].repeat(12, axis=1)
    bars[labels == 1] = bars[labels == 1].transpose(0, 2, 1)
    return bars, labels


BARS, LABELS = shapes()


def fitted(
    items: Any = BARS, settings: VaeAcgan = SMALL, seed: int = 0, previous: Any = None
) -> VaeAcganCoder:
    return settings.fit(items, LABELS[: len(items)], 2, np.random.default_rng(seed), previous)


@pytest.fixture(scope="module")
def whole() -> VaeAcganCoder:
    return fitted()


def test_reconstructions_come_near_and_images_of_a_class_are_of_it(whole: VaeAcganCoder) -> None:
    """A mean image has an error of 1, and one of its class somewhat less; an untrained network no less."""
    coder = whole
    assert coder.fitted.fault == ""
    assert [name for name, _ in coder.fitted.losses] == [
        "reconstruction",
        "kl",
        "deception",
        "classes",
        "discrimination",
    ]
    made = coder.decode(coder.encode(BARS), LABELS)
    assert errors_of(made, BARS, BARS).mean() < 0.3
    untrained = fitted(settings=replace(SMALL, epochs=1))
    assert errors_of(untrained.decode(untrained.encode(BARS), LABELS), BARS, BARS).mean() > 0.5


def upright(images: NDArray[Any]) -> Any:
    """Whether each bar varies more from left to right than from top to bottom."""
    return images.var(axis=2).sum(axis=1) > images.var(axis=1).sum(axis=1)


def test_images_from_the_prior_are_of_their_class(whole: VaeAcganCoder) -> None:
    """Of 200 drawn for each class, the shares of upright bars are apart by 0.3.

    Null: the class does not matter, so that both shares have one mean. Hoeffding: their difference is then
    above 0.3 with probability at most exp(-2·0.3² / (2/200)) = exp(-18) < 2e-8. The twin draws
    one class twice.
    """
    first, second, twin = (
        whole.drawn(np.full(200, of), np.random.default_rng(seed)) for of, seed in ((0, 2), (1, 3), (0, 4))
    )
    assert upright(BARS[LABELS == 0]).all()
    assert upright(first).mean() - upright(second).mean() > 0.3
    assert not upright(first).mean() - upright(twin).mean() > 0.3
    assert first.std(axis=0).max() > 0.05


FORMS: dict[str, Any] = {
    "grey": BARS,
    "float32": BARS.astype(np.float32),
    "bytes": (BARS * 255).astype(np.uint8),
    "16 bits": (BARS * 40000).astype(np.uint16),
    "signed": (BARS * 100 - 50).astype(np.int64),
    "yes or no": BARS > 0.5,
    "channels first": np.stack([BARS, 1 - BARS, BARS], axis=1),
    "channels last": np.stack([BARS, 1 - BARS, BARS], axis=3),
    "far from 0 to 1": BARS * 1e6 - 3e6,
    "odd sides": BARS[:, :7, :9],
    "smallest": BARS[:, 3:7, 3:7],
    "read only": np.broadcast_to(BARS[:1], BARS.shape),
}


@pytest.mark.parametrize("form", FORMS)
def test_images_come_back_in_the_form_in_which_they_came(form: str) -> None:
    items = FORMS[form]
    coder = fitted(items, replace(SMALL, epochs=10))
    for made in (
        coder.decode(coder.encode(items), LABELS),
        coder.drawn(LABELS[:7], np.random.default_rng(0)),
    ):
        assert made.shape[1:] == items.shape[1:]
        assert made.dtype == items.dtype
        slack = 1e-6 * float(np.ptp(items.astype(np.float64)))
        assert made.min() >= items.min() - slack
        assert made.max() <= (255 if form == "bytes" else items.max() + slack)
    assert coder.encode(items[:0]).shape == (0, 8)
    assert coder.decode(coder.encode(items[:0]), LABELS[:0]).shape == (0, *items.shape[1:])


@pytest.mark.parametrize("form", FORMS)
def test_a_scale_reads_what_it_wrote(form: str) -> None:
    scale = Scale(FORMS[form])
    again = scale.written(scale.read(FORMS[form]))
    np.testing.assert_allclose(again, FORMS[form], atol=1e-6 * scale.span)
    other = Scale.of_dict(scale.to_dict())
    assert other.to_dict() == scale.to_dict()


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_images_are_enough(count: int) -> None:
    coder = fitted(BARS[:count], replace(SMALL, epochs=40))
    assert coder.fitted.fault == ""
    assert coder.decode(coder.encode(BARS[:count]), LABELS[:count]).shape == (count, 12, 12)


def test_equal_generators_give_equal_networks_and_leave_the_global_state() -> None:
    before = torch.get_rng_state()
    quick = replace(SMALL, epochs=2)
    assert fitted(settings=quick).fingerprint == fitted(settings=quick).fingerprint
    assert fitted(settings=quick).fingerprint != fitted(settings=quick, seed=1).fingerprint
    assert torch.equal(before, torch.get_rng_state())


def test_it_goes_on_from_the_weights_of_the_one_before(whole: VaeAcganCoder) -> None:
    """Ten epochs more are nearer than ten from scratch; of other classes or shape it begins from scratch."""
    more = fitted(previous=whole, seed=1)
    scratch = fitted(settings=replace(SMALL, epochs=10), seed=1)
    assert (more.fitted.epochs, scratch.fitted.epochs) == (10, 10)
    assert dict(more.fitted.losses)["reconstruction"] < dict(scratch.fitted.losses)["reconstruction"]
    quick = replace(SMALL, epochs=3)
    assert fitted(BARS[:, :8, :8], quick, previous=whole).fitted.epochs == 3
    other = quick.fit(BARS, LABELS, 3, np.random.default_rng(0), whole)
    assert other.fitted.epochs == 3
    assert fitted(settings=quick, previous=IdentityCoder((12, 12))).fitted.epochs == 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_a_fault_and_no_error(value: float) -> None:
    items = BARS.copy()
    items[3, 2, 2] = value
    assert fitted(items).fitted.fault.startswith("diverged: reconstruction, ")
    assert fitted(items).fitted.epochs == 1


def test_a_rate_out_of_all_proportion_is_a_fault() -> None:
    assert fitted(settings=replace(SMALL, learning_rate=1e30)).fitted.fault.startswith("diverged: ")


def test_a_class_head_at_chance_is_a_fault() -> None:
    """Images that are all alike cannot be told apart; two thirds are of one class."""
    same, labels = np.ones((30, 8, 8)), (np.arange(30) % 3 == 0).astype(np.int64)
    quick = replace(SMALL, epochs=40)
    coder = quick.fit(same, labels, 2, np.random.default_rng(0), None)
    assert coder.fitted.fault == "class head at chance: right for 20 of 30, the commonest class for 20"
    assert (
        replace(SMALL, epochs=2).fit(same, labels * 0, 2, np.random.default_rng(0), None).fitted.fault == ""
    )


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    coder = fitted(settings=replace(SMALL, epochs=3))
    coder.save(tmp_path / "coder")
    loaded = SMALL.load(tmp_path / "coder")
    assert loaded.fingerprint == coder.fingerprint
    assert loaded.fitted == coder.fitted
    assert np.array_equal(loaded.encode(BARS), coder.encode(BARS))
    goes_on = [fitted(previous=one, seed=2).fingerprint for one in (coder, loaded)]
    assert goes_on[0] == goes_on[1]


@pytest.mark.parametrize("content", [b"", b"a text", None], ids=["empty", "text", "another file of torch"])
def test_another_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        torch.save({"format": "another"}, tmp_path / "coder")
    else:
        (tmp_path / "coder").write_bytes(content)
    with pytest.raises(
        LearnerError, match=r"written by VaeAcganCoder\.save was expected; .*coder holds some"
    ):
        SMALL.load(tmp_path / "coder")


@pytest.mark.parametrize("shape", [(5,), (3, 3), (2, 5, 2, 4), (1, 3, 40)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(LearnerError, match=rf"from 4 x 4 up.*received items of shape \({shape[0]}"):
        fitted(np.zeros((4, *shape)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent": 0}, "VaeAcgan.*latent.*received 0"),
        ({"more_epochs": 1.5}, "VaeAcgan.*more_epochs.*received 1.5"),
        ({"learning_rate": 0}, "VaeAcgan.*learning_rate.*received 0"),
        ({"kl": -1}, "VaeAcgan.*kl.*received -1"),
        ({"adversarial": float("nan")}, "VaeAcgan.*adversarial.*received nan"),
        ({"device": "abacus"}, "received 'abacus'"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        VaeAcgan(**settings)


def test_networks_of_either_usual_size_are_small() -> None:
    """A quarter of a million weights or so each: what a CPU trains in seconds."""
    for shape, most in (((28, 28), 300_000), ((3, 32, 32), 400_000)):
        weights = sum(one.numel() for one in Networks(shape, 32, 16, 10).parameters())
        assert 50_000 < weights < most


def test_an_identity_draws_nothing(tmp_path: Path) -> None:
    coder = Identity().fit(BARS, LABELS, 2, np.random.default_rng(0), None)
    with pytest.raises(LearnerError, match="received 'identity', asked for 30 items"):
        coder.drawn(LABELS, np.random.default_rng(0))
    coder.save(tmp_path / "coder")
    assert Identity().load(tmp_path / "coder") == coder
