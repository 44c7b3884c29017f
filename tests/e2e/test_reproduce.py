"""A finding looked at, shown again on the live service by the smallest request, and kept as a test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness import capture
from harness.run.folder import RunFolder
from tests.kit import command, small
from tests.kit.command import Done
from tests.kit.scoring import Bug, Scoring, amount_too_high, healthy, model_text, no_visits

HOSTILE = "it's \"q\" `id` $(touch pwned) \\ \n\t ünï \u202e \U0001f600 ';touch pwned;'"


@contextlib.contextmanager
def ran(
    folder: Path,
    results: Path,
    *,
    target: str = "",
    more: str = "",
    **service: Any,  # noqa: ANN401  -- the fields of Scoring
) -> Iterator[tuple[Path, Scoring]]:
    """A finished parity run against a live service, which stays up."""
    with Scoring(model_text(folder), **service) as live:
        path = small.scenario(folder, live.url, more=more)
        text = path.read_text(encoding="utf-8").replace("timeout_s = 20\n", f"timeout_s = 20\n{target}", 1)
        path.write_text(text, encoding="utf-8")
        done = command.run("run", path, "--results", results, "--phase", "parity", "-q")
        assert done.code in {10, 20}, done.err
        live.seen.clear()
        yield command.only_run(results), live


def reproduce(root: Path, *arguments: object) -> Done:
    """The command, as fast as the machine allows."""
    return command.run("reproduce", root, *arguments, "--rate", 1000)


def record(root: Path, name: str = "F1") -> dict[str, Any]:
    """The JSON that reproduce writes."""
    found: dict[str, Any] = json.loads((root / "reproduce" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def pytest_of(path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """An exported test run by pytest in a process of its own, in a folder of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    arguments = ["-q", "-rs", "-p", "no:cacheprovider", "-p", "no:randomly", "--rootdir", path.parent, path]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, arguments)],
        cwd=path.parent,
        env=clean | environ,
        check=False,
        capture_output=True,
        text=True,
    )


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


def test_what_has_been_mended_is_said_to_be_gone(folder: Path, results: Path) -> None:
    """No exemplar shows it any more: each is told, the record says so, and no script is left."""
    with ran(folder, results, bug=amount_too_high) as (root, live):
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


def test_the_bounds_are_kept_and_said(folder: Path, results: Path) -> None:
    """After so many sends it stops with the smallest request so far; that is not called minimal."""
    with ran(folder, results, bug=amount_too_high) as (root, live):
        done = reproduce(root, "--max-sends", 4)
        asked = len(live.seen)
        none = reproduce(root, "--max-seconds", "0.000001")
    found = record(root)
    assert asked == 4
    assert "perhaps not the fewest: stopped after 4 sends (--max-sends)" in done.out
    assert none.code == 0
    assert found["minimal"] is False
    assert "--max-seconds" in found["stopped"]


@pytest.mark.parametrize(("status", "sends"), [(503, 3), (500, 5)])
def test_a_service_in_trouble_is_left_alone(status: int, sends: int, folder: Path, results: Path) -> None:
    """Not now, three times in a row, ends it; an error of its own is an answer for each exemplar."""
    with ran(folder, results, bug=amount_too_high) as (root, live):
        live.refuses = status
        done = reproduce(root)
        assert len(live.seen) == sends
    assert done.code == 0
    assert "NOT REPRODUCED" in done.out
    assert f"HTTP {status}" in done.out


def test_a_service_that_is_gone_is_69(folder: Path, results: Path) -> None:
    """Nothing listens there any more."""
    with ran(folder, results, bug=amount_too_high) as (root, _):
        pass
    done = reproduce(root)
    assert done.code == 69
    assert "does not answer" in done.complaint


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


