"""Which redacted places of a capture feed a model: by name, and by another value given to its pipeline."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
import pyarrow as pa

from harness.capture.live.json_paths import DEEPER, ELEMENT, Paths, parsed, spelled
from harness.capture.live.json_text import GONE, Walk
from harness.capture.live.redaction import TAG, redacted_places
from harness.diff import REDACTED
from harness.errors import PipelineError
from harness.records import RedactedInput
from replayers.offline import frame
from replayers.protocols import Json
from replayers.selectors import compile_selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.capture.live.json_paths import Place
    from harness.records import CapturedRequest
    from replayers.offline import OfflineReplayer
    from replayers.recorded import RecordedTarget

#: requests that are asked about for each place, and places that are asked about at all
SAMPLE = 200
MOST_PLACES = 60

_BODY = "body:"
_LOGGED = "features:"
_ANSWER = "answer:"
_ANSWER_HEADER = "answer header "
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


def as_known(requests: Iterable[CapturedRequest]) -> Iterator[CapturedRequest]:
    """Each request with a mark for each logged feature that redaction changed.

    What was masked is no value that the service used: compared, it would be a skew that is none, or an
    agreement of two masks.
    """
    for request in requests:
        features = request.online_features
        paths = _below(redacted_places(request.tags), _LOGGED)
        marked = features and _marked(features, paths, root=())
        yield request if marked == features else msgspec.structs.replace(request, online_features=marked)


def as_shown(target: RecordedTarget) -> Callable[[CapturedRequest, bytes], bytes]:
    """How features that a recorded answer echoes are marked where redaction changed them.

    A place that does not say which feature it is (another protocol than JSON, an expression) hides them all.
    """
    selected = compile_selector(target.response.features)
    plain = isinstance(target.protocol, Json)
    header = f"{_ANSWER_HEADER}{selected.header}"

    def shown(request: CapturedRequest, features: bytes) -> bytes:
        places = redacted_places(request.tags)
        if plain and selected.header:
            return REDACTED.encode() if header in places else features
        root = selected.steps if plain and selected.steps else None
        return _marked(features, _below(places, _ANSWER), root=root)

    return shown


def _below(places: Sequence[str], begins: str) -> list[str]:
    return [place.removeprefix(begins) for place in places if place.startswith(begins)]


def _marked(features: bytes, paths: Sequence[str], *, root: Place | None) -> bytes:
    """Features by name with a mark for each at one of the paths; where it is not known which, for all.

    `root` is where they stand among the paths.
    """
    for path in paths:
        name = _feature(path, root)
        if name is None:
            return REDACTED.encode()
        if name:
            features = _with(features, spelled((name,)), token=REDACTED)
    return features


def _feature(path: str, root: Place | None) -> str | None:
    """The name of the feature at a path, empty for what is none, None where it may be any."""
    try:
        names = tuple(name for name in parsed(path) if name != ELEMENT)
    except ValueError:
        return None
    if root is None or names[:1] == (DEEPER,) or names == root[: len(names)]:
        return None
    return names[len(root)] if names[: len(root)] == root else ""


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
