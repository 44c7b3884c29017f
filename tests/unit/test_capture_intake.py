"""The first step of a run: parts on disk, counts that add up, and captures that cannot be used."""

import gzip
import hashlib
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from harness import columns
from harness.capture import BadLine, CaptureConfig, in_sample, ingest, load, requests
from harness.capture import intake as intake_module
from harness.capture.live.redaction import Redactor
from harness.capture.live.rules import Rules
from harness.errors import CaptureError
from harness.records import CapturedRequest

CONFIG = CaptureConfig(path="c.jsonl")


def line(request_id: str, ts: str = "2025-06-18T20:40:45Z", **fields: object) -> str:
    """One line of a capture."""
    return json.dumps({"request_id": request_id, "ts": ts, "body": {}} | fields)


def write_lines(folder: Path, *lines: str) -> Path:
    """A capture of these lines."""
    path = folder / "c.jsonl"
    path.write_text("".join(text + "\n" for text in lines), encoding="utf-8")
    return path


def kept(folder: Path) -> list[CapturedRequest]:
    """The requests that an intake wrote."""
    return list(requests(load(folder)))


def test_bad_lines_are_told_without_their_text_where_there_are_rules(tmp_path: Path) -> None:
    """The text may be cut, or no JSON, so that no rule can be asked about it."""
    path = write_lines(tmp_path, line("a"), line("Bob Ray"), line("Bob Ray"))
    config = CaptureConfig(path="c", max_bad_share=1)
    (plain,) = ingest(path, config, tmp_path / "out", seed=1).worst
    assert "Bob Ray" in plain.detail
    (worst,) = ingest(path, config, tmp_path / "out", seed=1, redactor=Redactor(Rules())).worst
    assert (worst.reason, "Bob" in worst.detail) == ("duplicate request_id", False)
    with pytest.raises(CaptureError) as caught:
        ingest(path, CONFIG, tmp_path / "out", seed=1, redactor=Redactor(Rules()))
    assert "Bob" not in str(caught.value)


def test_a_capture_becomes_parts_in_order_of_seq(tmp_path: Path) -> None:
    """Parts are full but for the last, of the run's schema, and `seq` runs through them."""
    path = write_lines(tmp_path, *(line(f"r{n}", unit=f"u{n}") for n in range(7)))
    intake = ingest(path, CONFIG, tmp_path / "out", seed=1, part_rows=3)
    assert intake.parts == ("part-00000.parquet", "part-00001.parquet", "part-00002.parquet")
    assert [columns.read(tmp_path / "out" / part).num_rows for part in intake.parts] == [3, 3, 1]
    assert load(tmp_path / "out").schema.equals(columns.CAPTURE)
    assert [(r.seq, r.request_id, r.source_offset) for r in kept(tmp_path / "out")] == [
        (n, f"r{n}", n + 1) for n in range(7)
    ]


