"""The pictures say their fact, and what they draw stands where the numbers say: read back from the SVG."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from harness.records import LatencySummary, Report
from harness.report import drawing, plots
from tests.kit.sample_parts import N, differing, pair, parity
from tests.kit.sample_report import ALL, fifty, go, hostile, invalid, no_go, wait

PANEL = 520
BLUE, ORANGE, PINK, GREEN = "#0072B2", "#D55E00", "#CC79A7", "#009E73"


def _elements(svg: str, tag: str) -> list[ET.Element]:
    """The elements of a drawing of ours, in the order in which they are drawn."""
    root = ET.fromstring(svg)  # noqa: S314  -- our own drawing
    return list(root.iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in _elements(svg, "text")]


def _at(element: ET.Element) -> tuple[float, float]:
    x, y = re.findall(r"-?[\d.]+", element.attrib["transform"])
    return float(x), float(y)


def _dots(svg: str) -> list[tuple[float, float, str]]:
    """Where each point stands in its panel, in px, and its colour."""
    found: list[tuple[float, float, str]] = []
    for e in _elements(svg, "path"):
        if "A" in e.attrib["d"]:
            found.append((*_at(e), e.attrib["fill"]))
        elif e.attrib["d"].endswith("h0"):  # many points in one path
            places = re.findall(r"M([-\d.]+),([-\d.]+)h0", e.attrib["d"])
            found += [(float(x), float(y), e.attrib["stroke"]) for x, y in places]
    return found


def _limits(svg: str) -> list[tuple[float, float]]:
    """Where each dashed line begins."""
    return [_at(e) for e in _elements(svg, "line") if "stroke-dasharray" in e.attrib]


def _log_x(share: float, low: float) -> float:
    """Where a share stands on the axis from `low` to 100 %."""
    return PANEL * math.log(share / low) / math.log(1 / low)


def _judged(**changes: object) -> LatencySummary:
    return replace(go().latency[1], **changes)


def _timed(*items: LatencySummary, budget: float | None = 120.0) -> drawing.Picture:
    (picture,) = plots.responses(replace(no_go(), latency=items, budget_ms=budget))
    return picture


def test_the_mismatch_picture_says_its_fact() -> None:
    """Title, n, period, limit and a text in place of the picture."""
    (picture,) = plots.mismatches(no_go())
    assert picture.title == "4 of 26 features of challenger vs offline differ on more than 0.2 % of requests"
    assert "n = 7,122 requests; seen 2025-06-03 14:00:07 UTC to 2025-06-18 20:38:12 UTC" in picture.caption
    assert "hour 85.9 % time shift" in picture.described
    for svg in (picture.wide, picture.narrow):
        assert "budget 0.2 %" in svg
        assert "agent_prs_24h" in svg


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("no_go", "champion and challenger answered every request within 120 ms"),
        ("fifty", "challenger took longer than 120 ms on 231 of 723 requests (32 %); champion on none"),
    ],
)
def test_the_response_picture_says_its_fact(name: str, title: str) -> None:
    """Who was late and how often, with the budget drawn and named, arm by arm."""
    (picture,) = plots.responses(ALL[name]())
    assert picture.title == title
    assert "n = 723 requests an arm over 60 s" in picture.caption
    assert "budget 120 ms" in picture.wide
    assert {"#0072B2", "#D55E00"} <= set(re.findall(r'(?:fill|stroke)="(#\w+)"', picture.wide))


def test_a_judged_phase_without_a_budget_is_drawn() -> None:
    """Where no budget was given the picture says the medians and draws no limit."""
    (picture,) = plots.responses(replace(no_go(), budget_ms=None))
    assert picture.title == "Median response time: champion 2.9 ms; challenger 3.1 ms"
    assert "budget" not in picture.wide


def test_odd_timings_can_be_drawn() -> None:
    """No arrivals, a zero, an infinity and a single request do not stop the picture."""
    odd = replace(no_go().latency[1], rate=(), points=((0.0, 0.0), (1.0, float("inf")), (2.0, 4.0)))
    (picture,) = plots.responses(replace(no_go(), latency=(odd,)))
    assert picture.wide.startswith("<svg")


def test_hostile_names_in_pictures_are_text() -> None:
    """The drawing escapes what a capture calls its features."""
    drawn = "".join(p.wide + p.narrow for p in (*plots.mismatches(hostile()), *plots.responses(hostile())))
    assert "&lt;scr" in drawn
    assert "<script" not in drawn


def test_a_point_stands_at_its_rate() -> None:
    """All features together first, then each by falling rate, on a log axis from 0.1 % to 100 %."""
    (picture,) = plots.mismatches(no_go())
    rates = [count / N for count in (6120, 6120, 2310, 1022, 884)]
    assert [x for x, _, _ in _dots(picture.wide)] == pytest.approx(
        [_log_x(r, 0.001) for r in rates], abs=0.01
    )
    heights = [y for _, y, _ in _dots(picture.wide)]
    assert heights == sorted(heights)
    names = ["any feature", "hour", "agent_prs_24h", "day_of_week", "repo_prs_7d"]
    assert [text for text in _texts(picture.wide) if text in names] == names


def test_the_budget_stands_at_the_gates_limit() -> None:
    """One dashed line, named above; the axis reaches down to it even if every feature differs more often."""
    (picture,) = plots.mismatches(no_go())
    ((x, _),) = _limits(picture.wide)
    assert x == pytest.approx(_log_x(0.002, 0.001), abs=0.01)
    assert [text for text in _texts(picture.wide) if text.endswith("%")][:4] == [
        "0.1 %",
        "1 %",
        "10 %",
        "100 %",
    ]
    assert "budget 0.2 %" in _texts(picture.wide)


def test_the_bound_of_the_gate_is_drawn_at_all_features_only() -> None:
    """From the rate to the bound for future traffic, on the first row; without evidence there is none."""
    (picture,) = plots.mismatches(no_go())
    (bar,) = [e for e in _elements(picture.wide, "line") if e.get("stroke-width") == "3"]
    share, upper = 6120 / N, 6120 / N + 0.0042
    assert _at(bar) == pytest.approx((_log_x(share, 0.001), _dots(picture.wide)[0][1]), abs=0.01)
    assert float(bar.attrib["x2"]) == pytest.approx(_log_x(upper, 0.001) - _log_x(share, 0.001), abs=0.01)
    bare = tuple(replace(gate, evidence=()) for gate in no_go().gates)
    (without,) = plots.mismatches(replace(no_go(), gates=bare))
    assert [e for e in _elements(without.wide, "line") if e.get("stroke-width") == "3"] == []


def test_without_a_gate_no_limit_is_claimed() -> None:
    """Neither in the title nor as a line: every feature that differs counts."""
    (picture,) = plots.mismatches(replace(no_go(), gates=()))
    assert picture.title == "4 of 26 features of challenger vs offline differ"
    assert _limits(picture.wide) == _limits(picture.narrow) == []
    assert "budget" not in picture.wide


def test_a_feature_within_the_budget_is_drawn_but_not_counted() -> None:
    """3 of 7,122 requests are below 0.2 %: none is over, one is shown, and the axis reaches to 0.01 %."""
    (picture,) = plots.mismatches(wait())
    assert picture.title == "0 of 26 features of challenger vs offline differ on more than 0.2 % of requests"
    assert [x for x, _, _ in _dots(picture.wide)] == pytest.approx([_log_x(3 / N, 0.0001)] * 2, abs=0.01)


def test_the_most_frequent_are_drawn_and_the_rest_is_said() -> None:
    """25 of 50 features, and the row of all."""
    (picture,) = plots.mismatches(fifty())
    assert picture.caption.endswith("26 more agree on every request; the 25 most frequent drawn.")
    assert len(_dots(picture.wide)) == len(_dots(picture.narrow)) == 26
    assert "feature_24" in picture.described
    assert "feature_25" not in picture.described


@pytest.mark.parametrize(
    ("arm", "colour"),
    [("champion", BLUE), ("challenger", ORANGE), ("recorded", PINK), ("canary", GREEN)],
)
def test_an_arm_keeps_its_colour(arm: str, colour: str) -> None:
    """In both kinds of picture; arms without a name of ours share one."""
    other = pair(arm, fields=(differing("hour", 90),))
    (differ,) = plots.mismatches(replace(no_go(), pairs=(other,)))
    assert {dot[2] for dot in _dots(differ.wide)} == {colour}
    assert {dot[2] for dot in _dots(_timed(_judged(target=arm)).wide)} == {colour}


@pytest.mark.parametrize(
    ("report", "mismatches", "responses"),
    [(go(), 0, 1), (invalid(), 0, 0), (no_go(), 1, 1), (wait(), 1, 1)],
    ids=["go", "invalid", "no-go", "wait"],
)
def test_nothing_is_drawn_of_what_agrees_or_was_not_judged(
    report: Report, mismatches: int, responses: int
) -> None:
    """A picture for each pair that differs and each judged phase, and no empty one."""
    assert len(plots.mismatches(report)) == mismatches
    assert len(plots.responses(report)) == responses


def test_each_pair_and_each_phase_has_its_own_picture() -> None:
    """Named in the title and in the caption, with the limit of its own gate."""
    pairs = tuple(pair(arm, fields=(differing("hour", 90),)) for arm in ("champion", "challenger"))
    gates = (parity("champion", 90), replace(parity("challenger", 90), limit=0.05))
    first, second = plots.mismatches(replace(no_go(), pairs=pairs, gates=gates))
    assert first.title == "1 of 26 features of champion vs offline differ on more than 0.2 % of requests"
    assert second.title == "0 of 26 features of challenger vs offline differ on more than 5 % of requests"
    phases = (_judged(), _judged(phase="calm", pace="poisson"), _judged(target="champion"))
    rush, calm = plots.responses(replace(no_go(), latency=phases))
    assert "phase rush at recorded pace" in rush.caption
    assert "phase calm at poisson pace" in calm.caption
    assert (len(_dots(rush.wide)), len(_dots(calm.wide))) == (2 * 723, 723)


def test_a_response_stands_at_its_second_and_its_time() -> None:
    """Seconds from 0 to the end of the phase, ms on a log axis from a power of ten to 1.25 of the largest."""
    item = _judged(points=((0.0, 1.0), (30.0, 10.0), (60.0, 80.0)), rate=())
    picture = _timed(item)
    across, down = zip(*((x, y) for x, y, _ in _dots(picture.wide)), strict=True)
    height = 130 / math.log(150)
    assert across == pytest.approx((0, 380, 760), abs=0.01)
    assert down == pytest.approx([130 - height * math.log(ms) for ms in (1, 10, 80)], abs=0.01)
    ((_, limit),) = _limits(picture.wide)
    assert limit == pytest.approx(130 - height * math.log(120), abs=0.01)
    assert "over 60 s" in picture.caption


def test_arms_of_a_phase_share_both_axes() -> None:
    """So that a slower build looks slower: the same budget at the same height in every panel."""
    slow = _judged(points=((1.0, 400.0),))
    picture = _timed(_judged(target="champion", points=((1.0, 4.0),)), slow)
    (left, quick, _), (also_left, late, _) = _dots(picture.wide)
    assert left == also_left
    assert late < quick
    first, second = _limits(picture.wide)
    assert first == second
    titles = [text for text in _texts(picture.wide) if text.endswith("ms") and ":" in text]
    assert titles == ["champion: response time, ms", "challenger: response time, ms"]
    assert "challenger: ms" in _texts(picture.narrow)


def test_a_point_without_a_finite_time_is_not_drawn() -> None:
    """A zero stands at the least time that is drawn, an infinity nowhere."""
    picture = _timed(_judged(points=((0.0, 0.0), (1.0, math.inf), (math.nan, 3.0), (2.0, 4.0))))
    assert len(_dots(picture.wide)) == 2
    assert _dots(picture.wide)[0][1] == pytest.approx(130)


@pytest.mark.parametrize(
    ("seconds", "bars", "tallest"), [(60, 60, 9.0), (240, 240, 9.0), (481, 161, 3.0)], ids=str
)
def test_arrivals_of_a_long_phase_are_means(seconds: int, bars: int, tallest: float) -> None:
    """At most 240 bars from 0; of 481 s each bar is the mean of 3 s, so one busy second counts a third."""
    rate = tuple((float(s), 9.0 if s == 0 else 0.0) for s in range(seconds))
    drawn = plots._bars(_judged(rate=rate))  # noqa: SLF001  -- a bar of height 0 cannot be read back
    assert (len(drawn), max(bar["rate"] for bar in drawn)) == (bars, tallest)
    assert (drawn[0]["from"], drawn[-1]["to"]) == (0, seconds)
    assert all(one["to"] == other["from"] for one, other in pairwise(drawn))


def test_points_left_out_are_said() -> None:
    """The caption counts what is drawn against what was timed; failed and lost requests have no time."""
    whole = _judged(failed=3, lost=2)
    drawn = replace(whole, points=whole.points[:100])
    assert "3 failed; 100 of 718 points drawn, the slowest 5 % all of them." in _timed(drawn).caption
    assert "points drawn" not in _timed(replace(whole, points=whole.points[:718])).caption


@pytest.mark.parametrize("name", ["no_go", "fifty", "hostile"])
def test_a_narrow_picture_fits_a_phone(name: str) -> None:
    """Its words are drawn at their size in 390 px, and the wide one in the 1,040 px of the page."""
    report = ALL[name]()
    for picture in (*plots.mismatches(report), *plots.responses(report)):
        narrow, wide = (float(_elements(s, "svg")[0].attrib["width"]) for s in (picture.narrow, picture.wide))
        assert narrow <= 390
        assert narrow < wide <= 1040


def test_ink_is_what_the_style_sheet_recolours() -> None:
    """Every colour in a drawing is ink, grid, muted or an arm's, and the ground is left to the page."""
    known = {drawing.INK, drawing.MUTED, drawing.GRID, BLUE, ORANGE}
    for picture in (*plots.mismatches(no_go()), *plots.responses(no_go())):
        assert set(re.findall(r"#[0-9a-fA-F]{6}", picture.wide + picture.narrow)) <= known
