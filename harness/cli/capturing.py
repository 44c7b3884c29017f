"""`replaygate capture`: captures of other tools looked at, taken in, and given out."""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.capture.formats import Dropped, Format
    from harness.capture.importing import Ledger
    from harness.capture.redacting import Preparation

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
def import_(files: tuple[Path, ...], *, target: Path, labels_to: Path | None, **given: Any) -> int:  # noqa: ANN401  -- as declared to click
    """Write the requests of FILE... (or folders) to OUT with their answers; count what is dropped and why."""
    from harness.capture import exploding, exporting, importing, survey, wording

    surveyor = survey.Surveyor()
    with _ledger(given["ledger"]) as ledger:
        ledger.preparation = _preparation(given)
        form = _form(given["form"], given["map_given"])
        through = partial(exploding.exploded, on_dropped=ledger.drop) if given["explode"] else None
        found = surveyor.watched(importing.tables_of(files, ledger, form=form, through=through))
        prepared = ledger.preparation.tables(found)
        whole = importing.checked(prepared, ledger, max_bad_share=given["max_bad_share"])
        if given["dry_run"]:
            deque(whole, maxlen=0)
        else:
            exporting.write_tables(whole, target, lost=ledger.missing)
    click.echo("\n".join(wording.told(ledger, surveyor.survey())))
    if given["dry_run"]:
        return 0
    click.echo(f"wrote {target}")
    if labels_to is not None:
        joinable = ledger.preparation.labels(ledger.labels)
        count = importing.write_labels(joinable, labels_to)
        left = len(ledger.labels) - count
        click.echo(f"wrote {labels_to}: {count:,} labels" + (f", {left:,} left out by rule" if left else ""))
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
    from harness.capture import exploding, importing, proposing, survey, wording

    if form is None and not map_given and not as_json and (proposal := proposing.proposal(files)):
        click.echo("\n".join(proposal))
        return 0
    ledger = importing.Ledger()
    surveyor = survey.Surveyor()
    batches = exploding.Batches()
    for table in importing.tables_of(files, ledger, form=_form(form, map_given)):
        batches.look(table)
        surveyor.look(table)
    found = surveyor.survey()
    if as_json:
        click.echo(wording.as_json(ledger, found, batches=batches.requests, rows_of_batches=batches.rows))
        return 0
    click.echo("\n".join([*wording.told(ledger, found), *batches.sentences()]))
    return 0


@capture.command("labels", short_help="Write the labels that files hold, ground truth or feedback.")
@FILES
@click.option("--to", "target", type=PATH, required=True, metavar="OUT", help="A .jsonl for the labels.")
@FORM
@MAP
def labels(files: tuple[Path, ...], *, target: Path, form: str | None, map_given: tuple[str, ...]) -> int:
    """Write the labels of FILE... to OUT, with or without requests beside them; every label or none."""
    from harness.capture import importing

    ledger = importing.Ledger()
    found = importing.labels_of(files, ledger, form=_form(form, map_given))
    click.echo(f"wrote {target}: {importing.write_labels(found, target):,} labels")
    return 0


@capture.command("export", short_help="Write one of our captures for other tools.")
@click.argument("path", metavar="CAPTURE", type=PATH)
@click.option(
    "--to", "target", type=PATH, required=True, metavar="FILE", help="A .jsonl, .parquet, .gor or .har (.gz)."
)
def export(path: Path, *, target: Path) -> int:
    """Write CAPTURE in the format of FILE's ending; `.gor` says what it has no words for."""
    from harness.capture import exporting, importing

    ledger = importing.Ledger()
    found = importing.requests_of([path], ledger, form="replaygate")
    lost = exporting.Unsaid()
    whole = importing.checked(lost.watched(found), ledger, max_bad_share=0)
    count = exporting.write_capture(
        whole, target, known=(*exporting.OURS, *exporting.OTHERS), lost=ledger.missing
    )
    click.echo(f"wrote {target}: {count:,} requests")
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
    from harness.capture import hashing, redacting

    redactor = redacting.redactor_of(redacting.read_policy(redact).redact, os.environ)
    count = hashing.hash_file(path, target, redactor=redactor, names=names or ("request_id",))
    click.echo(f"wrote {target}: {count:,} rows")
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


@contextmanager
def _ledger(path: Path | None) -> Iterator[Ledger]:
    """A ledger that tells each dropped record to the file, where there is one."""
    from harness.capture.importing import Ledger
    from harness.capture.redacting import counted

    if path is None:
        yield Ledger()
        return
    import msgspec

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:

        def tell(one: Dropped) -> None:
            file.write(msgspec.json.encode(one) + b"\n")

        ledger = Ledger(on_dropped=tell)
        yield ledger
        file.writelines(msgspec.json.encode(row) + b"\n" for row in counted(ledger.preparation))


def _preparation(given: dict[str, Any]) -> Preparation:
    """What the command line asks to be done with each request."""
    from harness.capture import redacting
    from harness.capture.live.rules import Policy
    from harness.capture.live.sampling import Sampler

    rules = redacting.read_policy(given["redact"]) if given["redact"] else Policy()
    changes = {"share": given["sample"]} | {
        name: given[f"sample_{name}"] for name in ("by", "strata", "floor")
    }
    sample = redacting.sample_of(rules.sample, **changes)
    redactor = redacting.redactor_of(rules.redact, os.environ, keep=given["keep_header"])
    return redacting.Preparation(redactor, None if sample is None else Sampler(sample))
