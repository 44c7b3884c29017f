"""A run from scenario to report, and the later stages alone on a run that exists."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from harness import report
from harness.capture.times import parse
from harness.errors import Interrupted, RunError, UsageError
from harness.records import Diagnosis
from harness.replay.guard import confirmed
from harness.run import approving, comparing, deciding
from harness.run.folder import CHOSEN, Chosen, RunFolder, create, open_run
from harness.run.leaks import clean
from harness.run.live import beating
from harness.run.logged import lines
from harness.run.preparing import (
    attach_labels,
    changed,
    check_environment,
    load_models,
    load_others,
    prepare,
)
from harness.run.replaying import Plan, replay_all
from harness.run.resuming import (
    LEDGER,
    begin,
    check_begun,
    check_may_resend,
    is_finished,
    notes_so_far,
)
from harness.scenario import Loaded, check_judged, load, restore
from replayers.offline import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from harness.records import PhaseNote, Report
    from harness.run.watch import Watcher
    from harness.scenario import Scenario


DIAGNOSIS = "diagnosis.json"


@dataclass(frozen=True)
class Options:
    """What the command line adds to a scenario: `phases` names the only ones to run (empty: all).

    `first` cuts every phase to its first requests by time; parity is then a census of those alone.
    `fail_fast` stops a phase once no remaining answer could change FAIL. `build` says which build it is of.
    Without `preflight` all is sent, whatever the first answers say.
    """

    results: Path = Path("results")
    phases: tuple[str, ...] = ()
    all_phases: bool = False
    first: int | None = None
    fail_fast: bool = False
    build: str = ""
    preflight: bool = True
    as_of: str | None = None
    allow_public: tuple[str, ...] = ()


def run(path: Path, options: Options, *, watch: Watcher) -> tuple[RunFolder, Report]:
    """The whole flow: take in, score offline, replay, compare, judge, render.

    Returns the folder and the report. What is wrong with the scenario is found before a folder is made, and
    what is wrong with the capture before anything is sent.
    """
    loaded = load(path, public=options.allow_public).narrowed(options.first)
    check_judged(loaded)
    loaded = loaded.failing_fast(wanted=options.fail_fast)
    as_of_ns = moment(options.as_of)
    todo = Plan(loaded, options.phases, options.all_phases)
    check_environment(loaded)
    replayers, others = load_models(loaded), load_others(loaded)
    now = datetime.now(UTC)
    folder = create(options.results, loaded.scenario.name, digest=loaded.digest, now=now)
    chosen = Chosen(
        phases=options.phases,
        all_phases=options.all_phases,
        first=options.first,
        fail_fast=options.fail_fast,
        build=options.build,
        preflight=options.preflight,
    )
    watch.say(f"run {folder.root}")
    try:
        folder.save(
            CHOSEN, chosen
        )  # first of all: from now on an older verdict of this build is not the last
        with beating(folder, watch) as beat:
            prepared = prepare(
                loaded, folder, replayers=replayers, created_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", say=beat.say
            )
    except BaseException:
        shutil.rmtree(folder.root, ignore_errors=True)  # nothing was sent, so there is nothing to keep
        raise
    begin(folder)
    models = replace(prepared.models(), others=others)
    with beating(folder, watch) as beat:
        todo = replace(todo, models=models if options.preflight else None)
        _replay(todo, folder, watch=beat, done=None)
        beat.say("comparing")
        _compare(folder, loaded, models=models, say=beat.say)
        return folder, _judge(folder, loaded, as_of_ns=as_of_ns)


def resume(
    root: Path, as_of: str | None, *, allow_public: tuple[str, ...] = (), watch: Watcher
) -> tuple[RunFolder, Report]:
    """A run that was cut, taken to its end: what has no outcome is sent, then all is compared and judged.

    A finished run is only said to be one. RunError when the run was cut before anything was sent,
    ScenarioError unless the scenario says that requests may be sent again.
    """
    check_begun(root)
    folder, loaded = reopen(root)
    as_of_ns = moment(as_of)
    if is_finished(folder) and folder.report.is_file():
        watch.say(f"run {folder.root} is finished: there is nothing to resume")
        return folder, reported(folder)
    with beating(folder, watch) as beat:
        return folder, _resumed(folder, loaded, as_of_ns=as_of_ns, watch=beat, public=allow_public)


def _resumed(
    folder: RunFolder, loaded: Loaded, *, as_of_ns: int, watch: Watcher, public: tuple[str, ...]
) -> Report:
    """What is left of a run, sent; then all compared and judged."""
    if not is_finished(folder):
        check_may_resend(loaded, public=public)
        loaded = replace(loaded, scenario=_confirmed(loaded.scenario, public))
        check_environment(loaded)
        watch.say(f"run {folder.root}: going on where it was cut")
        chosen = folder.load(CHOSEN, Chosen)
        todo = Plan(loaded, chosen.phases, chosen.all_phases)
        _replay(todo, folder, watch=watch, done=notes_so_far(folder))
    watch.say("comparing")
    _compare(folder, loaded, models=_models(folder, loaded, say=watch.say), say=watch.say)
    return _judge(folder, loaded, as_of_ns=as_of_ns)


def _compare(
    folder: RunFolder, loaded: Loaded, *, models: comparing.Models | None, say: Callable[[str], None]
) -> None:
    """All pairs are compared, and what a log of features lacks is told."""
    found = comparing.compare(folder, loaded, models=models)
    for line in lines(pair.summary for pair in found.pairs if pair.against == "offline"):
        say(f"  {line}")


def _confirmed(scenario: Scenario, public: tuple[str, ...]) -> Scenario:
    return structs.replace(scenario, safety=confirmed(scenario.safety, public))


def _replay(todo: Plan, folder: RunFolder, *, watch: Watcher, done: Mapping[str, PhaseNote] | None) -> None:
    """All is sent and PHASES says so; interrupted, what became of every request is in LEDGER."""
    try:
        notes = replay_all(todo, folder=folder, watch=watch, done=done)
    except Interrupted as error:
        ledgers = deciding.ledgers(folder, comparing.sent(folder, todo.loaded))
        folder.save(LEDGER, ledgers)
        for each in ledgers:
            lost = ", ".join(f"{x.reason} {x.count:,}" for step in each.steps for x in step.lost if x.count)
            watch.say(f"  {each.phase}, {each.target}: {each.steps[-1].count:,} compared; {lost}")
        idempotent = todo.loaded.scenario.safety.idempotent
        needs = "" if idempotent else " (needs idempotent = true under [safety])"
        raise Interrupted(error.what, fix=f"Go on with: replaygate resume {folder.root}{needs}") from None
    folder.remove(folder.root / LEDGER)
    folder.save(deciding.PHASES, notes)


def compare(root: Path, as_of: str | None, *, say: Callable[[str], None]) -> Report:
    """The comparison and all that follows, again; causes need the very models of the run, or are left out."""
    folder, loaded = reopen(root)
    as_of_ns = moment(as_of)
    _compare(folder, loaded, models=_models(folder, loaded, say=say), say=say)
    return _judge(folder, loaded, as_of_ns=as_of_ns)


def decide(root: Path, as_of: str | None) -> Report:
    """The verdict again, as of a time."""
    folder, loaded = reopen(root)
    return _judge(folder, loaded, as_of_ns=moment(as_of))


def add_labels(root: Path, path: Path, *, say: Callable[[str], None]) -> None:
    """Labels added to a run that has a [labels] table."""
    folder, loaded = reopen(root)
    if loaded.scenario.labels is None:
        raise UsageError(
            "the run's scenario has no [labels] table", where=str(root), fix="Add one and run again."
        )
    attach_labels(loaded, folder, path=path, say=say)


def approve(root: Path, *, by: str, why: str) -> Report:
    """A human decision beside the verdict of a run, shown in every report from now on."""
    folder = open_run(root)
    folder.record()
    with approving.alone(folder):
        made = reported(folder)
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        approving.add(folder, approving.approval(made, by=by, why=why, at=at))
        shown = approving.approved(folder, made)
        _write(folder, shown)
    return shown


def render(root: Path, form: str, *, console: Console) -> str:
    """One rendering of report.json as text (none for the terminal, which is drawn); nothing is written."""
    folder = open_run(root)
    made = reported(folder)
    if form == "terminal":
        report.terminal(made, console, folder=root)
        return ""
    return {
        "json": lambda: report.encode(made).decode(),
        "markdown": lambda: report.markdown(made),
        "html": lambda: report.html(made, diagnosed(folder)),
        "prometheus": lambda: report.prometheus([made]),
        "business": lambda: report.brief(made),
        "junit": lambda: report.junit(made),
        "github": lambda: report.github(made),
    }[form]()


def reopen(root: Path) -> tuple[RunFolder, Loaded]:
    """A run's folder, whole as it was written, and the scenario it was made with."""
    folder = open_run(root)
    record = folder.record()
    loaded = restore(record.resolved, Path(record.scenario_file), folder=Path(record.scenario_folder))
    folder.verify()
    return folder, loaded


