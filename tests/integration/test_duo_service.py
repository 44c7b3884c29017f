"""The reference endpoint over a real socket: a process of its own on a free port."""

import contextlib
import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import lightgbm as lgb
import pyarrow.parquet as pq
import pytest

from scenarios.duo_acceptance.dataset import read_arrivals, read_prs, requests
from scenarios.duo_acceptance.features import CATEGORIES, build

SCENARIO = Path(__file__).parents[2] / "scenarios" / "duo_acceptance"
DATA = SCENARIO / "data"
CHAMPION = SCENARIO / "models" / "champion.txt"
COMMAND = [sys.executable, str(SCENARIO / "service.py"), "--port", "0"]


@contextlib.contextmanager
def endpoint(*options: str) -> Iterator[httpx.Client]:
    """A client of a freshly started endpoint, which is stopped afterwards."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:")
            with httpx.Client(base_url=line.removeprefix("listening on ").strip(), timeout=10) as client:
                yield client
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def healthy() -> Iterator[httpx.Client]:
    """The champion without bugs."""
    with endpoint("--name", "duo", "--version", "7") as client:
        yield client


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    """The body of every captured request."""
    column = pq.read_table(SCENARIO / "capture.parquet", columns=["body"])["body"]
    return [bytes(body) for body in column.to_pylist()]


def test_a_good_request_gets_the_offline_score_and_features(
    healthy: httpx.Client, bodies: list[bytes]
) -> None:
    """Score, decision and echoed features equal the offline side; identity and id are in the headers."""
    offline = build(requests(read_prs(DATA), read_arrivals(DATA)), DATA)
    booster = lgb.Booster(model_file=CHAMPION)
    for position in (0, 60, 3000, 7000):
        response = healthy.post("/score", content=bodies[position], headers={"x-debug-features": "1"})
        answer = response.json()
        row = offline.iloc[[position]]
        expected = {
            name: None if row[name].isna().item() else row[name].astype(object).item() for name in row.columns
        }
        assert answer["features"] == expected
        assert answer["score"] == booster.predict(row, num_threads=1)[0]
        assert answer["decision"] is (answer["score"] >= 0.60)
        assert answer["request_id"] == json.loads(bodies[position])["request_id"]
        assert response.headers["x-request-id"] == answer["request_id"]


def test_features_are_only_echoed_when_asked_for(healthy: httpx.Client, bodies: list[bytes]) -> None:
    """Without the header the body holds three keys."""
    assert set(healthy.post("/score", content=bodies[0]).json()) == {"request_id", "score", "decision"}


def test_every_response_names_the_model(healthy: httpx.Client, bodies: list[bytes]) -> None:
    """Good answers, refusals and unknown pages carry name, version, hash and timing."""
    sha256 = hashlib.sha256(CHAMPION.read_bytes()).hexdigest()
    for response in (
        healthy.post("/score", content=bodies[0]),
        healthy.post("/score", content=b"{"),
        healthy.get("/nowhere"),
        healthy.get("/health"),
    ):
        assert [response.headers[f"x-model-{part}"] for part in ("name", "version", "hash")] == [
            "duo",
            "7",
            sha256,
        ]
        assert math.isfinite(float(response.headers["server-timing"].removeprefix("app;dur=")))


def test_the_request_id_of_the_header_wins(healthy: httpx.Client, bodies: list[bytes]) -> None:
    """The client's X-Request-Id comes back as it was sent, also on a refusal."""
    for content in (bodies[0], b"{"):
        response = healthy.post("/score", content=content, headers={"x-request-id": "abc-1"})
        assert response.headers["x-request-id"] == "abc-1"


