"""A finding kept: a script and a test that hold no secret, run nothing of a body, and tell builds apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit import command, small
from tests.kit.reproducing import execute, pytest_of, ran, record, reproduce
from tests.kit.scoring import Scoring, amount_too_high, healthy, model_text

HOSTILE = "it's \"q\" `id` $(touch pwned) \\ \n\t ünï \u202e \U0001f600 ';touch pwned;'"
HEADERS = (
    'headers = { authorization = "env:SERVICE_TOKEN", x-api-key = "literal-hush", x-team = "env:TEAM" }\n'
)


def test_secrets_are_variables_wherever_they_would_be_written(
    folder: Path, results: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not one file and not one line holds a value; with the variables set the script and the test work."""
    monkeypatch.setenv("SERVICE_TOKEN", "Bearer env-hush-$(id)")
    monkeypatch.setenv("TEAM", "team-hush")
    secrets = {"SERVICE_TOKEN": "Bearer env-hush-$(id)", "X_API_KEY": "literal-hush", "TEAM": "team-hush"}
    with ran(folder, results, target=HEADERS, bug=amount_too_high, token=secrets["SERVICE_TOKEN"]) as (
        root,
        live,
    ):
        done = reproduce(root)
        plain = command.run("export-test", root, "F1", "-o", tmp_path / "test_plain.py")
        served = execute(root / "reproduce" / "F1.sh", tmp_path, **secrets)
        headers = live.seen[-1][0]
        refused = execute(root / "reproduce" / "F1.sh", tmp_path)
        wrong = pytest_of(tmp_path / "test_plain.py", REPLAYGATE_TARGET=live.origin, **secrets)
        live.bug = healthy
        right = pytest_of(tmp_path / "test_plain.py", REPLAYGATE_TARGET=live.origin, **secrets)
        monkeypatch.delenv("SERVICE_TOKEN")
        unset = pytest_of(tmp_path / "test_plain.py", REPLAYGATE_TARGET=live.origin)
        live.token = "another"  # noqa: S105  -- and it repeats what it was given
        monkeypatch.setenv("SERVICE_TOKEN", "Bearer env-hush-$(id)")
        told = reproduce(root)
    written = [path.read_text(encoding="utf-8") for path in (root / "reproduce").iterdir()]
    written += [
        (tmp_path / "test_plain.py").read_text(encoding="utf-8"),
        done.out,
        done.err,
        plain.out,
        told.out,
    ]
    assert [text for text in written if "hush" in text] == []
    assert '"authorization: ${SERVICE_TOKEN}"' in done.out
    assert set(record(root)) >= {"reproduced", "tried"}
    assert "[removed]" in told.out
    assert headers["authorization"] == "Bearer env-hush-$(id)"
    assert '"features"' in served.stdout
    assert refused.returncode != 0
    assert (wrong.returncode, right.returncode) == (1, 0), wrong.stdout + right.stdout
    assert "SERVICE_TOKEN" in unset.stdout
    assert "1 skipped" in unset.stdout


def test_hostile_content_survives_the_script_and_the_test(
    folder: Path, results: Path, tmp_path: Path
) -> None:
    """A body with quotes, newlines, substitutions and odd letters arrives as it is, and runs nothing."""
    rows = small.captured()
    rows = [row | {"body": row["body"] | {"country": HOSTILE, HOSTILE: [HOSTILE]}} for row in rows]
    small.write_lines(folder / "capture.jsonl", rows)

    def bug(body: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
        return features | ({"amount": 1e6} if body.get(HOSTILE) == [HOSTILE] else {})

    with ran(folder, results, bug=bug) as (root, live):
        done = reproduce(root)
        shown = command.run("show", root, "--request", record(root)["request_id"])
        command.run("export-test", root, "F1", "-o", tmp_path / "test_hostile.py")
        live.seen.clear()
        served = execute(root / "reproduce" / "F1.sh", tmp_path)
        wrong = pytest_of(tmp_path / "test_hostile.py", REPLAYGATE_TARGET=live.origin)
        live.bug = healthy
        right = pytest_of(tmp_path / "test_hostile.py", REPLAYGATE_TARGET=live.origin)
    assert done.code == shown.code == 0, done.err
    assert served.returncode == 0, served.stderr
    assert json.loads(record(root)["request"]["body"])[HOSTILE] == [HOSTILE]
    assert live.seen[0][1] == live.seen[1][1] == json.loads(record(root)["request"]["body"])
    assert (wrong.returncode, right.returncode) == (1, 0), wrong.stdout + right.stdout
    assert not {"\u202e", "\t"} & {*done.out, *shown.out}


def test_without_a_live_service_a_test_is_made_of_the_run_itself(folder: Path, wrong_copy: Path) -> None:
    """The request as it was captured and what the run found; it fails and passes as the smallest one does."""
    done = command.run("export-test", wrong_copy, "1")
    path = wrong_copy / "reproduce" / "test_f1.py"
    with Scoring(model_text(folder), bug=amount_too_high) as live:
        wrong = pytest_of(path, REPLAYGATE_TARGET=live.origin)
        live.bug = healthy
        right = pytest_of(path, REPLAYGATE_TARGET=live.origin)
        live.refuses = 500
        down = pytest_of(path, REPLAYGATE_TARGET=live.origin)
    skipped = pytest_of(path)
    assert done.code == 0, done.err
    assert "as it was captured" in done.err
    assert (wrong.returncode, right.returncode, down.returncode) == (1, 0, 1), wrong.stdout + right.stdout
    assert "amount: expected" in wrong.stdout
    assert "HTTP 500" in down.stdout
    assert "set REPLAYGATE_TARGET" in skipped.stdout
    assert "1 skipped" in skipped.stdout


def test_a_file_of_ones_own_is_not_written_over(wrong_copy: Path, tmp_path: Path) -> None:
    """An exported test is replaced, anything else is 64; so is a folder."""
    root = wrong_copy
    mine = tmp_path / "test_mine.py"
    assert command.run("export-test", root, "F1", "-o", mine).code == 0
    assert command.run("export-test", root, "F1", "-o", mine).code == 0
    mine.write_text("# my own\n", encoding="utf-8")
    refused = command.run("export-test", root, "F1", "-o", mine)
    onto = command.run("export-test", root, "F1", "-o", tmp_path)
    assert (refused.code, onto.code) == (64, 64)
    assert "did not write" in refused.complaint
    assert mine.read_text(encoding="utf-8") == "# my own\n"
