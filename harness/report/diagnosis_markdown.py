"""A diagnosis as GitHub-flavoured Markdown: a page for everybody, then the evidence; no pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import diagnosis_story as story
from harness.report import diagnosis_tables as tables
from harness.report import words
from harness.report.diagnosis_words import status, steps
from harness.report.markdown import escape
from harness.report.markdown_blocks import bullets, fenced, fitted, inside_html, rows, section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.records import Diagnosis, Exhibit, MetricGap

#: GitHub drops a step summary of more than 1 MiB whole
MOST_BYTES = 900_000
_MOST_REMEDIES = 4
_CUT = "\n**Cut here to fit; the whole is in diagnosis.html.**"


def render(found: Diagnosis, *, most_bytes: int = MOST_BYTES) -> str:
    """The diagnosis in at most so many bytes of UTF-8, cut at a line and saying so beyond them."""
    blocks = (_summary, _metrics, _evidence, _remedies, _causes, _run)
    return fitted((line for block in blocks for line in block(found)), most_bytes, note=_CUT)


def _summary(found: Diagnosis) -> Iterator[str]:
    """What somebody reads who has a minute."""
    first, *others = found.summary or (story.NO_SUMMARY,)
    yield from (f"# {escape(words.sentence(first))}", "", escape(story.masthead(found)), "")
    yield from (line for sentence in others for line in (escape(words.sentence(sentence)), ""))
    if found.next_steps:
        yield from ("**What to do next**", "")
        yield from (
            f"{place}. {escape(words.sentence(line))}" for place, line in enumerate(found.next_steps, start=1)
        )
        yield ""
    yield from bullets(f"{said}: {before} promised, {now} now" for said, before, now in story.promises(found))
    yield from section(tables.worth(found, most=_MOST_REMEDIES))
    yield from ("## What could not be checked", "")
    yield from bullets(found.missing or (story.NOTHING_MISSING,))


def _metrics(found: Diagnosis) -> Iterator[str]:
    overview = tables.overview(found)
    yield from ("## The gap, metric by metric", "")
    yield from rows(overview) if overview.rows else (story.NO_METRICS, "")
    if overview.rows:
        yield from (story.OVERVIEW_NOTE, "")
    main = story.main_gap(found)
    for gap in found.metrics:
        yield from _metric(found, gap, opened=gap is main)


def _metric(found: Diagnosis, gap: MetricGap, *, opened: bool) -> Iterator[str]:
    """The parts of one metric, folded away unless it is the main one."""
    said = inside_html(story.gap_sentence(gap))
    yield from (f"<details{' open' if opened else ''}><summary>{said}</summary>", "")
    table = tables.parts(found, gap)
    yield from rows(table)
    yield from bullets(tables.noted(table))
    yield from (
        f"{escape(line)}\n" for line in (words.sentence(gap.why_not), story.outside_line(gap)) if line
    )
    yield from ("</details>", "")


def _evidence(found: Diagnosis) -> Iterator[str]:
    yield from ("## Evidence", "")
    if not found.exhibits:
        yield from (story.NO_EXHIBITS, "")
    for group in story.evidence(found):
        yield from (f"### {escape(story.group_title(group))}", "")
        for number, exhibit in group.exhibits:
            yield from _exhibit(number, exhibit)


def _exhibit(number: str, exhibit: Exhibit) -> Iterator[str]:
    title = f"{number} {words.printable(exhibit.title)}"
    yield from (
        f"#### {escape(title)} ({status(exhibit.found)})",
        "",
        f"{escape(words.sentence(exhibit.question))}",
        "",
    )
    if exhibit.answer:
        yield from (f"**{escape(words.sentence(exhibit.answer))}**", "")
    if exhibit.why_not:
        yield from (f"Missing: {escape(words.sentence(exhibit.why_not))}", "")
    if len(exhibit.steps) > 1:
        yield from (f"Evidence for {escape(words.listed(steps(exhibit.steps), 12))}.", "")
    for table in exhibit.tables:
        yield from section(tables.given(table), heading="#####")
        if table.more:
            yield from (f"{words.counted(table.more, 'row')} more, the least important, left out.", "")


def _remedies(found: Diagnosis) -> Iterator[str]:
    done, undone = story.computed(found), story.not_computed(found)
    yield from ("## Remedies", "")
    yield from (story.REMEDIES_NOTE if done else story.NO_REMEDIES, "")
    yield from rows(tables.remedies(found))
    yield from bullets(
        f"R{place}. {item.action}: {story.remedy_note(item)}" for place, item in enumerate(done, start=1)
    )
    if undone:
        yield from ("### Not replayed", "")
        yield from bullets(f"{item.action}: {item.why_not} {item.note}".rstrip() for item in undone)


def _causes(found: Diagnosis) -> Iterator[str]:
    yield from section(tables.causes(found))
    yield from section(tables.likely(found))
    yield from (story.LIKELY_NOTE, "") if found.likely else ()


def _run(found: Diagnosis) -> Iterator[str]:
    """What was counted, cut off at and read, and the commands that make it all again."""
    yield from ("## This run", "", escape(story.uses_line(found) or story.NOT_COUNTED), "")
    for table in (tables.ledger(found), tables.thresholds(found), tables.digests(found)):
        yield from section(table, heading="###")
    if found.reproduce:
        yield from ("### How to reproduce", "", *fenced(found.reproduce))
    yield escape(f"replaygate {found.version}, written {words.moment(found.created_at)}")
