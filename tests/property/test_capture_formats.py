"""What holds for every format: recognised alone, cut anywhere, given out and taken in again."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.capture.exporting import OTHERS, OURS, Unsaid, write_capture
from harness.capture.formats import FORMATS, Format
from harness.capture.formats.map_config import load_map
from harness.capture.formats.mapped import mapped
from harness.capture.importing import Ledger, requests_of
from harness.capture.table import to_table
from harness.errors import CaptureError, UsageError
from harness.records import CapturedRequest, RecordedResponse
from tests.kit import captures
from tests.kit.captures import SAMPLES

#: every way in, by what it is called: the format, the file's name, and what the file holds
READ: dict[str, tuple[str | Format, str, Callable[[], bytes]]] = {
    **{name: (name, file, make) for name, (file, make) in SAMPLES.items()},
    "cloudevents of Seldon": ("cloudevents", "c.json", captures.seldon),
    "envoy-tap, streamed": ("envoy-tap", "s.json", captures.envoy_streamed),
    "envoy-tap, protocol buffers": ("envoy-tap", "t.pb_length_delimited", captures.envoy_protobuf),
    "replaygate": ("replaygate", "c.jsonl", captures.ours),
    **{
        f"mapped {kind}": (mapped(load_map(words)), file, make)
        for kind, (file, make, words) in captures.TABLES.items()
    },
}


def taken_in(path: Path, form: str | Format | None = None) -> tuple[list[CapturedRequest], Ledger]:
    """The requests of one file and their ledger."""
    ledger = Ledger()
    return list(requests_of([path], ledger, form=form)), ledger


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_recognised_alone_and_read_whole(name: str, tmp_path: Path) -> None:
    """Two requests, nothing lost but what the sample has lost on purpose."""
    file, make = SAMPLES[name]
    path = tmp_path / file
    path.write_bytes(make())
    found, ledger = taken_in(path)
    assert list(ledger.formats.values()) == [name]
    assert len(found) == ledger.requests == 2
    assert ledger.lost == (name == "databricks")
    statuses = [one.recorded_response.status for one in found if one.recorded_response]
    assert statuses == {"feast": [], "har": [200]}.get(name, [200, 200])


def halves(file: str, whole: bytes) -> list[tuple[str, bytes]]:
    """The file, and what it is packed: a cut gzip gives all that can be unpacked."""
    packed = [] if file.endswith(".parquet") else [(f"{file}.gz", gzip.compress(whole, mtime=0))]
    return [(file, whole), *packed]


@pytest.mark.parametrize("name", READ)
def test_a_file_cut_at_any_byte_loses_only_what_was_cut(name: str, tmp_path: Path) -> None:
    """Never a crash; a cut file gives a prefix of the requests, and what it broke is told with its offset."""
    form, file, make = READ[name]
    whole = make()
    ids = wanted(tmp_path / file, whole, form=form)
    for cut_file, content in halves(file, whole):
        path = tmp_path / cut_file
        silent = 0
        every = 31 if cut_file != file or file.endswith(".parquet") else 1 if name in SAMPLES else 3
        for size in range(0, len(content), every):
            path.write_bytes(content[:size])
            try:
                found, ledger = taken_in(path, form)
            except (CaptureError, UsageError):  # Parquet without its end, a header without its columns
                assert file.startswith("t.") or file.endswith(".parquet")
                continue
            got = {one.request_id.replace(".gz", "") for one in found}
            assert got <= ids
            begun = file != "t.csv" or b"\n" in whole[:size]  # a header alone is an empty table
            silent += begun and not (got == ids or ledger.dropped or ledger.unanswered)
            if cut_file == file:
                assert all(0 <= one.offset <= size for one in ledger.first)
        assert silent <= 4 * len(ids), "only a cut between two records takes some away in silence"


def wanted(path: Path, whole: bytes, *, form: str | Format) -> set[str]:
    """The ids of the requests of the whole file."""
    path.write_bytes(whole)
    return {one.request_id for one in taken_in(path, form)[0]}


@pytest.mark.parametrize(
    "name", [name for name, (_, file, _) in READ.items() if not file.endswith(".parquet")]
)
def test_what_is_nested_too_deep_or_too_long_is_a_loss(name: str, tmp_path: Path) -> None:
    """A hundred thousand brackets, and a length that no file has: counted, in no time and memory."""
    form, file, make = READ[name]
    path = tmp_path / file
    for bomb in (b"[" * 100_000, b'{"a":' * 100_000, b"99999999999999999:", b"\xff" * 20, b'"' * 99_999):
        path.write_bytes(bomb + b"\n" + make())
        try:
            found, ledger = taken_in(path, form)
        except UsageError as error:
            assert "no column" in error.what  # noqa: PT017  -- the bomb is what stands for a header
            continue
        assert ledger.dropped or found


def test_a_gzip_cut_at_any_byte_gives_what_can_be_unpacked(tmp_path: Path) -> None:
    """GoReplay flushes without closing; the cut is counted once."""
    packed = gzip.compress(SAMPLES["goreplay"][1]())
    path = tmp_path / "c_0.gor.gz"
    for size in range(2, len(packed), 3):
        path.write_bytes(packed[:size])
        found, ledger = taken_in(path, "goreplay")
        assert len(found) <= 2
        assert ledger.dropped["truncated gzip"] == 1


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=10)
@given(data=st.data())
def test_a_spoiled_file_never_crashes_a_reader(name: str, data: st.DataObject) -> None:
    """Bytes replaced, removed or put in: each record is a request or is counted."""
    file, make = SAMPLES[name]
    whole = make()
    place = data.draw(st.integers(0, len(whole)))
    removed = data.draw(st.integers(0, 30))
    inserted = data.draw(
        st.one_of(st.binary(max_size=12), st.sampled_from([b"null", b"9" * 18, b'"', b"{", b"\n"]))
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_bytes(whole[:place] + inserted + whole[place + removed :])
        try:
            found, _ = taken_in(path, name)
        except CaptureError:
            assert file.endswith(".parquet")
            return
        assert write_capture(found, Path(folder) / "out.jsonl") == len(found)
        again, ledger = taken_in(Path(folder) / "out.jsonl", "replaygate")
        assert not ledger.dropped
        assert [one.body for one in again] == [one.body for one in found]


@settings(max_examples=20)
@given(junk=st.binary(max_size=300))
def test_any_bytes_are_refused_or_counted_by_every_reader(junk: bytes) -> None:
    """A reader that was told to read what is not its format says so, and does not break."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "junk.jsonl"
        path.write_bytes(junk)
        for name in FORMATS:
            try:
                taken_in(path, name)
            except CaptureError as error:
                assert error.where  # noqa: PT017  -- any bytes may also be fine


