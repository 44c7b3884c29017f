"""Sampling: the probabilities are those that are said, so every total stays unbiased."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from harness.capture.intake import in_sample
from harness.capture.live.record import Record
from harness.capture.live.sampling import TAG, Sample, Sampler, below, forgotten, most_weight, text_at
from harness.records import CapturedRequest


def request(number: int = 0, **given: object) -> CapturedRequest:
    """A request with these fields."""
    fields: dict[str, object] = {"seq": number, "request_id": f"r{number}", "ts_ns": number} | given
    return CapturedRequest(**fields)  # type: ignore[arg-type]


def kept(sampler: Sampler, requests: list[CapturedRequest]) -> list[CapturedRequest]:
    """What the sampler keeps."""
    return [one for each in requests if (one := sampler.sampled(each)) is not None]


@pytest.mark.parametrize("seed", [0, 7])
def test_a_sample_by_unit_is_that_of_a_scenario(seed: int) -> None:
    """The same key and the same answer as `sample` of a scenario, with a unit and without."""
    sampler = Sampler(Sample(share=0.3, by="unit", seed=seed))
    for number in range(300):
        one = request(number, unit=None if number % 3 else f"u{number // 9}")
        assert (sampler.weight(one) > 0) == in_sample(one.unit or one.request_id, share=0.3, seed=seed)


def test_a_larger_share_only_adds() -> None:
    """Who is in the sample of a tenth is in that of a half."""
    small, large = (Sampler(Sample(share=share)) for share in (0.1, 0.5))
    assert all(large.weight(request(n)) > 0 for n in range(500) if small.weight(request(n)) > 0)


def test_weights_multiply() -> None:
    """What the capture was sampled by before still counts."""
    found = kept(Sampler(Sample(share=0.5)), [request(n, sampling_weight=3.0) for n in range(50)])
    assert {one.sampling_weight for one in found} == {6.0}


@pytest.mark.parametrize(("first", "second", "weight"), [(0.2, 0.5, 5.0), (0.5, 0.2, 5.0), (0.5, 0.5, 2.0)])
def test_a_second_sample_by_the_same_hash_counts_once(first: float, second: float, weight: float) -> None:
    """Who is below a fifth is below a half too: the weight is one over the smaller share, not over both."""
    once = kept(Sampler(Sample(share=first)), [request(n) for n in range(400)])
    twice = kept(Sampler(Sample(share=second)), once)
    assert {one.sampling_weight for one in twice} == {weight}
    assert len(twice) == sum(below(f"r{n}", min(first, second), key=bytes(8)) for n in range(400))


def test_another_seed_is_another_sample() -> None:
    """Two hashes are independent, so their weights multiply."""
    once = kept(Sampler(Sample(share=0.5)), [request(n) for n in range(400)])
    twice = kept(Sampler(Sample(share=0.5, seed=1)), once)
    assert {one.sampling_weight for one in twice} == {4.0}
    assert 60 < len(twice) < 140


def test_each_slice_has_its_floor_in_each_window() -> None:
    """The first of each slice are kept for sure; of the rest a share; a rare slice is whole."""
    sampler = Sampler(Sample(share=0.05, strata="segment:country", floor=20, window_s=1))
    requests = [
        request(n, ts_ns=n * 10**6, segments={"country": "MT" if n % 100 == 0 else "DE"})
        for n in range(2_000)
    ]
    found = kept(sampler, requests)
    for second in (0, 1):
        inside = [one for one in found if one.ts_ns // 10**9 == second]
        rare = [one for one in inside if one.segments["country"] == "MT"]
        assert (len(rare), {one.sampling_weight for one in rare}) == (10, {1.0})
        frequent = [one.sampling_weight for one in inside if one.segments["country"] == "DE"]
        assert frequent[:20] == [1.0] * 20
        assert set(frequent[20:]) == {20.0}


@pytest.mark.parametrize("by", ["request_id", "unit"])
def test_totals_are_unbiased(by: str) -> None:
    """Over 400 seeds the mean weighted total is the true one, within four standard errors."""
    requests = [
        request(n, unit=f"u{n % 60}", segments={"country": ("MT", "DE", "DE", "FR")[n % 4 if n % 7 else 0]})
        for n in range(300)
    ]
    values = np.arange(300) % 11 + 1.0
    totals = []
    for seed in range(400):
        sampler = Sampler(Sample(share=0.2, by=by, strata="segment:country", floor=5, seed=seed))
        totals.append(sum(one.sampling_weight * values[one.seq] for one in kept(sampler, requests)))
    error = np.std(totals, ddof=1) / np.sqrt(len(totals))
    assert abs(np.mean(totals) - values.sum()) < 4 * error
    assert np.std(totals) > 0


def test_a_unit_keeps_its_probability_in_a_slice() -> None:
    """It is kept or left out whole, and its weight is one number."""
    sampler = Sampler(Sample(share=0.3, by="unit", strata="segment:c", floor=2))
    found = kept(sampler, [request(n, unit=f"u{n % 10}", segments={"c": "x"}) for n in range(100)])
    weights: dict[str | None, set[float]] = {}
    for one in found:
        weights.setdefault(one.unit, set()).add(one.sampling_weight)
    assert all(len(each) == 1 for each in weights.values())
    assert [weights["u0"], weights["u1"]] == [{1.0}, {1.0}]
    assert all(sum(one.unit == unit for one in found) == 10 for unit in weights)


def test_an_old_request_has_no_floor() -> None:
    """Only three windows are held, so a clock that jumps back gets the share, whose probability is known."""
    sampler = Sampler(Sample(share=0.5, strata="segment:c", floor=10**6, window_s=1))
    for second in (10, 11, 12):
        assert sampler.weight(request(second, ts_ns=second * 10**9)) == 1.0
    old = [sampler.weight(request(n, ts_ns=0)) for n in range(50)]
    assert set(old) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("unit", "u"),
        ("request_id", "r0"),
        ("header:X-User", "h"),
        ("body:user.id", "17"),
        ("body:rows.id", "a"),
        ("body:user", None),
        ("body:no.such", None),
        ("query:s", "q"),
        ("segment:c", "DE"),
        ("tag:t", "v"),
        ("tag:none", None),
    ],
)
def test_a_place_is_read(place: str, text: str | None) -> None:
    """A number is its JSON text; of an array the first element counts; a container is no name."""
    one = request(
        unit="u",
        headers={"x-user": "h"},
        path="/?s=q",
        body=b'{"user":{"id":17},"rows":[{"id":"a"},{"id":"b"}],"x":NaN}',
        segments={"c": "DE"},
        tags={"t": "v"},
    )
    assert text_at(one, place) == text


def test_a_record_of_live_capture_is_sampled_too() -> None:
    """It has no segments, which is no error."""
    sampler = Sampler(Sample(share=0.5, strata="segment:c", floor=1))
    first = sampler.sampled(Record(request_id="a", ts_ns=0))
    assert first is not None
    assert (first.sampling_weight, first.tags) == (1.0, {TAG: '{"request_id 0": 1.0, "least": 0.5}'})
    assert (sampler.seen, sampler.kept) == (1, 1)


@pytest.mark.parametrize(
    "table",
    [
        {"share": 0},
        {"share": 1.5},
        {"by": "user"},
        {"by": "header:"},
        {"strata": "country"},
        {"floor": 5},
        {"floor": -1, "strata": "unit"},
    ],
)
def test_what_cannot_be_sampled_is_refused(table: dict[str, object]) -> None:
    """A word that is misread as a place would keep all, or none."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, Sample)


