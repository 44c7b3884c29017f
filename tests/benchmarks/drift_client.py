"""A peer and ours in turns, in the Python that has it: `-m tests.benchmarks.drift_client NAME ROUNDS`."""

from __future__ import annotations

import importlib
import os
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis._threads import at_once
from harness.diagnosis.bins import Category, encoded
from harness.diagnosis.drift import drifts, psi
from harness.diagnosis.recalibrators import fit
from harness.diagnosis.unlabelled import Expected, expected_metrics
from tests.benchmarks.drift import psi_of, table
from tests.benchmarks.drift_peers import Compared
from tests.benchmarks.machine import answer_on_stdout
from tests.simulations.diagnosis_vectors import evidently_shares, filled

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tests.benchmarks.drift import Table

    Floats = npt.NDArray[np.float64]

#: peers are asked for no more than to compute
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
WARM_UP_ROWS, SCORED_ROWS, CHUNKS, THRESHOLD = 20_000, 500_000, 10, 0.5
OURS_A_ROUND = 5
METRICS = ("roc_auc", "f1", "precision", "recall", "specificity", "accuracy")


def seconds(work: Callable[[], object]) -> float:
    """How long it takes by the wall clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turns(
    theirs: Callable[[], object], ours: Callable[[], object], *, rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of both, ours first in each round; what is over in a blink is the median of a few blinks."""
    pairs = [(median(seconds(ours) for _ in range(OURS_A_ROUND)), seconds(theirs)) for _ in range(rounds)]
    return [their for _, their in pairs], [our for our, _ in pairs]


def psi_at_once(reference: Table, current: Table) -> list[float]:
    """PSI of every column, on as many threads as the product uses."""
    return at_once(lambda name: psi_of(reference[name], current[name]), list(reference))


def texts(column: Floats | Category) -> npt.NDArray[Any]:
    """A column as its user has it: categories as texts, None where missing."""
    return np.array([*column.levels, None], object)[column.codes] if isinstance(column, Category) else column


def evidently(rounds: int) -> Compared:
    """Its PSI report of the wide table."""
    core, presets = importlib.import_module("evidently"), importlib.import_module("evidently.presets")
    frame = importlib.import_module("pandas").DataFrame

    def report(reference: Table, current: Table) -> Callable[[], Any]:
        columns = core.DataDefinition(
            numerical_columns=[name for name, one in reference.items() if not isinstance(one, Category)],
            categorical_columns=[name for name, one in reference.items() if isinstance(one, Category)],
        )
        then, now = (
            core.Dataset.from_pandas(
                frame({name: texts(one) for name, one in side.items()}), data_definition=columns
            )
            for side in (reference, current)
        )
        return lambda: core.Report([presets.DataDriftPreset(method="psi")]).run(now, then)

    few = [table(seed, drift=0.05 * seed, rows=WARM_UP_ROWS) for seed in (1, 2)]
    apart = psi_apart(report(*few)().dict()["metrics"], *few)
    tables = table(1, drift=0.0), table(2, drift=0.05)
    theirs, ours = in_turns(report(*tables), lambda: psi_at_once(*tables), rounds=rounds)
    coded = [texts(one) for side in tables for one in side.values() if isinstance(one, Category)]
    return Compared(
        theirs=theirs,
        ours=ours,
        apart=apart,
        beside={
            "to compute all of our statistics with p and rulings": seconds(lambda: drifts(*tables)),
            "to code the 20 columns of texts": seconds(lambda: [encoded(one) for one in coded]),
        },
    )


def psi_apart(metrics: list[dict[str, Any]], reference: Table, current: Table) -> float:
    """How far Evidently's PSI of each column and ours in Evidently's bins lie apart at most."""
    theirs = {one["config"]["column"]: one["value"] for one in metrics if "column" in one["config"]}
    if set(theirs) != set(reference):
        raise SystemExit(f"Evidently told of {len(theirs)} columns and not of {len(reference)}")
    ours = {
        name: float(psi(*map(filled, evidently_shares(known(then), known(current[name])))))
        for name, then in reference.items()
    }
    return max(abs(float(theirs[name]) / ours[name] - 1.0) for name in ours)


def known(column: Floats | Category) -> npt.NDArray[Any]:
    """The cells that are not missing: Evidently drops the others."""
    values = texts(column)
    return values[column.codes >= 0] if isinstance(column, Category) else values[~np.isnan(column)]


def scored(seed: int) -> tuple[Floats, Floats]:
    """Labels and scores that are not quite calibrated."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=SCORED_ROWS)
    chance, score = 1.0 / (1.0 + np.exp(0.5 - 1.5 * z)), 1.0 / (1.0 + np.exp(0.3 - 1.2 * z))
    return (rng.random(SCORED_ROWS) < chance).astype(np.float64), score


def nannyml(rounds: int) -> Compared:
    """Its confidence-based estimate: fitted on rows with labels, told for chunks without."""
    cbpe = importlib.import_module("nannyml").CBPE
    frame = importlib.import_module("pandas").DataFrame
    (labels, then), (_, now) = scored(1), scored(2)
    reference, analysis = (
        frame({"score": score, "decision": (score >= THRESHOLD).astype(int)}) for score in (then, now)
    )
    reference["label"] = labels.astype(int)

    def theirs() -> Any:  # noqa: ANN401  -- NannyML has no types
        made = cbpe(
            problem_type="classification_binary",
            y_true="label",
            y_pred_proba="score",
            y_pred="decision",
            metrics=list(METRICS),
            chunk_number=CHUNKS,
        )
        return made.fit(reference).estimate(analysis)

    def ours() -> list[Expected]:
        map_ = fit("isotonic", labels=labels, scores=then)
        chunks = np.array_split(now, CHUNKS)
        return [expected_metrics(map_(chunk), chunk, threshold=THRESHOLD) for chunk in chunks]

    found = theirs().filter(period="analysis").to_df()
    apart = max(
        abs(float(value) / getattr(one, name) - 1.0)
        for name in METRICS
        for value, one in zip(found[name, "value"], ours(), strict=True)
    )
    their_seconds, our_seconds = in_turns(theirs, ours, rounds=rounds)
    return Compared(theirs=their_seconds, ours=our_seconds, apart=apart)


if __name__ == "__main__":
    os.environ.update(QUIET)
    answer_on_stdout({"evidently": evidently, "nannyml": nannyml}[sys.argv[1]](int(sys.argv[2])))
