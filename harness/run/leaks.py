"""A run whose capture is redacted holds nothing of what its rules take out, or it has no report."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import structs

from harness.capture import scanning
from harness.capture.redacting import searcher
from replayers.http import HttpTarget

if TYPE_CHECKING:
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded

REPORTS = ("report.json", "report.md", "report.html", "junit.xml")


def clean(folder: RunFolder, loaded: Loaded) -> None:
    """Nothing that `[capture.redact]` takes out stands in any file of the run.

    Otherwise the run has no report and so no verdict, and CaptureError names the first place. The hosts of
    the scenario's own targets may stand there.
    """
    rules = loaded.scenario.capture.redact
    if rules is None:
        return
    hosts = tuple(urlsplit(target.url).hostname or "" for target in _http(loaded))
    rules = structs.replace(rules, keep_values=(*rules.keep_values, *hosts))
    leaks = scanning.scan([folder.root], searcher(rules))
    if leaks:
        for name in REPORTS:
            folder.remove(folder.root / name)
    scanning.refuse(
        leaks,
        fix=f"Mend [capture.redact] (keep_values: texts that may stay), delete {folder.root}, and run again.",
    )


def _http(loaded: Loaded) -> list[HttpTarget]:
    return [target for target in loaded.scenario.targets.values() if isinstance(target, HttpTarget)]
