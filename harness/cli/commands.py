"""Every command, each a few lines over `harness.run`; a command returns its exit code and never exits."""

from __future__ import annotations

import functools
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness import __version__
from harness.cli import approving, browsing, capturing, diagnosing, inspecting, proxying, serving
from harness.cli.options import FOLDER, PATH, PUBLIC, RESULTS, RUN
from harness.cli.output import Ending, screen, show
from harness.cli.progress import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

EPILOG = """\b
Exit codes: GO 0, NO-GO 10, WAIT 20, INVALID 30; usage or scenario error 64,
bad capture or labels 65, target unreachable 69, internal error 70,
interrupted 130. Never 1 or 2."""
WAIT = 20
#: a crash, INVALID, and what went wrong before a verdict
TAKEN = frozenset({1, 2, 30, 64, 65, 69, 70})


class _InOrder(click.Group):
    """Commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  -- click's signature
        return list(self.commands)


@click.group(
    cls=_InOrder,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="replaygate")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Replay captured traffic through model and endpoints, compare each request, decide.

    May this build take traffic? Start with `replaygate demo`, then `replaygate init NAME`,
    `replaygate check` and `replaygate run`.
    """


def _readable(_context: click.Context, _option: click.Parameter, code: int) -> int:
    """The code that WAIT is given, unless it already says something else."""
    if code in TAKEN:
        raise click.BadParameter(f"{code} already means something else; 0, 10 and 20 read as a verdict")
    return code


def ends_in_a_verdict(command: Callable[..., int]) -> Callable[..., int]:
    """The options that all commands ending in a verdict share, handed over as one `Ending`."""

    @click.option("--quiet", "-q", is_flag=True, help="Print the verdict on one line, and nothing else.")
    @click.option(
        "--as-of", metavar="TIME", help="Use the labels known at this RFC 3339 time (default: now)."
    )
    @click.option(
        "--wait-as",
        type=click.IntRange(0, 125),
        callback=_readable,
        default=WAIT,
        show_default=True,
        metavar="CODE",
        help="Exit code for WAIT, for tools that know two states.",
    )
    @functools.wraps(command)
    def gathered(*, quiet: bool, as_of: str | None, wait_as: int, **given: Any) -> int:  # noqa: ANN401  -- as declared to click
        return command(ending=Ending(quiet=quiet, as_of=as_of, wait_as=wait_as), **given)

    return gathered


@cli.command(short_help="Replay a scenario and end with a verdict.")
@click.argument("scenario", type=PATH)
@click.option(
    "--phase", "phases", multiple=True, metavar="NAME", help="Run only this phase (may be repeated)."
)
@click.option("--all-phases", is_flag=True, help="Measure latency even when parity is a certain NO-GO.")
@click.option(
    "--first", type=click.IntRange(min=1), metavar="N", help="Only the first N requests of each phase."
)
@click.option("--fail-fast", is_flag=True, help="Stop a phase once no remaining answer could change FAIL.")
@click.option(
    "--preflight/--no-preflight",
    default=True,
    help="Stop after ten requests where their answers are spoilt by how the service is asked (default: do).",
)
@click.option(
    "--build",
    default="",
    callback=approving.a_build,
    metavar="KEY",
    help="Which build this is (a digest, a tag): what a gate server is asked for.",
)
@PUBLIC
@RESULTS
@ends_in_a_verdict
def run(scenario: Path, ending: Ending, **chosen: Any) -> int:  # noqa: ANN401  -- as declared to click
    """Replay SCENARIO against its targets and end with a verdict."""
    from harness import run as stages

    options = stages.Options(as_of=ending.as_of, **chosen)
    with Watch(quiet=ending.quiet) as watch:
        folder, report = stages.run(scenario, options, watch=watch)
    return show(report, folder.root, ending=ending)


@cli.command(short_help="Finish a run that was cut.")
@RUN
@PUBLIC
@ends_in_a_verdict
def resume(run_folder: Path, ending: Ending, *, allow_public: tuple[str, ...]) -> int:
    """Send what RUN has no outcome for after a kill, a crash or a reboot, and end with its verdict."""
    from harness import run as stages

    with Watch(quiet=ending.quiet) as watch:
        folder, report = stages.resume(run_folder, ending.as_of, allow_public=allow_public, watch=watch)
    return show(report, folder.root, ending=ending)


@cli.command(short_help="Try a scenario without sending anything.")
@click.argument("scenario", type=PATH)
@click.option(
    "--ask",
    is_flag=True,
    help="Ask each live target ten requests instead, and say what it does to them (10: the build is wrong, "
    "30: it or the scenario).",
)
@PUBLIC
def check(scenario: Path, *, ask: bool, allow_public: tuple[str, ...]) -> int:
    """Load all that SCENARIO names, score ten requests, say what a run could find out. Sends nothing."""
    from harness import run as stages

    code = 0
    with Watch(quiet=False) as watch:
        if ask:
            lines, code = stages.ask(scenario, say=watch.say, allow_public=allow_public)
        else:
            lines = stages.check(scenario, say=watch.say, allow_public=allow_public)
    click.echo("\n".join(lines))
    return code


def _numbers(  # noqa: PLR0917  -- click calls it so
    ctx: click.Context,  # noqa: ARG001  -- click's signature
    parameter: click.Parameter,
    values: tuple[str, ...],
) -> dict[str, tuple[float, ...]]:
    """Options of the form NAME=NUMBER as numbers by name."""
    found: dict[str, tuple[float, ...]] = {}
    for value in values:
        name, _, number = value.rpartition("=")
        try:
            found[name] = (*found.get(name, ()), float(number))
        except ValueError:
            name = ""
        if not name or not math.isfinite(found[name][-1]):
            raise click.BadParameter(f"{value!r} is not NAME=NUMBER, as in label=-0.01", param=parameter)
    return found


