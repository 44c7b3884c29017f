"""Levels spelled otherwise: case, space, unicode, cut short, numbers as text; or coded by another list."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.columns import Kind
from harness.diff.causes.model import Candidate, Evidence, Hypothesis, Mask
from harness.diff.causes.whole import mode
from harness.diff.causes.wording import spoken
from harness.diff.sentences import quoted

#: characters compared in one test; levels beyond are left unexplained rather than waited for
_CHARACTERS: Final = 20_000_000
#: levels that a recoding may have where they are numbers
_MOST_LEVELS: Final = 64
#: share of the rows of repeated levels that must agree for levels seen once to be believed
_TRUSTED: Final = 0.99
_WORDS: Final = {"true": 1.0, "false": 0.0}

Same = Callable[[str, str], bool]


def spelling(evidence: Evidence) -> Iterator[Candidate]:
    """The served level is the offline one spelled otherwise."""
    for name, (verb, same, cost) in _SPELLINGS.items():
        yield Candidate(
            name.partition(" ")[0],
            f"{verb} {evidence.label}",
            _pairwise(same),
            cost=cost,
            inputs=1,
            chance=0.0,
        )


def text_cut(evidence: Evidence) -> Iterator[Candidate]:
    """The served level is the beginning of the offline one, cut at a fixed length."""
    lengths = _lengths(evidence)
    if not len(lengths):
        return
    length = int(mode(lengths))
    test = _pairwise(lambda a, b: len(b) < len(a) and a[: len(b)] == b and len(b) == length)
    yield Candidate(
        "text_cut",
        f"cuts {evidence.label} to {length} characters",
        test,
        cost=0.005,
        parameters={"length": float(length)},
        inputs=1,
        chance=0.0,
    )


def recoded(evidence: Evidence) -> Iterator[Candidate]:
    """Each level is served as another one, and no two as the same: another list of codes."""
    if evidence.numbers and not evidence.whole.whole_numbers:
        return
    both = np.flatnonzero(evidence.both)
    if not len(both):
        return
    ids = evidence.a_id[both]
    served = evidence.b[both] if evidence.numbers else evidence.b_id[both].astype(np.float64)
    held, where, counts = np.unique(ids, return_inverse=True, return_counts=True)
    if len(held) < 3 or (evidence.numbers and len(held) > _MOST_LEVELS):
        return
    common = _common(where, served, levels=len(held))
    repeated = counts >= 2
    if not repeated.any() or len(np.unique(common[repeated])) < np.count_nonzero(repeated):
        return
    agree = (served == common[where])[repeated[where]]
    trusted = np.mean(agree) >= _TRUSTED and len(np.unique(common)) == len(held)
    kept = np.ones(len(held), bool) if trusted else repeated
    table = np.full(evidence.whole.size, np.nan)
    table[held[kept]] = common[kept]
    shares = np.unique(served, return_counts=True)[1] / len(served)
    shown = [
        (_said(evidence, k), _served_as(evidence, v)) for k, v in zip(held[kept], common[kept], strict=True)
    ]
    words = ", ".join(f"{a} as {b}" for a, b in shown[:3])
    yield Candidate(
        "recoded",
        f"serves {evidence.label} by another list of codes: {words}",
        lambda some: _mapped(some, table),
        cost=0.03,
        parameters=dict(shown[:_MOST_LEVELS]),
        # a level seen once fits any list
        chance=float(np.sum(shares**2)) + 0.5 * len(held) / (len(served) + len(held)),
    )


def number_text(evidence: Evidence) -> Iterator[Candidate]:
    """The served text and the offline one are the same number: 1, 1.0 and true."""
    yield Candidate(
        "number_text",
        f"spells the numbers of {evidence.label} otherwise",
        _pairwise(_same_number),
        cost=0.001,
        inputs=1,
        chance=0.0,
    )


def retyped(evidence: Evidence) -> Iterator[Candidate]:
    """A number is served as a text that spells it, or as true or false."""
    if evidence.left.dtype != "number" or not np.any(evidence.right_kind == Kind.WRONG_TYPE):
        return
    yield Candidate(
        "number_text",
        f"serves the numbers of {evidence.label} as text",
        _spelled_out,
        cost=0.0005,
        inputs=1,
        chance=0.0,
    )


def _collapsed(text: str) -> str:
    return "".join(text.split())


def _plain(text: str) -> str:
    wide = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in wide if not unicodedata.combining(mark))


def _same_unicode(a: str, b: str) -> bool:
    """Equal in one normal form, without accents, or read in the wrong encoding."""
    if a.isascii() and b.isascii():
        return False
    return _plain(a) == _plain(b) or _misread(a) == b or _misread(b) == a or _unreadable(a, b)


def _misread(text: str) -> str | None:
    try:
        return text.encode("utf-8").decode("latin-1")
    except UnicodeError:
        return None


def _unreadable(a: str, b: str) -> bool:
    """Each character beyond ASCII lost, or served as a replacement mark."""
    ascii_only = "".join(mark for mark in a if mark.isascii())
    marked = "".join(mark if mark.isascii() else "?" for mark in a)
    return bool(ascii_only) and b.replace("\ufffd", "?") in {ascii_only, marked}


def _same_number(a: str, b: str) -> bool:
    if a.strip().lower() == b.strip().lower():
        return False
    first, second = _as_number(a), _as_number(b)
    return first is not None and first == second


def _as_number(text: str) -> float | None:
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    if len(word) > 64 or "_" in word:
        return None
    try:
        return float(word)
    except ValueError:
        return None


def _other_mark(a: str, b: str) -> bool:
    """12.5 and 12,5 or 125."""
    bare = str.maketrans("", "", ".,")
    return a.translate(bare) == b.translate(bare) and a.translate(bare).isdigit() and a != b


_SPELLINGS: Final[dict[str, tuple[str, Same, float]]] = {
    "spaces": ("changes the space in", lambda a, b: _collapsed(a) == _collapsed(b), 0.002),
    "case": ("changes the letter case of", lambda a, b: a.casefold() == b.casefold(), 0.003),
    "unicode": ("changes the unicode form of", _same_unicode, 0.004),
    "case and spaces": (
        "changes the letter case of, and the space in,",
        lambda a, b: _collapsed(a).casefold() == _collapsed(b).casefold(),
        0.02,
    ),
    "decimal_mark": ("writes another decimal mark in", _other_mark, 0.003),
}


def _pairs(
    some: Evidence,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The rows where both sides hold a level, the distinct pairs of levels, and which pair each row is."""
    rows = np.flatnonzero((some.left_kind == Kind.VALUE) & (some.right_kind == Kind.VALUE))
    rows = rows[(some.a_id[rows] >= 0) & (some.b_id[rows] >= 0)]
    size = max(1, some.whole.size)
    pairs, where = np.unique(some.a_id[rows] * size + some.b_id[rows], return_inverse=True)
    return rows, pairs // size, pairs % size, where


