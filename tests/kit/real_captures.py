"""What the capture files of other projects hold, counted by other means than our readers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from harness.capture.importing import Ledger, requests_of
from harness.errors import CaptureError

FOLDER = Path(__file__).parents[1] / "data" / "captures"
STREAM = "/meval/eyJhbm9ueW1vdXMiOnRydWUsImtleSI6Im1pbnQtYW5kcm9pZCJ9"


class Holds(NamedTuple):
    """Format, requests, how many of them are answered, and the first as method, path, status."""

    form: str
    requests: int
    answered: int
    first: tuple[str, str, int | None]


#: what each file holds, or words of the reason why it is refused
REAL: dict[str, Holds | str] = {
    "mitmproxy__broken_headers.json": "no capture format that is known; found the words headers",
    "mitmproxy__brokenfile.har": "no capture format that is known; found the words log",
    "mitmproxy__corrupted_gzip_body.har": Holds("har", 1, 1, ("GET", "/", 200)),
    "mitmproxy__dumpfile-10.mitm": Holds("mitmproxy", 1, 0, ("GET", "/", None)),
    "mitmproxy__dumpfile-19.mitm": Holds("mitmproxy", 1, 1, ("GET", "/", 200)),
    "mitmproxy__error_log.har": Holds("har", 2, 1, ("GET", "/", None)),
    "mitmproxy__event_stream.har": Holds("har", 2, 2, ("GET", STREAM, 200)),
    "mitmproxy__event_stream.mitm": Holds("mitmproxy", 2, 2, ("GET", STREAM, 200)),
    "mitmproxy__incomplete_log.har": Holds("har", 4, 0, ("GET", "/", None)),
    "mitmproxy__insomnia.har": Holds("har", 1, 1, ("GET", "/", 200)),
    "mitmproxy__postdata.har": Holds("har", 1, 1, ("POST", "/metrics", 200)),
    "mitmproxy__successful_log.har": Holds("har", 2, 2, ("GET", "/", 200)),
    "mitmproxy__successful_log.mitm": Holds("mitmproxy", 2, 2, ("GET", "/", 200)),
    "mitmproxy__with-bom.har": Holds("har", 1, 1, ("POST", "/metrics", 200)),
    "sagemaker__captured-data.jsonl": Holds("sagemaker", 2, 2, ("POST", "/invocations", 200)),
}


def found_in(path: Path) -> Holds | str:
    """What our readers make of a file, or why they refuse it; what they drop of it is told, too."""
    ledger = Ledger()
    try:
        found = list(requests_of([path], ledger))
    except CaptureError as error:
        return str(error)
    if ledger.lost or ledger.unanswered:
        return f"lost {dict(ledger.dropped)}, unanswered {ledger.unanswered}"
    answers = [one.recorded_response for one in found]
    status = answers[0].status if answers[0] else None
    return Holds(
        ledger.formats[str(path)],
        len(found),
        sum(one is not None for one in answers),
        (found[0].method, found[0].path, status),
    )


def is_right(name: str) -> bool:
    """Whether a file is read as what it holds, or refused for the right reason."""
    expected, found = REAL[name], found_in(FOLDER / name)
    return expected in found if isinstance(expected, str) and isinstance(found, str) else expected == found
