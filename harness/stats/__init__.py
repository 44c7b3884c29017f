"""Exact, anytime-valid and group-sequential inference on plain arrays: numbers in, bounds and rulings out.

A list judged once:
`binomial`          bounds for a rate: what a count says about traffic to come
`slow_share`        the p95 gate of one replayed pass
`passes`            the same over several passes of the same arrivals

Evidence that accrues and may be looked at at any time, each a frozen state with `update`, `merge` and JSON:

`beta_binomial`     a rate against a known one: budgets, sequential McNemar (two integers)
`sample_ratio`      do the arms get their traffic; a canary's errors against the champion's
`betting`           the mean of bounded values; paired decisions against a margin
`live_share`        the p95 budget on live traffic, block by block
`normal_mixture`    the mixture behind the confidence sequence
`confseq`           an interval for the mean of unbounded values, asymptotically
`auc`               the difference of two AUCs as a mean over rows
`cuped`             less noise from what was known before
`quantile`          two arms' p95; paired differences by unit

Evidence with a planned end:
`spending`          how alpha is spent
`boundaries`        the bounds, by recursive integration; futility, power
`group_sequential`  the looks, one by one

Around them:
`weighted`          the mean of the traffic from rows kept with unequal probabilities
`units`             from requests to the units that are independent, and whether there are enough of them
`crossing`          when a count test will have ruled: exact error rate, power and mean sample
`multiplicity`      many tests at once

Nothing here knows of requests, files or scenarios; wrong input is a ValueError. What each promises, in plain
words and with measured figures, is in docs/statistics.md.
"""

from harness.stats.auc import (
    AucDifference,
    auc_difference,
    z_log_e,
)
from harness.stats.beta_binomial import (
    BetaBinomial,
    beta_binomial_log_e,
    discordant,
    rate_bounds,
    sequential_mcnemar,
    tuned_prior,
)
from harness.stats.betting import (
    Betting,
    geometric_bets,
    margin_null,
    mean_bounds,
    paired_decisions,
    to_unit_interval,
    tuned_weights,
)
from harness.stats.binomial import (
    clopper_pearson_interval,
    clopper_pearson_lower,
    clopper_pearson_upper,
    detectable_rate,
    wilson_lower,
)
from harness.stats.boundaries import (
    crossing_by_look,
    drift_for_power,
    futility_bounds,
    spending_bounds,
)
from harness.stats.confseq import (
    AsymptoticCS,
)
from harness.stats.crossing import (
    borders,
    crossing_probabilities,
    mean_trials,
    trials_for,
)
from harness.stats.cuped import (
    Cuped,
)
from harness.stats.group_sequential import (
    GroupSequential,
    conditional_power,
)
from harness.stats.live_share import block_means, fewest_blocks_within, live_slow_share
from harness.stats.multiplicity import (
    benjamini_hochberg,
    bonferroni,
    e_bh,
    intersection_union,
)
from harness.stats.normal_mixture import (
    best_rho,
    log_mixture,
    mixture_bound,
)
from harness.stats.passes import (
    PassesRuling,
    between_pass_inflation,
    judge_passes,
)
from harness.stats.quantile import (
    QuantileTest,
    TwoSampleQuantile,
    paired_differences,
)
from harness.stats.sample_ratio import (
    SampleRatio,
    canary_error_share,
    canary_errors,
    share_bounds,
)
from harness.stats.slow_share import (
    SlowShareRuling,
    SlowShareTest,
    detectable_slow_share,
    judge_slow_share,
    min_requests_within,
)
from harness.stats.spending import (
    Spending,
)
from harness.stats.units import (
    UnitSums,
    enough_units,
    kish_effective,
    largest_share,
    mean_influence,
    unit_sums,
)
from harness.stats.weighted import toward_null, weighted_mean, weighted_mean_bounds

__all__ = [
    "AsymptoticCS",
    "AucDifference",
    "BetaBinomial",
    "Betting",
    "Cuped",
    "GroupSequential",
    "PassesRuling",
    "QuantileTest",
    "SampleRatio",
    "SlowShareRuling",
    "SlowShareTest",
    "Spending",
    "TwoSampleQuantile",
    "UnitSums",
    "auc_difference",
    "benjamini_hochberg",
    "best_rho",
    "beta_binomial_log_e",
    "between_pass_inflation",
    "block_means",
    "bonferroni",
    "borders",
    "canary_error_share",
    "canary_errors",
    "clopper_pearson_interval",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "conditional_power",
    "crossing_by_look",
    "crossing_probabilities",
    "detectable_rate",
    "detectable_slow_share",
    "discordant",
    "drift_for_power",
    "e_bh",
    "enough_units",
    "fewest_blocks_within",
    "futility_bounds",
    "geometric_bets",
    "intersection_union",
    "judge_passes",
    "judge_slow_share",
    "kish_effective",
    "largest_share",
    "live_slow_share",
    "log_mixture",
    "margin_null",
    "mean_bounds",
    "mean_influence",
    "mean_trials",
    "min_requests_within",
    "mixture_bound",
    "paired_decisions",
    "paired_differences",
    "rate_bounds",
    "sequential_mcnemar",
    "share_bounds",
    "spending_bounds",
    "to_unit_interval",
    "toward_null",
    "trials_for",
    "tuned_prior",
    "tuned_weights",
    "unit_sums",
    "weighted_mean",
    "weighted_mean_bounds",
    "wilson_lower",
    "z_log_e",
]
