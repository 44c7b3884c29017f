"""What a decoder cannot see: roles, models, phases, gates and times that do not fit each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ScenarioError
from harness.gates import LatencyP95
from harness.scenario.document import EXAMPLE
from harness.scenario.load import load

KIND = LatencyP95.__struct_config__.tag_field
CHAMPION = '\n[targets.champion]\nkind = "http"\nurl = "http://127.0.0.1:1/"\n'
LABELS = '\n[labels]\npath = "labels.csv"\n'


def complaint(folder: Path, text: str) -> str:
    """What is wrong with a scenario."""
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(folder / "scenario.toml")
    return caught.value.sentence()


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        (
            EXAMPLE.replace("targets.challenger", "targets.canary"),
            ["no target is the challenger", "found canary"],
        ),
        (
            EXAMPLE + CHAMPION + 'role = "challenger"\n',
            ["two targets are challenger", "challenger, champion"],
        ),
        (
            EXAMPLE.replace('model = "challenger"\n', ""),
            ["nothing to compare the challenger with", "[targets.champion]"],
        ),
        (
            EXAMPLE.replace('model = "challenger"\n', 'model = "chalenger"\n'),
            ["$.targets.challenger.model", "Did you mean"],
        ),
        (
            EXAMPLE.replace("[models.challenger]", "")
            .replace('file = "model.txt"', "")
            .replace('features = "features:build"', ""),
            ["unknown model 'challenger'", "[models.NAME]"],
        ),
        (EXAMPLE + LABELS, ["[labels]", "no target is the champion"]),
        (EXAMPLE.replace("127.0.0.1", "8.8.8.8"), ["may not be sent to this host"]),
        (EXAMPLE + 'method = "DELETE"\n', ["method", "DELETE"]),
        (
            EXAMPLE + '\n[[phases]]\nname = "a"\n[[phases]]\nname = "a"\n',
            ["two phases have one name", "found a"],
        ),
        (
            EXAMPLE + '\n[[phases]]\nname = "a"\npasses = 2\n',
            ["$.phases.a.passes", "a closed loop has one pass"],
        ),
        (EXAMPLE + '\n[live]\nshare = 0.1\nchampion = "challenger"\n', ["$.live: both arms", "one value"]),
        ("phases = []\n" + EXAMPLE, ["$.phases: no phase"]),
        (EXAMPLE + '\n[[phases]]\nname = "a"\ntargets = ["x"]\n', ["$.phases.a.targets: unknown target 'x'"]),
        (
            EXAMPLE + CHAMPION + '\n[[phases]]\nname = "a"\ntargets = ["champion"]\n',
            ["no phase sends anything to the challenger"],
        ),
        (
            EXAMPLE + f'\n[[gates]]\n{KIND} = "errors"\n[[gates]]\n{KIND} = "errors"\n',
            ["two gates of kind 'errors'", "scenario.toml: $.gates"],
        ),
        (EXAMPLE + '\n[decision]\nplanned_end = "soon"\n', ["$.decision.planned_end: 'soon'"]),
        (EXAMPLE + CHAMPION + LABELS + 'since = "2025-01-01T00:00:00"\n', ["$.labels.since", "no zone"]),
        (EXAMPLE + CHAMPION + LABELS + 'complete_until = "2025"\n', ["$.labels.complete_until: '2025'"]),
    ],
)
def test_parts_that_do_not_fit_are_told_with_their_place(
    text: str, needles: list[str], tmp_path: Path
) -> None:
    """Each is found before anything is read, and none is passed over."""
    line = complaint(tmp_path, text)
    assert [needle for needle in needles if needle not in line] == []


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        EXAMPLE + CHAMPION + LABELS,
        EXAMPLE.replace('model = "challenger"\n', "") + CHAMPION,
        EXAMPLE.replace("targets.challenger", "targets.canary") + 'role = "challenger"\n',
        EXAMPLE + 'method = "PUT"\n\n[safety]\nmethods = ["PUT"]\n',
        EXAMPLE.replace("8000", "{port}") + 'start = ["serve", "{port}"]\n',
    ],
)
def test_parts_that_fit_are_accepted(text: str, tmp_path: Path) -> None:
    """The checks refuse no more than they must."""
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path).under_test in {"challenger", "canary"}


def test_a_public_host_must_be_confirmed_beside_the_scenario(tmp_path: Path) -> None:
    """The scenario alone does not open it."""
    text = EXAMPLE.replace("127.0.0.1", "8.8.8.8") + '\n[safety]\nallow_hosts = ["8.8.8.8"]\n'
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"--allow-public 8\.8\.8\.8"):
        load(tmp_path)
    assert load(tmp_path, public=("8.8.8.8",)).scenario.safety.allow_hosts == ("8.8.8.8",)
