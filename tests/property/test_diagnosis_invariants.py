"""What holds of every ladder: it adds up, names no unit, and sees nothing between two of the same."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.diagnosis.ladder import Ladder, climb
from harness.diagnosis.rows import Holdout, Production
from harness.diagnosis.shapley import shares
from tests.kit.gap import THRESHOLDS, alike, gap

COLUMNS = (
    "served_features_score",
    "served_score",
    "production_label",
    "seen_label",
    "early_label",
    "joined",
    "exposed",
    "overlap",
)


@st.composite
def populations(draw: st.DrawFn) -> tuple[Holdout | None, Production]:
    """A small gap with columns, labels and scores missing at random."""
    holdout, production = gap(seed=draw(st.integers(0, 10_000)), rows=draw(st.sampled_from((6, 30, 90))))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    lost = draw(st.sets(st.sampled_from(COLUMNS)))
    changes: dict[str, Any] = dict.fromkeys(lost)
    assert production.label is not None
    gone = rng.random(production.label.size) < draw(st.sampled_from((0.0, 0.3, 1.0)))
    changes["label"] = np.where(gone, np.nan, production.label)
    changes["offline_score"] = np.where(rng.random(gone.size) < 0.1, np.nan, production.offline_score)
    if draw(st.booleans()):
        holdout = replace(holdout, repeated=None, rederived=(), trained_until_ns=None)
    return holdout if draw(st.booleans()) else None, replace(production, **changes)


def numbers(found: Ladder) -> list[float]:
    """Every number of every interval, one after another."""
    intervals = [
        part.value for metric in found.metrics.values() for part in metric.parts if part.value is not None
    ]
    return [x for i in intervals for x in (i.value, i.se, i.lower, i.upper, i.lower_all, i.upper_all)]


@settings(max_examples=60, deadline=None)
@given(populations())
def test_the_parts_add_up_whatever_is_missing(both: tuple[Holdout | None, Production]) -> None:
    """To rounding, for each metric; a part has an interval or a reason, and an interval is one."""
    found = climb(*both, thresholds=THRESHOLDS)
    assert found.adds_up() <= 1e-12
    for metric in found.metrics.values():
        assert (metric.gap is None) == bool(metric.why_not)
        for part in metric.parts:
            assert (part.value is None) == bool(part.why_not)
            if part.value is not None:
                one = part.value
                assert one.lower_all <= one.lower <= one.value <= one.upper <= one.upper_all


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 10**12))
def test_no_number_depends_on_what_units_are_called(seed: int, away: int) -> None:
    """Other codes, in another order, far apart: the same ladder."""
    holdout, production = gap(seed=seed)
    assert holdout.unit is not None
    assert production.unit is not None
    names = np.random.default_rng(seed).permutation(160) * away
    renamed = climb(
        replace(holdout, unit=names[holdout.unit]),
        replace(production, unit=names[production.unit - 160]),
        thresholds=THRESHOLDS,
    )
    shared = climb(holdout, replace(production, unit=production.unit - 160), thresholds=THRESHOLDS)
    assert numbers(renamed) == pytest.approx(numbers(shared), rel=1e-9, abs=1e-12)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_no_number_depends_on_the_order_of_the_rows(seed: int) -> None:
    """Production shuffled is production."""
    holdout, production = gap(seed=seed)
    order = np.random.default_rng(seed).permutation(240)
    overlap = production.overlap
    assert overlap is not None
    columns = {
        name: column[order] for name, column in vars(production).items() if isinstance(column, np.ndarray)
    }
    shuffled = replace(
        production,
        **columns,
        overlap=replace(overlap, **{name: column[order] for name, column in vars(overlap).items()}),
    )
    plain, mixed = (climb(holdout, one, thresholds=THRESHOLDS) for one in (production, shuffled))
    assert numbers(mixed) == pytest.approx(numbers(plain), rel=1e-9, abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from((6, 60, 240)))
def test_the_same_on_both_sides_is_no_gap(rows: int) -> None:
    """Every part is 0, and no toggle interacts."""
    holdout, production = alike(rows)
    same = replace(THRESHOLDS, serving=THRESHOLDS.offline)
    found = climb(holdout, production, thresholds=same)
    values = [part.value.value for m in found.metrics.values() for part in m.parts if part.value]
    assert values == pytest.approx([0.0] * len(values), abs=1e-12)
    assert holdout.unit is not None
    assert not any(share.interaction for share in shares(production, thresholds=same, unit=holdout.unit))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_shares_add_up_as_the_ladder_does(seed: int) -> None:
    """Toggle by toggle another split, of the same total."""
    _, production = gap(seed=seed)
    assert production.unit is not None
    found = shares(production, thresholds=THRESHOLDS, unit=production.unit)
    for metric in {share.metric for share in found}:
        mine = [share for share in found if share.metric == metric]
        total = sum(share.ladder.value for share in mine)
        assert sum(share.share.value for share in mine) == pytest.approx(total, abs=1e-12)
