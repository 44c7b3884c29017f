"""The whole HTTP arm: captured requests through engine, wire and journal to outcomes, under every fault."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from harness.errors import TargetUnreachable
from harness.records import CapturedRequest, State
from harness.replay.clock import run_async
from harness.replay.engine import Options, ReplayCounts, replay
from harness.replay.journal import Journal, compact, read_journal
from harness.replay.schedule import Pace, Phase, Recorded, Saturate, plan
from replayers.faulty import BEHAVIOURS, Faulty, score_of
from replayers.http import HttpArm, HttpTarget, probe
from replayers.process import free_port

N = 40
SATURATE = Saturate(connections=4)
PHASE = Phase(name="phase", pace=SATURATE)
#: what a fault does to the outcomes of requests it hits; OK unless named
ENDINGS = {
    "html": (State.BAD_BODY, "body is HTML"),
    "500": (State.HTTP_ERROR, "HTTP 500: boom"),
    "500-then-close": (State.HTTP_ERROR, "HTTP 500: boom"),
    "422": (State.HTTP_ERROR, "HTTP 422: no such field"),
    "empty": (State.BAD_BODY, "body is empty"),
    "204": (State.BAD_BODY, "body is empty"),
    "list": (State.BAD_BODY, "body is a list"),
    "nan": (State.BAD_BODY, "score is NaN"),
    "null": (State.BAD_BODY, "score is null"),
    "text_nan": (State.BAD_BODY, "score is text 'NaN'"),
    "no_score": (State.BAD_BODY, "no field 'score'"),
    "cut_json": (State.BAD_BODY, "body is not JSON"),
    "redirect": (State.HTTP_ERROR, "HTTP 302"),
    "redirect_to": (State.HTTP_ERROR, "HTTP 302"),
    "huge": (State.BAD_BODY, "over 1048576 bytes"),
    "bomb": (State.BAD_BODY, "over 1048576 bytes"),
    "hang": (State.TIMEOUT, "no answer in time"),
    "half": (State.TIMEOUT, "the answer was not finished in time"),
    "loris": (State.TIMEOUT, "the answer was not finished in time"),
    "reset_after_head": (State.CONNECTION_ERROR, "reset in the middle of the answer"),
    "reset": (State.CONNECTION_ERROR, None),
    "truncated": (State.CONNECTION_ERROR, "closed in the middle of the answer"),
    "not_http": (State.CONNECTION_ERROR, "the answer is not HTTP/1.1"),
    "stranger": (State.BAD_BODY, "answer of another request"),
}


def captured(n: int = N) -> list[CapturedRequest]:
    """Requests two milliseconds apart."""
    return [
        CapturedRequest(seq=i, request_id=f"r{i}", ts_ns=i * 2_000_000, body=b'{"a": %d, "b": 0.1}' % i)
        for i in range(n)
    ]


async def replayed(
    urls: dict[str, str], folder: Path, *, pace: Pace
) -> tuple[ReplayCounts, dict[str, pa.Table]]:
    """The counts and, for each target, the outcomes of one phase."""
    requests = captured()
    phase = Phase(name="phase", pace=pace)
    schedule = plan(np.array([r.ts_ns for r in requests], np.int64), phase, resolution_ns=1, seed=0)
    arms = [
        HttpArm(HttpTarget(url=url, timeout_s=0.5, connections=4), name=name, run_id="run-1")
        for name, url in urls.items()
    ]
    journals = {arm.name: Journal(folder / arm.name / "journal.jsonl") for arm in arms}
    try:
        counts = await replay(
            schedule, requests, arms=arms, phase=phase, journals=journals, options=Options(seed=3)
        )
    finally:
        for journal in journals.values():
            journal.close()
    return counts, {
        arm.name: compact(read_journal(journals[arm.name].path), arm.parse, target=arm.name) for arm in arms
    }


@pytest.mark.parametrize("pace", [SATURATE, Recorded()])
def test_two_targets_answer_every_request(tmp_path: Path, pace: Pace) -> None:
    """Scores, features, identity and ids arrive for each request, in order, from both."""

    async def main() -> None:
        async with Faulty() as one, Faulty() as two:
            counts, tables = await replayed({"champion": one.url, "challenger": two.url}, tmp_path, pace=pace)
            assert counts.states == {name: {State.OK: N} for name in ("champion", "challenger")}
            for name, table in tables.items():
                rows = table.to_pylist()
                assert [row["seq"] for row in rows] == list(range(N)), name
                assert [row["score"] for row in rows] == [score_of(r.body) for r in captured()]
                assert rows[7]["features"] == b'{"a":7,"b":0.1}'
                assert (rows[7]["model"], rows[7]["echoed_id"]) == ("stub", "r7")
            assert {seen.headers["x-shadow-replay"] for seen in one.seen} == {"run-1"}
            assert len(one.seen) == len(two.seen) == N

    run_async(main)


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_each_request_ends_in_one_state_under_every_fault(tmp_path: Path, behaviour: str) -> None:
    """Every fourth request meets the fault: those end as they should, and no other request notices."""

    async def main() -> None:
        async with Faulty(every={4: behaviour}) as faulty:
            counts, tables = await replayed({"champion": faulty.url}, tmp_path, pace=SATURATE)
            hit = {s.headers["x-request-id"] for k, s in enumerate(faulty.seen, 1) if k % 4 == 0}
        rows = tables["champion"].to_pylist()
        assert sum(counts.states["champion"].values()) == len(rows) == N
        assert [row["seq"] for row in rows] == list(range(N))
        state, detail = ENDINGS.get(behaviour, (State.OK, ""))
        for row in rows:
            if row["attempts"] == 1 and row["echoed_id"] != "another" and f"r{row['seq']}" not in hit:
                assert (row["state"], row["detail"]) == (State.OK, ""), row
        ended = Counter((row["state"], row["detail"]) for row in rows if row["state"] != State.OK)
        if state is State.OK:
            assert ended == {}
        else:
            assert {s for s, _ in ended} <= {state}
            assert detail is None or {d for _, d in ended} == {detail}

    run_async(main)


@pytest.mark.parametrize("pace", [SATURATE, Recorded()])
def test_an_error_that_closes_is_not_charged_to_the_innocent(tmp_path: Path, pace: Pace) -> None:
    """A server that answers 500 and hangs up: exactly the requests it failed are errors."""

    async def main() -> None:
        async with Faulty(every={3: "500-then-close"}) as faulty:
            _, tables = await replayed({"champion": faulty.url}, tmp_path, pace=pace)
            failed = [s.headers["x-request-id"] for k, s in enumerate(faulty.seen, 1) if k % 3 == 0]
        rows = tables["champion"].to_pylist()
        assert sorted(f"r{row['seq']}" for row in rows if row["state"] == State.HTTP_ERROR) == sorted(failed)
        assert {row["state"] for row in rows} == {State.OK, State.HTTP_ERROR}

    run_async(main)


def test_a_target_that_is_down_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    """With its address and what to do; the other target has seen nothing."""

    async def main() -> None:
        async with Faulty() as faulty:
            down = f"http://127.0.0.1:{free_port()}/score"
            with pytest.raises(
                TargetUnreachable, match=r"127\.0\.0\.1.*refused.*Start the service"
            ) as caught:
                await replayed({"champion": faulty.url, "challenger": down}, tmp_path, pace=SATURATE)
            assert caught.value.exit_code == 69
            assert faulty.seen == []

    run_async(main)


@pytest.mark.parametrize(("ready", "status"), [("/health", 200), ("/faulty/500", 500), ("", None)])
def test_a_probe_is_content_with_any_answer(ready: str, status: int | None) -> None:
    """A service without a health page is still a service; without a path, a connection is enough."""

    async def main() -> None:
        async with Faulty() as faulty:
            assert await probe(HttpTarget(url=faulty.url, ready=ready)) == status

    run_async(main)


@pytest.mark.parametrize("ready", ["/health", ""])
def test_a_probe_of_nobody_says_so(ready: str) -> None:
    """TargetUnreachable, with the address."""

    async def main() -> None:
        with pytest.raises(TargetUnreachable, match="does not answer"):
            await probe(HttpTarget(url=f"http://127.0.0.1:{free_port()}/score", ready=ready))

    run_async(main)


@pytest.mark.parametrize("behaviour", ["ok", "echo"])
def test_a_secret_reaches_the_target_and_no_file(tmp_path: Path, behaviour: str) -> None:
    """The journal holds of the request nothing but its seq, and answers without the secrets they repeat."""

    async def main() -> None:
        async with Faulty(behaviour=behaviour) as faulty:
            target = HttpTarget(url=faulty.url, headers={"Authorization": "env:TOKEN"})
            arm = HttpArm(target, name="t", run_id="run-1", environ={"TOKEN": "s3cret"})
            requests, phase = captured(2), Phase(name="p")
            schedule = plan(np.zeros(2, np.int64), phase, resolution_ns=1, seed=0)
            with Journal(tmp_path / "j") as journal:
                await replay(schedule, requests, arms=[arm], phase=phase, journals={"t": journal})
            assert {seen.headers["authorization"] for seen in faulty.seen} == {"s3cret"}
        assert b"s3cret" not in (tmp_path / "j").read_bytes()

    run_async(main)


def test_a_redirect_to_another_host_is_an_answer_and_nothing_more(tmp_path: Path) -> None:
    """The other service, which is there and would answer, has seen no request."""

    async def main() -> None:
        async with Faulty() as elsewhere, Faulty(behaviour=f"redirect_to:{elsewhere.url}") as faulty:
            counts, tables = await replayed({"champion": faulty.url}, tmp_path, pace=SATURATE)
            assert (len(faulty.seen), elsewhere.seen, elsewhere.connections) == (N, [], 0)
        assert counts.states == {"champion": {State.HTTP_ERROR: N}}
        assert {row["status"] for row in tables["champion"].to_pylist()} == {302}

    run_async(main)


def test_an_absolute_url_in_the_capture_goes_nowhere(tmp_path: Path) -> None:
    """With captured paths, a request for another host is not sent, and says why; its neighbours are."""

    async def main() -> None:
        async with Faulty() as elsewhere, Faulty() as faulty:
            target = HttpTarget(url=faulty.url, path="captured")
            arm = HttpArm(target, name="t", run_id="run-1")
            paths = ["/a?b=c", elsewhere.url, "//127.0.0.1/x", "/a\r\nX-Evil: 1", "/d"]
            requests = [
                CapturedRequest(seq=k, request_id=f"r{k}", ts_ns=0, path=path, headers={"Host": "evil"})
                for k, path in enumerate(paths)
            ]
            requests.append(CapturedRequest(seq=5, request_id="r5\r\nX-Evil: 1", ts_ns=0))
            schedule = plan(np.zeros(6, np.int64), PHASE, resolution_ns=1, seed=0)
            with Journal(tmp_path / "j") as journal:
                await replay(schedule, requests, arms=[arm], phase=PHASE, journals={"t": journal})
            assert sorted(seen.path for seen in faulty.seen) == ["/a?b=c", "/d"]
            assert {seen.headers["host"] for seen in faulty.seen} == {f"127.0.0.1:{faulty.port}"}
            assert not any("x-evil" in seen.headers for seen in faulty.seen)
            assert elsewhere.connections == 0
        ends = {one.seq: (one.state, one.attempt) for one in read_journal(tmp_path / "j")}
        assert [ends[k] for k in (1, 2, 3, 5)] == [(State.NOT_SENT, 0)] * 4

    run_async(main)


def test_the_services_own_time_becomes_a_column(tmp_path: Path) -> None:
    """From Server-Timing, its app metric; nothing where the service says nothing."""

    async def main() -> None:
        async with Faulty(behaviour="timing") as told, Faulty() as silent:
            _, tables = await replayed({"a": told.url, "b": silent.url}, tmp_path, pace=SATURATE)
        assert set(tables["a"]["server_ns"].to_pylist()) == {12_500_000}
        assert set(tables["b"]["server_ns"].to_pylist()) == {None}

    run_async(main)


def test_the_probe_asks_the_address_that_was_checked() -> None:
    """Not the name again: the Host header still says the name."""

    async def main() -> None:
        async with Faulty() as faulty:
            await probe(HttpTarget(url=faulty.url.replace("127.0.0.1", "localhost")))
            assert [seen.headers["host"] for seen in faulty.seen] == [f"localhost:{faulty.port}"]

    run_async(main)
