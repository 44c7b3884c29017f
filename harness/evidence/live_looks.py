"""Three tests of a live canary, looked at once a day or hour: is the split kept, errors, p95.

Each look is what could have been said at its time from the requests until then. A ruling once reached stays,
and FAIL wins over an earlier PASS; every look is kept in looks.jsonl.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from harness.evidence.cohort import stamp
from harness.evidence.live import CHALLENGER, periods, units_by_arm, unmeasured
from harness.evidence.looks import changed, remembered
from harness.records import LiveSummary, Look
from harness.stats import (
    SampleRatio,
    block_means,
    canary_errors,
    kish_effective,
    live_slow_share,
    mean_bounds,
    rate_bounds,
    share_bounds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.evidence.live import LiveConfig, LiveLog
    from harness.evidence.model import Levels
    from harness.records import Ruling

#: how the names of the tests begin
SPLIT, ERRORS, P95 = "live split", "live errors", "live p95"
LIVE = (SPLIT, ERRORS, P95)
LIMIT = 0.05
STICKY = "routing is sticky by unit, so errors come in clusters: compare them by unit, not by request"


@dataclass(frozen=True)
class _Blocks:
    """What live_p95 bets on: the share of slow requests in each block, and when each was complete.

    `least` counts a request without a latency as fast, `most` as slow; `sizes` are requests a block.
    """

    least: NDArray[np.float64]
    most: NDArray[np.float64]
    at_ns: NDArray[np.int64]
    sizes: NDArray[np.int64]
    left: int

    def until(self, ns: int) -> int:
        """How many were complete before a time."""
        return int(np.searchsorted(self.at_ns, ns))


@dataclass(frozen=True)
class _P95:
    """The budget in ms, and the levels."""

    budget_ms: float
    levels: Levels


def summarise(
    log: LiveLog, config: LiveConfig, *, budget_ms: float, as_of_ns: int, levels: Levels
) -> LiveSummary:
    """Every look until `as_of`, oldest first, test by test, with what was declared and what was counted."""
    seen, period = log.until(as_of_ns), config.period_ns
    ends = [min(int(k) * period, as_of_ns) for k in np.unique(periods(seen.ts_ns, period))]
    blocks = _blocks(seen, config, budget_ms=budget_ms)
    rule = _P95(budget_ms, levels)
    made = [_split(seen.until(end), config, end_ns=end) for end in ends]
    made += [_errors(seen.until(end), config, end_ns=end, levels=levels) for end in ends]
    made += [_p95(seen.until(end), config, end_ns=end, blocks=blocks, rule=rule) for end in ends]
    done = blocks.until(as_of_ns)
    return LiveSummary(
        as_of=stamp(as_of_ns),
        share=config.share,
        sticky=config.sticky,
        every=config.every,
        rule=_rule(config),
        blocks=done,
        effective=kish_effective(blocks.sizes[:done]),
        left_over=blocks.left,
        budget_ms=budget_ms,
        error_margin=config.error_margin,
        counts=seen.counts(),
        looks=_kept(made, ()),
        note=_note(seen),
    )


def remember(summary: LiveSummary, written: Sequence[Look]) -> LiveSummary:
    """The summary with the looks that were taken before, up to its time: what was ruled then stays."""
    before = [look for look in written if is_live(look) and look.as_of <= summary.as_of]
    differ = changed(summary.looks, before)
    told = f" {differ:,} past looks would show other numbers now; what they ruled stays." if differ else ""
    return replace(summary, looks=_kept(summary.looks, before), note=summary.note + told)


def _kept(fresh: Sequence[Look], written: Sequence[Look]) -> tuple[Look, ...]:
    """The looks of each test by itself, latched: one test rules nothing in another."""
    tests = dict.fromkeys(look.test for look in (*fresh, *written))
    return tuple(
        look
        for test in tests
        for look in remembered(
            [one for one in fresh if one.test == test], [one for one in written if one.test == test]
        )
    )


def is_live(look: Look) -> bool:
    """Whether a look is at the log of a canary, not at labels."""
    return look.test.startswith(LIVE)


def last(summary: LiveSummary, test: str) -> Look | None:
    """The newest look at one of the tests."""
    return next((look for look in reversed(summary.looks) if look.test.startswith(test)), None)


def _split(log: LiveLog, config: LiveConfig, *, end_ns: int) -> Look:
    """FAIL once the split is not kept, PASS once odds that are off by the factor would have shown."""
    rows, moved = units_by_arm(log) if config.sticky else (np.arange(len(log.arm)), 0)
    n, canary = len(rows), int(np.count_nonzero(log.arm[rows] == CHALLENGER))
    test = SampleRatio(shares=(config.share, 1.0 - config.share), alpha=config.split_alpha)
    found = test.add((canary, n - canary))
    low, high = share_bounds((canary, n - canary), alpha=config.split_alpha)
    ruling: Ruling = "FAIL" if found.rejects else "PASS" if _would_show(test, config, n=n) else "UNDECIDED"
    what = "units" if config.sticky else "requests"
    refused = f"{moved:,} of {n:,} units met both arms" if moved > config.max_missing_share * n else ""
    return Look(
        as_of=stamp(end_ns),
        test=f"{SPLIT}: the challenger's share of {what}, declared {config.share:g}",
        n=len(log.arm),
        units=n,
        estimate=canary / n if n else None,
        lower=low,
        upper=high,
        log_e=found.log_e(),
        ruling="UNDECIDED" if refused else ruling,
        refused=refused,
    )


def _would_show(test: SampleRatio, config: LiveConfig, *, n: int) -> bool:
    """Whether a split with odds off by the factor, either way, would be rejected on so many."""
    odds = config.share / (1.0 - config.share)
    shares = (x / (1.0 + x) for x in (odds * config.split_factor, odds / config.split_factor))
    return all(test.add((round(n * share), n - round(n * share))).rejects for share in shares)


def _errors(log: LiveLog, config: LiveConfig, *, end_ns: int, levels: Levels) -> Look:
    """Of all errors the canary's: more than its traffic explains, or fewer than the margin allows."""
    canary = log.arm == CHALLENGER
    total, mine = int(log.error.sum()), int((log.error & canary).sum())
    n_opt, allowed = config.planned_errors, 1.0 + config.error_margin
    worse = canary_errors(config.share, "greater", n_opt=n_opt, alpha=levels.nogo).add(mine, total)
    fine = canary_errors(config.share, "less", ratio=allowed, n_opt=n_opt, alpha=levels.go).add(mine, total)
    low, _ = rate_bounds(mine, total, side="greater", n_opt=n_opt, alpha=levels.nogo)
    _, high = rate_bounds(mine, total, side="less", n_opt=n_opt, alpha=levels.go)
    ruling: Ruling = "FAIL" if worse.rejects else "PASS" if fine.rejects else "UNDECIDED"
    return Look(
        as_of=stamp(end_ns),
        test=f"{ERRORS}: challenger over champion, margin {config.error_margin:g}",
        n=len(log.arm),
        units=total,
        estimate=_ratio(mine / total, config.share) if total else None,
        lower=_ratio(low, config.share),
        upper=_ratio(high, config.share),
        log_e=fine.log_e(),
        ruling="UNDECIDED" if config.sticky else ruling,
        refused=STICKY if config.sticky else "",
    )


