"""A run whose capture is redacted holds nothing of what its rules take out, or it has no report."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import structs

from harness.capture import scanning
from harness.capture.live.patterns import found
from harness.capture.redacting import searcher
from harness.run.approving import given
from replayers.http import HttpTarget

if TYPE_CHECKING:
    from harness.capture.live.rules import Rules
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

REPORTS = (
    *("report.json", "report.md", "report.html", "junit.xml"),
    *("diagnosis.json", "diagnosis.md", "diagnosis.html"),
)


def clean(folder: RunFolder, loaded: Loaded) -> None:
    """Nothing that `[capture.redact]` takes out stands in any file of the run.

    Otherwise the run has no report and so no verdict, and CaptureError names the first place. The hosts of
    the scenario's own targets, the rules' own expressions and what people wrote in approvals may stand there.
    """
    rules = loaded.scenario.capture.redact
    if rules is None:
        return
    hosts = (urlsplit(target.url).hostname or "" for target in _http(loaded))
    regexes = (pattern.regex for pattern in rules.patterns.values())
    known = (*rules.keep_values, *hosts, *regexes, *_by_people(folder, rules))
    leaks = scanning.scan([folder.root], searcher(structs.replace(rules, keep_values=known)))
    if leaks:
        for name in REPORTS:
            folder.remove(folder.root / name)
    scanning.refuse(
        leaks,
        fix=f"Mend [capture.redact] (keep_values: texts that may stay), delete {folder.root}, and run again.",
    )


def _by_people(folder: RunFolder, rules: Rules) -> list[str]:
    """What is of a class in the approvals: a name that somebody signed with is no captured one."""
    shapes = searcher(rules).means.shapes
    texts = [text for one in given(folder) for text in (one.by, one.why)]
    return [text[hit.start : hit.end] for text in texts for hit in found(text, shapes)]


def _http(loaded: Loaded) -> list[HttpTarget]:
    return [target for target in loaded.scenario.targets.values() if isinstance(target, HttpTarget)]
