"""The folder of one run: where each artefact lives, what the run is of, and which files are finished."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pyarrow as pa

from harness import columns
from harness.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

RUN_SCHEMA = 1
CHOSEN = "chosen.json"
MANIFEST = "MANIFEST.jsonl"
#: what the run is doing, while it does
LIVE = "live.json"
REPORTS = frozenset(
    {f"{what}.{kind}" for what in ("report", "diagnosis") for kind in ("json", "md", "html")} | {"junit.xml"}
)
_EVIDENCE = frozenset({".parquet", ".json", ".jsonl"})
_APART = ("reproduce/", "calibration/")
T = TypeVar("T")


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it was loaded: its file, the sha256 of its bytes, the digest of its pipeline and data."""

    file: str
    sha256: str
    pipeline: str = ""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """`chosen.json`: what the command line asked of a run, beside its scenario; saved before all else.

    `build` is the build that the run was said to be of, by which its verdict is asked for.
    """

    phases: tuple[str, ...] = ()
    all_phases: bool = False
    first: int | None = None
    fail_fast: bool = False
    build: str = ""
    preflight: bool = True

    def options(self) -> str:
        """The same on a command line: " --phase parity --all-phases --first 2000"."""
        named = "".join(f" --phase {shlex.quote(name)}" for name in self.phases)
        cut = "" if self.first is None else f" --first {self.first}"
        fast = " --fail-fast" if self.fail_fast else ""
        build = f" --build {shlex.quote(self.build)}" if self.build else ""
        all_same = "" if self.preflight else " --no-preflight"
        return named + (" --all-phases" if self.all_phases else "") + cut + fast + all_same + build


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


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A line of MANIFEST.jsonl: a file that is whole on disk, or (`done` false) about to take its name.

    Without a digest it is one that was removed.
    """

    file: str
    bytes: int
    sha256: str
    done: bool = True


@dataclass(frozen=True)
class _Kept:
    """Whether a file must be there, and the digests that it may have."""

    done: bool
    digests: frozenset[str] = frozenset()


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
        """An artefact is whole on disk, and the manifest says so.

        The manifest knows its digest before it takes its name, so that a kill in between loses nothing.
        """
        temporary = columns.stage(data, path)
        self._note(self._line(temporary, path, done=False))
        columns.publish(temporary, path)
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
        return _whole(path, lambda: columns.read(path, names))

    def read_seq(self, path: Path, seq: int) -> pa.Table:
        """The rows of one request in such an artefact; only row groups that may hold it are read."""
        return _whole(path, lambda: columns.read_seq(path, seq))

    def read_row(self, path: Path, row: int) -> pa.Table:
        """One row of such a file by its place; only its row group is read."""
        return _whole(path, lambda: columns.read_row(path, row))

    def finished(self, path: Path) -> None:
        """A line of the manifest for a file that is whole on disk."""
        self._note(self._line(path, path, done=True))

    def remove(self, path: Path) -> None:
        """The file is gone if it was there, and the manifest does not ask for it any more."""
        if path.exists():
            self._note(Listed(file=str(path.relative_to(self.root)), bytes=0, sha256=""))
            path.unlink()

    def verify(self) -> None:
        """Every artefact is as the run wrote it, and none is there that it did not write; else RunError.

        Against what is edited, lost or mixed up by accident: who edits the manifest too is not found out.
        Reports are made from the rest, and may be missing.
        """
        listed = self._listed()
        for name in sorted(listed.keys() - REPORTS):
            if (self.root / name).is_file():
                self._check(name, listed[name])
            elif listed[name].done:
                raise _lacks(self.root / name)
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.suffix in _EVIDENCE and name not in listed and not _apart(name):
                raise RunError("the run did not write this file", where=str(path), fix="Take it away.")

    def rendering(self, name: str) -> bytes | None:
        """A rendering of the report as the run wrote it; None where it is not there, or no longer so."""
        kept = self._listed().get(name)
        if kept is None or not (self.root / name).is_file():
            return None
        data = (self.root / name).read_bytes()
        return data if hashlib.sha256(data).hexdigest() in kept.digests else None

    def verify_report(self) -> None:
        """report.json is as the run wrote it; else RunError."""
        self.verify_files(self.report.name)

    def verify_files(self, *names: str) -> None:
        """Those of these files that are there, or should be, are as the run wrote them; else RunError."""
        listed = self._listed()
        for name in names:
            path = self.root / name
            if path.is_file():
                self._check(name, listed.get(name, _Kept(done=True)))
            elif path.exists() or name in listed:
                raise _lacks(path)

    def _check(self, name: str, kept: _Kept) -> None:
        path = self.root / name
        if _sha256(path) not in kept.digests:
            found = "another content than the run wrote"
            raise RunError("a file of the run is damaged", where=str(path), found=found, fix=_AGAIN)

    def _listed(self) -> dict[str, _Kept]:
        """What each file may hold: what was written last, or was about to be when the run was killed."""
        path = self.root / MANIFEST
        if not path.is_file():
            raise _lacks(path)
        found: dict[str, _Kept] = {}
        for raw in path.read_bytes().splitlines():
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                line = msgspec.json.decode(raw, type=Listed)
                before = found.get(line.file, _Kept(done=False))
                kept = frozenset({line.sha256}) if line.done else before.digests | {line.sha256}
                found[line.file] = _Kept(done=line.done or before.done, digests=kept)
        return {name: kept for name, kept in found.items() if kept.digests != {""}}

    def _line(self, whole: Path, path: Path, *, done: bool) -> Listed:
        name = str(path.relative_to(self.root))
        return Listed(file=name, bytes=whole.stat().st_size, sha256=_sha256(whole), done=done)

    def _note(self, line: Listed) -> None:
        with (self.root / MANIFEST).open("a+b") as manifest:
            if manifest.tell():
                manifest.seek(-1, os.SEEK_END)
                if manifest.read(1) != b"\n":  # a kill cut the line before
                    manifest.write(b"\n")
            manifest.write(msgspec.json.encode(line) + b"\n")
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


_AGAIN = "Take back the file as it was, or run the scenario again."


def _whole(path: Path, read: Callable[[], pa.Table]) -> pa.Table:
    """What is read of an artefact that is there and can be read."""
    if not path.is_file() and not any(path.glob("part-*.parquet")):
        raise _lacks(path)
    try:
        return read()
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise RunError("a file of the run is damaged", where=str(path), found=reason) from error


def _apart(name: str) -> bool:
    """What stands in a run's folder and is no artefact: journals, reports, tools, and the manifest."""
    file = name.rpartition("/")[2]
    known = name in REPORTS or name in {MANIFEST, LIVE}
    return known or file.startswith("journal-") or name.startswith(_APART)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
