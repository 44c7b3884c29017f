"""The search of files for what should be gone: every kind of file, through what may hide it."""

import base64
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.live.rules import Rules
from harness.capture.redacting import searcher
from harness.capture.scanning import Leak, refuse, scan
from harness.capture.table import to_table
from harness.errors import CaptureError
from harness.records import CapturedRequest

ALL = searcher(Rules())


def found(path: Path, rules: Rules | None = None) -> list[tuple[str, str]]:
    """Places and classes."""
    return [(leak.place, leak.name) for leak in scan([path], searcher(rules or Rules()))]


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        pytest.param("a.log", b"ok\nsee bob@x.org\n", ("line 2", "email"), id="log"),
        pytest.param("a.jsonl", b'{"a":"bob\\u0040x.org"}\n', ("line 1", "email"), id="escape"),
        pytest.param("a.json", b'{"a":"{\\"b\\":\\"bob\\\\u0040x.org\\"}"}', ("line 1", "email"), id="twice"),
        pytest.param("a.txt", b"?q=bob%40x.org", ("line 1", "email"), id="percent"),
        pytest.param(
            "a.jsonl",
            b'{"body_base64":"%s"}' % base64.b64encode(b"\xff to bob@x.org"),
            ("line 1", "email"),
            id="base64",
        ),
        pytest.param(
            "a.jsonl",
            b'{"body_base64":"%s"}' % base64.b64encode(gzip.compress(b"to bob@x.org", mtime=0)),
            ("line 1", "email"),
            id="packed in base64",
        ),
        pytest.param(
            "a.jsonl.gz", gzip.compress(b"\n4111111111111111\n", mtime=0), ("line 2", "card"), id="gz"
        ),
        pytest.param("a.html", b"<p>10.1.2.3</p>", ("line 1", "ip"), id="html"),
        pytest.param(
            "a.json", b"x" * (1 << 20) + b" 4111 1111 1111 1111 ", ("line 1", "card"), id="long line"
        ),
    ],
)
def test_a_text_file_is_read_through_what_hides_it(
    tmp_path: Path, name: str, data: bytes, place: tuple[str, str]
) -> None:
    """By line; a folder is all its files."""
    (tmp_path / name).write_bytes(data)
    assert place in found(tmp_path / name)
    assert place in found(tmp_path)


@pytest.mark.parametrize(
    ("column", "place"),
    [
        (pa.array(["a", "bob@x.org", "bob@x.org"]), "column c, row 1"),
        (pa.array([b"a", b'{"a":"bob\\u0040x.org"}', None]), "column c, row 1"),
        (pa.array(["a", "b", "bob@x.org"]).dictionary_encode(), "column c, row 2"),
        (pa.array([["a"], ["bob@x.org"], []]), "column c"),
        (pa.array([[("a", "bob@x.org")], [], []], pa.map_(pa.string(), pa.string())), "column c"),
        (pa.array([{"a": "x"}, {"a": "bob@x.org"}, {"a": "y"}]), "column c, row 1"),
    ],
)
def test_a_table_is_read_by_column(tmp_path: Path, column: pa.Array, place: str) -> None:
    """Texts, bytes, maps, lists, structs; numbers hold no text."""
    pq.write_table(pa.table({"c": column, "n": [1, 2, 3]}), tmp_path / "a.parquet")
    assert found(tmp_path) == [(place, "email")]


def test_a_capture_is_read_by_the_rules_for_places(tmp_path: Path) -> None:
    """What a rule would still change is a leak; what it has changed is none."""
    bodies = [b'{"user":"Bob"}', b'{"user":"[redacted]"}', b'{"user":"h_%s"}' % (b"a" * 32)]
    requests = [
        CapturedRequest(seq=n, request_id=f"r{n}", ts_ns=n, body=body) for n, body in enumerate(bodies)
    ]
    pq.write_table(to_table(requests), tmp_path / "c.parquet")
    assert found(tmp_path, Rules(paths={"user": "mask"}))[0] == ("row 0, body:user", "rule for its place")
    assert found(tmp_path) == []
    hashing = found(tmp_path, Rules(key="env:K", paths={"user": "hash"}))
    assert [place for place, _ in hashing] == ["row 0, body:user", "row 1, body:user"]


def test_a_value_that_may_stay_is_no_leak(tmp_path: Path) -> None:
    """The host of a target, say."""
    (tmp_path / "a.json").write_text('"10.0.0.1" and 10.0.0.2')
    assert found(tmp_path, Rules(keep_values=("10.0.0.1", "10.0.0.2"))) == []
    (tmp_path / "a.json").write_text('"al%40x.org"')
    assert found(tmp_path, Rules(keep_values=("al@x.org",))) == []


def test_a_clock_is_no_card(tmp_path: Path) -> None:
    """Nanoseconds of our own files pass Luhn one time in ten; any other number is searched."""
    (tmp_path / "a.jsonl").write_text('{"due_ns":36000000000008,"submit_ns": 36000000000008}')
    assert found(tmp_path) == []
    (tmp_path / "a.jsonl").write_text('{"due":36000000000008}')
    assert found(tmp_path) == [("line 1", "card")]


def test_a_file_tells_its_first_places(tmp_path: Path) -> None:
    """A file full of them is not told line by line."""
    (tmp_path / "a.log").write_text("bob@x.org\n" * 500)
    assert len(scan([tmp_path], ALL)) == 100


def test_leaks_are_refused_without_their_value(tmp_path: Path) -> None:
    """The message names file, place and class."""
    refuse([])
    (tmp_path / "a.log").write_text("bob@x.org")
    leaks = scan([tmp_path], ALL)
    assert leaks == [Leak(file=str(tmp_path / "a.log"), place="line 1", name="email")]
    with pytest.raises(CaptureError, match="in 1 places") as caught:
        refuse(leaks)
    assert "bob" not in str(caught.value)
    assert "bob" not in json.dumps([leak.place for leak in leaks])


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """What was not searched is not clean."""
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(CaptureError):
        scan([tmp_path], ALL)
    with pytest.raises(CaptureError, match="no such file"):
        scan([tmp_path / "none"], ALL)
    (tmp_path / "a.parquet").unlink()
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    with pytest.raises(CaptureError):
        scan([tmp_path], ALL)
