"""The dry run: what it says of a scenario, and every reason why its gates could never end in GO."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.run.checking import check
from tests.kit import small

NOWHERE = "http://127.0.0.1:9/score"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small scenario's files."""
    return small.make(tmp_path / "scenario")


def lines(path: Path) -> list[str]:
    """What the dry run says."""
    return check(path, say=lambda _: None)


def obstacles(path: Path) -> list[str]:
    """Why GO is not possible."""
    return [line for line in lines(path) if line.startswith("GO is not possible")]


def test_a_scenario_that_can_go_is_said_to(folder: Path) -> None:
    """With the power of its 240 requests: 3/n for parity, 6 slow ones for latency."""
    said = "\n".join(lines(small.scenario(folder, NOWHERE, more=small.LATENCY)))
    assert "GO is possible with these gates." in said
    assert "at least 1.2405%" in said
    assert "of 240: PASS up to 6 (2.5%), FAIL from 19 (7.9%)" in said
    assert "a build is caught with 95 % chance if it answers 10.9% of them late" in said
    assert "duration: about 2 s of sending (1 s on the clock, 1 s if an answer takes 10 ms)" in said
    assert said.endswith("Nothing was sent.")


@pytest.mark.parametrize(
    ("change", "more", "says"),
    [
        (("", ""), "", ["phase latency has 240 requests, and latency_p95 needs at least"]),
        (
            ('pace = { kind = "recorded", speed = 20 }', ""),
            small.LATENCY,
            ["no open-loop phase is sent to the challenger"],
        ),
        (
            ("timeout_s = 20", 'timeout_s = 20\nresponse = { features = "" }'),
            small.LATENCY,
            ["the challenger declares no feature echo"],
        ),
        (
            ('name = "parity"', 'name = "parity"\nfirst = 100'),
            small.LATENCY,
            ["phase latency sends 140 requests without asking for features"],
        ),
        (
            ("", ""),
            small.LATENCY + '\n[decision]\nrelease = "improvement"\n',
            ["an improvement release needs [labels] with an outcome of the role success"],
        ),
        (
            ('pace = { kind = "recorded", speed = 20 }', ""),
            '\n[decision]\nrelease = "improvement"\n',
            ["no open-loop phase", "needs [labels]"],
        ),
    ],
)
def test_gates_that_can_never_pass_are_told(
    change: tuple[str, str], more: str, says: list[str], folder: Path
) -> None:
    """Each reason stands on its own line, so that one dry run finds them all."""
    path = small.scenario(folder, NOWHERE, more=more)
    path.write_text(path.read_text(encoding="utf-8").replace(*change, 1), encoding="utf-8")
    found = obstacles(path)
    assert len(found) == len(says)
    assert [why for why, line in zip(says, found, strict=True) if why not in line] == []


def test_a_pipeline_that_depends_on_the_batch_is_warned_of(folder: Path) -> None:
    """The ten tried requests are also built alone."""
    code = small.PIPELINE.replace("astype(float)", "astype(float) + len(requests)")
    (folder / "features.py").write_text(code, encoding="utf-8")
    path = small.scenario(folder, NOWHERE, more=small.LATENCY)
    assert any("WARNING: alone ≠ batch for amount" in line for line in lines(path))
    (obstacle,) = obstacles(path)
    assert "the offline pipeline of model gives a request alone other features than in a batch" in obstacle


@pytest.mark.parametrize(("labelled", "fails"), [(100, True), (220, True), (230, False), (240, False)])
def test_labels_that_are_missing_are_told_before_the_run(labelled: int, *, fails: bool, folder: Path) -> None:
    """An improvement needs 95 % of the labels that should be there by the end; all are due after a day."""
    improvement = '\n[decision]\nrelease = "improvement"\n'
    end = 'complete_until = "2025-05-01T00:00:00Z"\n'
    more = small.champion(NOWHERE) + small.LATENCY + small.labels() + end + improvement
    small.write_lines(folder / "labels.jsonl", small.labelled(0, labelled))
    found = obstacles(small.scenario(folder, NOWHERE, more=more))
    wanted = f"{240 - labelled} of 240 requests whose labels should be there have none, at most 5% may"
    assert [wanted in line for line in found] == ([True] if fails else [])


def test_a_recorded_challenger_needs_no_address(folder: Path) -> None:
    """Its phases are sent to nobody, and the line says so."""
    path = small.scenario(folder, NOWHERE, more=small.ONLY_PARITY)
    text = path.read_text(encoding="utf-8")
    text = text.replace(f'kind = "http"\nurl = "{NOWHERE}"', 'kind = "recorded"')
    path.write_text(text.replace("timeout_s = 20\nconnections = 2\n", ""), encoding="utf-8")
    said = "\n".join(lines(path))
    assert "target challenger: the recorded responses, must match model model" in said
    assert "to nobody: no http target" in said
    assert "0 with a recorded response" in said


def test_a_token_in_an_address_is_not_told(folder: Path) -> None:
    """What is said goes into the log of a pipeline."""
    said = "\n".join(lines(small.scenario(folder, f"{NOWHERE}?token=SESAME")))
    assert f"target challenger: {NOWHERE}?token=$" in said
    assert "SESAME" not in said
