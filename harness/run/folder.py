"""The folder of one run: where each artefact lives, what the run is of, and which files are finished."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from harness import columns
from harness.errors import RunError, UsageError

RUN_SCHEMA = 1
CHOSEN = "chosen.json"
T = TypeVar("T")


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it was loaded: its file, the sha256 of its bytes, the digest of its pipeline and data."""

    file: str
    sha256: str
    pipeline: str = ""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """`chosen.json`: what the command line asked of a run, beside its scenario; saved before sending."""

    phases: tuple[str, ...] = ()
    all_phases: bool = False
    first: int | None = None
    fail_fast: bool = False

    def options(self) -> str:
        """The same on a command line: " --phase parity --all-phases --first 2000"."""
        named = "".join(f" --phase {shlex.quote(name)}" for name in self.phases)
        cut = "" if self.first is None else f" --first {self.first}"
        fast = " --fail-fast" if self.fail_fast else ""
        return named + (" --all-phases" if self.all_phases else "") + cut + fast


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """What every version of run.json has: enough to say whether the rest can be read."""

    schema: int


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`run.json`: what this run is of, fixed before anything is sent."""

    schema: int = RUN_SCHEMA
    run_id: str
    created_at: str
    scenario: str
    scenario_file: str
    scenario_folder: str
    scenario_digest: str
    resolved: dict[str, Any]
    capture_sha256: str
    models: dict[str, ModelRecord]
    seed: int
    versions: dict[str, str]


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's artefacts; nothing in a report that cannot be recomputed from here."""

    root: Path

    @property
    def capture(self) -> Path:
        """Parts of the captured requests."""
        return self.root / "capture"

    @property
    def differences(self) -> Path:
        """Mismatching cells, part by part, and their summaries."""
        return self.root / "differences"

    @property
    def labels(self) -> Path:
        """Parts of labels, append-only, each with the time it became known."""
        return self.root / "labels"

    @property
    def report(self) -> Path:
        """The truth of the run."""
        return self.root / "report.json"

    def offline(self, model: str) -> Path:
        """Offline features and scores of a model."""
        return self.root / "offline" / model / "part-00000.parquet"

    def outcomes(self, target: str) -> Path:
        """Journals and compacted outcomes of a target."""
        return self.root / "outcomes" / target

    def next_labels(self) -> Path:
        """Where the next part of labels goes: after the last one, never over one."""
        last = max(
            (int(part.stem.removeprefix("part-")) for part in self.labels.glob("part-*.parquet")), default=-1
        )
        return self.labels / f"part-{last + 1:05d}.parquet"

    def save(self, name: str, value: object) -> Path:
        """A small JSON artefact, written whole."""
        return self.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n", self.root / name)

    def write(self, data: bytes | pa.Table, path: Path) -> Path:
        """An artefact is whole on disk, and the manifest says so."""
        if isinstance(data, bytes):
            columns.write_bytes(data, path)
        else:
            columns.write(data, path)
        self.finished(path)
        return path

    def load(self, name: str, kind: type[T]) -> T:
        """A JSON artefact as the type it was saved from; RunError when it is missing or damaged."""
        path = self.root / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except OSError as error:
            raise _lacks(path) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RunError("a file of the run is damaged", where=str(path), found=error) from error

    def read(self, path: Path, names: list[str] | None = None) -> pa.Table:
        """A Parquet artefact (a file, or all parts of a folder); RunError when it is missing or damaged."""
        if not path.is_file() and not any(path.glob("part-*.parquet")):
            raise _lacks(path)
        try:
            return columns.read(path, names)
        except (OSError, pa.ArrowException) as error:
            reason = str(error).splitlines()[0]
            raise RunError("a file of the run is damaged", where=str(path), found=reason) from error

    def finished(self, path: Path) -> None:
        """A line of MANIFEST.jsonl for a file that is whole on disk."""
        data = path.read_bytes()
        line = {
            "file": str(path.relative_to(self.root)),
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        with (self.root / "MANIFEST.jsonl").open("a", encoding="utf-8") as manifest:
            manifest.write(json.dumps(line) + "\n")
            manifest.flush()
            os.fsync(manifest.fileno())

    def chosen(self) -> Chosen:
        """What was asked of this run; everything where nothing says otherwise."""
        return self.load(CHOSEN, Chosen) if (self.root / CHOSEN).is_file() else Chosen()

    def record(self) -> RunRecord:
        """What this run is of."""
        schema = self.load("run.json", _Head).schema
        if schema > RUN_SCHEMA:
            raise RunError(
                "the run is from a newer replaygate",
                where=str(self.root),
                found=f"schema {schema}",
                expected=f"at most {RUN_SCHEMA}",
                fix="Use the version that made it.",
            )
        return self.load("run.json", RunRecord)


def _lacks(path: Path) -> RunError:
    fix = "Was the run interrupted? Go on with `replaygate resume RUN`, or run it again."
    return RunError("the run lacks a file", where=str(path), fix=fix)


def create(results: Path, scenario: str, *, digest: str, now: datetime) -> RunFolder:
    """A new, empty folder `results/<scenario>/<time>-<digest>`; a second run in one second gets a suffix."""
    stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest[:6]}"
    for suffix in ("", *(f"-{i}" for i in range(2, 1000))):
        root = results / scenario / (stamp + suffix)
        try:
            root.mkdir(parents=True)
        except FileExistsError:
            if not root.is_dir():
                raise _cannot_make(root, "a file is in the way") from None
            continue
        except OSError as error:
            raise _cannot_make(root, error.strerror) from error
        return RunFolder(root)
    raise RunError("too many runs in one second", where=str(results))


def _cannot_make(root: Path, reason: str | None) -> UsageError:
    return UsageError(
        "the run's folder cannot be made",
        where=str(root),
        found=reason,
        fix="Choose another folder with --results.",
    )


def open_run(path: Path) -> RunFolder:
    """The run at a path; RunError when it is not one, with the nearest that is."""
    if not (path / "run.json").is_file():
        there = [found.parent.name for found in path.parent.glob("*/run.json")]
        inside = sorted(path.glob("*/run.json"))
        near = [path.parent / name for name in get_close_matches(path.name, there, n=1)]
        near += [found.parent for found in inside[-1:]]
        raise RunError(
            "not a run of replaygate",
            where=str(path),
            expected="a folder with run.json",
            fix=f"Did you mean {near[0]}?" if near else "",
        )
    return RunFolder(path)
