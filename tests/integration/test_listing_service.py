"""The listing scenario through the command line: the rebuild agrees, what production had wrong is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit import command
from tests.kit.shortened import shortened

if TYPE_CHECKING:
    from pathlib import Path

REQUESTS = 300


@pytest.mark.timeout(120)
def test_the_rebuild_is_at_parity_and_the_log_is_not(tmp_path: Path) -> None:
    """No gate fails; every finding is of the recorded arm, in features that its two flaws touch."""
    folder, results = shortened("listing_review", tmp_path, requests=REQUESTS), tmp_path / "results"
    done = command.run(
        "run",
        folder / "scenario.toml",
        *("--phase", "parity", "--first", REQUESTS, "--quiet", "--results", results),
    )
    assert done.code == 20, done.out + done.err
    report = command.report_of(command.only_run(results))
    parity = command.rulings(report)
    assert {parity[gate] for gate in ("feature_parity", "score_parity", "decision_flips")} == {"PASS"}
    assert {finding["arm"] for finding in report["findings"]} == {"recorded"}
    found = {name for finding in report["findings"] for name in finding["fields"]}
    assert found == {"reviewer", "days_since_review", "zip_violation_rate", "ward_violation_rate"}