def test_health_says_which_model_is_served(healthy: httpx.Client) -> None:
    """GET /health is 200 with the model's identity."""
    answer = healthy.get("/health").json()
    assert answer["status"] == "ok"
    assert answer["model"]["hash"] == hashlib.sha256(CHAMPION.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"{", 400, "body is not JSON"),
        (b"", 400, "body is not JSON"),
        (b"[]", 400, "expected a JSON object, found list"),
        (b'{"request_id": NaN}', 400, "NaN is not JSON"),
        (b"[" * 60_000, 400, "body is not JSON"),
        (b"\xff", 400, "body is not JSON"),
        (b"{}", 422, "missing key 'request_id'"),
        (b'{"request_id": "r\\r\\nx: y"}', 422, "request_id: expected 1 to 128 printable ASCII"),
        (b'{"request_id": "r"}', 422, "missing key 'event_time'"),
        (b" " * 70_000, 413, "at most 65536 are read"),
    ],
    ids=["cut", "empty", "list", "nan", "deep", "binary", "no id", "header injection", "no time", "large"],
)
def test_bad_input_is_refused_with_a_reason(
    healthy: httpx.Client, content: bytes, *, status: int, says: str
) -> None:
    """A 4xx with one JSON error, and the endpoint goes on answering."""
    response = healthy.post("/score", content=content)
    assert response.status_code == status
    assert says in response.json()["error"]
    assert healthy.get("/health").status_code == httpx.codes.OK


def test_bugs_are_switched_on_by_the_command_line(bodies: list[bytes]) -> None:
    """From its start on, the early clock changes the echoed hour, and slow work shows in Server-Timing."""
    bugs = ("event_time_early:hours=1,since=2025-03-03T09:00:00Z", "slow:ms=25,mode=wait")
    with endpoint("--bug", bugs[0], "--bug", bugs[1]) as client:
        answers = [
            client.post("/score", content=bodies[i], headers={"x-debug-features": "1"}) for i in (0, 7000)
        ]
    sent_hours = [int(json.loads(bodies[i])["event_time"][11:13]) for i in (0, 7000)]
    hours = [answer.json()["features"]["hour_of_day"] for answer in answers]
    assert hours == [(sent_hours[0] + 1) % 24, sent_hours[1]]
    assert all(float(answer.headers["server-timing"].removeprefix("app;dur=")) >= 25 for answer in answers)


def test_the_rebuild_answers_as_the_champion_under_another_hash(
    healthy: httpx.Client, bodies: list[bytes]
) -> None:
    """Same scores to the last bit, another X-Model-Hash."""
    with endpoint("--model", "models/rebuild.txt") as rebuild:
        for body in bodies[::500]:
            one, other = healthy.post("/score", content=body), rebuild.post("/score", content=body)
            assert one.json() == other.json()
            assert one.headers["x-model-hash"] != other.headers["x-model-hash"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--model", "models/none.txt"], "none.txt"),
        (["--bug", "slwo:ms=1"], "unknown bug 'slwo'; did you mean 'slow'?"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_a_service_that_cannot_start_says_why_in_one_line(options: list[str], says: str) -> None:
    """No traceback: one line on stderr, and no address on stdout."""
    finished = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False)
    assert finished.returncode != 0
    assert finished.stdout == ""
    assert finished.stderr.startswith("cannot start: ")
    assert says in finished.stderr
    assert finished.stderr.count("\n") == 1


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/score", 405)])
def test_an_unknown_page_says_what_there_is(
    healthy: httpx.Client, method: str, *, path: str, status: int
) -> None:
    """404 and 405 are JSON errors too."""
    response = healthy.request(method, path)
    assert response.status_code == status
    assert "there is POST /score" in response.json()["error"]


def test_a_model_file_cut_in_half_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    """LightGBM crashes the process on such a file; the endpoint says so instead."""
    half = tmp_path / "half.txt"
    half.write_bytes(CHAMPION.read_bytes()[:100_000])
    finished = subprocess.run([*COMMAND, "--model", str(half)], capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert "half.txt is not a complete LightGBM text model (100000 bytes)" in finished.stderr


def test_categories_are_echoed_as_their_levels(healthy: httpx.Client, bodies: list[bytes]) -> None:
    """The echo holds the text the client sent, not a code."""
    sent = json.loads(bodies[0])
    echoed = healthy.post("/score", content=bodies[0], headers={"x-debug-features": "1"}).json()["features"]
    assert {name: echoed[name] for name in CATEGORIES} == {name: sent[name] for name in CATEGORIES}
