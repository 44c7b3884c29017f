"""The outcomes of a labels file: what each is, what is asked of it, and by which test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from harness.evidence.model import Levels
from harness.evidence.processes import Asymptotic, Betting, OutcomeTest

NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Metric = Literal["log_loss", "brier", "auc", "correct", "value"]

#: the harm of each metric in words; positive is always to the challenger's disadvantage
_HARM: dict[str, str] = {
    "log_loss": "log loss, challenger − champion",
    "brier": "Brier score, challenger − champion",
    "auc": "AUC, champion − challenger",
    "correct": "share decided right, champion − challenger",
}
#: metrics of an outcome that happened or did not
BINARY: frozenset[Metric] = frozenset({"log_loss", "brier", "auc", "correct"})


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named outcome and the paired comparison of challenger and champion on it.

    Raises ValueError for a test or a direction that the metric cannot have, and for a margin beyond the clip.
    """

    column: Annotated[str, msgspec.Meta(description="column of the labels file; default: the name")] = ""
    meaning: Annotated[str, msgspec.Meta(description="what a label of 1, or the number, means")] = ""
    role: Annotated[
        Literal["success", "guardrail", "watched"],
        msgspec.Meta(
            description="success: one of these must be better in an improvement release, none worse "
            "(in a parity release it is a guardrail); guardrail: must be shown not worse by the margin; "
            "watched: reported, never judged"
        ),
    ] = "success"
    metric: Annotated[
        Metric,
        msgspec.Meta(
            description="log_loss, brier, auc: of the score; correct: of the decision; value: the outcome's "
            "number summed over the requests that an arm decides for"
        ),
    ] = "log_loss"
    better: Annotated[
        Literal["higher", "lower"],
        msgspec.Meta(description="of metric value: is more of it better (revenue), or less (cost, time)?"),
    ] = "higher"
    margin: Annotated[
        float,
        msgspec.Meta(
            gt=0,
            description="not worse means: worse by less than this, in the metric's unit; proven worse at all "
            "is a NO-GO, be it within this margin",
        ),
    ] = 0.01
    delay_days: Annotated[
        NotNegative | None,
        msgspec.Meta(description="days until this outcome is final; default: that of [labels]"),
    ] = None
    test: Annotated[
        OutcomeTest | None,
        msgspec.Meta(
            description="how evidence accrues, fixed before the first look; default: betting for metric "
            "correct, which has no other, else asymptotic"
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.better == "lower" and self.metric != "value":
            raise ValueError(f"better is for metric value: {self.metric} has a direction of its own")
        if self.test is None:  # written out, so that a run keeps its test when a default changes
            msgspec.structs.force_setattr(self, "test", self.how)
        how = self.how
        if self.metric == "correct" and not isinstance(how, Betting):
            raise ValueError(
                "metric correct is tested by betting: decisions that differ are too rare for others"
            )
        if isinstance(how, Betting):
            if self.metric == "auc":
                raise ValueError("test betting needs a mean over requests, which AUC is not: use asymptotic")
            if self.margin >= how.clip:
                raise ValueError(f"margin {self.margin:g} must be below the clip {how.clip:g}")

    @property
    def how(self) -> OutcomeTest:
        """The test in force."""
        if self.test is not None:
            return self.test
        return Betting() if self.metric == "correct" else Asymptotic()

    @property
    def harm(self) -> str:
        """What is compared, in words: positive is worse."""
        if self.metric != "value":
            return _HARM[self.metric]
        return f"value, {'champion − challenger' if self.better == 'higher' else 'challenger − champion'}"


class LabelsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where labels come from, how late they are, and the outcomes in them.

    Raises ValueError where there is no outcome.
    """

    path: Annotated[
        str,
        msgspec.Meta(
            description="labels file or folder: request_id, label_at, and a column an outcome (0 or 1, or a "
            "number; empty: not known yet); none yet: `replaygate labels add`"
        ),
    ] = ""
    delay_days: Annotated[
        float, msgspec.Meta(ge=0, description="a label is final this many days after the event time")
    ] = 7.0
    since: Annotated[
        str | None,
        msgspec.Meta(description="only requests from this RFC 3339 event time on (not the training rows)"),
    ] = None
    complete_until: Annotated[
        str | None,
        msgspec.Meta(
            description="labels are known up to this RFC 3339 time; default: the last label_at in the file"
        ),
    ] = None
    max_missing_share: Annotated[
        float,
        msgspec.Meta(
            ge=0, le=1, description="matured requests without a label, above which nothing is ruled"
        ),
    ] = 0.05
    max_unknown_share: Annotated[
        Annotated[float, msgspec.Meta(ge=0, le=1)] | None,
        msgspec.Meta(
            description="labels of requests that the capture does not hold, above which the file is refused; "
            "default: .01 more than the share that the capture is known to lack",
        ),
    ] = None
    outcomes: Annotated[
        dict[str, Outcome],
        msgspec.Meta(description="outcomes by name; default: one, `label`, 0 or 1, by its log loss"),
    ] = msgspec.field(default_factory=lambda: {"label": Outcome()})

    def __post_init__(self) -> None:
        if not self.outcomes:
            raise ValueError("[labels.outcomes] is empty: leave it out for the one outcome `label`")

    def judged(self) -> dict[str, Outcome]:
        """The outcomes that count in a decision."""
        return {name: outcome for name, outcome in self.outcomes.items() if outcome.role != "watched"}


@dataclass(frozen=True)
class Plan:
    """One outcome as it is looked at: fixed before the first look.

    `goal` is what the harm must be shown to be below for a PASS: the margin, or 0 where the challenger must
    be better. `threshold` is that of the decision.
    """

    name: str
    outcome: Outcome
    delay_days: float
    max_missing_share: float
    threshold: float
    levels: Levels
    superiority: bool = False

    @property
    def goal(self) -> float:
        """The harm that a PASS excludes."""
        return 0.0 if self.superiority else self.outcome.margin

    @property
    def title(self) -> str:
        """The test with all its tuning: another tuning is another test, by another title."""
        goal = "better" if self.superiority else f"margin {self.outcome.margin:g}"
        levels = f"α {self.levels.go:.3g} and {self.levels.nogo:.3g}"
        return f"{self.name}: {self.outcome.harm}, {goal}, {self.outcome.how.title()}, {levels}"


def plans(
    config: LabelsConfig, *, threshold: float, levels: Levels, parity_release: bool
) -> tuple[Plan, ...]:
    """Each outcome with its levels: α to pass is whole for a guardrail, α/S for one of S success metrics.

    Any one of S successes is enough for GO, so each has its share (Bonferroni); all guardrails must hold, so
    each has all of it (intersection-union, Berger 1982). Known: .05 over 2 success metrics is .025 each.
    """
    successes = sum(outcome.role == "success" for outcome in config.outcomes.values())
    found = []
    for name, outcome in config.outcomes.items():
        superiority = outcome.role == "success" and not parity_release
        go = levels.go / successes if superiority else levels.go
        found.append(
            Plan(
                name=name,
                outcome=outcome,
                delay_days=config.delay_days if outcome.delay_days is None else outcome.delay_days,
                max_missing_share=config.max_missing_share,
                threshold=threshold,
                levels=Levels(go=go, nogo=levels.nogo),
                superiority=superiority,
            )
        )
    return tuple(found)
