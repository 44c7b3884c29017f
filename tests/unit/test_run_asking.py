"""Ten requests asked of a live service: what is said of it, how often it is asked, and the exit code."""

from __future__ import annotations

from pathlib import Path

import lightgbm
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
    ("mode", "code", "says"),
    [
        ("html", 30, "all 10 failed: body is HTML"),
        ("500", 10, "none of 10 answered: HTTP 500: boom"),
    ],
)
def test_failures_are_told(mode: str, code: int, says: str, folder: Path) -> None:
    """With their reason; what asks the wrong service does not blame the build."""
    with Service(small.answers(), mode=mode) as one:
        lines, found = asked(small.scenario(folder, one.url))
    assert found == code
    assert says in lines[0]
    assert ("either the scenario asks it wrongly" in lines[0]) is (code == 30)


@pytest.mark.parametrize(
    ("champion", "other", "code"),
    [("", "", 10), ("html", "", 30), ("", 'protocol = { kind = "csv", ignore = ["*"] }\n', 30)],
)
def test_a_champion_tells_the_build_from_the_scenario(
    champion: str, other: str, code: int, folder: Path
) -> None:
    """One that takes what the build refuses, asked in the same words, is proof against the build."""
    with Service(small.answers(), mode="html") as build, Service(small.answers(), mode=champion) as today:
        path = small.scenario(folder, build.url, more=small.champion(today.url))
        text = path.read_text(encoding="utf-8")
        place = text.index("[targets.champion]")
        path.write_text(text[:place] + text[place:].replace("connections = 2\n", f"connections = 2\n{other}"))
        assert asked(path)[1] == code


def test_the_list_of_the_scenario_may_be_what_swaps_the_columns(folder: Path) -> None:
    """Then nothing tells the build from the scenario, and both are named."""
    model, bodies = lightgbm.Booster(model_file=folder / "model.txt"), small.captured()
    first, second, *rest = small.FEATURES
    answers = small.answers()
    for line in bodies:
        body = line["body"]
        row = [body[name] for name in (second, first, *rest)]
        answers[line["request_id"]]["score"] = float(model.predict([row])[0])
    with Service(answers, model=small.model_hash()) as one:
        path = small.scenario(folder, one.url)
        assert asked(path)[1] == 10
        columns = f"columns = {[second, first, *rest]}"
        listed = f'protocol = {{ kind = "json", form = "list", ignore = ["*"], {columns} }}\n'
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("connections = 2\n", f"connections = 2\n{listed}", 1), encoding="utf-8")
        lines, code = asked(path)
    assert code == 30
    assert (
        "But columns of [targets.challenger.protocol] differs from the order of the model model" in lines[0]
    )
    assert f"place 1 is {second} there and {first} in the model" in lines[0]


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


def test_an_answer_that_the_feature_log_lacks_leaves_nothing_out(folder: Path) -> None:
    """What is compared are the features that are there; of a service without a log they would be missing."""
    answers = small.answers()
    for i in range(0, small.REQUESTS, 2):
        del answers[small.request_id(i)]["features"]
    log = '\n[targets.challenger.feature_log]\npath = "log.jsonl"\nwait_s = 0\n'
    with Service(answers, model=small.model_hash()) as one:
        logged = asked(small.scenario(folder, one.url, more=log))
        shown = asked(small.scenario(folder, one.url))
    assert logged[0] == ["challenger, asked one by one: 10 of 10 scored as offline:model scores them."]
    assert " out: they differ on " in shown[0][0]