@cli.command(short_help="Say how much traffic a scenario needs to decide.")
@click.argument("scenario", type=PATH)
@click.option(
    "--effect",
    multiple=True,
    callback=_numbers,
    metavar="OUTCOME=HARM",
    help="A true effect to plan for, positive is worse (may be repeated; default: none, and the margin).",
)
@click.option(
    "--sd",
    multiple=True,
    callback=_numbers,
    metavar="OUTCOME=SD",
    help="How the harm of a request spreads, where scores cannot tell.",
)
@click.option(
    "--runs", default=200, show_default=True, type=click.IntRange(20, 10_000), help="Simulated runs."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the simulation.")
def plan(scenario: Path, *, effect: dict[str, Any], sd: dict[str, Any], runs: int, seed: int) -> int:
    """What each gate of SCENARIO needs, and how long its label tests will take. Sends nothing."""
    from harness import run as stages

    asked = stages.Asked(effect, {name: last for name, (*_, last) in sd.items()}, runs=runs, seed=seed)
    with Watch(quiet=False) as watch:
        lines = stages.plan(scenario, asked, say=watch.say)
    click.echo("\n".join(lines))
    return 0


@cli.command(short_help="Write a scenario to edit for your own service.")
@click.argument("name", type=PATH)
def init(name: Path) -> int:
    """Write a commented scenario into the folder NAME, to edit for your own service."""
    from harness.scenario import write_template

    for path in write_template(name):
        click.echo(f"wrote {path}")
    click.echo(f"Edit them, then: replaygate check {name / 'scenario.toml'}")
    return 0


@cli.command(short_help="See it work: a healthy and a broken build of a real service.")
@click.argument("name", default="duo_acceptance")
@click.option(
    "--quick",
    is_flag=True,
    help="Parity of the first 2,000 requests only: no latency, so the healthy build waits.",
)
@RESULTS
def demo(name: str, *, quick: bool, results: Path) -> int:
    """Replay real traffic against a healthy and a broken build of a service that is started for it."""
    from harness.cli.demo import demonstrate

    return demonstrate(name, quick=quick, results=results, console=screen())


@cli.command(short_help="Compare the answers of a run again, then decide.")
@RUN
@ends_in_a_verdict
def compare(run_folder: Path, ending: Ending) -> int:
    """Compare the answers of RUN again (after a change in the code that compares), then decide."""
    from harness import run as stages

    with Watch(quiet=ending.quiet) as watch:
        report = stages.compare(run_folder, ending.as_of, say=watch.say)
    return show(report, run_folder, ending=ending)


@cli.command(short_help="Judge a run again, with the labels known by now.")
@RUN
@ends_in_a_verdict
def decide(run_folder: Path, ending: Ending) -> int:
    """Judge RUN again as of a time, with the labels known by then."""
    from harness import run as stages

    return show(stages.decide(run_folder, ending.as_of), run_folder, ending=ending)


@cli.command(short_help="Print the report of a run again.")
@RUN
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "markdown", "html", "business", "junit", "github", "prometheus"]),
    default="terminal",
    show_default=True,
    help="Which rendering to print.",
)
@approving.EXIT_WITH
def report(run_folder: Path, *, form: str, exit_with: str) -> int:
    """Print the report of RUN again, from its report.json. Writes nothing; exits 0 unless told otherwise."""
    from harness import run as stages

    sys.stdout.write(stages.render(run_folder, form, console=screen()))
    return approving.exit_code(run_folder, exit_with)


cli.add_command(approving.approve)


cli.add_command(diagnosing.diagnose)
cli.add_command(inspecting.show)
cli.add_command(inspecting.reproduce)
cli.add_command(inspecting.export_test)
cli.add_command(browsing.ui)
cli.add_command(capturing.capture)
capturing.capture.add_command(proxying.proxy)


@cli.group(short_help="Add labels that have come since a run.")
def labels() -> None:
    """Labels that come late."""


@labels.command("add", short_help="Add the labels of a file to a run.")
@RUN
@click.argument("file", type=PATH)
def labels_add(run_folder: Path, file: Path) -> int:
    """Add the labels of FILE to RUN; then `replaygate decide RUN`."""
    from harness import run as stages

    with Watch(quiet=False) as watch:
        stages.add_labels(run_folder, file, say=watch.say)
    click.echo(f"Now: replaygate decide {run_folder}")
    return 0


cli.add_command(serving.gate_server)


@cli.command(short_help="Print the JSON Schema of scenario, report or diagnosis files.")
@click.argument("what", type=click.Choice(["scenario", "report", "diagnosis"]), default="scenario")
@click.option("--docs", is_flag=True, help="Print the page about scenarios instead of a JSON Schema.")
@click.option(
    "--check", "kept", type=FOLDER, help="Exit with 64 unless this folder holds what --write writes."
)
@click.option("--write", "target", type=FOLDER, help="Write all schemas and pages into this folder.")
def schema(what: str, *, docs: bool, kept: Path | None, target: Path | None) -> int:
    """Print the JSON Schema of scenario, report or diagnosis files, so that an editor completes them."""
    from harness.cli import generated

    if target is not None:
        click.echo("\n".join(f"wrote {path}" for path in generated.write(target)))
    elif kept is not None:
        click.echo(f"{generated.check(kept)} generated files are up to date")
    else:
        name = generated.PAGE if docs else f"{what}.schema.json"
        click.echo(generated.texts()[name], nl=False)
    return 0
