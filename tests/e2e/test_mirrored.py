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


def test_answers_to_other_requests_are_no_arm(tmp_path: Path) -> None:
    """Neither a dry run nor a run takes a capture with other ids for a build that answered nothing."""
    diagnosable.make(tmp_path)
    lines = diagnosable.captured(tmp_path)
    (tmp_path / "captures-mirror").mkdir()
    others = [line | {"request_id": f"other-{line['request_id']}"} for line in lines]
    small.write_lines(tmp_path / "captures-mirror" / "capture.jsonl", others)
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    for arguments in (["check", scenario], ["run", scenario, "--results", tmp_path / "results"]):
        done = command.run(*arguments)
        assert done.code == 65
        assert "none of the 480 requests is in the answers" in done.err


def test_a_shadow_that_hangs_fails_its_requests(tmp_path: Path) -> None:
    """What it did not answer in time, or broke off, counts against it, as it would of a live target."""
    diagnosable.make(tmp_path)
    lines = diagnosable.captured(tmp_path)
    for number, line in enumerate(lines[:48]):
        del line["recorded_response"]
        line["tags"] = {"proxy": ["timeout", "http response incomplete"][number % 2]}
    (tmp_path / "captures-mirror").mkdir()
    small.write_lines(tmp_path / "captures-mirror" / "capture.jsonl", lines)
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    assert command.run("run", scenario, "--results", tmp_path / "results").code == 10
    found = command.report_of(command.only_run(tmp_path / "results"))
    rulings = command.rulings(found)
    assert (rulings["errors"], rulings["completeness"]) == ("FAIL", "PASS")
