"""What a results folder holds: its runs with their verdicts, and what was skipped with the reason."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from harness.errors import RunError
from harness.records import Approval, Decision, Word
from harness.report.model import SCHEMA_VERSION
from harness.run.folder import CHOSEN, MANIFEST, RUN_SCHEMA, Chosen, RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["unfinished", "newer", "damaged", "foreign"]
#: results/<scenario>/<run>
_DEPTH = 2
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}(-\d+)?")
_BEGUN = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-")
_IDENTITY = ("run.json", CHOSEN)
#: all that an entry is made of
_FILES = (*_IDENTITY, MANIFEST, "report.json")
_NEWER = "it was written by a newer replaygate; use the version that made it"
#: of a file as it stands: inode, size and time of its last change; None where there is none
Stamp = tuple[tuple[int, int, int] | None, ...]


#: how a build may be named: a digest, a tag, an image; nothing that looks like an option
BUILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+=-]{0,199}")


@dataclass(frozen=True)
class RunEntry:
    """A run that has its verdict; `build` is what the run was said to be of, empty where nothing was said.

    `compared` counts the distinct requests of its largest comparison.
    """

    path: Path
    scenario: str
    run_id: str
    created_at: str
    as_of: str
    decision: Decision
    build: str = ""
    compared: int = 0
    approvals: tuple[Approval, ...] = ()

    @property
    def approved(self) -> bool:
        """Whether a person let this very verdict pass."""
        return any(one.stands for one in self.approvals)

    @property
    def word(self) -> Word:
        """The verdict."""
        return self.decision.word


@dataclass(frozen=True)
class Skipped:
    """What gives no verdict, and why; what it was to be of, as far as that can be read.

    `unfinished` is still running or was cut, `newer` was written by a newer replaygate, `damaged` has a file
    that cannot be read or is not as the run wrote it, `foreign` is nothing that replaygate wrote. `build` is
    None where it cannot be read: the run may be of any.
    """

    path: Path
    kind: Kind
    reason: str
    scenario: str = ""
    run_id: str = ""
    created_at: str = ""
    build: str | None = ""


@dataclass(frozen=True)
class Listing:
    """The runs of a results folder and what was skipped, each the newest first."""

    runs: tuple[RunEntry, ...]
    skipped: tuple[Skipped, ...]


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """Of run.json, what every version has, and what says which run it is."""

    schema: int
    run_id: str = ""
    created_at: str = ""
    scenario: str = ""


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: int


class _Of(msgspec.Struct, frozen=True, kw_only=True):
    """Of report.json, which build it is of: a report says so only where the run was said to be of one."""

    digests: dict[str, str] = {}


class _Pair(msgspec.Struct, frozen=True, kw_only=True):
    compared: int


class _Brief(_Of, frozen=True, kw_only=True):
    """Of report.json, what a list of runs shows."""

    scenario: str
    run_id: str
    created_at: str
    as_of: str
    decision: Decision
    pairs: tuple[_Pair, ...] = ()
    approvals: tuple[Approval, ...] = ()


def list_runs(results: Path) -> Listing:
    """Every run below a results folder, a scenario's folder or a run's own; a bad one spoils no other.

    A run is read again only when its files have changed, so that a second look costs a few stats a run.
    Links are not followed. RunError where there is no such folder.
    """
    if not results.is_dir():
        raise RunError("not a folder", where=str(results), expected="a results folder")
    found = [_look(path) for path in _candidates(results, depth=_DEPTH)]
    return Listing(
        runs=tuple(sorted((e for e in found if isinstance(e, RunEntry)), key=age, reverse=True)),
        skipped=tuple(sorted((e for e in found if isinstance(e, Skipped)), key=age, reverse=True)),
    )


def age(entry: RunEntry | Skipped) -> tuple[str, int, str, str]:
    """Oldest first; of two runs of one second the one with the suffix came later."""
    return entry.created_at, len(entry.run_id), entry.run_id, str(entry.path)


def _candidates(folder: Path, *, depth: int) -> Iterator[Path]:
    """Every run's folder, and every folder that holds none and is none; not into runs, not through links."""
    if depth == 0 or _is_run(folder):
        yield folder
        return
    try:
        with os.scandir(folder) as entries:
            inside = sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        inside = []
    if not inside and depth < _DEPTH:
        yield folder
    for path in inside:
        yield from _candidates(path, depth=depth - 1)


