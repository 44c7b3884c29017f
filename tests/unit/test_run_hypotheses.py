"""What of a capture the search for causes is told: the order of the requests, and what they leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.diff.probes.model import layout_of
from harness.run.hypotheses import probed
from harness.run.preparing import load_models
from harness.scenario import load
from replayers.offline import OfflineReplayer, to_columns
from tests.kit import small
from tests.kit.prepared import NOWHERE, ready


def model(tmp_path: Path) -> OfflineReplayer:
    """The small one."""
    return load_models(load(small.scenario(small.make(tmp_path / "s"), NOWHERE)))["model"]


def frame(*bodies: object) -> pd.DataFrame:
    """Requests with these bodies, as pipelines get them."""
    rows = [body if isinstance(body, dict) else {} for body in bodies]
    return pd.DataFrame(rows).assign(_body=list(bodies))


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ({"visits": 1.0, "user": "u", "amount": 2.0, "age": 3.0}, ("visits", "amount", "age")),
        ({"rows": [{"age": 1.0, "visits": 2.0, "amount": 3.0}]}, ("age", "visits", "amount")),
        ({"visits": 1.0, "amount": 2.0}, None),
        ([1.0, 2.0, 3.0], None),
        (None, None),
    ],
)
def test_the_order_of_the_request_is_known_where_it_holds_all(
    body: object, order: tuple[str, ...] | None, tmp_path: Path
) -> None:
    """However deep, of the first request."""
    mine = model(tmp_path)
    features = to_columns(pd.DataFrame(np.ones((1, 3)), columns=list(mine.names)))
    found = probed({"model": mine}, "model", frame=frame(body), features=features, batches=None)
    assert dict(found.orders) == ({} if order is None else {"in the order of the request": order})


def test_what_some_requests_leave_out_is_known(tmp_path: Path) -> None:
    """Left out or null; what all of them lack says nothing."""
    mine = model(tmp_path)
    bodies = [{"amount": 1.0, "age": None}, {"amount": 2.0, "age": 3.0}, "no object"]
    features = to_columns(pd.DataFrame(np.ones((3, 3)), columns=list(mine.names)))
    found = probed({"model": mine}, "model", frame=frame(*bodies), features=features, batches=None)
    assert {name: mask.tolist() for name, mask in found.absent().items()} == {
        "amount": [False, False, True],
        "age": [True, False, True],
    }
    layout = layout_of(found)
    assert layout is not None
    assert sorted(layout.absent) == [mine.names.index("amount"), mine.names.index("age")]


def test_another_model_that_cannot_score_the_requests_has_not_served_them(tmp_path: Path) -> None:
    """NaN, which hits nothing."""
    run = ready(tmp_path)
    every = {**run.models.replayers, "other": run.models.replayers["model"]}
    features = to_columns(every["model"].features(run.models.frame))
    found = probed(every, "model", frame=run.models.frame, features=features, batches=None)
    seqs = np.arange(3)
    np.testing.assert_array_equal(
        found.others["other"].scores(seqs, None), every["model"].score(run.models.frame.loc[seqs]).scores
    )
    broken = probed(every, "model", frame=run.models.frame[["request_id"]], features=features, batches=None)
    assert np.isnan(broken.others["other"].scores(seqs, None)).all()
