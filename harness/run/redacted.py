"""Which redacted places of a capture feed a model: by name, and by another value given to its pipeline."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
import pyarrow as pa

from harness.capture.live.json_paths import Paths
from harness.capture.live.json_text import GONE, Walk
from harness.capture.live.redaction import TAG, redacted_places
from harness.diff import REDACTED
from harness.errors import PipelineError
from harness.records import RedactedInput
from replayers.offline import frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.capture.live.json_paths import Place
    from harness.records import CapturedRequest
    from replayers.offline import OfflineReplayer

#: requests that are asked about for each place, and places that are asked about at all
SAMPLE = 200
MOST_PLACES = 60

_BODY = "body:"
_LOGGED = "features:"
_ANSWER = "answer:"
_KEYS = (f"{_BODY}$", f"{_LOGGED}$")
_COLUMNS = ("unit", "request_id")
#: values of many kinds; a list in their place breaks what looks a value up, which tells that it is read
_OTHERS: tuple[object, ...] = ("someone@example.org", "203.0.113.7", "DE", 17, -1.5, True, None, [{"": []}])


def redacted_inputs(capture: pa.Table, replayer: OfflineReplayer) -> tuple[RedactedInput, ...]:
    """The redacted places that a feature of the model has its name from, or that change one.

    A place that cannot be asked about (a key that was changed, one of too many) is taken for one that does.
    A logged feature of the model is one itself: the log shows the mask and no longer what the service saw.
    """
    rows = _rows(capture)
    found = []
    for number, (place, where) in enumerate(sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))):
        names: tuple[str, ...] | None = ()
        if place.startswith(_LOGGED) and place not in _KEYS:
            names = _named(place, replayer.names) or None
        elif number < MOST_PLACES and place not in _KEYS:
            sample = capture.take(where[:: max(1, len(where) // SAMPLE)][:SAMPLE])
            names = _named(place, replayer.names) or _moved(sample, replayer, place=place)
        if names is not None:
            found.append(RedactedInput(place=place, requests=len(where), of=len(capture), features=names))
    return tuple(found)


def was_redacted(capture: pa.Table) -> bool:
    """Whether any request of a capture says that it was redacted."""
    return TAG in capture["tags"].combine_chunks().keys.unique().to_pylist()


def redacted_echoes(capture: pa.Table, names: Sequence[str], *, echo: str) -> tuple[RedactedInput, ...]:
    """The features by these names that were redacted in recorded answers, which have them at `echo`."""
    begins = f"{_ANSWER}{echo}."
    rows: Counter[str] = Counter()
    for pairs in capture["tags"].combine_chunks().to_pylist() if echo else ():
        rows.update(place for place in redacted_places(dict(pairs or ())) if place.startswith(begins))
    return tuple(
        RedactedInput(place=place, requests=rows[place], of=len(capture), features=(name,))
        for place in sorted(rows)
        if (name := place.removeprefix(begins)) in names
    )


def as_known(requests: Iterable[CapturedRequest], *, echo: str) -> Iterator[CapturedRequest]:
    """Each request with a mark for each feature that redaction changed, logged or echoed in its answer.

    `echo` is where an answer has its features, a name with dots. What was masked is no value that the
    service used: compared, it would be a skew that is none, or an agreement of two masks.
    """
    for request in requests:
        places = redacted_places(request.tags)
        logged = [place.removeprefix(_LOGGED) for place in places if place.startswith(_LOGGED)]
        begins = f"{_ANSWER}{echo}."
        echoed = [place.removeprefix(_ANSWER) for place in places if echo and place.startswith(begins)]
        features, answer = request.online_features, request.recorded_response
        if logged and features is not None:
            features = _marked(features, logged)
        if echoed and answer is not None:
            answer = msgspec.structs.replace(answer, body=_marked(answer.body, echoed))
        yield msgspec.structs.replace(request, online_features=features, recorded_response=answer)


def _marked(document: bytes, paths: Sequence[str]) -> bytes:
    for path in paths:
        document = _with(document, path, token=REDACTED)
    return document


def _rows(capture: pa.Table) -> dict[str, list[int]]:
    """The rows at which each place that a pipeline may see was redacted."""
    rows: dict[str, list[int]] = defaultdict(list)
    if not was_redacted(capture):
        return rows
    for row, pairs in enumerate(capture["tags"].combine_chunks().to_pylist()):
        for place in redacted_places(dict(pairs or ())):
            if place.startswith((_BODY, _LOGGED)) or place in _COLUMNS:
                rows[place].append(row)
    return rows


def _named(place: str, features: Sequence[str]) -> tuple[str, ...]:
    """The features that are called as the place is, or as its last name."""
    path = place.removeprefix(_BODY).removeprefix(_LOGGED).replace("[]", "")
    names = {path, path.rpartition(".")[2], path.replace(".", "_")}
    return tuple(name for name in features if name in names)


def _moved(sample: pa.Table, replayer: OfflineReplayer, *, place: str) -> tuple[str, ...] | None:
    """The features that another value at the place changes, none where the pipeline fails; else None."""
    try:
        before = replayer.features(frame(sample))
    except PipelineError:
        return ()
    moved: set[str] = set()
    for requests in _variants(sample, place):
        try:
            after = replayer.features(requests)
        except PipelineError:
            return tuple(sorted(moved))
        moved |= {name for name in replayer.names if not _equal(before[name], after[name])}
    return tuple(sorted(moved)) or None


def _variants(sample: pa.Table, place: str) -> Iterator[pd.DataFrame]:
    """The pipeline's view of the requests with other values at the place, and without it."""
    if place in _COLUMNS:
        requests = frame(sample)
        for value in _OTHERS:
            column = pd.Series([value] * len(requests), index=requests.index, dtype=object)
            yield requests.assign(**{place: column})
        return
    for token in (*map(json.dumps, _OTHERS), GONE):
        bodies = [_with(body, place.removeprefix(_BODY), token=token) for body in sample["body"].to_pylist()]
        index = sample.schema.get_field_index("body")
        yield frame(sample.set_column(index, "body", pa.array(bodies, pa.binary())))


def _equal(before: pd.Series[Any], after: pd.Series[Any]) -> bool:
    return [str(value) for value in before] == [str(value) for value in after]


def _with(body: bytes, path: str, *, token: str) -> bytes:
    """The body with this token for each value at the path."""
    return (
        Walk(body.decode("utf-8", "surrogateescape"), _Placing(path, token))
        .changed()
        .encode("utf-8", "surrogateescape")
    )


class _Placing:
    """Puts one token in the place of whatever stands at a path."""

    def __init__(self, path: str, token: str) -> None:
        self._paths, self._token = Paths({path: "place"}), token

    def action(self, place: Place, /) -> str | None:
        return self._paths.at(place)

    def key(self, _place: Place, _token: str, /) -> str | None:
        return None

    def value(self, _place: Place, _token: str, /, *, action: str | None) -> str | None:
        return self._token if action else None