def _models(folder: RunFolder, loaded: Loaded, *, say: Callable[[str], None]) -> comparing.Models | None:
    """The models of the run where they still are, or None, saying why."""
    known = folder.record().models
    table = folder.read(folder.capture)
    try:
        replayers, others = load_models(loaded), load_others(loaded)
        why = next((told for n, r in replayers.items() if (told := changed(r, known[n]))), "")
    except UsageError as error:
        why = error.sentence()
    if why:
        say(f"causes and damage are left out, for they need the models of the run: {why}")
        return None
    return comparing.Models(frame(table), replayers, others)


def diagnosed(folder: RunFolder) -> Diagnosis | None:
    """The diagnosis of a run, None where there is none; RunError where it is not as it was written."""
    if not (folder.root / DIAGNOSIS).is_file():
        return None
    folder.verify_files(DIAGNOSIS)
    found = folder.load(DIAGNOSIS, Diagnosis)
    if found.schema_version > report.DIAGNOSIS_VERSION:
        raise RunError(
            "the diagnosis is from a newer replaygate",
            where=str(folder.root / DIAGNOSIS),
            found=f"schema {found.schema_version}",
            expected=f"at most {report.DIAGNOSIS_VERSION}",
            fix="Use the version that made it, or diagnose the run again.",
        )
    return found


