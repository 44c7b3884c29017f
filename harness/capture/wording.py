"""What came of a capture's files, in lines for a person and as JSON."""

from __future__ import annotations

from collections import Counter

import msgspec

from harness.capture import redacting, times
from harness.capture.importing import Ledger
from harness.capture.survey import Survey
from harness.records import STATUS_FROM


def as_json(ledger: Ledger, survey: Survey, **more: object) -> str:
    """Survey and ledger, and what is known besides, as one JSON object."""
    said = {
        "formats": ledger.formats,
        "dropped": dict(ledger.dropped),
        "not_recorded": ledger.not_recorded,
        "first_dropped": ledger.first,
        "unanswered": ledger.unanswered,
        "labels": len(ledger.labels),
    }
    return msgspec.json.format(msgspec.json.encode({**said, **msgspec.to_builtins(survey), **more})).decode()


def told(ledger: Ledger, survey: Survey) -> list[str]:
    """Survey and ledger in lines for a person; a line about what is not there is left out."""
    lines = [
        (
            "format",
            ", ".join(
                f"{name}: {times.counted(n, 'file')}" for name, n in Counter(ledger.formats.values()).items()
            ),
        )
    ]
    lines += [
        (
            "requests",
            f"{survey.requests:,}, {survey.answered:,} with an answer, {survey.timed:,} of them timed",
        )
    ]
    lines += _arrivals(survey)
    lines += [("methods", _counts(survey.methods)), ("answers", _counts(survey.statuses))]
    assumed = survey.tags.get(f"{STATUS_FROM}=assumed", 0)
    lines += [("no status", f"{assumed:,} answers: 200 says that they were delivered" if assumed else "")]
    sizes = (survey.body_median, survey.body_p95, survey.body_largest)
    lines += [("bodies", "median {:,} B, p95 {:,} B, largest {:,} B".format(*sizes))]
    lines += [("truncated", times.counted(survey.truncated, "body", "bodies") if survey.truncated else "")]
    lines += [("answers cut", f"{cut:,}, or damaged")] if (cut := survey.answers_truncated) else []
    lines += [("secrets suspected", _suspected(survey.secrets))]
    lines += redacting.told(ledger.preparation, requests=survey.requests)
    lines += [("without answer", f"{ledger.unanswered:,} requests" if ledger.unanswered else "")]
    lines += [("labels", f"{len(ledger.labels):,}" if ledger.labels else "")]
    lines += [("not recorded", _counts(ledger.not_recorded))]
    lines += [("dropped", _counts(dict(ledger.dropped)))]
    lines += [("", f"{one.file}, offset {one.offset:,}: {one.reason}: {one.detail}") for one in ledger.first]
    return [f"{name + ':' if name else '':<18} {text}" for name, text in lines if text]


def _arrivals(survey: Survey) -> list[tuple[str, str]]:
    if survey.first_ts_ns is None or survey.last_ts_ns is None:
        return []
    seconds = (survey.last_ts_ns - survey.first_ts_ns) / times.SECOND_NS
    first, last = times.rfc3339(survey.first_ts_ns), times.rfc3339(survey.last_ts_ns)
    cv = (
        ""
        if survey.interarrival_cv is None
        else f", CV of the gaps {survey.interarrival_cv:.2f} (Poisson: 1)"
    )
    found = [
        ("from, to", f"{first} to {last}: {seconds:,.3f} s"),
        ("arrivals", f"at most {survey.peak_per_s:,} in a second{cv}, {survey.out_of_order:,} out of order"),
        ("resolution", _RESOLUTIONS.get(survey.resolution_ns, f"{survey.resolution_ns:,} ns")),
    ]
    if survey.first_ts_ns < _1990_NS and survey.last_ts_ns >= times.SECOND_NS:  # the first second: made up
        which = "some" if survey.last_ts_ns >= _1990_NS else "all"
        found += [
            (
                "dubious times",
                f"{which} before 1990: seconds read as milliseconds, or a clock that was not set?",
            )
        ]
    guessed = survey.tags.get("ts_from=file", 0)
    return [*found, ("no times", f"{guessed:,} requests: those of their files" if guessed else "")]


_RESOLUTIONS = {1: "1 ns", 10**3: "1 us", 10**6: "1 ms", 10**9: "1 s: replay under load is approximate"}


_1990_NS = 631_152_000 * times.SECOND_NS


def _suspected(secrets: dict[str, int]) -> str:
    """Only credentials are looked for at every import: the rest takes a search of its own."""
    return f"{_counts(secrets)} (credentials; capture scan looks for all classes)" if secrets else ""


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counted.items())
