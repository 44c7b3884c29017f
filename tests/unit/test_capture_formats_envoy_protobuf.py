"""Traces as length-delimited protocol buffers: the known fields, everything else passed over or counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.capture.formats import FORMATS, Asked, Dropped, detect, envoy_protobuf
from harness.capture.formats.envoy_protobuf import is_delimited, wrappers
from harness.capture.sources import Unreadable
from tests.kit import captures


def test_a_buffered_and_a_streamed_trace_are_requests(tmp_path: Path) -> None:
    """Detected by their lengths; the time of the first is exact, the second has that of its file."""
    path = tmp_path / "tap_1.pb_length_delimited"
    path.write_bytes(captures.envoy_protobuf())
    assert detect(path, list(FORMATS.values())).name == "envoy-tap"
    asked = [one.request for one in FORMATS["envoy-tap"].read(path) if isinstance(one, Asked)]
    assert [(one.request_id, one.body.decode()) for one in asked] == [
        ("t0", captures.BODIES[0]),
        ("t1", captures.BODIES[1]),
    ]
    assert asked[0].ts_ns == captures.START_NS + 5
    assert [one.tags for one in asked] == [{"answer_truncated": "true"}, {"ts_from": "file"}]
    assert asked[0].recorded_response is not None
    assert asked[0].recorded_response.body.decode() == captures.ANSWER


def test_a_file_cut_at_any_byte_gives_what_is_whole(tmp_path: Path) -> None:
    """And one loss with its offset, unless the cut is between two traces."""
    whole = captures.envoy_protobuf()
    path = tmp_path / "t.pb"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        found = list(wrappers(path))
        lost = [one for one in found if isinstance(one[1], Unreadable)]
        assert len(found) <= 3
        assert len(lost) <= 1
        assert all(0 <= offset <= size for offset, _ in found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff\xff\xff\x7f\x0a", "record too long"),
        (b"\xff" * 12, "record too long"),
        (b"\x02\x0a\x05", "not this format"),
        (b"\x04\x0a\x02\x08\x01", "not this format"),
        (b"\x03\x0a\x01\x0f", "not this format"),
        (b"\x05\x0a", "cut short"),
    ],
)
def test_what_is_no_trace_is_one_loss(tmp_path: Path, data: bytes, reason: str) -> None:
    """A length that cannot be true, a field that ends behind its message, a type that there is not."""
    (tmp_path / "t.pb").write_bytes(data)
    (found,) = [one for _, one in wrappers(tmp_path / "t.pb")]
    assert isinstance(found, Unreadable)
    assert found.reason == reason


def test_a_socket_trace_is_passed_over(tmp_path: Path) -> None:
    """It holds no request."""
    (tmp_path / "t.pb").write_bytes(b"\x02\x1a\x00")
    (found,) = FORMATS["envoy-tap"].read(tmp_path / "t.pb")
    assert isinstance(found, Dropped)
    assert found.reason == "not a single request"


@pytest.mark.parametrize("start", [b"", b"\n", b"{}", b"PAR1", b"\x80" * 20, b"\x03\x0a\x02"])
def test_other_files_are_none(start: bytes) -> None:
    """Length and length agree, or it is not one of these."""
    assert not is_delimited(start)


class Counted(bytes):
    """Bytes that count what is copied out of them."""

    copied = 0

    def __radd__(self, other: bytes) -> Counted:
        return Counted(bytes(other) + bytes(self))

    def __getitem__(self, at: Any) -> Any:  # noqa: ANN401  -- as bytes has it
        found = super().__getitem__(at)
        if isinstance(found, int):
            return found
        Counted.copied += len(found)
        return Counted(found)


def test_many_small_traces_are_read_in_one_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No copy of all that is left for each of them: a small file would take minutes."""
    data = b"\x02\x1a\x00" * 2_000
    monkeypatch.setattr(envoy_protobuf, "chunks", lambda _: iter([Counted(data)]))
    Counted.copied = 0
    assert [at for at, _ in wrappers(tmp_path)] == list(range(0, len(data), 3))
    assert Counted.copied < 3 * len(data)


def message(number: int, inside: bytes) -> bytes:
    """A field of a message, or bytes, that are shorter than 16 KiB."""
    return bytes([number << 3 | 2, len(inside) & 127 | 128, len(inside) >> 7]) + inside


def test_a_header_as_bytes_is_its_value(tmp_path: Path) -> None:
    """`raw_value` stands where `value` does."""
    trace = message(1, message(1, message(1, message(1, b":path") + message(3, b"/score"))))
    (tmp_path / "t.pb").write_bytes(bytes([len(trace)]) + trace)
    ((_, found),) = wrappers(tmp_path / "t.pb")
    assert isinstance(found, dict)
    assert found["http_buffered_trace"]["request"]["headers"] == [{"key": ":path", "value": "/score"}]


def test_the_fields_of_a_trace_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of empty headers would take seconds and a hundred times their bytes."""
    monkeypatch.setattr(envoy_protobuf, "_MOST_FIELDS", 22)
    for headers, read in ((20, True), (21, False)):
        trace = message(1, message(1, b"\x0a\x00" * headers))
        (tmp_path / "t.pb").write_bytes(bytes([len(trace)]) + trace)
        ((_, found),) = wrappers(tmp_path / "t.pb")
        assert isinstance(found, dict) == read
