"""One summary of matured labels: who was lost on the way, the metrics of each arm, and identity."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as replace_look

from harness.evidence import Cohort
from harness.evidence.cohort import DAY_NS
from harness.evidence.quality import exhausted, remember, summarise
from harness.records import QualitySummary
from tests.kit.some_evidence import ARMS, cohort, look, plan, quality

END = 40 * DAY_NS


def summary(found: Cohort, *, as_of_ns: int = END, threshold: float = 0.5) -> QualitySummary:
    """The summary of a cohort."""
    return summarise(
        found,
        ARMS,
        plan=plan(threshold=threshold, meaning="bought"),
        as_of_ns=as_of_ns,
    )


def test_every_request_is_counted_where_it_was_lost() -> None:
    """Not exposed, not matured, without label, not answered by both: what is left is compared."""
    base = cohort(600)
    served = base.scores["challenger"].copy()
    served[20:25] = np.nan
    label = base.label.copy()
    label[10:14] = np.nan
    mixed = replace(
        base,
        in_scope=np.arange(600) >= 5,
        exposed=np.arange(600) % 100 != 50,
        label=label,
        scores=base.scores | {"challenger": served},
    )
    found = summary(mixed, as_of_ns=7 * DAY_NS + int(base.event_ns[299])).counts
    assert found == {
        "captured": 600,
        "in scope": 595,
        "not exposed": 6,
        "not matured": 297,
        "matured": 292,
        "matured without label": 4,
        "labelled but not answered by both": 5,
        "compared": 283,
    }
    assert found["in scope"] == found["not exposed"] + found["not matured"] + found["matured"]


def test_labels_known_after_as_of_are_ignored() -> None:
    """A matured request whose label comes later is one without a label."""
    late = replace(cohort(100), label_ns=np.full(100, 30 * DAY_NS))
    found = summary(late, as_of_ns=20 * DAY_NS)
    assert (found.counts["matured"], found.counts["matured without label"], found.counts["compared"]) == (
        100,
        100,
        0,
    )
    assert (found.looks, found.estimate, found.fixed_n, found.full_days) == ((), None, None, 0)


def test_full_days_are_those_with_requests_between_the_first_and_the_last() -> None:
    """Two requests ten days apart fill one day; 10 days of them fill 9; an afternoon fills none."""
    base = cohort(2)
    apart = summary(replace(base, event_ns=np.array([0, 10 * DAY_NS])))
    assert (apart.full_days, len(apart.looks)) == (1, 2)
    assert summary(cohort(720)).full_days == 9
    assert summary(cohort(36)).full_days == 0


def test_metrics_are_those_of_the_compared_requests_by_weight() -> None:
    """The Brier score of each arm, weighted; an arm that left one unanswered has none."""
    base = cohort(300)
    weight = np.where(np.arange(300) < 10, 5.0, 1.0)
    partial = np.where(np.arange(300) == 9, np.nan, 0.5)
    found = summary(replace(base, weight=weight, scores=base.scores | {"offline:new": partial}))
    brier = next(row for row in found.metrics if row.metric == "brier")
    expected = np.average((base.scores["challenger"] - base.label) ** 2, weights=weight)
    assert brier.arms["challenger"] == pytest.approx(expected)
    assert brier.arms["offline:new"] is None


def test_an_arm_whose_scores_are_no_probabilities_has_no_metric() -> None:
    """A heuristic's points are not compared as if they were."""
    base = cohort(300)
    found = summary(replace(base, scores=base.scores | {"offline:old": np.full(300, 7.0)}))
    assert {row.arms["offline:old"] for row in found.metrics} == {None}


def identical(base: Cohort, change: dict[int, float], **columns: np.ndarray) -> bool:
    """Whether the summary says identical, of equal scores with some of the challenger's changed."""
    served = base.scores["champion"].copy()
    for row, score in change.items():
        served[row] = score
    scores = {"champion": base.scores["champion"], "challenger": served}
    return summary(replace(base, scores=scores, **columns)).identical  # type: ignore[arg-type]  # columns only


