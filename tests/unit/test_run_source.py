"""Which arm of a run is production."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.diagnosis import DiagnosisConfig
from harness.errors import ScenarioError
from harness.run.source import served_by
from harness.scenario import load
from harness.scenario.document import EXAMPLE

HTTP = '\n[targets.{0}]\nkind = "http"\nurl = "http://127.0.0.1:1/"\n'
LOG = '\n[targets.log]\nkind = "recorded"\nmodel = "challenger"\n'


@pytest.mark.parametrize(
    ("more", "served", "expected"),
    [
        ("", None, "challenger"),
        (HTTP.format("champion"), None, "champion"),
        (HTTP.format("champion") + LOG, None, "log"),
        (HTTP.format("champion") + LOG, "challenger", "challenger"),
    ],
    ids=["challenger alone", "champion", "recorded", "as said"],
)
def test_production_is_as_said_or_the_likeliest_arm(
    more: str, served: str | None, expected: str, tmp_path: Path
) -> None:
    """A recorded one, else the champion, else the challenger."""
    (tmp_path / "scenario.toml").write_text(EXAMPLE + more, encoding="utf-8")
    assert served_by(load(tmp_path), DiagnosisConfig(served=served)) == expected


def test_an_unknown_arm_is_told_with_a_near_one(tmp_path: Path) -> None:
    """Nothing is guessed."""
    (tmp_path / "scenario.toml").write_text(EXAMPLE, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"unknown target 'chalenger'.*Did you mean 'challenger'"):
        served_by(load(tmp_path), DiagnosisConfig(served="chalenger"))
