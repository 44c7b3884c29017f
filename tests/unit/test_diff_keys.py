"""Further ids: which tags they are, coded as units are, and what they are for."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.random import default_rng

from harness.columns import Column, Pair, Side
from harness.diff import Context, Tolerances, compare
from harness.diff.causes.history import History
from harness.diff.keys import comes_back, further_keys
from tests.kit.struck import TIME_NS, UNIT, N, column

ROW = np.arange(N)
UNITS = np.array([f"u{code}" for code in UNIT], object)
PAYEE = default_rng(2101).integers(0, 100, N)
PAYEES = np.array([f"u{code}" for code in PAYEE], object)
PLAN = np.array(["a", "b", "c"], object)[ROW % 3]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (PAYEES, True),
        (PLAN, False),
        (np.array([f"t{row}" for row in ROW], object), False),
        (np.array([f"card of {name}" for name in UNITS], object), False),
        (np.full(N, None, object), False),
    ],
    ids=["payee", "few levels", "a serial number", "tells the unit", "nothing"],
)
def test_an_id_has_many_levels_that_come_back_and_is_not_the_unit(
    texts: np.ndarray, *, expected: bool
) -> None:
    """What tells the unit would explain whatever the unit does."""
    assert ("tag" in further_keys({"tag": texts}, pa.array(UNITS, pa.string()))) is expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a", "b", "a", "b"], True),
        (["a", "a", None, None], False),
        (["a", "b", "c", None], False),
        ([None, None], False),
    ],
)
def test_a_tag_that_comes_back_tells_requests_apart(texts: list[str | None], *, expected: bool) -> None:
    """Neither one level for all nor one for each."""
    assert comes_back(np.array(texts, object)) is expected


def test_an_id_is_coded_as_the_unit_it_names() -> None:
    """So a value looked up for the payee is found among the values of that user; no id is nobody's."""
    texts = PAYEES.copy()
    texts[:2] = None
    codes = further_keys({"payee": texts}, pa.array(UNITS, pa.string()))["payee"]
    units = pa.array(UNITS, pa.string()).dictionary_encode()
    levels = units.dictionary.to_pylist()
    assert [levels[code] for code in codes[2:50]] == PAYEES[2:50].tolist()
    assert len({*codes[:2].tolist(), *range(len(levels))}) == len(levels) + 2


def served(values: np.ndarray, of: np.ndarray) -> Pair:
    """An arm that serves a feature of the unit."""
    names = np.array([f"r{row}" for row in ROW], object)
    left: dict[str, Column] = {"count_7d": column(of)}
    return Pair(
        left=Side("offline:m", np.zeros(N), left),
        right=Side("challenger", np.zeros(N), {"count_7d": column(values)}),
        seq=ROW,
        request_id=names,
        ts_ns=TIME_NS,
        event_time_ns=TIME_NS,
        unit=UNITS,
        segments={},
        unstable=np.zeros(N, bool),
    )


def test_a_feature_looked_up_by_a_tag_is_named() -> None:
    """From the tags of a capture to a cause; without them nobody knows the payee."""
    of = np.round(default_rng(2102).gamma(2, 9, 100), 3)[UNIT]
    sources = History.of(UNIT, TIME_NS).latest(PAYEE, ROW)
    pair = served(np.where(sources >= 0, of[sources], of), of)
    (found,) = compare(pair, tolerances=Tolerances(), context=Context(tags={"payee": PAYEES})).findings
    assert found.cause == "wrong_key"
    assert "looks count_7d up by payee" in found.sentence
    assert "payee" not in compare(pair, tolerances=Tolerances()).findings[0].sentence


@pytest.mark.parametrize(
    ("context", "place"),
    [
        (Context(tags={"route": PLAN}), "tag route = b"),
        (Context(answered_by={"answered by model": PLAN}), "answered by model = b"),
    ],
    ids=["tag", "model"],
)
def test_tags_and_who_answered_are_places(context: Context, place: str) -> None:
    """A build that alone is wrong is named as where it is."""
    of = default_rng(2103).random(N)
    (found,) = compare(
        served(np.where(PLAN == "b", of * 3, of), of), tolerances=Tolerances(), context=context
    ).findings
    assert [one.conditions for one in found.places] == [(place,)]