def execute(script: Path, here: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A script that reproduce wrote, run by sh in an empty folder; skips loudly without curl."""
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: there is no curl to run the script with")
    empty = here / "empty"
    empty.mkdir(exist_ok=True)
    done = subprocess.run(
        [shutil.which("sh") or "sh", str(script)],
        cwd=empty,
        env={"PATH": os.environ["PATH"], **environ},
        check=False,
        capture_output=True,
        text=True,
    )
    assert list(empty.iterdir()) == []
    return done


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


def test_without_a_live_service_a_test_is_made_of_the_run_itself(folder: Path, results: Path) -> None:
    """The request as it was captured and what the run found; it fails and passes as the smallest one does."""
    with ran(folder, results, bug=amount_too_high) as (root, _):
        pass
    done = command.run("export-test", root, "1")
    path = root / "reproduce" / "test_f1.py"
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


def test_a_file_of_ones_own_is_not_written_over(folder: Path, results: Path, tmp_path: Path) -> None:
    """An exported test is replaced, anything else is 64; so is a folder."""
    with ran(folder, results, bug=amount_too_high) as (root, _):
        mine = tmp_path / "test_mine.py"
        assert command.run("export-test", root, "F1", "-o", mine).code == 0
        assert command.run("export-test", root, "F1", "-o", mine).code == 0
        mine.write_text("# my own\n", encoding="utf-8")
        refused = command.run("export-test", root, "F1", "-o", mine)
        onto = command.run("export-test", root, "F1", "-o", tmp_path)
    assert (refused.code, onto.code) == (64, 64)
    assert "did not write" in refused.complaint
    assert mine.read_text(encoding="utf-8") == "# my own\n"


def test_one_request_is_shown_side_by_side(folder: Path, results: Path) -> None:
    """By its id and by its seq, in a terminal and as JSON: cells, marks, classes, causes and answers."""
    with ran(folder, results, bug=amount_too_high) as (root, _):
        pass
    by_id, by_seq = (command.run("show", root, "--request", one) for one in ("r000", "0"))
    data = json.loads(command.run("show", root, "--request", "r000", "--format", "json").out)
    calm = command.run("show", root, "--request", "r001")
    assert by_id.code == 0
    assert by_id.out == by_seq.out
    fields = {one["field"]: one for one in data["fields"]}
    amount = fields["amount"]
    assert amount["values"]["challenger"] == amount["values"]["offline:model"] + 1
    assert amount["differs"]["challenger"] == {
        "against": "offline:model",
        "kind": "value",
        "magnitude": 1.0,
        "findings": ["F1"],
        "causes": ["off_by_one"],
    }
    assert fields["age"]["differs"] == {}
    assert data["body"] == small.captured()[0]["body"]
    assert [one["arm"] for one in data["answers"]] == ["offline:model", "challenger"]
    assert data["answers"][1]["state"] == "ok"
    assert "≠" in by_id.out
    assert "F1 off by one" in by_id.out
    assert "Nothing differs on this request." in calm.out


def test_the_findings_are_listed_with_their_requests(folder: Path, results: Path) -> None:
    """Numbers, sentences and commands; JSON by number; a run without findings says so."""
    with ran(folder, results, bug=amount_too_high) as (root, _):
        pass
    listed = command.run("show", root)
    data = json.loads(command.run("show", root, "--format", "json").out)
    assert listed.out.startswith("F1  challenger vs offline:model: amount")
    assert "r000" in listed.out
    assert f"replaygate reproduce {root} F1" in listed.out
    assert list(data) == ["F1"]
    assert f"replaygate reproduce {root} F1" in (root / "report.md").read_text(encoding="utf-8").replace(
        "\\_", "_"
    )
    assert f"replaygate reproduce {root} F1" in (root / "report.html").read_text(encoding="utf-8")


def test_a_run_without_findings_has_nothing_to_reproduce(finished: Path) -> None:
    """Said in one line; show lists none."""
    assert "No findings" in command.run("show", finished).out
    for name in ("reproduce", "export-test"):
        done = command.run(name, finished, "F1")
        assert done.code == 64
        assert "no findings" in done.complaint


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (("show", "RUN", "--request", "r00"), 64, "Did you mean r"),
        (("show", "RUN", "--request", "zzzzzz"), 64, "See some with"),
        (("show", "RUN", "--request", "240"), 64, "0 to 239"),
        (("show", "RUN", "--request", "-1"), 64, "no request '-1'"),
        (("show", "RUN", "--request", "²"), 64, "no request"),
        (("show", "RUN", "--request", ""), 64, "no request ''"),
        (("show", "RUN", "--format", "yaml"), 64, "yaml"),
        (("show", "NOWHERE"), 65, "not a run"),
        (("reproduce", "RUN", "F9"), 64, "expected F1"),
        (("reproduce", "RUN", "F0"), 64, "no finding 'F0'"),
        (("reproduce", "RUN", "x\x1b[31m"), 64, "no finding"),
        (("reproduce", "RUN", "--max-sends", "0"), 64, "max-sends"),
        (("reproduce", "RUN", "--max-seconds", "0"), 64, "max-seconds"),
        (("reproduce", "RUN", "--rate", "nan"), 64, "--rate"),
        (("reproduce", "RUN", "--max-seconds", "inf"), 64, "--max-seconds"),
        (("reproduce", "NOWHERE"), 65, "not a run"),
        (("export-test", "RUN"), 64, "FINDING"),
        (("export-test", "RUN", "F2"), 64, "no finding 'F2'"),
        (("export-test", "NOWHERE", "F1"), 65, "not a run"),
    ],
)
def test_every_bad_input_is_one_line(
    arguments: tuple[str, ...], code: int, needle: str, wrong_run: Path
) -> None:
    """With its exit code, and nothing is written."""
    places = {"RUN": wrong_run, "NOWHERE": wrong_run / "nowhere"}
    before = sorted(wrong_run.rglob("*"))
    done = command.run(*(places.get(one, one) for one in arguments))
    assert done.code == code, done.err
    assert needle in done.complaint
    assert "\x1b" not in done.err
    assert sorted(wrong_run.rglob("*")) == before


@pytest.fixture(scope="module")
def wrong_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one finding, whose service is gone; only to be read."""
    here = tmp_path_factory.mktemp("wrong")
    with ran(small.make(here / "scenario"), here / "results", bug=amount_too_high) as (root, _):
        return root


def _bodies(change: Callable[[str], str]) -> Callable[[Path], None]:
    """Every captured body replaced in the run's capture."""

    def spoil(root: Path) -> None:
        part = root / "capture" / "part-00000.parquet"
        rows = [
            msgspec.structs.replace(one, body=change(one.body.decode()).encode())
            for one in capture.requests(capture.load(root / "capture"))
        ]
        RunFolder(root).write(capture.to_table(rows), part)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "code", "needle"),
    [
        pytest.param(_bodies(lambda _: ""), 65, "its body is absent", id="absent body"),
        pytest.param(_bodies(lambda _: "[redacted]"), 65, "its body is not JSON", id="redacted body"),
        pytest.param(lambda r: (r / "report.json").unlink(), 65, "the run has no report", id="no report"),
        pytest.param(lambda r: shutil.rmtree(r / "capture"), 65, "capture", id="no capture"),
        pytest.param(lambda r: shutil.rmtree(r / "differences"), 65, "differences", id="no comparison"),
    ],
)
def test_a_run_that_cannot_be_asked_for_again_says_why(
    spoil: Callable[[Path], object], code: int, needle: str, wrong_run: Path, tmp_path: Path
) -> None:
    """One line about what is missing, and nothing is sent or written."""
    root = tmp_path / "run"
    shutil.copytree(wrong_run, root)
    spoil(root)
    for name in ("reproduce", "export-test"):
        done = command.run(name, root, "F1")
        assert done.code == code, done.err + done.out
        assert needle in done.complaint
    assert not (root / "reproduce").exists()
