"""A champion that does not agree with itself: its noise is told, excused as such, and hides no bug."""

from __future__ import annotations

import copy
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.kit import command, small
from tests.kit.command import Done, report_of, rulings
from tests.kit.service import Answers, Service


class Shaky(dict[str, dict[str, Any]]):
    """Answers of which each n-th shows another `visits`, whoever asks; scores stay."""

    def __init__(self, answers: Answers, *, every: int) -> None:
        super().__init__(answers)
        self._every = every
        self._number = count(1)

    def __getitem__(self, key: str) -> dict[str, Any]:
        answer = copy.deepcopy(super().__getitem__(key))
        if next(self._number) % self._every == 0:
            answer["features"]["visits"] += 1
        return answer


def judged(folder: Path, results: Path, *, mine: Answers, more: str = "") -> tuple[Done, dict[str, Any], int]:
    """A parity run against a champion of which each seventh answer is noisy; how often it was asked."""
    theirs = Shaky(small.answers(), every=7)
    with (
        Service(theirs, model=small.model_hash()) as one,
        Service(mine, model=small.model_hash()) as two,
    ):
        path = small.scenario(
            folder, two.url, more=small.champion(one.url) + small.ONLY_PARITY + "\n[noise]\n" + more
        )
        done = command.run("run", path, "--phase", "parity", "--results", results)
        asked = len(one.seen)
    return done, report_of(command.only_run(results)), asked


def test_as_noisy_as_the_champion_is_noise_and_not_skew(folder: Path, results: Path) -> None:
    """Listed with its figures, not counted; the report names the field that is not deterministic."""
    mine = Shaky(small.answers(), every=7)
    done, report, asked = judged(folder, results, mine=mine, more="share = 1.0")
    assert asked == 2 * small.REQUESTS
    rows = {row["field"]: row for row in report["noise"]["rows"]}
    assert rows["visits"]["differ"] > 0
    assert rows["visits"]["lower"] < rows["visits"]["rate"] < rows["visits"]["upper"]
    assert rows["score"]["differ"] == 0
    assert rulings(report)["feature_parity"] == "PASS", done.out
    assert any(
        rule["field"] == "visits" and "noise, not skew" in rule["reason"] for rule in report["ignored"]
    )
    assert "visits is not deterministic" in done.out
    assert [ledger["phase"] for ledger in report["ledgers"]] == ["parity", "parity"]


def test_a_bug_in_a_noisy_field_is_found(folder: Path, results: Path) -> None:
    """Every second request is served another `visits`: far above what the champion does to itself."""
    wrong = small.answers()
    for i in range(0, small.REQUESTS, 2):
        wrong[small.request_id(i)]["features"]["visits"] += 7
    done, report, _ = judged(folder, results, mine=wrong, more="share = 1.0")
    assert done.code == 10
    assert rulings(report)["feature_parity"] == "FAIL"


@pytest.mark.parametrize(("more", "asked"), [("", 24), ("share = 0.0", 0)])
def test_a_tenth_is_asked_twice_unless_the_scenario_says_none(
    more: str, asked: int, folder: Path, results: Path
) -> None:
    """24 of 240 by default; with 0 the report says nothing about noise."""
    _, report, seen = judged(folder, results, mine=small.answers(), more=more)
    assert seen == small.REQUESTS + asked
    assert (report["noise"] is None) == (not asked)
