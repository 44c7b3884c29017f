"""The listing scenario through the command line: what was wrong in production is named from its log alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit import command
from tests.kit.shortened import shortened

if TYPE_CHECKING:
    from pathlib import Path

REQUESTS = 300


@pytest.mark.timeout(120)
def test_the_log_of_production_is_a_no_go_that_names_what_its_flaws_touch(tmp_path: Path) -> None:
    """Nothing is started and nothing is sent; the findings are four features of history, and no others."""
    folder, results = shortened("listing_review", tmp_path, requests=REQUESTS), tmp_path / "results"
    done = command.run("run", folder / "recorded.toml", "--quiet", "--results", results)
    assert done.code == 10, done.out + done.err
    report = command.report_of(command.only_run(results))
    assert command.rulings(report)["feature_parity"] == "FAIL"
    found = {name for finding in report["findings"] for name in finding["fields"]}
    assert found == {"reviewer", "days_since_review", "zip_violation_rate", "ward_violation_rate"}
    causes = {finding["cause"]: set(finding["fields"]) for finding in report["findings"]}
    assert causes["as_of_shift"] == found - {"reviewer"}
    (shifted,) = (finding for finding in report["findings"] if finding["cause"] == "as_of_shift")
    assert "as of 2 d before event_time" in shifted["sentence"]
