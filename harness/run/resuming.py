"""What a run needs to be taken up again after a kill, a crash or a full disk: how far it came, and leave."""

from __future__ import annotations

import contextlib
from itertools import chain
from typing import TYPE_CHECKING

from harness.errors import RunError, ScenarioError
from harness.records import PhaseNote
from harness.replay.guard import check_resumable
from harness.replay.journal import read_journal
from harness.run.deciding import PHASES
from harness.scenario import load

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from harness.records import Attempt
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

#: the phases that have ended so far
SO_FAR = "phases_so_far.json"
#: what became of every request, where a run was interrupted
LEDGER = "ledger.json"


def is_finished(folder: RunFolder) -> bool:
    """Whether all that was to be sent was sent."""
    return (folder.root / PHASES).is_file()


def begin(folder: RunFolder) -> None:
    """All is there that is to be sent, and no phase has ended yet."""
    folder.save(SO_FAR, ())


def check_begun(root: Path) -> None:
    """RunError unless the run got as far as sending: what comes before that is quickly done again.

    Runs of earlier versions are known by their journals.
    """
    begun = any((root / name).exists() for name in (SO_FAR, PHASES, "outcomes"))
    if root.is_dir() and not begun:
        raise RunError(
            "the run was cut before anything was sent",
            where=str(root),
            fix="There is nothing to resume. Run the scenario again: replaygate run SCENARIO",
        )


def check_may_resend(loaded: Loaded, *, public: Collection[str]) -> None:
    """The scenario says that requests may be sent again: as the run knew it, or as its file says by now."""
    if loaded.scenario.safety.idempotent:
        return
    safety = loaded.scenario.safety
    with contextlib.suppress(ScenarioError):  # without the file the run's own word stands
        safety = load(loaded.path, public=public).scenario.safety
    try:
        check_resumable(safety)
    except ScenarioError as error:
        raise ScenarioError(
            error.what, where=f"{loaded.path}: [safety]", found="idempotent = false", fix=_WRITE
        ) from None


_WRITE = (
    "If an answer changes nothing at the service, write idempotent = true under [safety] and resume again; "
    "otherwise start a new run."
)


def notes_so_far(folder: RunFolder) -> dict[str, PhaseNote]:
    """The phases that had ended when the run was cut, by name."""
    if not (folder.root / SO_FAR).is_file():
        return {}
    return {note.phase: note for note in folder.load(SO_FAR, tuple[PhaseNote, ...])}


def journalled(paths: Iterable[Path]) -> Iterator[Attempt]:
    """Every attempt in some journals, those that are there."""
    return chain.from_iterable(read_journal(path) for path in paths if path.exists())


def journalled_passes(paths: Iterable[Path]) -> list[str]:
    """The passes that some journals know, each once."""
    return list(dict.fromkeys(attempt.phase for attempt in journalled(paths)))
