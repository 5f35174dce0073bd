"""Which features of a network a head reads."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError
from nextlabel.learners.blocks import block_names, block_outputs, block_widths
from nextlabel.learners.networks import lenet, mlp

IMAGES = torch.randn(2, 12, 12, generator=torch.Generator().manual_seed(0))


class Told(nn.Module):
    """Says which of its modules are blocks."""

    def __init__(self, blocks: Any) -> None:
        super().__init__()
        self.stem, self.head, self.act = nn.Linear(4, 5), nn.Linear(5, 3), nn.ReLU()
        self.spare = nn.Linear(1, 1)
        self.pair = Pair()
        self.blocks = blocks

    def forward(self, items: Tensor) -> Tensor:
        logits: Tensor = self.head(self.act(self.act(self.stem(items))))
        self.pair(items)
        return logits


class Pair(nn.Module):
    """Returns no tensor."""

    def forward(self, items: Tensor) -> tuple[Tensor, Tensor]:
        return items, items


def test_rectifiers_are_found_in_the_order_in_which_they_are_executed() -> None:
    assert block_names(mlp((4,), 3, hidden=[7, 6]), torch.zeros(2, 4)) == ("2", "4")
    network = lenet((12, 12), 3)
    names = block_names(network, IMAGES)
    assert [type(network.get_submodule(one)) for one in names] == [nn.ReLU] * 4
    assert block_widths(network, IMAGES, names) == [6, 16, 120, 84]


def test_what_the_network_says_of_itself_comes_first_and_what_is_named_before_it() -> None:
    network = Told(["stem"])
    assert block_names(network, torch.zeros(2, 4)) == ("stem",)
    assert block_names(network, torch.zeros(2, 4), ["head", "act"]) == ("head", "act")


@pytest.mark.parametrize("blocks", [(), nn.ModuleList([nn.ReLU()]), 3])
def test_an_attribute_of_another_sense_is_no_answer(blocks: Any) -> None:
    assert block_names(Told(blocks), torch.zeros(2, 4)) == ("act", "act#2")


def test_maps_are_averaged_over_space_and_rows_are_as_they_are() -> None:
    network = nn.Sequential(nn.Unflatten(1, (1, 12)), nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(400, 3))
    with block_outputs(network, ["1", "3"]) as outputs:
        logits = network(IMAGES)
    maps = network[1](network[0](IMAGES))
    assert torch.allclose(outputs["1"], maps.mean((2, 3)), atol=1e-6)
    assert torch.equal(outputs["3"], logits)


def test_a_rectifier_that_is_used_throughout_is_read_each_time() -> None:
    """Such a network says to the head what one with rectifiers of their own does."""

    class Reusing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.last = nn.Linear(4, 5), nn.Linear(5, 6), nn.Linear(6, 3)
            self.act = nn.ReLU()

        def forward(self, items: Tensor) -> Tensor:
            logits: Tensor = self.last(self.act(self.second(self.act(self.first(items)))))
            return logits

    network, items = Reusing(), torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    names = block_names(network, items)
    assert names == ("act", "act#2")
    assert block_widths(network, items, names) == [5, 6]
    with block_outputs(network, names) as outputs:
        network(items)
        network(torch.zeros(3, 4))  # another pass changes nothing
    first = network.first(items).relu()
    assert torch.equal(outputs["act"], first)
    assert torch.equal(outputs["act#2"], network.second(first).relu())
    assert block_names(network, items, ["act#2"]) == ("act#2",)
    with pytest.raises(LearnerError, match="'act#3' is not"):
        block_widths(network, items, ["act#3"])


def test_the_first_pass_and_the_first_execution_count() -> None:
    network = Told(["act"])
    with block_outputs(network, ["act"]) as outputs:
        network(torch.ones(2, 4))
        network(torch.zeros(2, 4))
    assert torch.equal(outputs["act"], network.stem(torch.ones(2, 4)).relu())
    network(torch.zeros(3, 4))
    assert len(outputs["act"]) == 2  # nothing is collected afterwards


def test_what_follows_may_write_into_what_was_collected() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    with block_outputs(network, ["0"]) as outputs:
        network(torch.ones(1, 4))
    assert torch.equal(outputs["0"], network[0](torch.ones(1, 4)))


def test_looking_leaves_running_statistics_and_modes_alone() -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
    before = {name: values.clone() for name, values in network.state_dict().items()}
    names = block_names(network, torch.ones(2, 4))
    assert block_widths(network, torch.ones(2, 4), names) == [5]
    assert network.training
    assert all(torch.equal(before[name], values) for name, values in network.state_dict().items())


def test_modules_that_are_not_there_are_named() -> None:
    message = "blocks of Sequential .*; 'five', 'six' is no module of it. Its modules are: 0, 1, 2, 3"
    with pytest.raises(LearnerError, match=message):
        block_names(mlp((4,), 3), torch.zeros(2, 4), ["1", "five", "six"])


def test_a_network_without_blocks_is_refused() -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    with pytest.raises(LearnerError, match=r"none was found\. Its modules are: 0, 1, 2\. Name some"):
        block_names(network, torch.zeros(2, 4))


def test_a_block_that_is_not_executed_is_refused() -> None:
    with pytest.raises(LearnerError, match="blocks of Told must be executed; 'spare' is not"):
        block_widths(Told(()), torch.zeros(2, 4), ["stem", "spare"])


def test_a_block_without_features_is_refused() -> None:
    with pytest.raises(LearnerError, match=r"that of 'pair' is tuple\. Name another"):
        block_widths(Told(()), torch.zeros(2, 4), ["pair"])
    flat = nn.Sequential(nn.Linear(4, 2), nn.Flatten(0))
    with pytest.raises(LearnerError, match=r"that of '1' is shape \(4,\). Name another"):
        block_widths(flat, torch.zeros(2, 4), ["1"])
