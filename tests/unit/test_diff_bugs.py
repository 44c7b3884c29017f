"""Each cause of a feature with the requests that it is about."""

import numpy as np

from harness.diff.bugs import separate
from harness.diff.cells import judge
from harness.diff.scores import as_column
from harness.diff.tolerance import Tolerances

VALUES = np.random.default_rng(1).normal(size=50)


def test_a_bug_names_its_fields_in_its_phrase() -> None:
    """Features that agree are no bugs."""
    judged = [
        judge(as_column(VALUES), as_column(served), name=name, tolerances=Tolerances())
        for name, served in (("amount", VALUES * 100), ("age", VALUES))
    ]
    (bug,) = separate(judged, other="offline")
    assert (bug.fields, bug.cause.name) == (("amount",), "scale")
    assert bug.phrase.startswith("serves amount as 100 times offline")
    assert bug.rows.tolist() == list(range(50))