def test_identity_is_of_every_score_in_scope() -> None:
    """One score that differs on a request without a label is a difference all the same."""
    base = cohort(300)
    unlabelled = np.where(np.arange(300) == 7, np.nan, base.label)
    assert identical(base, {}, label=unlabelled)
    assert not identical(base, {7: 0.123}, label=unlabelled)
    assert not identical(base, {7: 0.123}, exposed=np.arange(300) != 7)
    assert identical(base, {7: 0.123}, in_scope=np.arange(300) != 7)
    assert identical(base, {7: np.nan})


def test_nothing_compared_is_not_identical() -> None:
    """Equal by identity needs at least one labelled request, or it says nothing of quality."""
    base = cohort(300)
    assert not identical(base, {}, label=np.full(300, np.nan))
    assert not identical(base, {}, exposed=np.zeros(300, dtype=bool))


def test_the_read_out_of_decisions_is_mcnemars() -> None:
    """10 requests right only in the challenger, 2 only in the champion: p = 0.0386."""
    base = cohort(300)
    right = np.where(base.label == 1, 0.9, 0.1)
    champion, challenger = right.copy(), right.copy()
    champion[:10], challenger[10:12] = 1 - right[:10], 1 - right[10:12]
    found = summary(replace(base, scores={"champion": champion, "challenger": challenger})).fixed_n
    assert found is not None
    assert (found.count, found.n, found.value) == (10, 12, 10 / 12)
    assert "p = 0.0386" in found.method


@pytest.mark.parametrize(
    ("alone", "words"),
    [(13, "p = 0.0002,"), (14, "p = 0.0001,"), (15, "p < 0.0001,"), (300, "p < 0.0001,")],
)
def test_no_p_value_is_nothing(alone: int, words: str) -> None:
    """With k against 0 discordant pairs p is 2 / 2^k: 0.00012 for 14, 0.00006 for 15, and never 0.0000."""
    base = cohort(300)
    right = np.where(base.label == 1, 0.9, 0.1)
    champion = np.where(np.arange(300) < alone, 1 - right, right)
    found = summary(replace(base, scores={"champion": champion, "challenger": right})).fixed_n
    assert found is not None
    assert (found.count, found.n) == (alone, alone)
    assert words in found.method


def test_arms_that_decide_alike_have_no_discordant_request() -> None:
    """Nothing to test is no test."""
    assert (
        summary(
            replace(cohort(9), scores={"champion": np.full(9, 0.9), "challenger": np.full(9, 0.8)})
        ).fixed_n
        is None
    )


@pytest.mark.parametrize(
    ("weighted", "words"), [(True, "inverse propensity"), (False, "Exposed traffic only (2 requests")]
)
def test_the_claim_is_limited_to_what_was_exposed(weighted: bool, words: str) -> None:  # noqa: FBT001  -- a table
    """Only propensities let it speak of all traffic."""
    found = summary(replace(cohort(50), weighted=weighted, exposed=np.arange(50) > 1))
    assert words in found.note


def test_what_was_assumed_of_requests_is_counted_and_told() -> None:
    """Exposure that nobody recorded and propensities that only some have are in the counts and the note."""
    base, odd = cohort(50), np.arange(50) % 5 == 0
    found = summary(replace(base, assumed=odd, partial=np.arange(50) < 3, in_scope=np.arange(50) >= 1))
    assert found.counts["exposure unknown, taken as exposed"] == 9
    assert found.counts["propensity unused, others have none"] == 2
    assert "9 of 49 requests it is not known whether they were exposed" in found.note
    assert "2 of 49 requests have a propensity and the others none" in found.note
    assert "not known" not in summary(base).note
    assert set(summary(base).counts).isdisjoint(found.counts.keys() - summary(base).counts.keys())


def test_the_estimate_says_how_many_scores_were_clipped() -> None:
    """Clipping is an assumption, so its extent is shown."""
    base = cohort(300)
    sure = np.where(np.arange(300) < 3, 1.0, base.scores["challenger"])
    found = summary(replace(base, scores=base.scores | {"challenger": sure})).estimate
    assert found is not None
    assert found.note == "300 units, worth 300 of equal size, 3 requests clipped at 1e-06"


