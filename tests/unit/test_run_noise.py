"""Which requests the champion is asked twice, and where its second answers lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from harness.records import NoiseRow, NoiseSummary, PhaseNote
from harness.replay.schedule import Phase, Recorded, plan
from harness.run import noise
from harness.run.folder import RunFolder
from harness.scenario import Loaded, load
from harness.scenario.document import EXAMPLE

CHAMPION = '\n[targets.champion]\nkind = "http"\nurl = "http://127.0.0.1:1/"\n'
PARITY = Phase(name="parity")
NOTE = PhaseNote(phase="parity", pace="", requests=9, targets=("challenger", "champion"), ran=True)


def loaded(folder: Path, more: str = CHAMPION) -> Loaded:
    """A challenger, and a champion unless told otherwise."""
    (folder / "scenario.toml").write_text(EXAMPLE + more, encoding="utf-8")
    return load(folder)


@pytest.mark.parametrize("share", [None, 0.5])
def test_what_is_asked_twice_was_asked_once(share: float | None, tmp_path: Path) -> None:
    """A tenth of what the phase sends, drawn from its own requests, to the champion alone."""
    phase = replace(PARITY, share=share)
    again = noise.again(loaded(tmp_path), phase, note=NOTE)
    assert again is not None
    assert (again.name, again.targets) == ("noise", ("champion",))
    ts = np.arange(1000, dtype=np.int64)
    first, second = (set(plan(ts, p, resolution_ns=1, seed=4).rows.tolist()) for p in (phase, again))
    assert len(second) == len(first) // 10
    assert second < first


@pytest.mark.parametrize(
    ("phase", "note", "more"),
    [
        (replace(PARITY, pace=Recorded()), NOTE, CHAMPION),
        (replace(PARITY, features=False), NOTE, CHAMPION),
        (PARITY, replace(NOTE, ran=False), CHAMPION),
        (PARITY, replace(NOTE, stopped="the time limit of 5 s"), CHAMPION),
        (PARITY, replace(NOTE, targets=("challenger",)), CHAMPION),
        (PARITY, NOTE, CHAMPION + "\n[noise]\nshare = 0\n"),
        (PARITY, NOTE, ""),
    ],
    ids=["open loop", "no features", "not run", "stopped", "not the champion", "no share", "no champion"],
)
def test_nothing_is_asked_twice_without_a_first_answer(
    phase: Phase, note: PhaseNote, more: str, tmp_path: Path
) -> None:
    """Nor where the scenario says so, and never on a clock."""
    assert noise.again(loaded(tmp_path, more), phase, note=note) is None


def test_second_answers_stand_apart_from_the_outcomes(tmp_path: Path) -> None:
    """So that no request counts twice; what they came to is found by field."""
    folder = RunFolder(tmp_path)
    assert noise.NAME in noise.journal(folder).parts
    assert not noise.part(folder, 0).is_relative_to(folder.outcomes("champion"))
    assert (noise.found(folder), noise.by_field(folder)) == (None, {})
    row = NoiseRow(field="age", differ=1, n=10, rate=0.1, lower=0.0025, upper=0.445)
    kept = NoiseSummary(target="champion", phase="parity", asked=10, compared=10, rows=(row,))
    folder.save(noise.SUMMARY, kept)
    assert (noise.found(folder), noise.by_field(folder)) == (kept, {"age": row})
