"""A decoder's message as one line to act on: the place in the file, what may stand there, a nearby word."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: a name, an index, or ANY: msgspec does not say which key of a table it means
Step = str | int
ANY = "[...]"
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|(\[\.\.\.\])")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_TAG = re.compile(r"Invalid value '([^']*)'")
_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_LIMIT = re.compile(r"Expected `([^`]+)`(.+)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WORDS = {
    "str": "text in quotes",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "datetime": "a date without quotes",
}
#: tables whose values may be secrets
_SECRET = frozenset({"headers", "debug_headers", "start_env"})


def explain(error: msgspec.ValidationError, raw: object, *, root: type, where: str) -> ScenarioError:
    """The decoder's message with its place in the file, what was found there and what may stand there.

    `raw` is the decoded but unchecked file, `root` the struct it should have been.
    """
    message, _, tail = str(error).partition(" - at `")
    in_key, steps = tail.startswith("key` in `"), _steps(tail)
    if in_key:
        steps.append(ANY)
    exact = _exact(steps, raw, root=root, complaint=str(error))
    place = f"{where}: {_shown(exact)}"
    value = _at(exact, raw)
    structs = _structs(_types_at(exact, root), value)
    if match := _UNKNOWN.search(message):
        return _unknown(match[1], _fields(structs), what="word", place=f"{place}.{match[1]}")
    if match := _MISSING.search(message):
        tags = sorted({str(s.tag) for s in structs if s.tag_field == match[1]})
        fix = f"One of {', '.join(tags)}." if tags else ""
        return ScenarioError(f"the word {match[1]!r} is missing", where=place, fix=fix)
    if match := _TAG.search(message):
        above = _types_at(exact[:-1], root)
        return _unknown(match[1], [str(s.tag) for s in _structs(above, None)], what="kind", place=place)
    if match := _TYPE.search(message):
        return ScenarioError("wrong type", where=place, found=_words(match[2]), expected=_words(match[1]))
    if match := _LIMIT.fullmatch(message):
        shown = "a value that is not shown" if _SECRET & set(exact) else repr(exact[-1] if in_key else value)
        expected = f"{_words(match[1])}{match[2]}"
        return ScenarioError("not allowed here", where=place, found=shown[:80], expected=expected)
    return ScenarioError(message, where=place)


def did_you_mean(word: str, options: Sequence[str]) -> str:
    """A question naming the nearest option, or nothing when none is near."""
    near = get_close_matches(word, options, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else ""


def _unknown(word: str, options: Sequence[str], *, what: str, place: str) -> ScenarioError:
    known = sorted(set(options))
    expected = f"one of {', '.join(known)}" if known else None
    return ScenarioError(
        f"unknown {what} {word!r}", where=place, expected=expected, fix=did_you_mean(word, known)
    )


def _steps(path: str) -> list[Step]:
    """The steps of a path like `$.targets[...].response` or `$.phases[0]`."""
    return [name or (int(index) if index else ANY) for name, index, _ in _STEP.findall(path)]


def _shown(steps: Sequence[Step]) -> str:
    """A path as TOML writes its keys: those with dots or blanks in quotes."""
    keys = (s if isinstance(s, int) or s == ANY or _BARE.fullmatch(s) else f'"{s}"' for s in steps)
    return "$" + "".join(f"[{k}]" if isinstance(k, int) else k if k == ANY else f".{k}" for k in keys)


def _words(kinds: str) -> str:
    """Types in the words of a TOML file, which has no null."""
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null")


def _exact(steps: list[Step], raw: object, *, root: type, complaint: str) -> list[Step]:
    """The steps with each ANY replaced by the first key that alone draws the same complaint."""
    exact: list[Step] = []
    for step in steps:
        if step == ANY:
            table = _at(exact, raw)
            keys = list(table) if isinstance(table, dict) else []
            step = next((k for k in keys if _complaint(_only(raw, exact, key=k), root) == complaint), ANY)  # noqa: PLW2901  -- the step, found
        exact.append(step)
    return exact


def _complaint(raw: object, root: type) -> str:
    try:
        msgspec.convert(raw, root)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _only(raw: Any, steps: Sequence[Step], *, key: str) -> Any:  # noqa: ANN401  -- any part of a file
    """The file with only one key in the table at some place."""
    if not steps:
        return {key: raw[key]}
    if isinstance(raw, list):
        return [_only(v, steps[1:], key=key) if i == steps[0] else v for i, v in enumerate(raw)]
    return raw | {steps[0]: _only(raw[steps[0]], steps[1:], key=key)}


def _at(steps: Sequence[Step], raw: Any) -> Any:  # noqa: ANN401  -- any part of a file
    """The value at a place, None where there is none."""
    for step in steps:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _types_at(steps: Sequence[Step], root: type) -> list[msgspec.inspect.Type]:
    """The declared types at a place, unions opened."""
    types: list[msgspec.inspect.Type] = [msgspec.inspect.type_info(root)]
    for step in steps:
        types = [inner for t in types for inner in _inside(t, step)]
    return [inner for t in types for inner in _opened(t)]


def _opened(kind: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _opened(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return [inner for t in kind.types for inner in _opened(t)]
    return [kind]


def _inside(kind: msgspec.inspect.Type, step: Step) -> list[msgspec.inspect.Type]:
    found: list[msgspec.inspect.Type] = []
    for t in _opened(kind):
        if isinstance(t, msgspec.inspect.StructType):
            found += [f.type for f in t.fields if f.encode_name == step]
        elif isinstance(t, msgspec.inspect.DictType):
            found.append(t.value_type)
        elif isinstance(t, msgspec.inspect.VarTupleType):
            found.append(t.item_type)
    return found


def _structs(types: Sequence[msgspec.inspect.Type], value: object) -> list[msgspec.inspect.StructType]:
    """The structs among the types: the one whose tag the value names, or all candidates."""
    structs = [t for t in types if isinstance(t, msgspec.inspect.StructType)]
    named = [
        s for s in structs if isinstance(value, dict) and s.tag_field and value.get(s.tag_field) == s.tag
    ]
    return named or structs


def _fields(structs: Sequence[msgspec.inspect.StructType]) -> list[str]:
    return [f.encode_name for s in structs for f in s.fields] + [s.tag_field for s in structs if s.tag_field]
