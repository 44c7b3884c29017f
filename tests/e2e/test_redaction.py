"""Redaction and sampling by the command line: import, scan, hash, and a run whose capture is redacted."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit import command, small
from tests.kit.command import report_of, rulings
from tests.kit.service import Answers, Service

KEY = "0123456789abcdef0123"
RULES = """
[redact]
key = "env:REDACT_KEY"
fields = { unit = "hash" }
classes = { email = "hash" }

[redact.paths]
"user.name" = "mask"
"user.nmae" = "mask"

[sample]
share = 0.5
by = "unit"
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDACT_KEY", KEY)


def capture(path: Path) -> Path:
    """Forty requests of twenty units, with a name, an address and a header of the team's own."""
    rows = [
        {
            "request_id": f"u{n % 20}@x.org/{n}",
            "ts": f"2025-06-18T20:40:{n:02}Z",
            "unit": f"u{n % 20}",
            "headers": {"x-team": "a", "accept": "b"},
            "body": {"user": {"name": "Bob", "mail": f"u{n % 20}@x.org"}, "x": n},
        }
        for n in range(40)
    ]
    return small.write_lines(path, rows)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_an_import_is_sampled_redacted_told_and_clean(tmp_path: Path, ending: str) -> None:
    """Labels join again once they are hashed, and a scan finds nothing that was there before."""
    source, rules, out = capture(tmp_path / "c.jsonl"), tmp_path / "r.toml", tmp_path / f"o.{ending}"
    rules.write_text(RULES)
    ledger = tmp_path / "ledger.jsonl"
    arguments = ("capture", "import", source, "--format", "replaygate", "--to", out, "--redact", rules)
    dry = command.run(*arguments, "--dry-run")
    assert (dry.code, out.exists()) == (0, False)
    done = command.run(*arguments, "--keep-header", "x-none", "--ledger", ledger)
    assert done.code == 0, done.err
    for line in ("of 40 requests, weights kept", "x-team of", "body:user.mail of", "paths.user.nmae"):
        assert line in done.out
    counted = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert {row["what"] for row in counted} == {"redacted", "header left out", "sampled"}
    before, after = (command.run("capture", "scan", path, "--redact", rules) for path in (source, out))
    assert (before.code, after.code) == (65, 0), after.out
    assert "line 1: email" in before.out
    assert "@x.org" not in before.out + before.err
    command.run("capture", "export", out, "--to", tmp_path / "back.jsonl")
    kept = [json.loads(line) for line in (tmp_path / "back.jsonl").read_text().splitlines()]
    assert {row["sampling_weight"] for row in kept} == {2.0}
    assert {row["headers"]["accept"] for row in kept} == {"b"}
    labels = small.write_lines(
        tmp_path / "l.jsonl",
        [
            {"request_id": f"u{n % 20}@x.org/{n}", "label": 1, "label_at": "2025-07-01T00:00:00Z"}
            for n in range(40)
        ],
    )
    hashed = command.run("capture", "hash", labels, "--redact", rules, "--to", tmp_path / "h.jsonl")
    assert hashed.code == 0, hashed.err
    ids = {json.loads(line)["request_id"] for line in (tmp_path / "h.jsonl").read_text().splitlines()}
    assert {row["request_id"] for row in kept} < ids


def test_a_sample_by_the_command_line_has_its_floor(tmp_path: Path) -> None:
    """Each slice keeps its first for sure."""
    out = tmp_path / "o.jsonl"
    done = command.run(
        *("capture", "import", capture(tmp_path / "c.jsonl"), "--format", "replaygate", "--to", out),
        *("--sample", "0.0001", "--sample-strata", "body:user.mail", "--sample-floor", "1"),
    )
    assert done.code == 0, done.err
    assert len(out.read_text().splitlines()) == 20


@pytest.mark.parametrize(
    ("rules", "words", "code"),
    [
        ("[redact]\npath = {}", "unknown field `path`", 64),
        ('[redact]\nkey = "env:NO_KEY"\nfields = { unit = "hash" }', "NO_KEY, which is not set", 64),
        ('[redact]\nfields = { request_id = "drop_request" }', "", 0),
    ],
)
def test_rules_that_cannot_be_used_are_told(tmp_path: Path, rules: str, words: str, code: int) -> None:
    """Before anything is written."""
    (tmp_path / "r.toml").write_text(rules)
    done = command.run(
        *("capture", "import", capture(tmp_path / "c.jsonl"), "--format", "replaygate"),
        *("--to", tmp_path / "o.jsonl", "--redact", tmp_path / "r.toml"),
    )
    if code:
        assert done.code == code
        assert words in done.complaint
    else:
        assert done.code == 65
        assert "nothing is left" in done.complaint
    assert not (tmp_path / "o.jsonl").exists()


def judged(
    folder: Path, results: Path, *, answers: Answers, rules: str
) -> tuple[command.Done, dict[str, Any] | None]:
    """A parity run over a capture that its scenario redacts."""
    with Service(answers, model=small.model_hash()) as one:
        path = small.scenario(folder, one.url, more=small.ONLY_PARITY + rules)
        done = command.run("run", path, "--phase", "parity", "--results", results)
    root = command.only_run(results)
    return done, report_of(root) if (root / "report.json").exists() else None


def reference(report: dict[str, Any]) -> dict[str, Any]:
    """The verdict on the offline reference."""
    (found,) = (gate for gate in report["gates"] if gate["gate"] == "offline_reference")
    return dict(found)


def test_a_redacted_run_is_as_good_where_nothing_feeds_the_model(folder: Path, results: Path) -> None:
    """The user is hashed, the requests still cluster by it, and no file of the run names one."""
    rules = (
        '\n[capture.redact]\nkey = "env:REDACT_KEY"\nfields = { unit = "hash" }\npaths = { user = "hash" }\n'
    )
    done, report = judged(folder, results, answers=small.answers(), rules=rules)
    assert report is not None, done.err
    assert reference(report)["ruling"] == "PASS"
    assert rulings(report)["score_parity"] == "PASS"
    assert "body:user of 240 requests" in done.err + done.out


def test_a_redacted_input_of_the_model_never_passes_silently(folder: Path, results: Path) -> None:
    """Both sides would read the same mask, and agree."""
    rules = '\n[capture.redact.paths]\nvisits = "mask"\n'
    done, report = judged(folder, results, answers=small.answers(), rules=rules)
    assert report is not None, done.err
    assert done.code != 0
    found = reference(report)
    assert found["ruling"] == "UNDECIDED"
    assert found["reason"].startswith(
        "240 of 240 requests: body:visits was redacted and feeds visits: parity"
    )


def test_a_run_into_which_a_service_leaks_has_no_report(folder: Path, results: Path) -> None:
    """What comes back is searched too."""
    leaking = copy.deepcopy(small.answers())
    next(iter(leaking.values()))["contact"] = "bob@x.org"
    done, report = judged(folder, results, answers=leaking, rules="\n[capture.redact]\n")
    assert (done.code, report) == (65, None), done.out
    assert "what should have been redacted is still there" in done.complaint
    assert "bob@x.org" not in done.out + done.err
