"""Two arms compared, counted without sampling: by field, by pair, and the champion with itself."""

from __future__ import annotations

import msgspec

from harness.records.sampling import PairTraffic


class Exemplar(msgspec.Struct, frozen=True, kw_only=True):
    """One request where two arms differ."""

    seq: int
    request_id: str
    left: str
    right: str


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """What one feature's served values alone do to the offline score, where they differ."""

    rows: int
    mean_abs: float
    max_abs: float
    flips: int


class FieldSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How one feature (or the score) compares between two arms over all compared requests.

    `lower` and `upper` bound the rate of traffic to come at 95 %, were these requests an independent sample
    (Clopper and Pearson). `by_time` are mismatches in each bin of the pair's `time`, empty where it agrees.
    """

    field: str
    dtype: str
    compared: int
    mismatches: int
    rate: float
    lower: float | None = None
    upper: float | None = None
    by_time: tuple[int, ...] = ()
    kinds: dict[str, int] = {}
    classes: dict[str, int] = {}
    max_abs: float | None = None
    median_difference: float | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    units: int = 0
    by_segment: dict[str, dict[str, int]] = {}
    exemplars: tuple[Exemplar, ...] = ()
    damage: Damage | None = None
    tolerance: str = ""


class TimeBins(msgspec.Struct, frozen=True, kw_only=True):
    """Event time cut into bins of equal width from `start` (RFC 3339 UTC), and the requests in each."""

    start: str
    step_s: float
    compared: tuple[int, ...]


class ScoreCell(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A cell of the score grid: its column and row from 0, its requests, and those whose decision flips."""

    left: int
    right: int
    requests: int
    flips: int


class ScoreGrid(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of both arms counted on a grid of `size` by `size` cells from `low` to `high`.

    Cells without a request are left out; so are requests without a finite score in both arms.
    """

    low: float
    high: float
    size: int
    cells: tuple[ScoreCell, ...]
    threshold: float | None = None


class NoiseTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What of a pair's counts is the champion's own noise at the least: budgets are held against the rest.

    `numbers` are the features whose numbers were let differ by no more than the champion's own do.
    """

    features: int = 0
    scores: int = 0
    flips: int = 0
    numbers: tuple[str, ...] = ()


class LogJoin(msgspec.Struct, frozen=True, kw_only=True):
    """Of so many answers of an arm that were asked for features, those `found` in the log of its service."""

    answers: int
    found: int

    @property
    def lacking(self) -> int:
        """The answers that the log does not have: what they used is not known, and not compared."""
        return self.answers - self.found


class PairSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Two arms compared on each of `compared` distinct requests: exact counts, no sampling.

    `units_features`, `units_scores` and `units_flips` are the units behind the three counts (None: not
    counted), `redacted` the requests with a feature that redaction changed, `units_mismatching` those with
    any feature or the score differing. `traffic` is there where the capture kept its requests unequally
    often: then no field has a bound for traffic to come. `log` is there where the features of an arm come
    from a log of its service.
    """

    left: str
    right: str
    compared: int
    feature_mismatches: int | None
    score_mismatches: int
    flips: int
    nondeterministic: int
    units: int
    units_mismatching: int
    units_features: int | None = None
    units_scores: int | None = None
    units_flips: int | None = None
    fields: tuple[FieldSummary, ...] = ()
    score: FieldSummary | None = None
    time: TimeBins | None = None
    grid: ScoreGrid | None = None
    unsure: tuple[str, ...] = ()
    redacted: int | msgspec.UnsetType = msgspec.UNSET
    noise: NoiseTaken = NoiseTaken()
    traffic: PairTraffic | msgspec.UnsetType = msgspec.UNSET
    log: LogJoin | msgspec.UnsetType = msgspec.UNSET


class IgnoredRule(msgspec.Struct, frozen=True, kw_only=True):
    """A tolerance that the user widened, who answers for it until when, and what it silenced in which arm.

    `silenced` counts cells that differ by the shipped tolerance; `max_abs` is the largest finite difference.
    """

    field: str
    rule: str
    reason: str
    silenced: int
    arm: str = ""
    owner: str = ""
    expires: str | None = None
    max_abs: float | None = None


class RedactedInput(msgspec.Struct, frozen=True, kw_only=True):
    """A redacted place that feeds features of a model, in `requests` of all that were captured.

    `features` empty: nobody knows which.
    """

    place: str
    requests: int
    of: int
    features: tuple[str, ...] = ()


class SinglesCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that were also built and scored one at a time, and each cell that came out otherwise.

    `redacted`: what feeds the model and is not what production saw.
    """

    checked: int
    found: tuple[str, ...] = ()
    redacted: tuple[RedactedInput, ...] = ()


class NoiseRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often two answers of the champion to one request differ in a feature, the score or the decision.

    `lower` and `upper` bound the rate at 95 % (Clopper and Pearson). `max_abs` is the largest difference
    of two numbers, None where answers differ otherwise than by a number.
    """

    field: str
    differ: int
    n: int
    rate: float
    lower: float
    upper: float
    max_abs: float | None = None


class NoiseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The champion asked twice: `asked` requests of a phase once more, and each field's own noise."""

    target: str
    phase: str
    asked: int
    compared: int
    rows: tuple[NoiseRow, ...] = ()
