"""Maps: words that are known, times said once, and errors that name the nearest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.capture.formats.map_config import WORDS, MapFile, load_map
from harness.errors import UsageError

LEAST = {"request_id": "id", "ts_ms": "when", "body": "payload"}


def test_a_file_and_single_words_are_one_map(tmp_path: Path) -> None:
    """Later ones win; a dot leads into a table, commas make a list, settings stand beside the map."""
    path = tmp_path / "map.toml"
    path.write_text('zone = "UTC"\n[map]\nrequest_id = "id"\nts = "when"\nbody = "payload"\n')
    found = load_map([str(path), "body=a,b", "segments.country=c", "types.a=number", "null=,NA"])
    assert (found.zone, found.types, found.null) == ("UTC", {"a": "number"}, ("", "NA"))
    assert found.map["body"] == ["a", "b"]
    assert found.map["segments"] == {"country": "c"}
    assert (found.makes_requests, found.moment("ts"), found.moment("event_time")) == (True, "ts", None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({**LEAST, "reqest_id": "x"}, "did you mean 'request_id'?"),
        ({**LEAST, "ts": "x"}, "ts_ms and ts exclude each other"),
        ({**LEAST, "latency_ms": "x", "latency_s": "y"}, "exclude each other"),
        ({"ts": "x", "body": "y"}, "request_id is not mapped"),
        ({**LEAST, "label": "y"}, "mapped together or not at all"),
        ({"request_id": "id", "ts": "x"}, "body is not mapped"),
        ({"request_id": "id", "body": "x"}, "neither ts"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused(words: dict[str, str], said: str) -> None:
    """In words of the map."""
    with pytest.raises(ValueError, match=re.escape(said)):
        MapFile(map=words)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (["missing.toml"], UsageError, "no such file"),
        (["request_id=id", "ts=t", "body=b", "zone=Lisboa"], UsageError, "no time zone 'Lisboa'"),
        (["request_id=id", "ts=t", "body=b", "types.a=float"], UsageError, "Invalid enum value 'float'"),
        (["segments=x", "segments.country=c"], UsageError, "no table"),
    ],
)
def test_what_is_given_wrongly_is_said(given: list[str], error: type[Exception], said: str) -> None:
    """A file, a zone, a type, a table."""
    with pytest.raises(error, match=said):
        load_map(given)


@pytest.mark.parametrize(
    ("text", "said"), [("[map", "not valid TOML"), ("map = 1", "no table"), ("[mapp]", "unknown field")]
)
def test_a_file_that_is_no_map_is_said(tmp_path: Path, text: str, said: str) -> None:
    """TOML that is none, and TOML of something else."""
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        load_map([str(tmp_path / "m.toml")])


def test_every_word_and_setting_is_in_the_docs() -> None:
    """Whoever writes a map can look it up; a time or latency by one of its units."""
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    told = set(re.findall(r"\w+", page[page.index("## Any table") : page.index("## Batches")]))
    words = {word for word in WORDS if not re.search(r"_(s|ms|us|ns)$", word)}
    assert words | set(MapFile.__struct_fields__) | {"latency_s"} <= told


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("response", "answer"),
        ("Predictions", "answer"),
        ("timestamp", "ts"),
        ("user_id", "unit"),
        ("bdy", "body"),
    ],
)
def test_what_others_call_a_word_leads_to_it(word: str, meant: str) -> None:
    """The nearest by its letters may be another thing altogether."""
    with pytest.raises(UsageError, match=f"no word '{word}' of a capture; did you mean '{meant}'"):
        load_map([f"{word}=x", "request_id=id", "ts_s=t", "body=b"])
