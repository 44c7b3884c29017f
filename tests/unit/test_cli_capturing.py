"""`replaygate capture`: taken in, looked at, given out, and refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit import captures, command


@pytest.fixture
def gor(tmp_path: Path) -> Path:
    """A GoReplay file with two requests, one of them with a cookie."""
    path = tmp_path / "in" / "c_0.gor"
    path.parent.mkdir()
    path.write_bytes(captures.goreplay().replace(b"Host: h", b"Cookie: c", 1))
    return path


def test_import_info_and_export_work_together(gor: Path, tmp_path: Path) -> None:
    """A folder goes in, credentials stay out, and what is given out says the same."""
    done = command.run("capture", "import", gor.parent, "--to", tmp_path / "c.parquet")
    assert done.code == 0
    assert "2, 2 with an answer, 2 of them timed" in done.out
    assert "cookie of 1" in done.out
    for ending in ("jsonl", "har", "gor"):
        assert (
            command.run("capture", "export", tmp_path / "c.parquet", "--to", tmp_path / f"c.{ending}").code
            == 0
        )
    said = json.loads(command.run("capture", "info", tmp_path / "c.har", tmp_path / "c.jsonl", "--json").out)
    assert said["requests"] == 2
    assert said["dropped"] == {"duplicate request_id": 2}
    assert list(said["formats"].values()) == ["har", "replaygate"]


def test_what_a_gor_file_cannot_say_is_told(tmp_path: Path) -> None:
    """Weights and units have no place in an HTTP message."""
    line = {"request_id": "r", "ts_ns": 1, "body": 1, "unit": "u", "sampling_weight": 2}
    (tmp_path / "c.jsonl").write_text(json.dumps(line) + "\n")
    done = command.run("capture", "export", tmp_path / "c.jsonl", "--to", tmp_path / "c.gor")
    assert "not in a .gor file: sampling_weight of 1, unit of 1" in done.out


def test_losses_are_counted_bounded_and_listed(gor: Path, tmp_path: Path) -> None:
    """One lost record is borne, two are not, unless one says so; the ledger has each with its offset."""
    gor.write_bytes(b"1 x 5\nno\n" + captures.SEPARATOR.encode() + captures.goreplay() + b"junk")
    out, ledger = tmp_path / "c.jsonl", tmp_path / "lost.jsonl"
    done = command.run("capture", "import", gor, "--to", out)
    assert done.code == 65
    assert "2 of 4 records are lost" in done.complaint
    assert not list(tmp_path.glob("c.jsonl*"))
    done = command.run("capture", "import", gor, "--to", out, "--max-bad-share", 1, "--ledger", ledger)
    assert done.code == 0
    assert "dropped:           cut short 1, not a record 1" in done.out
    assert json.loads(ledger.read_text().splitlines()[0])["offset"] == 0


def test_labels_of_a_capture_go_where_they_are_asked_to(tmp_path: Path) -> None:
    """Ground truth becomes a labels file."""
    (tmp_path / "s.jsonl").write_bytes(captures.sagemaker())
    done = command.run(
        *(
            "capture",
            "import",
            tmp_path / "s.jsonl",
            "--to",
            tmp_path / "c.jsonl",
            "--labels-to",
            tmp_path / "l.jsonl",
        )
    )
    assert "l.jsonl: 1 label\n" in done.out
    assert json.loads((tmp_path / "l.jsonl").read_text())["request_id"] == "e0"


RULES = """[redact]
key = "env:REDACT_KEY"
fields = { request_id = "hash" }
paths = { mail = "hash" }
"""


def test_labels_ledger_and_screen_are_redacted_as_the_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels join by the hashed ids, and no text of a dropped record is told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDACT_KEY", "k" * 32)
    Path("rules.toml").write_text(RULES)
    Path("c.csv").write_text(
        "id,when,amount,known_at,label\nann@x.org,1750000000123,1.5,2025-06-20T10:00:00Z,1\n"
        "Bob Ray,1750000000124,2,2025-06-20T10:00:00Z,0\nann@x.org,1750000000125,3,,\n"
    )
    Path("map.toml").write_text(command.run("capture", "info", "c.csv").out)
    done = command.run(
        *("capture", "import", "c.csv", "--map", "map.toml", "--redact", "rules.toml", "--to", "o.jsonl"),
        *("--labels-to", "l.jsonl", "--ledger", "led.jsonl"),
    )
    assert (done.code, "duplicate request_id 1" in done.out) == (0, True)
    ids, labelled = (
        [json.loads(line)["request_id"] for line in Path(name).read_text().splitlines()]
        for name in ("o.jsonl", "l.jsonl")
    )
    assert ids == labelled
    told = done.out + Path("l.jsonl").read_text() + Path("led.jsonl").read_text()
    assert not [name for name in ("ann@", "Bob") if name in told]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("info", "missing"), 65, "no such file"),
        (("info", "c.txt"), 65, "no capture format that is known"),
        (("info", "c.txt", "--format", "hat"), 64, "did you mean 'har'?"),
        (("import", "c.txt", "--to", "x.jsonl", "--format", "har"), 65, "no request"),
        (("import", "c.txt", "--to", "x.gor", "--format", "har"), 64, "unknown kind of file"),
        (("export", "c.txt", "--to", "x.csv"), 64, "unknown kind of file"),
        (("import", "c.txt"), 64, "--to"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do, and no trace of a file."""
    monkeypatch.chdir(tmp_path)
    Path("c.txt").write_text("nothing known")
    done = command.run("capture", *words)
    assert done.code == code
    assert said in done.complaint
    assert [one.name for one in tmp_path.iterdir()] == ["c.txt"]


