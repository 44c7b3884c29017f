"""The scenario: what to replay, at whom, held against what, judged how: frozen structs, decoded from TOML.

`Scenario` only composes the structs that the stages own, so that schema, messages and docs follow from them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from harness.capture import CaptureConfig
from harness.diagnosis import DiagnosisConfig
from harness.diff import Tolerances
from harness.evidence import LabelsConfig, LiveConfig
from harness.gates import DecisionConfig, Gate, LatencyP95, effective
from harness.replay.guard import Safety
from harness.replay.schedule import DEFAULT_PHASES, Phase
from replayers.http import HttpTarget, Role
from replayers.offline import OfflineModel
from replayers.recorded import RecordedTarget

Target = HttpTarget | RecordedTarget
#: of a live canary's gates those that may fail it by chance: errors and p95; a broken split is no fault of it
LIVE_TESTS = 2
#: names a folder of the run, so it may hold no slash
ArmName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Noise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of the closed loop is asked of the champion once more, to learn its own noise."""

    share: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1,
            description="Share of the requests that the champion answers twice; 0 asks nothing twice.",
        ),
    ] = 0.1


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run's whole configuration. Everything but `name`, `capture` and one challenger has a default."""

    schema: Annotated[int, msgspec.Meta(ge=1, le=1, description="Version of this format.")] = 1
    name: Annotated[
        str,
        msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Folder of its runs in results/."),
    ]
    description: Annotated[str, msgspec.Meta(description="For people; shown nowhere else.")] = ""
    extends: Annotated[
        str | None,
        msgspec.Meta(description="Another scenario file whose tables this one completes and overrides."),
    ] = None
    seed: Annotated[
        int, msgspec.Meta(ge=0, description="Of every random choice: sampling, order of arms.")
    ] = 0
    threshold: Annotated[
        float, msgspec.Meta(description="Score at or above which the decision is positive.")
    ] = 0.5
    capture: Annotated[CaptureConfig, msgspec.Meta(description="The captured requests.")]
    models: Annotated[dict[ArmName, OfflineModel], msgspec.Meta(description="Offline models by name.")] = {}
    targets: Annotated[
        dict[ArmName, Target], msgspec.Meta(description="Arms by name; one must be the challenger.")
    ]
    phases: Annotated[tuple[Phase, ...], msgspec.Meta(description="What is replayed, in this order.")] = (
        DEFAULT_PHASES
    )
    tolerance: Annotated[
        Tolerances, msgspec.Meta(description="How much a value may differ and still be equal.")
    ] = Tolerances()
    gates: Annotated[
        tuple[Gate, ...], msgspec.Meta(description="Gates to change; all others keep their defaults.")
    ] = ()
    decision: Annotated[
        DecisionConfig, msgspec.Meta(description="Kind of release and error probabilities.")
    ] = DecisionConfig()
    labels: Annotated[LabelsConfig | None, msgspec.Meta(description="Late labels, where there are any.")] = (
        None
    )
    live: Annotated[
        LiveConfig | None, msgspec.Meta(description="A capture of a live canary: what its log itself shows.")
    ] = None
    diagnosis: Annotated[
        DiagnosisConfig | None,
        msgspec.Meta(description="What `replaygate diagnose` holds production against."),
    ] = None
    noise: Annotated[
        Noise, msgspec.Meta(description="What the champion is asked twice, where a phase reaches it.")
    ] = Noise()
    safety: Annotated[Safety, msgspec.Meta(description="What may be sent where.")] = Safety()


@dataclass(frozen=True)
class Loaded:
    """A checked scenario, the file it came from, and the folder its paths are relative to."""

    scenario: Scenario
    path: Path
    folder: Path

    @property
    def digest(self) -> str:
        """sha256 of all that the scenario says, defaults included: changed tuning is another test."""
        return hashlib.sha256(json.dumps(self.plain(), sort_keys=True).encode()).hexdigest()

    @property
    def under_test(self) -> str:
        """The name of the challenger."""
        return self.holder("challenger") or ""

    @property
    def champion(self) -> str | None:
        """The name of the champion target, if there is one."""
        return self.holder("champion")

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All gates in force."""
        return effective(self.scenario.gates)

    @property
    def latency_gate(self) -> LatencyP95:
        """The latency gate in force."""
        return next(gate for gate in self.gates if isinstance(gate, LatencyP95))

    @property
    def budget_ms(self) -> float:
        """The latency budget in force."""
        return self.latency_gate.budget_ms

    def holder(self, role: Role) -> str | None:
        """The target that has a role, by its `role` or else by its name."""
        return next(iter(self.holders(role)), None)

    def holders(self, role: Role) -> list[str]:
        """All targets that claim a role; a checked scenario has at most one for each."""
        return [name for name, target in self.scenario.targets.items() if (target.role or name) == role]

    def narrowed(self, first: int | None) -> Loaded:
        """The same scenario with each phase cut to its first requests by time; its digest is another."""
        if first is None:
            return self
        phases = tuple(
            msgspec.structs.replace(p, first=min(first, p.first or first)) for p in self.scenario.phases
        )
        return replace(self, scenario=msgspec.structs.replace(self.scenario, phases=phases))

    def failing_fast(self, *, wanted: bool) -> Loaded:
        """The same scenario that stops at a certain FAIL, where that is wanted; its digest is another."""
        if not wanted:
            return self
        decision = msgspec.structs.replace(self.scenario.decision, early_stop=True)
        return replace(self, scenario=msgspec.structs.replace(self.scenario, decision=decision))

    def phase_targets(self, phase: Phase) -> tuple[str, ...]:
        """The HTTP targets a phase sends to; all of them unless the phase names some."""
        return phase.targets or tuple(
            n for n, t in self.scenario.targets.items() if isinstance(t, HttpTarget)
        )

    def phases(self) -> tuple[Phase, ...]:
        """What is sent, in order: each phase of the scenario as often as it has passes."""
        return tuple(each for phase in self.scenario.phases for each in phase.each())

    def models(self) -> tuple[str, ...]:
        """The offline models that some target must match, in the scenario's order."""
        used = {target.model for target in self.scenario.targets.values()}
        return tuple(name for name in self.scenario.models if name in used)

    def file(self, relative: str) -> Path:
        """A path the scenario names."""
        return self.folder / relative

    def plain(self) -> dict[str, Any]:
        """All that the scenario says, every gate and default included, as plain JSON values.

        `restore` reads it back, so a run keeps the tuning it was made with even when a default changes.
        """
        whole = msgspec.structs.replace(self.scenario, gates=self.gates)
        plain: dict[str, Any] = msgspec.to_builtins(whole)
        return plain

    def statistical_tests(self) -> int:
        """How many gates may fail by chance, over which the NO-GO level is split."""
        labels = self.scenario.labels
        judged = len(labels.judged()) if labels is not None else 0
        live = 0 if self.scenario.live is None else LIVE_TESTS
        return len(self.judged_phases()) + judged + live

    def judged_phases(self) -> tuple[Phase, ...]:
        """The phases whose latency is judged, all passes of one together: open loops to the challenger."""
        return tuple(
            p for p in self.scenario.phases if p.open_loop and self.under_test in self.phase_targets(p)
        )
