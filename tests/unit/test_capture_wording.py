"""What an import says of itself: all that there is, and nothing about what is not."""

from __future__ import annotations

import json

from harness.capture.formats import Dropped, Labelled
from harness.capture.importing import Ledger
from harness.capture.survey import Survey, Surveyor
from harness.capture.table import to_table
from harness.capture.wording import as_json, told
from harness.records import CapturedRequest, RecordedResponse

SECOND_NS = 10**9
START_NS = 1_750_000_000 * SECOND_NS


def survey(*requests: CapturedRequest) -> Survey:
    """What these requests are."""
    surveyor = Surveyor()
    surveyor.look(to_table(requests))
    return surveyor.survey()


def request(second: int, **words: object) -> CapturedRequest:
    """A request so many seconds after the start, with these words."""
    given = {"seq": 0, "request_id": "r", "ts_ns": START_NS + second * SECOND_NS, **words}
    return CapturedRequest(**given)  # type: ignore[arg-type]


def ledger() -> Ledger:
    """Two files with a lost record, a label, a request without answer and one without its headers."""
    found = Ledger(formats={"a": "har", "b": "har"}, requests=1_500, unanswered=1)
    found.preparation.redactor.lost_headers["x-api-key"] = 1
    found.drop(Dropped(file="a", offset=1_234, reason="bad time", detail="noon"))
    found.labels.append(Labelled("r", 1.0, 5))
    return found


def lines(of: Ledger, found: Survey) -> dict[str, str]:
    """The lines by their names."""
    return {name.strip(): text.strip() for name, _, text in (line.partition(":") for line in told(of, found))}


def test_nothing_is_said_of_what_is_not_there() -> None:
    """Of an empty capture: that it is empty, without times, labels or losses."""
    assert told(Ledger(), survey()) == [
        "requests:          0, 0 with an answer, 0 of them timed",
        "bodies:            median 0 B, p95 0 B, largest 0 B",
    ]


def test_what_was_counted_is_said() -> None:
    """Each count of survey and ledger on the line of its name."""
    answered = RecordedResponse(status=200, latency_ns=5)
    some = [
        request(0, recorded_response=answered, body=b"x" * 2_000),
        request(1, method="GET", truncated=True, ts_resolution_ns=SECOND_NS, tags={"ts_from": "file"}),
        request(5, headers={"X-Api-Key": "hush"}, tags={"status_from": "assumed"}),
    ]
    found = lines(ledger(), survey(*some))
    assert found == {
        "format": "har: 2 files",
        "requests": "3, 1 with an answer, 1 of them timed",
        "from, to": "2025-06-15T15:06:40Z to 2025-06-15T15:06:45Z: 5.000 s",
        "arrivals": "at most 1 in a second, CV of the gaps 0.60 (Poisson: 1), 0 out of order",
        "resolution": "1 s: replay under load is approximate",
        "no times": "1 requests: those of their files",
        "methods": "POST 2, GET 1",
        "answers": "200 1",
        "no status": "1 answers: 200 says that they were delivered",
        "bodies": "median 0 B, p95 2,000 B, largest 2,000 B",
        "truncated": "1 body",
        "secrets suspected": "header 1 (credentials; capture scan looks for all classes)",
        "headers left out": "x-api-key of 1 (of 3 requests; --keep-header NAME keeps one)",
        "without answer": "1 requests",
        "labels": "1",
        "dropped": "bad time 1",
        "a, offset 1,234": "bad time: noon",
    }
    assert "hush" not in str(found)


def test_times_of_another_unit_are_told() -> None:
    """Seconds that were read as milliseconds lie in 1970; a capture of its first second is made up."""
    read = request(0, ts_ns=1_735_725_603 * 10**6)
    for which, requests in {"some": (request(0), read), "all": (read,)}.items():
        said = lines(ledger(), survey(*requests))["dubious times"]
        assert said.startswith(f"{which} before 1990: seconds read as milliseconds")
    assert "dubious times" not in lines(ledger(), survey(request(0, ts_ns=5)))


def test_a_lost_record_is_said_with_its_place() -> None:
    """The first of them below the counts, so that it can be looked up; records passed over are not lost."""
    of = Ledger()
    of.drop(Dropped(file="a", offset=1_234, reason="bad time", detail="noon"))
    of.drop(Dropped(file="a", offset=9, reason="replayed answer"))
    *_, counts, place = told(of, survey())
    assert counts == f"{'dropped:':<18} bad time 1, replayed answer 1"
    assert place == f"{'':<18} a, offset 1,234: bad time: noon"


def test_two_requests_have_no_spread_of_gaps() -> None:
    """One gap has no CV, and an unusual resolution is said in ns."""
    found = lines(Ledger(), survey(request(0), request(1, ts_resolution_ns=100)))
    assert found["arrivals"] == "at most 1 in a second, 0 out of order"
    assert found["resolution"] == "100 ns"


def test_json_says_the_same() -> None:
    """One object: the ledger's words and the survey's, what is not known as null."""
    found = json.loads(as_json(ledger(), survey(request(0))))
    assert found["formats"] == {"a": "har", "b": "har"}
    assert found["dropped"] == {"bad time": 1}
    assert found["first_dropped"] == [{"file": "a", "offset": 1_234, "reason": "bad time", "detail": "noon"}]
    assert (found["unanswered"], found["labels"]) == (1, 1)
    assert (found["requests"], found["first_ts_ns"], found["interarrival_cv"]) == (1, START_NS, None)
