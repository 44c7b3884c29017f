"""Files become one stream: in their order, of their formats, with what was lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from harness.capture.formats import Dropped, Labelled
from harness.capture.importing import Ledger, checked, labels_of, requests_of, write_labels
from harness.errors import CaptureError
from harness.records import CapturedRequest
from tests.kit import captures


def test_a_folder_is_all_its_files_with_numbers_as_numbers(tmp_path: Path) -> None:
    """GoReplay's chunk 2 comes before its chunk 10; hidden files are none; `seq` is dense over all."""
    for number in (10, 2):
        record = f"1 r{number} 5 0\nGET / HTTP/1.1\r\n\r\n{captures.SEPARATOR}"
        (tmp_path / f"c_{number}.gor").write_text(record)
    (tmp_path / "_SUCCESS").write_text("")
    found = list(requests_of([tmp_path], Ledger()))
    assert [(one.seq, one.request_id) for one in found] == [(0, "r2"), (1, "r10")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(CaptureError, match="empty folder"):
        list(requests_of([tmp_path / "empty"], Ledger()))


def test_answers_in_another_file_are_joined(tmp_path: Path) -> None:
    """KServe writes an object for each side."""
    whole = captures.seldon().splitlines()
    for side, lines in (("request", whole[0:4:2]), ("response", whole[1:4:2])):
        (tmp_path / f"{side}.json").write_bytes(b"\n".join(lines))
    ledger = Ledger()
    found = list(requests_of([tmp_path], ledger))
    assert [one.recorded_response is not None for one in found] == [True, True]
    assert ledger.lost == ledger.unanswered == 0


REQUEST = CapturedRequest(seq=0, request_id="r", ts_ns=0, headers={"Cookie": "c"})


@pytest.mark.parametrize(
    ("given", "lost", "share", "refused"),
    [
        (1, 0, 0.0, False),
        (1, 1, 0.0, True),
        (1, 1, 0.01, False),
        (9, 2, 0.01, True),
        (9, 2, 0.5, False),
        (0, 0, 1.0, True),
    ],
)
def test_too_much_loss_is_refused_at_the_end(given: int, lost: int, share: float, *, refused: bool) -> None:
    """One lost record is borne by any share above 0; no request at all never is."""
    ledger = Ledger(requests=given)
    for offset in range(lost):
        ledger.drop(Dropped(file="c", offset=offset, reason="cut short"))
    ledger.drop(Dropped(file="c", offset=0, reason="replayed answer"))
    try:
        assert list(checked([REQUEST], ledger, max_bad_share=share)) == [REQUEST]
    except CaptureError:
        assert refused
    else:
        assert not refused


def test_labels_alone_are_taken_in(tmp_path: Path) -> None:
    """Ground truth and feedback without a request; a lost record or no label at all is refused."""
    (tmp_path / "t.jsonl").write_bytes(captures.sagemaker().splitlines()[-1])
    (tmp_path / "u.jsonl").write_bytes(captures.seldon().splitlines()[-1])
    found = labels_of([tmp_path], Ledger())
    assert [(one.request_id, one.label) for one in found] == [("e0", 1.0), ("s0", 1.0)]
    (tmp_path / "t.jsonl").write_bytes(captures.sagemaker().replace(b'"1"', b'"x"'))
    with pytest.raises(CaptureError, match="1 record is lost"):
        labels_of([tmp_path], Ledger())
    (tmp_path / "t.jsonl").write_bytes(captures.sagemaker(truth=False))
    with pytest.raises(CaptureError, match="no label; found 2 requests"):
        labels_of([tmp_path / "t.jsonl"], Ledger())


def test_labels_are_written_with_their_outcome_and_row(tmp_path: Path) -> None:
    """As `read_labels` reads them."""
    given = [Labelled("a", 1.0, 0), Labelled("b", 2.5, 0, outcome="loss", row_index=3)]
    assert write_labels(given, tmp_path / "l.jsonl") == 2
    lines = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    at = "1970-01-01T00:00:00Z"
    assert lines == [
        {"request_id": "a", "label": 1.0, "label_at": at},
        {"request_id": "b", "loss": 2.5, "label_at": at, "row_index": 3},
    ]


@pytest.mark.parametrize("form", ["ours", "goreplay"])
def test_a_damaged_file_is_no_lost_record(tmp_path: Path, form: str) -> None:
    """One lost record is borne; a checksum that fails only by a share of 1: any value may be another."""
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(gzip.compress(getattr(captures, form)(), mtime=0)[:-8] + b"\0" * 8)
    ledger = Ledger()
    with pytest.raises(CaptureError, match=r"incorrect data check at byte .* requests before it"):
        list(checked(requests_of([path], ledger), ledger, max_bad_share=0.99))
    assert ledger.first[0].reason == "damaged gzip"
    again = Ledger()
    assert len(list(checked(requests_of([path], again), again, max_bad_share=1))) == ledger.requests > 1


@pytest.mark.parametrize(("form", "name"), [("har", "s.har"), ("envoy", "tap.json")])
def test_files_of_one_name_are_not_one_file(tmp_path: Path, form: str, name: str) -> None:
    """An id made of name and number has the folder where two files share the name, and only there."""
    days = [tmp_path / "in" / day / name for day in ("d1", "d2")]
    for path in days:
        path.parent.mkdir(parents=True)
        path.write_bytes(getattr(captures, form)().replace(b"x-request-id", b"x-other"))
    alone = [one.request_id for one in requests_of(days[:1], Ledger())]
    assert alone
    assert all(one.startswith(f"{name}:") for one in alone)
    for given in (days, [tmp_path]):
        ledger = Ledger()
        both = list(requests_of(given, ledger))
        assert [one.request_id for one in both] == [f"{day}/{one}" for day in ("d1", "d2") for one in alone]
        assert {one.source_file for one in both} == {f"d1/{name}", f"d2/{name}"}
    twice = Ledger()
    assert [one.request_id for one in requests_of([days[0], days[0]], twice)] == alone
    assert twice.dropped == {"duplicate request_id": len(alone)}
