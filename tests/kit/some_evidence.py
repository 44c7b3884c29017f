"""Evidence of a healthy run of 1,000 requests, and its parts with one thing changed."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from harness.evidence import Arms, Cohort, Evidence, JudgedPair, Levels, Outcome, Plan
from harness.evidence.cohort import DAY_NS
from harness.evidence.live_looks import ERRORS, P95, SPLIT
from harness.records import (
    Estimate,
    Identity,
    LatencySummary,
    LiveSummary,
    Look,
    PairSummary,
    PhaseNote,
    QualitySummary,
    SinglesCheck,
    Spread,
    TargetCounts,
)

N = 1000
LEVELS = Levels(go=0.05, nogo=0.025)
SHA = "9f" * 32
ARMS = Arms("champion", "challenger")


def pair(left: str = "offline:new", right: str = "challenger", **changes: Any) -> PairSummary:  # noqa: ANN401  -- any field
    """Two arms that agree on all requests of 200 units."""
    same = PairSummary(
        left=left,
        right=right,
        compared=N,
        feature_mismatches=0,
        score_mismatches=0,
        flips=0,
        nondeterministic=0,
        units=200,
        units_mismatching=0,
        units_features=0,
        units_scores=0,
        units_flips=0,
    )
    return msgspec.structs.replace(same, **changes)


def offline(**changes: Any) -> JudgedPair:  # noqa: ANN401  -- any field
    """The challenger against its offline model."""
    return JudgedPair(pair(**changes), "offline", under_test=True)


def own(**changes: Any) -> JudgedPair:  # noqa: ANN401  -- any field
    """The champion against its own offline model."""
    return JudgedPair(pair("offline:old", "champion", **changes), "offline", under_test=False)


def champion(**changes: Any) -> JudgedPair:  # noqa: ANN401  -- any field
    """The challenger against the champion."""
    return JudgedPair(pair("champion", **changes), "champion", under_test=True)


def latency(target: str = "challenger", **changes: Any) -> LatencySummary:  # noqa: ANN401  -- any field
    """One honest, fast, open-loop pass."""
    fast = LatencySummary(
        phase="rush",
        target=target,
        pace="recorded, speed 1",
        judged=True,
        requests=N,
        over_budget=0,
        failed=0,
        response=Spread(n=N, p50=2.0, p95=4.0, p99=6.0, max=9.0),
        service=Spread(n=N, p50=2.0, p95=4.0, p99=6.0, max=9.0),
        send_lag=lag(0.3),
    )
    return msgspec.structs.replace(fast, **changes)


def lag(p99: float | None, *, n: int = N) -> Spread:
    """A send lag with this p99."""
    return Spread(n=n, p50=p99, p95=p99, p99=p99, max=p99)


def phase(name: str = "rush", *, ran: bool = True, reason: str = "", open_loop: bool = True) -> PhaseNote:
    """A phase of both targets."""
    pace = "recorded, speed 1" if open_loop else "saturate"
    return PhaseNote(
        phase=name,
        pace=pace,
        requests=N if ran else 0,
        targets=("champion", "challenger"),
        ran=ran,
        open_loop=open_loop,
        reason=reason,
    )


def look(as_of: str = "2026-03-01T00:00:00Z", **changes: Any) -> Look:  # noqa: ANN401  -- any field
    """A look that proves no worse by the margin, and no better."""
    usual = Look(
        as_of=as_of,
        test="log_loss: challenger − champion, margin 0.01",
        n=800,
        units=300,
        estimate=0.001,
        lower=-0.004,
        upper=0.006,
        log_e=5.0,
        ruling="PASS",
    )
    return msgspec.structs.replace(usual, **changes)


def quality(*looks: Look, **changes: Any) -> QualitySummary:  # noqa: ANN401  -- any field
    """Matured labels of 20 days that were looked at so."""
    counts = {"matured": 900, "matured without label": 9, "not matured": 50, "compared": 800}
    usual = QualitySummary(
        as_of="2026-03-21T00:00:00Z",
        outcome="bought",
        counts=counts,
        margin=0.01,
        full_days=20,
        measure="label: log loss, challenger − champion",
        looks=looks,
        estimate=Estimate(name="log_loss", value=0.001, method="a sequence") if looks else None,
    )
    return msgspec.structs.replace(usual, **changes)


def plan(*, superiority: bool = False, threshold: float = 0.5, **changes: Any) -> Plan:  # noqa: ANN401  -- any field
    """The one outcome of a plain [labels] table, with some fields of it changed."""
    return Plan(
        name="label",
        outcome=Outcome(**changes),
        delay_days=7.0,
        max_missing_share=0.05,
        threshold=threshold,
        levels=Levels(go=0.05, nogo=0.05),
        superiority=superiority,
    )


def live(*, split: str = "PASS", errors: str = "PASS", p95: str = "PASS", **changes: Any) -> LiveSummary:  # noqa: ANN401  -- any field
    """A canary of 5 % of the traffic whose last look ruled so on each of its tests."""
    rulings = {SPLIT: split, ERRORS: errors, P95: p95}
    usual = LiveSummary(
        as_of="2026-03-03T00:00:00Z",
        share=0.05,
        sticky=False,
        every="day",
        rule="blocks of 20 consecutive requests",
        blocks=100,
        effective=100.0,
        left_over=3,
        budget_ms=120.0,
        error_margin=0.25,
        counts={
            "challenger": 2003,
            "champion": 38000,
            "errors of challenger": 50,
            "errors of champion": 1000,
            "slow of challenger": 20,
        },
        looks=tuple(
            look(f"2026-03-0{day}T00:00:00Z", test=f"{test}: of 2026", n=40003, units=100, ruling=ruling)
            for test, last in rulings.items()
            for day, ruling in ((2, "UNDECIDED"), (3, last))
        ),
    )
    return msgspec.structs.replace(usual, **changes)


def evidence(**changes: Any) -> Evidence:  # noqa: ANN401  -- any field
    """A parity release in which all is well, without labels."""
    parts: dict[str, Any] = {
        "under_test": "challenger",
        "parity_release": True,
        "pairs": (offline(), own(), champion()),
        "targets": (
            TargetCounts(target="champion", states={"ok": N}),
            TargetCounts(target="challenger", states={"ok": N}),
        ),
        "latency": (latency(),),
        "phases": (phase(),),
        "identities": (
            Identity(arm="champion", expected=SHA, served={SHA: N}, source="header:X-Model"),
            Identity(arm="challenger", expected=SHA, served={SHA: N}, source="header:X-Model"),
        ),
        "singles": {"new": SinglesCheck(checked=50), "old": SinglesCheck(checked=50)},
        "answered": {"champion": N, "challenger": N},
        "quality": (),
    }
    return Evidence(**(parts | changes))


def nothing(**changes: Any) -> Evidence:  # noqa: ANN401  -- any field
    """A run that came to nothing at all."""
    empty: dict[str, Any] = {
        "pairs": (),
        "targets": (),
        "latency": (),
        "phases": (),
        "identities": (),
        "singles": {},
        "answered": {},
    }
    return evidence(**(empty | changes))


def cohort(n: int = 600, *, shift: float = 0.0, seed: int = 1, **changes: Any) -> Cohort:  # noqa: ANN401  -- any field
    """Requests of a unit each, one every 20 minutes, labels of 7 days known on the day they ripen.

    The champion's scores are the true probabilities; the challenger's lie `shift` further from the truth, and
    differ from them at random, so that there is a spread to test with.
    """
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.2, 0.8, n)
    label = (rng.uniform(size=n) < truth).astype(np.float64)
    served = np.clip(truth + rng.normal(scale=0.01, size=n) + shift, 0.01, 0.99)
    event = np.arange(n, dtype=np.int64) * (DAY_NS // 72) + 1
    parts: dict[str, Any] = {
        "event_ns": event,
        "exposed": np.ones(n, dtype=bool),
        "in_scope": np.ones(n, dtype=bool),
        "unit": np.arange(n, dtype=np.int64),
        "label": label,
        "label_ns": event + 7 * DAY_NS,
        "weight": np.ones(n),
        "weighted": False,
        "scores": {"champion": truth, "challenger": served},
    }
    return Cohort(**(parts | changes))
