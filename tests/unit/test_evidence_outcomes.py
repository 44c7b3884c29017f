"""Outcomes as a scenario writes them: what may go together, and the levels each is judged at."""

import msgspec
import pytest

from harness.evidence import LabelsConfig, Levels, Plan, plans
from harness.evidence.processes import Asymptotic, Betting, GroupSequential

LEVELS = Levels(go=0.06, nogo=0.01)


def decoded(text: str) -> LabelsConfig:
    """A [labels] table."""
    return msgspec.toml.decode(text, type=LabelsConfig)


def planned(text: str, *, parity_release: bool = False) -> tuple[Plan, ...]:
    """Its plans."""
    return plans(decoded(text), threshold=0.5, levels=LEVELS, parity_release=parity_release)


SEVERAL = """
delay_days = 3
[outcomes.bought]
[outcomes.revenue]
metric = "value"
column = "eur"
[outcomes.helpful]
role = "guardrail"
metric = "brier"
delay_days = 0.5
[outcomes.returned]
role = "watched"
"""


def test_the_default_is_one_outcome_named_label() -> None:
    """A [labels] table without outcomes asks for the column `label` by its log loss."""
    (plan,) = planned('path = "l.csv"')
    assert (plan.name, plan.outcome.metric, plan.outcome.role) == ("label", "log_loss", "success")
    assert plan.delay_days == 7.0


def test_alpha_is_shared_by_successes_and_whole_for_guardrails() -> None:
    """Two success metrics have half of it each, since either is enough; a guardrail has all."""
    found = {plan.name: (plan.levels.go, plan.superiority, plan.goal) for plan in planned(SEVERAL)}
    assert found["bought"] == found["revenue"] == (0.03, True, 0.0)
    assert found["helpful"] == (0.06, False, 0.01)
    assert {plan.levels.nogo for plan in planned(SEVERAL)} == {0.01}


def test_in_a_parity_release_nothing_has_to_be_better() -> None:
    """The same model cannot be: its successes are guardrails at the whole level."""
    assert {(p.levels.go, p.superiority) for p in planned(SEVERAL, parity_release=True)} == {(0.06, False)}


def test_an_outcome_may_have_its_own_delay() -> None:
    """A rating is there in hours, a return in days."""
    assert [plan.delay_days for plan in planned(SEVERAL)] == [3.0, 3.0, 0.5, 3.0]


def test_what_is_watched_is_not_judged() -> None:
    """It takes no part of the level."""
    assert list(decoded(SEVERAL).judged()) == ["bought", "revenue", "helpful"]


def test_other_tuning_is_another_test() -> None:
    """Whatever may change a look is in the title that looks are kept by."""
    tunings = (
        "",
        "margin = 0.02",
        'metric = "brier"',
        'test = { kind = "asymptotic", planned_units = 400 }',
        'test = { kind = "betting", clip = 0.5 }',
        'test = { kind = "betting", clip = 0.4 }',
        'test = { kind = "group_sequential", planned_units = 400 }',
        'test = { kind = "group_sequential", planned_units = 400, spending = "pocock" }',
    )
    titles = [
        planned(f'[outcomes.a]\nrole = "guardrail"\n{tuning}', parity_release=False)[0].title
        for tuning in tunings
    ]
    assert len(set(titles)) == len(tunings)
    other = plans(
        decoded("[outcomes.a]"), threshold=0.5, levels=Levels(go=0.06, nogo=0.02), parity_release=True
    )
    assert other[0].title not in titles


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("outcomes = {}", "leave it out"),
        ('[outcomes.a]\nmetric = "auc"\ntest = { kind = "betting" }', "use asymptotic"),
        ('[outcomes.a]\nmargin = 0.2\ntest = { kind = "betting", clip = 0.1 }', "below the clip"),
        ('[outcomes.a]\nbetter = "lower"', "a direction of its own"),
        ("[outcomes.a]\nmargin = 0", "margin"),
        ('[outcomes.a]\ntest = { kind = "group_sequential" }', "planned_units"),
        ('[outcomes.a]\nrole = "hero"', "role"),
    ],
)
def test_what_cannot_be_is_refused(text: str, told: str) -> None:
    """With a sentence that says what to write."""
    with pytest.raises(msgspec.ValidationError, match=told):
        decoded(text)


@pytest.mark.parametrize("test", [Asymptotic(), Betting(), GroupSequential(planned_units=10)])
def test_every_test_names_its_source(test: Asymptotic | Betting | GroupSequential) -> None:
    """A reader can look it up."""
    assert any(name in test.method() for name in ("Waudby-Smith", "Lan"))


@pytest.mark.parametrize(
    ("text", "harm"),
    [
        ('metric = "auc"', "AUC, champion − challenger"),
        ('metric = "value"', "value, champion − challenger"),
        ('metric = "value"\nbetter = "lower"', "value, challenger − champion"),
    ],
)
def test_harm_is_spelled_with_its_sign(text: str, harm: str) -> None:
    """Positive is worse, and the words say of whom minus whom."""
    assert decoded(f"[outcomes.a]\n{text}").outcomes["a"].harm == harm
