"""The worlds that causes are named in: what was known when, what bugs do, and what drift monitors see."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.columns import Column
from tests.benchmarks.__main__ import chosen
from tests.benchmarks.causes.bugs import MAKERS, Unsuitable, struck
from tests.benchmarks.causes.history import DAY_NS, History
from tests.benchmarks.causes.measuring import BESIDE, SHARES, Case, measure, mismatching
from tests.benchmarks.causes.number_bugs import NARROWED
from tests.benchmarks.causes.peers import (
    binned,
    evidently_notices,
    jensen_shannon,
    psi,
    shares,
    tfdv_notices,
    wasserstein,
)
from tests.benchmarks.causes.rows import HELD_OUT, other_rows, right_rows, write_classes, write_confusion
from tests.benchmarks.causes.shapes import numbers
from tests.benchmarks.causes.worlds import make_world

SEED = 11
VECTORS = Path(__file__).parents[1] / "vectors"


def naive(history: History, row: int, *, since_ns: int) -> list[int]:
    """The rows of the same user up to this one, from a time on."""
    before = range(row + 1)
    return [k for k in before if history.unit[k] == history.unit[row] and history.time_ns[k] >= since_ns]


def test_history_knows_what_was_known_when() -> None:
    """Lags, values as of a time, and sums of windows are those counted one by one."""
    rng = np.random.default_rng(SEED)
    history = History.of(rng.integers(0, 7, 200), np.sort(rng.integers(0, 10, 200)) * DAY_NS)
    weights = rng.random(200)
    lagged = history.before(2)
    known = history.as_of(history.unit, history.time_ns - 2 * DAY_NS)
    summed = history.window(weights, 3)
    assert history.first.tolist() == [history.unit.tolist().index(u) for u in history.unit]
    for row in range(200):
        mine = naive(history, row, since_ns=0)
        assert lagged[row] == (mine[-3] if len(mine) > 2 else -1)
        old = [k for k in mine if history.time_ns[k] <= history.time_ns[row] - 2 * DAY_NS]
        assert known[row] == (old[-1] if old else -1)
        window = naive(history, row, since_ns=int(history.time_ns[row]) - 3 * DAY_NS)
        assert summed[row] == pytest.approx(weights[window].sum())


def test_a_world_is_its_seed() -> None:
    """The same seed gives the same cells, another seed others; the columns are of the same length."""
    one, again, other = make_world(SEED, 500), make_world(SEED, 500), make_world(SEED + 1, 500)
    for name, feature in one.features.items():
        assert np.array_equal(feature.column.kind, again.left(name).kind)
        assert feature.column.values.tolist() == pytest.approx(
            again.left(name).values.tolist(), abs=0, nan_ok=True
        ) or np.array_equal(feature.column.values, again.left(name).values)
        assert len(feature.column.values) == one.n == 500
    assert not np.array_equal(one.time_ns, other.time_ns)


@pytest.mark.parametrize("number", sorted(MAKERS))
def test_a_bug_of_each_class_changes_what_is_served(number: int) -> None:
    """Where every request is hit, some cells mismatch, and the truth names what was done."""
    for seed in range(SEED, SEED + 8):
        try:
            world = make_world(seed, 2000)
            bug = MAKERS[number](world, np.random.default_rng(seed))
        except Unsuitable:
            continue
        assert bug.number == number
        assert bug.names
        assert all(len(mismatching(name, world.left(name), c)) for name, c in bug.served.items())
        return
    pytest.fail("no world had a place for it")


@pytest.mark.parametrize("share", SHARES)
def test_a_bug_strikes_about_its_share_of_requests(share: float) -> None:
    """At random, in one segment, or by users: the number is right on average, and slow requests are slow."""
    world = make_world(SEED, 20_000)
    rng = np.random.default_rng(SEED)
    bugs = [MAKERS[number](world, rng) for number in (1, 15)]
    hits = [np.mean([struck(world, rng, bug=bugs[0], share=share).mean() for _ in range(40)])]
    slow = struck(world, rng, bug=bugs[1], share=share)
    assert hits[0] == pytest.approx(share, rel=0.35)
    assert share == 1.0 or world.service_ns[slow].min() > world.service_ns[~slow].max()


def test_bfloat16_keeps_eight_bits() -> None:
    """1 + 2^-8 lies between two neighbours and goes to the even one; 1 + 3 * 2^-8 to 1 + 2^-6."""
    found = NARROWED["bfloat16"](np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -2.5]))
    assert found.tolist() == [1.0, 1.0, 1 + 2**-6, -2.5]


def column(name: str, file: str) -> NDArray[Any]:
    """A column of the vectors."""
    with (VECTORS / f"scored_{file}.csv").open(encoding="utf-8") as lines:
        cells = [line[name] for line in csv.DictReader(lines)]
    return np.array(cells, object) if name == "cat" else np.array(cells, np.float64)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("x", 0.09102211747968865),
        ("k", 1.309608695904006),
        ("cat", 0.7126406130995844),
        ("score", 0.18650253702626898),
    ],
)
def test_psi_is_evidently_s(name: str, index: float) -> None:
    """The numbers are what Evidently 0.7.23 gave on the same rows."""
    a, b = column(name, "reference"), column(name, "current")
    p, q = shares(a, b) if name == "cat" else binned(a, b)
    assert psi(p, q) == pytest.approx(index, rel=1e-9)


def test_distances_are_evidently_s() -> None:
    """Wasserstein over the standard deviation, the Jensen-Shannon distance, and L-infinity of NannyML."""
    for name, distance in (("x", 0.2985921104320882), ("score", 0.44393891599784285)):
        a, b = column(name, "reference"), column(name, "current")
        assert wasserstein(a, b) / a.std() == pytest.approx(distance, rel=1e-9)
    p, q = shares(column("cat", "reference"), column("cat", "current"))
    assert jensen_shannon(p, q) ** 0.5 == pytest.approx(0.19191927159550407, rel=1e-9)
    assert np.abs(p - q).max() == pytest.approx(0.101, abs=1e-9)


def test_drift_monitors_see_a_bug_everywhere_and_not_on_one_request_in_a_thousand() -> None:
    """What a monitor of distributions can and cannot notice."""
    values = np.random.default_rng(SEED).normal(5, 1, 20_000)
    left, all_served, few = numbers(values), numbers(values * 2), numbers(values.copy())
    few.values[:20] *= 2
    blank = Column("number", np.full(4, np.nan), np.ones(4, np.uint8))
    for notices in (evidently_notices, tfdv_notices):
        assert notices(left, all_served)
        assert not notices(left, few)
        assert not notices(blank, blank)


def test_a_small_world_is_measured_whole() -> None:
    """Every class comes up, nothing that changed is missed, and the figures add up."""
    measured = [measure(SEED, 3000)]
    cases = measured[0].cases
    assert {case.number for case in cases} <= set(MAKERS)
    assert len({case.number for case in cases}) > 25
    assert not [case for case in cases if case.changed >= 5 and not case.rows]
    assert all(0 <= case.right <= 1 for case in cases)
    assert all((case.noticed is None) == (case.share != BESIDE) for case in cases)
    made = {str(row["id"]): row for row in (*right_rows(cases), *other_rows(measured))}
    assert made["missed"]["value"] == 0
    assert {"top1_0005", "top1_1", "worst_class_001", "two_bugs", "false_name", "beside_peers"} <= set(made)
    assert all(set(chosen(name)) == {"causes"} for name in made)
    assert SEED not in HELD_OUT


def test_the_tables_tell_each_class(tmp_path: Path) -> None:
    """A line for each prevalence that it was tried at, the least of them, and what it was called."""
    case = Case(
        number=1,
        share=0.01,
        shape="money",
        names="scale",
        rows=9,
        changed=9,
        said="scale",
        right=1.0,
        in_three=True,
        parameters=True,
    )
    few = replace(case, rows=2, share=0.001, right=0.0)
    cases = [case, replace(case, right=0.0, said="shift=affine"), few]
    write_classes(cases, tmp_path / "classes.csv")
    write_confusion(cases, tmp_path / "confusion.csv")
    assert (tmp_path / "classes.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "1,0.001,0,,,,1",
        "1,0.01,2,50.0,100.0,100.0,0",
        "1,least,,50.0,,,",
    ]
    assert (tmp_path / "confusion.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "1,scale,0.01,scale,1",
        "1,scale,0.01,shift=affine,1",
    ]
