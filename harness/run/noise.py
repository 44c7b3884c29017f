"""The champion asked twice: which requests, and what its two answers say about its own noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import pyarrow.compute as pc

from harness import diff, join
from harness.diff.noise import noise
from harness.records import NoiseRow, NoiseSummary
from harness.run.logged import in_log
from replayers.offline import FEATURE

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from harness.records import PhaseNote
    from harness.replay.schedule import Phase
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

#: the phase's name in the journal, the folder of its artefacts, and what it came to
NAME = "noise"
SUMMARY = "noise/summary.json"


def again(loaded: Loaded, phase: Phase, *, note: PhaseNote) -> Phase | None:
    """The phase that asks the champion a share of a closed loop once more; None where nothing is to be asked.

    Its requests are among those of the phase, for the same seed draws them.
    """
    share = loaded.scenario.noise.share * (phase.share or 1.0)
    champion = loaded.champion
    if not share or phase.open_loop or not phase.features or not note.ran or note.stopped:
        return None
    if champion is None or champion not in note.targets:
        return None
    return msgspec.structs.replace(phase, name=NAME, share=share, targets=(champion,))


def journal(folder: RunFolder) -> Path:
    """Apart from the outcomes, so that an answer given twice counts once."""
    return folder.root / NAME / "journal-0000.jsonl"


def part(folder: RunFolder, number: int) -> Path:
    """A part of the second answers."""
    return folder.root / NAME / f"part-{number:05d}.parquet"


def found(folder: RunFolder) -> NoiseSummary | None:
    """What the champion differs from itself, where it was asked twice."""
    return folder.load(SUMMARY, NoiseSummary) if (folder.root / SUMMARY).is_file() else None


def by_field(folder: RunFolder) -> dict[str, NoiseRow]:
    """The noise of each field, empty where nothing was asked twice."""
    known = found(folder)
    return {row.field: row for row in known.rows} if known else {}


def summarise(folder: RunFolder, loaded: Loaded, *, phase: str, champion: str, asked: int) -> NoiseSummary:
    """The first and the second answers of the champion, compared where it gave both."""
    n = len(folder.read(folder.capture, ["seq"]))
    tables = (folder.read(folder.outcomes(champion)), folder.read(folder.root / NAME))
    first, second = (
        join.answers(champion, _only(table, name), n=n)
        for table, name in zip(tables, (phase, NAME), strict=True)
    )
    rows = join.both(first, second)
    dtypes = _dtypes(folder, loaded, champion=champion)
    echoes = [diff.from_json(list(one.features[rows]), dtypes) for one in (first, second)]
    there = np.logical_and.reduce([in_log(loaded, one)[rows] for one in (first, second)])
    features = [join.keep(echo.columns, there) if echo else {} for echo in echoes]
    measured = noise(
        features[0],
        features[1],
        scores=(first.scores[rows], second.scores[rows]),
        threshold=loaded.scenario.threshold,
    )
    return NoiseSummary(target=champion, phase=phase, asked=asked, compared=len(rows), rows=measured)


def _only(table: pa.Table, phase: str) -> pa.Table:
    return table.filter(pc.equal(table["phase"], phase))


def _dtypes(folder: RunFolder, loaded: Loaded, *, champion: str) -> dict[str, Literal["number", "category"]]:
    """The features of the champion as its offline model (or else the challenger's) knows them."""
    targets = loaded.scenario.targets
    model = targets[champion].model or targets[loaded.under_test].model
    if model is None:
        return {}
    table = folder.read(folder.offline(model))
    names = [name.removeprefix(FEATURE) for name in table.column_names if name.startswith(FEATURE)]
    known = diff.from_table(table.select([FEATURE + n for n in names]).rename_columns(names))
    return {name: column.dtype for name, column in known.items()}
