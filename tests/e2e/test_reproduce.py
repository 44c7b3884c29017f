"""A finding shown again on the live service by the smallest request."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.kit import command, small
from tests.kit.reproducing import pytest_of, ran, record, reproduce
from tests.kit.scoring import Bug, Scoring, amount_too_high, healthy, model_text, no_visits


def test_a_finding_is_reduced_to_the_fields_it_needs(folder: Path, results: Path) -> None:
    """Country makes it, amount shows it, the pipeline asks for the others; the user goes."""
    with ran(folder, results, bug=amount_too_high, insists=("age",)) as (root, live):
        done = reproduce(root)
        asked = len(live.seen)
    found = record(root)
    assert done.code == 0, done.err
    assert "REPRODUCED by request" in done.out
    assert json.loads(found["request"]["body"]) == {
        "amount": json.loads(found["request"]["body"])["amount"],
        "age": None,
        "visits": None,
        "country": "fr",
    }
    whys = {part["path"]: (part["matters"], part["without"]) for part in found["parts"]}
    assert whys["country"] == (True, "served as expected")
    assert whys["visits"] == (False, "the offline pipeline raises KeyError: \"['visits'] not in index\"")
    assert found["minimal"] is True
    assert (found["before"], found["after"], found["sends"]) == (5, 4, asked)
    (amount, score) = found["mismatches"]
    assert float(amount["served"]) == float(amount["expected"]) + 1
    assert amount["field"] == "amount"
    assert score["field"] == "score"
    assert found["request"]["headers"].keys() == {"content-type", "x-debug-features", "x-shadow-replay"}
    assert f"wrote {root / 'reproduce' / 'F1.sh'}" in done.out


def test_what_has_been_mended_is_said_to_be_gone(buggy: tuple[Path, Scoring]) -> None:
    """No exemplar shows it any more: each is told, the record says so, and no script is left."""
    root, live = buggy
    assert reproduce(root, "F1").code == 0
    live.bug = healthy
    done = reproduce(root, "f1")
    assert done.code == 0
    assert "NOT REPRODUCED: no exemplar shows it any more." in done.out
    assert done.out.count("served as expected") == 5
    assert record(root)["reproduced"] is False
    assert not (root / "reproduce" / "F1.sh").exists()
    assert command.run("decide", root).code == 10


def test_another_bug_on_the_way_is_not_taken_for_the_finding(folder: Path, results: Path) -> None:
    """Without age this service doubles amount: a difference, but not the one that is looked for."""

    def double(body: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
        return (
            features | {"amount": 2 * features["amount"]}
            if body.get("age") is None
            else wrong(body, features)
        )

    wrong: Bug = amount_too_high
    (folder / "features.py").write_text(
        "def build(requests, data):\n"
        '    return requests.reindex(columns=["amount", "age", "visits"]).astype(float)\n',
        encoding="utf-8",
    )
    with ran(folder, results, bug=double) as (root, _):
        assert reproduce(root).code == 0
    found = record(root)
    body = json.loads(found["request"]["body"])
    assert body["age"] is not None
    assert {part["path"]: part["without"] for part in found["parts"]}["age"] == "something else differs"
    assert "visits" not in body


def test_a_field_that_is_left_out_and_a_score_of_its_own_are_reproduced(folder: Path, results: Path) -> None:
    """A missing feature keeps the echo header; a wrong score does not need it."""
    with ran(folder, results, bug=no_visits) as (root, live):
        assert reproduce(root).code == 0
        missing = record(root)
        live.bug = healthy
    shutil.rmtree(results)
    with ran(folder, results, score_bug=lambda score: 1 - score) as (root, live):
        assert reproduce(root).code == 0
        flipped = record(root)
        exported = command.run("export-test", root, "F1", "-o", folder / "test_flipped.py")
        wrong = pytest_of(folder / "test_flipped.py", REPLAYGATE_TARGET=live.origin)
        live.score_bug = float
        right = pytest_of(folder / "test_flipped.py", REPLAYGATE_TARGET=live.origin)
    assert missing["mismatches"][0]["served"] == "missing"
    assert "x-debug-features" in missing["request"]["headers"]
    assert flipped["fields"] == ["score"]
    assert "x-debug-features" not in flipped["request"]["headers"]
    assert (exported.code, wrong.returncode, right.returncode) == (0, 1, 0), wrong.stdout + right.stdout


def test_the_bounds_are_kept_and_said(buggy: tuple[Path, Scoring]) -> None:
    """After so many sends it stops with the smallest request so far; that is not called minimal."""
    root, live = buggy
    done = reproduce(root, "--max-sends", 4)
    asked = len(live.seen)
    none = reproduce(root, "--max-seconds", "0.000001")
    found = record(root)
    assert asked == 4
    assert "perhaps not the fewest: stopped after 4 sends (--max-sends)" in " ".join(done.out.split())
    assert none.code == 0
    assert found["minimal"] is False
    assert "--max-seconds" in found["stopped"]


@pytest.mark.parametrize(("status", "sends"), [(503, 3), (500, 5)])
def test_a_service_in_trouble_is_left_alone(status: int, sends: int, buggy: tuple[Path, Scoring]) -> None:
    """Not now, three times in a row, ends it; an error of its own is an answer for each exemplar."""
    root, live = buggy
    live.refuses = status
    done = reproduce(root)
    assert len(live.seen) == sends
    assert done.code == 0
    assert "NOT REPRODUCED" in done.out
    assert f"HTTP {status}" in done.out


def test_a_service_that_is_gone_is_69(wrong_copy: Path) -> None:
    """Nothing listens there any more."""
    done = reproduce(wrong_copy)
    assert done.code == 69
    assert "does not answer" in done.complaint


def test_a_challenger_is_reproduced_against_the_champion(folder: Path, results: Path) -> None:
    """Without an offline model the champion is asked beside it, the same reduced request."""
    with Scoring(model_text(folder)) as old, Scoring(model_text(folder), bug=amount_too_high) as new:
        path = small.scenario(folder, new.url, more=small.champion(old.url))
        text = path.read_text(encoding="utf-8")
        head, tail = text.split("[targets.champion]")
        path.write_text(head.replace('model = "model"\n', "") + "[targets.champion]" + tail, encoding="utf-8")
        command.run("run", path, "--results", results, "--phase", "parity", "-q")
        root = command.only_run(results)
        old.seen.clear()
        done = reproduce(root)
        asked = len(old.seen)
        exported = command.run("export-test", root, "F1")
    found = record(root)
    assert done.code == exported.code == 0, done.err
    assert found["against"] == "champion"
    assert asked > 3
    assert set(json.loads(found["request"]["body"])) == {"amount", "country"}
