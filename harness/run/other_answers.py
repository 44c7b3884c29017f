"""The answers of a capture beside the scenario's: what a shadow said to the same requests."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.capture import CaptureConfig
from harness.capture.live.redaction import TAG, redacted_places
from harness.capture.read import read
from harness.capture.recorded import not_recorded
from harness.errors import CaptureError
from harness.inflating import inflated
from harness.records import ANSWER_TRUNCATED, STATUS_FROM, RecordedResponse
from replayers.recorded import PROXY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.capture.line import BadLine
    from harness.records import CapturedRequest
    from harness.scenario import Loaded
    from replayers.recorded import RecordedTarget

#: a request without a row has none that is smaller
_NO_ROW = -1
#: tags that say what became of an answer: what redaction changed, that it was cut, that no status was kept,
#: why there is none
_OF_ANSWERS = (TAG, ANSWER_TRUNCATED, STATUS_FROM, PROXY)
#: the header by which a request says its id, and its answer for whom it is
_ID = "x-request-id"
_GZIP, _MOST_BYTES = b"\x1f\x8b", 64 << 20
OTHER_BODY = "answer to another body"


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the other capture knows of a request; `asked` tells its body from others, b"" where it cannot."""

    response: RecordedResponse | None = None
    features: bytes | None = None
    tags: dict[str, str] = {}
    headers: dict[str, str] = {}
    asked: bytes = b""


@dataclass
class Answers:
    """What came of pairing a capture with the answers at `path`: how many requests are in both.

    `lost` counts by reason the answers that are missing: lines that cannot be read, that say an id again or
    that answer another body, and calls that the recorder dropped.
    """

    path: Path
    max_bad_share: float
    lost: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    common: int = 0
    compared: int = 0
    first_bad: BadLine | None = None
    #: the first id of either side, and the first request whose body is another
    ours: str = ""
    theirs: str = ""
    other_body: str = ""

    def bad(self, line: BadLine) -> None:
        """A line is none."""
        self.lost[line.reason] += 1
        self.first_bad = self.first_bad or line

    def sentence(self) -> str:
        """What there is, in words."""
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.lost.items()))
        said = f"{self.common:,} of {self.requests:,} requests are in {self.path.name}"
        return f"{said}; {self.lost.total():,} answers are lost: {reasons}" if reasons else said


def answers_of(loaded: Loaded, target: RecordedTarget) -> Answers | None:
    """The other capture that a target's answers are in, where it names one."""
    if target.answers is None:
        return None
    return Answers(loaded.file(target.answers), loaded.scenario.capture.max_bad_share)


def answered_in(requests: Iterable[CapturedRequest], answers: Answers) -> Iterator[CapturedRequest]:
    """Each request with its answer in the other capture, by request id; without one where it has none.

    Its logged features, its own id, and the notes of what was redacted or cut, are those of that answer too.
    Answers wait in a file, so memory is constant. Raises CaptureError where more than the `max_bad_share` of
    the other's lines are bad, and at the end where no request is in both or more than that share of those
    that are have another body there: they are then not the same requests.
    """
    path = answers.path
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "answers")) as kept:
        _keep(kept, answers)
        for request in requests:
            yield _answered(request, _found(kept, request, answers=answers))
    answers.lost.update(not_recorded([path]))
    _refuse(answers)


def _keep(kept: sqlite3.Connection, answers: Answers) -> None:
    kept.execute("create table answers (id text, row integer, answer blob, primary key (id, row))")
    lines = read(answers.path, CaptureConfig(path=answers.path.name), on_bad=answers.bad)
    kept.executemany("insert into answers values (?, ?, ?)", map(_row, _noted(lines, answers)))
    (good,) = kept.execute("select count(*) from answers").fetchone()
    _refuse_bad(answers, good=good)


def _noted(lines: Iterable[CapturedRequest], answers: Answers) -> Iterator[CapturedRequest]:
    for line in lines:
        answers.theirs = answers.theirs or _name(line)
        yield line


