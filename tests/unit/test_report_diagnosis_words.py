"""The words of a diagnosis: signs, intervals turned round, forms of cells, names of steps."""

from __future__ import annotations

import math

import pytest

from harness.records import Cell, GapPart, MetricGap, Number, TableColumn
from harness.report import diagnosis_words as terms

SURE = Number(value=0.08, lower=0.07, upper=0.09, lower_all=0.06, upper_all=0.1)
UNSURE = Number(value=0.01, lower=-0.01, upper=0.03)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0"),
        (-0.0812, "−0.081"),
        (0.0812, "+0.081"),
        (-0.0002, "0.000"),
        (1234.5, "+1,234"),
        (math.inf, "+∞"),
    ],
)
def test_a_change_has_its_sign(value: float | None, written: str) -> None:
    """What rounds to nothing has no sign, and only an exact 0 is a bare "0"."""
    assert terms.signed(value) == written


def test_a_change_is_after_minus_before() -> None:
    """The record's interval is turned round, alone and with all steps."""
    assert terms.change(SURE) == -0.08
    assert terms.change_bounds(SURE) == (-0.09, -0.07)
    assert terms.change_bounds(SURE, together=True) == (-0.1, -0.06)
    assert terms.between(terms.change_bounds(SURE)) == "−0.090 to −0.070"


@pytest.mark.parametrize("number", [Number(value=1.0), Number(value=1.0, lower=math.nan, upper=2.0)])
def test_an_interval_without_both_ends_is_none(number: Number) -> None:
    """Half an interval, or one of NaN, is not drawn and not written."""
    assert terms.change_bounds(number) is None
    assert terms.between(None) == "–"


@pytest.mark.parametrize(
    ("better", "number", "word"),
    [
        ("higher", SURE, "worse"),
        ("lower", SURE, "better"),
        ("neither", SURE, ""),
        ("higher", UNSURE, "may be chance"),
        ("higher", Number(value=0.0), ""),
        ("higher", Number(value=0.01), "worse"),
    ],
)
def test_a_change_is_named_by_its_direction(better: str, number: Number, word: str) -> None:
    """A fall is worse where higher is better, and nothing is claimed of what may be chance."""
    gap = MetricGap(metric="m", better=better)  # type: ignore[arg-type]
    assert terms.effect(gap, number) == word


@pytest.mark.parametrize(
    ("value", "form", "written"),
    [
        (None, "number", "–"),
        (True, "text", "yes"),
        ("a\nb", "text", r"a\nb"),
        ("2026-11-08T00:00:00Z", "time", "2026-11-08 00:00 UTC"),
        (0.94, "number", "0.940"),
        (1.07, "number", "1.07"),
        (math.nan, "number", "NaN"),
        (-0.012, "signed", "−0.012"),
        (0.661, "share", "66.1 %"),
        (25222, "count", "25,222"),
        (-3, "count", "−3"),
        (0.0004, "p", "< 0.001"),
        (0.0312, "p", "0.031"),
        (SURE, "signed", "+0.080 (+0.070 to +0.090)"),
        (Number(value=0.5), "share", "50 %"),
    ],
)
def test_a_cell_is_written_as_its_column_says(value: Cell, form: str, written: str) -> None:
    """Each form has its way, and text is text in any column."""
    column = TableColumn(name="x", form=form)  # type: ignore[arg-type]
    assert terms.cell(value, column) == written


def test_a_gain_without_spread_is_one_number() -> None:
    """An interval of no width says nothing."""
    assert terms.gain(Number(value=0.0, lower=0.0, upper=0.0)) == "0"
    assert terms.gain(SURE) == "+0.080 (+0.070 to +0.090)"
    assert terms.gain(None) == "–"


def test_steps_have_two_names() -> None:
    """One in the field's terms, one that anybody understands; an unknown step keeps its own."""
    assert terms.step("served_features") == "served features"
    assert terms.plain_step("served_features") == "live inputs computed differently"
    assert terms.plain_step("leak: fee") == "answer given away by fee"
    assert terms.step("other\x1b") == terms.plain_step("other\x1b") == r"other\x1b"


def test_a_part_says_what_is_to_be_known() -> None:
    """What it includes, that it interacts, or why it was not computed."""
    part = GapPart(step="s", value=SURE, includes=("served_features",), interaction=True)
    assert terms.part_notes(part).startswith("Includes served features. Interaction")
    assert terms.part_notes(GapPart(step="s", why_not="no labels")) == "Not computed: no labels"


@pytest.mark.parametrize(("share", "written"), [(0.58, "58"), (0.0, "0"), (0.004, "0.4"), (1.0, "100")])
def test_a_share_is_told_of_a_hundred(share: float, written: str) -> None:
    """Whole numbers of a hundred, and digits where there is less than one."""
    assert terms.per_hundred(share) == written
