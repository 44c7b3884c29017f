"""`replaygate capture`: captures of other tools looked at, taken in, and given out."""

from __future__ import annotations

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
def import_(files: tuple[Path, ...], *, target: Path, labels_to: Path | None, **given: Any) -> int:  # noqa: ANN401  -- as declared to click
    """Write the requests of FILE... (or folders) to OUT with their answers; count what is dropped and why."""
    from harness.capture import exploding, exporting, importing, survey, wording

    surveyor = survey.Surveyor()
    with _ledger(given["ledger"]) as ledger:
        form = _form(given["form"], given["map_given"])
        through = partial(exploding.exploded, on_dropped=ledger.drop) if given["explode"] else None
        found = importing.tables_of(files, ledger, form=form, through=through)
        bare = importing.bared(surveyor.watched(found), ledger)
        whole = importing.checked(bare, ledger, max_bad_share=given["max_bad_share"])
        exporting.write_tables(whole, target)
    click.echo("\n".join(wording.told(ledger, surveyor.survey())))
    click.echo(f"wrote {target}")
    if labels_to is not None:
        click.echo(f"wrote {labels_to}: {importing.write_labels(ledger.labels, labels_to):,} labels")
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
    count = exporting.write_capture(whole, target, known=(*exporting.OURS, *exporting.OTHERS))
    click.echo(f"wrote {target}: {count:,} requests")
    if target.name.lower().endswith((".gor", ".gor.gz")) and lost.counts:
        click.echo(f"not in a .gor file: {lost.sentence()}")
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

    if path is None:
        yield Ledger()
        return
    import msgspec

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:

        def tell(one: Dropped) -> None:
            file.write(msgspec.json.encode(one) + b"\n")

        yield Ledger(on_dropped=tell)