def _pairwise(same: Same) -> Callable[[Evidence], Mask]:
    """The test of a relation between two texts, decided once for each distinct pair."""

    def test(some: Evidence) -> Mask:
        hits = np.zeros(len(some.rows), bool)
        rows, left, right, where = _pairs(some)
        if not len(rows):
            return hits
        levels, budget = some.whole.levels, _CHARACTERS
        related = np.zeros(len(left), bool)
        for k, (i, j) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            budget -= len(levels[i]) + len(levels[j])
            if budget < 0:
                break
            related[k] = same(levels[i], levels[j])
        hits[rows] = related[where]
        return hits

    return test


def _lengths(evidence: Evidence) -> NDArray[np.int64]:
    """How long served levels are that begin the offline ones; one for each row."""
    _, left, right, where = _pairs(evidence)
    levels = evidence.whole.levels
    cut = np.array(
        [
            len(levels[j]) if 0 < len(levels[j]) < len(levels[i]) and levels[i].startswith(levels[j]) else 0
            for i, j in zip(left.tolist(), right.tolist(), strict=True)
        ],
        np.int64,
    )
    lengths = cut[where] if len(cut) else cut
    return lengths[lengths > 0]


def _common(where: NDArray[np.int64], served: NDArray[np.float64], *, levels: int) -> NDArray[np.float64]:
    """The most frequent served value of each offline level; (levels,)."""
    targets, target = np.unique(served, return_inverse=True)
    pairs, counts = np.unique(where * len(targets) + target, return_counts=True)
    common = np.full(levels, np.nan)
    order = np.argsort(counts, kind="stable")
    common[pairs[order] // len(targets)] = targets[pairs[order] % len(targets)]
    return common


def _mapped(some: Evidence, table: NDArray[np.float64]) -> Mask:
    served: NDArray[Any] = some.b if some.numbers else some.b_id.astype(np.float64)
    known = some.both & (some.a_id >= 0)
    return np.asarray(known & (np.where(known, table[some.a_id], np.nan) == served), bool)


def _said(evidence: Evidence, code: np.int64) -> str:
    if evidence.numbers:
        return spoken(float(evidence.whole.values[code]))
    return quoted(evidence.whole.levels[code])


def _served_as(evidence: Evidence, value: np.float64) -> str:
    return spoken(float(value)) if evidence.numbers else quoted(evidence.whole.levels[int(value)])


def _spelled_out(some: Evidence) -> Mask:
    hits = np.zeros(len(some.rows), bool)
    for k in np.flatnonzero(some.right_kind == Kind.WRONG_TYPE).tolist():
        raw = some.right.text.get(int(some.rows[k]), "")
        hits[k] = _number_of(raw) == some.a[k]
    return hits


def _number_of(raw: str) -> float | None:
    if len(raw) > 128:
        return None
    try:
        value = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None
    return _as_number(value) if isinstance(value, str) else None


CATEGORY: Final[tuple[Hypothesis, ...]] = (spelling, text_cut, number_text)
RETYPED: Final[tuple[Hypothesis, ...]] = (retyped,)
TYPES: Final[tuple[Hypothesis, ...]] = (number_text, retyped)
RECODED: Final[tuple[Hypothesis, ...]] = (recoded,)
