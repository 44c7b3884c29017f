"""The offline pipeline and the endpoint's own code: the same features to the last bit, as of the event."""

import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scenarios.bugs.active import Bugs
from scenarios.bugs.parse import parse_bugs
from scenarios.duo_acceptance.dataset import outcomes, read_arrivals, read_prs, requests
from scenarios.duo_acceptance.features import CATEGORIES, accept_rate, build
from scenarios.duo_acceptance.figures import changed_rows, damage, no_rival, served
from scenarios.duo_acceptance.serving_features import Index, load_index
from scenarios.recording import busiest_window
from scenarios.request import BadRequestError, read_event_time, vector

SCENARIO = Path(__file__).parents[2] / "scenarios" / "duo_acceptance"
DATA = SCENARIO / "data"
SINCE = "2025-03-03T09:00:00Z"
HISTORY_FEATURES = {"repo_accept_rate", "agent_accept_rate"}


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    """The body of every captured request, as it was sent."""
    table = pq.read_table(SCENARIO / "capture.parquet", columns=["body"])
    return [bytes(body) for body in table["body"].to_pylist()]


@pytest.fixture(scope="module")
def asked() -> pd.DataFrame:
    """The frame the offline pipeline receives, from the source rows."""
    return requests(read_prs(DATA), read_arrivals(DATA))


@pytest.fixture(scope="module")
def offline(asked: pd.DataFrame) -> pd.DataFrame:
    """The offline features of all requests."""
    return build(asked, DATA)


@pytest.fixture(scope="module")
def champion() -> lgb.Booster:
    """The champion model."""
    return lgb.Booster(model_file=SCENARIO / "models" / "champion.txt")


def online_rows(bodies: list[bytes], index: Index, names: list[str]) -> npt.NDArray[np.float64]:
    """What the endpoint hands to the model for each body, one row each."""
    rows = []
    for body in map(json.loads, bodies):
        moment = read_event_time(body)
        features = index.features(body, event_time=moment, history_time=moment)
        rows.append(vector(features, index.levels, names=names))
    return np.vstack(rows)


