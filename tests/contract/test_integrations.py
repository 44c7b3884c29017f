"""The manifests in docs/integrations: they parse, they fit the server, and they fall into no trap."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from msgspec.structs import replace

from harness import report as faces
from harness.cli.commands import cli
from harness.gate_server import kayenta
from harness.gate_server.flagger import Hook
from harness.records import Approval
from tests.kit import sample_report
from tests.kit.exposition import parse

HERE = Path(__file__).parents[2] / "docs" / "integrations"
FILES = sorted(path.name for path in HERE.glob("*.yaml"))


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a file."""
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all((HERE / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", FILES)
def test_a_manifest_parses_and_the_page_names_it(name: str) -> None:
    """Each is a mapping, and a reader finds it."""
    assert all(isinstance(document, dict) for document in documents(name))
    assert f"]({name})" in (HERE / "README.md").read_text(encoding="utf-8")


def test_every_hook_of_flagger_calls_the_url_of_its_type() -> None:
    """A rollback hook under another url would roll back what is good."""
    (canary,) = documents("flagger-canary.yaml")
    analysis = canary["spec"]["analysis"]
    hooks = {hook["type"]: hook for hook in analysis["webhooks"]}
    assert set(hooks) == {"confirm-rollout", "rollout", "rollback"}
    assert [hook["url"].rsplit("/", 1)[1] for hook in hooks.values()] == list(hooks)
    for hook in hooks.values():
        assert Hook.model_validate({"metadata": hook["metadata"]}).build()
        assert hook["timeout"] == "10s"


@pytest.mark.parametrize("name", ["argo-analysis-template.yaml", "kayenta.yaml"])
def test_a_failed_measurement_fails_the_rollout(name: str) -> None:
    """With a limit of 1 and a count of 1, a single failure would pass."""
    for metric in documents(name)[0]["spec"]["metrics"]:
        assert metric["failureLimit"] == 0


def test_argo_is_given_both_conditions_and_the_patience_to_wait() -> None:
    """And the body that the server reads; a limit of `count` would pass what never came to a verdict."""
    (metric,) = documents("argo-analysis-template.yaml")[0]["spec"]["metrics"]
    assert metric["successCondition"] == 'result.verdict == "pass"'
    assert metric["failureCondition"] == 'result.verdict == "fail"'
    assert metric["inconclusiveLimit"] == metric["count"] - 1
    web = metric["provider"]["web"]
    assert (web["method"], set(web["jsonBody"])) == ("POST", {"build", "scenario"})
    assert web["url"].endswith("/argo/verdict")


def test_the_thresholds_for_kayenta_are_let_through() -> None:
    """As Argo Rollouts sends them."""
    (metric,) = documents("kayenta.yaml")[0]["spec"]["metrics"]
    given = metric["provider"]["kayenta"]
    scopes = {
        s["name"]: {
            "controlScope": s["controlScope"],
            "experimentScope": s["experimentScope"] | {"scope": "b1"},
        }
        for s in given["scopes"]
    }
    body = kayenta.Execution.model_validate({"scopes": scopes, "thresholds": given["threshold"]})
    assert (body.build(), body.contradiction()) == ("b1", "")


def test_the_arguments_of_the_deployment_are_those_of_the_command() -> None:
    """One replica: two would start the same evaluation."""
    deployment, service = documents("gate-server.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    command, *arguments = container["args"]
    context = cli.commands[command].make_context(
        command, list(arguments), parent=click.Context(cli, **cli.context_settings)
    )
    assert context.params["host"] == "0.0.0.0"  # noqa: S104  -- in its own pod, with a token
    assert context.params["token_env"] == container["env"][0]["name"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    assert context.params["allow_hosts"] == (f"{name}.{namespace}",)
    assert deployment["spec"]["replicas"] == 1


def test_the_board_asks_for_metrics_that_there_are() -> None:
    """Every name in a query is one that a report has; no panel lies over another."""
    board = json.loads((HERE / "grafana-board.json").read_text(encoding="utf-8"))
    one = Approval(by="Ada", why="w", at="2026-11-22T07:00:00Z", word="NO-GO", sha256="", stands=True)
    report = replace(sample_report.fifty(), approvals=(one,))
    known = {name for name, _ in parse(faces.prometheus([report]))} | {"replaygate_latency_seconds_bucket"}
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked = {name for query in queries for name in re.findall(r"replaygate_\w+", query)}
    assert asked <= known
    cells = [
        (x, y)
        for panel in board["panels"]
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
