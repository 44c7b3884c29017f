"""The demonstration: one healthy and one broken build of a real service, each replayed to its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

import harness
from harness import report as faces
from harness import run as stages
from harness.cli.progress import Watch
from harness.errors import HarnessError, UsageError
from harness.run import diagnosing

if TYPE_CHECKING:
    from rich.console import Console

    from harness.records import Decision, Word

RENDERINGS = ("report.html", "report.md", "report.json")
CHECKOUT = Path(harness.__file__).resolve().parent.parent
#: where demonstrations are looked for: a folder of one's own `scenarios` need not have any
SHELVES = (Path("scenarios"), CHECKOUT / "scenarios")


QUICK_REQUESTS = 2_000
#: what a demonstration may have beside its builds
DIAGNOSED = "diagnose.toml"


@dataclass(frozen=True)
class _Act:
    """One build: its scenario, and the verdict it must come to, with and without a latency phase."""

    file: str
    title: str
    expected: Word
    expected_quick: Word


ACTS = (
    _Act("scenario.toml", "a healthy rebuild of the champion", "GO", "WAIT"),
    _Act("bug.toml", "a build with a serving bug", "NO-GO", "NO-GO"),
)


def demonstrate(name: str, *, quick: bool, results: Path, console: Console) -> int:
    """0 when every build came to its expected verdict, 70 otherwise."""
    folder = place(name)
    if folder is None:
        raise UsageError(
            "no such demonstration",
            found=name,
            expected=", ".join(sorted({p.parent.name for shelf in SHELVES for p in shelf.glob("*/bug.toml")}))
            or "a checkout of replaygate",
        )
    options = stages.Options(
        results=results, phases=("parity",) if quick else (), first=QUICK_REQUESTS if quick else None
    )
    played = []
    for act in ACTS:
        console.rule(escape(f"{name}: {act.title}"))
        with Watch(quiet=False) as watch:
            run, report = stages.run(folder / act.file, options, watch=watch)
        faces.terminal(report, console)
        played.append((act, run.root, report.decision))
    diagnosed = None if quick else _diagnosed(folder, name, results=results, console=console)
    console.rule("demonstration")
    right = [_conclude(*one, quick=quick, console=console) for one in played]
    if quick:
        console.print("Latency was not measured (--quick), so the healthy build waits for it.")
    if diagnosed is not None:
        console.print(
            escape(f"where the gap between offline and production comes from: {diagnosed}"), soft_wrap=True
        )
    return 0 if all(right) else HarnessError.exit_code


def _diagnosed(folder: Path, name: str, *, results: Path, console: Console) -> Path | None:
    """The page of the scenario's own diagnosis, where it has one."""
    if not (folder / DIAGNOSED).is_file():
        return None
    console.rule(escape(f"{name}: where the gap between offline and production comes from"))
    with Watch(quiet=False) as watch:
        run, found = diagnosing.diagnose(
            folder / DIAGNOSED, diagnosing.Options(results=results), say=watch.say
        )
    faces.diagnosis_terminal(found, console, folder=run.root)
    return run.root / "diagnosis.html"


def _conclude(act: _Act, root: Path, decision: Decision, *, quick: bool, console: Console) -> bool:  # noqa: PLR0917  -- one played act
    """Whether an act ended as it must, said together with where its report is."""
    expected = act.expected_quick if quick else act.expected
    right = decision.word == expected
    said = "as expected" if right else f"NOT as expected ({expected})"
    line = f"{act.title}: {decision.word}, {said}; `replaygate run` exits with {decision.exit_code}"
    console.print(escape(line), soft_wrap=True)
    for name in RENDERINGS:
        console.print(escape(f"  {root / name}"), soft_wrap=True)
    return right


def place(name: str) -> Path | None:
    """The folder of a demonstration, with all its acts; None where there is none."""
    folders = (shelf / name for shelf in SHELVES)
    return next((f for f in folders if all((f / act.file).is_file() for act in ACTS)), None)
