"""The listing scenario: two implementations of the features, real outcomes, and the figures they give."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scenarios.bugs.active import Bugs
from scenarios.bugs.parse import parse_bugs
from scenarios.listing_review.build import FLAWS
from scenarios.listing_review.dataset import (
    LATER,
    PRODUCTION_FROM,
    bodies,
    outcomes,
    production,
    read_reviews,
    requests,
    sunday_before,
)
from scenarios.listing_review.features import CATEGORIES, build, build_table
from scenarios.listing_review.figures import against_capacity, figures
from scenarios.listing_review.serving_features import KEYS, Archive, load_archive
from scenarios.request import BadRequestError, Features, vector
from tests.kit.bookings import no_rival

SCENARIO = Path(__file__).parents[2] / "scenarios" / "listing_review"
DATA = SCENARIO / "data"


@pytest.fixture(scope="module")
def reviews() -> pd.DataFrame:
    """The listings that the endpoint is asked about."""
    return production(read_reviews(DATA))


@pytest.fixture(scope="module")
def asked(reviews: pd.DataFrame) -> pd.DataFrame:
    """The frame the offline pipeline receives."""
    return requests(reviews)


@pytest.fixture(scope="module")
def offline(asked: pd.DataFrame) -> pd.DataFrame:
    """The offline features of all requests, as of their lists."""
    return build(asked, DATA)


@pytest.fixture(scope="module")
def capture() -> pd.DataFrame:
    """The capture as it is on disk."""
    return pq.read_table(SCENARIO / "capture.parquet").to_pandas()


@pytest.fixture(scope="module")
def champion() -> lgb.Booster:
    """The champion model."""
    return lgb.Booster(model_file=SCENARIO / "models" / "champion.txt")


@pytest.fixture(scope="module")
def archive() -> Archive:
    """The endpoint's memory."""
    return load_archive(DATA)


