"""Two arms compared: counts, masks, differing cells and silenced rules, each exact."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from harness import columns
from harness.columns import Column, Kind, Pair, Side
from harness.diff.case import Context
from harness.diff.cells import take
from harness.diff.features import from_json, from_table
from harness.diff.pairs import compare
from harness.diff.scores import as_column
from harness.diff.tolerance import Tolerance, Tolerances
from harness.join import keep
from harness.records import Damage, Exemplar, IgnoredRule

OFFLINE = from_table(
    pa.table(
        {
            "amount": [1.0, 2.0, float("nan"), 4.0, None, 6.0],
            "country": ["de", "fr", "de", None, "it", "fr"],
        }
    )
)
ECHOED = [
    {"amount": 1.0, "country": "de"},
    {"amount": 2.5, "country": "fr"},
    {"amount": None, "country": "de"},
    {"amount": "NaN", "country": None},
    {"amount": "NaN", "country": "IT"},
    {"country": "fr"},
]
SCORES = np.array([0.1, 0.4, 0.6, 0.9, 0.5, 0.2])
SERVED = np.array([0.1, 0.7, 0.6, np.nan, 0.5 + 1e-7, 0.2])


def pair(
    offline: dict[str, Column] | None, served: dict[str, Column] | None, *, scores: np.ndarray = SERVED
) -> Pair:
    """Six requests of four users, an hour apart."""
    n = 6
    return Pair(
        left=Side("offline:v1", SCORES, offline),
        right=Side("challenger", scores, served),
        seq=np.array([3, 5, 6, 7, 8, 11]),
        request_id=np.array([f"r{i}" for i in range(n)], object),
        ts_ns=np.arange(n) * 3_600 * 10**9,
        event_time_ns=np.arange(n) * 3_600 * 10**9,
        unit=np.array(["u", "v", "u", "v", None, "w"], object),
        segments={"plan": np.array(["a", "a", "b", "b", None, "a"], object)},
        unstable=np.zeros(n, bool),
    )


def rows_of(case: Pair, rows: np.ndarray) -> Pair:
    """Some requests of a pair."""

    def side(one: Side) -> Side:
        kept = {name: take(column, rows) for name, column in (one.features or {}).items()}
        return Side(one.arm, one.scores[rows], None if one.features is None else kept)

    return Pair(
        left=side(case.left),
        right=side(case.right),
        seq=case.seq[rows],
        request_id=case.request_id[rows],
        ts_ns=case.ts_ns[rows],
        event_time_ns=case.event_time_ns[rows],
        unit=case.unit[rows],
        segments={name: levels[rows] for name, levels in case.segments.items()},
        unstable=case.unstable[rows],
    )


def served() -> dict[str, Column]:
    """What the challenger echoed."""
    echo = from_json(
        [json.dumps(row).encode() for row in ECHOED], {"amount": "number", "country": "category"}
    )
    assert echo is not None
    return echo.columns


CASE = pair(OFFLINE, served())
RESULT = compare(CASE, tolerances=Tolerances(), threshold=0.5)


def test_the_pair_is_counted_by_request_and_unit() -> None:
    """Every count can be read off the six requests above."""
    found = RESULT.summary
    assert (found.left, found.right, found.compared) == ("offline:v1", "challenger", 6)
    assert (found.feature_mismatches, found.score_mismatches, found.flips) == (4, 2, 2)
    assert (found.nondeterministic, found.units, found.units_mismatching) == (0, 4, 3)
    assert (found.units_features, found.units_scores, found.units_flips) == (3, 1, 1)
    assert found.unsure == ()


def test_the_masks_say_which_requests() -> None:
    """In the order of the pair."""
    assert RESULT.masks.any_feature is not None
    assert np.flatnonzero(RESULT.masks.any_feature).tolist() == [1, 3, 4, 5]
    assert np.flatnonzero(RESULT.masks.score).tolist() == [1, 3]
    assert np.flatnonzero(RESULT.masks.flips).tolist() == [1, 3]


def test_each_field_has_its_summary_in_feature_order() -> None:
    """Kinds, size, first and last, units, segments and exemplars."""
    amount, country = RESULT.summary.fields
    assert (amount.field, amount.dtype, amount.compared, amount.mismatches) == ("amount", "number", 6, 3)
    assert amount.kinds == {"value": 1, "nan": 1, "missing": 1}
    assert (amount.rate, amount.max_abs, amount.median_difference) == (0.5, 0.5, 0.5)
    assert (amount.first_seen, amount.last_seen) == ("1970-01-01T01:00:00Z", "1970-01-01T05:00:00Z")
    assert (amount.units, amount.by_segment) == (2, {"plan": {"a": 2, "b": 1}})
    assert amount.exemplars == (
        Exemplar(seq=5, request_id="r1", left="2", right="2.5"),
        Exemplar(seq=7, request_id="r3", left="4", right='"NaN"'),
        Exemplar(seq=11, request_id="r5", left="6", right="missing"),
    )
    assert (country.field, country.mismatches, country.kinds) == ("country", 1, {"category": 1})
    assert (country.max_abs, country.median_difference) == (None, None)
    assert (amount.tolerance, country.tolerance) == ("whole numbers exactly", "same text")


def test_the_score_has_its_summary_too() -> None:
    """With the classes of its rows."""
    score = RESULT.summary.score
    assert score is not None
    assert score.kinds == {"value": 1, "nan": 1}
    assert score.classes == {"exact64": 3, "tolerance": 1, "mismatch": 2}
    assert score.max_abs == pytest.approx(0.3)
    assert score.tolerance == "atol 1e-06, rtol 0"


def test_every_differing_cell_is_a_row() -> None:
    """Sorted by field and seq, in the schema of the artefact, and nothing else in it."""
    table = RESULT.differences
    assert table.schema.equals(columns.DIFFERENCES)
    rows = [(r["field"], r["seq"], r["kind"], r["left"], r["right"]) for r in table.to_pylist()]
    assert rows == [
        ("amount", 5, "value", "2", "2.5"),
        ("amount", 7, "nan", "4", '"NaN"'),
        ("amount", 11, "missing", "6", None),
        ("country", 8, "category", '"it"', '"IT"'),
        ("score", 5, "value", "0.4", "0.7"),
        ("score", 7, "nan", "0.9", '"NaN"'),
    ]
    assert table["magnitude"].to_pylist()[:3] == [0.5, None, None]
    assert set(table["left_arm"].to_pylist()) == {"offline:v1"}
    assert set(table["right_arm"].to_pylist()) == {"challenger"}


def test_rules_show_what_they_silenced() -> None:
    """One row a rule that widens or ignores, counted against the shipped tolerance."""
    rules = {
        "amount": Tolerance(atol=0.5, reason="sensor noise", owner="ml", expires="2026-12-31"),
        "country": Tolerance(ignore=True, reason="renamed on purpose"),
    }
    found = compare(CASE, tolerances=Tolerances(features=rules, score_atol=0.31, reason="a float32 arm"))
    assert found.ignored == (
        IgnoredRule(
            field="amount",
            rule="atol 0.5, rtol 1e-09",
            reason="sensor noise",
            silenced=1,
            owner="ml",
            expires="2026-12-31",
            max_abs=0.5,
        ),
        IgnoredRule(field="country", rule="ignored", reason="renamed on purpose", silenced=1),
        IgnoredRule(
            field="score",
            rule="atol 0.31, rtol 0",
            reason="a float32 arm",
            silenced=1,
            max_abs=0.7 - 0.4,
        ),
    )
    assert (found.summary.feature_mismatches, found.summary.score_mismatches) == (2, 1)
    assert set(found.differences["field"].to_pylist()) == {"amount", "score"}


def test_a_wide_default_is_a_rule_for_every_feature_without_one() -> None:
    """It cannot silence anything unseen."""
    found = compare(CASE, tolerances=Tolerances(rtol=1.0, reason="sensors", owner="ml"))
    assert found.ignored == (
        IgnoredRule(
            field="*", rule="atol 1e-12, rtol 1", reason="sensors", owner="ml", silenced=1, max_abs=0.5
        ),
    )


def test_a_rule_of_a_feature_that_was_not_judged_is_told_all_the_same() -> None:
    """It silenced nothing, and that is shown."""
    rules = Tolerances(features={"amount": Tolerance(kind="rounded", reason="legacy")})
    found = compare(pair(None, None), tolerances=rules)
    assert [(rule.field, rule.silenced) for rule in found.ignored] == [("amount", 0)]


def test_the_shipped_tolerance_silences_nothing() -> None:
    """And a tighter rule is none that could."""
    tighter = Tolerances(features={"amount": Tolerance(atol=0.0)})
    assert RESULT.ignored == compare(CASE, tolerances=tighter).ignored == ()


@pytest.mark.parametrize(
    ("left", "right", "who"),
    [(None, OFFLINE, "offline:v1"), (OFFLINE, None, "challenger"), (None, None, "offline:v1")],
)
def test_arms_without_features_are_compared_on_scores(
    left: dict[str, Column] | None, right: dict[str, Column] | None, who: str
) -> None:
    """What was not judged is said, and is not counted as equal."""
    found = compare(pair(left, right), tolerances=Tolerances(), threshold=0.5)
    assert found.summary.feature_mismatches is None
    assert found.masks.any_feature is None
    assert found.summary.fields == ()
    assert found.summary.score_mismatches == 2
    assert found.summary.unsure == (
        f"{who} shows no features: scores and decisions are compared, features are not judged",
    )


def test_features_of_one_side_only_are_told() -> None:
    """One that the challenger leaves out differs everywhere; one that offline does not know is named."""
    arm = served()
    arm["amounts"] = arm.pop("amount")
    context = Context(extra={"debug": 2})
    found = compare(pair(OFFLINE, arm), tolerances=Tolerances(), context=context)
    amount = found.summary.fields[0]
    assert (amount.mismatches, amount.kinds) == (6, {"missing": 6})
    assert found.summary.unsure == ()
    (extra,) = [one for one in found.findings if one.cause == "extra"]
    assert (extra.fields, extra.requests, extra.latent) == (("amounts", "debug"), 5, True)
    assert extra.sentence == (
        "The challenger shows amounts and debug, which offline does not know: seen on 5 of 6 requests; "
        "no score changes."
    )


def test_requests_without_any_feature_are_told() -> None:
    """They count as missing, and the summary says how many they are."""
    cells = [json.dumps(row).encode() for row in ECHOED[:4]] + [None, None]
    echo = from_json(cells, {"amount": "number", "country": "category"})
    assert echo is not None
    found = compare(pair(OFFLINE, echo.columns), tolerances=Tolerances()).summary
    assert found.unsure == ("challenger shows no features on 2 of 6 requests: counted as missing",)
    assert found.fields[1].kinds == {"missing": 2}


def test_requests_that_neither_arm_shows_features_on_are_not_counted_as_missing() -> None:
    """Nobody asked for them."""
    asked = np.array([True] * 4 + [False] * 2)
    found = compare(pair(keep(OFFLINE, asked), keep(served(), asked)), tolerances=Tolerances()).summary
    assert (found.fields[1].compared, found.unsure) == (4, ())


def test_a_feature_that_neither_arm_shows_is_not_judged() -> None:
    """Nothing compared is no agreement."""
    nothing = Column("number", np.full(6, np.nan), np.full(6, Kind.MISSING, np.uint8))
    found = compare(pair(OFFLINE | {"x": nothing}, served()), tolerances=Tolerances()).summary
    assert found.fields[2].compared == found.fields[2].mismatches == 0
    assert found.unsure == ("x: neither offline:v1 nor challenger shows it",)


def test_damage_is_measured_where_a_feature_differs() -> None:
    """Each field's served values alone, on its own mismatching requests."""

    def rescore(vector: dict[str, Column]) -> np.ndarray:
        return np.where(np.isnan(vector["amount"].values), 0.0, vector["amount"].values / 10)

    offline = replace(CASE.left, scores=rescore(OFFLINE))
    found = compare(
        replace(CASE, left=offline), tolerances=Tolerances(), threshold=0.5, rescore=rescore
    ).summary
    amount, country = found.fields
    assert amount.damage is not None
    assert (amount.damage.rows, amount.damage.flips) == (3, 1)
    assert amount.damage.max_abs == pytest.approx(0.6)
    assert country.damage == Damage(rows=1, mean_abs=0.0, max_abs=0.0, flips=0)


