"""The nouns that cross stage borders: frozen, without I/O and without behaviour beyond their own sums."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

Ruling = Literal["PASS", "FAIL", "UNDECIDED"]
Word = Literal["GO", "NO-GO", "WAIT", "INVALID"]
Fault = Literal["target", "harness", "evidence"]

EXIT_CODES: dict[Word, int] = {"GO": 0, "NO-GO": 10, "WAIT": 20, "INVALID": 30}


class State(StrEnum):
    """How one captured request ended at one target; every request ends in exactly one."""

    OK = "ok"
    HTTP_ERROR = "http_error"
    CONNECTION_ERROR = "connection_error"
    TIMEOUT = "timeout"
    BAD_BODY = "bad_body"
    SHED = "shed"
    NOT_SENT = "not_sent"
    ABANDONED = "abandoned"
    NOT_NEEDED = "not_needed"


#: what the build did wrong; all else that is not OK is the harness's own loss, or was not needed for a FAIL
TARGET_FAULTS = frozenset({State.HTTP_ERROR, State.CONNECTION_ERROR, State.TIMEOUT, State.BAD_BODY})
#: what the build answers for, well or badly
ANSWERED_FOR = TARGET_FAULTS | {State.OK}


class RecordedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What production answered when the request was captured."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""
    latency_ns: int | None = None
    latency_kind: Literal["wait", "service", "rtt"] | None = None


class CapturedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request as production saw it; `seq` is dense, in file order, and joins everything.

    Times are ns since the epoch, UTC. `ts_ns` paces the replay, `event_time_ns` is what features are as of.
    """

    seq: int
    request_id: str
    ts_ns: int
    ts_resolution_ns: int = 1
    event_time_ns: int | None = None
    parent_id: str | None = None
    row_index: int | None = None
    unit: str | None = None
    segments: dict[str, str] = {}
    exposed: bool | None = None
    propensity: float | None = None
    method: str = "POST"
    path: str = "/"
    headers: dict[str, str] = {}
    body: bytes = b""
    truncated: bool = False
    recorded_response: RecordedResponse | None = None
    served_by: dict[str, str] = {}
    online_features: bytes | None = None
    feature_timestamps: bytes | None = None
    sampling_weight: float = 1.0
    tags: dict[str, str] = {}
    source_file: str = ""
    source_offset: int = 0


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one request at one target: a line of the journal.

    Stamps are CLOCK_MONOTONIC ns; None where the attempt never got that far. `due_ns` is the schedule's.
    """

    seq: int
    phase: str
    target: str
    attempt: int
    state: State
    due_ns: int | None = None
    submit_ns: int | None = None
    written_ns: int | None = None
    first_ns: int | None = None
    done_ns: int | None = None
    status: int | None = None
    headers: dict[str, str] = {}
    body: bytes = b""
    detail: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one arm answered to one request in one phase: the final attempt, parsed.

    `features` is a JSON object with NaN and infinities spelled as strings; None when none were echoed.
    `server_ns` is the time the service says it took.
    """

    seq: int
    phase: str
    target: str
    state: State
    attempts: int = 1
    status: int | None = None
    due_ns: int | None = None
    submit_ns: int | None = None
    written_ns: int | None = None
    first_ns: int | None = None
    done_ns: int | None = None
    server_ns: int | None = None
    score: float | None = None
    features: bytes | None = None
    model: str | None = None
    echoed_id: str | None = None
    detail: str = ""
    body: bytes = b""


class LabelEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The label of one outcome and the moment it became known; the delay is data, not a constant."""

    request_id: str
    outcome: str = "label"
    label: float
    label_at_ns: int


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that did not reach the next step, and why."""

    reason: str
    count: int


