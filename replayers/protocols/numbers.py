"""How a value is spelled for a server and what is made of the number that it answers."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta

from harness.errors import CaptureError
from replayers.protocols.tables import Value

#: how a value that is not there is spelled
Missing = Literal["null", "nan", "text", "empty", "refuse"]
Transform = Literal["none", "sigmoid", "1-p"]
#: exp() of more than this is no float64
EXP_RANGE = 700.0
Column = Annotated[int, Meta(ge=0)]


def is_missing(value: Value) -> bool:
    """Whether a value says that there is none: null and NaN alike, as LightGBM takes them."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def json_value(value: Value, missing: Missing, *, column: str) -> Value:
    """The value as `json.dumps` is to write it; raises CaptureError for what cannot be said so."""
    if is_missing(value):
        return _absent(missing, column=column)
    if isinstance(value, float) and math.isinf(value) and missing != "nan":
        if missing == "text":
            return "Infinity" if value > 0 else "-Infinity"
        raise CaptureError(
            "an infinity cannot be said in JSON",
            where=f"column {column[:40]!r}",
            fix='Where the service reads the word Infinity, set missing = "nan" in its protocol.',
        )
    return value


def _absent(missing: Missing, *, column: str) -> Value:
    match missing:
        case "null" | "empty":
            return None
        case "nan":
            return math.nan
        case "text":
            return "NaN"
        case "refuse":
            raise CaptureError(
                "a value is missing, and the target's protocol refuses such rows",
                where=f"column {column[:40]!r}",
            )


def number(value: Value, *, column: str) -> float | int | None:
    """The value as a number, or None for a missing one; raises CaptureError for text."""
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        raise CaptureError(
            "a column holds text where the service takes numbers",
            where=f"column {column[:40]!r}",
            found=f"text of {len(value)} characters",
            fix='A tensor a column carries text: tensors = "columns" in the protocol oip-v2.',
        )
    return value


def picked(value: object, column: int | None) -> object:
    """The score in what a server gives for one row: a number, or one of a list of them.

    Of one it is that, of the two of a binary classifier the second, else the declared `column`. A list of
    another length and a place that is not there stay what they are, to be told as such.
    """
    if not isinstance(value, list):
        return value
    place = column if column is not None else {1: 0, 2: 1}.get(len(value))
    return value if place is None or place >= len(value) else value[place]


def transformed(score: float, transform: Transform) -> float:
    """The score that is compared: as it is, 1/(1+exp(-x)) of a margin, or the other class's probability."""
    match transform:
        case "none":
            return score
        case "sigmoid":
            return 1.0 / (1.0 + math.exp(-score)) if score > -EXP_RANGE else math.exp(score)
        case "1-p":
            return 1.0 - score
