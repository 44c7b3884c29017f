"""The report as GitHub-flavoured Markdown, for pull requests and step summaries; it links nothing.

GitHub takes a step summary of 1 MiB and drops a longer one whole, so a page that would be too long is cut:
the last sections first, and the page says which.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from harness.report import approvals, numbers, outlook, sampled, story, tables, words
from harness.report.feature_tables import traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.records import Finding, Report, Verdict
    from harness.report.tables import Kind, Table

_NEWEST_LOOKS = 30
_MOST_IN_FULL = 20
_ZERO_WIDTH_SPACE = "\u200b"
#: GitHub drops a step summary of more than 1 MiB whole
MOST_BYTES = 900_000
_NOTE_BYTES = 600


def render(report: Report, *, most_bytes: int = MOST_BYTES) -> str:
    """The report in Markdown, the verdict first, in at most so many bytes of UTF-8, ending in a newline."""
    sections = [(name, "\n".join(lines)) for name, lines in _sections(report).items()]
    text = "\n".join(body for _, body in sections if body).rstrip("\n") + "\n"
    return text if len(text.encode()) <= most_bytes else _cut(sections, most_bytes)


def _sections(report: Report) -> dict[str, Iterable[str]]:
    """Every section by the name that a reader would look for, in order of weight."""
    return {
        "Verdict": _verdict(report),
        "Ledger": _ledger(report),
        "Gates": _gates(report),
        "Findings": _findings(report),
        "Features": _features(report),
        "Arms compared": _table(tables.pairs(report)),
        "Shares of the traffic": _table(traffic(report)),
        "Scores": _table(tables.scores(report)),
        "Noise": _bullets(story.noise_lines(report)) if report.noise else (),
        "Latency": _latency(report),
        "Quality": _quality(report),
        "Live canary": _live(report),
        "Ignored by rule": _table(tables.ignored(report)),
        "This run": _provenance(report),
    }


def _cut(sections: list[tuple[str, str]], most_bytes: int) -> str:
    """The sections that fit, the last ones left out; the first that does not fit whole is cut at a line."""
    room = most_bytes - _NOTE_BYTES
    kept: list[str] = []
    for place, (name, body) in enumerate(sections):
        size = len(body.encode()) + 1
        if size > room:
            left_out = [other for other, text in sections[place + 1 :] if text]
            return _joined(kept, _first_lines(body, room), note=_note(name, left_out))
        kept.append(body)
        room -= size
    return _joined(kept, "", note="")


def _joined(kept: list[str], part: str, *, note: str) -> str:
    return "\n".join(text for text in (*kept, part, "", note) if text).rstrip("\n") + "\n"


def _first_lines(body: str, room: int) -> str:
    """The first whole lines that fit; a fold that was opened in them is closed."""
    lines: list[str] = []
    for line in body.split("\n"):
        room -= len(line.encode()) + 1
        if room < 0:
            break
        lines.append(line)
    folded = sum(line.startswith("<details>") - line.startswith("</details>") for line in lines)
    return "\n".join([*lines, *["", "</details>"] * folded])


def _note(cut: str, left_out: list[str]) -> str:
    rest = f", and left out: {', '.join(left_out)}" if left_out else ""
    return f"\n**Cut to fit GitHub: {cut} is not whole{rest}. The whole report is in report.html.**"


def escape(text: str) -> str:
    """Text that GitHub shows as it stands: no markup, HTML, cell, mention, reference or link comes of it."""
    clean = _unreferenced(words.printable(text))
    clean = clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    clean = re.sub(r"([\\`*\[\]|~$#!])", r"\\\1", clean)
    clean = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", clean)
    clean = re.sub(r"^(\d+)([.)])(?=\s|$)|^([-+=])", r"\1\\\2\3", clean)
    return clean.replace("://", "&#58;//").replace("www.", "www&#46;")


def _unreferenced(text: str) -> str:
    """The text with @name and #1 broken up invisibly, so that GitHub neither notifies nor links."""
    return re.sub(r"(@|#)(?=\w)", rf"\1{_ZERO_WIDTH_SPACE}", text)


def _verdict(report: Report) -> Iterator[str]:
    decision = report.decision
    yield f"# {story.SHAPES[decision.word]} {decision.word}: {escape(words.sentence(decision.headline))}"
    yield ""
    yield f"{escape(story.masthead(report))} · exit code {decision.exit_code}"
    builds = story.builds(report)
    yield from ([f"{escape(builds)}"] if builds else [])
    yield ""
    yield from _bullets(story.main_reasons(decision))
    if report.approvals:
        yield from _bullets(approvals.lines(report))
    if decision.next_steps:
        yield "**Do next**"
        yield ""
        yield from _bullets(decision.next_steps)


def _ledger(report: Report) -> Iterator[str]:
    for account in story.accounts(report):
        yield f"- {escape(account.name)}: {escape(account.line)}"
        yield from (f"  - {escape(loss)}" for loss in account.losses)
    yield from (f"- {escape(line)}" for line in sampled.lines(report))
    yield ""


def _gates(report: Report) -> Iterator[str]:
    required, advisory = story.required_gates(report), story.advisory_gates(report)
    yield from ("## Gates", "", *([] if required else [story.NO_GATES, ""]), *_judged(required))
    if advisory:
        yield f"<details><summary>{story.advisory_line(report)}</summary>"
        yield from ("", *_judged(advisory), "</details>", "")
    yield from ([escape(words.sentence(report.decision.claim)), ""] if report.decision.claim else [])