class LedgerStep(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests reached a step, and those lost on the way to it."""

    step: str
    count: int
    lost: tuple[Loss, ...] = ()


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """Every captured request of one phase at one target, step by step; the sums are asserted."""

    phase: str
    target: str
    steps: tuple[LedgerStep, ...]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its interval, its n and the method behind it."""

    name: str
    value: float | None
    unit: str = ""
    n: int = 0
    count: int | None = None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    method: str = ""
    note: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate says, in one sentence, with the evidence behind it.

    `fault` of an UNDECIDED gate says who is to blame: the harness voids it (INVALID), or evidence is missing.
    """

    gate: str
    arm: str
    ruling: Ruling
    reason: str
    required: bool = True
    fault: Fault | None = None
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    n: int = 0
    method: str = ""
    needs: str = ""
    evidence: tuple[Estimate, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The one word, its exit code, why in plain sentences, and what to do next."""

    word: Word
    exit_code: int
    headline: str
    reasons: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    claim: str = ""


class FieldSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How one feature (or the score) compares between two arms over all compared requests."""

    field: str
    dtype: str
    compared: int
    mismatches: int
    rate: float
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


class Counterfactual(msgspec.Struct, frozen=True, kw_only=True):
    """What a bug costs, by exchanging its values on its own requests; changes of the score are absolute.

    `in`: served values of this bug alone in the offline vector. `out`: what goes away when it alone is put
    right among all bugs. `share`: its Shapley value among the bugs that differ on the same requests, of which
    there are at most `together`; `error` is its standard error, None where every coalition was scored.
    `log_loss` is the mean change by this bug alone on its `labelled` requests.
    """

    flips_in: int
    mean_abs_in: float
    max_abs_in: float
    flips_out: int
    mean_abs_out: float
    flips_share: float
    mean_abs_share: float
    flips_error: float | None = None
    mean_abs_error: float | None = None
    together: int = 1
    log_loss: float | None = None
    labelled: int = 0


class PlaceFound(msgspec.Struct, frozen=True, kw_only=True):
    """Where mismatches gather: one or two conditions that hold together, counted on all compared requests.

    `rate` is the share mismatching there, `elsewhere` that of all other requests, `share` the part of all
    mismatches that is there. `p` is adjusted over all places tried; None where one unit has them all.
    """

    conditions: tuple[str, ...]
    requests: int
    mismatching: int
    rate: float
    elsewhere: float
    share: float
    p: float | None


class MomentFound(msgspec.Struct, frozen=True, kw_only=True):
    """A time and its 95 % interval, RFC 3339 UTC."""

    at: str
    lower: str
    upper: str


class OnsetFound(msgspec.Struct, frozen=True, kw_only=True):
    """Since and until when requests mismatch; None is from the first, or to the last.

    `during` and `otherwise` are the shares mismatching within and outside, `p` that of no change.
    """

    start: MomentFound | None
    end: MomentFound | None
    during: float
    otherwise: float
    p: float


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A bug named: which fields, what happened, how often, since when, what it does to score and decision.

    `arm` was held against `left`. `mean_abs` is the mean absolute change of the score on its requests, on the
    same ground as `flips`; a `latent` one changes no score.
    """

    arm: str
    left: str = ""
    fields: tuple[str, ...]
    cause: str
    sentence: str
    requests: int
    explained: int
    first_seen: str | None = None
    last_seen: str | None = None
    flips: int = 0
    mean_abs: float = 0.0
    latent: bool = False
    cost: Counterfactual | None = None
    places: tuple[PlaceFound, ...] = ()
    onset: OnsetFound | None = None
    exemplars: tuple[Exemplar, ...] = ()


class PairSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Two arms compared on each of `compared` distinct requests: exact counts, no sampling.

    `units_features`, `units_scores` and `units_flips` are the units behind the three counts (None: not
    counted), `units_mismatching` those with any feature or the score differing.
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
    unsure: tuple[str, ...] = ()


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles of one latency in milliseconds over n requests."""

    n: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class LatencySummary(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of an arm in a phase: response done − due, service done − written, lag written − due.

    Of the requests planned, `lost` are those of which the harness knows nothing, and `spared` those that were
    not sent because FAIL was certain.
    """

    phase: str
    target: str
    pace: str
    judged: bool
    requests: int
    over_budget: int
    failed: int
    lost: int = 0
    spared: int = 0
    response: Spread
    service: Spread
    send_lag: Spread
    rate: tuple[tuple[float, float], ...] = ()
    points: tuple[tuple[float, float], ...] = ()


class SlowCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many of n requests of a pass, or of all pooled, were over the budget."""

    target: str
    name: str
    n: int
    slow: int


class SlowLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What decides latency_p95 in a phase, as a function of n, and what was seen.

    `within` holds (n, the most slow requests that prove it within the budget), `over` (n, the fewest that
    prove it over); an n at which no count does is left out.
    """

    phase: str
    within: tuple[tuple[int, int], ...]
    over: tuple[tuple[int, int], ...]
    seen: tuple[SlowCount, ...]


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One quality metric for each arm on the matured, exposed cohort."""

    metric: str
    direction: Literal["higher", "lower", "neither"]
    arms: dict[str, float | None]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation of a test on accruing evidence: a line of looks.jsonl; no look follows a `final` one."""

    as_of: str
    test: str
    n: int
    units: int
    estimate: float | None
    lower: float | None
    upper: float | None
    log_e: float | None
    ruling: Ruling
    refused: str = ""
    final: bool = False


class LiveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the log of a live canary shows by itself, look by look: the split, errors, p95.

    `rule` says what the p95 test took as independent; `blocks` were complete, worth `effective` of equal
    size, and `left_over` requests are in none.
    """

    as_of: str
    share: float
    sticky: bool
    every: Literal["day", "hour"]
    rule: str
    blocks: int
    effective: float
    left_over: int
    budget_ms: float
    error_margin: float
    counts: dict[str, int]
    looks: tuple[Look, ...] = ()
    note: str = ""


class TargetCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How every request sent to one target ended, over all phases, by state; `details` are reasons seen.

    `units` are those that the target answered for, well or badly, `units_failed` those it failed at all.
    """

    target: str
    states: dict[str, int]
    details: dict[str, int] = {}
    units: int = 0
    units_failed: int = 0


class QualitySummary(msgspec.Struct, frozen=True, kw_only=True):
    """Champion against challenger on one outcome whose labels have matured: exposed requests only, by unit.

    `measure` is the harm that is tested, positive to the challenger's disadvantage; `superiority` says that
    it must be shown below 0, not only below the margin. `full_days` are whole days of requests compared;
    `identical` says that every score of both arms is equal.
    """

    name: str = "label"
    role: Literal["success", "guardrail", "watched"] = "success"
    superiority: bool = False
    measure: str = ""
    as_of: str
    outcome: str
    counts: dict[str, int]
    full_days: int = 0
    metrics: tuple[MetricRow, ...] = ()
    identical: bool = False
    estimate: Estimate | None = None
    fixed_n: Estimate | None = None
    looks: tuple[Look, ...] = ()
    max_missing_share: float = 0.05
    margin: float | None = None
    alpha_go: float = 0.05
    alpha_nogo: float = 0.05
    note: str = ""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which model an arm was meant to be and which it said it was.

    `answered` counts the answers that could have said so; `declared` says that the scenario names the place.
    """

    arm: str
    expected: str | None
    served: dict[str, int] = {}
    source: str = ""
    answered: int = 0
    declared: bool = False


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


class SinglesCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that were also built and scored one at a time, and each cell that came out otherwise."""

    checked: int
    found: tuple[str, ...] = ()


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """What the harness itself adds to a latency at a rate, measured before a phase; declared, not subtracted.

    Latencies in ms, None where nothing was measured; `rate` is planned and `rate_held` was answered, each in
    requests a second and arm. Only where it is `trusted` are latencies judged, and `why` says so or not.
    """

    rate: float
    requests: int
    bias_p50_ms: float | None
    bias_p95_ms: float | None
    send_lag_p99_ms: float | None
    shed_share: float
    rate_held: float
    trusted: bool
    why: str
    note: str = ""


class PhaseNote(msgspec.Struct, frozen=True, kw_only=True):
    """A phase as it was run, or why it was not; latency is judged where it is `open_loop`.

    `arms` says whether targets were measured together or apart, and why. `stopped` says why it was cut short,
    and `blamed` which target was in trouble then. `torn` names earlier passes, which count for nothing.
    `decided` names the gate that failed whatever was still to come, for which the phase was stopped.
    Of a phase that is replayed several times, `series` is its name and `passes` how often it was declared.
    """

    phase: str
    pace: str
    requests: int
    targets: tuple[str, ...]
    ran: bool
    open_loop: bool = False
    reason: str = ""
    arms: str = ""
    stopped: str = ""
    blamed: str = ""
    torn: tuple[str, ...] = ()
    calibration: Calibrated | None = None
    series: str = ""
    passes: int = 1
    decided: str = ""


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


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The truth of a run; every other rendering is a pure function of it."""

    schema_version: int = 1
    scenario: str
    run_id: str
    created_at: str
    as_of: str
    version: str
    decision: Decision
    gates: tuple[Verdict, ...]
    findings: tuple[Finding, ...] = ()
    ledgers: tuple[Ledger, ...] = ()
    phases: tuple[PhaseNote, ...] = ()
    pairs: tuple[PairSummary, ...] = ()
    targets: tuple[TargetCounts, ...] = ()
    latency: tuple[LatencySummary, ...] = ()
    budget_ms: float | None = None
    limits: tuple[SlowLimits, ...] = ()
    quality: tuple[QualitySummary, ...] = ()
    live: LiveSummary | None = None
    noise: NoiseSummary | None = None
    identities: tuple[Identity, ...] = ()
    ignored: tuple[IgnoredRule, ...] = ()
    environment: dict[str, str] = {}
    digests: dict[str, str] = {}
    reproduce: tuple[str, ...] = ()
