"""A diagnosis of a sampled capture: weighted where it can be, and said where it is not."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis import concept_rows, sampled
from harness.diagnosis.counterfactuals import Counterfactual, measured
from harness.diagnosis.domain import Rows, compare
from harness.diagnosis.influence import NAMES, grid, table
from harness.diagnosis.ladder import climb
from harness.diagnosis.material import Material
from harness.diagnosis.rows import Production, Thresholds
from harness.diagnosis.slices import mix_and_within, worst_slices
from harness.records import Exhibit, Sampled
from tests.kit import diagnosed

SAMPLE = Sampled(requests=4, low=1.0, high=9.0, mean=5.0, effective=2.4)
ROWS = 600


@functools.cache
def material() -> Material:
    """Everything there is."""
    return diagnosed.material()


def of_sample(weight: np.ndarray | None) -> Material:
    """The same of a sampled capture."""
    made = material()
    return replace(made, sample=SAMPLE, production=replace(made.production, weight=weight))


def exhibit(key: str, found: str = "found") -> Exhibit:
    """An answer to one question."""
    return Exhibit(key=key, title="t", question="q", answer="So.", found=found)  # type: ignore[arg-type]


def test_what_counts_requests_says_so() -> None:
    """Only where requests weigh unequally, and only what was computed."""
    three = (exhibit("drift"), exhibit("domain"), exhibit("silence", "not checked"))
    uneven = of_sample(np.arange(len(material().production)) + 1.0)
    told = [one.answer for one in sampled.told(three, uneven)]
    assert told == [f"So. {sampled.NOT_WEIGHTED}", "So.", "So."]
    assert sampled.told(three, of_sample(None)) == three


def test_what_no_weight_mends_is_missing() -> None:
    """Rows a day are thinned however even the sample is."""
    assert sampled.missing(material()) == []
    (queue,) = sampled.missing(of_sample(None))
    assert "about 5 times as many" in queue
    assert len(sampled.missing(of_sample(np.ones(len(material().production))))) == 2


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and whole weights 1 to 3 of rows whose heavier ones are scored worse."""
    rng = np.random.default_rng(5)
    weight = rng.integers(1, 4, ROWS)
    truth = rng.random(ROWS)
    label = (rng.random(ROWS) < truth).astype(np.float64)
    return label, np.clip(truth + 0.1 * weight * rng.normal(size=ROWS), 0.0, 1.0), weight


