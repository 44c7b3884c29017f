"""`replaygate plan`: what is needed to decide, said before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import command, small

POOR = '\n[models.poor]\nfile = "poor.txt"\nfeatures = "features:build"\n'
#: nobody listens there: a plan sends nothing
NOWHERE = "http://127.0.0.1:9/score"


@pytest.fixture
def scenario(folder: Path) -> Path:
    """An improvement over a poorer champion, with labels and an outcome of numbers beside them."""
    rows = [row | {"eur": 2.0} for row in small.labelled()]
    small.write_lines(folder / "labels.jsonl", rows)
    more = small.champion(NOWHERE, model="poor") + small.labels() + POOR
    more += '[labels.outcomes.label]\n[labels.outcomes.eur]\nmetric = "value"\nrole = "guardrail"\n'
    return small.scenario(folder, NOWHERE, more=more + '[decision]\nrelease = "improvement"\n')


def test_a_plan_says_what_is_needed_for_each_gate(scenario: Path) -> None:
    """Each outcome with its test, a line for each effect, and a test that looks once beside it."""
    done = command.run("plan", scenario, "--runs", 20, "--effect", "label=-0.3", "--effect", "label=0")
    assert done.code == 0, done.err
    assert "outcome label: log loss, challenger − champion, better" in done.out
    assert "true harm -0.3: in this capture PASS" in done.out
    assert "no harm at all: in this capture PASS" in done.out
    assert "a test that looks once needs" in done.out
    assert "say how they spread with --sd eur=VALUE" in done.out
    assert "latency in latency, requests over 120 ms" in done.out
    assert done.out.rstrip().endswith("Nothing was sent.")
    assert "20 runs at a true harm of" in done.err


def test_a_spread_that_is_given_plans_an_outcome_of_numbers(scenario: Path) -> None:
    """And the same seed gives the same plan."""
    arguments = (
        "plan",
        scenario,
        "--runs",
        20,
        "--sd",
        "eur=0.5",
        "--effect",
        "eur=1",
        "--effect",
        "label=-1",
    )
    done, again = command.run(*arguments), command.run(*arguments)
    assert "true harm +1: in this capture PASS 0%, FAIL" in done.out
    assert done.out == again.out


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--effect", "label"), "'label' is not NAME=NUMBER"),
        (("--effect", "label=much"), "'label=much' is not NAME=NUMBER"),
        (("--sd", "=1"), "'=1' is not NAME=NUMBER"),
        (("--sd", "label=nan"), "is not NAME=NUMBER"),
        (("--effect", "lable=1"), "the scenario has no outcome 'lable'"),
        (("--runs", "1"), "--runs"),
        (("--sd", "label=-1"), "--sd label is no spread"),
        (("--sd", "label=0"), "--sd label is no spread"),
        (("--sd", "label=1e300"), "--sd label is no spread"),
        (("--effect", "label=-1e308"), "--effect label is no effect"),
    ],
)
def test_what_cannot_be_planned_is_told_in_one_line(
    scenario: Path, option: tuple[str, str], told: str
) -> None:
    """With the exit code of a mistyped command."""
    done = command.run("plan", scenario, *option)
    assert done.code == 64
    assert told in done.err


def test_equal_arms_need_no_plan(folder: Path) -> None:
    """The same model on both sides passes by identity."""
    small.write_lines(folder / "labels.jsonl", small.labelled())
    path = small.scenario(folder, NOWHERE, more=small.champion(NOWHERE) + small.labels())
    done = command.run("plan", path, "--runs", 20)
    assert "both arms score every request alike" in done.out, done.err
