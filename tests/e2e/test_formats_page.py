"""Every command of docs/formats.md, typed as it stands there, beside files of the names that it has."""

from __future__ import annotations

import re
import shlex
import zipfile
from pathlib import Path

import pytest

from tests.kit import captures, command
from tests.kit.pages import blocks, commands, text_of

PAGE = Path("docs/formats.md")
TABLE = re.findall(r"^\|.*\| `(replaygate capture [^`]+)` \|", text_of(PAGE), re.MULTILINE)
SHELL = [line for block in blocks("sh") if block.page == PAGE for line in commands(block.text, "replaygate")]
SPANS = ["replaygate capture info c.jsonl", "replaygate capture info access.csv --map map.toml"]


def sample(lang: str, mark: str) -> str:
    """The block of the page in a language that holds these words."""
    return next(b.text for b in blocks(lang) if b.page == PAGE and mark in b.text)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of all formats by the names of the page; the map and its table are those of the page."""
    monkeypatch.chdir(tmp_path)
    for folder in ("s3-copy", "payloads", "tap", "feast-logs"):
        Path(folder).mkdir()
    made = {
        "requests_0.gor": captures.goreplay(),
        "requests_1.gor": captures.goreplay().replace(b"a" * 24, b"c" * 24).replace(b"b" * 40, b"d" * 40),
        "session.har": captures.har(),
        "s3-copy/00.jsonl": captures.sagemaker(),
        "payloads/kserve.json": captures.kserve(),
        "payloads/seldon.jsonl": captures.seldon(),
        "tap/1.json": captures.envoy(),
        "tap/2.json": captures.envoy_streamed().replace(b'"t', b'"u'),
        "tap/3.pb_length_delimited": captures.envoy_protobuf().replace(b"t0", b"v0").replace(b"t1", b"v1"),
        "payload.parquet": captures.databricks(),
        "feast-logs/1.parquet": captures.feast(),
        "flows.mitm": captures.mitmproxy(),
        "c.jsonl": captures.ours(),
        "access.csv": sample("csv", "known_at").encode(),
        "map.toml": sample("toml", "[map]").encode(),
    }
    for name, content in made.items():
        Path(name).write_bytes(content)
    command.run("capture", "import", "c.jsonl", "--to", "c.parquet")


@pytest.mark.parametrize("line", [*TABLE, *SHELL, *SPANS])
def test_a_command_of_the_page_does_what_it_says(line: str) -> None:
    """It ends well, and what it says to write is there."""
    words = shlex.split(line, comments=True)[1:]
    done = command.run(*words)
    assert done.code == 0, done.err
    for option in ("--to", "--labels-to"):
        if option in words:
            assert Path(words[words.index(option) + 1]).stat().st_size


def test_there_is_a_command_for_each_format() -> None:
    """No pattern has stopped to match."""
    assert len(TABLE) == 10
    assert len(SHELL) >= 4


def test_a_zip_is_no_capture() -> None:
    """It is unpacked by whoever has it: what a zip may become nobody has seen."""
    with zipfile.ZipFile("c.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("c.jsonl", "0" * 10_000_000)
    done = command.run("capture", "info", "c.zip")
    assert (done.code, "no capture format that is known" in done.complaint) == (65, True)


def test_the_table_of_the_page_is_what_its_map_makes_of_it() -> None:
    """Proposed by `info`, mended by the page: NaN stays NaN, a gap is null, and there is one label."""
    assert command.run("capture", "info", "access.csv").out.startswith("# A map of 'access.csv'")
    done = command.run(
        *("capture", "import", "access.csv", "--map", "map.toml", "--to", "o.jsonl", "--labels-to", "l.jsonl")
    )
    assert "2, 2 with an answer, 2 of them timed" in done.out
    lines = Path("o.jsonl").read_text(encoding="utf-8").splitlines()
    assert '"body":{"amount":12.50,"country":"PT"}' in lines[0]
    assert r'"body_text":"{\"amount\":NaN,\"country\":null}"' in lines[1]
    assert Path("l.jsonl").read_text(encoding="utf-8").count("\n") == 1
