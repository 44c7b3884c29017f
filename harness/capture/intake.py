"""The first step of a run: the capture sampled, numbered and written as the run's own Parquet parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness import columns
from harness.capture.config import CaptureConfig, expressions
from harness.capture.line import BadLine
from harness.capture.live.redaction import Redactor
from harness.capture.live.sampling import Sample, Sampler, below
from harness.capture.read import read, read_tables, source_files
from harness.capture.recorded import not_recorded
from harness.capture.redacting import UNTOLD, Preparation
from harness.capture.table import numbered, regrouped, to_table, with_name
from harness.errors import CaptureError
from harness.records import CapturedRequest

#: how many bad lines are kept with their details
WORST = 20

#: reasons that end a file early, so that nobody knows how many requests are missing
CUT = frozenset({"truncated gzip", "damaged gzip", "gzip bomb"})

_PART_BYTES = 128 << 20
_CHUNK_ROWS = 1_024
_CHUNK_BYTES = 16 << 20


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """What came in: `lines` = `parsed` + the sum of `bad`; `sampled` ≤ `parsed` rows are in `parts`.

    What a live recorder beside the files had to drop is among `bad` too, and no share of it ends a run.
    `first_ts_ns` and `last_ts_ns` (earliest and latest) and `resolution_ns` (coarsest) are over the sample;
    `worst` holds the first 20 bad lines, without their text where there are rules of redaction; `sha256` is
    hex by file name; `parts` are names in order of `seq`.
    Requests are counted by header that they lost, by place that was redacted, and by the rule that left them
    out; the last are not among the sampled.
    """

    lines: int
    parsed: int
    sampled: int
    bad: dict[str, int]
    worst: tuple[BadLine, ...]
    first_ts_ns: int
    last_ts_ns: int
    resolution_ns: int
    sha256: dict[str, str]
    parts: tuple[str, ...]
    lost_headers: dict[str, int] = {}
    redacted: dict[str, int] = {}
    left_out: dict[str, int] = {}


@dataclass
class _Tally:
    parsed: int = 0
    sampled: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    worst: list[BadLine] = field(default_factory=list)
    first_ts_ns: int = 2**63
    last_ts_ns: int = -1
    resolution_ns: int = 1
    untold: bool = False
    cut: BadLine | None = None

    def reject(self, line: BadLine) -> None:
        if line.reason in CUT:
            self.cut = self.cut or line
        elif self.untold and line.detail:
            line = msgspec.structs.replace(line, detail=UNTOLD)
        self.bad[line.reason] = self.bad.get(line.reason, 0) + 1
        if len(self.worst) < WORST:
            self.worst.append(line)

    def keep(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        self.sampled += table.num_rows
        times = pc.min_max(table.column("ts_ns")).as_py()
        self.first_ts_ns = min(self.first_ts_ns, times["min"])
        self.last_ts_ns = max(self.last_ts_ns, times["max"])
        self.resolution_ns = max(self.resolution_ns, pc.max(table.column("ts_resolution_ns")).as_py())


def ingest(  # noqa: PLR0917  -- from where, how, to where
    path: Path,
    config: CaptureConfig,
    folder: Path,
    *,
    seed: int,
    part_rows: int = 50_000,
    redactor: Redactor | None = None,
) -> Intake:
    """The capture at `path` is in `folder` as `part-*.parquet` (CAPTURE), `seq` dense over the sample.

    Constant memory: a part is at most `part_rows` requests or about 128 MiB. Parts of an earlier intake
    that are not overwritten are removed at the end. Nothing is written that `redactor` has not seen; without
    one only harmless headers stay.
    Raises CaptureError for a capture that is missing, of unknown kind, damaged, or empty; for a share of bad
    lines above `config.max_bad_share` (naming the first and the counts); and for a sample that kept nothing.
    """
    redactor = redactor or Redactor(keep=config.keep_headers)
    tally = _Tally(untold=redactor.searches)
    parts: list[str] = []
    sample = Sample(share=config.sample, by="unit", seed=seed)
    preparation = Preparation(redactor, Sampler(sample) if config.sample < 1 else None)
    good = _counted(_tables(path, config, tally=tally), tally)
    kept = _kept(preparation.tables(_sampled(good, share=config.sample, seed=seed)), tally)
    for table in regrouped(kept, part_rows, most_bytes=_PART_BYTES):
        parts.append(f"part-{len(parts):05d}.parquet")
        columns.write(table, folder / parts[-1])
    _refuse(tally, path, max_bad_share=config.max_bad_share)
    for stale in set(folder.glob("part-*.parquet")) - {folder / name for name in parts}:
        stale.unlink()
    bad = tally.bad | not_recorded([path])
    return Intake(
        lines=tally.parsed + sum(bad.values()),
        parsed=tally.parsed,
        sampled=tally.sampled,
        bad=dict(sorted(bad.items())),
        worst=tuple(tally.worst),
        first_ts_ns=tally.first_ts_ns,
        last_ts_ns=tally.last_ts_ns,
        resolution_ns=tally.resolution_ns,
        sha256={file.name: sha256(file) for file in source_files(path)},
        parts=tuple(parts),
        lost_headers=dict(redactor.lost_headers.most_common()),
        redacted={f"{place} ({rule})": count for (rule, place), count in redactor.changed.most_common()},
        left_out=dict(redactor.dropped),
    )


def sha256(path: Path) -> str:
    """The hex digest of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_sample(name: str, *, share: float, seed: int) -> bool:
    """Whether requests by this name, their unit or else their id, belong to a sample of `share`.

    A keyed hash of the name, so it holds on every machine and a larger share only adds units. 1.0 keeps all.
    """
    return below(name, share, key=seed.to_bytes(8, "little", signed=True))


