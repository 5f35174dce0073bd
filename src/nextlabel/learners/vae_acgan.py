"""A variational autoencoder whose decoder is the generator of an auxiliary-classifier GAN."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from nextlabel.errors import LearnerError
from nextlabel.learners.autoencoder import Autoencoder, Coder, Fitted
from nextlabel.learners.devices import torch_device
from nextlabel.learners.randomness import seeded
from nextlabel.learners.vae_acgan_networks import Networks, Scale
from nextlabel.maths.axes import Array, Labels
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["VaeAcgan", "VaeAcganCoder"]

_FORMAT = "nextlabel vae-acgan 1"
_PARTS = ("reconstruction", "kl", "deception", "classes", "discrimination")
_LEAST = 4
_PIECE = 256


@final
@dataclass(frozen=True)
class VaeAcgan(Autoencoder):
    """Encoder, generator and discriminator with a class head, trained together by Adam.

    Parameters
    ----------
    latent : int
        Numbers in a code.
    channels : int
        Of the first convolution of each network; the second has twice as many.
    epochs : int
        Over the labelled items, where it is trained from scratch.
    more_epochs : int
        Over them, where it goes on from the round before.
    chunk : int
        Items in a minibatch.
    learning_rate : float
        Of both optimisers, above 0.
    kl : float
        Weight of the divergence of codes from the prior, in nats an item, from 0 up.
    adversarial : float
        Weight of the real-or-fake loss and of the class loss of the generator, from 0 up.
    device : str
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``, ...

    Raises
    ------
    ParameterError
        A setting outside its range.

    Notes
    -----
    With x an image scaled to [0, 1], y its class, z drawn from the normal prior, and e, g, d, c the
    encoder, the generator, and the two heads of the discriminator, each minibatch makes two steps.
    First encoder and generator: the squared error of g(e(x), y), as a share of the variance of the
    labelled items, plus `kl` times the divergence KL(e(x) || prior), plus `adversarial` times the
    cross-entropies of d, towards "real", and of c, on both fakes, g(e(x), y) and g(z, y). Then the
    discriminator: the cross-entropy of d on x (real) and on the fakes of that step, and of c on all three.

    Departs from the paper, whose classifier is trained within this loop, and from its authors' code, which
    does so too and begins anew with each round: here c is a head beside d, and the learner that acquires is
    fitted afterwards, whatever it is. The weight of the adversarial parts is smaller, so that a
    reconstruction is close within minutes of a CPU. It goes on from the round before.

    A fit ends early with a fault where a loss is no longer finite; and has the fault that the class head is
    at chance where at the end it tells no more of the labelled items than the commonest class would.

    Cost: O(epochs·l) for l labelled images, about 20 s for 500 of 28 × 28 from scratch on one core and 7 s
    to go on, and about as long for colour images of 32 × 32. Memory: the labelled images, in float32.

    References
    ----------
    Tran, Do, Reid, Carneiro. Bayesian generative active deep learning. ICML 2019. Section 3.
    Their code: github.com/toantm/BGADL.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, labels = rng.random((6, 8, 8)), np.arange(6) % 2
    >>> coder = VaeAcgan(epochs=2, device="cpu").fit(images, labels, 2, rng, None)
    >>> coder.decode(coder.encode(images), labels).shape, coder.fitted.epochs
    ((6, 8, 8), 2)
    """

    latent: int = 32
    channels: int = 16
    epochs: int = 60
    more_epochs: int = 20
    chunk: int = 50
    learning_rate: float = 0.002
    kl: float = 0.005
    adversarial: float = 0.1
    device: str = "auto"

    def __post_init__(self) -> None:
        of, rate, weight = "VaeAcgan", "Give for example 0.002.", "Give 0 for none."
        whole = {
            name: checked_whole(getattr(self, name), name, least=1, of=of)
            for name in ("latent", "channels", "epochs", "more_epochs", "chunk")
        }
        numbers = {
            "learning_rate": checked_number(self.learning_rate, "learning_rate", above=0, of=of, advice=rate),
            "kl": checked_number(self.kl, "kl", least=0, of=of, advice=weight),
            "adversarial": checked_number(self.adversarial, "adversarial", least=0, of=of, advice=weight),
        }
        settle(self, {**whole, **numbers})
        torch_device(self.device)

    def check_items(self, items: Array) -> None:
        """Refuse what is no image of one size.

        Raises
        ------
        LearnerError
            Items without two or three axes, smaller than 4 × 4, or that are no numbers.
        """
        shape = items.shape[1:]
        sides = sorted(shape)[-2:]
        if items.dtype.kind not in "fiub" or len(shape) not in (2, 3) or sides[0] < _LEAST:
            message = (
                f"'vae_acgan' makes images and needs them, of one size from {_LEAST} x {_LEAST} up, grey or "
                f"with channels; received items of shape {shape} and type {items.dtype}. Use "
                "generation='none', or the learner that is wrapped."
            )
            raise LearnerError(message)

    def fit(
        self, items: Array, labels: Labels, classes: int, rng: np.random.Generator, previous: Coder | None
    ) -> "VaeAcganCoder":
        """Networks trained on these images, from those of `previous` where they have the same shape.

        Raises
        ------
        LearnerError
            The items are no images.
        """
        self.check_items(items)
        device = torch_device(self.device)
        scale = Scale(items)
        order, noise = rng.spawn(2)
        with seeded(noise, device):
            networks = Networks(scale.shape, self.latent, self.channels, classes).to(device)
            old = previous if isinstance(previous, VaeAcganCoder) and previous.lends(networks) else None
            if old is not None:
                networks.load_state_dict(old.networks.state_dict())
            images = scale.read(items).to(device)
            which = torch.as_tensor(np.array(labels, np.int64), device=device)  # torch reads writable ones
            fitted = _trained(
                self, networks, images, which, order, self.epochs if old is None else self.more_epochs
            )
        return VaeAcganCoder(networks.eval(), scale, fitted, classes, self.channels)

    def load(self, path: Path) -> "VaeAcganCoder":
        """The coder saved there, on the device of this one.

        Raises
        ------
        LearnerError
            The file holds something else.
        """
        device = torch_device(self.device)
        try:
            said = torch.load(path, map_location="cpu", weights_only=True)
            if said["format"] != _FORMAT:
                raise KeyError(said["format"])
            scale = Scale.of_dict(said["scale"])
            networks = Networks(scale.shape, said["latent"], said["channels"], said["classes"])
            networks.load_state_dict(said["weights"])
        except Exception as cause:  # what a torn file raises is the unpickler's affair
            message = (
                f"A file written by VaeAcganCoder.save was expected; {path} holds something else, or is "
                f"torn: {cause}. Restore the file, or fit the model again."
            )
            raise LearnerError(message) from cause
        losses = tuple((name, value) for name, value in said["fitted"]["losses"])
        fitted = Fitted(said["fitted"]["epochs"], losses, said["fitted"]["fault"])
        return VaeAcganCoder(networks.to(device).eval(), scale, fitted, said["classes"], said["channels"])


@final
class VaeAcganCoder(Coder):
    """Trained networks, and the scale of the pixels.

    Attributes
    ----------
    networks : Networks
    scale : Scale
    classes : int
    channels : int
    """

    def __init__(self, networks: Networks, scale: Scale, fitted: Fitted, classes: int, channels: int) -> None:
        self.networks = networks
        self.scale = scale
        self.classes = classes
        self.channels = channels
        self._fitted = fitted

    @property
    def fitted(self) -> Fitted:
        """How the training ended."""
        return self._fitted

    @property
    def fingerprint(self) -> str:
        """A digest of the weights and of the scale."""
        digest = blake2b(repr((self.scale.to_dict(), self._fitted)).encode(), digest_size=16)
        for name, values in self.networks.state_dict().items():
            digest.update(f"{name}{tuple(values.shape)}".encode())
            digest.update(values.cpu().numpy().tobytes())
        return digest.hexdigest()

    def lends(self, networks: Networks) -> bool:
        """Whether other networks can begin with the weights of these."""
        own, others = self.networks.state_dict(), networks.state_dict()
        return own.keys() == others.keys() and all(own[name].shape == others[name].shape for name in own)

    @torch.no_grad()
    def encode(self, items: Array) -> Array:
        """The means of the codes of images."""
        device = next(self.networks.parameters()).device
        pieces = [
            self.networks.encoder(self.scale.read(items[at : at + _PIECE]).to(device))[0].cpu()
            for at in range(0, len(items), _PIECE)
        ]
        return torch.cat(pieces).numpy() if pieces else np.empty((0, self.networks.latent), np.float32)

    @torch.no_grad()
    def decode(self, codes: Array, labels: Labels) -> Array:
        """Images of these codes and classes."""
        device = next(self.networks.parameters()).device
        given, which = (torch.as_tensor(np.array(one), device=device) for one in (codes, labels))
        pieces = [
            self.scale.written(self.networks.generator(given[at : at + _PIECE], which[at : at + _PIECE]))
            for at in range(0, len(codes), _PIECE)
        ]
        return np.concatenate(pieces) if pieces else np.empty((0, *self.scale.shape), self.scale.dtype)

    def drawn(self, labels: Labels, rng: np.random.Generator) -> Array:
        """Images of these classes, with codes from the normal prior."""
        codes = rng.standard_normal((len(labels), self.networks.latent), np.float32)
        return self.decode(codes, labels)

    def save(self, path: Path) -> None:
        """Write the weights and what is needed to make the networks again."""
        said = {
            "format": _FORMAT,
            "scale": self.scale.to_dict(),
            "latent": self.networks.latent,
            "channels": self.channels,
            "classes": self.classes,
            "fitted": asdict(self._fitted),
            "weights": self.networks.state_dict(),
        }
        torch.save(said, path)


def _trained(
    settings: VaeAcgan,
    networks: Networks,
    images: Tensor,
    labels: Tensor,
    order: np.random.Generator,
    epochs: int,
) -> Fitted:
    """Train in place; how it ended."""
    networks.train()
    makers = _adam(settings, [networks.encoder, networks.generator])
    judges = _adam(settings, [networks.discriminator])
    variance = float(images.var(0, unbiased=False).mean()) or 1.0
    sums = torch.zeros(len(_PARTS))
    for epoch in range(1, epochs + 1):
        sums = torch.zeros(len(_PARTS), device=images.device)
        for piece in np.array_split(order.permutation(len(images)), -(-len(images) // settings.chunk)):
            rows = torch.as_tensor(piece, device=images.device)
            parts = _step(settings, networks, (makers, judges), images[rows], labels[rows], variance)
            sums += parts * len(rows) / len(images)
        if not bool(torch.isfinite(sums).all()):
            lost = ", ".join(
                name for name, value in zip(_PARTS, sums.tolist(), strict=True) if not np.isfinite(value)
            )
            return Fitted(epoch, (), f"diverged: {lost} no longer finite in epoch {epoch}")
    losses = tuple(zip(_PARTS, sums.tolist(), strict=True))
    return Fitted(epochs, losses, _fault(networks, images, labels))


def _step(
    settings: VaeAcgan,
    networks: Networks,
    optimisers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    images: Tensor,
    labels: Tensor,
    variance: float,
) -> Tensor:
    """One minibatch: first encoder and generator, then the discriminator; the parts of the losses."""
    makers, judges = optimisers
    mean, log_variance = networks.encoder(images)
    codes = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    made = networks.generator(torch.cat([codes, torch.randn_like(codes)]), labels.repeat(2))
    error = (made[: len(images)] - images).square().mean() / variance
    kl = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(1).mean()
    real, which = networks.discriminator(made)
    deception = binary_cross_entropy_with_logits(real, torch.ones_like(real))
    classes = cross_entropy(which, labels.repeat(2))
    _descend(makers, error + settings.kl * kl + settings.adversarial * (deception + classes))

    real, which = networks.discriminator(torch.cat([images, made.detach()]))
    is_real = torch.zeros_like(real)
    is_real[: len(images)] = 1.0
    judged = binary_cross_entropy_with_logits(real, is_real) + cross_entropy(which, labels.repeat(3))
    _descend(judges, judged)
    return torch.stack([error, kl, deception, classes, judged]).detach()


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def _adam(settings: VaeAcgan, modules: Iterable[torch.nn.Module]) -> torch.optim.Optimizer:
    weights = [one for module in modules for one in module.parameters()]
    return torch.optim.Adam(weights, lr=settings.learning_rate, betas=(0.5, 0.999), fused=True)


@torch.no_grad()
def _fault(networks: Networks, images: Tensor, labels: Tensor) -> str:
    """What is wrong with trained networks, in words; empty where nothing is."""
    networks.eval()
    if not all(bool(torch.isfinite(one).all()) for one in networks.state_dict().values()):
        return "diverged: weights no longer finite"
    found = [
        networks.discriminator(images[at : at + _PIECE])[1].argmax(1) for at in range(0, len(images), _PIECE)
    ]
    right = int((torch.cat(found) == labels).sum())
    commonest = int(torch.bincount(labels).max())
    if right <= commonest < len(labels):
        return (
            f"class head at chance: right for {right} of {len(labels)}, the commonest class for {commonest}"
        )
    return ""
