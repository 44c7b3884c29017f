"""Two arms compared on each request: features, scores and decisions, exact and column by column.

`bands`       when two numbers count as equal, a rule for each reason
`tolerance`   what a user's own rules make of that, and what they silence
`features`    columns out of echoed JSON and out of the offline table
`cells`       which cells of two columns differ, and in what way
`scores`      how each score relates to the reference, and which decisions flip
`damage`      what served values alone do to the offline score
`costs`       what each bug costs: alone, put right alone, and its share where several meet
`shapley`     that share, exactly
`noise`       what an arm differs from itself in, asked the same thing twice
`causes`      what happened to one field, tried on its mismatching rows
`probes`      why scores differ where features agree: the model asked otherwise
`traps`       which of those spoil every request, and what to do about each
`residual`    what of a score difference no feature explains
`keys`        further ids of requests, beside their unit
`texts`       one text a request, coded once
`bugs`        each cause of a feature with its requests
`together`    bugs of several features that are one: swapped columns, a view that times out, one source
`event_time`  one cause for many features: a shifted clock, tested by building the features again
`places`      first and last seen, units, segments
`profiles`    requests by time, and scores of two arms on a grid, for pictures
`some_rows`   some of many rows, evenly spread
`exemplars`   the first requests of a finding with what both arms say
`case`        a compared pair with what is known of its requests
`conditions`  a field at a level or in a range, and all such conditions of a field
`shuffles`    mismatches dealt anew to other units, whole
`scan`        how strongly mismatches gather in each place
`simplest`    of the places that are sure the simplest
`whereabouts` which place goes with a mismatch, and that it is no chance
`onset`       since and until when, with an interval
`locating`    both for some requests of a pair, in one sentence
`sentences`   how findings read: numbers, units, lists
`findings`    mismatches told as bugs, one a bug
`traffic`     the differences of a pair as shares of the traffic, by weight
`pairs`       all of it for one pair
`persistence` whether a changed request still shows the same finding

Nothing here reads a file, knows a model or asks the time.
"""

from harness.diff.bands import Band
from harness.diff.case import Context
from harness.diff.cells import Difference, mismatch
from harness.diff.damage import Rescore, damage
from harness.diff.event_time import Rebuild
from harness.diff.features import REDACTED, Echo, from_json, from_table
from harness.diff.pairs import Masks, PairResult, compare
from harness.diff.tolerance import Tolerance, Tolerances, check_names

__all__ = [
    "REDACTED",
    "Band",
    "Context",
    "Difference",
    "Echo",
    "Masks",
    "PairResult",
    "Rebuild",
    "Rescore",
    "Tolerance",
    "Tolerances",
    "check_names",
    "compare",
    "damage",
    "from_json",
    "from_table",
    "mismatch",
]
