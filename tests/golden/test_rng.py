"""Streams of random numbers, named by a seed and a path."""

import re
from typing import Any

import numpy as np
import pytest

from nextlabel.core.rng import generator
from nextlabel.errors import ParameterError


def test_equal_paths_give_equal_streams_and_others_do_not() -> None:
    paths = [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (0, 1, 0)]
    first = {path: generator(*path).random(4).tobytes() for path in paths}
    assert all(first[path] == generator(*path).random(4).tobytes() for path in paths)
    assert len(set(first.values())) == len(paths)


def test_integers_of_any_kind_name_a_stream() -> None:
    third: Any = np.int64(3)
    assert generator(third).random() == generator(3).random()


def test_zeros_at_the_end_of_a_path_count() -> None:
    assert generator(3).random() != generator(3, 0).random() != generator(3, 0, 0).random()


@pytest.mark.parametrize("seed", [-1, 1.0, "1", None, True])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    says = f"A seed must be a whole number from zero up; received {seed!r}."
    with pytest.raises(ParameterError, match=re.escape(says)):
        generator(seed)
    with pytest.raises(ParameterError, match=re.escape(says)):
        generator(0, seed)
