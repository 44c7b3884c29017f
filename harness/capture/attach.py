"""Labels joined to the captured requests, the whole history of each request kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from harness import columns
from harness.capture import times
from harness.capture.labels import PlacedLabel
from harness.errors import LabelsError

_STAMP = columns.LABELS.field("label_at").type


@dataclass(frozen=True)
class LabelTable:
    """Labels joined to the capture: `table` of LABELS, by seq, outcome, label_at, then file order.

    All labels of a request are kept as its history; the last one known at `as_of` is the one to use.
    `events` labels were given, `unknown` of them for requests outside the capture; `requests` requests have
    at least one, and `superseded` labels have a later one of the same request and outcome.
    """

    table: pa.Table
    events: int
    unknown: int
    requests: int
    superseded: int


def attach(
    events: Iterable[PlacedLabel], capture_table: pa.Table, *, max_unknown_share: float = 0.01
) -> LabelTable:
    """The labels joined to `seq` by `request_id` (and `row_index` where the capture has one).

    `capture_table` needs the columns seq, request_id, row_index, ts_ns and event_time of CAPTURE. Labels of
    requests outside the capture are counted; pass `max_unknown_share=1.0` for a sampled capture, where they
    are expected. Raises LabelsError for more unknown ids than that share of the labels (naming the first),
    for a label known before its request's event time (`ts_ns` where it has none), and for two labels of one
    request and outcome that say different things at the same time in the same revision. Of several revisions
    at one time only the last is in the table: none of the others was ever the last one known.
    """
    known = _index(capture_table)
    found: list[tuple[int, str, int, PlacedLabel]] = []
    unknown = 0
    first_unknown: PlacedLabel | None = None
    for event in events:
        place = known.get((event.request_id, event.row_index))
        if place is None:
            unknown += 1
            first_unknown = first_unknown or event
            continue
        seq, event_time_ns = place
        _check_order(event, event_time_ns)
        found.append((seq, event.outcome, event.label_at_ns, event))
    if first_unknown is not None and unknown > max_unknown_share * (unknown + len(found)):
        events_given = unknown + len(found)
        raise _too_many_unknown(first_unknown, unknown, events=events_given, limit=max_unknown_share)
    found.sort(key=lambda one: (*one[:3], one[3].revision))
    last = _last_revisions(found)
    _check_agreement(last)
    distinct = len({(seq, outcome) for seq, outcome, _, _ in found})
    return LabelTable(
        table=_table(last),
        events=unknown + len(found),
        unknown=unknown,
        requests=len({seq for seq, _, _, _ in found}),
        superseded=len(found) - distinct,
    )


def _index(capture: pa.Table) -> dict[tuple[str, int | None], tuple[int, int]]:
    event_times = pc.coalesce(capture["event_time"].cast(pa.int64()), capture["ts_ns"])
    names = zip(capture["request_id"].to_pylist(), capture["row_index"].to_pylist(), strict=True)
    places = zip(capture["seq"].to_pylist(), event_times.to_pylist(), strict=True)
    return dict(zip(names, places, strict=True))


def _check_order(event: PlacedLabel, event_time_ns: int) -> None:
    if event.label_at_ns + event.resolution_ns <= event_time_ns:
        raise LabelsError(
            f"the label of request {event.request_id!r} was known before the request was made",
            where=f"{event.file}:{event.line}",
            found=f"label_at {times.rfc3339(event.label_at_ns)}",
            expected=f"no earlier than its event time {times.rfc3339(event_time_ns)}",
            fix="Check the zones of both times, and that label_at is when the label became known.",
        )


def check_against(known: pa.Table, more: pa.Table, *, where: str) -> None:
    """No label of `more` says something else than one of `known` of that request, outcome and time.

    Both are tables of LABELS. Raises LabelsError with the first that does, and how many do.
    """
    together = pa.concat_tables([known, more])
    said = together.group_by(["seq", "outcome", "label_at"]).aggregate(
        [("label", "min"), ("label", "max"), ("request_id", "min")]
    )
    torn = said.filter(pc.not_equal(said["label_min"], said["label_max"]))
    if not len(torn):
        return
    first = torn.slice(0, 1).to_pylist()[0]
    raise LabelsError(
        f"{len(torn):,} labels contradict those that the run has",
        where=where,
        found=f"request {first['request_id_min']!r}: {first['label_min']:g} and {first['label_max']:g} "
        f"at {times.rfc3339(first['label_at'].value)}",
        expected="a later label_at for a revision",
        fix="Nothing was added.",
    )


def _last_revisions(
    found: list[tuple[int, str, int, PlacedLabel]],
) -> list[tuple[int, str, int, PlacedLabel]]:
    """Of labels of one request, outcome and time those of the highest revision, `found` being sorted."""
    highest = {one[:3]: one[3].revision for one in found}
    return [one for one in found if one[3].revision == highest[one[:3]]]


def _check_agreement(found: list[tuple[int, str, int, PlacedLabel]]) -> None:
    """Of labels of one request, outcome and time, `found` being sorted, all say the same."""
    for one, other in pairwise(found):
        first, second = one[3], other[3]
        if one[:3] == other[:3] and first.label != second.label:
            raise LabelsError(
                f"two labels of request {second.request_id!r} contradict each other",
                where=f"{second.file}:{second.line}",
                found=f"{first.label:g} and {second.label:g} at {times.rfc3339(second.label_at_ns)}",
                expected="one label, or a later label_at (or a higher revision) for the one that counts",
                fix=f"See also line {first.line} of {first.file}.",
            )


def _too_many_unknown(first: PlacedLabel, unknown: int, *, events: int, limit: float) -> LabelsError:
    row = "" if first.row_index is None else f", row {first.row_index}"
    return LabelsError(
        f"{unknown:,} of {events:,} labels are of requests that the capture does not hold",
        where=f"{first.file}:{first.line}",
        found=f"first request_id {first.request_id!r}{row}",
        expected=f"at most {limit:.2%} unknown",
        fix="Check that these labels belong to this capture, and that row_index is there for batch requests; "
        "max_unknown_share under [labels] allows more.",
    )


def _table(found: list[tuple[int, str, int, PlacedLabel]]) -> pa.Table:
    stamps = pa.array([at for _, _, at, _ in found], pa.int64()).cast(_STAMP)
    return pa.table(
        [
            pa.array([seq for seq, _, _, _ in found], pa.int64()),
            pa.array([event.request_id for _, _, _, event in found], pa.string()),
            pa.array([outcome for _, outcome, _, _ in found], pa.string()),
            pa.array([event.label for _, _, _, event in found], pa.float64()),
            stamps,
        ],
        schema=columns.LABELS,
    )
