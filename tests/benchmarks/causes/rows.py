"""The figures of cause naming: how often the right cause is named, how often a wrong one, and how fast.

The worlds that are published come from seeds of their own, on which nothing is ever tuned: tune on others.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Final

from statsmodels.stats.proportion import proportion_confint

from tests.benchmarks.causes.goals import (
    BESIDE_PEERS,
    FALSE_NAME,
    MISSED,
    MORE,
    NOISE_NAME,
    PARAMETER,
    TOP1,
    TOP3,
    TWO,
    WORST,
)
from tests.benchmarks.causes.measuring import BESIDE, MIN_ROWS, SHARES, Case, Measured, is_named, measure
from tests.benchmarks.figures import Goal, Row, Rows, significant, unmeasured
from tests.benchmarks.machine import ROOT

#: kept for the published figures
HELD_OUT: Final = range(731_000, 731_068)
PROCESSES: Final = 2
CONFUSION: Final = ROOT / "results" / "benchmarks" / "causes_confusion.csv"
CLASSES: Final = ROOT / "results" / "benchmarks" / "causes_classes.csv"
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")


def rows() -> Rows:
    """All figures of right and wrong names, and the two tables beside them."""
    measured = measure_all(HELD_OUT)
    cases = [case for one in measured for case in one.cases]
    write_classes(cases)
    write_confusion(cases)
    return [*right_rows(cases), *other_rows(measured)]


def measure_all(seeds: Sequence[int], n: int = 100_000) -> list[Measured]:
    """Every world of these seeds, on two cores."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    context = multiprocessing.get_context("spawn")
    measured: list[Measured] = []
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        for one in pool.map(measure, seeds, [n] * len(seeds)):
            measured.append(one)
            sys.stdout.write(f"\r{len(measured)} of {len(seeds)} worlds ")
            sys.stdout.flush()
    sys.stdout.write("\n")
    return measured


def right_rows(cases: list[Case]) -> Rows:
    """How often the first cause, one of the first three, and the parameters are right."""
    enough = [case for case in cases if case.rows >= MIN_ROWS]
    told = f"{len(cases) - len(enough)} cases of fewer than {MIN_ROWS} rows apart"
    made = [
        share_row(goal, [case.right for case in enough if case.share == share], told=_apart(cases, share))
        for share, goal in TOP1.items()
    ]
    rare = [case for case in enough if case.share == BESIDE]
    number, worst = min(by_class(rare, lambda case: case.right).items(), key=lambda item: mean(item[1]))
    fitted = [float(case.parameters) for case in enough if case.parameters is not None]
    return [
        *made,
        share_row(WORST, worst, told=f"class {number}"),
        share_row(TOP3, [float(case.in_three) for case in rare]),
        share_row(PARAMETER, fitted, told=told),
    ]


def _apart(cases: list[Case], share: float) -> str:
    few = [case for case in cases if case.share == share and case.rows < MIN_ROWS]
    honest = sum(case.right > 0 or not is_named(case.said) or case.said == "nothing" for case in few)
    return f"apart: {len(few)} of fewer than {MIN_ROWS} rows, {honest} of them named right or not at all"


def other_rows(measured: list[Measured]) -> Rows:
    """Two bugs at once, bugs that were missed, names for what is none, and drift monitors beside it."""
    cases = [case for one in measured for case in one.cases]
    missed = sum(case.changed >= MIN_ROWS and case.said == "nothing" for case in cases)
    compared, wrong = (sum(one.benign[k] for one in measured) for k in (0, 1))
    noise = [float(is_named(name)) for one in measured for *_, name in one.noise]
    rare = [case for case in cases if case.noticed is not None]
    found = [100 * mean([float(case.rows > 0) for case in rare])]
    found += [100 * mean([float(case.noticed[k]) for case in rare if case.noticed]) for k in (0, 1)]
    told = "found by us {:.1f} %, Evidently {:.1f} %, TFDV {:.1f} %".format(*found)
    bound = 100 * float(proportion_confint(wrong, compared, alpha=0.1, method="beta")[1])
    return [
        share_row(TWO, [float(right) for one in measured for *_, right in one.two]),
        share_row(MORE, [float(case.more) for case in cases if case.rows >= MIN_ROWS]),
        plain_row(MISSED, float(missed), of=len(cases)),
        plain_row(FALSE_NAME, bound, of=compared, told=f"{wrong} of {compared:,} columns"),
        share_row(NOISE_NAME, noise),
        plain_row(BESIDE_PEERS, found[0] - max(found[1:]), of=len(rare), told=told),
    ]


def share_row(goal: Goal, right: Sequence[float], *, told: str = "") -> Row:
    """A share in %, and the width of its 95 % interval (Wilson) as its spread."""
    if not right:
        return unmeasured(goal, "no case")
    low, high = proportion_confint(sum(right), len(right), method="wilson")
    return plain_row(goal, 100 * mean(right), of=len(right), spread=100 * float(high - low), told=told)


def plain_row(goal: Goal, value: float, *, of: int, spread: float = 0.0, told: str = "") -> Row:
    """A figure over so many cases."""
    return {
        **asdict(goal),
        "figure": f"{goal.figure}; {told}" if told else goal.figure,
        "value": significant(value, 4),
        "spread": significant(spread, 2),
        "best": significant(value, 4),
        "runs": of,
        "command": f"make bench NAME={goal.id}",
    }


def mean(values: Sequence[float]) -> float:
    """Their mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def by_class(cases: Iterable[Case], value: Callable[[Case], float]) -> dict[int, list[float]]:
    """What the cases of each class come to."""
    found: dict[int, list[float]] = {}
    for case in cases:
        found.setdefault(case.number, []).append(value(case))
    return dict(sorted(found.items()))


def write_classes(cases: list[Case], path: Path = CLASSES) -> None:
    """The table of each class's own shares at each prevalence, in %, and the least of them."""
    heads = ("class", "prevalence", "cases", "first_right", "in_three", "parameters_right", "few_rows")
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(heads)
        for number in sorted({case.number for case in cases}):
            mine = [case for case in cases if case.number == number]
            shares = {share: _of_class([case for case in mine if case.share == share]) for share in SHARES}
            table.writerows([number, share, *line] for share, line in shares.items() if any(line))
            least = min(float(str(line[1])) for line in shares.values() if line[0])
            table.writerow([number, "least", "", least, "", "", ""])


def _of_class(mine: list[Case]) -> list[object]:
    enough = [case for case in mine if case.rows >= MIN_ROWS]
    fitted = [float(case.parameters) for case in enough if case.parameters is not None]
    shares = ([case.right for case in enough], [float(case.in_three) for case in enough], fitted)
    return [len(enough), *(round(100 * mean(s), 1) if s else "" for s in shares), len(mine) - len(enough)]


def write_confusion(cases: list[Case], path: Path = CONFUSION) -> None:
    """How often each class was called what, ties spelled with an equals sign."""
    counts = Counter(
        (case.number, case.names, case.share, case.said) for case in cases if case.rows >= MIN_ROWS
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["class", "right_names", "prevalence", "said", "cases"])
        table.writerows([*key, count] for key, count in sorted(counts.items()))