@pytest.mark.parametrize(
    ("role", "ruling", "final", "ended"),
    [
        ("success", "UNDECIDED", True, True),
        ("guardrail", "UNDECIDED", True, True),
        ("watched", "UNDECIDED", True, False),
        ("guardrail", "PASS", True, False),
        ("guardrail", "UNDECIDED", False, False),
    ],
)
def test_a_judged_test_that_has_used_up_its_plan_has_no_more_evidence(
    role: str, ruling: str, *, final: bool, ended: bool
) -> None:
    """Waiting on would be waiting for ever; what is only watched keeps nobody waiting."""
    last = look(ruling=ruling, final=final)
    assert exhausted([quality(), quality(last, role=role)]) == ended


def test_looks_under_another_tuning_rule_nothing_and_are_counted() -> None:
    """A FAIL that another margin reached was another test; the same tuning keeps what it ruled."""
    fresh = summary(cohort(600))
    failed = [replace_look(one, ruling="FAIL") for one in fresh.looks[:2]]
    other = [replace_look(one, test="label: another margin") for one in failed]
    assert remember(fresh, failed).looks[-1].ruling == "FAIL"
    found = remember(fresh, other)
    assert found.looks == fresh.looks
    assert "2 looks under another tuning were another test" in found.note


def test_an_outcome_of_numbers_has_its_mean_by_arm_and_a_t_test_beside_it() -> None:
    """Value a request is the label's number over those that an arm decides for."""
    base = cohort(300)
    eur = replace(base, label=base.label * 10 - 2)
    found = summarise(eur, ARMS, plan=plan(metric="value"), as_of_ns=END)
    (row,) = found.metrics
    expected = np.mean(eur.label * (base.scores["champion"] >= 0.5))
    assert row.arms["champion"] == pytest.approx(expected)
    assert found.fixed_n is not None
    assert found.fixed_n.method.startswith("Student's t by unit")
    assert found.looks[-1].estimate == pytest.approx(
        (row.arms["champion"] or 0) - (row.arms["challenger"] or 0)
    )


def test_one_of_two_success_metrics_may_end_without_ending_the_run() -> None:
    """Either is enough, so the other one may still win; a guardrail that has ended ends it."""
    ended = quality(look(ruling="UNDECIDED", final=True), superiority=True)
    running = quality(look(ruling="UNDECIDED"), superiority=True)
    assert not exhausted([ended, running])
    assert exhausted([ended, ended])
    assert exhausted([running, quality(look(ruling="UNDECIDED", final=True))])


def test_what_a_sample_says_once_is_of_its_traffic() -> None:
    """With unequal weights pairs are no longer counted: the difference is weighted, and says so."""
    base = cohort(600, shift=0.25)
    weight = np.where(np.arange(600) % 3 == 0, 5.0, 1.0)
    found = summary(replace(base, weight=weight, sampled=True))
    assert found.fixed_n is not None
    right = [(base.scores[arm] >= 0.5) == (base.label == 1.0) for arm in ("champion", "challenger")]
    apart = right[0].astype(float) - right[1]
    assert found.fixed_n.value == pytest.approx(np.average(apart, weights=weight))
    assert found.fixed_n.name.endswith("of the traffic")
    assert "weighted requests" in found.fixed_n.method
    assert "every request counts by its sampling weight" in found.note
    plain = summary(base)
    assert plain.fixed_n is not None
    assert "McNemar" in plain.fixed_n.method


def test_segments_say_their_share_of_the_traffic() -> None:
    """Raw requests, and beside them what they stand for; nothing where all weigh alike."""
    base = cohort(600, shift=0.25)
    plan_of = np.where(np.arange(600) % 3 == 0, "rare", "usual").astype(object)
    rare = replace(base, segments={"plan": plan_of}, weight=np.where(np.arange(600) % 3 == 0, 1.0, 4.5))
    usual, seldom = summary(rare).segments
    assert (usual.level, usual.requests, seldom.level, seldom.requests) == ("usual", 400, "rare", 200)
    assert [usual.share, seldom.share] == [pytest.approx(0.9), pytest.approx(0.1)]
    assert not any(row.share for row in summary(replace(rare, weight=np.ones(600))).segments)
