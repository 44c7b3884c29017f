"""`replaygate.capture.taking`: captures of other tools taken in, or only looked at."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest

from harness.capture.formats.map_config import load_map
from harness.capture.formats.mapped import mapped
from harness.capture.taking import Wanted, looked_at, taken
from harness.errors import UsageError
from tests.kit import captures

MAP = ["request_id=id", "ts_s=ts", "body=q", "answer=a"]


def rows(path: Path, *pairs: tuple[object, object]) -> Path:
    """JSON Lines with an id, a time, what was asked and what was answered."""
    lines = [{"id": f"r{n}", "ts": 1_750_000_000 + n, "q": q, "a": a} for n, (q, a) in enumerate(pairs)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_lists_of_rows_are_taken_apart_and_others_are_told(tmp_path: Path) -> None:
    """Bare lists of lists are rows; an answer of another number and a list of no rows are counted."""
    source = rows(
        tmp_path / "l.jsonl",
        ([[1, 2], [3, 4]], [0.1, 0.2]),
        ([[1, 2], [3, 4]], [0.1, 0.2, 0.3]),
        ([1, 2], [0.5]),
    )
    wanted = Wanted(target=tmp_path / "o.jsonl", explode=True, ledger=tmp_path / "lost.jsonl")
    lines = taken([source], wanted, form=mapped(load_map(MAP)), environ={})
    assert f"{'dropped:':<18} answer not of these rows 1, kept whole 1" in lines
    found = [json.loads(line) for line in wanted.target.read_text().splitlines()]
    answers = [one.get("recorded_response", {}).get("body") for one in found]
    assert [one["body"] for one in found] == [[[1, 2]], [[3, 4]], [[1, 2]], [[3, 4]], [1, 2]]
    assert answers == [[0.1], [0.2], None, None, [0.5]]
    told = [json.loads(line) for line in (tmp_path / "lost.jsonl").read_text().splitlines()]
    begins = source.read_text().splitlines(keepends=True)
    assert [one["offset"] for one in told] == [len(begins[0]), len(begins[0] + begins[1])]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": Path("o.csv")}, "unknown kind of file"),
        ({"target": Path("a/b/o.jsonl")}, "no such folder"),
        ({"target": Path("/no-folder-of-this-name/o.jsonl")}, "no such folder"),
        ({"labels_to": Path("l.csv")}, "unknown kind of file"),
        ({"labels_to": Path("a/b/l.jsonl")}, "no such folder"),
        ({"ledger": Path("a/b/l.jsonl")}, "no such folder"),
        ({"redact": Path("r.toml")}, "no such file"),
        ({"sample_by": "nowhere"}, "cannot be sampled so"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(
    tmp_path: Path, changes: dict[str, Path], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder is made but the last, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    wanted = Wanted(**{"target": Path("o.jsonl"), **changes})  # type: ignore[arg-type]  # as in the table
    with pytest.raises(UsageError, match=said):
        taken([Path("missing.har")], wanted, form=None, environ={})
    assert not list(tmp_path.iterdir())


def test_the_last_folder_is_made(tmp_path: Path) -> None:
    """So that a first import needs no other command."""
    (tmp_path / "c.gor").write_bytes(captures.goreplay())
    lines = taken([tmp_path / "c.gor"], Wanted(target=tmp_path / "new" / "c.jsonl"), form=None, environ={})
    assert lines[-1] == f"wrote {tmp_path}/new/c.jsonl"
    dry = Wanted(target=tmp_path / "dry" / "c.jsonl", dry_run=True)
    taken([tmp_path / "c.gor"], dry, form=None, environ={})
    assert not (tmp_path / "dry").exists()


def test_a_look_says_which_classes_it_looked_for(tmp_path: Path) -> None:
    """By the same patterns as redaction, with their places and how many requests were searched."""
    source = rows(tmp_path / "l.jsonl", ({"mail": "ann@example.org"}, 1), ({"mail": "x"}, 1))
    form = mapped(load_map(MAP))
    lines = looked_at([source], form=form, as_json=False)
    assert f"{'of classes:':<18} body:mail of 1 request (email)" in lines
    assert any("bearer, card, email, iban, ip, key: searched for in all 2 requests" in one for one in lines)
    said = json.loads(looked_at([source], form=form, as_json=True)[0])
    assert (said["searched"], said["classes"]) == (2, {"body:mail (email)": 1})


def test_a_damaged_answer_of_a_har_is_counted(tmp_path: Path) -> None:
    """Gzip that cannot be unpacked is an answer that is not whole; what can be is unpacked."""
    packed = gzip.compress(b'{"score": 0.5}' * 40)
    har = json.loads(captures.har())
    entry = har["log"]["entries"][0]
    entries = []
    for body in (packed, packed[:-20]):
        content = {"size": 9, "text": b64encode(body).decode(), "encoding": "base64"}
        headers = [{"name": "Content-Encoding", "value": "gzip"}]
        entries.append({**entry, "response": {**entry["response"], "headers": headers, "content": content}})
    har["log"]["entries"] = entries
    (tmp_path / "c.har").write_text(json.dumps(har))
    assert f"{'answers cut:':<18} 1, or damaged" in looked_at([tmp_path / "c.har"], form=None, as_json=False)


@pytest.mark.parametrize(
    ("option", "where"),
    [
        ("sample_by", "--sample-by, or by under [sample]"),
        ("sample_strata", "--sample-strata, or strata under"),
    ],
)
def test_a_sample_by_what_no_request_has_is_a_mistake(option: str, where: str, tmp_path: Path) -> None:
    """Users would not be whole, and no slice told apart; nothing is written."""
    source = rows(tmp_path / "l.jsonl", *(({"user": n % 7}, 0.5) for n in range(70)))
    wanted = msgspec.convert(
        {"target": tmp_path / "o.parquet", "sample": 0.5, "sample_floor": 1, option: "body:nosuch"}
        | ({"sample_strata": "body:user"} if option == "sample_by" else {}),
        Wanted,
    )
    with pytest.raises(UsageError, match="what none of them has") as caught:
        taken([source], wanted, form=mapped(load_map(MAP)), environ={})
    assert str(caught.value.where).startswith(where)
    assert caught.value.found == "0 of 70 requests have body:nosuch"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.jsonl"]


def test_requests_without_the_place_of_the_sample_are_counted(tmp_path: Path) -> None:
    """With what became of them: each by its own id, and those of no slice as one."""
    bodies = [{"user": n} if n % 7 else {"lang": "de"} for n in range(70)]
    source = rows(tmp_path / "l.jsonl", *((body, 0.5) for body in bodies))
    wanted = Wanted(target=tmp_path / "o.jsonl", sample=0.5, sample_by="body:user", sample_strata="body:lang")
    lines = "\n".join(taken([source], wanted, form=mapped(load_map(MAP)), environ={}))
    assert "10 of 70 requests have no body:user: each of them is kept or left out by its own id" in lines
    assert "60 of 70 requests have no body:lang: they are one slice" in lines
    whole = msgspec.structs.replace(wanted, sample_by="body:user", sample_strata="body:user")
    lines = "\n".join(taken([source], whole, form=mapped(load_map(MAP)), environ={}))
    assert "10 of 70 requests have no body:user" in lines
