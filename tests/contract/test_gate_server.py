"""Each protocol as its callers speak it, over a real server: exact bodies and statuses, no false pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.gate_server import Limits
from harness.gate_server.protection import Rules
from harness.run.folder import RunFolder
from tests.kit import gate
from tests.kit.exposition import parse, value
from tests.kit.written_runs import approve, write_run

BUILDS = {"go": "GO", "bad": "NO-GO", "wait": "WAIT", "void": "INVALID"}


def _spoiled(results: Path, build: str, spoil: Callable[[RunFolder], object]) -> None:
    """A run of a build that was a GO before something happened to its folder."""
    spoil(write_run(results, "GO", build=build))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each verdict, and runs that are half written, damaged or newer."""
    path = tmp_path_factory.mktemp("gate") / "results"
    for build, word in BUILDS.items():
        write_run(path, word, build=build)  # type: ignore[arg-type]
    write_run(path, None, build="half")
    _spoiled(path, "torn", lambda run: run.report.write_bytes(run.report.read_bytes()[:500]))
    _spoiled(path, "edited", lambda run: run.report.write_bytes(run.report.read_bytes() + b" "))
    _spoiled(path, "newer", lambda run: run.save("report.json", {"schema_version": 99}))
    _spoiled(path, "newer-run", lambda run: run.save("run.json", {"schema": 99}))
    _spoiled(path, "no-manifest", lambda run: (run.root / "MANIFEST.jsonl").unlink())
    _spoiled(path, "fifo", lambda run: run.report.unlink())
    return path


#: hooks under the URL of another, with builds that this other would let through
_MIXED_UP = dict.fromkeys(("confirm-rollout", "pre-rollout", "rollout"), ("rollback", "go"))
_MIXED_UP["rollback"] = ("rollout", "bad")
BROKEN = ("half", "torn", "edited", "newer", "newer-run", "no-manifest", "fifo", "never-heard-of")


@pytest.fixture(scope="module")
def client(results: Path) -> Iterator[httpx.Client]:
    """A server that may start nothing."""
    with gate.serving(results) as client:
        yield client


def hook(phase: str, checksum: str, **metadata: str) -> dict[str, Any]:
    """The body that Flagger sends (pkg/controller/webhook.go)."""
    return {
        "name": "shop",
        "namespace": "prod",
        "phase": phase,
        "checksum": checksum,
        "metadata": metadata,
    }


HOOKS = {
    "confirm-rollout": {"go": 200, "bad": 403, "wait": 403, "void": 403},
    "pre-rollout": {"go": 200, "bad": 409, "wait": 409, "void": 409},
    "rollout": {"go": 200, "bad": 409, "wait": 409, "void": 409},
    "rollback": {"go": 403, "bad": 200, "wait": 403, "void": 403},
}


@pytest.mark.parametrize("phase", HOOKS)
def test_flagger_goes_on_after_go_alone_and_rolls_back_after_no_go_alone(
    phase: str, client: httpx.Client
) -> None:
    """And the first line says why."""
    for build, status in HOOKS[phase].items():
        answer = client.post(f"/flagger/{phase}", json=hook(phase, build))
        assert answer.status_code == status, (build, answer.text)
        assert answer.text.startswith(f"{BUILDS[build]}: ")
        assert len(answer.content) <= 1024


@pytest.mark.parametrize("phase", HOOKS)
@pytest.mark.parametrize("build", BROKEN)
def test_flagger_never_goes_on_or_back_without_a_verdict(
    phase: str, build: str, client: httpx.Client
) -> None:
    """Half written, damaged, newer, unknown: a 4xx that is not 429, so that its text is shown."""
    answer = client.post(f"/flagger/{phase}", json=hook(phase, build))
    assert answer.status_code in {403, 409}
    assert answer.text


@pytest.mark.parametrize("phase", HOOKS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda phase: {"name": "shop", "namespace": "prod", "phase": phase}, id="no checksum"),
        pytest.param(lambda phase: hook(phase, "", build="--results=x"), id="an option for a build"),
        pytest.param(lambda phase: hook(*_MIXED_UP[phase]), id="called as another phase"),
        pytest.param(lambda phase: hook(phase, "x") | {"metadata": [1]}, id="metadata of another shape"),
        pytest.param(lambda _: [], id="no object"),
    ],
)
def test_flagger_is_refused_when_it_asks_for_nothing(
    phase: str, body: Callable[[str], Any], client: httpx.Client
) -> None:
    """A webhook under the wrong URL would roll back what is good."""
    assert 400 <= client.post(f"/flagger/{phase}", json=body(phase)).status_code < 429