def _row(request: CapturedRequest) -> tuple[str, int, bytes]:
    answer = _Answer(
        response=request.recorded_response,
        features=request.online_features,
        tags={name: text for name, text in request.tags.items() if name in _OF_ANSWERS},
        headers={name: text for name, text in request.headers.items() if name.lower() == _ID},
        asked=_asked(request),
    )
    return *_key(request), msgspec.msgpack.encode(answer)


def _key(request: CapturedRequest) -> tuple[str, int]:
    return request.request_id, _NO_ROW if request.row_index is None else request.row_index


def _name(request: CapturedRequest) -> str:
    row = "" if request.row_index is None else f", row {request.row_index}"
    return f"{request.request_id}{row}"


def _found(kept: sqlite3.Connection, request: CapturedRequest, *, answers: Answers) -> _Answer:
    """The answer to this very request; what is found is counted."""
    answers.requests += 1
    answers.ours = answers.ours or _name(request)
    row = kept.execute("select answer from answers where id = ? and row = ?", _key(request)).fetchone()
    if row is None:
        return _Answer()
    answer = msgspec.msgpack.decode(row[0], type=_Answer)
    answers.common += 1
    mine = _asked(request)
    answers.compared += bool(mine and answer.asked)
    if not mine or not answer.asked or mine == answer.asked:
        return answer
    answers.lost[OTHER_BODY] += 1
    answers.other_body = answers.other_body or _name(request)
    return _Answer()


def _asked(request: CapturedRequest) -> bytes:
    """A digest of the body, however its JSON is laid out; b"" of one that is not as it was sent."""
    changed = any(place.startswith("body") for place in redacted_places(request.tags))
    if request.truncated or changed or not request.body:
        return b""
    body = _plain(request.body)
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # else its bytes count
        body = msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
    return blake2b(body, digest_size=16).digest()


def _plain(body: bytes) -> bytes:
    """A body that came packed, as one recorder keeps it and another does not."""
    if not body.startswith(_GZIP):
        return body
    try:
        return inflated(body, "gzip", limit=_MOST_BYTES)
    except ValueError:
        return body


def _answered(request: CapturedRequest, answer: _Answer) -> CapturedRequest:
    tags = {name: text for name, text in request.tags.items() if name not in _OF_ANSWERS}
    headers = {name: text for name, text in request.headers.items() if name.lower() != _ID}
    return msgspec.structs.replace(
        request,
        recorded_response=answer.response,
        online_features=answer.features,
        tags=tags | answer.tags,
        headers=headers | answer.headers,
    )


def _refuse_bad(answers: Answers, *, good: int) -> None:
    bad, first = answers.lost.total(), answers.first_bad
    if first is None or bad <= answers.max_bad_share * (good + bad):
        return
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(answers.lost.items()))
    file = answers.path / first.file if answers.path.is_dir() else answers.path
    raise CaptureError(
        f"{bad:,} of {good + bad:,} lines of the answers are bad ({counts}), first this one",
        where=f"{file}:{first.line}",
        found=f"{first.reason}: {first.detail}",
        expected=f"at most {answers.max_bad_share:.2%} bad lines",
        fix="Give the answers of one run of one build, or raise max_bad_share under [capture].",
    )


def _refuse(answers: Answers) -> None:
    if answers.requests and not answers.common:
        raise CaptureError(
            f"none of the {answers.requests:,} requests is in the answers",
            where=str(answers.path),
            found=f"request_id {answers.theirs}" if answers.theirs else "no request",
            expected=f"the ids of the capture, such as {answers.ours}",
            fix="answers is a capture of the same requests, with their ids, redacted by the same rules.",
        )
    other = answers.lost[OTHER_BODY]
    if other > answers.max_bad_share * answers.compared:
        raise CaptureError(
            f"{other:,} of {answers.compared:,} requests have another body in the answers",
            where=str(answers.path),
            found=f"another body of request {answers.other_body}",
            expected=f"the same requests, but for at most {answers.max_bad_share:.2%}",
            fix="answers is another capture of the same requests: give the one that was recorded with them.",
        )
