"""The nouns that cross stage borders: frozen, without I/O and without behaviour beyond their own sums.

`requests`     what production saw and answered, and the labels that came later
`attempts`     each try at a target, the state it ended in, and the outcome
`targets`      where a target's requests went, how they ended, and its model
`phases`       each phase as it was run, and what the harness added to it
`differences`  two arms compared, by field and by pair; the champion's own noise
`findings`     bugs named: what each costs, where and since when
`latency`      latencies of a phase, and the counts of slow requests that decide it
`evidence`     estimates, looks, quality on labels, a live canary
`sampling`     what a sampled capture stands for, and shares of its traffic
`verdicts`     what each gate says, the one word and its exit code
`report`       all of it, as `report.json` holds it
`diagnosis`    the gap between holdout and production in parts, as `diagnosis.json` holds it

Other rooms import from here, never from a module inside.
"""

from harness.records.attempts import ANSWERED_FOR, TARGET_FAULTS, Attempt, Outcome, State
from harness.records.diagnosis import (
    Cell,
    CheckedCause,
    Diagnosis,
    Exhibit,
    GapPart,
    HoldoutUses,
    LikelyCause,
    Mark,
    MetricGap,
    Number,
    Picture,
    Remedy,
    RungValue,
    Series,
    Table,
    TableColumn,
    Volume,
)
from harness.records.differences import (
    Damage,
    Exemplar,
    FieldSummary,
    IgnoredRule,
    LogJoin,
    NoiseRow,
    NoiseSummary,
    NoiseTaken,
    PairSummary,
    RedactedInput,
    ScoreCell,
    ScoreGrid,
    SinglesCheck,
    TimeBins,
)
from harness.records.evidence import (
    Ahead,
    Estimate,
    LabelDelays,
    LiveSummary,
    Look,
    MetricRow,
    QualitySummary,
    Ruling,
    SegmentRow,
)
from harness.records.findings import Counterfactual, Finding, MomentFound, OnsetFound, PlaceFound
from harness.records.latency import LatencySummary, SlowCount, SlowLimits, Spread
from harness.records.phases import Calibrated, PhaseNote
from harness.records.report import Report
from harness.records.requests import (
    ANSWER_TRUNCATED,
    STATUS_FROM,
    CapturedRequest,
    LabelEvent,
    RecordedResponse,
)
from harness.records.sampling import PairTraffic, Sampled, ThinLoad
from harness.records.targets import Identity, Ledger, LedgerStep, Loss, TargetCounts
from harness.records.verdicts import EXIT_CODES, Approval, Decision, Fault, Verdict, Word

__all__ = [
    "ANSWERED_FOR",
    "ANSWER_TRUNCATED",
    "EXIT_CODES",
    "STATUS_FROM",
    "TARGET_FAULTS",
    "Ahead",
    "Approval",
    "Attempt",
    "Calibrated",
    "CapturedRequest",
    "Cell",
    "CheckedCause",
    "Counterfactual",
    "Damage",
    "Decision",
    "Diagnosis",
    "Estimate",
    "Exemplar",
    "Exhibit",
    "Fault",
    "FieldSummary",
    "Finding",
    "GapPart",
    "HoldoutUses",
    "Identity",
    "IgnoredRule",
    "LabelDelays",
    "LabelEvent",
    "LatencySummary",
    "Ledger",
    "LedgerStep",
    "LikelyCause",
    "LiveSummary",
    "LogJoin",
    "Look",
    "Loss",
    "Mark",
    "MetricGap",
    "MetricRow",
    "MomentFound",
    "NoiseRow",
    "NoiseSummary",
    "NoiseTaken",
    "Number",
    "OnsetFound",
    "Outcome",
    "PairSummary",
    "PairTraffic",
    "PhaseNote",
    "Picture",
    "PlaceFound",
    "QualitySummary",
    "RecordedResponse",
    "RedactedInput",
    "Remedy",
    "Report",
    "Ruling",
    "RungValue",
    "Sampled",
    "ScoreCell",
    "ScoreGrid",
    "SegmentRow",
    "Series",
    "SinglesCheck",
    "SlowCount",
    "SlowLimits",
    "Spread",
    "State",
    "Table",
    "TableColumn",
    "TargetCounts",
    "ThinLoad",
    "TimeBins",
    "Verdict",
    "Volume",
    "Word",
]
