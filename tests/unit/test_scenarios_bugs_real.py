"""Every bug of the catalogue on real requests of each scenario: what it hits changes, and nothing breaks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from scenarios.bugs.__main__ import SCENARIOS as KINDS
from scenarios.bugs.active import Bugs
from scenarios.bugs.catalogue import CATALOGUE
from scenarios.bugs.parse import applicable, parse_bugs
from scenarios.duo_acceptance.serving_features import load_index
from scenarios.hotel_cancellation.serving_features import load_desk
from scenarios.listing_review.serving_features import load_archive
from scenarios.request import vector
from tests.kit.bookings import no_rival

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios.bugs.context import Serving

SCENARIOS = Path(__file__).parents[2] / "scenarios"
REQUIRED = {
    ("hotel_cancellation", "snapshot"): "at=2016-01-01T00:00Z",
    ("duo_acceptance", "snapshot"): "at=2025-01-20T00:00Z",
    ("hotel_cancellation", "wrong_key"): "key=hotel",
    ("duo_acceptance", "wrong_key"): "key=agent",
    ("hotel_cancellation", "scale_by"): "field=hotel,factors=City Hotel:1.13/Resort Hotel:0.85",
    ("listing_review", "snapshot"): "at=2012-01-01T00:00Z",
    ("listing_review", "wrong_key"): "key=ward",
    ("listing_review", "scale_by"): "field=facility_type,factors=Restaurant:1.13/Other:0.85",
    ("duo_acceptance", "scale_by"): "field=agent,factors=Devin:1.1/OpenAI_Codex:0.9",
}
LOADERS: dict[str, Callable[[Path], Serving]] = {
    "duo_acceptance": load_index,
    "hotel_cancellation": load_desk,
    "listing_review": load_archive,
}
#: what needs a second answer, or another clock, or changes no feature
ELSEWHERE = {"retry", "slow"}


@cache
def requests(scenario: str) -> list[dict[str, Any]]:
    """Every 40th of the first 6,000 captured bodies."""
    table = pq.read_table(SCENARIOS / scenario / "capture.parquet", columns=["body"])
    return [json.loads(body) for body in table["body"].to_pylist()[:6000:40]]


@cache
def serving(scenario: str) -> Serving:
    """The endpoint's own code with its memory."""
    data = SCENARIOS / scenario / "data"
    return LOADERS[scenario](data)


def bugs_of(scenario: str, name: str, features: list[str]) -> Bugs:
    """One bug on these features."""
    parts = [*features, *filter(None, [REQUIRED.get((scenario, name), "")])]
    text = f"{name}:{','.join(parts)}"
    return parse_bugs([text], serving(scenario), data=SCENARIOS / scenario / "data")


def changes(scenario: str, bugs: Bugs) -> set[str]:
    """The features that the bugs change on any request; each row stays one that a model can take."""
    changed: set[str] = set()
    code = serving(scenario)
    for body in requests(scenario):
        right = Bugs().serve(body, code, score_by=no_rival)[1]
        asked, wrong = bugs.serve(body, code, score_by=no_rival)
        changed |= {name for name in right if name not in wrong or right[name] != wrong[name]}
        assert vector(wrong, code.levels, names=list(code.kinds)).shape == (1, len(code.kinds))
        changed |= {"score"} if bugs.score(0.987654321, wrong, asked=asked) != 0.987654321 else set()
    return changed


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        (scenario, name)
        for scenario, kinds in sorted(KINDS.items())
        for name, entry in sorted(CATALOGUE.items())
        if not entry.kinds or applicable(entry, kinds)
    ],
)
def test_every_bug_changes_its_features_on_real_requests(scenario: str, name: str) -> None:
    """On at least one feature that it can hit; and nothing but what it was told to hit."""
    entry, code = CATALOGUE[name], serving(scenario)
    features = applicable(entry, code.kinds)
    if name in ELSEWHERE:
        least = entry.least if entry.kinds else 0
        assert changes(scenario, bugs_of(scenario, name, features[:least])) == set()
    elif not entry.kinds:
        assert changes(scenario, bugs_of(scenario, name, []))
    else:
        some = (
            [features]
            if entry.least > 1
            else [[one] for one in features if one in {features[0], "adr", *features[-4:]}]
        )
        hits = [(one, changes(scenario, bugs_of(scenario, name, one))) for one in some]
        assert all(changed <= set(one) for one, changed in hits)
        assert any(changed for _, changed in hits)