def _ratio(share: float, traffic: float) -> float | None:
    """How many times as often the canary errs, if it has this share of all errors; None: no bound."""
    return None if share >= 1.0 else share * (1.0 - traffic) / ((1.0 - share) * traffic)


def _p95(log: LiveLog, config: LiveConfig, *, end_ns: int, blocks: _Blocks, rule: _P95) -> Look:
    """Bets on the share of slow requests of the canary, block by block."""
    done = blocks.until(end_ns)
    levels = rule.levels
    within = live_slow_share("less", limit=LIMIT, alpha=levels.go).update(blocks.most[:done])
    over = live_slow_share("greater", limit=LIMIT, alpha=levels.nogo).update(blocks.least[:done])
    low, _ = mean_bounds(blocks.least[:done], alpha=levels.nogo, sides=1, bets=over.bets)
    _, high = mean_bounds(blocks.most[:done], alpha=levels.go, sides=1, bets=within.bets)
    canary = log.arm == CHALLENGER
    lacking, total = int(unmeasured(log)[canary].sum()), int(canary.sum())
    refused = (
        f"{lacking:,} of {total:,} answers of the challenger have no recorded latency, "
        f"at most {config.max_missing_share:.0%} may"
        if lacking > config.max_missing_share * total
        else ""
    )
    ruling: Ruling = "FAIL" if over.rejects else "PASS" if within.rejects else "UNDECIDED"
    return Look(
        as_of=stamp(end_ns),
        test=f"{P95}: share over {rule.budget_ms:g} ms, {_rule(config)}",
        n=total,
        units=done,
        estimate=float(blocks.most[:done].mean()) if done else None,
        lower=low,
        upper=high,
        log_e=within.log_e(),
        ruling="UNDECIDED" if refused else ruling,
        refused=refused,
    )


def _blocks(log: LiveLog, config: LiveConfig, *, budget_ms: float) -> _Blocks:
    """The canary's requests in the declared blocks; a failed one is slow, one without a latency may be."""
    rows = np.flatnonzero(log.arm == CHALLENGER)
    slow = log.error[rows] | (log.latency_ms[rows] > budget_ms)
    maybe = slow | unmeasured(log)[rows]
    if config.blocks == "units":
        return _by_unit(log.ts_ns[rows], log.unit[rows], slow=(slow, maybe), period_ns=config.period_ns)
    least, left = block_means(slow, block=config.block)
    most, _ = block_means(maybe, block=config.block)
    ends = rows[config.block - 1 :: config.block]
    return _Blocks(least, most, log.ts_ns[ends], sizes=np.full(len(least), config.block), left=left)


def _by_unit(
    ts_ns: NDArray[np.int64],
    unit: NDArray[np.int64],
    *,
    slow: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    period_ns: int,
) -> _Blocks:
    """A value a unit: the share of slow requests in the day or hour it first came, known when that ends.

    What it sends later counts nowhere, so a look never changes a value and a unit has one.
    """
    period = periods(ts_ns, period_ns)
    _, first, code = np.unique(unit, return_index=True, return_inverse=True)
    early = period == period[first][code]
    sizes = np.bincount(code[early], minlength=len(first))
    order = np.argsort(period[first], kind="stable")
    least, most = (np.bincount(code[early], weights=x[early], minlength=len(first)) / sizes for x in slow)
    at_ns = period[first] * period_ns - 1
    left = int(np.count_nonzero(~early))
    return _Blocks(least[order], most[order], at_ns[order], sizes=sizes[order], left=left)


def _rule(config: LiveConfig) -> str:
    if config.blocks == "units":
        return f"a value a unit from its first {config.every}"
    return f"blocks of {config.block} consecutive requests"


def _note(log: LiveLog) -> str:
    kinds = " and ".join(log.kinds) if log.kinds else "unnamed"
    return f"Latency is what the log recorded ({kinds}), not counted from when a request was due."
