"""The first step of a run: the capture sampled, numbered and written as the run's own Parquet parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec
import pyarrow as pa

from harness import columns
from harness.capture.config import CaptureConfig
from harness.capture.line import BadLine
from harness.capture.read import read, source_files
from harness.capture.recorded import not_recorded
from harness.capture.table import to_table
from harness.errors import CaptureError
from harness.records import CapturedRequest

#: how many bad lines are kept with their details
WORST = 20

#: reasons that end a file early, so that nobody knows how many requests are missing
CUT = frozenset({"truncated gzip", "damaged gzip"})

_PROGRESS_EVERY = 5_000
_PART_BYTES = 128 << 20
_CHUNK_ROWS = 1_024
_CHUNK_BYTES = 16 << 20


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """What came in: `lines` = `parsed` + the sum of `bad`; `sampled` ≤ `parsed` rows are in `parts`.

    What a live recorder beside the files had to drop is among `bad` too, and no share of it ends a run.
    `first_ts_ns` and `last_ts_ns` (earliest and latest) and `resolution_ns` (coarsest) are over the sample;
    `worst` holds the first 20 bad lines; `sha256` is hex by file name; `parts` are names in order of `seq`.
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


@dataclass
class _Tally:
    parsed: int = 0
    sampled: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    worst: list[BadLine] = field(default_factory=list)
    first_ts_ns: int = 2**63
    last_ts_ns: int = -1
    resolution_ns: int = 1

    def reject(self, line: BadLine) -> None:
        self.bad[line.reason] = self.bad.get(line.reason, 0) + 1
        if len(self.worst) < WORST:
            self.worst.append(line)

    def keep(self, request: CapturedRequest) -> None:
        self.sampled += 1
        self.first_ts_ns = min(self.first_ts_ns, request.ts_ns)
        self.last_ts_ns = max(self.last_ts_ns, request.ts_ns)
        self.resolution_ns = max(self.resolution_ns, request.ts_resolution_ns)


def ingest(  # noqa: PLR0917  -- from where, how, to where
    path: Path,
    config: CaptureConfig,
    folder: Path,
    *,
    seed: int,
    part_rows: int = 50_000,
    on_progress: Callable[[int], None] | None = None,
) -> Intake:
    """The capture at `path` is in `folder` as `part-*.parquet` (CAPTURE), `seq` dense over the sample.

    Constant memory: a part is at most `part_rows` requests or about 128 MiB. Parts of an earlier intake
    that are not overwritten are removed at the end. `on_progress` is told how many good lines were read.
    Raises CaptureError for a capture that is missing, of unknown kind, damaged, or empty; for a share of bad
    lines above `config.max_bad_share` (naming the first and the counts); and for a sample that kept nothing.
    """
    tally = _Tally()
    parts: list[str] = []
    good = _counted(read(path, config, on_bad=tally.reject), tally, on_progress=on_progress)
    kept = _sampled(good, tally, share=config.sample, seed=seed)
    for table in parted(kept, part_rows):
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
    )


def sha256(path: Path) -> str:
    """The hex digest of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_sample(request: CapturedRequest, *, share: float, seed: int) -> bool:
    """Whether the request belongs to a sample of `share`: the same answer for all requests of one unit.

    A keyed hash of the unit, or of the request id where there is none, so it holds on every machine and a
    larger share only adds units. 1.0 keeps all.
    """
    name = request.request_id if request.unit is None else request.unit
    key = seed.to_bytes(8, "little", signed=True)
    digest = hashlib.blake2b(name.encode(), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _counted(
    requests: Iterable[CapturedRequest], tally: _Tally, *, on_progress: Callable[[int], None] | None
) -> Iterator[CapturedRequest]:
    for request in requests:
        tally.parsed += 1
        if on_progress is not None and tally.parsed % _PROGRESS_EVERY == 0:
            on_progress(tally.parsed)
        yield request


def _sampled(
    requests: Iterable[CapturedRequest], tally: _Tally, *, share: float, seed: int
) -> Iterator[CapturedRequest]:
    for request in requests:
        if share < 1 and not in_sample(request, share=share, seed=seed):
            continue
        dense = (
            request if request.seq == tally.sampled else msgspec.structs.replace(request, seq=tally.sampled)
        )
        tally.keep(dense)
        yield without_secrets(dense)


def without_secrets(request: CapturedRequest) -> CapturedRequest:
    """The request without headers that may hold credentials, its recorded answer's too: a run keeps none."""
    answer = request.recorded_response
    if answer is not None:
        answer = msgspec.structs.replace(answer, headers=_public(answer.headers))
    return msgspec.structs.replace(request, headers=_public(request.headers), recorded_response=answer)


def _public(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not columns.is_private(name)}


def parted(requests: Iterable[CapturedRequest], part_rows: int) -> Iterator[pa.Table]:
    """Tables of at most `part_rows` rows; rows become columns early, since they take ten times the memory."""
    stream = iter(requests)
    while True:
        chunks: list[pa.Table] = []
        rows = size = 0
        while rows < part_rows and size < _PART_BYTES:
            chunk = to_table(_chunk(stream, min(_CHUNK_ROWS, part_rows - rows)))
            if chunk.num_rows == 0:
                break
            chunks.append(chunk)
            rows += chunk.num_rows
            size += chunk.nbytes
        if not chunks:
            return
        yield pa.concat_tables(chunks)


def _chunk(stream: Iterator[CapturedRequest], rows: int) -> Iterator[CapturedRequest]:
    """The next requests: at most `rows`, and no more once their bodies come to `_CHUNK_BYTES`."""
    size = 0
    for request in islice(stream, rows):
        yield request
        size += len(request.body)
        if size >= _CHUNK_BYTES:
            return


def _refuse(tally: _Tally, path: Path, *, max_bad_share: float) -> None:
    cut = next(iter(CUT & tally.bad.keys()), None)
    if cut is not None:
        raise CaptureError(
            "the capture is cut: what it lost cannot be counted",
            where=str(path),
            found=f"{cut} after {tally.parsed:,} requests",
            expected="a whole file",
            fix="Copy the file again, or keep what can be read in a file of its own.",
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