def as_numbers(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """A frame as the model sees it: category codes, NaN for missing."""
    codes = {name: frame[name].cat.codes.astype("float64").replace(-1.0, np.nan) for name in CATEGORIES}
    return np.asarray(frame.assign(**codes), dtype=np.float64)


def test_serving_and_offline_features_agree_to_the_last_bit(
    bodies: list[bytes], offline: pd.DataFrame, champion: lgb.Booster
) -> None:
    """All 7,122 requests: identical feature vectors, and identical scores from them one at a time."""
    online = online_rows(bodies, load_index(DATA), champion.feature_name())
    assert champion.feature_name() == list(offline.columns)
    assert online.shape == (7122, 18)
    np.testing.assert_array_equal(online, as_numbers(offline))
    one_by_one = [champion.predict(row[None, :], num_threads=1)[0] for row in online]
    np.testing.assert_array_equal(one_by_one, champion.predict(offline, num_threads=1))


def test_the_recorded_champion_answered_the_offline_score(
    offline: pd.DataFrame, champion: lgb.Booster
) -> None:
    """The recorded arm holds the champion's real answers: the same score to the last bit, decided at 0.60."""
    table = pq.read_table(SCENARIO / "capture.parquet", columns=["request_id", "recorded_body"]).to_pylist()
    answers = [json.loads(row["recorded_body"]) for row in table]
    np.testing.assert_array_equal([a["score"] for a in answers], champion.predict(offline, num_threads=1))
    assert [a["request_id"] for a in answers] == [row["request_id"] for row in table]
    assert all(a["decision"] == (a["score"] >= 0.60) for a in answers)


@pytest.mark.parametrize("position", [0, 1, 60, 2500, 5000, 7121])
def test_one_request_alone_gets_the_features_of_the_batch(
    position: int, asked: pd.DataFrame, offline: pd.DataFrame
) -> None:
    """A frame of one row gives the same values, dtypes and category codes as the whole capture."""
    pd.testing.assert_frame_equal(
        build(asked.iloc[[position]], DATA), offline.iloc[[position]], check_exact=True
    )


def test_one_decoded_body_with_nulls_alone_gets_missing_features(bodies: list[bytes]) -> None:
    """A frame of one request whose column is all null, so of dtype object, gives the declared dtypes."""
    body = json.loads(bodies[0]) | {"language": None, "body_chars": None}
    row = build(pd.DataFrame([body]), DATA)
    assert row[["language", "body_chars"]].isna().all(axis=None)
    assert (row["language"].dtype.name, row["body_chars"].dtype.name) == ("category", "float64")


def test_the_index_and_order_of_the_requests_are_kept(asked: pd.DataFrame, offline: pd.DataFrame) -> None:
    """Shuffled requests with an index of their own get the same features, each on its own label."""
    shuffled = asked.sample(n=500, random_state=7)
    pd.testing.assert_frame_equal(build(shuffled, DATA), offline.loc[shuffled.index], check_exact=True)


def test_event_time_may_be_the_text_the_client_sent(bodies: list[bytes], offline: pd.DataFrame) -> None:
    """The pipeline reads the offset of a text as it does a typed column."""
    decoded = pd.DataFrame([json.loads(body) for body in bodies[:50]])
    pd.testing.assert_frame_equal(build(decoded, DATA), offline.iloc[:50], check_exact=True)


@pytest.mark.parametrize(
    ("created", "closed", "merged", "label", "known"),
    [
        ("2025-06-01", "2025-06-03", "2025-06-03", 1, "2025-06-03"),
        ("2025-06-01", "2025-06-03", None, 0, "2025-06-03"),
        ("2025-06-01", "2025-06-09", "2025-06-09", 0, "2025-06-08"),
        ("2025-06-01", "2025-06-08", "2025-06-08", 1, "2025-06-08"),
        ("2025-06-01", None, None, 0, "2025-06-08"),
    ],
    ids=["merged", "closed", "merged late", "merged on the last day", "still open"],
)
def test_an_outcome_is_what_was_known_within_seven_days(
    created: str, closed: str | None, merged: str | None, label: int, known: str
) -> None:
    """Accepted means merged within the window; it is known when closed, or when the window ends."""
    times = {"created_at": created, "closed_at": closed, "merged_at": merged}
    row = outcomes(
        pd.DataFrame({name: pd.to_datetime([text], utc=True) for name, text in times.items()})
    ).iloc[0]
    assert (row["label"], row["label_at"]) == (label, pd.Timestamp(known, tz="UTC"))


@pytest.mark.parametrize(
    ("key", "stamp", "last", "expected"),
    [
        ("a", 9, None, np.nan),
        ("a", 10, None, 1.0),
        ("a", 20, None, 0.5),
        ("a", 29, None, 0.5),
        ("a", 30, None, 2 / 3),
        ("a", 99, 2, 0.5),
        ("a", 99, 1, 1.0),
        ("b", 24, None, np.nan),
        ("b", 25, None, 0.0),
        ("unknown", 99, None, np.nan),
    ],
)
def test_history_counts_outcomes_from_the_moment_they_were_known(
    tmp_path: Path, key: str, stamp: int, last: int | None, expected: float
) -> None:
    """Outcomes 1, 0, 1 known at 10, 20, 30 ns: later ones do not count, in both implementations."""
    frame = pd.DataFrame(
        {
            "repo": ["a", "a", "b", "a"],
            "agent": ["x"] * 4,
            "label_at": pd.to_datetime([10, 20, 25, 30], utc=True, unit="ns"),
            "label": [1, 0, 0, 1],
        }
    )
    frame.to_parquet(tmp_path / "history.parquet")
    (tmp_path / "categories.json").write_text("{}")
    rate = accept_rate(pd.Series([key]), np.array([stamp]), history=frame, by="repo", last=last)
    ledger = load_index(tmp_path).ledgers["repo"].get(key)
    served_rate = ledger.rate(stamp, last) if ledger else None
    np.testing.assert_array_equal(rate, [expected])
    np.testing.assert_array_equal(np.array([served_rate], dtype=np.float64), [expected])


@pytest.mark.parametrize(
    ("bug", "changed"),
    [
        (f"event_time_early:hours=1,since={SINCE}", {"hour_of_day", "weekday"} | HISTORY_FEATURES),
        (f"history_stale:hours=1,since={SINCE}", HISTORY_FEATURES),
        (f"slow:ms=25,mode=block,since={SINCE}", set()),
        ("event_time_early:hours=1,since=2026-01-01T00:00:00Z", set()),
    ],
)
def test_a_bug_changes_what_it_says_and_nothing_before_it_starts(
    bug: str, changed: set[str], bodies: list[bytes], offline: pd.DataFrame
) -> None:
    """Exactly the named features change, and only for events from `since` on."""
    index = load_index(DATA)
    online = served(bodies, index, bugs=parse_bugs([bug], index, data=DATA), like=offline)
    start = int(read_prs(DATA)["created_at"].searchsorted(pd.Timestamp(SINCE)))
    assert set(changed_rows(offline, online)) == changed
    assert changed_rows(offline.iloc[:start], online.iloc[:start]) == {}


def test_the_demo_bug_flips_decisions_while_distributions_look_alike(
    bodies: list[bytes], offline: pd.DataFrame, champion: lgb.Booster
) -> None:
    """Read one hour early: about 4 % of decisions flip, and no feature's PSI reaches 0.016."""
    index = load_index(DATA)
    bugs = parse_bugs([f"event_time_early:hours=1,since={SINCE}"], index, data=DATA)
    report = damage(champion, offline=offline, online=served(bodies, index, bugs=bugs, like=offline))
    assert 0.03 < report["flip_share"] < 0.05
    assert max(report["psi"].values()) < 0.016


def test_reading_early_is_what_dropping_the_offset_does(bodies: list[bytes]) -> None:
    """The clock time the client wrote, taken for UTC, is the time the bug acts on."""
    index = load_index(DATA)
    bugs = parse_bugs(["event_time_early:hours=1"], index, data=DATA)
    for body in map(json.loads, bodies[::100]):
        without_offset = body | {"event_time": body["event_time"].removesuffix("-01:00") + "Z"}
        early = bugs.serve(body, index, score_by=no_rival)[1]
        assert early == Bugs().serve(without_offset, index, score_by=no_rival)[1]


def test_a_missing_category_or_number_is_missing_not_a_level(bodies: list[bytes]) -> None:
    """Null and a level unseen in training become None, then NaN."""
    index = load_index(DATA)
    body = json.loads(bodies[0]) | {"language": None, "agent": "Nobody", "body_chars": None}
    moment = read_event_time(body)
    features = index.features(body, event_time=moment, history_time=moment)
    absent = ["language", "agent", "body_chars", "agent_accept_rate"]
    assert [features[name] for name in absent] == [None] * 4
    assert np.isnan(vector(features, index.levels, names=absent)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event_time": "2025-06-03T16:00:12"}, "event_time: expected ISO 8601 with an offset"),
        ({"event_time": "yesterday"}, "event_time: expected ISO 8601 with an offset"),
        ({"event_time": 17}, "event_time: expected text, found 17"),
        ({"body_chars": "NaN"}, "body_chars: expected null or a number"),
        ({"body_chars": True}, "body_chars: expected null or a number"),
        ({"body_chars": float("nan")}, "body_chars: expected null or a number"),
        ({"repo": None}, "repo: expected text, found None"),
        ({"agent": 3}, "agent: expected text, found 3"),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused(
    change: dict[str, object], message: str, bodies: list[bytes]
) -> None:
    """The message names the key, what was expected and what was found."""
    with pytest.raises(BadRequestError, match=message):
        online_rows([json.dumps(json.loads(bodies[0]) | change).encode()], load_index(DATA), ["agent"])


def test_the_capture_is_the_source_rows_on_the_real_arrivals(
    bodies: list[bytes], asked: pd.DataFrame
) -> None:
    """Unique ids, event-time order, the trace's own stamps, and its busiest minute: 723 from 569.0 s."""
    table = pq.read_table(SCENARIO / "capture.parquet")
    start, arrivals = busiest_window(table["ts_ns"].to_numpy())
    assert (round(start, 1), arrivals) == (569.0, 723)
    assert table["ts_ns"].to_pylist() == asked["ts"].astype("int64").to_list()
    assert table["event_time"].to_pandas().is_monotonic_increasing
    assert len(set(table["request_id"].to_pylist())) == 7122
    decoded = pd.DataFrame([json.loads(body) for body in bodies])
    pd.testing.assert_frame_equal(
        decoded.drop(columns="event_time"), asked.drop(columns=["ts", "event_time"])
    )


def test_labels_exist_for_the_matured_rows_only() -> None:
    """6,701 labels of captured requests, each known after its event and within seven days of it."""
    labels = pq.read_table(SCENARIO / "labels.parquet").to_pandas()
    capture = pq.read_table(SCENARIO / "capture.parquet", columns=["request_id", "event_time"]).to_pandas()
    delay = (joined := labels.merge(capture, on="request_id"))["label_at"] - joined["event_time"]
    assert len(joined) == len(labels) == 6701
    assert (delay.min() > pd.Timedelta(0), delay.max()) == (True, pd.Timedelta(days=7))
    assert set(labels["label"]) == {0.0, 1.0}


def test_without_bugs_the_endpoint_reads_the_time_as_sent(bodies: list[bytes]) -> None:
    """No bug: event time and history time are the true one."""
    body = json.loads(bodies[0]) | {"event_time": "2025-06-03T15:00:12-01:00"}
    asked, _ = Bugs().serve(body, load_index(DATA), score_by=no_rival)
    assert asked.event_time.isoformat() == "2025-06-03T16:00:12+00:00"
    assert Bugs().clocks(asked) == (asked.event_time, asked.event_time)
