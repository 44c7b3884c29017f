"""The names of metrics and of the ladder's steps: as a term, in plain words, and after "lost to"."""

from __future__ import annotations

from typing import NamedTuple

LEAK = "leak: "
#: stands in the place of a leaky column: the reported scores are not those of the model
ANOTHER_MODEL = "scores of another model"
METRICS = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "predicted_positive_rate": "Flagged share",
}


class Step(NamedTuple):
    """A step of the ladder: its term, in plain words, and in words that go on "… was lost to …"."""

    term: str
    plain: str
    loss: str


STEPS = {
    "reported": Step("reported holdout", "what the team reported", "what was reported"),
    "repeated_rows": Step(
        "repeated rows", "test cases the model had seen", "holdout rows that training has too"
    ),
    "time_order": Step(
        "time order", "test cases older than training", "holdout rows older than the end of training"
    ),
    "leaky_columns": Step(
        "leaky columns", "answers given away by columns", "columns filled in after the request"
    ),
    "covariate_seen": Step(
        "covariate shift, seen", "known cases in another mix", "harder rows of a known kind"
    ),
    "concept": Step(
        "concept shift", "same cases, other outcomes", "the same features meaning something else now"
    ),
    "covariate_unseen": Step(
        "covariate shift, unseen", "new kinds of cases", "rows of a kind that the holdout has not"
    ),
    "production_offline": Step(
        "production rows", "live cases instead of test cases", "production's rows instead of the holdout's"
    ),
    "served_features": Step(
        "served features", "live inputs computed differently", "features served otherwise than built offline"
    ),
    "served_scores": Step(
        "served scores",
        "scores not from the tested model",
        "scores served otherwise than by the offline model",
    ),
    "serving_threshold": Step("serving threshold", "another cut-off than tested", "the serving threshold"),
    "label_definition": Step(
        "label definition", "the right answer defined otherwise", "another definition of the label"
    ),
    "label_maturity": Step("label maturity", "answers that had not come yet", "labels that had not come yet"),
    "join_loss": Step("join loss", "answers that were not matched", "labels that the dashboard did not join"),
    "exposure": Step("exposure", "only the cases that were shown", "looking only at rows that were shown"),
}
