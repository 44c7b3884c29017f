"""What happens to a score after the model, from scores alone, and what is no such thing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.probes.afterwards import Moved, afterwards

P = default_rng(4).beta(2, 2, 500)
NONE = np.array([])


def found(a: np.ndarray, b: np.ndarray, calm: np.ndarray = NONE) -> dict[str, int]:
    """By phrase, how many requests each cause reproduces, those that reproduce most."""
    return {f.phrase: int(f.hits.sum()) for f in afterwards(Moved(a, b, calm)) if 2 * f.hits.sum() > len(a)}


def odds(p: np.ndarray) -> np.ndarray:
    """The log-odds of a probability."""
    return np.asarray(np.log(p / (1 - p)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """A probability of log-odds."""
    return np.asarray(1 / (1 + np.exp(-x)))


AGAIN = "as a calibration does that one side lacks or applies twice"


@pytest.mark.parametrize(
    ("served", "phrase"),
    [
        (sigmoid(P), "applies the sigmoid twice"),
        ((P > 0.6).astype(float), "serves the class instead of the score"),
        (sigmoid(odds(P) - np.log(3)), "serves log-odds 1.09861 lower, as a prior correction does"),
        (sigmoid(odds(P) + 2), "serves log-odds 2 higher, as a prior correction does"),
        (sigmoid(odds(P) * 0.5), f"serves log-odds times 0.5, {AGAIN}"),
        (sigmoid(odds(P) * 2 + 1), f"serves log-odds times 2 plus 1, {AGAIN}"),
        (P**3, f"serves a monotone map of the score, {AGAIN}"),
        (np.cos(P), f"serves a monotone map of the score, {AGAIN}"),
    ],
)
def test_what_is_done_to_every_score(served: np.ndarray, phrase: str) -> None:
    """All of them reproduced, up to the two ends of a fitted line."""
    assert found(P, served)[phrase] >= 495


def test_a_clip_needs_requests_within_its_bounds() -> None:
    """Those served as they are lie inside; without any, or with one outside, it is a constant."""
    high = P[P > 0.7]
    served = np.full(len(high), 0.7)
    assert found(high, served, P[P <= 0.7])["clips the score above 0.7"] == len(high)
    assert "clips the score above 0.7" not in found(high, served)
    assert "clips the score above 0.7" not in found(high, served, P[P <= 0.9])


def test_both_bounds_are_told() -> None:
    """Above one and below the other."""
    out = (P > 0.7) | (P < 0.2)
    assert found(P[out], np.clip(P, 0.2, 0.7)[out], P[~out]) == {
        "clips the score above 0.7 and below 0.2": int(out.sum())
    }


@pytest.mark.parametrize(
    "served",
    [
        P + default_rng(202).normal(0, 0.05, 500),
        P + default_rng(203).normal(0, 1e-6, 500),
        np.sort(default_rng(204).random(500))[np.argsort(np.argsort(P))] * 0
        + default_rng(205).permutation(P),
        np.round(P**2, 1),
        np.full(500, 0.3),
        np.full(500, np.nan),
    ],
    ids=["noise", "noise that keeps the order", "other scores", "steps", "a constant", "NaN"],
)
def test_what_is_no_map(served: np.ndarray) -> None:
    """Neither what is not monotone nor what its neighbours do not foretell."""
    assert found(P, served) == {}


def test_one_offline_score_with_two_served_ones_is_no_map() -> None:
    """A map gives one answer."""
    twice = np.concatenate([P, P])
    assert found(twice, np.concatenate([P**2, P**3])) == {}


def test_few_scores_are_no_map() -> None:
    """Three points lie on many curves."""
    assert found(P[:3], P[:3] ** 2) == {}


def test_nothing_is_no_evidence() -> None:
    """No requests, no error."""
    assert found(NONE, NONE) == {}
