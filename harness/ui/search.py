"""A question to the requests of a run, as its address spells it, and the page of requests that answers it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import UsageError
from harness.ui.index import STATES, VERSUS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.ui.index import Index

ROWS = 50
#: beyond so many rows a list is not read but narrowed
MOST_ROWS = 10_000
MOST_TEXT = 200
_MANY_HITS = 5_000
Order = Literal["seq", "difference", "ms"]
_ORDERS: tuple[Order, ...] = ("seq", "difference", "ms")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked for; empty texts and None ask for nothing. `pair` is "right vs left"."""

    q: str = ""
    unit: str = ""
    segment: str = ""
    pair: str = ""
    field: str = ""
    state: str = ""
    flips: bool = False
    difference: float | None = None
    ms: float | None = None
    order: Order = "seq"
    page: int = 1

    def address(self, **changed: Any) -> str:  # noqa: ANN401  -- values of its own fields
        """The question as the query of an address, with some of it changed."""
        asked = replace(self, **changed)
        told = {one.name: getattr(asked, one.name) for one in fields(asked)}
        usual = {one.name: one.default for one in fields(asked)}
        kept = {k: "1" if v is True else _plain(v) for k, v in told.items()}
        return urlencode({name: value for name, value in kept.items() if told[name] != usual[name]})

    @property
    def narrowed(self) -> bool:
        """Whether it asks for less than all."""
        return replace(self, pair="", order="seq", page=1) != Question()

    @property
    def more(self) -> bool:
        """Whether it asks for anything beside an id."""
        return replace(self, q="", page=1) != Question()


