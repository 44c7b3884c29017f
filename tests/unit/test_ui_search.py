"""Every question to a run's requests has the answer that going through them one by one would give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.errors import UsageError
from harness.ui import index
from harness.ui.index import Index
from harness.ui.library import Library
from harness.ui.search import MOST_ROWS, ROWS, Question, answer, question, settled
from tests.kit.large_run import FIELDS, write

N = 4_000
Request = dict[str, Any]
PAIR = "challenger vs offline:model"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """The requests of a run, in columns."""
    here = tmp_path_factory.mktemp("large")
    return index.made(here / "cache", Library(here / "results").open(write(here, N)))


@pytest.fixture(scope="module")
def requests(indexed: Index) -> list[Request]:
    """The same requests, one by one, with the fields in which the challenger differs."""
    rows: list[Request] = indexed.requests.to_pylist()
    cells = {name: set(indexed.differing(PAIR, name).tolist()) for name in FIELDS}
    for seq, row in enumerate(rows):
        cells = {
            name: indexed.differing(PAIR, name).tolist() for name in ("amount", "age", "visits", "score")
        }
        row |= {"seq": seq, "fields": {name for name, seqs in cells.items() if seq in set(seqs)}}
    return rows


def apart(row: Request) -> float:
    """How far the scores of a request are apart; -1 where one is missing."""
    difference = abs(row["score:challenger"] - row["score:offline:model"])
    return -1.0 if math.isnan(difference) else difference


def flips(row: Request) -> bool:
    """Whether the decision does."""
    one, other = row["score:offline:model"], row["score:challenger"]
    return not math.isnan(other) and (one >= 0.5) != (other >= 0.5)


def slow(row: Request) -> float:
    """The slowest answer, -1 where there was none."""
    return -1.0 if math.isnan(row["ms:challenger"]) else row["ms:challenger"]


@pytest.mark.parametrize(
    ("asked", "keeps"),
    [
        ({}, lambda _: True),
        ({"q": "3f"}, lambda r: "3f" in r["request_id"]),
        ({"q": "é"}, lambda _: False),
        ({"unit": "user-77"}, lambda r: r["unit"] == "user-77"),
        ({"segment": "language=Go"}, lambda r: r["segment:language"] == "Go"),
        ({"segment": "fr"}, lambda r: r["segment:country"] == "fr"),
        ({"segment": "planet=Mars"}, lambda _: False),
        ({"field": "age"}, lambda r: "age" in r["fields"]),
        ({"field": "none such"}, lambda _: False),
        ({"flips": "1"}, flips),
        ({"difference": "0.1"}, lambda r: apart(r) >= 0.1),
        ({"ms": "6.5"}, lambda r: slow(r) >= 6.5),
        ({"state": "timeout"}, lambda r: math.isnan(r["score:challenger"])),
        ({"flips": "1", "segment": "country=de", "ms": "2"}, None),
    ],
)
def test_a_question_finds_what_matches_and_nothing_else(
    indexed: Index, requests: list[Request], asked: dict[str, str], keeps: Callable[[Request], bool] | None
) -> None:
    """In the order of the capture, a page at a time."""

    def several(row: Request) -> bool:
        return flips(row) and row["segment:country"] == "de" and slow(row) >= 2

    right = [row["seq"] for row in requests if (keeps or several)(row)]
    mine = settled(question(asked), indexed, under_test="challenger")
    found = answer(indexed, mine)
    assert (mine.pair, found.total) == (PAIR, len(right))
    assert [row.seq for row in found.rows] == right[:ROWS]


@pytest.mark.parametrize(("order", "size"), [("difference", apart), ("ms", slow)])
def test_the_largest_come_first_page_by_page(
    indexed: Index, requests: list[Request], order: str, size: Callable[[Request], float]
) -> None:
    """Three pages together are the largest hundred and fifty; what has no size comes last."""
    sizes = []
    for page in ("1", "2", "3"):
        asked = settled(question({"order": order, "page": page}), indexed, under_test="challenger")
        sizes += [size(requests[row.seq]) for row in answer(indexed, asked).rows]
    assert sizes == pytest.approx(sorted(map(size, requests), reverse=True)[: 3 * ROWS])


def test_a_row_tells_what_the_page_shows(indexed: Index, requests: list[Request]) -> None:
    """Scores of both arms, features that differ without the score itself, how it ended, how long it took."""
    seq = next(row["seq"] for row in requests if row["fields"] >= {"amount", "score"})
    asked = settled(question({"q": requests[seq]["request_id"]}), indexed, under_test="challenger")
    (row,) = answer(indexed, asked).rows
    there = requests[seq]
    assert (row.seq, row.request_id, row.unit) == (seq, there["request_id"], there["unit"])
    assert (row.left, row.right) == (there["score:offline:model"], there["score:challenger"])
    assert row.difference == row.right - row.left
    assert set(row.fields) == there["fields"] - {"score"}
    assert row.segments == {"country": there["segment:country"], "language": there["segment:language"]}
    assert row.states == ("ok",)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"ms": "abc"}, "ms is not a number"),
        ({"ms": "-1"}, "ms is not a number"),
        ({"ms": "nan"}, "ms is not a number"),
        ({"difference": "inf"}, "difference is not a number"),
        ({"page": "0"}, "no such page"),
        ({"page": "9" * 40}, "no such page"),
        ({"page": "٣"}, "no such page"),
        ({"page": str(MOST_ROWS // ROWS + 1)}, "narrow the search"),
        ({"order": "random"}, "no such order"),
        ({"q": "x" * 201}, "q is too long"),
    ],
)
def test_what_is_no_question_is_said(given: dict[str, str], word: str) -> None:
    """Numbers that are none, pages and orders that are not, texts without an end."""
    with pytest.raises(UsageError, match=word):
        question(given)


@pytest.mark.parametrize(
    ("given", "word"), [({"pair": "a vs b"}, "no such pair"), ({"state": "lost"}, "no such state")]
)
def test_arms_and_states_are_those_of_the_run(indexed: Index, given: dict[str, str], word: str) -> None:
    """Others are refused, and the ones there are named."""
    with pytest.raises(UsageError, match=word):
        settled(question(given), indexed, under_test="challenger")


def test_a_question_comes_back_from_its_own_address() -> None:
    """Only what is asked for stands in it."""
    asked = Question(q="a&b=c", flips=True, ms=2.5, difference=0.0, order="ms", page=3)
    told = dict(part.split("=") for part in asked.address().split("&"))
    assert told == {
        "q": "a%26b%3Dc",
        "flips": "1",
        "ms": "2.5",
        "difference": "0",
        "order": "ms",
        "page": "3",
    }
    assert Question().address() == ""
    assert Question(page=3).address(page=1) == ""
    assert (asked.narrowed, asked.more, Question(q="a").more, Question(page=2).narrowed) == (
        True,
        True,
        False,
        False,
    )


@pytest.mark.parametrize("value", [0.12345678901, 1234567.25, 1e-9])
def test_the_next_page_asks_for_the_very_same_numbers(value: float) -> None:
    """A number that lost digits on the way would be another question."""
    told = dict(part.split("=") for part in Question(ms=value).address(page=2).split("&"))
    assert question(told).ms == value


def test_very_many_hits_are_found_all_the_same(tmp_path: Path) -> None:
    """Ids that all hold the text, which are too many to go through hit by hit."""
    found = index.made(tmp_path / "cache", Library(tmp_path / "results").open(write(tmp_path, 6_000)))
    asked = settled(Question(q="0"), found, under_test="challenger")
    texts = found.ids.to_pylist()
    assert answer(found, asked).total == sum("0" in text for text in texts)


@pytest.mark.parametrize("asked", [{"state": "timeout"}, {"ms": 20.0}, {"order": "ms"}])
def test_states_and_times_of_what_sends_no_answers_are_refused(asked: dict[str, Any], indexed: Index) -> None:
    """Or the page would show a filter that filters nothing."""
    turned = replace(
        indexed, meta=msgspec.structs.replace(indexed.meta, pairs=(("challenger", "offline:model"),))
    )
    with pytest.raises(UsageError, match=r"offline:model sent no answers.*challenger or champion"):
        settled(Question(**asked), turned, under_test="challenger")
    assert (
        settled(Question(flips=True), turned, under_test="challenger").pair == "offline:model vs challenger"
    )