TOKEN = st.text("abcXYZ019-_.", min_size=1, max_size=8)
HEADERS = st.dictionaries(TOKEN.map(lambda name: f"X-{name}".title()), TOKEN, max_size=3)
BODY = st.one_of(st.binary(max_size=40), st.just("\n🐵🙈🙉\n1 a 5 0\n".encode()), st.just(b'{"a": NaN}\n'))
NS = st.integers(0, 2**62)
PLAIN = st.builds(
    CapturedRequest,
    seq=st.just(0),
    request_id=TOKEN,
    ts_ns=NS,
    method=st.sampled_from(["GET", "POST"]),
    path=TOKEN.map(lambda text: f"/{text}?q=1"),
    headers=HEADERS,
    body=BODY,
    recorded_response=st.none()
    | st.builds(
        RecordedResponse,
        status=st.integers(200, 599),
        headers=HEADERS,
        body=BODY,
        latency_ns=st.integers(1, 10**12),
        latency_kind=st.just("service"),
    ),
)
RICH = PLAIN.flatmap(
    lambda plain: st.builds(
        lambda **more: msgspec.structs.replace(plain, **more),
        ts_resolution_ns=st.sampled_from([1, 10**9]),
        unit=st.none() | TOKEN,
        row_index=st.none() | st.integers(0, 5),
        segments=st.dictionaries(TOKEN, TOKEN, max_size=2),
        truncated=st.booleans(),
        sampling_weight=st.sampled_from([1.0, 0.1, 4.0]),
        online_features=st.sampled_from([None, b'{"a":1.50,"b":"NaN"}']),
        tags=st.dictionaries(TOKEN, TOKEN, max_size=2),
    )
)


def same(one: CapturedRequest) -> CapturedRequest:
    """A request without the place that it was read from, headers of the same name in any case being one."""
    return msgspec.structs.replace(one, seq=0, source_file="", source_offset=0)


@settings(max_examples=20)
@given(some=st.lists(PLAIN, min_size=1, max_size=4, unique_by=lambda one: one.request_id))
def test_what_is_given_out_is_taken_in_again_unchanged(some: list[CapturedRequest]) -> None:
    """Through every format that we write, one after another: no difference."""
    found = some
    with tempfile.TemporaryDirectory() as folder:
        for ending in (*OURS, *OTHERS):
            path = Path(folder) / f"c{ending}"
            assert write_capture(found, path, known=(*OURS, *OTHERS)) == len(some)
            found, ledger = taken_in(path)
            assert not ledger.dropped
            assert [same(one) for one in found] == [same(one) for one in some]


ODD = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
CHANGED = RICH.flatmap(
    lambda rich: st.builds(
        lambda **more: msgspec.structs.replace(rich, **more),
        request_id=ODD,
        path=ODD.map(lambda text: f"/{text}"),
        headers=st.dictionaries(ODD | st.just("content-length"), ODD, max_size=2),
    )
)


@settings(max_examples=40)
@given(one=CHANGED)
def test_what_a_gor_file_changes_is_counted(one: CapturedRequest) -> None:
    """Whatever comes back otherwise is among the fields that the command names."""
    unsaid = Unsaid()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.gor"
        write_capture(unsaid.watched([one]), path, known=OTHERS)
        found, _ = taken_in(path)
    before, after = (to_table([same(each)]).to_pylist()[0] for each in (one, *found))
    assert {name for name, value in after.items() if value != before[name]} <= unsaid.counts.keys()


@settings(max_examples=20)
@given(some=st.lists(RICH, min_size=1, max_size=4, unique_by=lambda one: (one.request_id, one.row_index)))
def test_har_keeps_what_it_has_no_words_for(some: list[CapturedRequest]) -> None:
    """Units, weights, features byte for byte, and the rest come back out of a HAR file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.har"
        write_capture(some, path, known=OTHERS)
        found, ledger = taken_in(path)
    assert not ledger.dropped
    assert [same(one) for one in found] == [same(one) for one in some]