def _plain(value: Any) -> Any:  # noqa: ANN401  -- a value of any field
    """A number with all its digits, so that the next page asks the same; anything else as it is."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else value


@dataclass(frozen=True)
class Row:
    """One request of the answer, with the pair that is looked at."""

    seq: int
    request_id: str
    unit: str | None
    segments: dict[str, str]
    left: float
    right: float
    flips: bool
    states: tuple[str, ...]
    ms: float
    fields: tuple[str, ...]

    @property
    def difference(self) -> float:
        """How far the scores are apart; NaN where one is missing."""
        return self.right - self.left


@dataclass(frozen=True)
class Answer:
    """How many requests match, and one page of them."""

    total: int
    rows: tuple[Row, ...]
    pages: int


def question(given: Mapping[str, str]) -> Question:
    """The question that an address asks; UsageError for a number that is none, or a text that is too long."""
    texts = {name: given.get(name, "") for name in ("q", "unit", "segment", "pair", "field", "state")}
    long = next((name for name, text in texts.items() if len(text) > MOST_TEXT), None)
    if long is not None:
        raise UsageError(f"{long} is too long", expected=f"at most {MOST_TEXT} letters")
    order = given.get("order") or "seq"
    if order not in _ORDERS:
        raise UsageError("no such order", found=order[:20], expected=f"one of {', '.join(_ORDERS)}")
    return Question(
        **texts,
        flips=given.get("flips", "") == "1",
        difference=_number(given, "difference"),
        ms=_number(given, "ms"),
        order=order,
        page=_page(given.get("page") or "1"),
    )


def _number(given: Mapping[str, str], name: str) -> float | None:
    text = given.get(name, "").strip()
    try:
        found = float(text) if text and len(text) < MOST_TEXT else None
    except ValueError:
        found = math.nan
    if found is not None and not (math.isfinite(found) and found >= 0):
        raise UsageError(f"{name} is not a number from 0 up", found=repr(text[:20]))
    return found


def _page(text: str) -> int:
    most = MOST_ROWS // ROWS
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    raise UsageError(
        "no such page", found=repr(text[:20]), expected=f"1 to {most}; narrow the search instead"
    )


def settled(asked: Question, index: Index, *, under_test: str) -> Question:
    """The question with a pair: the one asked for, else the first of the build under test.

    UsageError for a pair or a state that is none, and for a state or a time of what sends no answers.
    """
    pairs = [f"{right}{VERSUS}{left}" for left, right in index.meta.pairs]
    if asked.pair and asked.pair not in pairs:
        raise UsageError("no such pair of arms", found=asked.pair, expected=", ".join(pairs))
    if asked.state and asked.state not in STATES:
        raise UsageError("no such state", found=asked.state, expected=", ".join(STATES))
    mine = (name for name in pairs if name.startswith(under_test + VERSUS))
    found = replace(asked, pair=asked.pair or next(mine, pairs[0] if pairs else ""))
    right = found.pair.partition(VERSUS)[0]
    if (asked.state or asked.ms is not None or asked.order == "ms") and right not in index.meta.targets:
        lacking = f"{right} sent no answers: it has no states and no times"
        raise UsageError(lacking, fix=f"Choose a pair of {' or '.join(index.meta.targets) or 'another run'}.")
    return found


def answer(index: Index, asked: Question) -> Answer:
    """The requests that match all of a settled question: a page of at most `ROWS` rows."""
    mask = _mask(index, asked)
    total = int(np.count_nonzero(mask))
    start = (asked.page - 1) * ROWS
    chosen = _ordered(index, asked, mask=mask, last=start + ROWS)[start : start + ROWS]
    pages = min(-(-total // ROWS), MOST_ROWS // ROWS)
    return Answer(total, tuple(_rows(index, asked, seqs=chosen)), pages)


def _mask(index: Index, asked: Question) -> NDArray[np.bool_]:
    """Which requests match, bool (n,)."""
    mask = np.ones(index.meta.n, bool)
    right, _, left = asked.pair.partition(VERSUS)
    if asked.q:
        mask &= _containing(index.ids, asked.q)
    if asked.unit:
        mask &= _is(index.texts("unit"), asked.unit)
    if asked.segment:
        mask &= _in_segment(index, asked.segment)
    if asked.field:
        there = np.zeros(index.meta.n, bool)
        there[index.differing(asked.pair, asked.field)] = True
        mask &= there
    if asked.state:
        bit = np.uint16(1 << STATES.index(asked.state))
        mask &= (index.numbers(f"states:{right}") & bit) != 0
    if asked.ms is not None:
        mask &= index.numbers(f"ms:{right}") >= np.float32(asked.ms)
    if asked.flips or asked.difference is not None:
        one, other = _scores(index, left), _scores(index, right)
        if asked.flips:
            mask &= _flips(one, other, threshold=index.meta.threshold)
        if asked.difference is not None:
            mask &= np.abs(other - one) >= asked.difference
    return mask


def _containing(ids: pa.StringArray, text: str) -> NDArray[np.bool_]:
    """The ids that hold a text, bool (n,).

    All letters of all ids stand in a row, and are searched as one text, which is ten times quicker than id by
    id as long as the hits are few.
    """
    letters, wanted = ids.buffers()[2].to_pybytes(), text.encode()
    hits, at = [], letters.find(wanted)
    while at >= 0:
        hits.append(at)
        if len(hits) > _MANY_HITS:
            return _texts(pc.match_substring(ids, text))
        at = letters.find(wanted, at + 1)
    ends = np.frombuffer(ids.buffers()[1], np.int32)[1 : len(ids) + 1]
    found = np.searchsorted(ends, np.asarray(hits, np.int64), side="right")
    whole = np.asarray(hits, np.int64) + len(wanted) <= ends[found] if hits else slice(0)
    mask = np.zeros(len(ids), bool)
    mask[found[whole]] = True
    return mask


def _in_segment(index: Index, text: str) -> NDArray[np.bool_]:
    """Requests of a segment "name=value"; without a name those of any segment with this value."""
    name, equals, value = text.partition("=")
    names = [name] if equals and name in index.meta.segments else index.meta.segments
    wanted = value if equals and name in index.meta.segments else text
    mask = np.zeros(index.meta.n, bool)
    for one in names:
        mask |= _is(index.texts(f"segment:{one}"), wanted)
    return mask


def _is(words: pa.DictionaryArray, value: str) -> NDArray[np.bool_]:
    code = pc.index(words.dictionary, pa.scalar(value, pa.string())).as_py()
    if code < 0:
        return np.zeros(len(words), bool)
    return _texts(pc.equal(words.indices, code))


def _texts(found: pa.BooleanArray) -> NDArray[np.bool_]:
    filled = found.fill_null(value=False) if found.null_count else found
    mask: NDArray[np.bool_] = filled.to_numpy(zero_copy_only=False)
    return mask


def _scores(index: Index, arm: str) -> NDArray[np.float64]:
    name = f"score:{arm}"
    if name in index.requests.column_names:
        return index.numbers(name)
    return np.full(index.meta.n, np.nan)


def _flips(one: NDArray[np.float64], other: NDArray[np.float64], *, threshold: float) -> NDArray[np.bool_]:
    both = ~(np.isnan(one) | np.isnan(other))
    flips: NDArray[np.bool_] = ((one >= threshold) != (other >= threshold)) & both
    return flips


def _ordered(index: Index, asked: Question, *, mask: NDArray[np.bool_], last: int) -> NDArray[np.int64]:
    """The first `last` matching requests in the order that is asked for."""
    found = np.flatnonzero(mask)
    if asked.order == "seq":
        return found[:last]
    right, _, left = asked.pair.partition(VERSUS)
    if asked.order == "ms":
        size = index.numbers(f"ms:{right}")[found].astype(np.float64)
    else:
        size = np.abs(_scores(index, right)[found] - _scores(index, left)[found])
    size = np.where(np.isnan(size), -1.0, size)
    if len(size) > last:
        top = np.sort(np.argpartition(-size, last)[:last])
        found, size = found[top], size[top]
    return found[np.argsort(-size, kind="stable")]


def _rows(index: Index, asked: Question, *, seqs: NDArray[np.int64]) -> list[Row]:
    right, _, left = asked.pair.partition(VERSUS)
    at = pa.array(seqs)
    page = index.requests.take(at)
    one, other = _scores(index, left)[seqs], _scores(index, right)[seqs]
    flips = _flips(one, other, threshold=index.meta.threshold)
    target = right in index.meta.targets
    bits = index.numbers(f"states:{right}")[seqs] if target else np.zeros(len(seqs), np.uint16)
    ms = index.numbers(f"ms:{right}")[seqs] if target else np.full(len(seqs), np.nan)
    differ = _fields(index, asked.pair, seqs=seqs)
    segments = {name: page[f"segment:{name}"].to_pylist() for name in index.meta.segments}
    return [
        Row(
            seq=int(seq),
            request_id=request_id,
            unit=unit,
            segments={name: values[i] for name, values in segments.items() if values[i] is not None},
            left=float(one[i]),
            right=float(other[i]),
            flips=bool(flips[i]),
            states=tuple(str(s) for bit, s in enumerate(STATES) if bits[i] & (1 << bit)),
            ms=float(ms[i]),
            fields=differ[i],
        )
        for i, (seq, request_id, unit) in enumerate(
            zip(seqs.tolist(), page["request_id"].to_pylist(), page["unit"].to_pylist(), strict=True)
        )
    ]


def _fields(index: Index, pair: str, *, seqs: NDArray[np.int64]) -> Sequence[tuple[str, ...]]:
    """The features that differ on each of some requests."""
    found: list[list[str]] = [[] for _ in seqs]
    for name in index.meta.cells.get(pair, {}).keys() - {"score"}:
        there = index.differing(pair, name)
        spots = np.minimum(np.searchsorted(there, seqs), max(0, len(there) - 1))
        for i in np.flatnonzero(there[spots] == seqs) if len(there) else ():
            found[i].append(name)
    return [tuple(sorted(names)) for names in found]
