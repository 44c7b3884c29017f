"""The probes of vectors: which there are for a layout, and what the fitted ones find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diff.probes import Batches
from harness.diff.probes.model import Layout, layout_of
from harness.diff.probes.orders import MOST_SWAPS
from harness.diff.probes.probe import Case
from harness.diff.probes.vectors import by_batch, by_row, fitted_fills, vector_probes
from tests.kit.probed import NAMES, Stumps, World

WORLD = World()
MODEL = Stumps()


def layout() -> Layout:
    """That of the kit's model."""
    found = layout_of(WORLD.model)
    assert found is not None
    return found


def wide(k: int) -> Layout:
    """A layout of k numbers, none of them ever missing."""
    zeros = np.zeros(k)
    return Layout(
        names=tuple(f"f{j:04d}" for j in range(k)),
        levels=(None,) * k,
        medians=zeros,
        means=zeros,
        quantiles=np.zeros((k, 3)),
        holed=np.zeros(k, bool),
        seen=((),) * k,
    )


def test_phrases_tell_probes_apart() -> None:
    """But for the casts to whole numbers, which differ in what becomes of NaN."""
    phrases = [p.phrase for p in vector_probes(layout()) if p.name != "truncated_input"]
    assert len(phrases) == len(set(phrases))


def test_an_order_that_changes_nothing_is_no_probe() -> None:
    """Columns in alphabetical order already, or all of one type."""
    names = {probe.name for probe in vector_probes(wide(4))}
    assert "columns_reversed" in names
    assert not names & {"columns_alphabetical", "categories_first", "categories_last"}


@pytest.mark.parametrize(("k", "swaps"), [(5, 10), (71, 2485), (80, 79)])
def test_swaps_are_bounded(k: int, swaps: int) -> None:
    """All pairs while they are few, neighbours of a wide vector."""
    found = [probe for probe in vector_probes(wide(k)) if probe.name == "columns_swapped"]
    assert len(found) == swaps <= MOST_SWAPS


def test_one_column_is_filled_alone_only_beside_another_with_gaps() -> None:
    """Else it is the same as filling all."""
    alone = [p.phrase for p in vector_probes(layout()) if p.name == "missing_filled" and p.cost]
    assert alone == []
    both = replace(layout(), holed=np.array([True, False, True, False, False]))
    phrases = [p.phrase for p in vector_probes(both) if p.name == "missing_filled" and p.cost]
    assert phrases[:2] == ["reads missing size as 0", "reads missing age as 0"]


def test_rows_and_batches_are_changed_apart() -> None:
    """A change of a batch sees its rows by row number, whatever the order of requests; alone, one row."""
    batch, row = np.full(len(WORLD.made), -1), np.zeros(len(WORLD.made), np.int64)
    batch[[4, 2, 9]], row[[4, 2, 9]] = 0, [0, 1, 2]
    world = World(batches=Batches(batch, row))
    case = Case(world.pair(world.offline), world.model, layout())
    sample = case.at(np.array([9, 1, 4]))
    found = by_batch(sample, lambda x: x[::-1])
    np.testing.assert_array_equal(found, WORLD.made[[4, 1, 9]])
    np.testing.assert_array_equal(by_row(sample, lambda x: x[::-1]), WORLD.made[[9, 1, 4]])
    assert by_row(case.at(np.arange(0)), lambda x: x).shape == (0, len(NAMES))


def test_fill_values_are_found_to_a_piece() -> None:
    """Whatever constant stands in for a missing size gives the scores of the one that is found."""
    served = WORLD.made.copy()
    served[np.isnan(served[:, 0]), 0] = -7.77
    case = Case(WORLD.pair(MODEL(served)), WORLD.model, layout())
    rows = np.flatnonzero(MODEL(served) != WORLD.offline)
    (probe,) = fitted_fills(case.at(rows), lambda a, b: a == b)
    filled = probe.change(case.at(rows))
    np.testing.assert_array_equal(MODEL(filled), MODEL(served)[rows])
    assert np.ptp(filled[np.isnan(WORLD.made[rows, 0]), 0]) == 0


def test_what_a_request_leaves_out_is_missing_to_the_service() -> None:
    """On those requests only, in all such columns together and then in each."""
    out = {"age": np.arange(len(WORLD.made)) % 4 == 0, "rate": np.arange(len(WORLD.made)) % 6 == 0}
    model = replace(WORLD.model, absent=lambda: out)
    found = layout_of(model)
    assert found is not None
    both, *each = [p for p in vector_probes(found) if p.name == "missing_key_filled"]
    assert both.phrase == "reads age and rate as missing where a request leaves it out"
    assert [(p.phrase, p.cost) for p in each] == [
        ("reads age as missing where a request leaves it out", 1),
        ("reads rate as missing where a request leaves it out", 1),
    ]
    sample = Case(WORLD.pair(WORLD.offline), model, found).at(np.array([12, 4, 5]))
    gone = np.isnan(both.change(sample)) & ~np.isnan(sample.vectors)
    assert gone[:, [2, 3]].tolist() == [[True, True], [True, False], [False, False]]
    assert not gone[:, [0, 1, 4]].any()


def test_nothing_missing_is_not_filled() -> None:
    """There is nothing to find."""
    whole = World(made=np.nan_to_num(WORLD.made))
    found = layout_of(whole.model)
    assert found is not None
    case = Case(whole.pair(whole.offline), whole.model, found)
    assert fitted_fills(case.at(np.arange(9)), lambda a, b: a == b) == []
