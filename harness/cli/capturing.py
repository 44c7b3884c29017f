"""`replaygate capture`: captures of other tools looked at, taken in, and given out."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.capture.formats import Dropped
    from harness.capture.importing import Ledger

FILES = click.argument("files", metavar="FILE...", type=PATH, nargs=-1, required=True)
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
    from harness.capture import exporting, importing, survey, wording

    surveyor = survey.Surveyor()
    with _ledger(given["ledger"]) as ledger:
        found = importing.tables_of(files, ledger, form=given["form"])
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
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def info(files: tuple[Path, ...], *, form: str | None, as_json: bool) -> int:
    """Print what FILE... hold: requests, duration, rates, sizes, and what is dubious about them."""
    from harness.capture import importing, survey, wording

    ledger = importing.Ledger()
    surveyor = survey.Surveyor()
    for table in importing.tables_of(files, ledger, form=form):
        surveyor.look(table)
    found = surveyor.survey()
    click.echo(wording.as_json(ledger, found) if as_json else "\n".join(wording.told(ledger, found)))
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
