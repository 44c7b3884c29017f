"""The nouns as a room: each frozen and by keyword, each named once, and every module listed."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from harness import records

STRUCTS = [c for _, c in inspect.getmembers(records, inspect.isclass) if issubclass(c, msgspec.Struct)]
MODULES = {path.stem for path in Path(records.__path__[0]).glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("noun", STRUCTS)
def test_a_noun_is_frozen_and_written_by_keyword(noun: type[msgspec.Struct]) -> None:
    """Nothing that crossed a stage border changes, and no field depends on its place."""
    assert noun.__struct_config__.frozen
    assert all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(noun).parameters.values())


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_noun_of_a_module_can_be_had_from_the_room(module: str) -> None:
    """Who needs a noun need not know in which module it is."""
    inside = import_module(f"harness.records.{module}")
    nouns = {n for n, c in inspect.getmembers(inside, inspect.isclass) if c.__module__ == inside.__name__}
    assert nouns
    assert nouns <= set(records.__all__)


def test_the_room_lists_its_modules() -> None:
    """The docstring names each module there is, and no other."""
    assert set(re.findall(r"^`(\w+)` ", records.__doc__ or "", flags=re.MULTILINE)) == MODULES
