"""What happened to a field: hypotheses tried on its mismatching rows, those that reproduce them are named.

`model`       what a cause is, and what it is concluded from
`whole`       two whole columns: values, codes, lattice
`naming`      the best hypothesis is named, its rows are taken out, and again
`chance`      how far a share of explained rows is beyond luck
`guessing`    parameters guessed from the rows
`history`     the requests of each unit in order of time
`wording`     how parameters read

The hypotheses, a family a file: `fills`, `transforms`, `scale`, `times`, `precision`, `categories`, `joins`,
`staleness`, `windows` and `noise`. A wrong name is worse than no name: "unexplained" is an answer.
"""

from harness.diff.causes.model import (
    MIN_INPUTS,
    MIN_ROWS,
    NAMED,
    TOO_FEW,
    UNEXPLAINED,
    Cause,
    Evidence,
    Surroundings,
)
from harness.diff.causes.naming import name_causes
from harness.diff.causes.whole import distinct

__all__ = [
    "MIN_INPUTS",
    "MIN_ROWS",
    "NAMED",
    "TOO_FEW",
    "UNEXPLAINED",
    "Cause",
    "Evidence",
    "Surroundings",
    "distinct",
    "name_causes",
]
