"""A loaded scenario knows its roles, its gates in force and its digest, which any tuning changes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.gates import DEFAULT_GATES, LatencyP95
from harness.replay.schedule import Phase
from harness.scenario import Loaded, Scenario, load
from harness.scenario.document import EXAMPLE

OPEN_LOOP = '\n[[phases]]\nname = "{}"\npace = {{ kind = "recorded" }}\n'
KIND = LatencyP95.__struct_config__.tag_field
RECORDED = '\n[targets.log]\nkind = "recorded"\nmodel = "challenger"\nrole = "champion"\n'


def loaded(folder: Path, text: str = EXAMPLE) -> Loaded:
    """A scenario of this text."""
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    return load(folder)


def test_everything_but_three_tables_has_a_default(tmp_path: Path) -> None:
    """Two phases, all gates, a parity release at threshold one half."""
    scenario = loaded(tmp_path).scenario
    assert [p.name for p in scenario.phases] == ["parity", "latency"]
    assert loaded(tmp_path).gates == DEFAULT_GATES
    assert (scenario.threshold, scenario.decision.release, scenario.labels) == (0.5, "parity", None)


def test_roles_go_by_role_and_else_by_name(tmp_path: Path) -> None:
    """A recorded log may be the champion; phases send to HTTP targets only, unless they name some."""
    found = loaded(tmp_path, EXAMPLE + RECORDED)
    assert (found.under_test, found.champion) == ("challenger", "log")
    assert found.phase_targets(Phase(name="p")) == ("challenger",)
    assert found.phase_targets(Phase(name="p", targets=("x",))) == ("x",)
    assert loaded(tmp_path).champion is None


def test_models_that_nobody_must_match_are_left_alone(tmp_path: Path) -> None:
    """An unused model need not even exist."""
    text = EXAMPLE + '\n[models.unused]\nfile = "nowhere.txt"\nfeatures = "x:y"\n'
    assert loaded(tmp_path, text).models() == ("challenger",)


@pytest.mark.parametrize(
    ("more", "tests"),
    [
        ("", 1),
        (RECORDED + '\n[labels]\npath = "l.csv"\n', 2),
        ('\n[[phases]]\nname = "a"\n', 0),
        (
            OPEN_LOOP.format("a") + OPEN_LOOP.format("b"),
            2,
        ),
        (OPEN_LOOP.format("a") + "passes = 7\n", 1),
        ("\n[live]\nshare = 0.05\n", 3),
    ],
)
def test_tests_that_may_fail_by_chance_are_counted(more: str, tests: int, tmp_path: Path) -> None:
    """One a judged open-loop phase, one for labels, two for a live canary: they share the NO-GO level."""
    assert loaded(tmp_path, EXAMPLE + more).statistical_tests() == tests


@pytest.mark.parametrize(
    "text",
    [
        "seed = 1\n" + EXAMPLE,
        "threshold = 0.51\n" + EXAMPLE,
        EXAMPLE + "timeout_s = 3\n",
        EXAMPLE + f'\n[[gates]]\n{KIND} = "latency_p95"\nbudget_ms = 121\n',
        EXAMPLE + "\n[decision]\nalpha_go = 0.04\n",
    ],
)
def test_any_tuning_changes_the_digest(text: str, tmp_path: Path) -> None:
    """Changed tuning is another test, and has another name."""
    plain = loaded(tmp_path).digest
    assert loaded(tmp_path, text).digest != plain


def test_what_changes_nothing_keeps_the_digest(tmp_path: Path) -> None:
    """A default written out, blanks and comments are the same scenario."""
    plain = loaded(tmp_path).digest
    written = f'# a comment\nseed = 0\n{EXAMPLE}\n[[gates]]\n{KIND} = "latency_p95"\nbudget_ms = 120\n'
    assert loaded(tmp_path, written).digest == plain


def test_the_plain_form_holds_every_gate_with_its_values(tmp_path: Path) -> None:
    """A run keeps its tuning when a default changes later."""
    gates = loaded(tmp_path).plain()["gates"]
    assert len(gates) == len(DEFAULT_GATES)
    assert next(g for g in gates if g[KIND] == "latency_p95")["budget_ms"] == LatencyP95().budget_ms


def test_every_word_of_a_scenario_is_explained() -> None:
    """The schema has a description for each word that the scenario itself owns."""
    schema = msgspec.json.schema(Scenario)["$defs"]["Scenario"]["properties"]
    bare = [word for word, entry in schema.items() if not (entry.get("description") or "").endswith(".")]
    assert bare == []


def test_a_narrowed_scenario_cuts_every_phase_and_is_another_test(tmp_path: Path) -> None:
    """`--first` keeps the smaller of both cuts, changes the digest, and nothing without it."""
    whole = loaded(tmp_path)
    assert whole.narrowed(None) is whole
    cut = whole.narrowed(5)
    assert {phase.first for phase in cut.scenario.phases} == {5}
    assert cut.narrowed(9).scenario.phases == cut.scenario.phases
    assert cut.digest != whole.digest


def test_every_pass_of_a_phase_is_sent(tmp_path: Path) -> None:
    """Passes are phases to the run, and one phase in the scenario, which reads back as it was written."""
    whole = loaded(tmp_path, EXAMPLE + OPEN_LOOP.format("a") + "passes = 3\n" + OPEN_LOOP.format("b"))
    assert [phase.name for phase in whole.phases()] == ["a", "a.2", "a.3", "b"]
    assert [phase.name for phase in whole.judged_phases()] == ["a", "b"]
    assert msgspec.convert(whole.plain(), Scenario).phases == whole.scenario.phases
