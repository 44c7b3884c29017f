"""Texts coded once."""

import numpy as np

from harness.columns import Pair, Side
from harness.diff.locating import fields_of
from harness.diff.places import Places
from harness.diff.texts import NO_LEVEL, Texts, codes_of

TEXT = np.array(["DE", "US", None, "DE"], object)


def test_texts_are_coded_in_order_of_appearance() -> None:
    """None is -1, wherever it stands."""
    codes, levels = codes_of(["x", None, "y", "x"])
    assert (codes.tolist(), levels) == ([0, -1, 1, 0], ["x", "y"])


def test_no_text_is_a_level_of_its_own() -> None:
    """Rows of coded texts are cut without reading them again."""
    texts = Texts.of(TEXT)
    assert (texts.codes.tolist(), texts.levels) == ([0, 1, 2, 0], ("DE", "US", NO_LEVEL))
    assert texts[np.array([3, 1])].codes.tolist() == [0, 1]


def test_the_top_levels_come_with_their_counts() -> None:
    """The most frequent first, of as many by name."""
    assert list(Texts.of(TEXT).top(2).items()) == [("DE", 2), (NO_LEVEL, 1)]
    assert Texts.of(TEXT)[np.array([], np.int64)].top(2) == {}


def test_a_finding_is_located_by_segments_as_they_are_coded() -> None:
    """Not once more for each finding."""
    names, ns = np.array(["a", "b", "c", "d"], object), np.arange(4)
    arm = Side("m", np.zeros(4), None)
    pair = Pair(
        left=arm,
        right=arm,
        seq=ns,
        request_id=names,
        ts_ns=ns,
        event_time_ns=ns,
        unit=names,
        segments={"country": TEXT},
        unstable=np.zeros(4, bool),
    )
    places = Places.of(pair)
    assert fields_of(places, None)["country"] is places.segments["country"]
