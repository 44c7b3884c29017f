"""The shadow's answers as an arm: what the service and what its shadow said to the same live requests."""

from __future__ import annotations

from pathlib import Path

from tests.kit import command, diagnosable, small

SCENARIO = """
name = "mirrored"

[capture]
path = "captures-mirror"

[targets.challenger]
kind = "recorded"
role = "challenger"

[targets.champion]
kind = "recorded"
role = "champion"
answers = "answered.jsonl"
"""


def test_a_shadow_that_scores_otherwise_is_found(tmp_path: Path) -> None:
    """A third of its answers is 0.25 higher: those are counted, named, and judged; five never got there."""
    diagnosable.make(tmp_path)
    lines = diagnosable.captured(tmp_path)
    for number, line in enumerate(lines):
        if number % 3 == 0:
            line["recorded_response"]["body"]["score"] += 0.25
    (tmp_path / "captures-mirror").mkdir()
    small.write_lines(
        tmp_path / "captures-mirror" / "capture.jsonl", lines[:-5]
    )  # the last copies were not sent
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    checked = command.run("check", scenario)
    assert f"target champion: the responses in {tmp_path / 'answered.jsonl'}" in checked.out
    assert command.run("run", scenario, "--results", tmp_path / "results").code == 10
    found = command.report_of(command.only_run(tmp_path / "results"))
    assert command.rulings(found)["score_parity"] == "FAIL"
    sentence = next(gate["reason"] for gate in found["gates"] if gate["gate"] == "score_parity")
    assert sentence.startswith("159 of 475 requests")
