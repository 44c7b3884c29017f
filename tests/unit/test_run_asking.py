"""Ten requests asked of a live service: what is said of it, how often it is asked, and the exit code."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import TargetUnreachable
from harness.run.asking import ask
from tests.kit import small
from tests.kit.prepared import NOWHERE
from tests.kit.service import Answers, Service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small scenario's files."""
    return small.make(tmp_path / "scenario")


def asked(path: Path) -> tuple[list[str], int]:
    """What is said, and the exit code."""
    return ask(path, say=lambda _: None)


def other_class() -> Answers:
    """Answers of the other class."""
    answers = small.answers()
    for answer in answers.values():
        answer["score"] = 1 - answer["score"]
    return answers


def test_an_honest_service_is_asked_ten_times(folder: Path) -> None:
    """One by one, as JSON has no batches; nothing is kept."""
    with Service(small.answers(), model=small.model_hash()) as one:
        lines, code = asked(small.scenario(folder, one.url))
        assert len(set(one.seen)) == len(one.seen) == 10
    assert (lines, code) == (
        ["challenger, asked one by one: 10 of 10 scored as offline:model scores them."],
        0,
    )
    assert not (folder.parent / "results").exists()


def test_what_production_refused_is_not_asked(folder: Path) -> None:
    """The ten are of requests that it answered, wherever in the capture these are."""
    path = folder / "capture.jsonl"
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    refused = [line | {"recorded_response": {"status": 404}} for line in lines[:200]]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in refused + lines[200:]))
    with Service(small.answers(), model=small.model_hash()) as one:
        text = asked(small.scenario(folder, one.url))[0][0]
        assert set(one.seen) <= {line["request_id"] for line in lines[200:]}
    assert text == "challenger, asked one by one: 10 of 10 scored as offline:model scores them."


def test_only_the_build_under_test_decides_the_code(folder: Path) -> None:
    """A champion that is wrong is told, and is no reason to stop the build."""
    with Service(small.answers()) as right, Service(other_class()) as wrong:
        lines, code = asked(small.scenario(folder, right.url, more=small.champion(wrong.url)))
        assert code == 0
        assert "champion, asked one by one: The champion serves 1 − p as the score" in lines[1]
        lines, code = asked(small.scenario(folder, wrong.url, more=small.champion(right.url)))
    assert code == 10
    assert lines[0].endswith("read the other column of the answer.")


@pytest.mark.parametrize(
    ("mode", "says"),
    [("html", "all 10 failed: body is HTML"), ("500", "none of 10 answered: HTTP 500: boom")],
)
def test_failures_are_told(mode: str, says: str, folder: Path) -> None:
    """With their reason."""
    with Service(small.answers(), mode=mode) as one:
        lines, code = asked(small.scenario(folder, one.url))
    assert code == 10
    assert says in lines[0]


def test_a_service_in_trouble_is_left_alone(folder: Path) -> None:
    """After three connections that are reset."""
    with Service(small.answers(), mode="down:2") as one:
        lines, code = asked(small.scenario(folder, one.url))
        assert len(one.seen) < 10
    assert code == 10
    assert lines == ["challenger, asked one by one: 2 of 10 scored as offline:model scores them."]


def test_nobody_there_is_an_error(folder: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(TargetUnreachable):
        asked(small.scenario(folder, NOWHERE))
