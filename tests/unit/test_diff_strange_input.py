"""Input that no arm should send: each kind is a finding with its name, never a crash and never silence."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from harness.columns import Column, Pair, Side
from harness.diff import Context, PairResult, Tolerances, compare
from harness.diff.cells import KEPT
from harness.diff.features import from_json, from_table
from harness.records import Finding

N = 40
AMOUNT = [i / 7 for i in range(N)]
LEVEL = ["de", "fr", "it", "es"] * (N // 4)
OFFLINE = from_table(pa.table({"amount": AMOUNT, "country": LEVEL}))
DTYPES = {name: column.dtype for name, column in OFFLINE.items()}


def right() -> list[dict[str, Any]]:
    """What an arm echoes that is right."""
    return [{"amount": a, "country": c} for a, c in zip(AMOUNT, LEVEL, strict=True)]


def compared(rows: list[dict[str, Any]], offline: dict[str, Column] | None = None) -> PairResult:
    """These echoes against the offline features, with a model that adds up what it can."""
    echo = from_json([json.dumps(row).encode() for row in rows], DTYPES)
    assert echo is not None
    known = OFFLINE if offline is None else offline
    names = np.array([f"r{i}" for i in range(N)], object)
    pair = Pair(
        left=Side("offline:m", score(known), known),
        right=Side("challenger", score(known), echo.columns),
        seq=np.arange(N),
        request_id=names,
        ts_ns=np.arange(N),
        event_time_ns=np.arange(N),
        unit=names,
        segments={},
        unstable=np.zeros(N, bool),
    )
    context = Context(extra=echo.extra)
    return compare(pair, tolerances=Tolerances(), threshold=0.5, rescore=score, context=context)


def score(columns: dict[str, Column]) -> np.ndarray:
    """A model that reads the amount."""
    if columns["amount"].dtype != "number":
        return np.zeros(len(columns["amount"].kind))
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-np.nan_to_num(columns["amount"].values, posinf=9, neginf=-9))))


def only(result: PairResult) -> Finding:
    """The one finding."""
    (found,) = result.findings
    return found


def spoilt(name: str, values: list[Any]) -> list[dict[str, Any]]:
    """Right echoes with other values of one feature, the first ones."""
    rows = right()
    for row, value in zip(rows, values, strict=False):
        row[name] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "cause", "requests", "words"),
    [
        pytest.param(
            spoilt("amount", ["Infinity"] * 9), "infinite", 9, "serves Infinity for amount", id="inf"
        ),
        pytest.param(spoilt("amount", ["-Infinity"] * N), "infinite", N, "serves Infinity", id="all-inf"),
        pytest.param(spoilt("amount", ["NaN"] * N), "nan", N, "serves NaN for amount", id="all-nan"),
        pytest.param(spoilt("amount", [None] * N), "null", N, "serves null for amount", id="all-null"),
        pytest.param(
            spoilt("amount", ["x", [1], {}] * 3), "wrong_type", 9, "amount as another type", id="mixed"
        ),
        pytest.param(spoilt("country", [7] * N), "wrong_type", N, "country as another type", id="type"),
        pytest.param(
            [{"amount": a} for a in AMOUNT], "missing", N, "leaves country out", id="missing-feature"
        ),
        pytest.param(
            [row | {"debug": 1, "trace": "x"} for row in right()],
            "extra",
            N,
            "shows debug and trace, which offline does not know",
            id="extra-features",
        ),
    ],
)
def test_each_kind_is_named(rows: list[dict[str, Any]], cause: str, requests: int, words: str) -> None:
    """One finding, its requests counted, its exemplars told."""
    found = only(compared(rows))
    assert (found.cause, found.requests) == (cause, requests)
    assert words in found.sentence


def test_a_column_that_is_empty_offline_is_named() -> None:
    """Every served value is one too many."""
    empty = {
        "amount": Column("number", np.full(N, np.nan), np.ones(N, np.uint8)),
        "country": OFFLINE["country"],
    }
    found = only(compared(right(), empty))
    assert (found.fields, found.requests) == (("amount",), N)


def test_a_column_that_is_empty_in_both_arms_is_not_called_equal() -> None:
    """Nothing was compared, and that is said."""
    empty = {
        "amount": Column("number", np.full(N, np.nan), np.ones(N, np.uint8)),
        "country": OFFLINE["country"],
    }
    result = compared(spoilt("amount", ["NaN"] * N), empty)
    assert result.findings == ()
    assert result.summary.unsure == ("amount: empty in both arms on every request, nothing was compared",)


def test_a_feature_of_another_type_than_offline_is_named() -> None:
    """Columns of two types, whatever they hold: here every level is a number."""
    offline = {"amount": OFFLINE["amount"], "country": OFFLINE["amount"]}
    result = compared(right(), offline)
    assert only(result).fields == ("country",)
    assert only(result).requests == N
    assert only(result).cause not in {"unexplained", "too_few_rows"}


def test_texts_of_a_million_characters_are_kept_short() -> None:
    """The start, the length and a checksum: two long texts never read alike."""
    long = ["x" * 1_000_000 + str(i) for i in range(12)]
    result = compared(spoilt("country", long))
    (found,) = result.findings
    assert (found.fields, found.requests) == (("country",), 12)
    cells = result.differences["right"].to_pylist()
    assert max(map(len, cells)) < KEPT + 100
    assert len(set(cells)) == 12
    wrong = compared(spoilt("amount", long))
    assert only(wrong).cause == "wrong_type"
    assert all(json.loads(cell) for cell in wrong.differences["right"].to_pylist())


def test_ten_thousand_features_are_a_handful_of_findings() -> None:
    """Five hundred are null, as many missing: two findings, and nine thousand that agree."""
    names = [f"f{i}" for i in range(10_000)]
    offline = dict.fromkeys(names, OFFLINE["amount"])
    null = Column("number", np.full(N, np.nan), np.full(N, 2, np.uint8))
    side = Side("offline:m", np.zeros(N), offline)
    ids = np.array([f"r{i}" for i in range(N)], object)
    served = dict.fromkeys(names[:500], null) | dict.fromkeys(names[1_000:], OFFLINE["amount"])
    pair = Pair(
        side, Side("challenger", np.zeros(N), served), np.arange(N), ids, np.arange(N), np.arange(N), ids, {},
        np.zeros(N, bool),
    )  # fmt: skip
    found = compare(pair, tolerances=Tolerances())
    assert {one.cause: len(one.fields) for one in found.findings} == {"null": 500, "missing": 500}
    assert len(found.summary.fields) == 10_000
