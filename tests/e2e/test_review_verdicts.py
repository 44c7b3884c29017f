"""Verdicts that are easily wrong: a ruling taken back, a reference that is none, an arm hardly answering."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.command import Done, report_of, rulings
from tests.kit.service import Answers, Service

LATER = "2025-06-05T00:00:00Z"


def judged(path: Path, results: Path, *arguments: str) -> tuple[Done, dict[str, Any]]:
    """A parity run and its report."""
    done = command.run("run", path, "--results", results, "--phase", "parity", *arguments)
    return done, report_of(command.only_run(results))


def kept(root: Path) -> list[dict[str, Any]]:
    """The lines of looks.jsonl."""
    return [json.loads(line) for line in (root / "looks.jsonl").read_text(encoding="utf-8").splitlines()]


def in_favour_of_the_challenger(old: Answers, new: Answers) -> list[dict[str, Any]]:
    """Every label revised in June, to whatever the challenger had said more clearly than the champion."""
    ids = [small.request_id(i) for i in range(small.REQUESTS)]
    return [
        {"request_id": i, "label": int(new[i]["score"] > old[i]["score"]), "label_at": "2025-06-01T00:00:00Z"}
        for i in ids
    ]


def test_a_no_go_is_not_taken_back_by_a_revision_of_labels(folder: Path, results: Path) -> None:
    """The deterioration was shown by the labels of then: it stays at any time, and every look is kept."""
    old, new = small.answers(), small.answers("poor")
    more = small.ONLY_PARITY + small.labels() + '\n[decision]\nrelease = "improvement"\n'
    more += '\n[models.model]\nfile = "model.txt"\nfeatures = "features:build"\n'
    with (
        Service(old, model=small.model_hash()) as one,
        Service(new, model=small.model_hash("poor")) as two,
    ):
        path = small.scenario(folder, two.url, more=small.champion(one.url) + more, model="poor")
        first, before = judged(path, results, "--as-of", LATE)
    root, lines = command.only_run(results), (command.only_run(results) / "looks.jsonl").read_bytes()
    assert (first.code, rulings(before)["label_improvement"]) == (10, "FAIL"), first.out
    revision = small.write_lines(folder / "revision.jsonl", in_favour_of_the_challenger(old, new))
    assert command.run("labels", "add", root, revision).code == 0
    for as_of in (LATER, LATE):
        again = command.run("decide", root, "--as-of", as_of)
        assert (again.code, rulings(report_of(root))["label_improvement"]) == (10, "FAIL"), again.out
        assert (root / "looks.jsonl").read_bytes().startswith(lines)
    command.run("decide", root, "--as-of", LATER)
    after = report_of(root)["quality"][0]["looks"]
    assert after[: len(before["quality"][0]["looks"])] == before["quality"][0]["looks"]
    assert after[-1]["upper"] < 0
    assert len(kept(root)) == len(after)


def test_a_ruling_written_in_a_look_stays_when_labels_are_handed_in_late(folder: Path, results: Path) -> None:
    """Labels that were known then and are handed in now change past numbers; that is said, the FAIL stays."""
    old, new = small.answers(), small.answers("poor")
    more = small.ONLY_PARITY + small.labels() + '\n[decision]\nrelease = "improvement"\n'
    more += '\n[models.model]\nfile = "model.txt"\nfeatures = "features:build"\n'
    with (
        Service(old, model=small.model_hash()) as one,
        Service(new, model=small.model_hash("poor")) as two,
    ):
        path = small.scenario(folder, two.url, more=small.champion(one.url) + more, model="poor")
        judged(path, results, "--as-of", LATE)
    root = command.only_run(results)
    late = in_favour_of_the_challenger(old, new)
    for i, row in enumerate(late):
        row["label_at"] = f"{small.event_time(i) + pd.Timedelta(25, unit='h'):%Y-%m-%dT%H:%M:%SZ}"
    command.run("labels", "add", root, small.write_lines(folder / "late.jsonl", late))
    done = command.run("decide", root, "--as-of", LATE)
    quality = report_of(root)["quality"][0]
    assert done.code == 10, done.out
    assert quality["estimate"]["value"] < 0
    assert "past looks would show other numbers" in quality["note"]


@pytest.mark.parametrize("many", ["== 1", "> 1"], ids=["alone", "in a batch"])
def test_a_pipeline_that_is_no_reference_blames_nobody(many: str, folder: Path, results: Path) -> None:
    """Whether one request or a batch comes out wrong, a right service is INVALID, and nothing is found."""
    code = small.PIPELINE.replace("astype(float)", f"astype(float) + (len(requests) {many})")
    (folder / "features.py").write_text(code, encoding="utf-8")
    with Service(small.answers(), model=small.model_hash()) as service:
        done, report = judged(small.scenario(folder, service.url), results)
    assert (done.code, report["decision"]["word"]) == (30, "INVALID"), done.out
    assert report["findings"] == []
    gates = {(g["gate"], g["ruling"], g["fault"]) for g in report["gates"]}
    for gate in ("offline_reference", "feature_parity", "score_parity", "decision_flips"):
        assert (gate, "UNDECIDED", "harness") in gates


def test_a_champion_that_hardly_answers_is_no_champion(folder: Path, results: Path) -> None:
    """It answers 24 of 240 requests: nothing is held against it, and labels do not pass by identity."""
    with (
        Service(small.answers(), model=small.model_hash(), mode="down:24") as old,
        Service(small.answers(), model=small.model_hash()) as new,
    ):
        more = (
            small.champion(old.url)
            + small.ONLY_PARITY
            + small.labels()
            + "\n[safety]\nbreaker = { consecutive = 999, min_answers = 999 }\n"
        )
        done, report = judged(small.scenario(folder, new.url, more=more), results, "--as-of", LATE)
    assert done.code == 20, done.out + done.err
    found = {(g["gate"], g["arm"]): g for g in report["gates"]}
    assert found["score_parity", "challenger vs champion"]["ruling"] == "UNDECIDED"
    assert found["score_parity", "challenger vs offline:model"]["ruling"] == "PASS"
    assert rulings(report)["label_guardrail"] == "UNDECIDED"


@pytest.mark.parametrize(
    ("selector", "model", "word", "required"),
    [
        ("header:X-Model-Hahs", "right", "WAIT", True),
        ("", "right", "GO", False),
        (None, "", "GO", False),
        (None, "right", "GO", True),
        (None, "v12", "NO-GO", True),
    ],
    ids=["misspelt", "none declared", "none named", "named", "a version"],
)
def test_who_answered_is_judged_wherever_it_should_be_said(
    selector: str | None, model: str, word: str, folder: Path, results: Path, *, required: bool
) -> None:
    """A selector that finds nothing is no evidence; only a service that names no model may be silent."""
    name = small.model_hash() if model == "right" else model
    with Service(small.answers(), model=name) as service:
        path = small.scenario(folder, service.url, more=small.ONLY_PARITY)
        if selector is not None:
            text = path.read_text(encoding="utf-8")
            place = f'model = "model"\nresponse = {{ model = "{selector}" }}\ntimeout_s'
            path.write_text(text.replace('model = "model"\ntimeout_s', place, 1), encoding="utf-8")
        _, report = judged(path, results)
    (verdict,) = (g for g in report["gates"] if g["gate"] == "model_identity")
    assert (report["decision"]["word"], verdict["required"]) == (word, required), verdict


def test_a_go_says_when_nothing_was_held_against_a_champion(folder: Path, results: Path) -> None:
    """A parity release without a champion shows that the service serves the trained model, and no more."""
    with Service(small.answers(), model=small.model_hash()) as service:
        _, report = judged(small.scenario(folder, service.url, more=small.ONLY_PARITY), results)
    assert report["decision"]["word"] == "GO"
    assert "Nothing was held against a champion" in report["decision"]["claim"]


def test_what_is_not_known_of_exposure_is_told(folder: Path, results: Path) -> None:
    """Half the requests say whether they were exposed, and a third has a propensity: both are counted."""
    rows = small.captured()
    for i, row in enumerate(rows):
        row.update({"exposed": True} if i % 2 else {})
        row.update({"propensity": 0.5} if i % 3 == 0 else {})
    small.write_lines(folder / "capture.jsonl", rows)
    with Service(small.answers(), model=small.model_hash()) as service:
        more = small.champion(service.url) + small.ONLY_PARITY + small.labels()
        _, report = judged(small.scenario(folder, service.url, more=more), results, "--as-of", LATE)
    counts = report["quality"][0]["counts"]
    assert (counts["not exposed"], counts["exposure unknown, taken as exposed"]) == (0, 120)
    assert counts["propensity unused, others have none"] == 80
    assert "120 of 240 requests it is not known" in report["quality"][0]["note"]
