"""The diagnoses that two scenarios quote in their READMEs: each level of the quoted table comes out again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.diagnosis.leakage import duplicates
from scenarios.hotel_cancellation.features import CATEGORIES
from scenarios.quality import quality
from scenarios.reported import TOLD
from tests.kit import command

if TYPE_CHECKING:
    from pathlib import Path

SCENARIOS = command.ROOT / "scenarios"


def quoted(scenario: str) -> dict[str, float]:
    """The level after each step, as the README's output has it."""
    text = (SCENARIOS / scenario / "README.md").read_text()
    (table,) = re.findall(r"```text\nROC-AUC went.*?```", text, re.DOTALL)
    rows = re.findall(r"^([a-z][\w:, ]*?)\s{2,}(\d\.\d{3})\s", table, re.MULTILINE)
    return {step: float(level) for step, level in rows}


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The diagnosis of the listing scenario, from its whole capture."""
    results: Path = tmp_path_factory.mktemp("listing")
    path = SCENARIOS / "listing_review" / "diagnose.toml"
    done = command.run("diagnose", path, "--quiet", "--results", results)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads((command.only_run(results) / "diagnosis.json").read_bytes())
    return found


def test_the_listing_readme_quotes_what_the_command_says(listing: dict[str, Any]) -> None:
    """Leakage by the reviewer, drift and skew are the three parts, as its first table has them."""
    rungs = next(one["rungs"] for one in listing["metrics"] if one["metric"] == "roc_auc")
    words = {"reported": "reported holdout", "concept": "concept shift"}
    words |= {"covariate_seen": "covariate shift, seen", "covariate_unseen": "covariate shift, unseen"}
    levels = {words.get(one["step"], one["step"].replace("_", " ")): one["value"] for one in rungs}
    expected = {re.sub("_", " ", step): level for step, level in quoted("listing_review").items()}
    expected.pop("the gap")
    assert len(expected) >= 16
    assert {step: levels[step] for step in expected} == pytest.approx(expected, abs=0.003)


def test_the_listing_remedies_name_the_flaw(listing: dict[str, Any]) -> None:
    """The reviewer as offline gives back nearly all; the candidate is scored on the features as served."""
    gains = {one["key"]: one["gains"]["roc_auc"]["value"] for one in listing["remedies"] if one["gains"]}
    expected = {"fix_feature: reviewer": 0.056, "fix_features": 0.057, "serve: candidate": 0.035}
    assert {key: gains[key] for key in expected} == pytest.approx(expected, abs=0.002)
    assert "serve: rebuild" not in gains
    assert any(step.startswith("serve all features as offline") for step in listing["next_steps"])
    (leaks,) = (one for one in listing["exhibits"] if one["key"] == "changed_columns")
    assert leaks["found"] == "found"
    assert "label: reviewer, 13.3 % of the rows (-0.036 ROC-AUC once right)" in leaks["answer"]


def test_the_hotel_readme_quotes_the_holdout_without_what_it_knew_too_early() -> None:
    """Without duplicates and known groups, then with one column after another as requested."""
    folder = SCENARIOS / "hotel_cancellation"
    names = lgb.Booster(model_file=folder / "models" / "champion.txt").feature_name()
    holdout, training, requested = (
        pq.read_table(folder / f"{name}.parquet").to_pandas()
        for name in ("holdout", "training", "holdout_requested")
    )
    columns = [{name: rows[name].to_numpy() for name in names} for rows in (training, holdout)]
    again = duplicates(*columns)
    fair = ~(again.in_training | again.repeated | holdout["unit"].isin(training["unit"]).to_numpy())
    expected, levels = quoted("hotel_cancellation"), json.loads((folder / "data/categories.json").read_text())
    assert _auc(holdout, holdout["score"]) == pytest.approx(expected["reported holdout"], abs=0.001)
    now = holdout.drop(columns=list(TOLD))
    for step in ("repeated rows", *(one for one in expected if one.startswith("leak: "))):
        if step != "repeated rows":
            name = step.removeprefix("leak: ")
            now[name] = requested[name]
        score = _scored(folder / "models" / "champion.txt", now[names], levels=levels)
        assert _auc(holdout[fair], score[fair]) == pytest.approx(expected[step], abs=0.001)


def _scored(model: Path, rows: pd.DataFrame, *, levels: dict[str, list[str]]) -> np.ndarray:
    coded = rows.assign(**{name: pd.Categorical(rows[name], levels[name]) for name in CATEGORIES})
    return np.asarray(lgb.Booster(model_file=model).predict(coded, num_threads=1))


def _auc(rows: pd.DataFrame, score: Any) -> float:  # noqa: ANN401  -- a column
    return quality(rows["label"].to_numpy(), np.asarray(score), threshold=0.5)["roc_auc"]