def _judged(gates: list[Verdict]) -> Iterator[str]:
    """Gates as a table, and under it why each rules as it does."""
    table = tables.gates(gates)
    yield from _rows(table)
    for gate, row, note in zip(gates, table.rows, table.notes, strict=True):
        yield f"- **{gate.ruling}** {escape(f'{row[0]}, {row[1]}')}: {escape(note)}"
        yield from ([f"  - {escape(words.sentence(gate.method))}"] if gate.method else [])
    yield from ([""] if gates else [])


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        yield from (escape(story.no_findings(report)), "")
        return
    groups = story.grouped(story.costly(report.findings))
    yield from ("## Findings", "", *([] if groups else [story.NOTHING_COSTLY, ""]))
    shown = 0
    for group in groups:
        room = max(1, _MOST_IN_FULL // len(groups))
        for finding in group.findings[:room]:
            shown += 1
            yield from _finding(report, finding, place=shown)
        yield from _folded(story.cause_name(group.cause), group.findings[room:])
    yield from _table(tables.costs(report))
    yield from _latent(report)


def _latent(report: Report) -> Iterator[str]:
    """What differs and changes no score, apart: a line each."""
    found = story.latent(report.findings)
    if found:
        yield from ("## Latent skew", "", story.LATENT, "")
        yield from _bullets(_latent_line(finding) for finding in found[:_MOST_IN_FULL])
        yield from _folded("latent skew", found[_MOST_IN_FULL:])


def _latent_line(finding: Finding) -> str:
    return f"{story.finding_title(finding)}: {words.sentence(finding.sentence)}"


def _finding(report: Report, finding: Finding, *, place: int) -> Iterator[str]:
    yield f"### {place}. {escape(story.finding_title(finding))}"
    yield ""
    yield escape(words.sentence(finding.sentence))
    yield ""
    yield f"- {escape(' · '.join(story.finding_facts(finding)))}"
    yield from (f"- {escape(line)}" for line in story.exemplar_lines(report, finding))
    yield f"- Again: {escape(numbers.again(report, finding))}"
    yield ""


def _folded(cause: str, findings: tuple[Finding, ...]) -> Iterator[str]:
    if findings:
        summary = f"{len(findings):,} more by {words.clipped(cause)}"
        yield from (f"<details><summary>{_inside_html(summary)}</summary>", "")
        yield from (
            f"- **{escape(story.finding_title(f))}** {escape(' · '.join(story.finding_facts(f)))}"
            for f in findings
        )
        yield from ("", "</details>", "")


def _features(report: Report) -> Iterator[str]:
    for pair in report.pairs:
        yield from _table(tables.features(pair))
        agreeing = tables.agreeing(report, pair)
        if agreeing:
            agree = words.counted(len(agreeing), "feature agrees", plural="features agree")
            yield escape(f"{tables.pair_name(pair)}: {agree} on every request.")
            yield ""
        if pair.unsure:
            yield escape(
                f"{tables.pair_name(pair)}, not compared with certainty: {words.remarks(pair.unsure)}."
            )
            yield ""


def _latency(report: Report) -> Iterator[str]:
    yield from _table(tables.latency(report))
    yield from (f"- {escape(story.latency_line(item, report.budget_ms))}" for item in report.latency)
    yield from (f"- {escape(line)}" for line in story.phase_lines(report))
    yield ""


def _quality(report: Report) -> Iterator[str]:
    for quality in report.quality:
        yield from _table(tables.metrics(quality))
        yield from _bullets(filter(None, (*story.quality_lines(quality), outlook.ahead_line(quality))))
        yield from () if quality.identical else _table(outlook.differences(quality))
        for table in tables.looks(quality, newest=_NEWEST_LOOKS):
            yield from _table(table)


def _live(report: Report) -> Iterator[str]:
    if report.live is not None:
        yield from ("## Live canary", "", *_bullets(story.live_lines(report.live)))
        for table in tables.looks(report.live, newest=_NEWEST_LOOKS):
            yield from _table(table)


def _provenance(report: Report) -> Iterator[str]:
    """Phases, answers, identities and digests, and the commands that make it all again."""
    facts = (
        tables.phases(report),
        tables.targets(report),
        tables.identities(report),
        tables.facts("Environment", report.environment),
        tables.facts("Digests", report.digests),
    )
    for table in facts:
        yield from _table(table)
    if report.reproduce:
        yield from ("## How to reproduce", "", *_fenced(report.reproduce), "")
    yield escape(f"replaygate {report.version}, written {words.moment(report.created_at)}")


def _table(table: Table) -> Iterator[str]:
    if table.rows:
        yield from (f"## {escape(table.title)}", "", *_rows(table))


def _rows(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    yield _row(escape(column.head) for column in table.columns)
    yield _row("---:" if column.kind == "number" else "---" for column in table.columns)
    kinds = [column.kind for column in table.columns]
    yield from (_row(map(_cell, kinds, row)) for row in table.rows)
    yield ""


def _cell(kind: Kind, text: str) -> str:
    return f"{story.SHAPES[text]} **{text}**" if kind == "ruling" else escape(text)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bullets(lines: Iterable[str]) -> Iterator[str]:
    yield from (f"- {escape(line)}" for line in lines)
    yield ""


def _fenced(lines: tuple[str, ...]) -> list[str]:
    """A code block whose fence is longer than any run of backticks in it."""
    clean = [words.printable(line) for line in lines]
    longest = max((len(run) for line in clean for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sh", *clean, fence]


def _inside_html(text: str) -> str:
    """Text within a tag, where Markdown is not read but mentions still are."""
    return html.escape(_unreferenced(words.printable(text)))
