"""The tables of a diagnosis: every part and remedy has its row, cells agree with their columns."""

from __future__ import annotations

import pytest

from harness.records import MetricGap
from harness.report import diagnosis_tables as tables
from harness.report.tables import Table
from tests.kit.sample_diagnosis import ALL, bare, fifty, rich


def _all(name: str) -> list[Table]:
    found = ALL[name]()
    return [
        tables.overview(found),
        tables.worth(found, most=4),
        tables.worth_short(found, most=4),
        tables.remedies(found),
        tables.causes(found),
        tables.likely(found),
        tables.ledger(found),
        tables.thresholds(found),
        tables.digests(found),
        *(tables.parts(found, gap) for gap in found.metrics),
        *(tables.given(table) for exhibit in found.exhibits for table in exhibit.tables),
    ]


@pytest.mark.parametrize("name", ALL)
def test_rows_are_as_wide_as_their_heads(name: str) -> None:
    """No cell is lost or left over, and none holds a control character."""
    for table in _all(name):
        assert {len(row) for row in table.rows} <= {len(table.columns)}
        assert all(cell.isprintable() for row in table.rows for cell in row)


def test_every_part_has_a_row() -> None:
    """The first level, each step whether computed or not, and the gap; levels lead down to production."""
    found = rich()
    table = tables.parts(found, found.metrics[0])
    assert len(table.rows) == 1 + 14 + 1
    assert table.rows[8][:4] == ("served features", "0.771", "−0.082 worse", "−0.084 to −0.080")
    assert table.rows[8][6] == "E5"
    assert table.rows[-1][:3] == ("the gap", "0.776", "−0.158 worse")
    assert [note.partition(":")[0] for note in tables.noted(table)] == [
        "served features",
        "label definition",
        "label maturity",
        "exposure",
    ]


def test_a_metric_without_levels_says_why() -> None:
    """Its table has the reason and the steps that were not computed."""
    found = bare()
    table = tables.parts(found, found.metrics[0])
    assert tables.noted(table)[0] == "no level could be computed: there are no labels"
    assert tables.parts(found, MetricGap(metric="m", better="higher")).rows[0][1] == "–"


def test_the_overview_marks_only_what_is_sure() -> None:
    """▾ is worse whatever the metric's direction; a change that may be chance has no mark."""
    rows = {row[0]: row for row in tables.overview(rich()).rows}
    assert rows["served features"][1] == "−0.082 ▾"
    assert rows["served features"][3] == "+0.118 ▾"
    assert rows["served features"][6] == "+0.085 ▴"
    assert rows["served features"][8] == "+0.124"
    assert rows["time order"][1] == "−0.004"
    assert rows["exposure"][1] == "–"


def test_short_parts_keep_the_largest() -> None:
    """Of fifty parts sixteen are shown, with the first level and the gap."""
    found = fifty()
    assert len(tables.parts_short(found, found.metrics[0], most=16, roomy=False).rows) == 18


def test_remedies_say_what_they_give_and_cost() -> None:
    """Gains with intervals, volume now and then, the limit, and whether it is kept."""
    first = tables.remedies(rich()).rows[0]
    assert first[1] == "+0.081 (+0.074 to +0.088)"
    assert first[-4:] == ("555 → 341", "702 → 433", "600", "● kept")
    assert len(tables.remedies(rich()).rows) == 5
    assert tables.remedies(bare()).rows == ()
