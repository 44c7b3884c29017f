"""One request gathered from the artefacts of a run, whatever of them there is."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from harness import capture
from harness.errors import UsageError
from harness.run.deciding import PHASES
from harness.run.showing import LOGGED, findings, near_ids, show
from harness.run.stages import compare
from tests.kit import small
from tests.kit.prepared import Prepared, ready


@pytest.fixture
def run(tmp_path: Path) -> Prepared:
    """A run whose challenger serves amount 1 too high and does not answer request 3."""
    made, answers = ready(tmp_path), small.answers()
    for answer in answers.values():
        answer["features"]["amount"] += 1
    del answers["r003"]
    made.answer("challenger", answers)
    made.note("challenger")
    assert (made.folder.root / PHASES).is_file()
    compare(made.folder.root, None, say=lambda _: None)
    return made


def test_a_request_is_gathered_with_every_arm(run: Prepared) -> None:
    """Cells, differences with their findings, and states; the score is the first field."""
    shown = show(run.folder.root, "r005")
    fields = {one.field: one for one in shown.fields}
    assert next(iter(fields)) == "score"
    assert shown.arms == ("offline:model", "challenger")
    assert [one.field for one in shown.differing] == ["amount"]
    assert fields["amount"].differs["challenger"].findings == ("F1",)
    assert shown.findings.keys() == {"F1"}
    assert shown.event_time == small.event_time(5).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert json.loads(bytes(shown.body)) == small.captured()[5]["body"]


def test_a_request_that_was_not_answered_says_how_it_ended(run: Prepared) -> None:
    """Its state and reason; it has no cells, and nothing differs."""
    shown = show(run.folder.root, "3")
    answered = shown.answers[-1]
    assert (answered.state, answered.detail, answered.score) == ("timeout", "no answer in 2 s", None)
    assert shown.differing == []
    assert all("challenger" not in one.values for one in shown.fields)


def test_what_production_logged_is_an_arm_of_its_own_and_credentials_are_none(run: Prepared) -> None:
    """Logged features with others than the model knows; a body that is not JSON is a text."""
    root = run.folder.root
    rows = list(capture.requests(capture.load(root / "capture")))
    rows[0] = msgspec.structs.replace(
        rows[0],
        body=b"\xff[redacted]",
        path="/score?api_key=hush&x=1",
        headers={"authorization": "hush", "accept": "json"},
        online_features=b'{"amount": 7, "colour": "red", "age": "NaN"}',
    )
    run.folder.write(capture.to_table(rows), root / "capture" / "part-00000.parquet")
    shown = show(root, "r000")
    fields = {one.field: one for one in shown.fields}
    assert bytes(fields["amount"].values[LOGGED]) == b"7"
    assert bytes(fields["colour"].values[LOGGED]) == b'"red"'
    assert bytes(fields["age"].values[LOGGED]) == b'"NaN"'
    assert bytes(shown.body) == '"\ufffd[redacted]"'.encode()
    assert shown.path == "/score?api_key=$API_KEY&x=1"
    assert shown.headers == {"accept": "json"}


def test_an_unknown_request_is_answered_with_the_nearest(run: Prepared) -> None:
    """Among many only those that begin alike for longest are compared."""
    with pytest.raises(UsageError) as caught:
        show(run.folder.root, "r0005")
    assert "r005" in caught.value.fix
    many = [f"p{i:08d}" for i in range(50_000)]
    assert near_ids(many, "p0004999x")[0].startswith("p0004999")
    assert near_ids(many, "elsewhere") == []
    assert findings(run.folder.root).findings[0].fields == ("amount",)