def test_the_metadata_names_build_and_scenario(client: httpx.Client) -> None:
    """Before the checksum does, which CI does not know."""
    named = hook("rollout", "5d9c7f8b9", build="go", scenario="shop")
    assert client.post("/flagger/rollout", json=named).status_code == 200
    named["metadata"]["scenario"] = "hotel"
    assert client.post("/flagger/rollout", json=named).status_code == 409


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_argo_is_always_answered_with_an_object_of_three_verdicts(method: str, client: httpx.Client) -> None:
    """A status other than 2xx would be an error and not a measurement."""
    expected = {"go": "pass", "bad": "fail"}
    for build in (*BUILDS, *BROKEN):
        if method == "GET":
            answer = client.get("/argo/verdict", params={"build": build})
        else:
            answer = client.post("/argo/verdict", json={"build": build})
        body = answer.json()
        assert (answer.status_code, body["verdict"]) == (200, expected.get(build, "inconclusive")), build
        assert (body["pass"], body["fail"]) == (build == "go", build == "bad")
        assert body["reason"]
        assert len(answer.content) < 4096


def test_argo_is_given_the_score_the_size_and_the_place_of_the_report(client: httpx.Client) -> None:
    """What a metric shows in the AnalysisRun."""
    body = client.get("/argo/verdict", params={"build": "bad"}).json()
    assert (body["score"], body["n"], body["word"]) == (0, 7122, "NO-GO")
    assert body["report_url"] == f"https://reports.example/r/shop/{body['run_id']}/report.html"


def test_a_script_is_answered_200_for_a_pass_alone(client: httpx.Client) -> None:
    """So that `curl --fail` is enough."""
    statuses = {build: client.get(f"/verdict/{build}").status_code for build in (*BUILDS, *BROKEN)}
    missing = {build: 404 for build in ("newer-run", "never-heard-of") if statuses[build] == 404}
    assert statuses == dict.fromkeys((*BUILDS, *BROKEN), 409) | {"go": 200} | missing
    assert statuses["never-heard-of"] == 404


def execution(build: str) -> dict[str, Any]:
    """The body that Argo Rollouts sends to Kayenta (metricproviders/kayenta)."""
    side = {"region": "us-west-2", "step": 60, "start": "2026-11-22T06:00:00Z", "end": "2026-11-22T07:00:00Z"}
    return {
        "scopes": {
            "default": {
                "controlScope": {"scope": "app=shop", **side},
                "experimentScope": {"scope": build, **side},
            }
        },
        "thresholds": {"pass": 90, "marginal": 70},
    }


def scored(client: httpx.Client, build: str) -> tuple[bool, int | None]:
    """The three calls in the order in which Argo Rollouts makes them."""
    asked = {"application": "shop", "configurationAccountName": "store"}
    (config,) = [c for c in client.get("/canaryConfig", params=asked).json() if c["name"] == "shop"]
    begun = client.post(f"/canary/{config['id']}", params=asked, json=execution(build))
    assert begun.status_code == 200, begun.text
    answer = client.get(f"/canary/{begun.json()['canaryExecutionId']}")
    assert answer.status_code == 200
    body = answer.json()
    return body["complete"], body["result"]["judgeResult"]["score"]["score"] if body["complete"] else None


@pytest.mark.parametrize(("build", "score"), [("go", 100), ("bad", 0), ("wait", 70), ("void", 70)])
def test_kayentas_callers_read_a_score(build: str, score: int, client: httpx.Client) -> None:
    """Successful, Failed, Inconclusive."""
    assert scored(client, build) == (True, score)


@pytest.mark.parametrize("build", BROKEN[:-2])
def test_kayentas_callers_read_no_pass_from_a_broken_run(build: str, client: httpx.Client) -> None:
    """It is not complete, or marginal."""
    begun = client.post("/canary/shop", json=execution(build))
    if begun.status_code == 200:
        assert scored(client, build) in {(True, 70), (False, None)}
    else:
        assert begun.status_code == 409


def test_kayentas_callers_are_refused_what_cannot_be_evaluated(client: httpx.Client) -> None:
    """409 with the reason; an unknown config or execution is a 404."""
    refused = client.post("/canary/shop", json=execution("never-heard-of"))
    assert refused.status_code == 409
    assert "no such scenario to run" in refused.json()["error"]
    assert client.post("/canary/hotel", json=execution("go")).status_code == 404
    assert client.get("/canary/made-up").status_code == 404


