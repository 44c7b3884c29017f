"""A reproduction to look at, and a run with a finding to reproduce."""

from __future__ import annotations

from pathlib import Path

from harness.replay.disclosure import Written
from harness.report.numbers import find
from harness.report.reproduction import Mismatch, Part, Reproduction, Start
from harness.run.reproducing import Case
from harness.run.stages import compare, reported
from tests.kit import small
from tests.kit.prepared import Prepared, ready

FOUND = Reproduction(
    finding="F1",
    arm="challenger",
    against="offline:model",
    cause="event_time_shift",
    fields=("hour",),
    sentence="The challenger reads event_time 1 h early.",
    reproduced=True,
    request_id="r1",
    request=Written(method="POST", origin="http://127.0.0.1:{port}", path=("/score",), body='{"a": null}'),
    start=Start(command=("python", "a b.py", "--port", "{port}"), folder="/scenario", environment=("TOKEN",)),
    before=5,
    after=2,
    parts=(
        Part(path="t", value='"x"', matters=True, without="served as expected"),
        Part(path="a", value="null", matters=False, without="the service answers HTTP 422"),
    ),
    minimal=True,
    sends=12,
    seconds=1.25,
    mismatches=(
        Mismatch(field="hour", kind="value", expected="14", served="13"),
        Mismatch(field="score", kind="agrees", expected="0.5", served="0.5"),
    ),
    others=("age",),
)


def case(here: Path, *, more: str = "", targets: tuple[str, ...] = ("challenger",)) -> tuple[Prepared, Case]:
    """A run whose challenger serves amount 1 too high, and its first finding."""
    run, answers = ready(here, more=more), small.answers()
    for answer in answers.values():
        answer["features"]["amount"] += 1
    for target in targets:
        run.answer(target, answers if target == "challenger" else small.answers())
    run.note(*targets)
    compare(run.folder.root, None, say=lambda _: None)
    number, finding = find(reported(run.folder), "F1")
    return run, Case(run.folder, run.loaded, number, finding, lambda _: None)
