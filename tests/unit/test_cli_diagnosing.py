"""The command: a table of metrics alone, and what its options refuse."""

from __future__ import annotations

import pytest

from tests.kit import command


def test_a_table_of_metrics_ranks_the_likely_causes() -> None:
    """Without a run, nothing is read and nothing is written."""
    pairs = {"roc_auc": (0.91, 0.74), "log_loss": (0.29, 0.67), "precision": (0.84, 0.58)}
    given = [
        word
        for name, (offline, production) in pairs.items()
        for word in ("--offline", f"{name}={offline}", "--production", f"{name}={production}")
    ]
    done = command.run("diagnose", *given)
    assert done.code == 0
    assert done.out.strip()
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("given", "needle"),
    [
        ((), "name a RUN or SCENARIO"),
        (("--offline", "roc_auc=0.9"), "one metric in both"),
        (("--offline", "roc_auc=0.9", "--production", "recall=0.5"), "one metric in both"),
        (("--offline", "auc=0.9"), "'auc=0.9' is not METRIC=NUMBER"),
        (("--offline", "roc_auc"), "is not METRIC=NUMBER"),
        (("--offline", "roc_auc=high"), "is not METRIC=NUMBER"),
        (("--production", "roc_auc=nan"), "is not METRIC=NUMBER"),
        (("--production", "roc_auc=inf"), "is not METRIC=NUMBER"),
        (("nowhere", "--offline", "roc_auc=0.9"), "without a run"),
        (("nowhere",), "nowhere"),
        (("nowhere", "--as-of", "soon"), "RFC 3339"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_what_cannot_be_asked_is_told_in_one_line(given: tuple[str, ...], needle: str) -> None:
    """Exit code 64 or 65, no traceback."""
    done = command.run("diagnose", *given)
    assert done.code in {64, 65}
    assert needle in done.complaint
