"""What SageMaker's data capture says in its own words, and what of it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.capture.formats import Asked, Dropped, Labelled
from tests.kit import captures


def sagemaker(**changes: object) -> dict[str, Any]:
    """A record of SageMaker with some words of its input changed."""
    side: dict[str, object] = {"observedContentType": "text/csv", "data": "1,2", "encoding": "CSV"}
    event = {"eventId": "e", "inferenceTime": "2024-01-19T19:27:57Z", "customAttributes": ["a", "b"]}
    return {"captureData": {"endpointInput": side | changes}, "eventMetadata": event, "eventVersion": "0"}


def test_sagemaker_folders_name_endpoint_variant_and_the_hour_of_labels(tmp_path: Path) -> None:
    """The label of an hour is known by its end; the client's id goes before SageMaker's."""
    truth = {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "e"}}
    found = captures.pieces("sagemaker", tmp_path / "ep/v1/2024/01/19/19/x.jsonl", sagemaker(), truth)
    assert isinstance(found[0], Asked)
    assert found[0].request.served_by == {"endpoint": "ep", "variant": "v1"}
    assert found[0].request.headers["X-Amzn-SageMaker-Custom-Attributes"] == "a,b"
    assert found[0].request.ts_resolution_ns == 10**9
    assert isinstance(found[1], Labelled)
    assert found[1]._replace(offset=None) == Labelled("e", 1.0, 1_705_694_399 * 10**9, 10**9)
    assert found[1].offset == len(json.dumps(sagemaker())) + 1
    (later,) = captures.pieces("sagemaker", tmp_path / "ep/v1/2024/01/19/19/3015.jsonl", truth)
    assert later == Labelled("e", 1.0, (1_705_690_800 + 30 * 60 + 15) * 10**9, 10**9, offset=0)
    (copied,) = captures.pieces("sagemaker", tmp_path / "x.jsonl", truth)
    assert isinstance(copied, Labelled)
    assert copied.resolution_ns == 3_600 * 10**9


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (sagemaker(encoding="BASE64", data="*"), "wrong value"),
        ({"captureData": {}, "eventMetadata": {"eventId": "e"}}, "no body"),
        ({"captureData": 7, "eventMetadata": {"eventId": "e"}}, "wrong type"),
        ({"eventMetadata": {"eventId": "e"}}, "wrong field"),
        ({"eventMetadata": {}}, "wrong field"),
        ({"groundTruthData": {"data": "1,2"}, "eventMetadata": {"eventId": "e"}}, "wrong value"),
    ],
)
def test_sagemaker_refuses(tmp_path: Path, record: object, reason: str) -> None:
    """And reads on: a bad line costs itself."""
    bad, good = captures.pieces(
        "sagemaker", tmp_path / "x.jsonl", record, sagemaker(encoding="BASE64", data="/w==")
    )
    assert isinstance(bad, Dropped)
    assert bad.reason == reason
    assert isinstance(good, Asked)
    assert good.request.body == b"\xff"


def test_an_answer_of_sagemaker_has_no_status_of_its_own(tmp_path: Path) -> None:
    """A record says that it was delivered; one without an answer says nothing."""
    with_answer = sagemaker()
    side = {"observedContentType": "text/csv", "data": "0.5", "encoding": "CSV"}
    with_answer["captureData"]["endpointOutput"] = side
    found = captures.pieces("sagemaker", tmp_path / "x.jsonl", sagemaker(), with_answer)
    assert [one.request.tags for one in found if isinstance(one, Asked)] == [{}, {"status_from": "assumed"}]
