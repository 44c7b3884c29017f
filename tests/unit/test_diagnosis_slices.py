"""Mix and within add up; the worst slice is found and confirmed, and none is where there is none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diagnosis.slices import mix_and_within, worst_slices
from harness.errors import HarnessError


def test_kitagawa_by_hand() -> None:
    """Shares .5 .5 to .8 .2, means 0 1 to 0 2: -.1 = mix -.45 + within .35."""
    found = mix_and_within((list("aaaaabbbbb"), [0] * 5 + [1] * 5), (list("aaaaaaaabb"), [0] * 8 + [2] * 2))
    assert (found.change, found.mix, found.within) == pytest.approx((-0.1, -0.45, 0.35))
    assert {one.name: one.within for one in found.segments} == pytest.approx({"a": 0.0, "b": 0.35})


SIDE = st.lists(st.tuples(st.sampled_from("abc"), st.floats(-10, 10)), min_size=1, max_size=30)


@given(then=SIDE, now=SIDE)
def test_the_parts_add_up(then: list[tuple[str, float]], now: list[tuple[str, float]]) -> None:
    """Whatever the segments, also those of one side only; swapping the sides negates everything."""
    sides = [([s for s, _ in side], [v for _, v in side]) for side in (then, now)]
    found, back = mix_and_within(*sides), mix_and_within(*sides[::-1])
    assert found.change == pytest.approx(found.mix + found.within, abs=1e-9)
    assert found.change == pytest.approx(sum(one.mix + one.within for one in found.segments), abs=1e-9)
    assert (back.mix, back.within) == pytest.approx((-found.mix, -found.within), abs=1e-9)


def test_a_new_segment_is_all_mix() -> None:
    """It has no mean then, so nothing within it changed."""
    found = mix_and_within((["a", "a"], [1.0, 1.0]), (["a", "z"], [1.0, 3.0]))
    segment = next(one for one in found.segments if one.name == "z")
    assert math.isnan(segment.mean[0])
    assert (segment.within, found.within) == (0.0, 0.0)
    assert found.mix == pytest.approx(1.0)


def test_a_side_without_rows_is_refused() -> None:
    """Nothing to split."""
    with pytest.raises(HarnessError, match="has no rows"):
        mix_and_within(([], []), (["a"], [1.0]))


def world(seed: int, *, harm: float, n: int = 6_000) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Three fields and 300 units; a loss that is higher where country is "de" and device is "old"."""
    rng = np.random.default_rng(seed)
    units = rng.integers(0, 300, n)
    fields = {
        "country": np.array(["de", "fr", "it", "es"], object)[rng.integers(0, 4, n)],
        "device": np.array(["old", "new"], object)[rng.integers(0, 2, n)],
        "hour": rng.integers(0, 6, n),
    }
    loss = rng.exponential(1.0, n) * np.exp(0.2 * rng.normal(size=300))[units]
    bad = (fields["country"] == "de") & (fields["device"] == "old")
    return fields, loss + harm * bad, units


def test_the_worst_slice_is_found_and_confirmed() -> None:
    """Both of its fields, with an excess whose interval holds the truth; it comes first."""
    fields, loss, units = world(1, harm=1.0)
    first = worst_slices(fields, loss, units=units, rng=np.random.default_rng(0))[0]
    assert first.confirmed
    assert first.fields == {"country": "de", "device": "old"}
    assert first.low < 1.0 < first.high


def test_nothing_is_confirmed_where_nothing_is() -> None:
    """40 worlds without a bad slice: a name in at most 5 (expected 2 at .05)."""
    named = 0
    for seed in range(40):
        fields, loss, units = world(100 + seed, harm=0.0, n=1_500)
        found = worst_slices(fields, loss, units=units, rng=np.random.default_rng(seed))
        named += any(one.confirmed for one in found)
    assert named <= 5


def test_the_same_seed_gives_the_same_slices() -> None:
    """The halves are drawn by the generator that is passed in."""
    fields, loss, units = world(2, harm=0.5)
    one, other = (worst_slices(fields, loss, units=units, rng=np.random.default_rng(9)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("loss", "units"),
    [(np.zeros(100), np.arange(100)), (np.ones(100), np.arange(100) % 10), (np.empty(0), np.empty(0))],
    ids=["no loss", "few units", "no rows"],
)
def test_what_cannot_be_halved_has_no_slices(loss: np.ndarray, units: np.ndarray) -> None:
    """Nothing is named, nothing raises."""
    fields = {"a": np.zeros(len(loss))}
    assert worst_slices(fields, loss, units=units, rng=np.random.default_rng(0)) == ()


def test_negative_losses_and_other_lengths_are_refused() -> None:
    """A loss is at least 0; every field has a value for each row."""
    units, rng = np.arange(100), np.random.default_rng(0)
    with pytest.raises(HarnessError, match="losses: is below 0"):
        worst_slices({}, -np.ones(100), units=units, rng=rng)
    with pytest.raises(HarnessError, match="a: has another length"):
        worst_slices({"a": [1]}, np.ones(100), units=units, rng=rng)


def test_the_error_of_within_covers_the_truth_as_often_as_it_says() -> None:
    """Two segments, units of two rows: in 200 draws about 95 % of the intervals hold the truth."""
    rng = np.random.default_rng(7)
    truth, held = 0.5 * (0.5 + 0.8) * 1.0 + 0.5 * (0.5 + 0.2) * 1.0, 0
    for _ in range(200):
        sides = []
        for share, moved in ((0.5, 0.0), (0.8, 1.0)):
            first = rng.random(200) < share
            shock = np.repeat(rng.normal(size=100), 2)
            sides.append((np.where(first, "a", "b"), moved + 2.0 * first + shock + rng.normal(size=200)))
        unit = np.arange(200) // 2
        found = mix_and_within(sides[0], sides[1], units=(unit, 1000 + unit))
        held += abs(found.within - truth) < 1.96 * found.within_se
    assert 182 <= held <= 198
    assert np.isnan(mix_and_within(*sides).within_se)
    assert np.isnan(mix_and_within(*sides, units=(unit // 50, unit)).within_se)
