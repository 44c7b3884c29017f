"""Exact and anytime-valid inference on plain arrays: numbers in, bounds and rulings out.

`binomial`        exact bounds for a rate: what a count says about traffic to come
`slow_share`      the p95 gate of one replayed pass, judged once at its end
`units`           from requests to the units that are independent, and whether there are enough of them
`normal_mixture`  the mixture behind the confidence sequence
`confseq`         an interval for a mean that may be looked at at any time

Nothing here knows of requests, files or scenarios; wrong input is a ValueError.
"""

from harness.stats.binomial import (
    clopper_pearson_interval,
    clopper_pearson_lower,
    clopper_pearson_upper,
    detectable_rate,
)
from harness.stats.confseq import AsymptoticCS
from harness.stats.normal_mixture import best_rho, log_mixture, mixture_bound
from harness.stats.slow_share import (
    SlowShareRuling,
    SlowShareTest,
    detectable_slow_share,
    judge_slow_share,
    min_requests_within,
)
from harness.stats.units import (
    UnitSums,
    enough_units,
    kish_effective,
    largest_share,
    mean_influence,
    unit_sums,
)

__all__ = [
    "AsymptoticCS",
    "SlowShareRuling",
    "SlowShareTest",
    "UnitSums",
    "best_rho",
    "clopper_pearson_interval",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "detectable_rate",
    "detectable_slow_share",
    "enough_units",
    "judge_slow_share",
    "kish_effective",
    "largest_share",
    "log_mixture",
    "mean_influence",
    "min_requests_within",
    "mixture_bound",
    "unit_sums",
]
