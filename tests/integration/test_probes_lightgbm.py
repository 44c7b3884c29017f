"""Probes of a real LightGBM model through the offline arm: what a service does wrong with it is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from harness.columns import Pair, Side
from harness.diff import compare
from harness.diff.probes import Probed
from harness.diff.tolerance import Tolerances
from harness.records import Finding
from replayers.offline import OfflineModel, OfflineReplayer, to_columns
from tests.kit.small_model import training, write

Scores = NDArray[np.float64]
Serve = Callable[[lightgbm.Booster, pd.DataFrame], Scores]


@dataclass(frozen=True)
class Served:
    """The offline arm of a small model over its training rows."""

    offline: OfflineReplayer
    features: pd.DataFrame

    def findings(self, scores: Scores) -> tuple[Finding, ...]:
        """What is found in an arm that shows the right features and these scores."""
        mine, n = self.offline, len(self.features)
        columns = to_columns(self.features)
        pair = Pair(
            left=Side("offline:v1", mine.predict(self.features), columns),
            right=Side("challenger", scores, columns),
            seq=np.arange(n),
            request_id=np.array([f"r{i}" for i in range(n)], object),
            ts_ns=np.arange(n),
            event_time_ns=np.arange(n),
            unit=np.array(["u"] * n, object),
            segments={},
            unstable=np.zeros(n, bool),
        )
        model = Probed(
            rescore=mine.rescore,
            predict=mine.model.ask,
            name=mine.name,
            features=columns,
            names=mine.names,
            levels=mine.levels,
            trees=mine.model.trees,
        )
        return compare(pair, tolerances=Tolerances(), rescore=model).findings


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Trained once."""
    small = write(tmp_path_factory.mktemp("scenario"))
    config = OfflineModel(file="model.txt", features="features:build", data="data")
    return Served(OfflineReplayer(config, small.folder, name="v1"), training())


def numbers(features: pd.DataFrame) -> Scores:
    """The features as LightGBM takes them out of a frame."""
    codes = features["lang"].cat.codes.astype(float).where(features["lang"].notna())
    return np.asarray(features.assign(lang=codes).to_numpy(dtype=np.float64))


def of_numbers(change: Callable[[Scores], Scores], **options: Any) -> Serve:  # noqa: ANN401  -- LightGBM's own
    """A service that scores arrays."""
    return lambda model, features: np.asarray(model.predict(change(numbers(features)), **options))


def single_rows(model: lightgbm.Booster, features: pd.DataFrame) -> Scores:
    """Each request's own codes, taken from a frame of one row by a model file without its levels."""
    lines = model.model_to_string().splitlines(keepends=True)
    text = "".join("pandas_categorical:null\n" if x.startswith("pandas_categorical") else x for x in lines)
    bare = lightgbm.Booster(model_str=text)
    rows = (
        features.iloc[[i]].assign(lang=features["lang"].iloc[[i]].astype(str)) for i in range(len(features))
    )
    known = (row.assign(lang=row["lang"].astype("category")) for row in rows)
    return np.concatenate([np.asarray(bare.predict(row)) for row in known])


def without_levels(_: lightgbm.Booster, features: pd.DataFrame) -> pd.DataFrame:
    """No level is known."""
    return features.assign(lang=pd.Categorical([None] * len(features), categories=["go", "py", "rs"]))


@pytest.mark.parametrize(
    ("serve", "cause"),
    [
        (of_numbers(lambda x: x[:, ::-1]), "columns_reversed"),
        (of_numbers(lambda x: x[:, [1, 0, 2]]), "categories_first"),
        (of_numbers(np.nan_to_num), "missing_filled"),
        (of_numbers(lambda x: np.where(np.isnan(x), [-999, np.nan, 0], x)), "missing_filled"),
        (of_numbers(np.trunc), "truncated_input"),
        (lambda m, f: np.asarray(m.predict(without_levels(m, f))), "categories_lost"),
        (of_numbers(lambda x: np.where([False, True, False], 2 - x, x)), "category_codes"),
        (of_numbers(lambda x: x, raw_score=True), "raw_score"),
        (of_numbers(lambda x: x, num_iteration=11), "last_tree_skipped"),
        (of_numbers(lambda x: x, num_iteration=5), "fewer_trees"),
        (of_numbers(lambda x: x, start_iteration=1), "first_tree_skipped"),
        (
            of_numbers(lambda x: x, pred_early_stop=True, pred_early_stop_freq=3, pred_early_stop_margin=0.8),
            "early_stop",
        ),
        (lambda m, f: 1 - np.asarray(m.predict(f)), "complement"),
        (lambda m, f: (np.asarray(m.predict(f)) > 0.5).astype(float), "class_label"),
    ],
)
def test_a_fault_of_the_service_is_named(served: Served, serve: Serve, cause: str) -> None:
    """First and alone."""
    (found,) = served.findings(serve(served.offline.model.booster, served.features))
    assert found.cause == cause, found.sentence


def test_levels_of_single_rows_are_named(served: Served) -> None:
    """Seen only where requests come one by one; the text nan is a level like any other."""
    whole = Served(served.offline, served.features[served.features["lang"].notna()])
    (found,) = whole.findings(single_rows(served.offline.model.booster, whole.features))
    assert found.cause == "category_codes_by_request", found.sentence


def test_float32_features_are_named(served: Served) -> None:
    """Where a value lies so near a threshold that a cast moves it across."""
    cuts = served.offline.model.booster.trees_to_dataframe().query("split_feature == 'amount'")["threshold"]
    near = [c for c in cuts.astype(float).tolist() if float(np.float32(c)) > c]
    features = served.features.assign(amount=np.resize(near, len(served.features)))
    close = Served(served.offline, features)
    cast = numbers(features).astype(np.float32)
    (found,) = close.findings(np.asarray(served.offline.model.booster.predict(cast)))
    assert found.cause == "float32_input", found.sentence


@pytest.mark.parametrize("size", [1e-2, 1e-5])
def test_noise_is_unexplained(served: Served, size: float) -> None:
    """There is nothing to name."""
    right = served.offline.predict(served.features)
    (found,) = served.findings(right + np.random.default_rng(1).normal(0, size, len(right)))
    assert found.cause == "unexplained"


def test_right_scores_are_no_finding(served: Served) -> None:
    """Nor is a cast of them."""
    right = served.offline.predict(served.features)
    assert served.findings(right) == ()
    assert served.findings(right.astype(np.float32).astype(float)) == ()
