"""What people decided about a run: `approvals.jsonl`, only ever added to, beside a verdict that stays."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from harness import report
from harness.errors import RunError, UsageError
from harness.records import Approval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.records import Report
    from harness.run.folder import RunFolder

APPROVALS = "approvals.jsonl"
#: characters
MOST = {"--by": 200, "--why": 4000}


def approval(made: Report, *, by: str, why: str, at: str) -> Approval:
    """An approval of a report as it stands; UsageError unless it says who and why."""
    return Approval(
        by=_said("--by", by),
        why=_said("--why", why),
        at=at,
        word=made.decision.word,
        sha256=report.judged_sha256(made),
    )


def _said(option: str, text: str) -> str:
    said = " ".join(text.split())
    if not any(map(str.isprintable, said.replace(" ", ""))):
        raise UsageError(f"{option} says nothing", expected="who approves, and why")
    if len(said) > MOST[option]:
        fix = "Write the rest elsewhere and name the place."
        raise UsageError(
            f"{option} is too long", found=len(said), expected=f"at most {MOST[option]}", fix=fix
        )
    if any("\ud800" <= letter <= "\udfff" for letter in said):
        raise UsageError(f"{option} is not text in UTF-8")
    return said


def given(folder: RunFolder) -> tuple[Approval, ...]:
    """Every approval that a run was given, in order; RunError when the file is not as it was written."""
    path = folder.root / APPROVALS
    folder.verify_files(APPROVALS)
    if not path.is_file():
        return ()
    try:
        return tuple(msgspec.json.Decoder(Approval).decode_lines(path.read_bytes()))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunError("a file of the run is damaged", where=str(path), found=error) from error


def approved(folder: RunFolder, made: Report) -> Report:
    """The report with all approvals of its run; those of an earlier report do not stand."""
    sha256 = report.judged_sha256(made)
    known = tuple(replace(one, stands=one.sha256 == sha256) for one in given(folder))
    return replace(made, approvals=known)


def add(folder: RunFolder, one: Approval) -> None:
    """The approval is in the run's file, after all that were there."""
    before = given(folder)
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in (*before, one))
    folder.write(lines, folder.root / APPROVALS)


@contextlib.contextmanager
def alone(folder: RunFolder) -> Iterator[None]:
    """Nobody else writes the reports of this run meanwhile: no approval is lost, no verdict turned back."""
    place = os.open(folder.root, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)
