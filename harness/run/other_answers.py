"""The answers of a capture beside the scenario's: what a shadow said to the same requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from harness.capture import CaptureConfig
from harness.capture.read import read
from harness.records import ANSWER_TRUNCATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.records import CapturedRequest, RecordedResponse

Key = tuple[str, int | None]


def answered_in(path: Path, requests: Iterable[CapturedRequest]) -> Iterator[CapturedRequest]:
    """Each request with its answer in the capture at `path`, by request id; without one where it has none.

    Its logged features are those of that answer too.

    A line of that capture that cannot be read is an answer that is missing. Raises CaptureError.
    """
    answers = _answers(path)
    for request in requests:
        answer, features, cut = answers.get((request.request_id, request.row_index), (None, None, False))
        tags = request.tags | {ANSWER_TRUNCATED: "true" if cut else "false"}
        yield msgspec.structs.replace(request, recorded_response=answer, online_features=features, tags=tags)


def _answers(path: Path) -> dict[Key, tuple[RecordedResponse | None, bytes | None, bool]]:
    config = CaptureConfig(path=path.name)
    lines = read(path, config, on_bad=lambda _: None)
    return {
        (one.request_id, one.row_index): (one.recorded_response, one.online_features, one.answer_truncated)
        for one in lines
    }
