"""A diagnosis in sentences: the largest part first, nothing called production that is not."""

from __future__ import annotations

import msgspec
import pytest

from harness.diagnosis import summary
from harness.diagnosis.thin import THIN
from harness.records import CheckedCause, Exhibit, GapPart, MetricGap, Number, Remedy, RungValue


def sure(value: float) -> Number:
    """A number whose interval leaves out 0."""
    return Number(value=value, lower=value - 0.001, upper=value + 0.001)


def gap(
    metric: str = "roc_auc", *, outside: tuple[str, ...] = (), first: str = "reported", last: str = "exposure"
) -> MetricGap:
    """A gap of three parts: one that harms much, one that flatters, one that may be chance."""
    return MetricGap(
        metric=metric,
        better="higher",
        rungs=(RungValue(step=first, value=0.9), RungValue(step=last, value=0.8)),
        parts=(
            GapPart(step="concept", value=sure(0.02), harm=0.02),
            GapPart(step="served_features", value=sure(0.13), harm=0.13),
            GapPart(step="label_maturity", value=sure(-0.05), harm=-0.05),
            GapPart(step="exposure", value=Number(value=0.3, lower=-1.0, upper=1.0), harm=0.3),
            GapPart(step="join_loss", why_not="nobody knows"),
        ),
        gap=sure(0.1),
        outside=outside,
    )


def exhibit(key: str = "label_delay", found: str = "found", why_not: str = "") -> Exhibit:
    """The evidence on one question."""
    return Exhibit(key=key, title=key, question="?", answer="A trap.", found=found, why_not=why_not)  # type: ignore[arg-type]  # one of the words


def cause(name: str, found: str) -> CheckedCause:
    """A usual cause with its ruling."""
    return CheckedCause(name=name, found=found, check="", result="", would_change="")  # type: ignore[arg-type]  # one of the words


def test_the_largest_part_is_named_first_and_chance_not_at_all() -> None:
    """Then what flatters, the trap of early labels, and the usual causes that were found."""
    told = summary.sentences(
        [gap()], exhibits=[exhibit()], causes=[cause("shift", "found"), cause("latency", "not found")]
    )
    lost = (
        "Of this: 0.130 lost to features served otherwise than built offline; "
        "0.020 lost to the same features meaning something else now."
    )
    assert told == (
        "ROC-AUC was 0.900 in the report and is 0.800 in production.",
        lost,
        "The number looks better than it is by: 0.050 through labels that had not come yet.",
        "A trap.",
        "Of the eight usual causes: shift.",
    )


@pytest.mark.parametrize(
    ("made", "needles"),
    [
        (
            gap(outside=("served_scores", "join_loss"), last="served_features"),
            ["once changed by features served", "production is not reached, without served scores."],
        ),
        (gap(outside=("join_loss",)), ["is 0.800 in production."]),
        (gap(first="production_offline"), ["was 0.900 with production's rows instead"]),
        (gap("brier"), ["Brier score was"]),
    ],
    ids=["before production", "dashboard only", "no holdout", "another metric"],
)
def test_a_gap_says_where_it_begins_and_ends(made: MetricGap, needles: list[str]) -> None:
    """A gap that stops before what is served is not called one to production."""
    first = summary.sentences([made], exhibits=[], causes=[])[0]
    assert [needle for needle in needles if needle not in first] == []


def test_the_gap_that_reaches_production_comes_first() -> None:
    """Without labels that is the share flagged."""
    short = gap(outside=("covariate_unseen",))
    whole = gap("predicted_positive_rate")
    assert summary.main_gap([short, whole]) is whole
    assert summary.main_gap([short]) is short
    assert summary.main_gap([MetricGap(metric="f1", better="higher", why_not="no label")]) is None


def test_no_gap_says_why() -> None:
    """The reason of the first metric that has one."""
    nothing = MetricGap(metric="roc_auc", better="higher", why_not="there are no labels")
    assert summary.sentences([nothing], exhibits=[], causes=[]) == (
        "The gap cannot be told: there are no labels.",
    )
    assert "no metric has two rungs" in summary.sentences([], exhibits=[], causes=[])[0]


@pytest.mark.parametrize(
    ("gains", "guardrail", "why_not", "taken"),
    [
        ({"roc_auc": sure(0.1)}, "kept", "", True),
        ({"log_loss": sure(-0.1)}, "unknown", "", True),
        ({"log_loss": sure(0.1)}, "kept", "", False),
        ({"roc_auc": Number(value=0.1, lower=-0.1, upper=0.3)}, "kept", "", False),
        ({"predicted_positive_rate": sure(0.1)}, "kept", "", False),
        ({"roc_auc": sure(0.1)}, "broken", "", False),
        ({}, "kept", "too few rows", False),
    ],
)
def test_only_what_surely_helps_is_recommended(
    gains: dict[str, Number], guardrail: str, why_not: str, *, taken: bool
) -> None:
    """A remedy that breaks a limit, or may be chance, is no next step."""
    remedy = Remedy(
        key="k",
        kind="model",
        action="do it",
        gains=gains,
        guardrail=guardrail,  # type: ignore[arg-type]  # one of the words
        why_not=why_not,
    )
    assert summary.next_steps([remedy], []) == (("do it",) if taken else ())


def chance(value: float) -> Number:
    """A number whose own interval leaves out 0, while that of all at once holds it."""
    return Number(
        value=value, lower=value / 2, upper=value * 2, lower_all=-abs(value), upper_all=3 * abs(value)
    )


def test_of_many_parts_one_is_not_named_by_chance() -> None:
    """Each part's own interval leaves out 0 once in twenty times; together they decide."""
    made = msgspec.structs.replace(
        gap(), parts=(GapPart(step="concept", value=chance(0.02), harm=0.02), gap().parts[1])
    )
    told = summary.sentences([made], exhibits=[], causes=[])
    assert told[1] == "Of this: 0.130 lost to features served otherwise than built offline."


