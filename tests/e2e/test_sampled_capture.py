"""A capture that kept some requests more often than others: what the run says of its traffic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit import command, small
from tests.kit.service import Service

LATE = "2025-05-01T00:00:00Z"
#: every third request is from France, kept whenever it came; of the others one in nine was kept
HEAVY = 9.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A challenger that is wrong on one heavy request of 240, its run and what it printed."""
    here = tmp_path_factory.mktemp("sampled")
    folder, wrong = small.make(here / "scenario"), small.answers()
    rows = small.captured()
    for i, row in enumerate(rows):
        row["sampling_weight"] = HEAVY if i % 3 else 1.0
    small.write_lines(folder / "capture.jsonl", rows)
    spoiled = wrong[small.request_id(1)]
    spoiled["features"]["amount"] += 1
    spoiled["score"] = 1 - spoiled["score"]
    with (
        Service(small.answers(), model=small.model_hash()) as one,
        Service(wrong, model=small.model_hash()) as two,
    ):
        more = small.champion(one.url) + small.ONLY_PARITY + small.labels()
        path = small.scenario(folder, two.url, more=more)
        done = command.run("run", path, "--results", here / "results", "--as-of", LATE)
    assert done.code in {0, 10, 20}, done.out + done.err
    return command.only_run(here / "results"), done.out


def test_every_page_says_once_that_it_is_a_sample(run: tuple[Path, str]) -> None:
    """The weights and what they leave: (160 * 9 + 80)^2 / (160 * 81 + 80) = 177 of 240."""
    folder, printed = run
    words = "The capture is a sample: weights 1 to 9; n_eff 177 of 240."
    pages = {name: (folder / name).read_text(encoding="utf-8") for name in ("report.md", "report.html")}
    assert " ".join(printed.split()).count(words) == 1
    assert pages["report.md"].count(words) == 1
    assert pages["report.html"].count(words) == 1
    for page in (" ".join(printed.split()), *pages.values()):
        assert page.count("Weights up to 9 were seen; a larger one") == 1
    assert "narrow: state max_weight under [capture]." in " ".join(printed.split())
    assert "the 240 requests tell as much as about 177 kept alike would" in pages["report.html"]
    assert "Shares of the traffic" in pages["report.md"]


def test_counts_are_exact_and_shares_are_weighted(run: tuple[Path, str]) -> None:
    """One of 240 requests is .42 %; it stands for 9 of 1,520, .59 %, and nothing bounds it as if alike."""
    report = json.loads((run[0] / "report.json").read_text(encoding="utf-8"))
    assert report["sample"] == {
        "requests": 240,
        "low": 1.0,
        "high": HEAVY,
        "mean": pytest.approx(1520 / 240),
        "effective": pytest.approx(1520**2 / (160 * 81 + 80)),
        "most": None,
    }
    (pair,) = (p for p in report["pairs"] if p["right"] == "challenger" and p["left"].startswith("offline"))
    assert (pair["feature_mismatches"], pair["compared"]) == (1, 240)
    assert pair["traffic"]["features"]["value"] == pytest.approx(9 / 1520)
    assert pair["traffic"]["fields"] == {"amount": pytest.approx(9 / 1520)}
    assert {field["upper"] for field in pair["fields"]} == {None}


def test_every_metric_on_labels_is_weighted(run: tuple[Path, str]) -> None:
    """The note says so, and the read-out that counts pairs is not there."""
    report = json.loads((run[0] / "report.json").read_text(encoding="utf-8"))
    (quality,) = report["quality"]
    assert "every request counts by its sampling weight" in quality["note"]
    assert "McNemar" not in json.dumps(quality)
    shares = {row["level"]: row["share"] for row in quality["segments"] if row["segment"] == "country"}
    assert shares.keys() <= {"de", "fr"}
    assert all(
        share == pytest.approx({"de": 18 / 19, "fr": 1 / 19}[level]) for level, share in shares.items()
    )


def test_a_phase_says_that_its_requests_are_a_sample(run: tuple[Path, str]) -> None:
    """A closed loop has no pace of the log's, so only the share of slow traffic is told."""
    report = json.loads((run[0] / "report.json").read_text(encoding="utf-8"))
    thin = {row["phase"]: row["thin"] for row in report["latency"]}
    assert thin["parity"]["factor"] is None
    assert 0.0 <= thin["parity"]["slow"] <= 1.0
