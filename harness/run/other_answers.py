"""The answers of a capture beside the scenario's: what a shadow said to the same requests."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.capture import CaptureConfig
from harness.capture.live.redaction import TAG
from harness.capture.read import read
from harness.capture.recorded import not_recorded
from harness.records import ANSWER_TRUNCATED, STATUS_FROM, RecordedResponse

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from harness.records import CapturedRequest

#: a request without a row has none that is smaller
_NO_ROW = -1
#: tags that say what became of an answer: what redaction changed, that it was cut, that no status was kept
_OF_ANSWERS = (TAG, ANSWER_TRUNCATED, STATUS_FROM)


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the other capture knows of one request."""

    response: RecordedResponse | None
    features: bytes | None
    tags: dict[str, str]


def answered_in(
    path: Path, requests: Iterable[CapturedRequest], *, lost: Counter[str]
) -> Iterator[CapturedRequest]:
    """Each request with its answer in the capture at `path`, by request id; without one where it has none.

    Its logged features, and the notes of what was redacted or cut, are those of that answer too. Answers
    wait in a file, so memory is constant. A line that cannot be read, one that says an id again and a call
    that the recorder dropped are answers that are missing, counted in `lost` by reason. Raises CaptureError.
    """
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "answers")) as kept:
        _keep(path, kept, lost=lost)
        for request in requests:
            yield _answered(request, _found(kept, request))


def _keep(path: Path, kept: sqlite3.Connection, *, lost: Counter[str]) -> None:
    kept.execute("create table answers (id text, row integer, answer blob, primary key (id, row))")
    lines = read(path, CaptureConfig(path=path.name), on_bad=lambda bad: lost.update([bad.reason]))
    kept.executemany("insert into answers values (?, ?, ?)", map(_row, lines))
    lost.update(not_recorded([path]))


def _row(request: CapturedRequest) -> tuple[str, int, bytes]:
    answer = _Answer(
        response=request.recorded_response,
        features=request.online_features,
        tags={name: text for name, text in request.tags.items() if name in _OF_ANSWERS},
    )
    return *_key(request), msgspec.msgpack.encode(answer)


def _key(request: CapturedRequest) -> tuple[str, int]:
    return request.request_id, _NO_ROW if request.row_index is None else request.row_index


def _found(kept: sqlite3.Connection, request: CapturedRequest) -> _Answer:
    row = kept.execute("select answer from answers where id = ? and row = ?", _key(request)).fetchone()
    if row is None:
        return _Answer(response=None, features=None, tags={})
    return msgspec.msgpack.decode(row[0], type=_Answer)


def _answered(request: CapturedRequest, answer: _Answer) -> CapturedRequest:
    tags = {name: text for name, text in request.tags.items() if name not in _OF_ANSWERS}
    return msgspec.structs.replace(
        request,
        recorded_response=answer.response,
        online_features=answer.features,
        tags=tags | answer.tags,
    )
