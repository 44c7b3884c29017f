"""All kinds of gates, and those in force: every kind is judged, as configured or by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import ScenarioError
from harness.gates.harness_health import Completeness, OfflineReference
from harness.gates.labels import LabelGuardrail, LabelImprovement
from harness.gates.latency import LatencyP95
from harness.gates.live import LiveErrors, LiveP95, SampleRatio
from harness.gates.parity import DecisionFlips, FeatureParity, ScoreParity
from harness.gates.service import Errors, ModelIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable

Gate = (
    OfflineReference
    | Completeness
    | FeatureParity
    | ScoreParity
    | DecisionFlips
    | Errors
    | ModelIdentity
    | LatencyP95
    | LabelGuardrail
    | LabelImprovement
    | SampleRatio
    | LiveErrors
    | LiveP95
)

DEFAULT_GATES: tuple[Gate, ...] = (
    OfflineReference(),
    Completeness(),
    FeatureParity(),
    ScoreParity(),
    DecisionFlips(),
    Errors(),
    ModelIdentity(),
    LatencyP95(),
    LabelGuardrail(),
    LabelImprovement(),
    SampleRatio(),
    LiveErrors(),
    LiveP95(),
)


def effective(configured: Iterable[Gate]) -> tuple[Gate, ...]:
    """The default gates, each replaced by the configured one of its kind: loosened, perhaps, never forgotten.

    Raises ScenarioError for two gates of one kind, of which one would silently not count.
    """
    chosen: dict[type[Gate], Gate] = {}
    for gate in configured:
        if type(gate) in chosen:
            kind = gate.__struct_config__.tag
            raise ScenarioError(f"two gates of kind {kind!r}", where="$.gates", expected="one gate of a kind")
        chosen[type(gate)] = gate
    return tuple(chosen.get(type(gate), gate) for gate in DEFAULT_GATES)
