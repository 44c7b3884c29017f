"""One request on a console: what differs is marked and comes first, and nothing in it can do harm."""

from __future__ import annotations

import io
import json

import msgspec
from msgspec import Raw
from msgspec.structs import replace
from rich.console import Console

from harness.records import Report
from harness.report.request import (
    Answered,
    Differs,
    Field,
    ShownRequest,
    as_json,
    covered,
    findings_as_json,
    render,
    render_findings,
)
from tests.kit.sample_report import go, hostile, no_go


def field(name: str, *cells: object, differs: dict[str, Differs] | None = None) -> Field:
    """A field at the arms offline and live."""
    arms = zip(("offline:m", "live"), cells, strict=False)
    return Field(field=name, values={a: Raw(json.dumps(c).encode()) for a, c in arms}, differs=differs or {})


BY_ONE = {
    "live": Differs(against="offline:m", kind="value", magnitude=1.0, findings=("F1",), causes=("shift",))
}
SHOWN = ShownRequest(
    run="results/run",
    request_id="r1",
    seq=3,
    ts="2025-03-01T12:00:00Z",
    event_time=None,
    unit="u1",
    segments={"country": "fr"},
    method="POST",
    path="/score",
    headers={"accept": "json"},
    body=Raw(b'{"amount": 3, "text": "\\u202e"}'),
    truncated=False,
    threshold=0.5,
    arms=("offline:m", "live"),
    fields=(field("age", 1), field("amount", 1.000000001, 1.000000002, differs=BY_ONE)),
    answers=(Answered(arm="live", phase="parity", state="ok", status=200, score=0.25, positive=False),),
    findings={"F1": "The challenger serves amount 1 higher."},
)


def printed(shown: ShownRequest) -> str:
    """What a console shows."""
    out = io.StringIO()
    render(shown, Console(file=out, width=110, color_system=None))
    return out.getvalue()


def test_what_differs_comes_first_marked_and_with_its_cause() -> None:
    """With as many digits as tell the values apart; then what agrees, and the commands."""
    text = printed(SHOWN)
    lines = [line.split() for line in text.splitlines()]
    amount = next(line for line in lines if line[:1] == ["amount"] and "≠" in line)
    assert amount[1:4] == ["1.000000001", "≠", "1.000000002"]
    assert "value by 1" in text
    assert "F1 shift" in text
    assert text.index("≠ 1.0") < text.index("age")
    assert "replaygate reproduce results/run F1" in text
    assert "score ≥ 0.5" in text
    assert "\u202e" not in text


def test_reservations_and_calm_are_said() -> None:
    """A cut body, a body that is no object, nothing that differs, and more fields than a screen holds."""
    many = tuple(field(f"f{i}", 1, 1) for i in range(50))
    calm = replace(SHOWN, fields=many, findings={}, truncated=True, body=Raw(b'"text"'))
    text = printed(calm)
    assert "Its body was cut short" in text
    assert "(whole body)" in text
    assert "and 10 more agree" in text
    assert "Nothing differs on this request." in text


def test_json_holds_all_of_it() -> None:
    """Cells are values, not texts."""
    data = json.loads(as_json(SHOWN))
    assert data["fields"][1]["values"] == {"offline:m": 1.000000001, "live": 1.000000002}
    assert msgspec.json.decode(as_json(SHOWN), type=ShownRequest).findings == SHOWN.findings
    assert next(iter(json.loads(findings_as_json(no_go())))) == "F1"


def test_findings_are_listed_with_their_requests_and_no_harm() -> None:
    """Or it is said that there are none."""

    def listed(report: Report) -> str:
        out = io.StringIO()
        render_findings(report, Console(file=out, width=100, color_system=None), run="RUN")
        return out.getvalue()

    assert "No findings" in listed(go())
    assert listed(no_go()).startswith("F1  challenger vs offline: hour")
    assert "replaygate show RUN --request pr-81c2" in listed(no_go())
    assert "\x1b" not in listed(hostile())


def test_a_cell_is_told_by_the_findings_that_know_it() -> None:
    """A score beside features is told by theirs; alone by its own, and noise apart from skew."""
    base = no_go().findings[0]
    made = [("amount",), "shift"], [("score",), "complement"], [("score",), "nondeterministic"]
    findings = tuple(replace(base, arm="live", fields=fields, cause=cause) for fields, cause in made)
    report = replace(no_go(), findings=findings)
    both = {"amount": "value", "score": "value"}
    assert covered(both, "amount", arm="live", report=report) == {"F1": "shift"}
    assert covered(both, "score", arm="live", report=report) == {"F1": "shift"}
    assert covered({"score": "value"}, "score", arm="live", report=report) == {"F2": "complement"}
    assert list(covered({"score": "nondeterministic"}, "score", arm="live", report=report)) == ["F3"]
    assert covered(both, "amount", arm="other", report=report) == {}
