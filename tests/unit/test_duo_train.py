"""Training gives the same bytes twice, and the rebuild is another file with the same scores."""

import hashlib
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from scenarios.duo_acceptance.dataset import outcomes, read_arrivals, read_prs, requests
from scenarios.duo_acceptance.features import build
from scenarios.duo_acceptance.figures import auc, log_loss, psi
from scenarios.duo_acceptance.train import train_all, training_index

SCENARIO = Path(__file__).parents[2] / "scenarios" / "duo_acceptance"
MODELS = SCENARIO / "models"
DATA = SCENARIO / "data"
NAMES = ("champion.txt", "rebuild.txt", "candidate.txt")


@pytest.fixture(scope="module")
def scores() -> dict[str, np.ndarray]:
    """The scores of the committed models on all requests."""
    features = build(requests(read_prs(DATA), read_arrivals(DATA)), DATA)
    boosters = {name: lgb.Booster(model_file=MODELS / name) for name in NAMES}
    return {name: np.asarray(booster.predict(features, num_threads=1)) for name, booster in boosters.items()}


def test_training_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    """Model files are a function of the data: two trainings agree byte for byte."""
    for folder in ("one", "two"):
        train_all(DATA, tmp_path / folder)
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_rebuild_is_another_file_with_the_same_scores(scores: dict[str, np.ndarray]) -> None:
    """Another sha256, and not one bit of a score differs; the candidate's scores do differ."""
    hashes = {hashlib.sha256((MODELS / name).read_bytes()).hexdigest() for name in NAMES}
    assert len(hashes) == 3
    np.testing.assert_array_equal(scores["rebuild.txt"], scores["champion.txt"])
    assert (scores["candidate.txt"] != scores["champion.txt"]).any()


def test_the_champion_is_useful_where_it_was_not_trained(scores: dict[str, np.ndarray]) -> None:
    """On the matured last 40 %: AUC near .73, 39 % predicted positive at 0.60."""
    known = outcomes(read_prs(DATA))
    rows = np.flatnonzero(known["matured"])[len(training_index(known["matured"])) :]
    held_out = scores["champion.txt"][rows]
    assert len(rows) == 2681
    assert auc(known["label"].to_numpy(dtype=np.float64)[rows], held_out) == pytest.approx(0.734, abs=0.01)
    assert (held_out >= 0.60).mean() == pytest.approx(0.392, abs=0.02)


def test_models_stay_small() -> None:
    """Each model file is under 400 kB."""
    assert all((MODELS / name).stat().st_size < 400_000 for name in NAMES)


@pytest.mark.parametrize(
    ("labels", "given", "expected"),
    [
        ([0, 1, 1], [1, 1, 2], 0.75),
        ([0, 1], [0.1, 0.2], 1.0),
        ([0, 1], [0.2, 0.1], 0.0),
        ([0, 1], [3, 3], 0.5),
    ],
)
def test_auc_counts_ties_half(labels: list[int], given: list[float], expected: float) -> None:
    """Small cases counted by hand."""
    assert auc(np.array(labels, dtype=float), np.array(given, dtype=float)) == expected


def test_log_loss_of_a_coin_is_ln_2() -> None:
    """A constant score of one half costs ln 2 a row."""
    assert log_loss(np.array([0.0, 1.0]), np.array([0.5, 0.5])) == pytest.approx(np.log(2))


def test_psi_is_zero_for_the_same_sample_and_large_for_another() -> None:
    """No change is 0; a shift by the whole range is far above the usual alarm at 0.25."""
    sample = np.append(np.arange(100.0), np.nan)
    assert psi(sample, sample) == 0
    assert psi(sample, sample + 100) > 0.25
