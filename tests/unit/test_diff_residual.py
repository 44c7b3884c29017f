"""What of a score difference the features do not explain."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.columns import Column, Kind, Pair, Side
from harness.diff import Tolerances, compare
from harness.diff.damage import Rescore
from harness.diff.scores import as_column

N = 200
A = default_rng(9).random(N) * 0.4
OFFLINE = {"a": as_column(A), "b": as_column(np.full(N, 0.3))}
HALF = np.arange(N) < N // 2


def model(columns: dict[str, Column]) -> np.ndarray:
    """The sum of two features, nothing where one is empty."""
    return np.asarray(np.nan_to_num(columns["a"].values) + np.nan_to_num(columns["b"].values))


def found(
    served: dict[str, Column], scores: np.ndarray, *, rescore: Rescore | None = model
) -> dict[tuple[str, ...], tuple[str, int, int]]:
    """By fields: the cause, the requests and the flips of each finding."""
    names = np.array([f"r{i}" for i in range(N)], object)
    pair = Pair(
        left=Side("offline", model(OFFLINE), OFFLINE),
        right=Side("arm", scores, served),
        seq=np.arange(N),
        request_id=names,
        ts_ns=np.arange(N),
        event_time_ns=np.arange(N),
        unit=names,
        segments={},
        unstable=np.zeros(N, bool),
    )
    result = compare(pair, tolerances=Tolerances(), threshold=0.5, rescore=rescore)
    return {one.fields: (one.cause, one.requests, one.flips) for one in result.findings}


WRONG = {"a": as_column(np.where(HALF, A + 1e-3, A)), "b": OFFLINE["b"]}


def test_scores_that_features_explain_are_no_finding_of_their_own() -> None:
    """The served vector gives just the served score."""
    assert set(found(WRONG, model(WRONG))) == {("a",)}


def test_a_score_bug_on_requests_with_a_small_feature_bug_is_found() -> None:
    """And its flips are not charged to the feature, which alone flips next to nothing."""
    told = found(WRONG, np.where(HALF, 1 - model(WRONG), model(WRONG)))
    assert set(told) == {("a",), ("score",)}
    cause, requests, flips = told["score",]
    assert requests == N // 2
    assert cause in {"complement", "affine"}
    assert flips > 50
    assert told["a",][2] <= 2


def test_without_a_model_nothing_is_said_beyond_the_features() -> None:
    """Against a champion only requests whose features agree show a bug of the score."""
    assert set(found(WRONG, 1 - model(WRONG), rescore=None)) == {("a",), ("score",)}
    told = found(WRONG, np.where(HALF, 1 - model(WRONG), model(WRONG)), rescore=None)
    assert set(told) == {("a",)}


@pytest.mark.parametrize("read", [True, False], ids=["read though not shown", "not read"])
def test_a_feature_that_is_not_shown_may_have_been_read(read: bool) -> None:  # noqa: FBT001  -- a table
    """Both are explanations; the other bug on the same requests is the only other finding."""
    missing = Column("number", np.full(N, np.nan), np.full(N, Kind.MISSING, np.uint8))
    served = {"a": WRONG["a"], "b": missing}
    scores = model(WRONG) if read else model(served)
    assert set(found(served, scores)) == {("a",), ("b",)}