def as_numbers(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """A frame as the model sees it: category codes, NaN for missing."""
    codes = {name: frame[name].cat.codes.astype("float64").replace(-1.0, np.nan) for name in CATEGORIES}
    return np.asarray(frame.assign(**codes), dtype=np.float64)


def served(body: bytes, archive: Archive, bugs: Bugs) -> Features:
    """The features of one request as the endpoint computes them."""
    return bugs.serve(json.loads(body), archive, score_by=no_rival)[1]


def test_serving_and_offline_features_agree_to_the_last_bit(
    capture: pd.DataFrame, offline: pd.DataFrame, archive: Archive
) -> None:
    """All 7,595 requests, one at a time and all at once: identical feature vectors."""
    names, right = list(offline.columns), Bugs()
    online = [vector(served(body, archive, right), archive.levels, names=names) for body in capture["body"]]
    np.testing.assert_array_equal(np.vstack(online), as_numbers(offline))


def test_the_capture_holds_what_production_served(
    capture: pd.DataFrame, archive: Archive, champion: lgb.Booster
) -> None:
    """The recorded features are those of the endpoint with its two flaws; the scores are the champion's."""
    flaws = parse_bugs(FLAWS[1::2], archive, data=DATA)
    answers = [json.loads(body) for body in capture["recorded_body"]]
    names = champion.feature_name()
    rows = [vector(answer["features"], archive.levels, names=names) for answer in answers]
    np.testing.assert_array_equal([a["score"] for a in answers], champion.predict(np.vstack(rows)))
    for place in range(0, len(answers), 100):
        expected = served(capture["body"].iloc[place], archive, flaws)
        assert answers[place]["features"] == {name: expected[name] for name in names}


def test_one_request_alone_gets_the_features_of_the_batch(asked: pd.DataFrame, offline: pd.DataFrame) -> None:
    """A frame of one row, or of some rows in another order, gives the same values, dtypes and codes."""
    for place in (0, 7_594):
        one = build(asked.iloc[[place]], DATA)
        pd.testing.assert_frame_equal(one, offline.iloc[[place]], check_exact=True)
    shuffled = asked.sample(n=500, random_state=7)
    pd.testing.assert_frame_equal(build(shuffled, DATA), offline.loc[shuffled.index], check_exact=True)


def test_the_table_differs_in_what_came_after_the_list_and_nowhere_else(
    asked: pd.DataFrame, offline: pd.DataFrame
) -> None:
    """The reviewer, and what is as of a day; no seller had two reviews with a violation in a week."""
    table = build_table(asked, DATA)
    differing = [name for name in offline if not offline[name].equals(table[name])]
    assert sorted(differing) == sorted(set(LATER) - {"seller_violations"})


def test_the_capture_is_the_source_rows_on_real_arrivals(
    capture: pd.DataFrame, reviews: pd.DataFrame
) -> None:
    """Unique ids in event-time order, the bodies of the source, no outcome and no reviewer in a request."""
    assert list(capture["request_id"]) == list(reviews["request_id"])
    assert capture["request_id"].is_unique
    assert capture["event_time"].is_monotonic_increasing
    assert capture["ts_ns"].is_monotonic_increasing
    assert list(capture["unit"]) == list(reviews["seller"])
    assert list(capture["body"]) == bodies(reviews)
    assert not {"reviewer", "critical", "minor", "reviewed_on"} & json.loads(capture["body"][0]).keys()


def test_every_outcome_is_known_after_its_list_was_made(capture: pd.DataFrame) -> None:
    """7,595 labels, in the order they became known, one to eight days after the request."""
    labels = pq.read_table(SCENARIO / "labels.parquet").to_pandas()
    joined = labels.merge(capture[["request_id", "event_time"]], on="request_id")
    delay = joined["label_at"] - joined["event_time"]
    assert len(joined) == len(labels) == 7_595
    assert labels["label_at"].is_monotonic_increasing
    assert pd.Timedelta(days=1) < delay.min()
    assert delay.max() < pd.Timedelta(days=8)
    assert labels["label"].mean() == pytest.approx(0.146, abs=0.001)


def test_the_models_fall_where_the_readme_says() -> None:
    """Reported 0.765, served 0.595; the candidate is better, and a list taken by score finds more early."""
    found = figures(SCENARIO)
    auc = {name: row["roc_auc"] for name, row in found.items() if "roc_auc" in row}
    assert auc["table, holdout (as reported)"] == pytest.approx(0.765, abs=0.001)
    assert auc["as requested, holdout"] == pytest.approx(0.729, abs=0.001)
    assert auc["as requested, production"] == pytest.approx(0.651, abs=0.001)
    assert auc["as served, production"] == pytest.approx(0.595, abs=0.001)
    assert auc["candidate, production"] == pytest.approx(0.678, abs=0.001)
    assert found["served differs from requested"]["reviewer"] == pytest.approx(0.452, abs=0.001)
    assert found["capacity"]["as served"]["found_first_half"] == pytest.approx(0.613, abs=0.001)


def test_a_list_taken_by_score_finds_its_violations_in_the_first_half() -> None:
    """Four reviews of a week, the one with a violation made last and scored highest."""
    days = pd.to_datetime(pd.Series(["2014-06-02", "2014-06-03", "2014-06-04", "2014-06-05"]))
    week = pd.DataFrame({"listed_on": pd.Timestamp("2014-06-01"), "reviewed_on": days})
    labels, scores = np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.9])
    told = against_capacity(week, labels, scores=scores)
    assert (told["found_first_half"], told["found_in_fact"]) == (1.0, 0.0)
    assert (told["reviews_a_day"], told["most_flagged_a_day"]) == (1.0, 1.0)


def test_lists_are_made_on_the_sunday_before_their_week() -> None:
    """A Monday's list is of the day before, a Sunday's of a week earlier; production begins with a list."""
    days = pd.to_datetime(pd.Series(["2014-06-02", "2014-06-07", "2014-06-08"]))
    assert [f"{day:%Y-%m-%d}" for day in sunday_before(days)] == ["2014-06-01"] * 3
    assert PRODUCTION_FROM.day_of_week == 6