def test_how_a_request_was_sampled_is_told_and_forgotten() -> None:
    """The tag holds probabilities by place and seed; of a name that is another now only the number stays."""
    one = Sampler(Sample(share=0.999, by="unit", seed=3)).sampled(request(unit="v"))
    assert one is not None
    assert json.loads(one.tags[TAG]) == {"unit 3": 0.999}
    assert json.loads(forgotten(one.tags, ["unit"])[TAG]) == {"renamed": 0.999}
    assert forgotten(one.tags, ["body:x"]) == one.tags
    assert forgotten({"a": "b"}, ["unit"]) == {"a": "b"}


FLOOR = Sample(share=0.02, strata="segment:c", floor=1)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ((), 1.0),
        ((Sample(share=0.5),), 2.0),
        ((FLOOR,), 50.0),
        ((FLOOR, Sample(share=0.5, seed=9)), 100.0),
        ((Sample(share=0.5, seed=9), FLOOR), 100.0),
        ((Sample(share=0.5), Sample(share=0.1)), 10.0),
        ((Sample(share=0.1), Sample(share=0.5)), 10.0),
    ],
)
def test_a_tag_says_the_largest_weight_of_any_request(samples: tuple[Sample, ...], expected: float) -> None:
    """That of the smallest probability, also where a floor kept a request; a renamed unit changes nothing."""
    found = [request(n) for n in range(200)]
    for sample in samples:
        found = kept(Sampler(sample), found)
    for tags in (found[0].tags, forgotten(found[0].tags, ["request_id"])):
        assert most_weight(tags.get(TAG, ""), found[0].sampling_weight) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("tag", "weight"),
    [
        ("", 50.0),
        ('{"unit 0":0.1}', 500.0),
        ('{"unit 0":0.1}', 1.0),
        ("50", 50.0),
        ('{"unit 0":0}', 1e9),
        ('{"least":0}', 3.0),
        ('{"unit 0":-0.1}', -10.0),
    ],
)
def test_a_weight_that_no_tag_accounts_for_has_no_known_largest(tag: str, weight: float) -> None:
    """Somebody else's sampler gave it, and may give larger ones."""
    assert most_weight(tag, weight) is None


def test_what_others_could_weigh_is_not_sampled_again() -> None:
    """A capture of whole slices, sampled no more, keeps what it says."""
    (first,) = kept(Sampler(FLOOR), [request()])
    (again,) = kept(Sampler(Sample()), [first])
    assert again == first