def test_unstable_answers_are_mismatches_of_their_own_kind() -> None:
    """Even where the score that was kept agrees."""
    found = compare(replace(CASE, unstable=np.arange(6) == 0), tolerances=Tolerances()).summary
    assert (found.nondeterministic, found.score_mismatches) == (1, 3)
    assert found.score is not None
    assert found.score.kinds == {"value": 1, "nan": 1, "nondeterministic": 1}


def test_no_requests_are_compared_without_a_word() -> None:
    """Zero rows, zero findings, zero differences."""
    found = compare(rows_of(CASE, np.array([], np.int64)), tolerances=Tolerances(), threshold=0.5)
    assert (found.summary.compared, found.summary.feature_mismatches, found.findings) == (0, 0, ())
    assert found.differences.num_rows == 0
    assert [field.rate for field in found.summary.fields] == [0.0, 0.0]


def test_an_arm_against_itself_differs_in_nothing() -> None:
    """Whatever its cells hold, NaN, null, missing and wrong types included."""
    arm = served() | {
        "odd": Column(
            "number",
            np.full(6, np.nan),
            np.full(6, Kind.WRONG_TYPE, np.uint8),
            dict.fromkeys(range(6), '"x"'),
        )
    }
    side = Side("challenger", SERVED, arm)
    found = compare(replace(CASE, left=side, right=side), tolerances=Tolerances(), threshold=0.5)
    assert (found.summary.feature_mismatches, found.summary.score_mismatches, found.findings) == (0, 0, ())
    assert found.differences.num_rows == 0


