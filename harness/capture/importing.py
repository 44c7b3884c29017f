"""Capture files of any known format as one stream of requests, with a ledger of what was dropped and why."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TypeVar

import msgspec
import pyarrow as pa

from harness import columns
from harness.capture import times
from harness.capture.formats import BROKEN, FORMATS, PASSED_OVER, Dropped, Format, Labelled, Piece, detect
from harness.capture.formats.canonical import CANONICAL, dropped
from harness.capture.intake import chunked
from harness.capture.joining import Joined
from harness.capture.live.waiting import RULED_OUT
from harness.capture.read import read_tables
from harness.capture.recorded import RECORDER, not_recorded
from harness.capture.redacting import UNTOLD, Preparation
from harness.capture.sources import did_you_mean, existing, target_of, translated
from harness.errors import CaptureError, UsageError
from harness.records import CapturedRequest

#: how many dropped records are kept with their details
WORST = 10

#: what a file of labels that we write ends in
LABELS = (".jsonl",)

T = TypeVar("T")

_NUMBER = re.compile(r"(\d+)")


@dataclass
class Ledger:
    """What came of the files: `formats` by file, `dropped` by reason, the first of them, and the labels.

    `requests` were given, `unanswered` of them waited for an answer that did not come; `preparation` counts
    what was sampled and redacted of them. `not_recorded` counts what a live
    recorder had to drop, by reason.
    """

    formats: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    unanswered: int = 0
    preparation: Preparation = field(default_factory=Preparation)
    dropped: Counter[str] = field(default_factory=Counter)
    not_recorded: dict[str, int] = field(default_factory=dict)
    first: list[Dropped] = field(default_factory=list)
    labels: list[Labelled] = field(default_factory=list)
    on_dropped: Callable[[Dropped], None] = lambda _: None

    def drop(self, one: Dropped) -> None:
        """The record is counted, told, and kept where it is among the first; without its text under rules.

        A file that breaks stands before all.
        """
        if one.reason in BROKEN:
            self.first.insert(0, one)
        elif one.detail and self.preparation.redactor.searches:
            one = msgspec.structs.replace(one, detail=UNTOLD)
        self.dropped[one.reason] += 1
        self.on_dropped(one)
        if len(self.first) < WORST and one.reason not in PASSED_OVER | BROKEN:
            self.first.append(one)

    @property
    def lost(self) -> int:
        """Records that should have been requests, answers or labels and were not."""
        return sum(count for reason, count in self.dropped.items() if reason not in PASSED_OVER)

    def missing(self, written: int) -> dict[str, int]:
        """By reason, what a capture of so many requests that is made of the files lacks of its calls.

        That is what a recorder dropped, as much of it as was sampled of the rest, and what rules leave out.
        """
        ruled_out = sum(self.preparation.redactor.dropped.values())
        sampled = self.preparation.sampler is not None
        share = min(1.0, (written + ruled_out) / max(self.requests, 1)) if sampled else 1.0
        found = Counter({reason: ceil(count * share) for reason, count in self.not_recorded.items()})
        if ruled_out:
            found[f"{RECORDER}{RULED_OUT}"] += ruled_out
        return dict(found)


def requests_of(
    files: Sequence[Path], ledger: Ledger, *, form: str | Format | None = None
) -> Iterator[CapturedRequest]:
    """The requests of all files in their order, `seq` dense, answers joined; the rest goes to the ledger.

    A folder stands for all files in it, at any depth, by name with numbers as numbers. Raises UsageError for
    a `form` that is none, CaptureError for a file that is missing or in no one known format: those of all
    files are found before the first is read.
    """
    return _requests(_known(files, ledger, form=form), ledger)


def _known(files: Sequence[Path], ledger: Ledger, *, form: str | Format | None) -> list[tuple[Path, Format]]:
    known = [(path, _format(path, form)) for path in _files(files)]
    ledger.formats = {str(path): one.name for path, one in known}
    ledger.not_recorded = not_recorded(files)
    return known


def _requests(known: Sequence[tuple[Path, Format]], ledger: Ledger) -> Iterator[CapturedRequest]:
    joined = Joined(on_dropped=ledger.drop, on_label=ledger.labels.append)
    for seq, request in enumerate(joined.requests(_pieces(known))):
        ledger.requests += 1
        yield msgspec.structs.replace(request, seq=seq)
    ledger.unanswered = joined.unanswered


def tables_of(
    files: Sequence[Path],
    ledger: Ledger,
    *,
    form: str | Format | None = None,
    through: Callable[[Iterator[CapturedRequest]], Iterator[CapturedRequest]] | None = None,
) -> Iterator[pa.Table]:
    """The same requests as tables, each passed `through` first: by the block where all files are ours."""
    known = _known(files, ledger, form=form)
    if through is not None or any(one is not CANONICAL for _, one in known):
        found = _requests(known, ledger)
        yield from chunked(found if through is None else through(found))
        return
    for table in read_tables([path for path, _ in known], on_bad=lambda one: ledger.drop(dropped(one))):
        ledger.requests += table.num_rows
        yield table


def labels_of(files: Sequence[Path], ledger: Ledger, *, form: str | Format | None = None) -> list[Labelled]:
    """The labels of all files, whether or not requests stand beside them.

    Raises CaptureError where there is none, and for the first record that is lost: a label that is missing in
    silence would make its request one without.
    """
    for _ in requests_of(files, ledger, form=form):
        pass
    if ledger.lost or not ledger.labels:
        first = ledger.first[0] if ledger.first else None
        raise CaptureError(
            f"{times.counted(ledger.lost, 'record is', 'records are')} lost" if ledger.lost else "no label",
            where=f"{first.file}, offset {first.offset}" if first else ", ".join(ledger.formats),
            found=f"{first.reason}: {first.detail}" if first else f"{ledger.requests:,} requests without one",
            fix="Mend the file, or give only the files with labels." if ledger.lost else "",
        )
    return ledger.labels


def checked(requests: Iterable[T], ledger: Ledger, *, max_bad_share: float) -> Iterator[T]:
    """The same requests or tables; at their end CaptureError where there was none, or too much was lost.

    One lost record is borne by any share above 0: the end of a file that was still being written is cut.
    A file that is damaged is borne by a share of 1: what is missing, or not true, cannot be counted.
    """
    yield from requests
    _refuse_broken(ledger, max_bad_share=max_bad_share)
    records = ledger.requests + ledger.lost
    borne = max(max_bad_share * records, 1 if max_bad_share else 0)
    if ledger.lost > borne or not ledger.requests:
        first = ledger.first[0] if ledger.first else None
        counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(ledger.dropped.items()))
        raise CaptureError(
            f"{ledger.lost:,} of {records:,} records {'is' if ledger.lost == 1 else 'are'} lost"
            if ledger.requests
            else "no request",
            where=f"{first.file}, offset {first.offset}" if first else ", ".join(ledger.formats),
            found=f"{first.reason}: {first.detail} ({counts})" if first else counts or "nothing",
            expected=f"at most {max_bad_share:.2%}" if ledger.requests else "at least one",
            fix="--max-bad-share 1 imports the rest." if ledger.requests else "",
        )


def _refuse_broken(ledger: Ledger, *, max_bad_share: float) -> None:
    if max_bad_share < 1 and BROKEN & ledger.dropped.keys():
        broken = ledger.first[0]
        raise CaptureError(
            f"{broken.reason}: what is missing, or not true, cannot be counted",
            where=f"{broken.file}, offset {broken.offset}",
            found=f"{broken.detail}; {ledger.requests:,} requests before it",
            expected="a whole file",
            fix="Copy the file again; --max-bad-share 1 imports what can be read.",
        )


def write_labels(labels: Sequence[Labelled], path: Path) -> int:
    """The labels are in `path` as JSON Lines for `read_labels`; raises UsageError for another ending.

    Where corrections are added at the end, the place of a label is its revision.
    """
    target_of(path, LABELS)
    lines = [
        msgspec.json.encode(
            {"request_id": one.request_id, one.outcome: one.label, "label_at": times.rfc3339(one.label_at_ns)}
            | ({} if one.row_index is None else {"row_index": one.row_index})
            | ({} if one.offset is None else {"revision": place})
        )
        for place, one in enumerate(labels)
    ]
    columns.write_bytes(b"".join(line + b"\n" for line in lines), path)
    return len(lines)


def _files(given: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        existing(path, CaptureError)
        if not path.is_dir():
            found.append(path)
            continue
        inside = [one for one in path.rglob("*") if one.is_file() and not one.name.startswith((".", "_"))]
        if not inside:
            raise CaptureError("empty folder", where=str(path), expected="capture files")
        found += sorted(inside, key=lambda one: _natural(str(one)))
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """A key by which part_2 comes before part_10."""
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in _NUMBER.split(name)]


def _format(path: Path, form: str | Format | None) -> Format:
    if isinstance(form, Format):
        return form
    if form is None:
        return detect(path, list(FORMATS.values()))
    if form not in FORMATS:
        hint = did_you_mean(form, FORMATS)
        raise UsageError("no such format", found=form, expected=", ".join(FORMATS), fix=hint)
    return FORMATS[form]


def _pieces(known: Sequence[tuple[Path, Format]]) -> Iterator[Piece]:
    names = _names([path for path, _ in known])
    for (path, form), name in zip(known, names, strict=True):
        with translated(path, CaptureError):
            yield from form.read(path) if form.read_as is None else form.read_as(path, name)


def _names(paths: Sequence[Path]) -> list[str]:
    """The name of each file; of those that share one, the path below the folder that they all are in."""
    count = Counter(path.name for path in paths)
    full = [path.parent.resolve() / path.name for path in paths]
    shared = {one for one in full if count[one.name] > 1}
    if len(shared) < 2:
        return [path.name for path in paths]
    above = os.path.commonpath(shared)
    return [one.relative_to(above).as_posix() if one in shared else one.name for one in full]
