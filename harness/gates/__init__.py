"""Gates: each a configured struct with one method, `judge`.

`defaults`        the union of all gates, and which of them are in force
`harness_health`  what the harness lost, and whether its offline reference is one
`parity`          features, scores and decisions against the offline model and the champion
`service`         errors, and the model that was served
`latency`         p95 of the response time against a budget
`labels`          not worse, or better, than the champion on matured labels
`live`            the log of a live canary: its traffic, its errors, its p95
`early`           which counts fail a gate for certain, and what a phase that was cut proves
`decide`          one word from all verdicts

A new gate is one file, one name in `defaults`, and the contract tests judge it.
"""

from harness.gates.decide import DecisionConfig, decide, levels
from harness.gates.defaults import DEFAULT_GATES, Gate, effective
from harness.gates.early import certain, settled
from harness.gates.harness_health import Completeness, OfflineReference
from harness.gates.labels import LabelGuardrail, LabelImprovement
from harness.gates.latency import LatencyP95
from harness.gates.limits import slow_limits
from harness.gates.live import LiveErrors, LiveP95, SampleRatio
from harness.gates.parity import DecisionFlips, FeatureParity, ScoreParity, beyond_saving
from harness.gates.service import Errors, ModelIdentity

__all__ = [
    "DEFAULT_GATES",
    "Completeness",
    "DecisionConfig",
    "DecisionFlips",
    "Errors",
    "FeatureParity",
    "Gate",
    "LabelGuardrail",
    "LabelImprovement",
    "LatencyP95",
    "LiveErrors",
    "LiveP95",
    "ModelIdentity",
    "OfflineReference",
    "SampleRatio",
    "ScoreParity",
    "beyond_saving",
    "certain",
    "decide",
    "effective",
    "levels",
    "settled",
    "slow_limits",
]