def _tables(path: Path, config: CaptureConfig, *, tally: _Tally) -> Iterator[pa.Table]:
    """The good lines; what has to be derived from the bodies takes them one by one."""
    if expressions(config):
        return chunked(read(path, config, on_bad=tally.reject))
    return read_tables(source_files(path), on_bad=tally.reject)


def _counted(tables: Iterable[pa.Table], tally: _Tally) -> Iterator[pa.Table]:
    for table in tables:
        tally.parsed += table.num_rows
        yield table


def _sampled(tables: Iterable[pa.Table], *, share: float, seed: int) -> Iterator[pa.Table]:
    """The rows that a sampler will keep: the others are not worth being made requests."""
    for table in tables:
        if share == 1:
            yield table
            continue
        names = pc.coalesce(table.column("unit"), table.column("request_id")).to_pylist()
        yield table.filter(pa.array([in_sample(name, share=share, seed=seed) for name in names], pa.bool_()))


def _kept(tables: Iterable[pa.Table], tally: _Tally) -> Iterator[pa.Table]:
    for table in tables:
        dense = numbered(table, tally.sampled)
        tally.keep(dense)
        yield dense


def private_headers(table: pa.Table, name: Literal["headers", "recorded_headers"]) -> NDArray[np.bool_]:
    """Which of the requests (n,) have a header in this column that may hold a credential."""
    return with_name(table.column(name).combine_chunks(), columns.is_private)


def parted(requests: Iterable[CapturedRequest], part_rows: int) -> Iterator[pa.Table]:
    """Tables of at most `part_rows` rows and about 128 MiB."""
    return regrouped(chunked(requests), part_rows, most_bytes=_PART_BYTES)


def chunked(requests: Iterable[CapturedRequest]) -> Iterator[pa.Table]:
    """Small tables: rows become columns early, since they take ten times the memory."""
    stream = iter(requests)
    while (table := to_table(_chunk(stream, _CHUNK_ROWS))).num_rows:
        yield table


def _chunk(stream: Iterator[CapturedRequest], rows: int) -> Iterator[CapturedRequest]:
    """The next requests: at most `rows`, and no more once their bodies come to `_CHUNK_BYTES`."""
    size = 0
    for request in islice(stream, rows):
        yield request
        size += len(request.body)
        if size >= _CHUNK_BYTES:
            return


def _refuse(tally: _Tally, path: Path, *, max_bad_share: float) -> None:
    cut = tally.cut
    if cut is not None:
        raise CaptureError(
            "the capture is cut: what it lost cannot be counted",
            where=str(path),
            found=f"{cut.reason} of {cut.file} after {tally.parsed:,} requests: {cut.detail}",
            expected="a whole file",
            fix="Copy the file again; capture import --max-bad-share 1 keeps what can be read.",
        )
    bad = sum(tally.bad.values())
    if bad > max_bad_share * (tally.parsed + bad):
        raise _too_many_bad(tally, path, max_bad_share=max_bad_share)
    if tally.parsed == 0:
        raise CaptureError("empty capture", where=str(path), found="no request", expected="at least one")
    if tally.sampled == 0:
        raise CaptureError(
            "the sample is empty",
            where=str(path),
            found=f"none of {tally.parsed:,} requests",
            fix="Raise sample of the capture, or leave it out.",
        )


def _too_many_bad(tally: _Tally, path: Path, *, max_bad_share: float) -> CaptureError:
    bad = sum(tally.bad.values())
    lines = tally.parsed + bad
    first = tally.worst[0]
    file = path / first.file if path.is_dir() else path
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(tally.bad.items()))
    return CaptureError(
        f"{bad:,} of {lines:,} lines are bad ({counts}), first this one",
        where=f"{file}:{first.line}",
        found=f"{first.reason}: {first.detail}",
        expected=f"at most {max_bad_share:.2%} bad lines",
        fix="Mend the lines, or raise max_bad_share of the capture.",
    )
