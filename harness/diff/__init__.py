"""Two arms compared on each request: features, scores and decisions, exact and column by column.

`tolerance`   when two numbers count as equal, and what a user's rules silence
`features`    columns out of echoed JSON and out of the offline table
`cells`       which cells of two columns differ, and in what way
`scores`      how each score relates to the reference, and which decisions flip
`damage`      what served values alone do to the offline score
`causes`      what happened to one field, tried on its mismatching rows
`event_time`  one cause for many features: a shifted clock, tested by building the features again
`places`      first and last seen, units, segments, exemplars
`conditions`  a field at a level or in a range, and all such conditions of a field
`shuffles`    mismatches dealt anew to other units, whole
`scan`        how strongly mismatches gather in each place
`simplest`    of the places that are sure the simplest
`whereabouts` which place goes with a mismatch, and that it is no chance
`onset`       since and until when, with an interval
`locating`    both for some requests of a pair, in one sentence
`findings`    mismatches told as bugs, in sentences
`pairs`       all of it for one pair

Nothing here reads a file, knows a model or asks the time.
"""

from harness.diff.cells import Difference, mismatch
from harness.diff.damage import Rescore, damage
from harness.diff.event_time import Rebuild
from harness.diff.features import Echo, from_json, from_table
from harness.diff.pairs import Masks, PairResult, compare
from harness.diff.tolerance import Band, Tolerance, Tolerances, check_names

__all__ = [
    "Band",
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
