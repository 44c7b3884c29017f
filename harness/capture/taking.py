"""Captures of other tools taken in, or only looked at: from what is asked for to lines for a person."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa

from harness.capture import exploding, exporting, importing, redacting, scanning, survey, times, wording
from harness.capture.formats import Dropped, Format
from harness.capture.importing import Ledger
from harness.capture.live.rules import Policy
from harness.capture.live.sampling import Sampler
from harness.capture.redacting import Preparation
from harness.capture.sources import target_of


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What an import is to do; each field is an option of the command `capture import`."""

    target: Path
    labels_to: Path | None = None
    ledger: Path | None = None
    max_bad_share: float = 0.01
    explode: bool = False
    dry_run: bool = False
    redact: Path | None = None
    keep_header: tuple[str, ...] = ()
    sample: float | None = None
    sample_by: str | None = None
    sample_strata: str | None = None
    sample_floor: int | None = None


def taken(
    files: Sequence[Path], wanted: Wanted, *, form: str | Format | None, environ: Mapping[str, str]
) -> list[str]:
    """The requests of the files are in their target, and their labels; returns what came of it, in lines.

    Whatever is written passes the preparation. Raises UsageError for what cannot be done, before anything is
    read, and CaptureError as `importing.checked`.
    """
    check_targets(wanted)
    surveyor = survey.Surveyor()
    with _ledger(wanted.ledger) as ledger:
        ledger.preparation = preparation(wanted, environ)
        through = partial(exploding.exploded, on_dropped=ledger.drop) if wanted.explode else None
        found = surveyor.watched(importing.tables_of(files, ledger, form=form, through=through))
        prepared = _sampled(ledger.preparation.tables(found), ledger.preparation)
        whole = importing.checked(prepared, ledger, max_bad_share=wanted.max_bad_share)
        if wanted.dry_run:
            deque(whole, maxlen=0)
        else:
            exporting.write_tables(whole, wanted.target, lost=ledger.missing)
    lines = wording.told(ledger, surveyor.survey())
    return (
        lines if wanted.dry_run else [*lines, f"wrote {wanted.target}", *_labelled(ledger, wanted.labels_to)]
    )


def _sampled(given: Iterator[pa.Table], preparation: Preparation) -> Iterator[pa.Table]:
    """The same tables; nothing is written where the sample asks for a place that no request has."""
    yield from given
    redacting.check_places(preparation.sampler)


def check_targets(wanted: Wanted) -> None:
    """Every file that is asked for can be written there; raises UsageError."""
    target_of(wanted.target, exporting.OURS)
    if wanted.labels_to is not None:
        target_of(wanted.labels_to, importing.LABELS)
    if wanted.ledger is not None:
        target_of(wanted.ledger)


def preparation(wanted: Wanted, environ: Mapping[str, str]) -> Preparation:
    """What is done with each request: its rules, and its sample. Raises UsageError."""
    rules = redacting.read_policy(wanted.redact) if wanted.redact else Policy()
    sample = redacting.sample_of(
        rules.sample,
        share=wanted.sample,
        by=wanted.sample_by,
        strata=wanted.sample_strata,
        floor=wanted.sample_floor,
    )
    redactor = redacting.redactor_of(rules.redact, environ, keep=wanted.keep_header)
    return Preparation(redactor, None if sample is None else Sampler(sample))


def looked_at(files: Sequence[Path], *, form: str | Format | None, as_json: bool) -> list[str]:
    """What the files hold, in lines or as JSON: requests, losses, batches, and what of it should not stay."""
    ledger, surveyor = Ledger(), survey.Surveyor()
    batches, glance = exploding.Batches(), scanning.Glance()
    for table in importing.tables_of(files, ledger, form=form):
        batches.look(table)
        surveyor.look(table)
        glance.look(table)
    found = surveyor.survey()
    if as_json:
        more = {"batches": batches.requests, "rows_of_batches": batches.rows}
        return [wording.as_json(ledger, found, **more, searched=glance.searched, classes=glance.counts())]
    return [*wording.told(ledger, found), *glance.sentences(found.requests), *batches.sentences()]


def _labelled(ledger: Ledger, target: Path | None) -> list[str]:
    """The labels of the ledger are written, where that is asked for, and told."""
    if target is None:
        return []
    count = importing.write_labels(ledger.preparation.labels(ledger.labels), target)
    left = len(ledger.labels) - count
    return [
        f"wrote {target}: {times.counted(count, 'label')}" + (f", {left:,} left out by rule" if left else "")
    ]


@contextmanager
def _ledger(path: Path | None) -> Iterator[Ledger]:
    """A ledger that tells each dropped record to the file, where there is one."""
    if path is None:
        yield Ledger()
        return
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:

        def tell(one: Dropped) -> None:
            file.write(msgspec.json.encode(one) + b"\n")

        ledger = Ledger(on_dropped=tell)
        yield ledger
        file.writelines(msgspec.json.encode(row) + b"\n" for row in redacting.counted(ledger.preparation))
