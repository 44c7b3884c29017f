"""`replaygate diagnose`: where the gap between offline and production comes from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from harness.cli.options import PATH, RESULTS
from harness.cli.output import screen
from harness.cli.progress import Watch

EPILOG = """\b
Before there are any logs, a table of metrics alone ranks the likely causes:
  replaygate diagnose --offline roc_auc=0.91 --production roc_auc=0.74 \\
                      --offline log_loss=0.29 --production log_loss=0.67
The numbers may be any of roc_auc, precision, recall, log_loss,
predicted_positive_rate and base_rate."""
_METRICS = "roc_auc, precision, recall, log_loss, predicted_positive_rate, base_rate"


def _metrics(  # noqa: PLR0917  -- click calls it so
    ctx: click.Context,  # noqa: ARG001  -- click's signature
    parameter: click.Parameter,
    values: tuple[str, ...],
) -> dict[str, float]:
    """Options of the form METRIC=NUMBER as numbers by metric."""
    from harness.run.diagnosing import TYPED

    found: dict[str, float] = {}
    for value in values:
        name, _, number = value.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            name = ""
        if name not in TYPED or not math.isfinite(found[name]):
            raise click.BadParameter(
                f"{value!r} is not METRIC=NUMBER; the metrics are {_METRICS}", param=parameter
            )
    return found


@click.command(short_help="Say where an offline-online gap comes from.", epilog=EPILOG)
@click.argument("path", metavar="[RUN|SCENARIO]", type=PATH, required=False)
@click.option("--as-of", metavar="TIME", help="Use the labels known at this RFC 3339 time (default: now).")
@click.option(
    "--used-for",
    metavar="TEXT",
    default="",
    help="What this holdout decides this time, for the ledger of its uses.",
)
@click.option(
    "--offline",
    multiple=True,
    callback=_metrics,
    metavar="METRIC=NUMBER",
    help="Without a run: a number of the offline report (may be repeated).",
)
@click.option(
    "--production",
    multiple=True,
    callback=_metrics,
    metavar="METRIC=NUMBER",
    help="Without a run: the same number in production (may be repeated).",
)
@click.option("--quiet", "-q", is_flag=True, help="Print the summary alone.")
@RESULTS
def diagnose(
    path: Path | None,
    *,
    offline: dict[str, float],
    production: dict[str, float],
    **given: Any,  # noqa: ANN401  -- as declared to click
) -> int:
    """Split the gap between the reported holdout and production into parts, and say what gives each back.

    RUN is a run's folder; SCENARIO a scenario whose capture holds production's answers, in a target of
    kind = "recorded". Nothing is sent, and no verdict changes.
    """
    if path is None:
        return _from_a_table(offline, production)
    if offline or production:
        raise click.UsageError("--offline and --production are for a table of metrics, without a run")
    return _of_a_run(path, **given)


def _from_a_table(offline: dict[str, float], production: dict[str, float]) -> int:
    from harness import report as faces
    from harness.run.diagnosing import likely

    if not offline.keys() & production.keys():
        raise click.UsageError(
            "name a RUN or SCENARIO, or one metric in both --offline and --production, as in roc_auc=0.91"
        )
    faces.likely_terminal(likely(offline, production), screen())
    return 0


def _of_a_run(path: Path, *, as_of: str | None, used_for: str, quiet: bool, results: Path) -> int:
    from harness import report as faces
    from harness.run import diagnosing

    options = diagnosing.Options(results=results, as_of=as_of, used_for=used_for)
    with Watch(quiet=quiet) as watch:
        folder, found = diagnosing.diagnose(path, options, say=watch.say)
    if quiet:
        click.echo("\n".join(found.summary))
    else:
        faces.diagnosis_terminal(found, screen(), folder=folder.root)
    return 0
