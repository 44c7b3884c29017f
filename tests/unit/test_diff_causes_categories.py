"""Levels spelled otherwise, or coded by another list."""

import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import default_rng

from harness.columns import Column, Kind
from harness.diff.causes import name_causes
from tests.kit.struck import CODES, COUNT, HIT, LEVELS, N, causes_of, column, each, evidence

Change = Callable[[str], str]


@pytest.mark.parametrize(
    ("values", "change", "name"),
    [
        (LEVELS, str.lower, "case"),
        (LEVELS, str.swapcase, "case"),
        (LEVELS, lambda s: f" {s}", "spaces"),
        (LEVELS, lambda s: s.replace(" ", ""), "spaces"),
        (LEVELS, lambda s: unicodedata.normalize("NFD", s), "unicode"),
        (LEVELS, lambda s: s.encode().decode("latin-1"), "unicode"),
        (LEVELS, lambda s: s[:3], "text_cut"),
        (CODES, lambda s: f"{s}.0", "number_text"),
        (CODES, lambda s: f"{int(s):03d}", "number_text"),
        (each(CODES, lambda s: f"{s}.5"), lambda s: s.replace(".", ","), "decimal_mark"),
    ],
)
def test_spellings_are_named(values: np.ndarray, change: Change, name: str) -> None:
    """By the relation of each pair of texts."""
    (cause,) = causes_of(values, each(values, change))
    assert (cause.name, cause.tied) == (name, ())


def test_the_length_of_a_cut_is_told() -> None:
    """As a parameter."""
    assert causes_of(LEVELS, each(LEVELS, lambda s: s[:4]))[0].parameters == {"length": 4.0}


def test_another_list_of_codes_is_a_bijection() -> None:
    """Each level becomes one other, and no two the same."""
    anew = {"1": "2", "2": "3", "3": "10", "10": "25", "25": "1"}
    (cause,) = causes_of(CODES, each(CODES, anew.__getitem__))
    assert cause.name == "recoded"
    assert cause.parameters['"10"'] == '"25"'
    numbers = np.minimum(COUNT, 9)
    table = np.array([3.0, 0, 9, 1, 2, 8, 4, 5, 7, 6])
    assert causes_of(numbers, table[numbers.astype(int)])[0].name == "recoded"


@pytest.mark.parametrize("seed", range(10))
def test_shuffled_levels_are_no_list_of_codes(seed: int) -> None:
    """Levels of other rows are unexplained."""
    shuffled = default_rng(seed).permutation(CODES)
    assert causes_of(CODES, shuffled)[0].name == "unexplained"


def test_numbers_served_as_text_are_told() -> None:
    """A cell of the wrong type that spells the number."""
    left = column(COUNT)
    kinds = np.where(HIT, Kind.WRONG_TYPE, Kind.VALUE).astype(np.uint8)
    spelled = {int(row): f'"{COUNT[row]:.0f}"' for row in np.flatnonzero(HIT)}
    right = Column("number", np.where(HIT, np.nan, COUNT), kinds, spelled)
    assert name_causes(evidence(left, right))[0].name == "number_text"
    assert name_causes(evidence(left, Column("number", right.values, kinds)))[0].name == "wrong_type"


def test_numbers_beside_levels_are_compared_as_numbers() -> None:
    """Two types of column, one number."""
    texts = column(np.array([f"{value:.0f}" for value in COUNT], object))
    assert name_causes(evidence(column(COUNT), texts))[0].name == "number_text"
    words = column(default_rng(1201).choice(np.array(["a", "b"], object), N))
    assert name_causes(evidence(column(COUNT), words))[0].name == "unexplained"
