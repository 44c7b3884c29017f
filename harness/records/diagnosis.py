"""The truth of a diagnosis: the gap in parts, the evidence for each, what would give it back."""

from __future__ import annotations

from typing import Literal

import msgspec

Found = Literal["found", "not found", "not checked"]


class Number(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An estimate with its 95 % interval alone, and (`*_all`) with that of all parts of a metric at once."""

    value: float
    lower: float | None = None
    upper: float | None = None
    lower_all: float | None = None
    upper_all: float | None = None

    def excludes_zero(self, *, together: bool = False) -> bool:
        """Whether 0 lies outside the interval alone, or `together` that of all parts; never without one.

        A number of no other parts has no interval together with them: its own is meant then.
        """
        lower, upper = self.lower, self.upper
        if together and self.lower_all is not None and self.upper_all is not None:
            lower, upper = self.lower_all, self.upper_all
        if lower is None or upper is None:
            return False
        return lower > 0.0 or upper < 0.0


Cell = str | int | float | bool | Number | None


class RungValue(msgspec.Struct, frozen=True, kw_only=True):
    """A metric on one rung of the ladder."""

    step: str
    value: float


class GapPart(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one metric: the metric before it minus after it, None where not computed, and `why_not`.

    `harm` is how much worse the step made the metric, whatever its direction. `share` is its Shapley share
    beside the ladder; `interaction` says that the two differ by more than chance. `includes` are steps
    before it that were not computed, whose change is in this part.
    """

    step: str
    value: Number | None = None
    harm: float | None = None
    share: Number | None = None
    interaction: bool = False
    includes: tuple[str, ...] = ()
    why_not: str = ""


class MetricGap(msgspec.Struct, frozen=True, kw_only=True):
    """One metric from the reported holdout to production: the parts add up to the gap exactly.

    `outside` are steps that no part includes: the last rung is not yet production in these.
    """

    metric: str
    better: Literal["higher", "lower", "neither"]
    rungs: tuple[RungValue, ...] = ()
    parts: tuple[GapPart, ...] = ()
    gap: Number | None = None
    outside: tuple[str, ...] = ()
    why_not: str = ""


class TableColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table of evidence, and how its numbers are written."""

    name: str
    form: Literal["text", "number", "signed", "share", "count", "p", "time"] = "text"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of evidence; `more` counts rows that are left out, the least important ones."""

    title: str = ""
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Points of one line or set of bars; `lower` and `upper` are as long as `y`, or empty."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    lower: tuple[float, ...] = ()
    upper: tuple[float, ...] = ()
    form: Literal["line", "step", "points"] = "line"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A named point of a picture; None spans the whole axis."""

    name: str
    x: float | None = None
    y: float | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn: lines over axes, with marked points; `diagonal` draws y = x."""

    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    diagonal: bool = False


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence on one question: the answer in a sentence, its tables and pictures.

    `steps` are the steps of the ladder that it is evidence for. `why_not` says what was missing; what could
    be computed without it is there all the same.
    """

    key: str
    title: str
    question: str
    answer: str
    found: Found
    steps: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    why_not: str = ""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """Rows flagged a day: on average and on the busiest of twenty days, now and then; `limit` a day."""

    now: float
    then: float
    busy_now: float
    busy_then: float
    limit: float | None = None


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do, replayed: each metric then minus now with its interval, and what it costs.

    `kind`: a change of the model or its features, of the policy, or only of what is measured. `guardrail`
    is whether the rows flagged stay within the limits, `guardrail_now` whether they do as it is; `worsens`
    that one is broken then, and by more than now.
    """

    key: str
    kind: Literal["model", "policy", "measurement"]
    action: str
    now: dict[str, float] = {}
    then: dict[str, float] = {}
    gains: dict[str, Number] = {}
    volume: Volume | None = None
    guardrail: Literal["kept", "broken", "unknown"] = "unknown"
    guardrail_why: str = ""
    guardrail_now: Literal["kept", "broken", "unknown"] = "unknown"
    worsens: bool = False
    rows: int = 0
    note: str = ""
    why_not: str = ""


class CheckedCause(msgspec.Struct, frozen=True, kw_only=True):
    """One of the eight usual causes: the check that ran, its result, and what would change it."""

    name: str
    found: Found
    check: str
    result: str
    would_change: str


class LikelyCause(msgspec.Struct, frozen=True, kw_only=True):
    """A cause that fits a table of metrics: ranked by `score`, which is no probability."""

    name: str
    score: float
    because: tuple[str, ...]
    next_measurement: str


class HoldoutUses(msgspec.Struct, frozen=True, kw_only=True):
    """How often this holdout has decided something, and by how much its best result may flatter."""

    holdout: str
    uses: int
    first: str
    last: str
    optimism: float | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The truth of a diagnosis; every rendering is a pure function of it.

    `summary` are the sentences for somebody who has a minute, most important first. `counts` are the rows of
    either side and what became of them. `likely` is read from the table of metrics alone.
    """

    schema_version: int = 1
    scenario: str
    run_id: str
    created_at: str
    as_of: str
    version: str
    model: str = ""
    served_by: str = ""
    thresholds: dict[str, float] = {}
    counts: dict[str, int] = {}
    summary: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    metrics: tuple[MetricGap, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    causes: tuple[CheckedCause, ...] = ()
    likely: tuple[LikelyCause, ...] = ()
    holdout_uses: HoldoutUses | None = None
    missing: tuple[str, ...] = ()
    digests: dict[str, str] = {}
    reproduce: tuple[str, ...] = ()
