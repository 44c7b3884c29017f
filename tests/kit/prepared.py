"""A prepared run with answers put in by hand: what the stages after the replay read, without any service."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.records import Outcome, PhaseNote, State
from harness.replay.journal import outcome_table
from harness.run.comparing import Models
from harness.run.deciding import PHASES
from harness.run.folder import RunFolder
from harness.run.preparing import load_models, prepare
from harness.scenario import Loaded, load
from tests.kit import small
from tests.kit.service import Answers

if TYPE_CHECKING:
    from collections.abc import Sequence

NOWHERE = "http://127.0.0.1:9/score"
#: when every prepared run was made
THEN = "2025-04-01T12:00:00Z"


@dataclass(frozen=True)
class Prepared:
    """A run's folder, its scenario and its models."""

    folder: RunFolder
    loaded: Loaded
    models: Models

    def answer(self, target: str, answers: Answers, *, phases: tuple[str, ...] = ("parity",)) -> None:
        """The outcomes of a target in some phases; a request without an answer timed out."""
        rows = [
            _outcome(i, answers.get(small.request_id(i)), target=target, phase=phase)
            for phase in phases
            for i in range(small.REQUESTS)
        ]
        self.folder.write(outcome_table(rows), self.folder.outcomes(target) / "part-00000.parquet")

    def note(self, *targets: str) -> None:
        """The parity phase ran with these targets."""
        note = PhaseNote(phase="parity", pace="saturate", requests=small.REQUESTS, targets=targets, ran=True)
        self.folder.save(PHASES, (note,))


def ready(here: Path, *, more: str = "", weights: Sequence[float] = ()) -> Prepared:
    """A small scenario prepared in a folder; its requests have these sampling weights, in turn."""
    made = small.make(here / "scenario")
    if weights:
        given = [{"sampling_weight": weights[i % len(weights)]} for i in range(small.REQUESTS)]
        rows = [row | one for row, one in zip(small.captured(), given, strict=True)]
        small.write_lines(made / "capture.jsonl", rows)
    loaded = load(small.scenario(made, NOWHERE, more=more))
    folder = RunFolder(here / "run")
    folder.root.mkdir()
    replayers = load_models(loaded)
    prepared = prepare(loaded, folder, replayers=replayers, created_at=THEN, say=lambda _: None)
    return Prepared(folder, loaded, prepared.models())


def _outcome(seq: int, answer: dict[str, Any] | None, *, target: str, phase: str) -> Outcome:
    if answer is None:
        return Outcome(seq=seq, phase=phase, target=target, state=State.TIMEOUT, detail="no answer in 2 s")
    return Outcome(
        seq=seq,
        phase=phase,
        target=target,
        state=State.OK,
        status=200,
        score=answer["score"],
        features=json.dumps(answer["features"]).encode() if "features" in answer else None,
        model=small.model_hash(),
    )
