"""What a scenario says about its capture: where it is, how much to use, what to read out of the bodies."""

from __future__ import annotations

from typing import Annotated

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from msgspec import Meta

from harness.capture.live.rules import Rules


class CaptureConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[capture]` table of a scenario; only `path` is required.

    Raises ValueError (a ValidationError when decoded) for an expression that is not JMESPath.
    """

    path: Annotated[
        str,
        Meta(
            min_length=1,
            description="File (.jsonl, .jsonl.gz, .parquet) or folder of such, relative to the scenario.",
        ),
    ]
    max_bad_share: Annotated[
        float,
        Meta(
            ge=0, le=1, description="Share of lines that may be unreadable before the run ends with code 65."
        ),
    ] = 0.001
    sample: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Share of the requests to keep; a unit is kept or dropped whole, always the same.",
        ),
    ] = 1.0
    max_weight: Annotated[
        Annotated[float, Meta(ge=1)] | None,
        Meta(
            description="Largest `sampling_weight` that a request of the traffic can have, captured or not: "
            "1 over the smallest probability of being kept. Without it bounds hold for the largest seen."
        ),
    ] = None
    min_propensity: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(description="Smallest `propensity` that a request of the traffic can have, captured or not."),
    ] = None
    unit: Annotated[
        str | None,
        Meta(
            description="JMESPath into the decoded body giving the unit (user, session, repository) "
            "of a request whose record names none."
        ),
    ] = None
    segments: Annotated[
        dict[str, str],
        Meta(
            description="Segment name to JMESPath into the decoded body, added to those of the record; "
            "where both name one, the one of the record stands."
        ),
    ] = {}
    event_time: Annotated[
        str | None,
        Meta(
            description="JMESPath into the decoded body giving the moment features are as of, "
            "an RFC 3339 time with its zone or epoch seconds, for a request whose record names none."
        ),
    ] = None

    keep_headers: Annotated[
        tuple[str, ...],
        Meta(description="Headers to keep beside those known to be harmless; no other is written to a run."),
    ] = ()
    redact: Annotated[
        Rules | None,
        Meta(description="What is taken out of requests before a run writes them (docs/redaction.md)."),
    ] = None

    def __post_init__(self) -> None:
        """Every expression compiles."""
        for key, expression in expressions(self).items():
            try:
                jmespath.compile(expression)
            except JMESPathError as error:
                reason = str(error).splitlines()[0].removesuffix(", for expression:")
                raise ValueError(f"`{key}` is not a JMESPath expression: {expression!r}: {reason}") from error


def expressions(config: CaptureConfig) -> dict[str, str]:
    """Every JMESPath expression of the config by its key: `unit`, `event_time`, `segments.<name>`."""
    single = {"unit": config.unit, "event_time": config.event_time}
    found = {key: expression for key, expression in single.items() if expression is not None}
    return found | {f"segments.{name}": expression for name, expression in config.segments.items()}
