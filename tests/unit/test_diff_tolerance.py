"""When two numbers count as equal, and which rules are refused."""

import datetime as dt

import msgspec
import pytest

from harness.diff.bands import Band, Exact, Float32, Rounded
from harness.diff.tolerance import Tolerance, Tolerances, check_names
from harness.errors import ScenarioError


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[features.x]", "needs atol, rtol, kind or ignore"),
        ("[features.x]\nignore = true", "ignores a feature needs a reason"),
        ('[features.x]\nignore = true\nreason = " "', "ignores a feature needs a reason"),
        ("[features.x]\natol = 0.1", "x widens the tolerance and needs a reason"),
        ("[features.x]\nrtol = 0.1\natol = 0.0", "x widens the tolerance and needs a reason"),
        ("[features.x]\natol = -1.0", ">= 0"),
        ('[features.x]\nkind = "f32"', "f32. widens the tolerance and needs a reason"),
        ('[features.x]\nkind = "rounded"\ndecimals = 2', "rounded. widens the tolerance and needs a reason"),
        ('[features.x]\nkind = "exact"\natol = 0.0', "and no two"),
        ('[features.x]\nkind = "f32"\nignore = true\nreason = "r"', "and no two"),
        (
            '[features.x]\nkind = "f32"\ndecimals = 2\nreason = "r"',
            'decimals belong to a rule of kind = "rounded"',
        ),
        ('[features.x]\nkind = "float"', "Invalid enum value"),
        ("atol = 0.1", "wider than shipped and needs a reason"),
        ("rtol = 1e-3", "wider than shipped and needs a reason"),
        ("score_atol = 1e-3", "wider than shipped and needs a reason"),
        ("score_rtol = 1e-3", "wider than shipped and needs a reason"),
        ('atol = 0.1\nreason = "r"\nexpires = "never"', "isoformat"),
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
    assert found.rule("x") == Band(0.5, 1e-9)
    assert found.rule("y") == Band(1e-12, 0.0)
    assert found.rule("z") == Band(1e-12, 1e-9)
    assert found.score == Band(1e-6, 0.0)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Tolerance(kind="exact"), Exact()),
        (Tolerance(kind="f32", reason="the store keeps float32"), Float32()),
        (Tolerance(kind="rounded", decimals=2, reason="cents"), Rounded(2)),
        (Tolerance(kind="rounded", reason="cents"), Rounded(None)),
    ],
)
def test_a_rule_has_a_kind(rule: Tolerance, expected: object) -> None:
    """Instead of a band."""
    assert Tolerances(features={"x": rule}).rule("x") == expected


def test_what_holds_for_every_feature_expires_too() -> None:
    """Then it is as shipped; tightening needs no reason."""
    wide = Tolerances(atol=0.5, score_atol=0.01, reason="a migration", expires="2026-03-31")
    assert wide.on(dt.date(2026, 3, 31)) == wide
    assert wide.on(dt.date(2026, 4, 1)) == Tolerances()
    assert Tolerances(atol=0.0, rtol=0.0).default == Band(0.0, 0.0)


@pytest.mark.parametrize("name", ["*", "hour*", "?our"])
def test_a_rule_for_many_features_is_refused(name: str) -> None:
    """It would silence more than the field it names."""
    with pytest.raises(ScenarioError, match=r"silence more than one feature.*one rule for each feature"):
        check_names(Tolerances(features={name: Tolerance(atol=0.0)}), ["weekday", "hour"])
    check_names(Tolerances(features={name: Tolerance(atol=0.0)}), ["weekday", name])


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
