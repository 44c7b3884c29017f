"""What a scenario says of a diagnosis: the holdout, how production decides, what reviewers can take."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
#: the metrics that a report or a dashboard may be held against: the eight of the ladder, and the base rate
TOLD = (
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "precision",
    "recall",
    "f1",
    "predicted_positive_rate",
    "base_rate",
)


class DiagnosisConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it may be left out: what cannot be computed without a thing says so."""

    holdout: Annotated[
        str,
        msgspec.Meta(
            description="Parquet or CSV of the rows the model was reported on: label, score; request_id, "
            "unit, event_time, label_at, the features by name, and score_training_only (scores with "
            "transforms fitted on the training rows alone) where there are any"
        ),
    ] = ""
    holdout_requested: Annotated[
        str,
        msgspec.Meta(
            description="the same rows by request_id with their features as known at request time: a "
            "column that differs leaks"
        ),
    ] = ""
    training: Annotated[
        str,
        msgspec.Meta(
            description="the training rows: features, unit, event_time; shows duplicates, shared units and "
            "early rows"
        ),
    ] = ""
    trained_until: Annotated[
        str | None,
        msgspec.Meta(
            description="RFC 3339 end of the training data; default: the last event_time of training"
        ),
    ] = None
    served: Annotated[
        str | None,
        msgspec.Meta(description="the target that is production; default: a recorded one, else the champion"),
    ] = None
    offline_threshold: Annotated[
        float | None,
        msgspec.Meta(description="the threshold of the offline report; default: that of the scenario"),
    ] = None
    outcome: Annotated[
        str | None,
        msgspec.Meta(
            description="the outcome of [labels] by the offline definition; default: the first of 0 and 1"
        ),
    ] = None
    production_outcome: Annotated[
        str | None,
        msgspec.Meta(description="the outcome of [labels] by production's definition; default: the same"),
    ] = None
    dashboard_at: Annotated[
        str | None,
        msgspec.Meta(
            description="RFC 3339 time at which the dashboard read its labels; default: all are mature"
        ),
    ] = None
    dashboard_days: Annotated[
        Positive | None,
        msgspec.Meta(description="the dashboard uses labels that come within so many days of the request"),
    ] = None
    silence: Annotated[
        Literal["left out", "negative"],
        msgspec.Meta(description="how the dashboard reads a request whose label has not come"),
    ] = "left out"
    joined_tag: Annotated[
        str | None,
        msgspec.Meta(description="a tag of the capture that is true where the dashboard found the label"),
    ] = None
    reported: Annotated[
        dict[str, float],
        msgspec.Meta(description="the offline report's own numbers by metric, to hold against the rows"),
    ] = {}
    dashboard: Annotated[
        dict[str, float],
        msgspec.Meta(description="the dashboard's own numbers by metric, to hold against the rows"),
    ] = {}
    capacity_per_day: Annotated[
        Positive | None,
        msgspec.Meta(description="so many flagged requests can be reviewed a day, on average"),
    ] = None
    busy_day_times: Annotated[
        Positive,
        msgspec.Meta(
            description="a busy day, one that 95 % of the days do not exceed, may have so many times as many"
        ),
    ] = 2.0
    max_flagged_share: Annotated[
        Share | None, msgspec.Meta(description="no remedy may flag more than this share of the requests")
    ] = None
    false_alarm_cost: Annotated[
        Positive | None, msgspec.Meta(description="what flagging a negative costs, in any unit")
    ] = None
    miss_cost: Annotated[
        Positive | None, msgspec.Meta(description="what missing a positive costs, in the same unit")
    ] = None
    retrain: Annotated[
        bool, msgspec.Meta(description="try a model of the same kind trained on the newer rows")
    ] = True
