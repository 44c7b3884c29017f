"""What pictures share: colours that stay with their arms, and drawings that are the same bytes each time."""

import re

import altair as alt

from harness.report import drawing


def chart() -> drawing.Layers:
    """One dot, layered as every picture is."""
    rows = [{"x": 1 / 3, "colour": drawing.colour("champion")}]
    return alt.layer(drawing.data(rows).mark_point().encode(x="x:Q", color=drawing.own_colour()))


def test_an_arm_keeps_its_colour_and_an_unknown_one_has_the_spare() -> None:
    """Two unknown arms share it: their names tell them apart."""
    assert drawing.colour("champion") == drawing.ARMS["champion"]
    assert drawing.colour("blue-green") == drawing.colour("other")
    assert drawing.colour("other") not in drawing.ARMS.values()


def test_the_same_chart_is_the_same_bytes_with_short_coordinates() -> None:
    """Two decimals are finer than a screen, and keep a page small."""
    one, other = drawing.svg(chart()), drawing.svg(chart())
    assert one == other
    assert drawing.ARMS["champion"].lower() in one.lower()
    assert not re.search(r"\d\.\d{3,}[,)]", one)


def test_a_named_data_set_is_drawn() -> None:
    """Rows that are given beside the chart stand in it."""
    points = alt.layer(drawing.named("rows").mark_text().encode(text="word:N"))
    assert "hello" in drawing.svg(points, {"rows": [{"word": "hello"}]})
