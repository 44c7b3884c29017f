"""Two arms compared: nested nouns come back from JSON, and what was not counted is not 0."""

import msgspec
import pytest

from harness.records import (
    Damage,
    Exemplar,
    FieldSummary,
    IgnoredRule,
    NoiseRow,
    NoiseSummary,
    PairSummary,
    SinglesCheck,
)


def pair(*, units_features: int | None = None) -> PairSummary:
    """Two arms that differ in one feature of one request."""
    field = FieldSummary(
        field="hour",
        dtype="number",
        compared=9,
        mismatches=1,
        rate=1 / 9,
        by_segment={"country": {"PT": 1}},
        exemplars=(Exemplar(seq=1, request_id="r", left="1", right="NaN"),),
        damage=Damage(rows=1, mean_abs=0.1, max_abs=0.1, flips=0),
    )
    return PairSummary(
        left="offline:new",
        right="challenger",
        compared=9,
        feature_mismatches=1,
        score_mismatches=0,
        flips=0,
        nondeterministic=0,
        units=4,
        units_mismatching=1,
        fields=(field,),
        units_features=units_features,
    )


@pytest.mark.parametrize(
    "noun",
    [
        pair(units_features=1),
        IgnoredRule(field="hour", rule="abs 0.5", reason="rounded", silenced=3, expires="2026-01-01"),
        SinglesCheck(checked=2, found=("request r: hour",)),
        NoiseSummary(
            target="champion",
            phase="parity",
            asked=9,
            compared=9,
            rows=(NoiseRow(field="hour", differ=1, n=9, rate=1 / 9, lower=0.003, upper=0.48, max_abs=2.0),),
        ),
    ],
    ids=lambda noun: type(noun).__name__,
)
def test_a_comparison_survives_json(noun: msgspec.Struct) -> None:
    """Every nested noun is found again, those named before they are defined too."""
    assert msgspec.json.decode(msgspec.json.encode(noun), type=type(noun)) == noun


def test_units_that_were_not_counted_are_none() -> None:
    """Without counts there is no 0 that a gate could take for a good one, and a 0 counted stays one."""
    assert (pair().units_scores, pair().units_flips) == (None, None)
    written = (msgspec.json.encode(pair(units_features=units)) for units in (None, 0))
    assert [msgspec.json.decode(w, type=PairSummary).units_features for w in written] == [None, 0]


def test_a_difference_that_is_no_number_has_no_size() -> None:
    """Two answers may differ without a distance: None, and not 0."""
    row = NoiseRow(field="country", differ=1, n=9, rate=1 / 9, lower=0.003, upper=0.48)
    assert row.max_abs is None