def test_any_table_comes_in_by_a_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at, a map proposed and saved, tried, imported with its labels."""
    monkeypatch.chdir(tmp_path)
    Path("access.csv").write_text(
        "id,when,amount,known_at,label\na,1750000000123,1.5,2025-06-20T10:00:00Z,1\nb,1750000000124,2,,\n"
    )
    done = command.run("capture", "info", "access.csv")
    assert done.code == 0
    Path("map.toml").write_text(done.out)
    dry = command.run("capture", "info", "access.csv", "--map", "map.toml")
    assert "requests:          2" in dry.out
    assert "labels:            1" in dry.out
    done = command.run(
        *("capture", "import", "access.csv", "--map", "map.toml", "--to", "c.jsonl", "--labels-to", "l.jsonl")
    )
    assert done.code == 0
    assert json.loads(Path("c.jsonl").read_text().splitlines()[0])["body"] == {"amount": 1.5}
    assert json.loads(Path("l.jsonl").read_text())["label"] == 1
    done = command.run("capture", "labels", "access.csv", "--map", "map.toml", "--to", "l2.jsonl")
    assert Path("l2.jsonl").read_bytes() == Path("l.jsonl").read_bytes()
    done = command.run("capture", "info", "access.csv", "--map", "map.toml", "--map", "ts_ms=whn")
    assert (done.code, "Did you mean 'when'?" in done.complaint) == (64, True)
    done = command.run("capture", "info", "access.csv", "--map", "map.toml", "--format", "har")
    assert (done.code, "exclude each other" in done.complaint) == (64, True)


def test_batches_are_recommended_to_be_taken_apart(tmp_path: Path) -> None:
    """`info` counts them, `import --explode` makes a request of each row."""
    line = {"request_id": "r", "ts_ns": 1, "body": {"instances": [1, 2]}}
    (tmp_path / "c.jsonl").write_text(json.dumps(line) + "\n")
    assert "1 request holds 2 rows" in command.run("capture", "info", tmp_path / "c.jsonl").out
    said = json.loads(command.run("capture", "info", tmp_path / "c.jsonl", "--json").out)
    assert (said["batches"], said["rows_of_batches"]) == (1, 2)
    done = command.run("capture", "import", tmp_path / "c.jsonl", "--explode", "--to", tmp_path / "d.jsonl")
    assert "requests:          2" in done.out
    rows = [json.loads(one) for one in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert [(one["row_index"], one["parent_id"]) for one in rows] == [(0, "r"), (1, "r")]


def test_what_a_recorder_dropped_goes_along(tmp_path: Path) -> None:
    """Into what is imported, and from there into what is exported."""
    calls = tmp_path / "calls"
    calls.mkdir()
    (calls / "c.jsonl").write_text('{"request_id": "r", "ts_ns": 1, "body": 1}\n')
    (calls / "_counts-20260102T030405Z-7.json").write_text('{"dropped": {"queue full": 9}}')
    assert command.run("capture", "import", calls, "--to", tmp_path / "i.parquet").code == 0
    assert command.run("capture", "export", tmp_path / "i.parquet", "--to", tmp_path / "x.gor").code == 0
    said = json.loads(command.run("capture", "info", tmp_path / "x.gor", "--json").out)
    assert said["not_recorded"] == {"recorder: queue full": 9}
