"""A run into a diagnosis: what is diagnosed, by which model, and what a table of metrics alone says."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.run import diagnosing
from tests.kit import diagnosable


def test_a_table_of_metrics_ranks_causes_and_passes_over_other_metrics() -> None:
    """Metrics that the reader does not know change nothing."""
    offline, production = {"roc_auc": 0.91, "log_loss": 0.29}, {"roc_auc": 0.74, "log_loss": 0.67}
    found = diagnosing.likely(offline, production)
    assert found
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert diagnosing.likely(offline | {"f1": 0.8}, production | {"f1": 0.2}) == found


def test_a_failed_diagnosis_leaves_no_folder(tmp_path: Path) -> None:
    """Nothing was sent, so there is nothing to keep."""
    path = diagnosable.make(tmp_path / "scenario")
    (path.parent / "holdout.parquet").unlink()
    with pytest.raises(HarnessError, match="no such file"):
        diagnosing.diagnose(path, diagnosing.Options(results=tmp_path / "results"), say=lambda _: None)
    assert list((tmp_path / "results").glob("*/*/run.json")) == []


@pytest.mark.parametrize(
    ("old", "new", "needle"),
    [
        ('model = "model"\n', "", "names no offline model"),
        (
            'kind = "recorded"\n',
            'kind = "http"\nrole = "challenger"\nurl = "http://127.0.0.1:9/"\n',
            "not an arm of this scenario",
        ),
    ],
)
def test_production_must_be_recorded_and_have_a_model(
    old: str, new: str, needle: str, tmp_path: Path
) -> None:
    """Otherwise there is nothing to hold against anything."""
    path = diagnosable.make(tmp_path / "scenario")
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=needle):
        diagnosing.diagnose(path, diagnosing.Options(results=tmp_path / "results"), say=lambda _: None)


def test_a_folder_without_a_run_or_a_scenario_is_neither(tmp_path: Path) -> None:
    """It says what was looked for."""
    with pytest.raises(HarnessError, match=str(tmp_path.name)):
        diagnosing.diagnose(tmp_path, diagnosing.Options(results=tmp_path / "results"), say=lambda _: None)
