"""Every protocol against a server that speaks it: built, sent, answered, read, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import msgspec
import pytest

from harness.errors import CaptureError
from harness.records import Attempt, CapturedRequest, Outcome, State
from harness.replay.arm import Reply
from harness.replay.clock import run_async
from replayers.http import HttpArm, HttpTarget
from replayers.protocols import Asked, Table
from tests.kit import model_servers as servers
from tests.kit.model_servers import COLUMNS, Served, score_of

ROW = {"radius": 20.48, "texture": 0.1 + 0.2, "area": 1306.0}
OTHERS = (
    {"radius": 5e-324, "texture": -0.0, "area": 1e22},
    {"radius": 1.7976931348623157e16, "texture": 3.0, "area": 2.5},
)
AREA = "1306"


@dataclass(frozen=True)
class Spoken:
    """A protocol, the server that speaks it, and what is known of the two."""

    server: servers.Speaking
    path: str
    protocol: dict[str, Any]
    target: dict[str, Any] = field(default_factory=dict)
    #: a captured body of this protocol, sent as it is
    own: object = None
    #: what an error to a row that is too short says
    refusal: str = "number of features in data (2)"
    echoes: bool = False


TENSORS = {
    "id": "of-production",
    "inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": list(ROW.values())}],
}
FRAME = {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())]}}
TF = {"signature_name": "serving_default"}
SPOKEN = {
    "json": Spoken(
        servers.fastapi,
        "/score",
        {"kind": "json", "form": "object"},
        {"template": '{"features": $body}'},
        refusal="body.features.area: Field required",
        echoes=True,
    ),
    "json-list": Spoken(
        servers.bentoml,
        "/predict",
        {"kind": "json", "form": "object"},
        {"template": '{"rows": [$body]}', "response": {"score": "[0]"}},
        refusal="",
    ),
    "mlserver": Spoken(servers.mlserver, "/v2/models/bc/infer", {"kind": "oip-v2"}, own=TENSORS, echoes=True),
    "mlserver-columns": Spoken(
        servers.mlserver, "/v2/models/bc/infer", {"kind": "oip-v2", "tensors": "columns"}, echoes=True
    ),
    "kserve-v2": Spoken(
        servers.kserve_v2, "/v2/models/bc/infer", {"kind": "oip-v2"}, own=TENSORS, echoes=True
    ),
    "kserve-v2-binary": Spoken(
        servers.kserve_v2,
        "/v2/models/bc/infer",
        {"kind": "oip-v2", "binary": True, "output": "output-0", "features_output": "seen"},
        echoes=True,
    ),
    "kserve-v1": Spoken(
        servers.kserve_v1,
        "/v1/models/bc:predict",
        {"kind": "instances"},
        own={"instances": [list(ROW.values())]},
    ),
    "kserve-v1-objects": Spoken(
        servers.kserve_v1, "/v1/models/bc:predict", {"kind": "instances", "form": "lists"}, refusal=""
    ),
    "tf-serving": Spoken(
        servers.tf_serving,
        "/v1/models/bc:predict",
        {"kind": "instances", **TF},
        own={**TF, "instances": [list(ROW.values())]},
    ),
    "tf-serving-columns": Spoken(
        servers.tf_serving,
        "/v1/models/bc:predict",
        {"kind": "instances", "form": "columns", **TF},
        own={**TF, "inputs": {name: [value] for name, value in ROW.items()}},
        refusal="",
    ),
    "vertex": Spoken(
        servers.vertex,
        "/v1/endpoint:predict",
        {"kind": "instances", "form": "object", "field": "scores"},
        own={"instances": [ROW]},
        refusal="The column ['area'] is required",
    ),
    "mlflow": Spoken(
        servers.mlflow, "/invocations", {"kind": "mlflow"}, own=FRAME, refusal="Failed to predict data"
    ),
    "mlflow-records": Spoken(
        servers.mlflow, "/invocations", {"kind": "mlflow", "form": "records"}, refusal="Failed to predict"
    ),
    "mlflow-inputs": Spoken(
        servers.mlflow, "/invocations", {"kind": "mlflow", "form": "inputs"}, refusal="Failed to predict"
    ),
    "databricks": Spoken(
        servers.mlflow,
        "/invocations",
        {"kind": "mlflow", "client_request_id": True, "form": "columns"},
        refusal="Failed to predict data",
    ),
    "sagemaker": Spoken(servers.sagemaker, "/invocations", {"kind": "csv"}, own=list(ROW.values())),
    "sagemaker-json": Spoken(
        servers.sagemaker, "/invocations", {"kind": "csv", "body": "json", "accept": "json"}
    ),
}


@pytest.fixture(params=SPOKEN)
def spoken(request: pytest.FixtureRequest) -> Spoken:
    """One protocol after another, or as a test names it."""
    return SPOKEN[request.param]


def those(applies: Callable[[Spoken], object]) -> pytest.MarkDecorator:
    """The protocols that a test is about."""
    names = [name for name, one in SPOKEN.items() if applies(one)]
    return pytest.mark.parametrize("spoken", names, indirect=True)


@pytest.fixture
def server(spoken: Spoken) -> Iterator[Served]:
    """Its server."""
    with Served(spoken.server) as served:
        yield served


def target(spoken: Spoken, server: Served | None = None, **protocol: object) -> HttpTarget:
    """The target as a scenario would declare it, at a server or nowhere."""
    declared = {"columns": COLUMNS, **spoken.protocol, **protocol}
    origin = server.origin if server else "http://127.0.0.1:1"
    plain = {"kind": "http", "url": origin + spoken.path, "protocol": declared, **spoken.target}
    return msgspec.convert(plain, HttpTarget)


def asked(one: HttpTarget, body: object, *, features: bool = False, again: str = "") -> Outcome:
    """The outcome of one captured body at the target; `again` asks under that id what is read under r-1."""
    captured = CapturedRequest(seq=3, request_id="r-1", ts_ns=0, body=_bytes(body))

    async def main() -> Outcome:
        arm = HttpArm(one, name="t", run_id="run")
        replies: list[Reply] = []
        done = anyio.Event()

        def note(reply: Reply) -> None:
            replies.append(reply)
            done.set()

        try:
            data = arm.prepare(captured, features=features)
            other = msgspec.structs.replace(captured, request_id=again, seq=4)
            arm.submit(arm.prepare(other, features=features) if again else data, note)
            await done.wait()
        finally:
            await arm.aclose()
        last = replies[0].final
        return arm.parse(
            Attempt(
                seq=3,
                phase="p",
                target="t",
                attempt=1,
                state=last.state,
                status=last.status,
                headers=last.headers,
                body=last.body,
                detail=last.detail,
            )
        )

    outcome: Outcome = run_async(main)
    return outcome


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def shuffled(row: dict[str, float]) -> dict[str, float]:
    """The same row, its names in another order."""
    return dict(reversed(row.items()))


def test_one_row_is_scored_to_the_last_bit(spoken: Spoken, server: Served) -> None:
    """Whatever order its names had, and with the id that the server repeats where it does."""
    for row in (ROW, *OTHERS):
        outcome = asked(target(spoken, server), shuffled(row))
        assert (outcome.state, outcome.detail) == (State.OK, "")
        assert outcome.score == score_of(list(row.values()))
        assert outcome.echoed_id == ("r-1" if spoken.echoes else None)


@those(lambda one: "template" not in one.target)
def test_several_rows_are_scored_in_their_order(spoken: Spoken, server: Served) -> None:
    """Built by the protocol and sent at once."""
    one = target(spoken, server)
    rows = tuple(tuple(row.values()) for row in (ROW, *OTHERS))
    call = one.protocol.build(Table(COLUMNS, rows), request_id="batch", features=False)
    answer = httpx.post(one.url, content=call.body, headers=dict(call.headers))
    found = one.protocol.read(answer.content, answer.headers, rows=len(rows))
    assert found == [score_of(row) for row in rows]


def test_a_missing_value_arrives_as_one(spoken: Spoken, server: Served) -> None:
    """In the spelling that this server takes."""
    for value in (None, float("nan")):
        outcome = asked(target(spoken, server), ROW | {"texture": value})
        assert outcome.score == score_of([20.48, None, 1306.0]), outcome.detail


@those(lambda one: one.own)
def test_a_body_of_the_protocol_is_sent_as_it_was_captured(spoken: Spoken, server: Served) -> None:
    """But for the id."""
    body = ",".join(map(repr, spoken.own)).encode() if isinstance(spoken.own, list) else _bytes(spoken.own)
    outcome = asked(target(spoken, server), body)
    assert outcome.score == score_of(list(ROW.values())), outcome.detail
    sent = server.seen[-1].body
    assert sent == body or json.loads(sent) == json.loads(body) | {"id": "r-1"}


@those(lambda one: one.refusal)
def test_an_error_is_told_in_the_words_of_the_server_without_the_input(
    spoken: Spoken, server: Served
) -> None:
    """The row is too short, which a wrong list of columns in the scenario would make it."""
    short = target(spoken, server, columns=COLUMNS[:2], ignore=("area",))
    outcome = asked(short, ROW)
    assert outcome.state is State.HTTP_ERROR
    assert spoken.refusal in outcome.detail
    assert AREA not in outcome.detail
    assert "20.48" not in outcome.detail


NO_ROWS: tuple[tuple[object, str], ...] = (
    ({"radius": 1.0, "area": 2.0}, "lacks columns; found no texture"),
    (ROW | {"user": "u"}, "does not expect; found user"),
    ({"data": {"ndarray": [[1.0, 2.0]]}}, "another number of values"),
    ({"rows": [ROW, ROW]}, "--explode"),
    ({"instances": [[1, 2, 3], [4, 5, 6]]}, "--explode"),
    ({"user": {"id": 1}}, "."),
    (b"<html>", "neither JSON nor CSV"),
    (b"\xff\xfe", "not text"),
)


def test_what_is_no_row_of_these_columns_is_never_sent(spoken: Spoken) -> None:
    """It is a loss with its reason."""
    arm = HttpArm(target(spoken), name="t", run_id="run")
    for body, what in NO_ROWS:
        captured = CapturedRequest(seq=3, request_id="r-1", ts_ns=0, body=_bytes(body))
        with pytest.raises(CaptureError, match=what):
            arm.prepare(captured, features=False)


def test_an_answer_to_another_request_is_a_bad_body(spoken: Spoken, server: Served) -> None:
    """Where the protocol repeats the id; the others cannot show it."""
    outcome = asked(target(spoken, server), ROW, again="r-2")
    expected = (State.BAD_BODY, "answer of another request") if spoken.echoes else (State.OK, "")
    assert (outcome.state, outcome.detail) == expected


NO_SCORES: tuple[tuple[bytes, str], ...] = (
    (b"", "body is empty"),
    (b"<html><body>It works</body></html>", "HTML"),
    (b'{"detail": "hello"}', "."),
    (b"null", "."),
    (b"[]", "."),
    (b'{"predictions": []}', "."),
    (b'{"predictions": [0.5, 0.5]}', "."),
    (b'{"predictions": [{"a": 1, "b": 2}]}', "."),
    (b'{"predictions": [[[]]]}', "."),
    (b'{"outputs": [{"name": "predict", "shape": [2], "data": [1]}]}', "."),
    (b'{"outputs": [{"name": "predict"}]}', "."),
    (b'{"outputs": [{"name": "predict", "shape": [], "data": [1]}]}', "."),
    (b'{"outputs": [[]]}', "."),
    (b'{"outputs": [{"name": "predict", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]}', "."),
    (b'{"outputs": {"a": [1], "b": [2]}}', "."),
    (b"0.1,0.2,0.3", "."),
    (b"abc", "."),
    (b"\xff", "."),
)


def test_an_answer_without_one_score_is_a_bad_body(spoken: Spoken) -> None:
    """And says what is wrong; nothing is raised."""
    one = msgspec.convert(
        {"kind": "http", "url": "http://127.0.0.1:1/x", "protocol": spoken.protocol, **spoken.target},
        HttpTarget,
    )
    arm = HttpArm(one, name="t", run_id="run")
    for answer, says in NO_SCORES:
        attempt = Attempt(seq=1, phase="p", target="t", attempt=1, state=State.OK, status=200, body=answer)
        outcome = arm.parse(attempt)
        assert (outcome.state, outcome.score) == (State.BAD_BODY, None), answer
        assert outcome.detail
        assert says.replace(".", "") in outcome.detail


@those(lambda one: not one.protocol.get("binary"))
def test_an_infinity_is_sent_where_it_can_be_said(spoken: Spoken) -> None:
    """JSON has no word for it."""
    arm = HttpArm(target(spoken, missing="null"), name="t", run_id="run")
    captured = CapturedRequest(seq=3, request_id="r", ts_ns=0, body=_bytes(ROW | {"area": float("inf")}))
    if spoken.server is servers.sagemaker and spoken.protocol.get("body") != "json":
        assert arm.prepare(captured, features=False).endswith(b",inf")
        return
    with pytest.raises(CaptureError, match="infinity"):
        arm.prepare(captured, features=False)
    said = target(spoken, missing="nan").protocol.call(Asked(captured.body, "r"))
    assert b"Infinity" in said.body


@pytest.mark.parametrize(
    ("name", "changes"),
    [("json", {}), ("mlserver", {"features_output": "features", "output": "predict"})],
)
def test_features_are_shown_where_they_are_asked_for(name: str, changes: dict[str, object]) -> None:
    """By a header that a service knows, or as an output of their own."""
    one = SPOKEN[name]
    with Served(one.server) as server:
        shown = asked(target(one, server, **changes), ROW, features=True)
        bare = asked(target(one, server, **changes), ROW)
    assert json.loads(shown.features or b"{}") == ROW
    assert (bare.features, shown.score) == (None, bare.score)


def test_a_model_is_named_by_the_answer_or_by_nobody(spoken: Spoken, server: Served) -> None:
    """A version by name is no identity; a header with a hash is."""
    outcome = asked(target(spoken, server), ROW)
    assert outcome.model == ("ab" * 32 if spoken.server is servers.fastapi else None)
