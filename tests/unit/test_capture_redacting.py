"""Requests on their way into a capture: sampled by the names they came with, then redacted, then counted."""

from pathlib import Path

import pytest

from harness.capture.formats import Labelled
from harness.capture.live.redaction import Redactor, redacted_places
from harness.capture.live.rules import Rules
from harness.capture.live.sampling import Sample, Sampler
from harness.capture.live.texts import is_token
from harness.capture.redacting import (
    Preparation,
    counted,
    read_policy,
    redacted,
    redactor_of,
    sample_of,
    searcher,
    told,
)
from harness.capture.table import rows, to_table
from harness.errors import UsageError
from harness.records import CapturedRequest, RecordedResponse

KEY = b"a key of at least 16 bytes"
RULES = Rules(key="env:K", classes={"email": "hash"}, paths={"test": "drop_request"})


def request(seq: int, **given: object) -> CapturedRequest:
    """A request with these fields."""
    return CapturedRequest(**{"seq": seq, "request_id": f"r{seq}", "ts_ns": seq, **given})  # type: ignore[arg-type]


WHOLE = request(
    0,
    unit="bob@x.org",
    headers={"X-User": "u", "accept": "a"},
    body=b'{"mail":"bob@x.org"}',
    online_features=b'{"mail":"bob@x.org","x":1}',
    feature_timestamps=b'{"f_bob@x.org":1750000000123000000}',
    recorded_response=RecordedResponse(
        status=200, headers={"Set-Cookie": "c"}, body=b'["bob@x.org"]', latency_ns=7
    ),
)


def test_all_parts_of_a_request_are_redacted_and_the_rest_is_the_same() -> None:
    """The recorded answer and the logged features too."""
    redactor = Redactor(RULES, KEY)
    after = redacted(WHOLE, redactor)
    assert after is not None
    token = redactor.means.token("bob@x.org").encode()
    assert after.unit == token.decode()
    assert (after.body, after.headers) == (b'{"mail":"%s"}' % token, {"accept": "a"})
    assert after.online_features == b'{"mail":"%s","x":1}' % token
    assert (
        after.feature_timestamps
        == b'{"%s":1750000000123000000}' % redactor.means.token("f_bob@x.org").encode()
    )
    assert after.recorded_response == RecordedResponse(status=200, body=b'["%s"]' % token, latency_ns=7)
    assert redacted_places(after.tags) == [
        "answer:[]",
        "body:mail",
        "feature_timestamps:$",
        "features:mail",
        "unit",
    ]


@pytest.mark.parametrize("rules", [None, RULES])
def test_a_request_without_anything_is_the_very_same(rules: Rules | None) -> None:
    """Features that were not logged stay unknown."""
    plain = request(0, body=b"{}", headers={"accept": "a"})
    assert redacted(plain, Redactor(rules, KEY)) == plain


def test_seq_is_dense_over_what_is_left() -> None:
    """Whatever sampling and rules leave out."""
    preparation = Preparation(Redactor(RULES, KEY), Sampler(Sample(share=0.5)))
    given = [request(n, body=b'{"test":1}' if n % 3 == 0 else b"{}") for n in range(60)]
    found = list(preparation.requests(given))
    assert [one.seq for one in found] == list(range(len(found)))
    assert {one.sampling_weight for one in found} == {2.0}
    assert preparation.sampler is not None
    assert preparation.sampler.kept == len(found) + preparation.redactor.dropped["rule for body:test"]


@pytest.mark.parametrize("plain", [True, False])
def test_tables_are_as_requests(*, plain: bool) -> None:
    """By column where only headers are looked at, else by row; counts are the same."""
    given = [WHOLE, request(1, headers={"x-user": "v", "X-Y": "1"}), request(2)]
    rules = None if plain else Rules(classes={"email": "keep"}, keep_values=("bob@x.org",))
    by_row, by_table = (Preparation(Redactor(rules)) for _ in range(2))
    assert by_row.plain == plain
    assert list(by_row.requests(given)) == list(rows(by_table.tables([to_table(given)])))
    assert (
        by_row.redactor.lost_headers
        == by_table.redactor.lost_headers
        == {"x-user": 2, "set-cookie": 1, "x-y": 1}
    )


def test_labels_have_the_ids_that_their_requests_were_written_with() -> None:
    """By the rule for ids, by their class, and where a rule took the id out of a body; else they stay."""
    preparation = Preparation(Redactor(Rules(key="env:K", paths={"user": "hash"}), KEY))
    given = [request(0), request(1, request_id="bob@x.org"), request(222, body=b'{"user":"r222"}')]
    ids = [one.request_id for one in preparation.requests(given)]
    labels = preparation.labels([Labelled(one.request_id, 1.0, 0) for one in given])
    assert [one.request_id for one in labels] == ids
    assert ids[0] == "r0"
    assert ids[2] != "r222"
    no_key = Preparation(Redactor(Rules()))
    assert [
        one.request_id for one in no_key.labels([Labelled("r", 1.0, 0), Labelled("bob@x.org", 1.0, 0)])
    ] == ["r"]
    assert Preparation().labels([Labelled("bob@x.org", 1.0, 0)]) == [Labelled("bob@x.org", 1.0, 0)]


