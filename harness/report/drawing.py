"""What every picture of a report shares: its two widths, ink and arms, and the way to static SVG.

Drawn without a browser, the same bytes for the same report. Ink and grid are fixed colours that the page's
style sheet recolours in the dark theme; arms keep theirs. Each picture comes in two widths, so that its words
stay readable on a phone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

INK, MUTED, GRID = "#1f2328", "#57606a", "#d8dee4"
ARMS = {"offline": "#6B7280", "champion": "#0072B2", "challenger": "#D55E00", "recorded": "#CC79A7"}
_OTHER_ARM = "#009E73"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])

#: a round point as Vega writes it, and a run of so many that taking them together is worth it
_DOT = r'<path transform="translate\([\d.-]+,[\d.-]+\)" d="M[\d.]+,0A[^"]*" fill="[^"]*"[^>]*/>'
_POINT = re.compile(
    r'<path transform="translate\((?P<x>[\d.-]+),(?P<y>[\d.-]+)\)" d="M(?P<radius>[\d.]+),0A[^"]*" '
    r'fill="(?P<fill>[^"]*)"(?P<rest>[^>]*)/>'
)
_TAG, _NAMED = re.compile(r"<[a-z][^>]*>"), re.compile(r' (?:role|class|aria-\w+)="[^"]*"')
_RUN = re.compile(rf"(?:{_DOT}){{20,}}")

Row = dict[str, Any]
Layers = alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Size:
    """A width to draw for: the panel and the margin its names get, in px, and letters a name may have."""

    panel: int
    letters: int
    roomy: bool


WIDE, NARROW = Size(520, 26, roomy=True), Size(150, 13, roomy=False)


@dataclass(frozen=True)
class Picture:
    """A sentence that says the fact, what was counted, and the drawing; `described` stands in for it."""

    title: str
    caption: str
    described: str
    wide: str
    narrow: str


def data(rows: list[Row]) -> alt.Chart:
    """A chart of some rows."""
    return alt.Chart(alt.InlineData(values=rows))


def named(name: str) -> alt.Chart:
    """A chart of a data set that `svg` is given: Altair copies and checks rows in a chart at every step."""
    return alt.Chart(alt.NamedData(name))


def colour(arm: str) -> str:
    """The colour of an arm, the same in every picture."""
    return ARMS.get(arm, _OTHER_ARM)


def own_colour() -> alt.Color:
    """Each row in the colour it names."""
    return alt.Color(field="colour", type="nominal", scale=None)


def svg(chart: Layers | alt.VConcatChart, datasets: dict[str, list[Row]] | None = None) -> str:
    """The chart, with data sets that it names, as SVG that scales to its box; coordinates of two decimals."""
    styled = chart.configure(
        background="transparent",
        font=_FONT,
        padding={"left": 16, "right": 12, "top": 2, "bottom": 2},
        aria=False,
    )
    styled = styled.configure_view(stroke=None).configure_axis(
        labelColor=INK, titleColor=INK, gridColor=GRID, tickColor=GRID, domainColor=GRID,
        labelFontSize=12, titleFontSize=13, titleFontWeight="normal",
    )  # fmt: skip
    spec = styled.to_dict(validate=False)
    spec.setdefault("datasets", {}).update(datasets or {})
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE)
    return _together(_TAG.sub(_plain, re.sub(r"(\d+\.\d\d)\d+(?=[,)])", r"\1", svg)))


def _plain(tag: re.Match[str]) -> str:
    """A tag without the parts that Vega names: the picture has one name, which stands on the page."""
    return _NAMED.sub("", tag[0])


def _together(svg: str) -> str:
    """Runs of equal round points as one path each, a tenth of the bytes: a dot is a stroke of no length."""
    return _RUN.sub(_one_path, svg)


def _one_path(run: re.Match[str]) -> str:
    dots = [_POINT.match(point) for point in re.findall(r"<path [^>]*/>", run[0])]
    alike = {(dot["fill"], dot["radius"], dot["rest"]) for dot in dots if dot}
    if len(alike) != 1 or None in dots:
        return run[0]
    [(fill, radius, rest)] = alike
    places = "".join(f"M{float(dot['x']):.2f},{float(dot['y']):.2f}h0" for dot in dots if dot)
    width = f"{2 * float(radius):.3g}"
    others = re.sub(r' stroke-width="[^"]*"', "", rest)
    drawn = f'stroke="{fill}" stroke-width="{width}" stroke-linecap="round"{others}'
    return f'<path d="{places}" fill="none" {drawn}/>'
