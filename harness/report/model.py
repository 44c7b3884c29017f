"""`report.json`: the truth of a run on disk, its JSON Schema, and the way back.

JSON has no NaN: floats that are not finite are spelled "NaN", "Infinity" and "-Infinity", never null.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec

from harness.errors import RunError
from harness.records import Diagnosis, Report

SCHEMA_VERSION = 1
SCHEMA_ID = "replaygate/report/v1"
DIAGNOSIS_VERSION = 1
DIAGNOSIS_ID = "replaygate/diagnosis/v1"
_SPELLED = ("NaN", "Infinity", "-Infinity")


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """What every version of the file has: enough to say whether the rest can be read."""

    schema_version: int


def encode(report: Report) -> bytes:
    """The report as indented JSON with its keys in the order of declaration, ending in a newline."""
    plain = _spell(msgspec.to_builtins(report))
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def judged_sha256(report: Report) -> str:
    """The sha256 of report.json without its approvals: what an approval is bound to."""
    return hashlib.sha256(encode(msgspec.structs.replace(report, approvals=()))).hexdigest()


def decode(data: bytes) -> Report:
    """The report that `encode` wrote.

    Raises RunError for a file that is cut, is not a report, or comes from a newer replaygate.
    """
    try:
        document = msgspec.json.decode(data)
        head = msgspec.convert(document, _Head)
        if head.schema_version > SCHEMA_VERSION:
            raise RunError(
                "written by a newer replaygate",
                where="report.json",
                found=f"schema_version {head.schema_version}",
                expected=f"at most {SCHEMA_VERSION}",
                fix="Upgrade replaygate to read it",
            )
        # not strict, so that the spelled floats become floats again
        return msgspec.convert(document, Report, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunError(
            "not a report of replaygate, or damaged",
            where="report.json",
            found=error,
            fix="Write it again from the run's artefacts with `replaygate decide RUN`",
        ) from error


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `report.json`, with the descriptions of the records."""
    generated = msgspec.json.schema(Report)
    definitions = _admit_spelled(generated["$defs"])
    report = definitions.pop("Report")
    report["required"] = ["schema_version", *report["required"]]
    report["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **report,
        "title": "replaygate report",
        "$defs": definitions
        | {
            "Float": {
                "description": "A float; what is not finite is spelled out, because JSON has no NaN.",
                "anyOf": [{"type": "number"}, {"enum": list(_SPELLED)}],
            }
        },
    }


def diagnosis_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `diagnosis.json`; what is not finite is null there."""
    generated = msgspec.json.schema(Diagnosis)
    definitions = generated["$defs"]
    diagnosis = definitions.pop("Diagnosis")
    diagnosis["properties"]["schema_version"]["const"] = DIAGNOSIS_VERSION
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": DIAGNOSIS_ID,
        **diagnosis,
        "title": "replaygate diagnosis",
        "$defs": definitions,
    }


def _spell(value: object) -> object:
    """The same tree with floats that are not finite as their names."""
    match value:
        case dict():
            return {key: _spell(item) for key, item in value.items()}
        case list() | tuple():
            return [_spell(item) for item in value]
        case float() if math.isnan(value):
            return "NaN"
        case float() if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case _:
            return value


def _admit_spelled(node: Any) -> Any:  # noqa: ANN401  -- any JSON value
    """The same schema with every number replaced by a number or its spelled name."""
    match node:
        case {"type": "number"}:
            return {"$ref": "#/$defs/Float"} | {k: v for k, v in node.items() if k != "type"}
        case dict():
            return {key: _admit_spelled(item) for key, item in node.items()}
        case list():
            return [_admit_spelled(item) for item in node]
        case _:
            return node
