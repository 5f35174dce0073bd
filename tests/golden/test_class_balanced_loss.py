"""The class-balanced loss: its weights are those of what is trained on, whatever it weighs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel import arrays, classes
from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.class_balanced import ClassBalanced
from nextlabel.learners.comp_sum import AdversarialCompSum, CompSum
from nextlabel.learners.generative import Generative
from nextlabel.learners.losses import CrossEntropy, Focal, Loss, Sigmoid
from nextlabel.learners.pseudo_label import PseudoLabel
from nextlabel.learners.self_training import SelfTraining
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.z_loss import ZLoss

OUTPUTS = torch.tensor([[0.3, -1.2], [0.0, 0.5], [2.0, 0.1]], dtype=torch.float64)
LABELS = torch.tensor([1, 0, 1])
EFFECTIVE = (1 - 0.9**10) / 0.1  # of ten items at beta = 0.9; of one item it is 1
RARE, COMMON = (2 / (1 + 1 / EFFECTIVE) / one for one in (1, EFFECTIVE))
WEIGHTS = torch.tensor([COMMON, RARE, COMMON], dtype=torch.float64)  # of the three labels


@pytest.mark.parametrize("of", [CrossEntropy(), Sigmoid(), Focal(1.0), CompSum(1.5)], ids=repr)
def test_losses_are_multiplied_by_the_weight_of_the_label(of: Loss) -> None:
    weighted = ClassBalanced(of, beta=0.9).for_counts([1, 10])
    expected = WEIGHTS * of.per_item(OUTPUTS, LABELS)
    np.testing.assert_allclose(weighted.per_item(OUTPUTS, LABELS), expected, rtol=1e-12)
    assert weighted.initial_bias(2) == ClassBalanced(of).initial_bias(2) == of.initial_bias(2)
    assert weighted.logits(OUTPUTS).tolist() == of.logits(OUTPUTS).tolist()
    assert ClassBalanced(of).logits(OUTPUTS).tolist() == of.logits(OUTPUTS).tolist()
    assert weighted.is_probabilistic


def test_equal_counts_or_beta_zero_leave_the_loss_as_it_is() -> None:
    plain = CrossEntropy().per_item(OUTPUTS, LABELS)
    for loss in (ClassBalanced(beta=0.0).for_counts([1, 10]), ClassBalanced().for_counts([4, 4])):
        np.testing.assert_allclose(loss.per_item(OUTPUTS, LABELS), plain, rtol=1e-14)


def test_a_loss_that_needs_the_network_is_weighted_too() -> None:
    network = nn.Linear(2, 2).double()
    robust = AdversarialCompSum(gamma=0.0)
    weighted = ClassBalanced(robust, beta=0.9).for_counts([1, 10])
    expected = WEIGHTS * robust.on_network(network, OUTPUTS, LABELS)
    np.testing.assert_allclose(
        weighted.on_network(network, OUTPUTS, LABELS).detach(), expected.detach(), rtol=1e-12
    )


def test_the_weighted_loss_says_whether_it_is_probabilistic() -> None:
    balanced = ClassBalanced(ZLoss())
    assert not balanced.is_probabilistic
    assert not balanced.for_counts([1, 2, 3]).is_probabilistic


def test_without_counts_nothing_is_weighed() -> None:
    with pytest.raises(LearnerError, match=r"needs the labelled counts .* Use what its for_counts"):
        ClassBalanced().per_item(OUTPUTS, LABELS)
    with pytest.raises(LearnerError, match=r"needs the labelled counts"):
        ClassBalanced().on_network(nn.Linear(2, 2), OUTPUTS, LABELS)


@pytest.mark.parametrize("of", ["class_balanced", ClassBalanced(), ClassBalanced().for_counts([1, 2])])
def test_what_is_balanced_already_is_refused(of: Any) -> None:
    with pytest.raises(ParameterError, match=r"must be a loss that does not balance classes, .* received"):
        ClassBalanced(of)


@final
@dataclass(frozen=True)
class Counted(Loss):
    """The cross-entropy, which keeps the counts that it was given."""

    seen: list[list[float]] = field(default_factory=list)

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return CrossEntropy().per_item(outputs, labels)

    def for_counts(self, counts: Sequence[float]) -> Loss:
        self.seen.append(list(counts))
        return self


ITEMS = np.arange(24) % 3
TASK = classes("a", "b", "c")
POOL = arrays((np.eye(3)[ITEMS] + 0.01 * np.arange(24)[:, None]).astype(np.float32))


def counts_of(wrapper: Any, *, then: int) -> tuple[list[float], Any]:
    """The counts of the last training, and its report: six labels and then others, in two rounds."""
    loss = Counted()
    of = TorchLearner({"name": "mlp", "hidden": [4]}, {"name": "adam", "epochs": 2}, device="cpu", loss=loss)
    learner: Any = wrapper(of)
    model: Any = None
    for n in (6, then):
        given = np.arange(n), ITEMS[:n], np.arange(n, 24)
        model = learner.fit(POOL, *given, np.random.default_rng(n), task=TASK, previous=model)
    return loss.seen[-1], model.report


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_pseudo_labels_count_as_they_weigh(weight: float) -> None:
    found, report = counts_of(lambda of: PseudoLabel(of, threshold=9.0, weight=weight), then=9)
    assert report.used == 15
    np.testing.assert_allclose(found, 3 + weight * np.array(report.per_class), rtol=1e-12)


def test_what_self_training_balances_is_not_balanced_again() -> None:
    """A label counts 1, an item that is taken β times its class's weight: none of these is above 1."""
    found, report = counts_of(lambda of: SelfTraining(of, "threshold", confidence=0.0), then=9)
    taken = np.array(report.per_class)
    of_class = 10 / (1 + np.exp(-(taken.mean() - taken) / np.maximum(taken, 1)))
    np.testing.assert_allclose(found, 3 + 0.1 * of_class * taken, rtol=1e-12)
    assert max(found) < 3 + taken.max()


def test_generated_items_count() -> None:
    found, report = counts_of(lambda of: Generative(of, "reconstruction", "identity", None, False), then=10)
    assert report.used == 4
    assert found == [4 + 2, 3 + 1, 3 + 1]


@pytest.mark.parametrize("beta", [1.1, -0.1, None])
def test_a_beta_outside_its_range_is_refused(beta: Any) -> None:
    says = f"ClassBalanced's 'beta' must be a number of at least 0 and at most 1; received {beta!r}"
    with pytest.raises(ParameterError, match=says):
        ClassBalanced(beta=beta)
