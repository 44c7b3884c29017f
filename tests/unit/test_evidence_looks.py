"""Looks as labels mature: what enters when, what refuses a look, and rulings that stay."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as replace_look

from harness.evidence import Cohort, Levels, Plan
from harness.evidence.cohort import DAY_NS
from harness.evidence.harms import PAIRED_CLIP
from harness.evidence.looks import changed, clipped, compared, looks, remembered
from harness.evidence.processes import Betting, GroupSequential, OutcomeTest
from harness.join import LabelEvents
from harness.records import Look
from tests.kit.some_evidence import ARMS, cohort, plan

PLAN = plan()
END = 40 * DAY_NS


def seen(found: Cohort, how: Plan = PLAN, *, as_of_ns: int = END) -> list[Look]:
    """All looks at a cohort."""
    return list(looks(found, ARMS, plan=how, as_of_ns=as_of_ns))


def part(found: Cohort, rows: np.ndarray) -> Cohort:
    """Some requests of a cohort."""
    columns = {
        name: getattr(found, name)[rows] for name in ("event_ns", "exposed", "in_scope", "unit", "label")
    }
    more = {name: getattr(found, name)[rows] for name in ("label_ns", "weight")}
    scores = {arm: values[rows] for arm, values in found.scores.items()}
    return replace(found, **columns, **more, scores=scores)


def test_one_look_a_day_on_which_something_matured() -> None:
    """600 requests over 8.3 days and 7 days of delay: 9 days of looks, the last one cut at `as_of`."""
    found = seen(cohort(600))
    assert [look.as_of for look in found][:2] == ["1970-01-09T00:00:00Z", "1970-01-10T00:00:00Z"]
    assert [look.n for look in found] == [72, 144, 216, 288, 360, 432, 504, 576, 600]
    cut = seen(cohort(600), as_of_ns=int(9.5 * DAY_NS))
    assert [(look.as_of, look.n) for look in cut][-1] == ("1970-01-10T12:00:00Z", 180)


def test_labels_so_far_are_no_evidence() -> None:
    """Two models of equal quality, positives known at once, negatives after 7 days: nothing is ruled early.

    Judged on the labels known so far, the one that predicts more would win by far.
    """
    base = cohort(600)
    early = np.where(base.label == 1.0, base.event_ns + 1, base.event_ns + 7 * DAY_NS)
    rng = np.random.default_rng(0)
    truth, tilt = base.scores["champion"], np.where(rng.uniform(size=600) < 0.5, 0.1, -0.1)
    scores = {"champion": truth - tilt, "challenger": truth + np.abs(tilt)}
    trap = replace(base, label_ns=early.astype(np.int64), scores=scores)
    at = int(6.9 * DAY_NS)
    known = trap.known(at)
    so_far = np.log(scores["challenger"][known]) - np.log(scores["champion"][known])
    assert trap.label[known].all()
    assert so_far.mean() > 5 * so_far.std() / np.sqrt(known.sum())
    assert seen(trap, as_of_ns=at) == []
    assert not compared(trap, ARMS, delay_days=7.0, as_of_ns=at).any()
    assert all(look.ruling != "FAIL" for look in seen(replace(trap, scores=base.scores)))


def test_a_look_does_not_change_when_later_labels_come() -> None:
    """Each look is what could have been said on its day."""
    early, late = seen(cohort(600), as_of_ns=12 * DAY_NS), seen(cohort(600), as_of_ns=END)
    assert late[: len(early)] == early
    assert len(late) > len(early)


def test_a_label_that_comes_late_enters_late() -> None:
    """A matured request whose label is not known yet is in no look before."""
    base = cohort(600)
    slow = np.zeros(600, dtype=bool)
    slow[:3] = True
    found = seen(replace(base, label_ns=base.label_ns + np.where(slow, 5 * DAY_NS, 0)))
    assert [look.n for look in found] == [69, 141, 213, 285, 357, 432, 504, 576, 600]
    assert not any("no label yet" in look.refused for look in found)


def test_requests_that_one_arm_left_out_refuse_a_look() -> None:
    """What an arm answered may be what it can answer well: 6 % left out rule nothing, 5 % do."""
    base = cohort(600, shift=0.25)
    for share, ruling in ((0.05, "FAIL"), (0.06, "UNDECIDED")):
        silent = np.where(np.arange(600) % 100 < share * 100, np.nan, base.scores["champion"])
        last = seen(replace(base, scores=base.scores | {"champion": silent}))[-1]
        assert (last.ruling, "no answer of both arms" in last.refused) == (ruling, ruling == "UNDECIDED")


def revised(found: Cohort, *, at_ns: int) -> Cohort:
    """Every label turned into that which favours the challenger most, long after it was known."""
    better = (found.scores["challenger"] > found.scores["champion"]).astype(np.float64)
    seq = np.arange(len(better))
    at = np.concatenate([found.label_ns, np.full(len(better), at_ns)])
    order = np.argsort(at, kind="stable")
    events = LabelEvents(
        np.concatenate([seq, seq])[order], np.concatenate([found.label, better])[order], at[order]
    )
    return replace(found, label=better, label_ns=np.full(len(better), at_ns), events=events)


def test_a_revision_of_labels_leaves_past_looks_as_they_were() -> None:
    """What was shown by the labels of then stays shown: revised labels make one more look, and no other."""
    base = cohort(600, shift=0.2)
    before = seen(base, as_of_ns=20 * DAY_NS)
    after = seen(revised(base, at_ns=25 * DAY_NS))
    assert before[-1].ruling == "FAIL"
    assert after[:-1] == before
    assert (after[-1].as_of, after[-1].n, after[-1].ruling) == ("1970-01-26T00:00:00Z", 600, "FAIL")
    assert (after[-1].upper or 1.0) < 0


def test_a_written_ruling_stays_and_is_among_the_looks() -> None:
    """A look of another hour is kept, one taken again shows the numbers of now under the ruling of then."""
    fresh = seen(cohort(600))
    failed = replace_look(fresh[2], estimate=0.5, ruling="FAIL")
    other = replace_look(fresh[2], as_of="1970-01-11T12:00:00Z")
    found = remembered(fresh, [failed, other])
    assert [look.as_of for look in found] == sorted({look.as_of for look in [*fresh, other]})
    assert [look.ruling for look in found] == [look.ruling for look in fresh[:2]] + ["FAIL"] * 8
    assert found[2].estimate == fresh[2].estimate
    assert (changed(fresh, [failed, other]), changed(fresh, fresh)) == (1, 0)
    assert remembered(fresh, fresh) == tuple(fresh)


def test_too_many_matured_requests_without_a_label_refuse_a_look() -> None:
    """When negatives are written late, the labels that are there are mostly positive, and say nothing."""
    base = cohort(600, shift=0.2)
    behind = np.where(base.label == 0.0, 2 * DAY_NS, 0)
    found = seen(replace(base, label_ns=base.label_ns + behind))
    assert "have no label yet or no answer of both arms, at most 5% may" in found[2].refused
    assert [look.ruling for look in found[:3]] == ["UNDECIDED"] * 3
    assert found[-1].refused == ""


@pytest.mark.parametrize(
    ("change", "n"),
    [
        ({"exposed": np.arange(600) % 2 == 0}, 300),
        ({"in_scope": np.arange(600) >= 100}, 500),
        ({"label": np.where(np.arange(600) % 40 == 0, np.nan, 1.0)}, 585),
        (
            {
                "scores": {
                    "champion": np.full(600, 0.5),
                    "challenger": np.where(np.arange(600) < 200, np.nan, 0.4),
                }
            },
            400,
        ),
    ],
    ids=["exposed", "in scope", "labelled", "answered"],
)
def test_only_eligible_labelled_and_answered_requests_are_compared(
    change: dict[str, np.ndarray], n: int
) -> None:
    """The rest is in no look."""
    assert seen(replace(cohort(600), **change))[-1].n == n  # type: ignore[arg-type]  # one field each


def test_a_worse_challenger_fails_and_an_equal_one_passes() -> None:
    """A shift of .2 in every score costs .1 in log loss; none costs nothing."""
    worse, equal = seen(cohort(600, shift=0.2)), seen(cohort(600))
    assert (worse[-1].ruling, equal[-1].ruling) == ("FAIL", "PASS")
    assert worse[-1].lower is not None
    assert worse[-1].lower > 0
    assert equal[-1].upper is not None
    assert equal[-1].upper < PLAN.outcome.margin


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_the_estimate_is_the_mean_paired_difference(metric: str) -> None:
    """With a request a unit it is the plain mean, of either loss."""
    base = cohort(600, shift=0.1)
    y, p, q = base.label, base.scores["champion"], base.scores["challenger"]
    expected = {
        "brier": np.mean((q - y) ** 2 - (p - y) ** 2),
        "log_loss": -np.mean(np.where(y == 1, np.log(q / p), np.log((1 - q) / (1 - p)))),
    }
    assert seen(base, plan(metric=metric))[-1].estimate == pytest.approx(expected[metric], rel=1e-9)


def turning(first: float, then: float) -> Cohort:
    """1,200 requests; the challenger shifted in the first half, it or (negative) the champion later."""
    late = np.arange(1200) >= 600
    base, one, other = cohort(1200), cohort(1200, shift=first), cohort(1200, shift=abs(then))
    equal, shifted = base.scores["challenger"], other.scores["challenger"]
    served = np.where(late, shifted if then >= 0 else equal, one.scores["challenger"])
    usual = np.where(late & (then < 0), shifted, base.scores["champion"])
    return replace(base, scores={"champion": usual, "challenger": served})


def test_a_failure_wins_over_an_earlier_pass() -> None:
    """Non-inferior at first, then clearly worse: what was passed before does not hide it."""
    rulings = [look.ruling for look in seen(turning(0.0, 0.3))]
    assert "PASS" in rulings
    assert rulings[-1] == "FAIL"


@pytest.mark.parametrize(("first", "then", "ruling"), [(0.25, -0.25, "FAIL"), (0.0, 0.09, "PASS")])
def test_a_ruling_once_reached_stays(first: float, then: float, ruling: str) -> None:
    """A later look that proves nothing takes nothing back."""
    found = seen(turning(first, then))
    assert found[-1].ruling == ruling
    lower, upper = found[-1].lower or 0.0, found[-1].upper or 0.0
    assert lower <= 0
    assert upper >= PLAN.outcome.margin


def test_midnight_ends_a_day() -> None:
    """A request that is ripe at midnight is in the look of that midnight, and makes no second one."""
    on_time = replace(cohort(2), event_ns=np.array([0, DAY_NS]), label_ns=np.array([0, 0]))
    found = seen(on_time, as_of_ns=8 * DAY_NS)
    assert [(look.as_of, look.n) for look in found] == [
        ("1970-01-08T00:00:00Z", 1),
        ("1970-01-09T00:00:00Z", 2),
    ]


def test_worse_within_the_margin_is_still_worse() -> None:
    """Both processes may cross in one look; a proven deterioration is a FAIL whatever margin is allowed."""
    assert seen(cohort(600, shift=0.2), plan(margin=10.0))[-1].ruling == "FAIL"


@pytest.mark.parametrize(
    ("units", "ruling"),
    [
        (np.arange(600), "FAIL"),
        (np.arange(600) % 100, "FAIL"),
        (np.arange(600) % 99, "UNDECIDED"),
        (np.where(np.arange(600) < 40, 0, np.arange(600)), "UNDECIDED"),
    ],
    ids=["600 units", "100 units", "99 units", "one unit of 6.7 %"],
)
def test_too_few_units_or_one_too_large_rule_nothing(units: np.ndarray, ruling: str) -> None:
    """Under 100 units of equal size, or with more than 5 % in one, the test promises what it cannot keep."""
    last = seen(replace(cohort(600, shift=0.25), unit=units.astype(np.int64)))[-1]
    assert (last.ruling, bool(last.refused)) == (ruling, ruling == "UNDECIDED")


def test_weights_stand_for_the_traffic_that_was_not_exposed() -> None:
    """A request of propensity .25 counts four times: the estimate is that of the traffic written out."""
    base = cohort(400, shift=0.1)
    four = np.arange(400) % 2 == 0
    weighted = replace(base, weight=np.where(four, 4.0, 1.0), weighted=True)
    spelled = part(base, np.repeat(np.arange(400), np.where(four, 4, 1)))
    assert seen(weighted)[-1].estimate == pytest.approx(seen(spelled)[-1].estimate, rel=1e-12)
    assert seen(weighted)[-1].estimate != pytest.approx(seen(base)[-1].estimate, rel=1e-3)


def test_a_few_heavy_weights_are_a_few_units() -> None:
    """When five requests carry nearly all weight, 600 units are five."""
    heavy = replace(cohort(600, shift=0.25), weight=np.where(np.arange(600) < 5, 1e4, 1.0))
    assert "count as 5." in seen(heavy)[-1].refused


@pytest.mark.parametrize("arm", ["champion", "challenger"])
def test_scores_that_are_no_probabilities_rule_nothing(arm: str) -> None:
    """A margin score has no log loss: the one look says so instead of comparing the rest."""
    base = cohort(600, shift=0.25)
    raw = base.scores[arm].copy()
    raw[7] = 1.2
    (look,) = seen(replace(base, scores=base.scores | {arm: raw}))
    assert (look.ruling, look.estimate) == ("UNDECIDED", None)
    assert look.refused.startswith("1 of 600 requests have a score outside 0 to 1")


def test_both_arms_are_clipped_alike() -> None:
    """A sure and wrong 0 costs -log(1e-6) = 13.8 nats in the paired test, not 34.5, and is counted."""
    base = cohort(300)
    sure = base.scores["champion"].copy()
    sure[0] = 0.0
    found = replace(base, label=np.ones(300), scores={"champion": np.full(300, 0.5), "challenger": sure})
    rest = -np.log(sure[1:] / 0.5).sum()
    last = seen(found)[-1]
    assert last.estimate == pytest.approx((rest - np.log(PAIRED_CLIP / 0.5)) / 300, rel=1e-9)
    assert clipped(found, ARMS, plan=PLAN, used=np.ones(300, dtype=bool)) == 1


def test_equal_scores_never_rule() -> None:
    """Without any difference there is no spread, so no bound; identity is judged elsewhere."""
    base = cohort(300)
    same = replace(base, scores={"champion": base.scores["champion"], "challenger": base.scores["champion"]})
    assert {(look.ruling, look.lower, look.upper, look.estimate) for look in seen(same)} == {
        ("UNDECIDED", None, None, 0.0)
    }


def test_the_two_levels_are_used_apart() -> None:
    """A stricter level to fail moves the lower bound only."""
    base = cohort(600)
    (one, other) = (seen(base, replace(PLAN, levels=Levels(go=0.05, nogo=nogo)))[-1] for nogo in (0.05, 0.01))
    assert (one.lower or 0) > (other.lower or 0)
    assert one.upper == other.upper


@pytest.mark.parametrize(
    ("test", "looks_cut"), [(None, 2), (Betting(), 1), (GroupSequential(planned_units=500), 1)], ids=str
)
def test_only_days_that_have_ended_are_looked_at_by_a_test_that_spends(
    test: OutcomeTest | None, looks_cut: int
) -> None:
    """However often a run is judged within a day, its looks are those of the days before."""
    found = seen(cohort(600), plan(test=test, margin=0.05), as_of_ns=int(8.5 * DAY_NS))
    assert len(found) == looks_cut


@pytest.mark.parametrize(
    "how", [Betting(), GroupSequential(planned_units=600)], ids=["betting", "group sequential"]
)
def test_a_unit_that_counts_once_must_weigh_one_thing(how: OutcomeTest) -> None:
    """Units of unequal requests rule nothing and show no number; sampled whole they do."""
    test = plan(test=how)
    base = replace(cohort(600, shift=0.25), unit=np.arange(600) // 2)
    mixed = seen(replace(base, weight=np.where(np.arange(600) % 2 == 0, 4.0, 1.0)), test)[-1]
    assert (mixed.ruling, mixed.estimate) == ("UNDECIDED", None)
    assert mixed.refused.startswith("300 of 300 units have requests of unequal weight")
    whole = seen(replace(base, weight=np.where(np.arange(600) // 2 % 2 == 0, 4.0, 1.0)), test)[-1]
    assert (whole.ruling, whole.refused) == ("FAIL", "")


@pytest.mark.parametrize(
    ("most", "shift", "ruling"),
    [
        (4.0, 0.0, "PASS"),
        (8.0, 0.0, "PASS"),
        (400.0, 0.0, "UNDECIDED"),
        (None, 0.0, "UNDECIDED"),
        (None, 0.25, "FAIL"),
    ],
)
def test_bets_pass_only_by_a_largest_weight_that_is_known(
    most: float | None, shift: float, ruling: str
) -> None:
    """Weights that were only seen prove no PASS, and say what to state; harm of what was seen is harm."""
    base = replace(cohort(600, shift=shift), weight=np.where(np.arange(600) % 2 == 0, 4.0, 1.0), most=most)
    last = seen(base, plan(test=Betting(), margin=0.05))[-1]
    assert (last.ruling, last.estimate is None) == (ruling, False)
    unstated = (
        "weights up to 4 were seen, and a request of the traffic may be heavier: "
        "state max_weight under [capture], and min_propensity where requests have one"
    )
    assert last.refused == (unstated if most is None and ruling == "UNDECIDED" else "")


def test_a_heavy_request_out_of_scope_shows_that_heavy_ones_may_be_missing() -> None:
    """All that are compared weigh 1, one not exposed weighs 4: nobody says that it is the heaviest."""
    first = np.arange(600) == 0
    odd = replace(cohort(600), weight=np.where(first, 4.0, 1.0), exposed=~first)
    how = plan(test=Betting(), margin=0.05)
    assert seen(odd, how)[-1].refused.startswith("weights up to 4 were seen")
    assert seen(replace(odd, most=4.0), how)[-1].ruling == "PASS"


def test_equal_weights_are_bounded_by_what_may_be_missing() -> None:
    """Light requests alone prove nothing of a traffic with heavy ones; without such all is as before."""
    base, how = cohort(600), plan(test=Betting(), margin=0.05)
    assert seen(base, how)[-1].ruling == "PASS"
    assert seen(replace(base, most=1.0), how) == seen(base, how)
    assert seen(replace(base, most=400.0), how)[-1].ruling == "UNDECIDED"


def test_an_auc_is_weighted_too() -> None:
    """The estimate is that of the requests written out."""
    base = cohort(400, shift=0.1)
    four = np.arange(400) % 2 == 0
    spelled = part(base, np.repeat(np.arange(400), np.where(four, 4, 1)))
    spelled = replace(spelled, unit=np.repeat(np.arange(400), np.where(four, 4, 1)))
    found = seen(replace(base, weight=np.where(four, 4.0, 1.0)), plan(metric="auc"))[-1]
    assert found.estimate == pytest.approx(seen(spelled, plan(metric="auc"))[-1].estimate, abs=1e-12)


@pytest.mark.parametrize(("heavy", "ruling"), [(1.0, "FAIL"), (2.0, "UNDECIDED")])
def test_few_missing_requests_may_be_much_of_the_traffic(heavy: float, ruling: str) -> None:
    """24 of 600 without a label are 4 %; of weight 2 they are 7.7 % of the traffic, and 5 % may be."""
    base = cohort(600, shift=0.25)
    missing = np.arange(600) % 25 == 0
    label = np.where(missing, np.nan, base.label)
    last = seen(replace(base, label=label, weight=np.where(missing, heavy, 1.0)))[-1]
    assert (last.ruling, "7.7% of the traffic" in last.refused) == (ruling, ruling == "UNDECIDED")
