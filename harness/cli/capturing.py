"""`replaygate capture`: captures of other tools looked at, taken in, and given out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH

if TYPE_CHECKING:
    from harness.capture.formats import Format

FILES = click.argument("files", metavar="FILE...", type=PATH, nargs=-1, required=True)
MAP = click.option(
    "--map",
    "map_given",
    multiple=True,
    metavar="MAP",
    help="Read any JSONL, CSV or Parquet: a TOML map, or single words as ts_ms=when (may be repeated).",
)
FORM = click.option("--format", "form", metavar="NAME", help="Read as this format (default: as detected).")


@click.group(short_help="Look at captures of other tools, take them in, give ours out.")
def capture() -> None:
    """Captures of other tools; docs/formats.md has a command and a sample for each format."""


@capture.command("import", short_help="Turn captures of other tools into one of ours.")
@FILES
@click.option(
    "--to", "target", type=PATH, required=True, metavar="OUT", help="A .jsonl, .jsonl.gz or .parquet."
)
@FORM
@MAP
@click.option("--explode", is_flag=True, help="Make a request of each row of a batch.")
@click.option("--labels-to", type=PATH, metavar="FILE", help="A .jsonl for the labels that the files hold.")
@click.option("--ledger", type=PATH, metavar="FILE", help="A .jsonl for every dropped record and its reason.")
@click.option(
    "--max-bad-share",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Share of records that may be lost; above it nothing is written (code 65).",
)
@click.option("--redact", type=PATH, metavar="RULES", help="A .toml with [redact] and [sample] tables.")
@click.option(
    "--keep-header", multiple=True, metavar="NAME", help="Keep this header besides the harmless ones."
)
@click.option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="Keep this share of requests.",
)
@click.option(
    "--sample-by", metavar="PLACE", help="Keep or drop a name whole: unit, header:NAME, body:user.id."
)
@click.option(
    "--sample-strata", metavar="PLACE", help="Tell slices apart by this: segment:country, body:lang."
)
@click.option(
    "--sample-floor", type=click.IntRange(min=0), metavar="N", help="Keep the first N of each slice for sure."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
def import_(files: tuple[Path, ...], *, form: str | None, map_given: tuple[str, ...], **wanted: Any) -> int:  # noqa: ANN401  -- as declared to click
    """Write the requests of FILE... (or folders) to OUT with their answers; count what is dropped and why."""
    from harness.capture import taking

    asked = taking.Wanted(**wanted)
    click.echo("\n".join(taking.taken(files, asked, form=_form(form, map_given), environ=os.environ)))
    return 0


@capture.command("info", short_help="Say what captures hold, without writing anything.")
@FILES
@FORM
@MAP
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def info(files: tuple[Path, ...], *, form: str | None, map_given: tuple[str, ...], as_json: bool) -> int:
    """Print what FILE... hold: requests, duration, rates, sizes, and what is dubious about them.

    Of a table in no known format it prints a map to start from, for --map.
    """
    from harness.capture import proposing, taking

    proposed = form is None and not map_given and not as_json
    lines = proposing.proposal(files) if proposed else []
    click.echo("\n".join(lines or taking.looked_at(files, form=_form(form, map_given), as_json=as_json)))
    return 0


@capture.command("labels", short_help="Write the labels that files hold, ground truth or feedback.")
@FILES
@click.option("--to", "target", type=PATH, required=True, metavar="OUT", help="A .jsonl for the labels.")
@FORM
@MAP
def labels(files: tuple[Path, ...], *, target: Path, form: str | None, map_given: tuple[str, ...]) -> int:
    """Write the labels of FILE... to OUT, with or without requests beside them; every label or none."""
    from harness.capture import importing, times
    from harness.capture.sources import target_of

    target_of(target, importing.LABELS)
    ledger = importing.Ledger()
    found = importing.labels_of(files, ledger, form=_form(form, map_given))
    click.echo(f"wrote {target}: {times.counted(importing.write_labels(found, target), 'label')}")
    return 0


@capture.command("export", short_help="Write one of our captures for other tools.")
@click.argument("path", metavar="CAPTURE", type=PATH)
@click.option(
    "--to", "target", type=PATH, required=True, metavar="FILE", help="A .jsonl, .parquet, .gor or .har (.gz)."
)
def export(path: Path, *, target: Path) -> int:
    """Write CAPTURE in the format of FILE's ending; `.gor` says what it has no words for."""
    from harness.capture import exporting, importing, times

    ledger = importing.Ledger()
    found = importing.requests_of([path], ledger, form="replaygate")
    lost = exporting.Unsaid()
    whole = importing.checked(lost.watched(found), ledger, max_bad_share=0)
    endings = (*exporting.OURS, *exporting.OTHERS)
    count = exporting.write_capture(whole, target, known=endings, lost=ledger.missing)
    click.echo(f"wrote {target}: {times.counted(count, 'request')}")
    if target.name.lower().endswith((".gor", ".gor.gz")) and lost.counts:
        click.echo(f"not in a .gor file: {lost.sentence()}")
    return 0


@capture.command("scan", short_help="Search files for what should have been redacted.")
@click.argument("paths", metavar="PATH...", type=PATH, nargs=-1, required=True)
@click.option(
    "--redact", type=PATH, metavar="RULES", help="A .toml with a [redact] table (default: all classes)."
)
def scan(paths: tuple[Path, ...], *, redact: Path | None) -> int:
    """Search files and folders for e-mail addresses, cards, IBANs, IPs, tokens and keys.

    What is found is named by file, place and class, never by its value; the exit code is then 65.
    """
    from harness.capture import redacting, scanning
    from harness.capture.live.rules import Rules

    rules = (redacting.read_policy(redact).redact or Rules()) if redact else Rules()
    leaks = scanning.scan(paths, redacting.searcher(rules))
    for leak in leaks:
        click.echo(f"{leak.file}, {leak.place}: {leak.name}")
    scanning.refuse(leaks)
    click.echo("nothing is found")
    return 0


@capture.command("hash", short_help="Hash the ids of labels with the key of a capture.")
@click.argument("path", metavar="LABELS", type=PATH)
@click.option("--redact", type=PATH, required=True, metavar="RULES", help="The .toml that the capture had.")
@click.option("--to", "target", type=PATH, required=True, metavar="OUT", help="A file of the same kind.")
@click.option(
    "--column", "names", multiple=True, metavar="NAME", help="A column of ids (default: request_id)."
)
def hash_(path: Path, *, redact: Path, target: Path, names: tuple[str, ...]) -> int:
    """Write LABELS (.csv, .jsonl, .parquet) with the ids that a redacted capture has, so that they join."""
    from harness.capture import hashing, redacting, times

    redactor = redacting.redactor_of(redacting.read_policy(redact).redact, os.environ)
    count = hashing.hash_file(path, target, redactor=redactor, names=names or ("request_id",))
    click.echo(f"wrote {target}: {times.counted(count, 'row')}")
    return 0


def _form(form: str | None, map_given: tuple[str, ...]) -> str | Format | None:
    """The format by name, or the one that a map makes of any table."""
    if not map_given:
        return form
    from harness.capture.formats.map_config import load_map
    from harness.capture.formats.mapped import mapped
    from harness.errors import UsageError

    if form is not None:
        raise UsageError("--format and --map exclude each other", fix="--map says all.")
    return mapped(load_map(map_given))