def test_the_metrics_are_of_the_newest_run_of_each_scenario(client: httpx.Client) -> None:
    """In the text format, whatever else lies in the folder."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    series = parse(answer.text)
    assert value(series, "replaygate_verdict", scenario="shop", verdict="INVALID") == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403), ({}, 200)],
)
def test_other_hosts_and_origins_are_refused(
    headers: dict[str, str], status: int, client: httpx.Client
) -> None:
    """A page in a browser cannot ask."""
    assert client.get("/verdict/go", headers=headers).status_code == status


def test_a_large_body_is_refused(client: httpx.Client) -> None:
    """With and without its length."""
    assert client.post("/flagger/rollout", content=b"x" * 70_000).status_code == 413
    assert client.post("/flagger/rollout", content=iter([b"x" * 35_000] * 2)).status_code == 413


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[" * 60_000, b'{"checksum": "\\ud800"}', b'{"checksum": 1e999}', b"null"],
)
def test_what_is_no_json_is_refused(content: bytes, client: httpx.Client) -> None:
    """Never a 500."""
    for path in ("/flagger/rollout", "/argo/verdict", "/canary/shop"):
        answer = client.post(path, content=content, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 429, answer.text


@pytest.mark.parametrize(
    "path",
    ["/verdict/../../etc/passwd", "/verdict/%2e%2e%2f", "/verdict/a%00b", "/verdict/", "/canary/%ff", "/x"],
)
def test_odd_paths_find_nothing(path: str, client: httpx.Client) -> None:
    """Never a file, never a 500."""
    assert 400 <= client.get(path).status_code < 429


def test_a_build_is_evaluated_in_the_background_and_then_passes(tmp_path: Path) -> None:
    """Pending until the run has its verdict; the stand-in writes none, so that the test does."""
    stand_in, results = gate.program(tmp_path / "stand_in"), tmp_path / "results"
    results.mkdir()
    with gate.serving(results, {"shop": tmp_path / "s.toml"}, stand_in=stand_in) as client:
        first = client.post("/flagger/pre-rollout", json=hook("pre-rollout", "b1"))
        assert (first.status_code, first.text[:9]) == (409, "pending: ")
        assert scored(client, "b1") == (False, None)
        assert client.post("/flagger/rollback", json=hook("rollback", "b1")).status_code == 403
        write_run(results, "GO", build="b1")
        (tmp_path / "stand_in" / "code").write_text("0", encoding="utf-8")
        _until(lambda: client.get("/verdict/b1").status_code == 200)
        assert client.post("/flagger/pre-rollout", json=hook("pre-rollout", "b1")).status_code == 200
        assert scored(client, "b1") == (True, 100)


def test_an_evaluation_that_breaks_is_inconclusive_with_its_reason(tmp_path: Path) -> None:
    """Never a pass, and not for ever pending."""
    stand_in, results = gate.program(tmp_path / "stand_in"), tmp_path / "results"
    results.mkdir()
    (tmp_path / "stand_in" / "code").write_text("69", encoding="utf-8")
    limits = Limits(again_after_s=1000)
    with gate.serving(results, {"shop": tmp_path / "s.toml"}, stand_in=stand_in, limits=limits) as client:
        client.post("/argo/verdict", json={"build": "b1"})
        _until(lambda: client.get("/argo/verdict?build=b1").json()["state"] == "inconclusive")
        body = client.post("/argo/verdict", json={"build": "b1"}).json()
        assert "error: it went wrong" in body["reason"]
        assert client.post("/flagger/rollout", json=hook("rollout", "b1")).status_code == 409
        assert scored(client, "b1") == (True, 70)


def test_a_token_is_asked_for_on_every_route_but_health(results: Path) -> None:
    """Also for the contract itself."""
    with gate.serving(results, rules=Rules(token="0123456789abcdef")) as client:  # noqa: S106  -- of this test
        for path in ("/verdict/go", "/metrics", "/openapi.json", "/canaryConfig"):
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("flagger", "0123456789abcdef")).status_code == 200
        assert client.get("/healthz").text == "ok"


def test_approvals_count_only_where_the_server_was_told_so(tmp_path: Path) -> None:
    """A person's word is not everybody's policy."""
    run = write_run(tmp_path, "NO-GO", build="b1")
    approve(run)
    for accepted, status in ((False, 409), (True, 200)):
        with gate.serving(tmp_path, approvals=accepted) as client:
            assert client.get("/verdict/b1").status_code == status


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