def test_extreme_values_leave_no_number_that_json_cannot_write() -> None:
    """Infinities and overflows are mismatches without a finite size."""
    huge = as_column(np.array([np.inf, -np.inf, 1e308, -1e308, 0.0, np.nan]))
    other = as_column(np.array([1.0, np.inf, -1e308, np.inf, np.inf, np.inf]))
    found = compare(
        replace(
            CASE,
            left=Side("offline", huge.values, {"x": huge}),
            right=Side("challenger", other.values, {"x": other}),
        ),
        tolerances=Tolerances(),
    )
    assert found.summary.fields[0].mismatches == found.summary.score_mismatches == 6
    assert msgspec.json.decode(msgspec.json.encode(found.summary), type=type(found.summary)) == found.summary


def test_many_features_are_a_few_findings() -> None:
    """Many features that differ alike on the same requests are a few findings that hold them all."""
    names = [f"f{i}" for i in range(150)]
    left, right = dict.fromkeys(names, OFFLINE["amount"]), dict.fromkeys(names, served()["amount"])
    found = [
        one for one in compare(pair(left, right), tolerances=Tolerances()).findings if one.fields[0] in left
    ]
    assert {one.cause: len(one.fields) for one in found} == {
        "nan": 150,
        "missing": 150,
        "too_few_rows": 100,
        "untried": 50,
    }
