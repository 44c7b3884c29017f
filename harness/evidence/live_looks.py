"""Three tests of a live canary, looked at once a day or hour: is the split kept, errors, p95.

Each look is what could have been said at its time from the requests until then. A ruling once reached stays,
and FAIL wins over an earlier PASS; every look is kept in looks.jsonl.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from harness.evidence import live_blocks
from harness.evidence.cohort import stamp
from harness.evidence.live import CHALLENGER, periods, units_by_arm
from harness.evidence.live_gaps import uneven, unlogged, unnamed, untimed
from harness.evidence.looks import changed, remembered
from harness.records import LiveSummary, Look
from harness.stats import (
    SampleRatio,
    canary_errors,
    kish_effective,
    live_slow_share,
    mean_bounds,
    rate_bounds,
    share_bounds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evidence.live import LiveConfig, LiveLog
    from harness.evidence.model import Levels
    from harness.records import Ruling

#: how the names of the tests begin
SPLIT, ERRORS, P95 = "live split", "live errors", "live p95"
LIVE = (SPLIT, ERRORS, P95)
LIMIT = 0.05
#: among the counts: requests of the canary over the budget or failed, and those that may have been
SLOW = "slow of challenger"
STICKY = "routing is sticky by unit, so errors come in clusters: compare them by unit, not by request"


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
    times = np.concatenate([seen.ts_ns, seen.neither_ns])
    ends = [min(int(k) * period, as_of_ns) for k in np.unique(periods(times, period))]
    blocks = live_blocks.blocks(seen, config, budget_ms=budget_ms)
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
        rule=live_blocks.rule(config),
        measure=live_blocks.measure(config),
        blocks=done,
        effective=kish_effective(blocks.sizes[:done]),
        left_over=blocks.left,
        budget_ms=budget_ms,
        error_margin=config.error_margin,
        counts=seen.counts() | {SLOW: int(live_blocks.slow_ones(seen, budget_ms=budget_ms)[1].sum())},
        looks=_kept(made, ()),
        note=_note(seen),
    )


def remember(summary: LiveSummary, written: Sequence[Look]) -> LiveSummary:
    """The summary with the looks that its tests took before, up to its time: what was ruled then stays.

    Looks of another tuning are another test; they are counted, and rule nothing.
    """
    mine = {look.test for look in summary.looks}
    past = [look for look in written if is_live(look) and look.as_of <= summary.as_of]
    before = [look for look in past if look.test in mine]
    others, differ = len(past) - len(before), changed(summary.looks, before)
    told = f" {differ:,} past looks would show other numbers now; what they ruled stays." if differ else ""
    if mine and others:
        told += f" {others:,} looks under another tuning were another test and rule nothing here."
    return replace(summary, looks=_kept(summary.looks, before), note=summary.note + told)


def _kept(fresh: Sequence[Look], written: Sequence[Look]) -> tuple[Look, ...]:
    """The looks of each test by itself, latched: one test rules nothing in another."""
    tests = dict.fromkeys(look.test for look in fresh)
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
    """FAIL once the split is not kept, PASS once its odds are proven within the factor of those declared."""
    rows, moved = units_by_arm(log) if config.sticky else (np.arange(len(log.arm)), 0)
    n, canary = len(rows), int(np.count_nonzero(log.arm[rows] == CHALLENGER))
    test = SampleRatio(shares=(config.share, 1.0 - config.share), alpha=config.split_alpha)
    found = test.add((canary, n - canary))
    low, high = share_bounds((canary, n - canary), alpha=config.split_alpha)
    least, most = _odds_band(config)
    kept = least < low and high < most
    ruling: Ruling = "FAIL" if found.rejects else "PASS" if kept else "UNDECIDED"
    apart = uneven(log, np.ones(len(log.arm), bool), what="requests")
    what, factor = "units" if config.sticky else "requests", f"odds within a factor {config.split_factor:g}"
    refused = unnamed(log, config)
    if not refused and moved > config.max_missing_share * n:
        refused = f"routing is not sticky as declared: {moved:,} of {n:,} units met both arms"
    look = Look(
        as_of=stamp(end_ns),
        test=f"{SPLIT}: the challenger's share of {what}, declared {config.share:g}, {factor}, "
        f"α {config.split_alpha:.3g}",
        n=len(log.arm),
        units=n,
        estimate=canary / n if n else None,
        lower=low,
        upper=high,
        log_e=found.log_e(),
        ruling="UNDECIDED" if refused else ruling,
        refused=refused,
    )
    return _silenced(look, apart)


def _odds_band(config: LiveConfig) -> tuple[float, float]:
    """The shares whose odds are off by the factor, down and up; half and 2 give a third and two thirds."""
    odds = config.share / (1.0 - config.share)
    least, most = (x / (1.0 + x) for x in (odds / config.split_factor, odds * config.split_factor))
    return least, most


def _errors(log: LiveLog, config: LiveConfig, *, end_ns: int, levels: Levels) -> Look:
    """Of all errors the canary's: more than its traffic explains, or fewer than the margin allows.

    A request without a status is an error where that speaks against the ruling, and none where it is for it.
    """
    canary = log.arm == CHALLENGER
    mine, theirs = int((log.error & canary).sum()), int((log.error & ~canary).sum())
    most_mine = mine + int((log.unlogged & canary).sum())
    most_theirs = theirs + int((log.unlogged & ~canary).sum())
    n_opt, allowed = config.planned_errors, 1.0 + config.error_margin
    least, most = (mine, mine + most_theirs), (most_mine, most_mine + theirs)
    worse = canary_errors(config.share, "greater", n_opt=n_opt, alpha=levels.nogo).add(*least)
    fine = canary_errors(config.share, "less", ratio=allowed, n_opt=n_opt, alpha=levels.go).add(*most)
    low, _ = rate_bounds(*least, side="greater", n_opt=n_opt, alpha=levels.nogo)
    _, high = rate_bounds(*most, side="less", n_opt=n_opt, alpha=levels.go)
    ruling: Ruling = "FAIL" if worse.rejects else "PASS" if fine.rejects else "UNDECIDED"
    refused = unnamed(log, config) or unlogged(log, config) or (STICKY if config.sticky else "")
    total = mine + theirs
    look = Look(
        as_of=stamp(end_ns),
        test=f"{ERRORS}: challenger over champion at a share of {config.share:g}, "
        f"margin {config.error_margin:g}, planned for {n_opt:,} errors, {_levels(levels)}",
        n=len(log.arm),
        units=total,
        estimate=_ratio(mine / total, config.share) if total else None,
        lower=_ratio(low, config.share),
        upper=_ratio(high, config.share),
        log_e=fine.log_e(),
        ruling="UNDECIDED" if refused else ruling,
        refused=refused,
    )
    return _silenced(look, uneven(log, log.error | log.unlogged, what="errors"))


def _ratio(share: float, traffic: float) -> float | None:
    """How many times as often the canary errs, if it has this share of all errors; None: no bound."""
    return None if share >= 1.0 else share * (1.0 - traffic) / ((1.0 - share) * traffic)


def _p95(log: LiveLog, config: LiveConfig, *, end_ns: int, blocks: live_blocks.Blocks, rule: _P95) -> Look:
    """Bets on the share of slow requests of the canary, block by block; `n` are requests in blocks."""
    done = blocks.until(end_ns)
    levels = rule.levels
    within = live_slow_share("less", limit=LIMIT, alpha=levels.go).update(blocks.most[:done])
    over = live_slow_share("greater", limit=LIMIT, alpha=levels.nogo).update(blocks.least[:done])
    low, _ = mean_bounds(blocks.least[:done], alpha=levels.nogo, sides=1, bets=over.bets)
    _, high = mean_bounds(blocks.most[:done], alpha=levels.go, sides=1, bets=within.bets)
    refused = unnamed(log, config) or unlogged(log, config, arms=(CHALLENGER,)) or untimed(log, config)
    ruling: Ruling = "FAIL" if over.rejects else "PASS" if within.rejects else "UNDECIDED"
    look = Look(
        as_of=stamp(end_ns),
        test=_p95_title(config, rule),
        n=int(blocks.sizes[:done].sum()),
        units=done,
        estimate=float(blocks.most[:done].mean()) if done else None,
        lower=low,
        upper=high,
        log_e=within.log_e(),
        ruling="UNDECIDED" if refused else ruling,
        refused=refused,
    )
    return _silenced(look, uneven(log, log.arm == CHALLENGER, what="requests of the challenger"))


def _silenced(look: Look, why: str) -> Look:
    """The same, or a look without any number where counts would speak of the sample, not of its traffic."""
    if not why:
        return look
    return replace(
        look,
        estimate=None,
        lower=None,
        upper=None,
        log_e=None,
        ruling="UNDECIDED",
        refused=look.refused or why,
    )


def _p95_title(config: LiveConfig, rule: _P95) -> str:
    """The test with all its tuning: another tuning is another test, by another name."""
    what = f"{live_blocks.measure(config)}, limit {LIMIT:g} over {rule.budget_ms:g} ms"
    return f"{P95}: slow {what}, {live_blocks.rule(config)}, {_levels(rule.levels)}"


def _levels(levels: Levels) -> str:
    return f"α {levels.go:.3g} and {levels.nogo:.3g}"


def _note(log: LiveLog) -> str:
    kinds = " and ".join(log.kinds) if log.kinds else "unnamed"
    said = f"Latency is what the log recorded ({kinds}), not counted from when a request was due."
    if uneven(log, np.ones(len(log.arm), bool), what="requests"):
        said += " The log is a sample of unequal weights: its counts and shares are not those of the traffic."
    return said
