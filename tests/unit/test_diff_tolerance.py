"""When two numbers count as equal, and which rules are refused."""

import datetime as dt
import math

import msgspec
import numpy as np
import pytest

from harness.diff.tolerance import BLOCK, Band, Tolerance, Tolerances, check_names
from harness.errors import ScenarioError

INF = math.inf


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        pytest.param(1.0, 1.0 + 9e-10, True, id="within-relative"),
        pytest.param(1.0, 1.0 + 2e-9, False, id="beyond-relative"),
        pytest.param(0.0, 1e-12, True, id="at-absolute"),
        pytest.param(0.0, 3e-12, False, id="beyond-absolute"),
        pytest.param(0.0, -0.0, True, id="signed-zero"),
        pytest.param(INF, INF, True, id="same-infinity"),
        pytest.param(INF, -INF, False, id="opposite-infinities"),
        pytest.param(INF, 1e308, False, id="infinity-and-number"),
        pytest.param(1e308, -1e308, False, id="difference-overflows"),
        pytest.param(math.nan, math.nan, False, id="nan"),
    ],
)
def test_band_has_an_exact_edge(left: float, right: float, agree: bool) -> None:  # noqa: FBT001  -- a table
    """Two numbers agree up to atol + rtol of the larger, and infinities with themselves alone."""
    assert Band().holds(np.array([left]), np.array([right])).tolist() == [agree]


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 7])
@pytest.mark.parametrize(
    "band", [Band(), Band(0.0, 0.0), Band(1e-6, 0.0), Band(0.5, 5.0), Band(1e308, 0.0)], ids=str
)
def test_a_block_of_rows_is_compared_as_each_row_alone(band: Band, n: int) -> None:
    """Whatever the block a row falls into: the formula of the docstring, on numbers of all kinds."""
    rng = np.random.default_rng(n)
    left = rng.standard_normal(n) * 10.0 ** rng.integers(-13, 4, n)
    right = left * (1 + rng.choice([0, 1e-9, 9e-10, 1e-7, 0.5], n))
    for side in (left, right):
        odd = rng.random(n) < 0.05
        side[odd] = rng.choice([0.0, -0.0, INF, -INF, math.nan, 1.7e308, -1.7e308, 5e-324], int(odd.sum()))
    with np.errstate(invalid="ignore", over="ignore"):
        room = band.atol + band.rtol * np.maximum(np.abs(left), np.abs(right))
        near = (np.abs(left - right) <= room) & np.isfinite(left) & np.isfinite(right)
    assert np.array_equal(band.holds(left, right), near | (left == right))


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[features.x]", "needs atol, rtol or ignore"),
        ("[features.x]\nignore = true", "ignores a feature needs a reason"),
        ('[features.x]\nignore = true\nreason = " "', "ignores a feature needs a reason"),
        ("[features.x]\natol = 0.1", "x widens the tolerance and needs a reason"),
        ("[features.x]\nrtol = 0.1\natol = 0.0", "x widens the tolerance and needs a reason"),
        ("[features.x]\natol = -1.0", ">= 0"),
        ("atol = inf", "atol must be a finite number"),
        ("score_rtol = nan", "score_rtol"),
        ('[features.x]\natol = 0.0\nexpires = "soon"', "isoformat"),
        ("[features.x]\natoll = 0.1", "unknown field `atoll`"),
        ("score_tol = 0.1", "unknown field `score_tol`"),
    ],
)
def test_bad_rules_are_refused_where_they_stand(toml: str, complaint: str) -> None:
    """A rule that widens or ignores without a reason, or says nothing, does not decode."""
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.toml.decode(toml, type=Tolerances)


def test_rules_replace_the_default_for_their_feature() -> None:
    """A rule changes what it names and leaves the rest; tightening needs no reason."""
    found = msgspec.toml.decode(
        '[features.x]\natol = 0.5\nreason = "sensor noise"\n[features.y]\nrtol = 0.0\n', type=Tolerances
    )
    assert found.band("x") == Band(0.5, 1e-9)
    assert found.band("y") == Band(1e-12, 0.0)
    assert found.band("z") == Band(1e-12, 1e-9)
    assert found.score == Band(1e-6, 0.0)


def test_a_rule_holds_through_the_day_it_expires() -> None:
    """The day itself still counts, the next does not."""
    rule = Tolerance(ignore=True, reason="migration", expires="2026-03-31")
    tolerances = Tolerances(features={"x": rule})
    assert tolerances.on(dt.date(2026, 3, 31)).ignores("x")
    assert not tolerances.on(dt.date(2026, 4, 1)).ignores("x")


def test_a_rule_for_an_unknown_feature_suggests_the_nearest() -> None:
    """The error names the rule's place and the feature that was probably meant."""
    tolerances = Tolerances(features={"hourr": Tolerance(atol=0.0)})
    with pytest.raises(ScenarioError, match=r"tolerances\.features\.hourr.*Did you mean hour\?"):
        check_names(tolerances, ["weekday", "hour"])
    check_names(Tolerances(features={"hour": Tolerance(atol=0.0)}), ["weekday", "hour"])


def test_every_option_describes_itself() -> None:
    """The schema of the scenario can show why each default is what it is."""
    schema = msgspec.json.schema(Tolerances)["$defs"]
    for name in ("Tolerance", "Tolerances"):
        assert [
            key for key, option in schema[name]["properties"].items() if "description" not in option
        ] == []
