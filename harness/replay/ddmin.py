"""Delta debugging: what is left of a failing input when nothing more of it can be taken away.

Each search is a generator: it yields a candidate, is sent whether that still fails, and returns the smallest
that does. Nothing here sends anything or keeps count, so whoever drives it may stop at any time.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002, section 3;
for trees Misherghi and Su, "HDD: Hierarchical Delta Debugging", ICSE 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

T = TypeVar("T")
#: a JSON value; a path names a part of it by keys and places
Json = Any
Path = tuple[str | int, ...]
#: yields candidates, is sent whether each still fails, returns the smallest that does
Search = Generator[T, bool, T]


def ddmin(items: Sequence[T]) -> Search[tuple[T, ...]]:
    """A subset, in order, that still fails, and of which no single item can be left out (1-minimal).

    All of `items` are known to fail. At most n² + 3n candidates are tried (their section 3.3), and two more.
    To check: of 8 items of which the 1st and the 7th make it fail, (1st, 7th) is left.
    """
    kept, parts = tuple(items), 2
    if not kept or (yield ()):
        return ()
    while len(kept) > 1:
        chunks = _split(kept, parts)
        found = yield from _first_failing(_subsets(kept, chunks))
        if found is not None:
            kept, whole = found
            parts = 2 if whole else max(parts - 1, 2)
        elif parts >= len(kept):
            break
        else:
            parts = min(2 * parts, len(kept))
    return kept


def _split(items: tuple[T, ...], parts: int) -> list[tuple[int, int]]:
    """Where each of so many nearly equal parts begins and ends."""
    cuts = [len(items) * part // parts for part in range(parts + 1)]
    return list(pairwise(cuts))


def _subsets(items: tuple[T, ...], chunks: list[tuple[int, int]]) -> Iterator[tuple[tuple[T, ...], bool]]:
    """Each part alone (True), then all but each part (False); of two parts that is the same."""
    yield from ((items[start:end], True) for start, end in chunks)
    if len(chunks) > 2:
        yield from ((items[:start] + items[end:], False) for start, end in chunks)


def _first_failing(
    candidates: Iterator[tuple[tuple[T, ...], bool]],
) -> Generator[tuple[T, ...], bool, tuple[tuple[T, ...], bool] | None]:
    for candidate, whole in candidates:
        if (yield candidate):
            return candidate, whole
    return None


def smallest(document: Json) -> Search[Json]:
    """The document with as few parts as still fail, then with null for every value that does not matter.

    No part of the result can be taken away alone. Values are never changed but to null.
    """
    document = yield from _pruned(document)
    document = yield from _blanked(document)
    return (yield from _checked(document))


def _pruned(document: Json) -> Search[Json]:
    """Level by level, from the outermost keys inwards, and again until a whole round takes nothing away."""
    while True:
        before, depth = size(document), 1
        while level := paths(document, depth=depth):
            document = yield from _chosen(document, level, leaving=without)
            depth += 1
        if depth <= 2 or size(document) == before:
            return document


def _blanked(document: Json) -> Search[Json]:
    filled = [path for path in leaves(document) if value_at(document, path) not in (None, [], {})]
    return (yield from _chosen(document, filled, leaving=nulled))


def _chosen(
    document: Json, candidates: Sequence[Path], *, leaving: Callable[[Json, Collection[Path]], Json]
) -> Search[Json]:
    """The document after `leaving` out (or nulling) all of some paths but those that it needs."""
    search = ddmin(candidates)
    try:
        kept = next(search)
        while True:
            gone = set(candidates) - set(kept)
            kept = search.send((yield leaving(document, gone)))
    except StopIteration as end:
        return leaving(document, set(candidates) - set(end.value))


def _checked(document: Json) -> Search[Json]:
    """Nothing can be taken away alone, not even beside the nulls; what can is taken."""
    at = 0
    while at < len(every := parts(document)):
        smaller = without(document, {every[at]})
        if (yield smaller):
            document, at = smaller, 0
        else:
            at += 1
    return document


def parts(document: Json) -> list[Path]:
    """Every part of a document below its root, the outer before the inner."""
    found: list[Path] = []
    depth = 1
    while level := paths(document, depth=depth):
        found += level
        depth += 1
    return found


def paths(document: Json, *, depth: int) -> list[Path]:
    """The paths of all parts at a depth; 1 are the keys of the outermost object."""
    level: list[Path] = [()]
    for _ in range(depth):
        level = [(*path, key) for path in level for key in _keys(value_at(document, path))]
    return level


def leaves(document: Json) -> list[Path]:
    """The paths of all parts that hold no others."""
    return [path for path in parts(document) if not _keys(value_at(document, path))]


def size(document: Json) -> int:
    """How many parts a document has below its root."""
    return len(parts(document))


def value_at(document: Json, path: Path) -> Json:
    """The part of a document at a path."""
    for key in path:
        document = document[key]
    return document


def without(document: Json, gone: Collection[Path]) -> Json:
    """The document without some parts; the elements after one that is gone move up."""
    return _rebuilt(document, (), keep=lambda path, value: [] if path in gone else [value])


def nulled(document: Json, gone: Collection[Path]) -> Json:
    """The document with null in the place of some parts."""
    return _rebuilt(document, (), keep=lambda path, value: [None] if path in gone else [value])


def _rebuilt(document: Json, here: Path, *, keep: Callable[[Path, Json], list[Json]]) -> Json:
    """A copy in which each part is what `keep` gives for it: itself, another value, or nothing."""
    if isinstance(document, dict):
        return {
            key: _rebuilt(kept, (*here, key), keep=keep)
            for key, value in document.items()
            for kept in keep((*here, key), value)
        }
    if isinstance(document, list):
        return [
            _rebuilt(kept, (*here, place), keep=keep)
            for place, value in enumerate(document)
            for kept in keep((*here, place), value)
        ]
    return document


def _keys(value: Json) -> list[str | int]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def spelled(path: Path) -> str:
    """A path as people write it: `user.ids[0]`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")