@pytest.mark.parametrize(
    ("gains", "now", "then", "told"),
    [
        ({"recall": sure(0.1), "precision": sure(-0.1)}, "kept", "kept", ()),
        (
            {"recall": sure(-0.1), "precision": sure(0.1)},
            "broken",
            "kept",
            ("do it, at the cost of recall (−0.100)",),
        ),
        (
            {"log_loss": sure(-0.1), "precision": sure(-0.1)},
            "kept",
            "kept",
            ("do it, at the cost of precision (−0.100)",),
        ),
        ({"recall": sure(0.1), "precision": Number(value=-0.1)}, "kept", "kept", ("do it",)),
        ({"recall": chance(0.1)}, "kept", "kept", ()),
    ],
    ids=["a trade", "mends a limit", "ranked by", "worsens nothing", "chance"],
)
def test_a_trade_is_no_help(gains: dict[str, Number], now: str, then: str, told: tuple[str, ...]) -> None:
    """Any lower threshold has more recall; what helps all the same says at the cost of what."""
    remedy = Remedy(
        key="k",
        kind="policy",
        action="do it",
        gains=gains,
        guardrail=then,  # type: ignore[arg-type]  # one of the words
        guardrail_now=now,  # type: ignore[arg-type]  # one of the words
    )
    assert summary.next_steps([remedy], []) == told


def test_what_was_not_checked_is_the_last_of_the_next_steps() -> None:
    """By name."""
    told = summary.next_steps([], [cause("latency", "not checked"), cause("shift", "found")])
    assert told == ("Not checked yet: latency.",)


def test_what_is_missing_is_told_once() -> None:
    """Steps of the main metric, then exhibits."""
    told = summary.missing(
        [gap()], [exhibit("k", "not checked", "no rows"), exhibit("k", "not checked", "no rows")]
    )
    assert told == ("labels that the dashboard did not join: nobody knows", "k: no rows")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("leak: fee", "the column 'fee', filled in after the request"),
        ("concept", "the same features meaning something else now"),
        ("other", "other"),
    ],
)
def test_steps_in_words(step: str, words: str) -> None:
    """A step that is not known stands as it is."""
    assert summary.step_words(step) == words


def test_a_part_that_holds_others_is_nobody_s_alone() -> None:
    """It names what it holds that was not computed."""
    parts = (GapPart(step="concept", value=sure(0.17), harm=0.17, includes=("time_order", "leaky_columns")),)
    told = summary.sentences([msgspec.structs.replace(gap(), parts=parts)], exhibits=[], causes=[])
    held = "which holds also what was not computed: time order + leaky columns"
    assert told[1] == (
        "Of this: 0.170 lost to causes not told apart (the same features meaning something else now, "
        f"{held})."
    )


def test_a_report_without_its_rows_says_that_nothing_below_it_was_split() -> None:
    """The number is as given, and the gap is not called 0."""
    parts = (GapPart(step="production_offline", value=Number(value=0.2), harm=0.2, includes=("concept",)),)
    rungs = tuple(
        RungValue(step=step, value=value)
        for step, value in (("reported", 0.9), ("production_offline", 0.7), ("served_scores", 0.7))
    )
    told = summary.sentences(
        [msgspec.structs.replace(gap(), rungs=rungs, parts=parts)], exhibits=[], causes=[]
    )
    first = "ROC-AUC was 0.900 as reported (as given) and is 0.700 in production."
    to = "From the report to the offline model on production's rows (0.700)"
    assert told == (first, f"{to} nothing could be split, because no holdout was given.")


def test_what_rests_on_few_rows_is_said_not_to_be_computed() -> None:
    """With its reason."""
    parts = (*gap().parts, GapPart(step="label_definition", why_not=f"{THIN}it rests on 60 of 2,492"))
    told = summary.sentences([msgspec.structs.replace(gap(), parts=parts)], exhibits=[], causes=[])
    assert "Not computed: another definition of the label (too few rows: it rests on 60 of 2,492)." in told


@pytest.mark.parametrize(("seen", "many"), [(0.0, 1), (0.13, 0)])
def test_a_loss_that_the_main_metric_does_not_show_is_told(seen: float, many: int) -> None:
    """Halved scores move no ROC-AUC; what moves it is told already."""
    at = "served_scores"
    main = msgspec.structs.replace(
        gap(), parts=(GapPart(step=at, value=Number(value=seen, lower=seen, upper=seen)),)
    )
    loss = msgspec.structs.replace(gap("log_loss"), parts=(GapPart(step=at, value=sure(-0.3), harm=0.3),))
    share = msgspec.structs.replace(
        gap("predicted_positive_rate"), parts=(GapPart(step=at, value=sure(0.1)),)
    )
    told = [one for one in summary.sentences([main, loss, share], exhibits=[], causes=[]) if "show" in one]
    through = "through scores served otherwise than by the offline model"
    sentence = f"ROC-AUC does not show: log loss 0.300 higher {through}; flagged share 0.100 lower {through}."
    assert told == [sentence][:many]


def test_what_has_no_better_side_is_not_lost() -> None:
    """The share flagged rises through one step and falls through another: each has its sign."""
    parts = (
        GapPart(step="concept", value=sure(-0.1), harm=0.1),
        GapPart(step="served_features", value=sure(0.08), harm=0.08),
    )
    share = msgspec.structs.replace(gap("predicted_positive_rate"), better="neither", parts=parts)
    assert summary.sentences([share], exhibits=[], causes=[])[1] == (
        "Of this: +0.100 through the same features meaning something else now; "
        "−0.080 through features served otherwise than built offline."
    )
