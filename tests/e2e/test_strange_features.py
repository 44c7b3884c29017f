"""A service whose features are wrong in every way at once: each kind is a finding, and nothing crashes."""

from __future__ import annotations

from pathlib import Path

from tests.kit import command, small
from tests.kit.command import report_of
from tests.kit.service import Service


def test_every_kind_of_strange_feature_is_a_named_finding(folder: Path, results: Path) -> None:
    """Missing, extra, another type here and there, NaN, infinities, and a text of a million characters."""
    wrong = small.answers()
    for i in range(small.REQUESTS):
        features = wrong[small.request_id(i)]["features"]
        del features["visits"]
        features["debug"] = ["nested", {"deep": i}]
        if i % 4 == 0:
            features["amount"] = "Infinity"
        elif i % 4 == 1:
            features["amount"] = "NaN"
        if i % 6 == 0:
            features["age"] = "x" * 1_000_000 if i == 0 else [str(i)]
    with Service(wrong, model=small.model_hash()) as service:
        path = small.scenario(folder, service.url, more=small.ONLY_PARITY)
        done = command.run("run", path, "--phase", "parity", "--results", results)
    report = report_of(command.only_run(results))
    assert done.code == 10, done.out + done.err
    found = {(tuple(one["fields"]), one["cause"]): one["requests"] for one in report["findings"]}
    assert found == {
        (("visits",), "missing"): small.REQUESTS,
        (("amount",), "infinite"): small.REQUESTS // 4,
        (("amount",), "nan"): small.REQUESTS // 4,
        (("age",), "wrong_type"): small.REQUESTS // 6,
        (("debug",), "extra"): small.REQUESTS,
    }
    assert "Latent skew" in done.out
    assert (
        max(map(len, (command.only_run(results) / "report.md").read_text(encoding="utf-8").split())) < 10_000
    )
