"""Which redacted places feed a model: found by name, by another value, by a pipeline that breaks on one."""

import gzip
from pathlib import Path

import msgspec
import pytest

from harness.capture.live.redaction import TAG
from harness.capture.table import to_table
from harness.records import CapturedRequest, RecordedResponse, RedactedInput
from harness.run import comparing, deciding, redacted
from harness.run.deciding import PHASES
from harness.run.folder import RunFolder
from harness.run.preparing import load_models, prepare
from harness.run.redacted import as_known, as_shown, redacted_inputs
from harness.run.replaying import take_recorded
from harness.scenario import load
from replayers.offline import OfflineModel, OfflineReplayer
from replayers.protocols import OipV2
from replayers.recorded import RecordedTarget, recorded_outcomes
from replayers.selectors import Response
from tests.kit import small
from tests.kit.prepared import Prepared

PIPELINE = """\
TABLE = {"u1": 5.0}

def build(requests, data):
    built = requests[["amount", "age"]].astype(float)
    mails = [(body.get("user") or {}).get("mail") for body in requests["_body"]]
    built["amount"] += [1.0 if str(mail).endswith(".org") else 0.0 for mail in mails]
    names = [(body.get("user") or {}).get("name") for body in requests["_body"]]
    built["visits"] = [TABLE.get(name, 0.0) for name in names]
    return built[["amount", "age", "visits"]]
"""


@pytest.fixture
def replayer(tmp_path: Path) -> OfflineReplayer:
    """A model whose pipeline reads the end of an address, and looks a name up."""
    folder = small.make(tmp_path / "scenario")
    (folder / "features.py").write_text(PIPELINE, encoding="utf-8")
    return OfflineReplayer(OfflineModel(file="model.txt", features="features:build"), folder, name="m")


def inputs(replayer: OfflineReplayer, *places: str) -> dict[str, tuple[str, ...]]:
    """What is found where these places were redacted, in two of three requests."""
    body = msgspec.json.encode(
        {"amount": 1, "age": 2, "visits": 0, "user": {"mail": "[email]", "name": "h_a"}, "note": "[card]"}
    )
    tags = {TAG: msgspec.json.encode(places).decode()}
    requests = [
        CapturedRequest(seq=n, request_id=f"r{n}", ts_ns=n, unit="u", body=body, tags=tags if n else {})
        for n in range(3)
    ]
    found = redacted_inputs(to_table(requests), replayer)
    assert all((one.requests, one.of) == (2, 3) for one in found)
    return {one.place: one.features for one in found}


def test_what_feeds_the_model_is_found(replayer: OfflineReplayer) -> None:
    """By the feature's own name, by another value, by a look-up that breaks; what nobody reads is not."""
    places = (
        "body:age",
        "body:user.mail",
        "body:user.name",
        "body:note",
        "features:visits",
        "features:other",
        "answer:x",
        "header x",
        "unit",
        "query.a",
    )
    assert inputs(replayer, *places) == {
        "body:age": ("age",),
        "body:user.mail": ("amount",),
        "body:user.name": (),
        "features:visits": ("visits",),
    }


