"""A scenario file from disk: what it extends merged in, decoded into structs, checked as a whole."""

from __future__ import annotations

import math
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import RunError, ScenarioError
from harness.replay.guard import confirmed
from harness.scenario.checks import check
from harness.scenario.config import Loaded, Scenario
from harness.scenario.explain import explain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def load(path: Path, *, public: Collection[str] = ()) -> Loaded:
    """The scenario of a TOML file, or of `scenario.toml` in a folder, checked.

    `public` confirms hosts of its `allow_hosts`; the others are not allowed.

    Paths in it are relative to the folder of the real file, behind all links. Raises ScenarioError with the
    place and what was expected there.
    """
    file = path / "scenario.toml" if path.is_dir() else path
    raw = _read(file, seen=())
    for place, number in _numbers(raw, "$"):
        if not math.isfinite(number):
            raise ScenarioError("not a finite number", where=f"{file}: {place}", found=number)
    try:
        scenario = msgspec.convert(raw, Scenario, strict=True)
    except msgspec.ValidationError as error:
        raise explain(error, raw, root=Scenario, where=str(file)) from error
    # once around, as through run.json: a default of 60 where a number is 60.0 must not change the digest
    scenario = msgspec.convert(msgspec.to_builtins(scenario), Scenario)
    scenario = msgspec.structs.replace(scenario, safety=confirmed(scenario.safety, public))
    loaded = Loaded(scenario, file, file.resolve().parent)
    check(loaded)
    return loaded


def restore(plain: dict[str, Any], path: Path, *, folder: Path) -> Loaded:
    """The scenario that a run was made with, from what `Loaded.plain` kept; RunError if it cannot."""
    try:
        return Loaded(msgspec.convert(plain, Scenario), path, folder)
    except msgspec.ValidationError as error:
        raise RunError(
            "the run's scenario cannot be read by this version",
            where="run.json",
            found=error,
            fix="Use the version of replaygate that made the run.",
        ) from error


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Tables merged key by key, `over` winning; arrays and values are replaced whole."""
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merge(out[key], value) if both else value
    return out


def _read(path: Path, *, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The raw tables of a file, laid over those of the file that it extends."""
    raw, place = _toml(path), f"{path}: $.extends"
    base = raw.get("extends")
    if base is None:
        return raw
    if not isinstance(base, str):
        raise ScenarioError("wrong type", where=place, expected="the name of a file, in quotes")
    here = path.resolve()
    parent = here.parent / base
    if parent.resolve().parent != here.parent:
        raise ScenarioError("not a file in the same folder", where=place, found=base)
    if parent.resolve() in (*seen, here):
        raise ScenarioError("`extends` goes in a circle", where=place, found=base)
    return merge(_read(parent, seen=(*seen, here)), raw)


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ScenarioError("no such scenario file", where=str(path), fix=_instead(path))
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError("cannot be read", where=str(path), found=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"not valid TOML: {error}", where=str(path)) from error


def _instead(path: Path) -> str:
    """The file that was probably meant, or how to write one."""
    there = [entry.name for entry in path.parent.glob("*.toml")]
    near = get_close_matches(path.name, there, n=1)
    return f"Did you mean {path.parent / near[0]}?" if near else "Write one with: replaygate init NAME"


def _numbers(value: object, place: str) -> Iterator[tuple[str, float]]:
    """Every float of a file with its place; TOML knows nan and inf, and run.json does not."""
    if isinstance(value, float):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, f"{place}[{index}]")