def _is_run(folder: Path) -> bool:
    """Whether a folder is a run's, however far that came."""
    return bool(_RUN_NAME.fullmatch(folder.name)) or any(
        map(_is_file, (folder / "run.json", folder / MANIFEST))
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _look(root: Path) -> RunEntry | Skipped:
    try:
        return _read(str(root), tuple(_stamp(f"{root}/{name}") for name in _FILES))
    except OSError as error:
        return replace(_placed(RunFolder(root)), reason=f"cannot be read: {error.strerror}")


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  -- thousands of them at each look; a Path costs more than the stat
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


@lru_cache(maxsize=20_000)
def _read(place: str, stamps: Stamp) -> RunEntry | Skipped:
    """The run as its files stood at these stamps."""
    root = Path(place)
    if stamps[0] is None:
        return _no_run(root)
    folder = RunFolder(root)
    try:
        made = folder.load("run.json", _Made)
    except (RunError, RecursionError) as error:
        return replace(_placed(folder), reason=_told(error))
    known = Skipped(
        path=root,
        kind="unfinished",
        reason="it is still running or was cut: it has no report yet",
        scenario=made.scenario,
        run_id=made.run_id,
        created_at=made.created_at,
        build=_build(folder),
    )
    if made.schema > RUN_SCHEMA:
        return replace(known, kind="newer", reason=_NEWER)
    try:
        return known if stamps[-1] is None else _judged(folder, known)
    except (RunError, RecursionError) as error:
        placed = _placed(folder)
        return replace(placed if placed.run_id else replace(known, kind="damaged"), reason=_told(error))


def _placed(folder: RunFolder) -> Skipped:
    """A damaged run by what its place says of it, so that it still hides an older verdict of its build."""
    root = folder.root.absolute()
    begun = _BEGUN.match(root.name)
    return Skipped(
        path=folder.root,
        kind="damaged",
        reason="",
        scenario=root.parent.name if begun else "",
        run_id=root.name if begun else "",
        created_at="{}-{}-{}T{}:{}:{}Z".format(*begun.groups()) if begun else "",
        build=_build(folder),
    )


def _build(folder: RunFolder) -> str | None:
    """The build of a run, as it was asked for, else as its report says; None where neither is whole."""
    with contextlib.suppress(RunError, RecursionError, OSError):
        if _is_file(folder.root / MANIFEST):
            folder.verify_files(CHOSEN)
        if _is_file(folder.root / CHOSEN):
            return folder.load(CHOSEN, Chosen).build
    with contextlib.suppress(RunError, RecursionError, OSError):
        folder.verify_report()
        return folder.load("report.json", _Of).digests.get("build", "")
    return None


def _judged(folder: RunFolder, known: Skipped) -> RunEntry | Skipped:
    """The verdict of a run whose report, build and identity are as it wrote them; else RunError."""
    folder.verify_files(*_IDENTITY, "report.json")
    if folder.load("report.json", _Version).schema_version > SCHEMA_VERSION:
        return replace(known, kind="newer", reason=_NEWER)
    brief = folder.load("report.json", _Brief)
    if (brief.scenario, brief.run_id) != (known.scenario, known.run_id):
        raise RunError("the report is of another run", where=str(folder.report), found=brief.run_id)
    return RunEntry(
        path=folder.root,
        scenario=brief.scenario,
        run_id=brief.run_id,
        created_at=brief.created_at,
        as_of=brief.as_of,
        decision=brief.decision,
        build=known.build or "",
        compared=max((pair.compared for pair in brief.pairs), default=0),
        approvals=brief.approvals,
    )


def _told(error: RunError | RecursionError) -> str:
    return error.sentence() if isinstance(error, RunError) else "it nests too deeply to be a file of a run"


def _no_run(root: Path) -> Skipped:
    """A run is named by its time and writes its manifest first; what does neither is not ours."""
    if _is_run(root):
        reason = "it has just begun or was cut: no run.json yet"
        return replace(_placed(RunFolder(root)), kind="unfinished", reason=reason)
    return Skipped(path=root, kind="foreign", reason="not a run of replaygate: it has no run.json")
