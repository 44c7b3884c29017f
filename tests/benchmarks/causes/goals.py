"""What the figures of cause naming are, and what they are held against."""

from __future__ import annotations

from typing import Final

from tests.benchmarks.figures import Goal

_WHERE: Final = "random worlds of 100,000 requests from held-out seeds"


def _percent(name: str, figure: str, *, floor: float, aim: float) -> Goal:
    return Goal(id=name, figure=f"{figure}; {_WHERE}", unit="%", better="higher", floor=floor, aim=aim)


TOP1: Final = {
    share: _percent(
        f"top1_{name}", f"bugs on {words} of requests whose right cause is named first", floor=floor, aim=aim
    )
    for share, name, words, floor, aim in (
        (0.0005, "0005", "0.05 %", 93, 98),
        (0.001, "001", "0.1 %", 95, 99),
        (0.01, "01", "1 %", 98, 99.5),
        (1.0, "1", "all", 98, 99.5),
    )
}
WORST: Final = _percent(
    "worst_class_001", "the same on 0.1 % of requests, of the class that does worst", floor=75, aim=90
)
TOP3: Final = _percent(
    "top3_001", "bugs on 0.1 % of requests whose right cause is among the first three", floor=97, aim=99.5
)
PARAMETER: Final = _percent("parameter", "right parameters where the cause is right", floor=97, aim=99)
TWO: Final = _percent(
    "two_bugs", "two bugs in one feature, both among the first three causes", floor=80, aim=95
)
MORE: Final = Goal(
    id="second_name",
    figure=f"bugs alone in their feature for which a second cause was named too; {_WHERE}",
    unit="%",
    better="lower",
)
MISSED: Final = Goal(
    id="missed",
    figure=f"bugs on 5 rows or more of which nothing was found; {_WHERE}",
    unit="bugs",
    better="lower",
    floor=0,
    aim=0,
)
FALSE_NAME: Final = Goal(
    id="false_name",
    figure="columns with nothing but benign precision called different, 95 % upper bound",
    unit="%",
    better="lower",
    floor=0.5,
    aim=0.1,
)
NOISE_NAME: Final = Goal(
    id="noise_name",
    figure="noise without a cause (added, replaced, multiplied) for which one was given",
    unit="%",
    better="lower",
    floor=2,
    aim=0.5,
)
BESIDE_PEERS: Final = Goal(
    id="beside_peers",
    figure="bugs on 0.1 % of requests found, less those that the better drift monitor finds at its defaults",
    unit="points",
    better="higher",
    floor=80,
    aim=95,
)
CAUSES_S: Final = Goal(
    id="causes_s",
    figure="100,000 requests x 50 features, 5 of them with a bug, compared and named, one core's CPU time",
    unit="s",
    better="lower",
    floor=3,
    aim=1,
)
DIFF_S: Final = Goal(
    id="diff_s",
    figure="1,000,000 requests x 50 features compared, each rounded to float32, 1 % NaN, one core's CPU time",
    unit="s",
    better="lower",
    floor=1,
    aim=0.2,
)
