"""The simulated worlds in small: their truths are true, their figures whole, and the page quotes them."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.diagnosis.ladder import climb
from tests.simulations.__main__ import makers
from tests.simulations.diagnosis import concept, remedies, toggles
from tests.simulations.diagnosis.replications import GOALS, figures, replicate, truth, weighed
from tests.simulations.diagnosis.worlds import SINGLE, WORLDS, World, draw, together, true_overlap
from tests.simulations.figures import generator, reached

ROOT = Path(__file__).parents[2]
#: which steps each thing that can be wrong moves, in ROC-AUC
MOVES: dict[str, set[str]] = {
    "nothing": set(),
    "strong leak": {"leak: outcome"},
    "repeated rows": {"repeated_rows"},
    "early rows": {"time_order"},
    "strong covariate": {"covariate_seen"},
    "strong concept": {"concept"},
    "frequent feature bug": {"served_features"},
    "very stale model": {"served_scores"},
    "threshold": set(),
    "label definition": {"label_definition"},
    "long label delay": {"label_maturity"},
    "join loss": set(),  # which depends on the label alone, and that moves no AUC
    "exposure": {"exposure"},
}


def world(name: str) -> World:
    """One of the worlds by name."""
    return next(one for one in WORLDS if one.name == name)


def test_there_are_enough_worlds() -> None:
    """Thirty and more, each with a name of its own, singly and together."""
    assert len({one.name for one in WORLDS}) == len(WORLDS) >= 30
    assert together(3) == together(3)
    assert len(SINGLE) > len(MOVES)


@pytest.mark.parametrize("name", MOVES)
def test_one_thing_wrong_moves_its_own_steps(name: str) -> None:
    """By more than .004 in ROC-AUC, and no other step by as much."""
    true = truth(world(name), generator(name), rows=60_000)
    moved = {step for (metric, step), value in true.items() if metric == "roc_auc" and abs(value) > 0.004}
    assert moved == MOVES[name]


def test_the_true_overlap_is_the_ratio_of_densities() -> None:
    """Weighted by it, both populations have the same mean of every feature."""
    one = World(name="both", shift=0.7, newcomers=0.3)
    made = draw(one, np.random.default_rng(5), rows=100_000, clustered=False)
    before, now = (true_overlap(one, rows.features).produced for rows in (made.before, made.now))
    left = np.average(made.before.features, axis=0, weights=before)
    right = np.average(made.now.features, axis=0, weights=1.0 - now)
    assert left == pytest.approx(right, abs=0.02)
    assert made.now.features.mean(axis=0) != pytest.approx(made.before.features.mean(axis=0), abs=0.1)


def test_few_draws_of_few_worlds_reach_the_floors() -> None:
    """Rows of every figure; the sums are exact, and most intervals hold the truth."""
    some = tuple(world(name) for name in ("strong leak", "strong concept", "together 3"))
    found = figures(replicate(some, times=3, rows=3000, truth_rows=60_000), len(some))
    by_id = {str(one["id"]): one for one in found}
    assert set(by_id) == set(GOALS)
    assert reached(by_id["adds_up"], "aim")
    assert float(str(by_id["part_coverage"]["value"])) > 85.0
    assert float(str(by_id["largest_first"]["value"])) > 70.0


def test_few_shares_hold_the_truth() -> None:
    """Of two worlds, most; a world without toggles has none."""
    some = [world("together 3"), world("frequent feature bug")]
    for held in toggles.coverage(some, times=2, rows=3000, truth_rows=60_000):
        assert np.mean(held) > 80.0
    assert not toggles.toggled(world("strong leak"))


def test_a_changed_feature_is_named_and_a_shift_is_not() -> None:
    """One draw each, the rows of the figures in small."""
    assert not concept.found(concept.STILL[1], times=1, rows=2000)[0].changed
    assert concept.named(concept.found(World(name="turned", concept=1.0), times=1, rows=2000)[0])


def test_a_wrong_truth_would_be_noticed() -> None:
    """A negative control: held against the truth of another world, the concept part is not covered."""
    concept, nothing = world("strong concept"), world("nothing")
    made = weighed(draw(concept, generator("control"), rows=3000))
    part = next(
        p
        for p in climb(made.holdout, made.production, thresholds=concept.thresholds).metrics["roc_auc"].parts
        if p.step == "concept"
    )
    assert part.value is not None
    right, wrong = (truth(one, generator(one.name), rows=60_000) for one in (concept, nothing))
    assert part.value.covers(right["roc_auc", "concept"])
    assert not part.value.covers(wrong["roc_auc", "concept"])


def kept_rows() -> dict[str, dict[str, object]]:
    """The rows in results/simulations/diagnosis.json by id."""
    text = (ROOT / "results" / "simulations" / "diagnosis.json").read_bytes()
    return {str(one["id"]): one for one in msgspec.json.decode(text, type=list[dict[str, object]])}


def test_the_kept_file_has_every_row_whole() -> None:
    """Each with a command that makes it again, and coverage that is neither too small nor too large."""
    rows = kept_rows()
    of_remedies = {one.id for one in (remedies.COVERAGE, remedies.WEAKEST, remedies.CONTROL)}
    of_concept = {one.id for one in (concept.FALSE, concept.NAMED, concept.SLIGHTLY)}
    names = {*GOALS, toggles.SHARES.id, toggles.DIFFERENCES.id, *of_remedies, *of_concept}
    assert names <= set(rows)
    for name in names:
        assert rows[name]["command"] == f"make simulate NAME={name}"
        assert "diagnosis" in makers(name)
    assert 92.0 <= float(str(rows["part_coverage"]["value"])) <= 98.0
    assert int(str(rows["part_coverage"]["runs"])) >= 800


@pytest.mark.parametrize(("name", "least"), [("diagnosis.md", 5), ("diagnosis-parts.md", 3)])
def test_the_page_quotes_the_kept_figures(name: str, least: int) -> None:
    """Every `id` = number in these docs is the kept value, rounded to the digits written."""
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    rows = kept_rows()
    found = re.findall(r"`([a-z0-9_]+)` = ([0-9]+(?:\.[0-9]+)?)", page)
    quoted = [(id_, text) for id_, text in found if id_ in rows]
    assert len(quoted) >= least
    for id_, text in quoted:
        decimals = len(text.partition(".")[2])
        assert float(text) == pytest.approx(float(str(rows[id_]["value"])), abs=0.5001 * 10.0**-decimals)
