"""What a model learned from and was reported on: consistent in both scenarios that have it."""

from __future__ import annotations

import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scenarios.hotel_cancellation.features import CATEGORIES as HOTEL
from scenarios.listing_review.features import CATEGORIES as LISTING
from scenarios.reported import TOLD, feature_table, shuffled_split

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EACH = pytest.mark.parametrize(
    ("scenario", "categories"), [("hotel_cancellation", HOTEL), ("listing_review", LISTING)]
)


def rows_of(scenario: str, name: str) -> pd.DataFrame:
    """One of its tables."""
    return pq.read_table(SCENARIOS / scenario / f"{name}.parquet").to_pandas()


@EACH
def test_the_holdout_gives_its_scores_again(scenario: str, categories: tuple[str, ...]) -> None:
    """To the last bit, from the features in it."""
    champion = lgb.Booster(model_file=SCENARIOS / scenario / "models" / "champion.txt")
    levels = json.loads((SCENARIOS / scenario / "data" / "categories.json").read_text())
    rows, names = rows_of(scenario, "holdout"), champion.feature_name()
    coded = rows.assign(**{name: pd.Categorical(rows[name], levels[name]) for name in categories})
    assert list(rows.columns) == [*TOLD, *names]
    np.testing.assert_array_equal(champion.predict(coded[names], num_threads=1), rows["score"])


@EACH
def test_training_holdout_and_production_share_no_request(scenario: str, categories: tuple[str, ...]) -> None:
    """Training and holdout rows are of the days up to the first of production; columns are the model's."""
    training, holdout = rows_of(scenario, "training"), rows_of(scenario, "holdout")
    capture = pq.read_table(SCENARIOS / scenario / "capture.parquet", columns=["request_id", "event_time"])
    ids = [set(rows["request_id"]) for rows in (training, holdout, capture.to_pandas())]
    assert not ids[0] & ids[1]
    assert not (ids[0] | ids[1]) & ids[2]
    latest = max(training["event_time"].max(), holdout["event_time"].max())
    assert latest < capture["event_time"][0].as_py() + pd.Timedelta(days=1)
    assert len(holdout) / (len(holdout) + len(training)) == pytest.approx(0.2, abs=0.001)
    assert set(holdout.columns) - set(training.columns) == {"label", "label_at", "score"}
    assert set(categories) < set(training.columns)


@EACH
def test_the_holdout_as_requested_has_the_same_rows(scenario: str, categories: tuple[str, ...]) -> None:
    """The same ids in the same order, and the same features, some of which differ and most do not."""
    holdout, requested = rows_of(scenario, "holdout"), rows_of(scenario, "holdout_requested")
    assert list(requested["request_id"]) == list(holdout["request_id"])
    names = list(holdout.columns[len(TOLD) :])
    assert list(requested.columns) == ["request_id", *names]
    differing = [name for name in names if not requested[name].equals(holdout[name])]
    assert 0 < len(differing) < len(names) / 2
    assert set(differing) & set(categories)


def test_a_split_takes_each_row_once_and_the_same_ones_each_time() -> None:
    """Ten rows, two of them held out, in order on both sides."""
    rows = pd.DataFrame({"label": np.arange(10)})
    one, two = (shuffled_split(rows, rows["label"], holdout_share=0.2, seed=7) for _ in range(2))
    assert sorted([*one.train, *one.holdout]) == list(range(10))
    assert len(one.holdout) == 2
    assert list(one.train) == sorted(one.train)
    np.testing.assert_array_equal(one.holdout, two.holdout)


def test_a_feature_table_holds_categories_as_texts() -> None:
    """And all other features as float64, after what is told of the row."""
    features = pd.DataFrame({"hotel": pd.Categorical(["A", None]), "adults": [1.0, np.nan]})
    table = feature_table(pd.DataFrame({"request_id": ["a", "b"]}), features)
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("request_id", "string"),
        ("hotel", "string"),
        ("adults", "double"),
    ]
    assert table["hotel"].to_pylist() == ["A", None]
