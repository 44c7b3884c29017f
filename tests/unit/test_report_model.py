"""`report.json` comes back as it was, says what it cannot read, and keeps its own schema."""

from __future__ import annotations

import json
import math

import jsonschema
import msgspec
import pytest

from harness import report as faces
from harness.errors import RunError
from harness.records import Report
from tests.kit.sample_report import ALL, no_go

FLOATS = [math.nan, math.inf, -math.inf, 0.1]


def _with_value(value: float) -> Report:
    gate = msgspec.structs.replace(no_go().gates[0], value=value)
    return msgspec.structs.replace(no_go(), gates=(gate,))


@pytest.mark.parametrize("name", ALL)
def test_a_report_comes_back_as_it_was(name: str) -> None:
    """Decoding what was encoded gives the same report, and encoding it again the same bytes."""
    report = ALL[name]()
    data = faces.encode(report)
    assert faces.decode(data) == report
    assert faces.encode(faces.decode(data)) == data


@pytest.mark.parametrize("value", FLOATS)
def test_no_float_turns_into_null(value: float) -> None:
    """NaN and infinities are spelled out and come back as floats; a name in text stays text."""
    report = _with_value(value)
    gate = msgspec.structs.replace(report.gates[0], reason="NaN", value=value)
    again = faces.decode(faces.encode(msgspec.structs.replace(report, gates=(gate,)))).gates[0]
    assert again.value is not None
    assert again.value == value or (math.isnan(value) and math.isnan(again.value))
    assert again.reason == "NaN"


def test_keys_stand_in_the_order_of_declaration() -> None:
    """The file reads from the top as the record is declared, indented; only a sample has `sample`."""
    data = faces.encode(no_go())
    assert list(json.loads(data)) == [name for name in Report.__struct_fields__ if name != "sample"]
    assert data.startswith(b'{\n  "schema_version": 1,\n  "scenario"')


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "damaged", id="empty"),
        pytest.param(faces.encode(no_go())[:4000], "damaged", id="cut"),
        pytest.param(b"\xff\xfe{", "damaged", id="not text"),
        pytest.param(b"[]", "damaged", id="a list"),
        pytest.param(b"{}", "schema_version", id="no version"),
        pytest.param(b'{"schema_version": 2, "verdict": "GO"}', "newer replaygate", id="newer"),
        pytest.param(b'{"schema_version": 1, "scenario": "x"}', "run_id", id="fields missing"),
        pytest.param(faces.encode(no_go()).replace(b'"NO-GO"', b'"PERHAPS"'), "PERHAPS", id="unknown word"),
    ],
)
def test_what_is_not_a_report_is_said_in_one_line(data: bytes, says: str) -> None:
    """A broken or newer file raises RunError with one clear line."""
    with pytest.raises(RunError, match=says) as caught:
        faces.decode(data)
    assert "\n" not in str(caught.value)
    assert caught.value.where == "report.json"


@pytest.mark.parametrize("name", ALL)
def test_reports_keep_the_schema(name: str) -> None:
    """Every sample is valid under the published JSON Schema."""
    _validator().validate(json.loads(faces.encode(ALL[name]())))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"schema_version": 2}, id="version"),
        pytest.param({"budget_ms": "fast"}, id="not a float"),
        pytest.param({"gates": [{}]}, id="empty gate"),
        pytest.param({"decision": None}, id="no decision"),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(change: dict[str, object]) -> None:
    """The schema is not so loose that anything passes."""
    document = json.loads(faces.encode(no_go())) | change
    assert not _validator().is_valid(document)


def test_the_schema_admits_spelled_floats() -> None:
    """A report that holds infinity is valid as it is written."""
    assert _validator().is_valid(json.loads(faces.encode(_with_value(math.inf))))


def test_the_schema_says_what_it_describes() -> None:
    """Draft, identity, title and the records' own sentences are in it."""
    schema = faces.schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "replaygate/report/v1"
    assert schema["title"] == "replaygate report"
    assert "schema_version" in schema["required"]
    assert all(definition["description"] for definition in schema["$defs"].values())


def _validator() -> jsonschema.Draft202012Validator:
    schema = faces.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)
