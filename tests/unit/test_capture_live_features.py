"""Features of any type: as JSON, or counted as none."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from harness.capture.live import features
from harness.capture.live.record import Record
from harness.capture.live.recorder import Recorder
from harness.capture.live.redaction import Redactor
from harness.capture.live.rules import Rules


class Shop(msgspec.Struct):
    """A struct in a feature."""

    name: str


@dataclasses.dataclass
class Order:
    """A dataclass in a feature."""

    shop: Shop
    prices: tuple[float, ...]


class Modelled(BaseModel):
    """A model of pydantic in a feature."""

    name: str


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": {"b": [1, None, True, "x"]}}, {"a": {"b": [1, None, True, "x"]}}),
        ([math.nan, -math.inf, 1.5], ["NaN", "-Infinity", 1.5]),
        ({1: (np.float32(0.5), np.int64(2))}, {"1": [0.5, 2]}),
        (np.array([[1.0, math.nan], [2.0, 3.0]]), [[1.0, "NaN"], [2.0, 3.0]]),
        (pd.Series([1, 2]), [1, 2]),
        (Order(Shop("s"), (1.0,)), {"shop": {"name": "s"}, "prices": [1.0]}),
        ([Modelled(name="m")], [{"name": "m"}]),
        ({"b", "a"}, ["a", "b"]),
        ([date(2026, 1, 2), pd.NA], ["2026-01-02", None]),
        ([], []),
    ],
)
def test_what_has_parts_is_the_text_of_its_json(value: object, said: object) -> None:
    """Of whatever library it is, its parts stand where a path finds them."""
    found = features.spelled({"f": value})["f"]
    assert isinstance(found, str)
    assert json.loads(found) == said
    assert features.spelled({"f": found}) == {"f": found}


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_json_is_the_json_that_it_is(given: Mapping[str, Any]) -> None:
    """Every value that JSON has comes back as it was."""
    found = features.spelled(given)
    assert found.keys() == given.keys()
    for name, value in given.items():
        back = json.loads(str(found[name])) if isinstance(value, list | dict) else found[name]
        assert back == value


def looped() -> list[object]:
    """A list that holds itself."""
    one: list[object] = []
    one.append(one)
    return one


class Failing(dict[str, int]):
    """A mapping whose members cannot be had."""

    def items(self) -> Any:  # noqa: ANN401  -- never gives any
        """What a mapping of a closed session does."""
        raise LookupError


@pytest.mark.parametrize(
    "value",
    [
        object(),
        [object()],
        lambda: 1,
        looped(),
        [0] * (features.MAX_VALUES + 1),
        np.zeros(features.MAX_VALUES + 1),
        Failing(a=1),
        b"\xff",
        ["\ud800"],
        pd.DataFrame({"a": [1]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_json_is_left_out_and_told(value: object) -> None:
    """Its text in Python would be data that no rule for a place finds; the other features stay."""
    lost: list[object] = []
    assert features.spelled({"a": 1, "f": value}, lost.append) == {"a": 1}
    assert len(lost) == 1
    assert lost[0] is value


def test_rules_for_places_reach_into_features(tmp_path: Path) -> None:
    """A name in a nested feature goes by the same path as that in a body, and what is none is counted."""
    rules = Rules(paths={"user.name": "mask", "**.ssn": "remove"})
    recorder = Recorder(tmp_path, redactor=Redactor(rules))
    told = {"user": {"name": "Zaphod"}, "more": [{"ssn": "Zaphod", "n": 1}], "x": 1.5, "odd": object()}
    recorder.offer(Record(request_id="r", ts_ns=1, features=told))
    assert recorder.close()
    (file,) = tmp_path.glob("capture-*")
    line = json.loads(file.read_bytes())
    assert line["online_features"] == {"user": '{"name":"[redacted]"}', "more": '[{"n":1}]', "x": 1.5}
    assert recorder.counts.not_attached == {"feature: object": 1}
    (counts,) = tmp_path.glob("_counts-*")
    assert json.loads(counts.read_bytes())["not_attached"] == {"feature: object": 1}