def test_an_outcome_is_known_when_the_day_of_review_is_over() -> None:
    """Reviewed on 2 June with two critical violations: a 1 known at midnight in Chicago, 5 h UTC."""
    row = pd.DataFrame({"critical": [2], "reviewed_on": pd.to_datetime(["2014-06-02"])})
    expected = {"label": 1, "label_at": pd.Timestamp("2014-06-03 05:00", tz="UTC")}
    assert outcomes(row).iloc[0].to_dict() == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (1, (0.0, 0.0, None, None, None, None)),
        (2, (2.0, 1.0, 1.0, 5.0, 0.5, "blue")),
        (4, (3.0, 1.0, 1.0, 7.0, 1 / 3, "green")),
        (9, (3.0, 1.0, 6.0, 7.0, 1 / 3, "green")),
    ],
)
def test_a_review_counts_from_the_day_after_it(
    day: int, expected: tuple[object, ...], tmp_path: Path
) -> None:
    """Seller s was reviewed twice on 1 January and once on the 3rd; the day itself does not count."""
    log = pd.DataFrame(
        {
            "review_id": [2, 1, 3],
            "reviewed_on": [date(2014, 1, 1), date(2014, 1, 1), date(2014, 1, 3)],
            "seller": "s",
            "zip": pd.array([60601, 60601, 60601], dtype="Int32"),
            "ward": pd.array([42, None, 42], dtype="Int16"),
            "reviewer": ["blue", "brown", "green"],
            "critical": [1, 0, 0],
            "minor": [5, 3, 7],
        }
    )
    log.to_parquet(tmp_path / "reviews.parquet")
    (tmp_path / "categories.json").write_text(json.dumps(LEVELS))
    stamp = datetime(2014, 1, day, 18, tzinfo=UTC)
    body = request(event_time=stamp.isoformat())
    features = load_archive(tmp_path).features(body, event_time=stamp, history_time=stamp)
    names = ("seller_reviews", "seller_violations", "days_since_review", "last_minor", "zip_violation_rate")
    assert tuple(features[name] for name in (*names, "reviewer")) == expected
    batch = build(pd.DataFrame([{**body, "event_time": pd.Timestamp(stamp)}]), tmp_path)
    wanted = [np.nan if value is None else value for value in expected[:-1]]
    np.testing.assert_array_equal(batch[list(names)].to_numpy()[0], wanted)
    assert batch["reviewer"].astype("object").fillna("none").item() == (expected[-1] or "none")


LEVELS = {
    "facility_type": ["Restaurant"],
    "risk": ["Risk 1 (High)"],
    "zip": ["60601"],
    "ward": ["42"],
    "reviewer": ["blue", "brown", "green"],
}


def request(**changes: object) -> dict[str, object]:
    """A restaurant of seller s, licensed on the first day of 2010."""
    stated = {
        "request_id": "r1",
        "event_time": "2014-01-05T12:00:00-06:00",
        "seller": "s",
        "licensed_on": "2010-01-01",
    }
    named: dict[str, object] = {name: levels[0] for name, levels in LEVELS.items() if name != "reviewer"}
    counted = dict.fromkeys(NUMBERS, 1.0)
    return {**stated, **named, **counted, **changes}


NUMBERS = (
    *("consumption_on_premises_incidental_activity", "tobacco_retail_over_counter"),
    *("limited_business_license", "public_place_of_amusement", "tavern", "filling_station"),
    *("heat_burglary", "heat_garbage", "heat_sanitation"),
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"licensed_on": "long ago"}, "licensed_on: expected a day"),
        ({"heat_garbage": "75"}, "heat_garbage: expected null or a number"),
        ({"zip": 60601}, "zip: expected text, found 60601"),
    ],
)
def test_a_listing_of_the_wrong_shape_is_refused(change: dict[str, object], message: str) -> None:
    """The message names the key, what was expected and what was found."""
    codes = {name: {level: code for code, level in enumerate(of)} for name, of in LEVELS.items()}
    empty = Archive(levels=codes, ledgers={key: {} for key in KEYS})
    with pytest.raises(BadRequestError, match=message):
        Bugs().serve(request(**change), empty, score_by=no_rival)


def test_the_scenario_stays_small() -> None:
    """All its files together under 3 MB."""
    kept = (path for path in SCENARIO.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert sum(path.stat().st_size for path in kept) < 3_000_000