def test_the_counts_add_up_and_the_worst_are_named(tmp_path: Path) -> None:
    """Lines are parsed or bad; times are over the sample, the resolution is the coarsest."""
    path = write_lines(
        tmp_path,
        line("a", ts="2025-06-18T20:40:46.5Z"),
        "",
        "{",
        line("b"),
        line("b"),
        line("c", ts="yesterday"),
        line("d", ts="2025-06-18T20:40:47.123456Z"),
    )
    intake = ingest(path, CaptureConfig(path="c", max_bad_share=0.5), tmp_path / "out", seed=1)
    assert (intake.lines, intake.parsed, intake.sampled) == (6, 3, 3)
    assert intake.bad == {"bad time": 1, "duplicate request_id": 1, "not JSON": 1}
    assert intake.worst[0] == BadLine(
        file="c.jsonl", line=3, reason="not JSON", detail="Input data was truncated"
    )
    assert [bad.line for bad in intake.worst] == [3, 5, 6]
    assert intake.first_ts_ns == 1_750_279_245_000_000_000
    assert intake.last_ts_ns == 1_750_279_247_123_456_000
    assert intake.resolution_ns == 10**9
    assert intake.sha256 == {"c.jsonl": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_only_the_first_bad_lines_are_kept(tmp_path: Path) -> None:
    """A million bad lines are a count, not a million details."""
    path = write_lines(tmp_path, line("a"), *["{"] * 30)
    intake = ingest(path, CaptureConfig(path="c", max_bad_share=1), tmp_path / "out", seed=1)
    assert (intake.bad, len(intake.worst)) == ({"not JSON": 30}, 20)


def test_a_sample_keeps_or_drops_a_unit_whole_and_is_dense(tmp_path: Path) -> None:
    """About half of the units stay, each with all of its requests, under `seq` without gaps."""
    path = write_lines(tmp_path, *(line(f"r{n}", unit=f"u{n % 200}") for n in range(800)))
    config = CaptureConfig(path="c", sample=0.5)
    intake = ingest(path, config, tmp_path / "out", seed=7)
    rows = kept(tmp_path / "out")
    assert [row.seq for row in rows] == list(range(len(rows)))
    assert (intake.parsed, intake.sampled) == (800, len(rows))
    units = {row.unit for row in rows}
    assert len(rows) == 4 * len(units)
    assert 70 < len(units) < 130
    again = ingest(path, config, tmp_path / "again", seed=7)
    other = ingest(path, config, tmp_path / "other", seed=8)
    assert again == intake
    assert kept(tmp_path / "again") == rows
    assert {r.unit for r in kept(tmp_path / "other")} != units
    assert other.parsed == 800


def test_a_larger_sample_only_adds() -> None:
    """Who is in a tenth is in a half too, and everyone is in the whole."""
    names = [f"r{n}" for n in range(500)]
    tenth, half, whole = (
        {name for name in names if in_sample(name, share=share, seed=3)} for share in (0.1, 0.5, 1.0)
    )
    assert tenth < half < whole
    assert len(whole) == 500


def test_parts_of_an_earlier_intake_do_not_stay(tmp_path: Path) -> None:
    """The folder holds this capture and nothing else."""
    long = write_lines(tmp_path, *(line(f"r{n}") for n in range(5)))
    ingest(long, CONFIG, tmp_path / "out", seed=1, part_rows=1)
    short = write_lines(tmp_path, line("a"))
    ingest(short, CONFIG, tmp_path / "out", seed=1, part_rows=1)
    assert [r.request_id for r in kept(tmp_path / "out")] == ["a"]


def test_large_bodies_make_smaller_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is bounded in bytes as well as in rows."""
    monkeypatch.setattr(import_module("harness.capture.read"), "_BLOCK_BYTES", 3_000)
    monkeypatch.setattr(intake_module, "_PART_BYTES", 6_000)
    path = write_lines(tmp_path, *(line(f"r{n}", body="x" * 998) for n in range(14)))
    intake = ingest(path, CONFIG, tmp_path / "out", seed=1)
    assert [columns.read(tmp_path / "out" / part).num_rows for part in intake.parts] == [8, 6]
    assert [r.seq for r in kept(tmp_path / "out")] == list(range(14))


def test_a_sample_has_its_weights(tmp_path: Path) -> None:
    """Each request stands for one over the share, beside what it stood for before."""
    path = write_lines(tmp_path, *(line(f"r{n}", unit=f"u{n % 40}", sampling_weight=3.0) for n in range(200)))
    intake = ingest(path, CaptureConfig(path="c", sample=0.25), tmp_path / "out", seed=1)
    found = kept(tmp_path / "out")
    assert len(found) == intake.sampled
    assert {one.sampling_weight for one in found} == {12.0}
    assert [one.seq for one in found] == list(range(len(found)))
    assert {one.tags["sampled"] for one in found} == {'{"unit 1": 0.25}'}


def test_what_rules_take_out_is_not_in_the_run(tmp_path: Path) -> None:
    """The unit is read out of the body before the body loses it, and then goes by its token."""
    path = write_lines(
        tmp_path, line("a", body={"user": "Bob Smith", "mail": "bob@x.org"}), line("b", body={"user": "no"})
    )
    rules = Rules(key="env:K", paths={"user": "hash"}, fields={"unit": "hash"})
    redactor = Redactor(rules, b"a key of at least 16 bytes")
    config = CaptureConfig(path="c", unit="user", redact=rules)
    intake = ingest(path, config, tmp_path / "out", seed=1, redactor=redactor)
    first, second = kept(tmp_path / "out")
    assert json.loads(first.body) == {"user": first.unit, "mail": "[email]"}
    assert first.unit != second.unit
    assert intake.redacted["body:user (rule for its place)"] == 2
    assert intake.redacted["body:mail (email)"] == 1


def test_a_request_that_a_rule_leaves_out_is_counted(tmp_path: Path) -> None:
    """It is parsed and not sampled; a capture of which nothing is left is refused."""
    path = write_lines(tmp_path, line("a", body={"test": 1}), line("b"))
    config = CaptureConfig(path="c")
    intake = ingest(
        path, config, tmp_path / "out", seed=1, redactor=Redactor(Rules(paths={"test": "drop_request"}))
    )
    assert (intake.parsed, intake.sampled, intake.left_out) == (2, 1, {"rule for body:test": 1})
    with pytest.raises(CaptureError, match="nothing is left of the requests"):
        ingest(
            path,
            config,
            tmp_path / "out",
            seed=1,
            redactor=Redactor(Rules(paths={"**": "drop_request"}, fields={"request_id": "drop_request"})),
        )


def test_too_many_bad_lines_end_the_run(tmp_path: Path) -> None:
    """The error names the first bad line, the counts and the limit."""
    path = write_lines(tmp_path, *(line(f"r{n}") for n in range(98)), '{"request_id": 7}', "{")
    with pytest.raises(CaptureError) as caught:
        ingest(path, CaptureConfig(path="c", max_bad_share=0.01), tmp_path / "out", seed=1)
    assert str(caught.value) == (
        f"{path}:99: 2 of 100 lines are bad (not JSON 1, wrong type 1), first this one; "
        "found wrong type: request_id: Expected `str`, got `int`; expected at most 1.00% bad lines. "
        "Mend the lines, or raise max_bad_share of the capture."
    )
    assert caught.value.exit_code == 65


def test_bad_lines_up_to_the_limit_do_not(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    path = write_lines(tmp_path, *(line(f"r{n}") for n in range(98)), "[]", "{")
    assert ingest(path, CaptureConfig(path="c", max_bad_share=0.02), tmp_path / "out", seed=1).parsed == 98


@pytest.mark.parametrize(
    ("lines", "config", "message"),
    [
        ((), CONFIG, "empty capture; found no request; expected at least one"),
        (("", " "), CONFIG, "empty capture"),
        (("{",), CaptureConfig(path="c", max_bad_share=1), "empty capture"),
        (("{",), CONFIG, "1 of 1 lines are bad"),
        (("{}",), CONFIG, "wrong field: Object missing required field `request_id`"),
        ((line("a"),), CaptureConfig(path="c", sample=1e-9), "the sample is empty; found none of 1 requests"),
    ],
)
def test_a_capture_without_requests_ends_the_run(
    tmp_path: Path, lines: tuple[str, ...], config: CaptureConfig, message: str
) -> None:
    """No evidence is never a pass: nothing to replay is an error."""
    with pytest.raises(CaptureError) as caught:
        ingest(write_lines(tmp_path, *lines), config, tmp_path / "out", seed=1)
    assert message in str(caught.value)


def test_a_missing_capture_is_told_with_what_is_nearby(tmp_path: Path) -> None:
    """The user sees the name they meant."""
    path = write_lines(tmp_path, line("a"))
    with pytest.raises(CaptureError, match=r"no such file\. Did you mean 'c\.jsonl'"):
        ingest(path.with_name("c.json"), CONFIG, tmp_path / "out", seed=1)


def test_credentials_of_the_capture_are_not_in_the_run(tmp_path: Path) -> None:
    """Headers that may hold a credential, of request and answer, are left out of the run's own capture."""
    line = {
        "request_id": "a",
        "ts": "2025-01-01T00:00:00Z",
        "body": {},
        "headers": {
            "Authorization": "S3",
            "x-amz-security-token": "S3",
            "X-Api-Key": "S3",
            "x-partition-key": "k",
        },
        "recorded_response": {
            "status": 200,
            "headers": {"Set-Cookie": "S3", "x-model-hash": "h"},
            "body": {},
        },
    }
    (tmp_path / "c.jsonl").write_text(json.dumps(line) + "\n")
    ingest(tmp_path / "c.jsonl", CaptureConfig(path="c.jsonl"), tmp_path / "run", seed=0)
    (kept,) = requests(load(tmp_path / "run"))
    assert kept.headers == {}
    assert kept.recorded_response is not None
    assert kept.recorded_response.headers == {"x-model-hash": "h"}


def test_a_header_that_is_named_stays(tmp_path: Path) -> None:
    """All others that are not known to be harmless go, counted by name."""
    path = write_lines(tmp_path, line("a", headers={"X-Tenant": "t", "X-User": "u", "accept": "a"}))
    config = CaptureConfig(path="c", keep_headers=("x-tenant",))
    intake = ingest(path, config, tmp_path / "out", seed=0)
    (one,) = kept(tmp_path / "out")
    assert one.headers == {"X-Tenant": "t", "accept": "a"}
    assert intake.lost_headers == {"x-user": 1}


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (
            lambda packed: packed[: len(packed) * 6 // 10],
            "truncated gzip of c.jsonl.gz after .* the file ends",
        ),
        (
            lambda packed: packed[:-8] + b"\0" * 8,
            "damaged gzip of .* after 5,000 requests: incorrect data check",
        ),
    ],
)
def test_a_cut_file_ends_the_run_however_few_lines_are_bad(
    tmp_path: Path, damage: Callable[[bytes], bytes], why: str
) -> None:
    """What a cut or damaged gzip lost cannot be counted, so no share of bad lines excuses it."""
    lines = "".join(
        json.dumps({"request_id": str(i), "ts": "2025-01-01T00:00:00Z", "body": {"x": i * 7919}}) + "\n"
        for i in range(5000)
    )
    (tmp_path / "c.jsonl.gz").write_bytes(damage(gzip.compress(lines.encode())))
    with pytest.raises(CaptureError, match=f"the capture is cut.*{why}"):
        ingest(
            tmp_path / "c.jsonl.gz",
            CaptureConfig(path="c.jsonl.gz", max_bad_share=0.5),
            tmp_path / "run",
            seed=0,
        )