@pytest.mark.parametrize("key", [KEY, b""])
def test_labels_of_requests_that_were_not_written_tell_no_id(key: bytes) -> None:
    """A rule may take the id out of a body that nobody has kept: sampled out, dropped, or in no file."""
    rules = Rules(key="env:K" if key else "", paths={"user": "hash" if key else "mask", "x": "drop_request"})
    sampler = Sampler(Sample(share=0.5))
    preparation = Preparation(Redactor(rules, key), sampler)
    given = [request(n, body=b'{"x":1}' if n == 7 else b'{"y":1}') for n in range(40)]
    ids = {one.request_id for one in preparation.requests(given)}
    labels = preparation.labels([Labelled(f"r{n}", 1.0, 0) for n in range(50) for _ in "ab"])
    known = {one.request_id for one in labels if one.request_id in ids}
    assert known == ids
    assert "r7" not in ids
    others = [one.request_id for one in labels if one.request_id not in ids]
    assert len(others) == (2 * (50 - len(ids)) if key else 0)
    assert all(map(is_token, others))


def test_many_requests_come_in_several_tables() -> None:
    """Rows take ten times the memory of columns."""
    preparation = Preparation(Redactor(Rules()))
    tables = list(preparation.tables([to_table([request(n) for n in range(1_500)])]))
    assert [table.num_rows for table in tables] == [1_024, 476]


def test_what_was_done_is_told_and_counted() -> None:
    """Each count on a line of its own, in a row of the ledger; a rule without effect too."""
    rules = Rules(paths={"mail": "mask", "user.emial": "mask", "test": "drop_request"}, query={"q": "mask"})
    preparation = Preparation(Redactor(rules), Sampler(Sample(share=1.0)))
    assert (
        len(
            list(
                preparation.requests(
                    [request(0, body=b'{"mail":"x"}', headers={"x": "y"}), request(1, body=b'{"test":0}')]
                )
            )
        )
        == 1
    )
    assert told(preparation, requests=2) == [
        ("sampled", "2 of 2 requests, weights kept"),
        ("headers left out", "x of 1 (of 2 requests; --keep-header NAME keeps one)"),
        ("redacted", "body:mail of 1 requests (rule for its place)"),
        ("left out", "1 requests: rule for body:test"),
        ("without effect", "nothing was found for paths.user.emial, query.q: is it spelled right?"),
    ]
    assert counted(preparation) == [
        {"what": "redacted", "rule": "rule for its place", "place": "body:mail", "requests": 1},
        {"what": "header left out", "header": "x", "requests": 1},
        {"what": "left out by rule", "rule": "rule for body:test", "requests": 1},
        {"what": "sampled", "kept": 2, "requests": 2},
    ]


def test_many_places_are_cut() -> None:
    """A print-out is read by a person; the ledger has all."""
    preparation = Preparation(Redactor(Rules()))
    preparation.redactor.changed.update({("email", f"body:k{n:02}"): 1 for n in range(25)})
    preparation.redactor.lost_headers.update({f"x-{n:02}": 1 for n in range(15)})
    lines = told(preparation, requests=1)
    assert lines[-1] == ("redacted", "and 5 more places")
    assert "and 3 more names" in lines[0][1]
    assert told(Preparation(), requests=1) == []


@pytest.mark.parametrize("text", ["[redact]\npath = {}", "[redacts]", "[", "[sample]\nby = 'user'"])
def test_rules_that_say_nothing_are_refused(tmp_path: Path, text: str) -> None:
    """A table by another name would redact nothing, silently."""
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError, match="the rules cannot be used"):
        read_policy(tmp_path / "r.toml")
    with pytest.raises(UsageError, match="no such file"):
        read_policy(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["", "[sample]\nshare = 0.5"])
def test_a_file_without_a_table_of_redaction_masks_all_classes(tmp_path: Path, text: str) -> None:
    """Who gives rules does not want everything written as it is."""
    (tmp_path / "r.toml").write_text(text)
    assert read_policy(tmp_path / "r.toml").redact == Rules()


def test_a_redactor_has_its_key_and_its_headers() -> None:
    """The key of the environment; without rules only headers."""
    redactor = redactor_of(RULES, {"K": KEY.decode()}, keep=("X-A",))
    assert not redactor.loses("x-a")
    assert redactor.means.token("a") == Redactor(RULES, KEY).means.token("a")
    assert not redactor_of(None, {}, keep=["x-b"]).loses("X-B")
    assert redactor_of(None, {}).loses("x-b")
    with pytest.raises(UsageError, match="requests cannot be redacted"):
        redactor_of(RULES, {})
    with pytest.raises(UsageError, match="never kept"):
        redactor_of(None, {}, keep=["cookie"])
    assert searcher(RULES).has_places


def test_the_command_line_is_put_over_the_sample_of_a_file() -> None:
    """What it does not say stays."""
    assert sample_of(None) is None
    given = Sample(share=0.5, by="unit")
    assert sample_of(given) == given
    assert sample_of(given, share=0.1, by=None) == Sample(share=0.1, by="unit")
    with pytest.raises(UsageError, match="cannot be sampled so"):
        sample_of(None, floor=5)