def render_again(folder: RunFolder) -> None:
    """The renderings of a report are made anew where there is one: its facts stay, a diagnosis is new."""
    if folder.report.is_file():
        with approving.alone(folder):
            _write(folder, reported(folder))


def _judge(folder: RunFolder, loaded: Loaded, *, as_of_ns: int) -> Report:
    with approving.alone(folder):  # or an approval that read the report before would write it over this one
        made = deciding.judge(folder, loaded, as_of_ns=as_of_ns, created_at=folder.record().created_at)
        made = approving.approved(folder, made)
        _write(folder, made)
        clean(folder, loaded)
    return made


def _write(folder: RunFolder, made: Report) -> None:
    """report.json, .md and .html, and junit.xml, each whole."""
    for name, text in (
        ("report.json", report.encode(made)),
        ("report.md", report.markdown(made).encode()),
        ("report.html", report.html(made, diagnosed(folder)).encode()),
        ("junit.xml", report.junit(made).encode()),
    ):
        folder.write(text, folder.root / name)


def reported(folder: RunFolder) -> Report:
    """The report of a run as it stands; RunError where there is none."""
    try:
        raw = folder.report.read_bytes()
    except OSError as error:
        sent = (folder.root / "outcomes").is_dir() or not (folder.root / DIAGNOSIS).is_file()
        raise RunError(
            "the run has no report",
            where=str(folder.report),
            found=error.strerror,
            fix=f"Run: replaygate compare {folder.root}"
            if sent
            else "It is a diagnosis alone, and judges nothing.",
        ) from error
    folder.verify_report()
    return report.decode(raw)


def moment(text: str | None) -> int:
    """The time to look at labels as of, in ns; now where none is given."""
    if text is None:
        return int(datetime.now(UTC).timestamp()) * 10**9
    try:
        return parse(text)[0]
    except ValueError as error:
        raise UsageError(f"--as-of {error}") from error