def test_what_cannot_be_asked_about_is_taken_for_one_that_feeds(
    replayer: OfflineReplayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that was changed, and one place too many: no evidence is never a pass."""
    assert inputs(replayer, "body:$", "features:$") == {"body:$": (), "features:$": ()}
    monkeypatch.setattr(redacted, "MOST_PLACES", 1)
    assert inputs(replayer, "body:note", "body:note2") == {"body:note2": ()}


def test_a_unit_that_is_read_feeds_the_model(replayer: OfflineReplayer, tmp_path: Path) -> None:
    """The pipeline sees it as a column."""
    text = PIPELINE.replace(
        "    return", '    built["age"] += [float(str(u) == "DE") for u in requests["unit"]]\n    return'
    )
    (tmp_path / "scenario" / "features.py").write_text(text, encoding="utf-8")
    again = OfflineReplayer(replayer.config, tmp_path / "scenario", name="m")
    assert inputs(again, "unit") == {"unit": ("age",)}


def test_a_capture_that_was_not_redacted_asks_nothing() -> None:
    """Its pipeline is not called."""
    plain = to_table([CapturedRequest(seq=0, request_id="r", ts_ns=0, tags={"a": "b"})])
    assert redacted_inputs(plain, None) == ()  # type: ignore[arg-type]


def test_a_redacted_input_is_an_artefact() -> None:
    """It is read back as it was written."""
    one = RedactedInput(place="body:a", requests=1, of=2, features=("a",))
    assert msgspec.json.decode(msgspec.json.encode(one), type=RedactedInput) == one


def known(places: list[str], **given: object) -> CapturedRequest:
    """A request that was redacted there, as a recorded arm takes it."""
    tags = {TAG: msgspec.json.encode(places).decode()}
    request = CapturedRequest(seq=0, request_id="r", ts_ns=0, tags=tags, **given)  # type: ignore[arg-type]
    (one,) = as_known([request])
    return one


@pytest.mark.parametrize(
    ("place", "features"),
    [
        ("features:device", b'{"device": {"redacted":true}, "a b": 3}'),
        ('features:"a b".c', b'{"device": "[ip]", "a b": {"redacted":true}}'),
        ("features:other", b'{"device": "[ip]", "a b": 3}'),
        ("answer:device", b'{"device": "[ip]", "a b": 3}'),
        ("features:$", b'{"redacted":true}'),
        ("features:no [path", b'{"redacted":true}'),
    ],
)
def test_logged_features_that_were_redacted_are_marked(place: str, features: bytes) -> None:
    """By name; all of them where a name was changed itself. The rest stays byte for byte."""
    one = known(
        [place, "body:device"], body=b'{"device": 0}', online_features=b'{"device": "[ip]", "a b": 3}'
    )
    assert (one.online_features, one.body) == (features, b'{"device": 0}')


OIP = OipV2(output="predict", features_output="f", columns=("a", "b"))
TENSORS = (
    b'{"outputs":[{"name":"predict","shape":[1,1],"datatype":"FP64","data":[0.5]},'
    b'{"name":"f","shape":[1,2],"datatype":"FP64","data":[0,3.0]}]}'
)
ECHO = b'{"score": 0.5, "features": {"a": 0, "b": 3.0}}'


@pytest.mark.parametrize(
    ("target", "body", "place", "features"),
    [
        (RecordedTarget(), ECHO, "answer:features.a", b'{"a":{"redacted":true},"b":3.0}'),
        (RecordedTarget(), gzip.compress(ECHO), "answer:features.a", b'{"a":{"redacted":true},"b":3.0}'),
        (RecordedTarget(), ECHO, "answer:features.c", b'{"a":0,"b":3.0}'),
        (RecordedTarget(), ECHO, "answer:note", b'{"a":0,"b":3.0}'),
        (RecordedTarget(), ECHO, "features:a", b'{"a":0,"b":3.0}'),
        (RecordedTarget(), ECHO, "answer:features", b'{"redacted":true}'),
        (RecordedTarget(), ECHO, "answer:$", b'{"redacted":true}'),
        (RecordedTarget(response=Response(features="features | @")), ECHO, "answer:x", b'{"redacted":true}'),
        (RecordedTarget(protocol=OIP), TENSORS, "answer:outputs[].data[]", b'{"redacted":true}'),
        (RecordedTarget(protocol=OIP), TENSORS, "body:a", b'{"a":0.0,"b":3.0}'),
    ],
)
def test_features_that_a_recorded_answer_echoes_are_marked(
    target: RecordedTarget, body: bytes, place: str, features: bytes
) -> None:
    """After the answer was unpacked and read; all of them where the place does not say which."""
    answer = RecordedResponse(status=200, body=body)
    one = known([place], body=b"{}", recorded_response=answer)
    (outcome,) = recorded_outcomes(target, [one], name="t", phase="p", shown=as_shown(target))
    assert outcome.score == 0.5
    assert outcome.features is not None
    assert msgspec.json.decode(outcome.features) == msgspec.json.decode(features)


def test_features_in_a_header_of_the_answer_are_marked() -> None:
    """Where the rule is for that header."""
    target = RecordedTarget(response=Response(features="header:x-f"))
    answer = RecordedResponse(status=200, body=b'{"score": 1}', headers={"x-f": '{"a":1}'})
    shown = as_shown(target)
    assert shown(known(["answer header x-f"], recorded_response=answer), b'{"a":1}') == b'{"redacted":true}'
    assert shown(known(["answer:a"], recorded_response=answer), b'{"a":1}') == b'{"a":1}'


@pytest.mark.parametrize("role", ["challenger", "champion"])
@pytest.mark.parametrize(("tagged", "ruling"), [(True, "UNDECIDED"), (False, "FAIL")])
def test_masked_features_are_no_skew(role: str, ruling: str, *, tagged: bool, tmp_path: Path) -> None:
    """Nor agreement: of a recorded build that logged them, of a champion a live build is held against."""
    made, right = small.make(tmp_path / "scenario"), small.answers()
    rows = [
        row
        | {"online_features": right[row["request_id"]]["features"] | ({"amount": 0.0} if n % 2 else {})}
        | {"recorded_response": {"status": 200, "body": {"score": right[row["request_id"]]["score"]}}}
        | {"tags": {TAG: '["features:amount"]'} if tagged and n % 2 else {}}
        for n, row in enumerate(small.captured())
    ]
    small.write_lines(made / "capture.jsonl", rows)
    recorded = '\n[targets.champion]\nkind = "recorded"\nmodel = "model"\n' if role == "champion" else ""
    path = small.scenario(made, "http://127.0.0.1:9/score", more=recorded + small.ONLY_PARITY)
    if role == "challenger":
        text = path.read_text(encoding="utf-8")
        text = text.replace('kind = "http"\nurl = "http://127.0.0.1:9/score"', 'kind = "recorded"')
        path.write_text(text.replace("timeout_s = 20\nconnections = 2\n", ""), encoding="utf-8")
    run = RunFolder(tmp_path / "run")
    run.root.mkdir()
    loaded = load(path)
    said: list[str] = []
    prepared = prepare(
        loaded, run, replayers=load_models(loaded), created_at="2025-04-01T12:00:00Z", say=said.append
    )
    assert any("without [capture.redact]" in line for line in said) is tagged
    take_recorded(loaded, run, say=lambda _: None)
    here = Prepared(run, loaded, prepared.models())
    if role == "champion":
        here.answer("challenger", right)
    run.save(PHASES, ())
    comparing.compare(run, loaded, models=None)
    report = deciding.judge(run, loaded, as_of_ns=1_760_000_000 * 10**9, created_at="then")
    found = {gate.arm: gate.ruling for gate in report.gates if gate.gate == "feature_parity"}
    assert ruling in found.values(), found
    assert ruling == "FAIL" or "FAIL" not in found.values(), found