def test_the_ladder_is_that_of_the_traffic_written_out(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Every rung of a row of weight 3 is that of three rows; the intervals know the units."""
    label, score, weight = rows
    cuts = Thresholds(offline=0.5, serving=0.4)

    def ladder(times: np.ndarray, kept: np.ndarray | None) -> dict[str, tuple[tuple[str, float], ...]]:
        unit = np.repeat(np.arange(ROWS), times)
        made = Production(
            offline_score=np.repeat(score, times),
            label=np.repeat(label, times),
            served_score=np.repeat(score**2, times),
            unit=unit,
            weight=kept,
        )
        found = climb(None, made, thresholds=cuts).metrics
        return {
            name: (*one.rungs, ("se", one.gap.se if one.gap is not None else 0.0))
            for name, one in found.items()
        }

    weighed = ladder(np.ones(ROWS, np.int64), weight.astype(np.float64))
    spelled = ladder(weight, None)
    plain = ladder(np.ones(ROWS, np.int64), None)
    for name, rungs in weighed.items():
        assert [step for step, _ in rungs] == [step for step, _ in spelled[name]]
        assert [x for _, x in rungs] == pytest.approx([x for _, x in spelled[name]], rel=1e-9), name
    assert weighed["log_loss"][0][1] != pytest.approx(plain["log_loss"][0][1], rel=1e-3)


def test_what_a_remedy_gives_is_of_the_traffic(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """The metrics of a counterfactual are weighted."""
    label, score, weight = rows
    one = Counterfactual(
        key="k", action="", score=score, threshold=0.5, label=label, weight=weight.astype(np.float64)
    )
    found = measured(one, unit=np.arange(ROWS), only=np.ones(ROWS, bool))
    spelled = np.repeat(np.arange(ROWS), weight)
    right = table(grid(score[spelled]), label[spelled], weight=np.ones(spelled.size), threshold=0.5)
    assert found.values[NAMES.index("log_loss")] == pytest.approx(right.values[NAMES.index("log_loss")])
    assert found.values[NAMES.index("recall")] == pytest.approx(right.values[NAMES.index("recall")])


def test_segments_are_shares_of_the_traffic(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Mix and within of weighted rows are those of the rows written out, the error too."""
    label, score, weight = rows
    names = np.where(np.arange(ROWS) % 3 == 0, "a", "b")
    loss, unit = np.abs(label - score), np.arange(ROWS)
    then = (names[:200], loss[:200])
    found = mix_and_within(
        then,
        (names, loss),
        units=(1000 + unit[:200], unit),
        weights=(np.ones(200), weight.astype(np.float64)),
    )
    times = np.repeat(unit, weight)
    right = mix_and_within(then, (names[times], loss[times]), units=(1000 + unit[:200], times))
    assert (found.mix, found.within, found.within_se) == pytest.approx(
        (right.mix, right.within, right.within_se)
    )
    assert {one.name: one.share for one in found.segments} == {
        one.name: pytest.approx(one.share) for one in right.segments
    }


def test_the_worst_slice_is_weighted_and_its_rows_are_counted() -> None:
    """A slice of few and light rows has its raw rows, and its share of the traffic."""
    rng = np.random.default_rng(3)
    bad = rng.random(2_000) < 0.25
    loss = rng.random(2_000) + 1.5 * bad
    weight = np.where(bad, 1.0, 9.0)
    fields = {"plan": np.where(bad, "bad", "good")}
    (found, *_) = worst_slices(
        fields, loss, units=np.arange(2_000), rng=np.random.default_rng(0), weight=weight
    )
    assert (found.fields, found.rows, found.confirmed) == ({"plan": "bad"}, int(bad.sum()), True)
    assert found.share == pytest.approx(bad.sum() / weight.sum())
    assert found.excess == pytest.approx(1.5, abs=0.1)


def test_a_sample_of_the_same_traffic_is_not_told_apart_by_its_weights() -> None:
    """Production kept all of a rare kind and one in ten of the rest: by weight it is the holdout."""
    rng = np.random.default_rng(8)
    holdout, traffic = (rng.normal(size=(n, 2)) for n in (3_000, 16_000))
    rare = traffic[:, 0] > 1.3
    kept = rare | (rng.random(len(traffic)) < 0.1)
    weight = np.where(rare, 1.0, 10.0)[kept]
    unit = np.arange(3_000 + int(kept.sum()))

    def found(given: np.ndarray | None) -> tuple[float, float]:
        here = traffic[kept]
        sides = [
            Rows(features=holdout, label=np.zeros(3_000), unit=unit[:3_000]),
            Rows(features=here, label=np.zeros(len(here)), unit=unit[3_000:], weight=given),
        ]
        made = compare(sides[0], sides[1], names=("a", "b"))
        return made.auc.value, made.auc.lower

    weighed, plain = found(weight), found(None)
    assert abs(weighed[0] - 0.5) < 0.04
    assert weighed[1] < 0.5
    assert plain[1] > 0.55


def test_concept_rows_are_weighed_from_the_start() -> None:
    """The overlap weights multiply what each row stands for, mean 1 over those that were chosen."""
    rng = np.random.default_rng(9)
    label = (rng.random(400) < 0.5).astype(np.float64)
    rows = [
        Rows(features=rng.normal(size=(400, 1)), label=label, unit=np.arange(400) + 400 * k) for k in (0, 1)
    ]
    weight = np.where(np.arange(400) % 2 == 0, 1.0, 3.0)
    there, here = concept_rows.sampled(rows[0], replace(rows[1], weight=weight))
    assert set(there.weight.tolist()) == {1.0}
    assert sorted(set(here.weight.tolist())) == pytest.approx([0.5, 1.5])
    over = concept_rows.on_overlap(there, here)[1].weight
    assert over[here.weight == 1.5].mean() > 2.0 * over[here.weight == 0.5].mean()
