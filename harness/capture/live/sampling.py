"""Sampling of calls with a known probability, so that a weight of one over it keeps every total unbiased.

A call is kept where a keyed hash of its name is below its probability: no state of a generator, the same
answer on every machine, and a larger share only adds. Weights are those of Horvitz and Thompson (1952).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Annotated, Any, Protocol, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

#: the tag that says how a request was sampled, so that it is not sampled again by the same hash unknowingly
TAG = "sampled"
#: slices, and units of the present windows, whose counts are held; what comes later has no floor
MAX_SLICES = 10_000
MAX_NAMES = 100_000

#: in the tag: the smallest probability that the samples give to any request, where this one had a larger
_LEAST = "least"
#: in the tag: the probability by samples whose names are others now
_RENAMED = "renamed"

_WINDOWS = 3
_SECOND_NS = 10**9
_Probability = Annotated[float, Meta(gt=0, le=1)]
_KINDS = ("header", "body", "query", "segment", "tag")


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[sample]` table: which share of the requests is kept. Raises ValueError for a place that is none.

    A place is `unit`, `request_id`, `header:NAME`, `body:a.b`, `query:NAME`, `segment:NAME` or `tag:NAME`.
    """

    share: Annotated[float, Meta(gt=0, le=1, description="Share of the requests to keep.")] = 1.0
    by: Annotated[
        str, Meta(description="Place of the name that is kept or left out whole: a unit, a user, a session.")
    ] = "request_id"
    strata: Annotated[str | None, Meta(description="Place of the slice; each slice has its own floor.")] = (
        None
    )
    floor: Annotated[
        int, Meta(ge=0, description="So many names of each slice, the first of a window, are kept for sure.")
    ] = 0
    window_s: Annotated[
        int, Meta(ge=0, description="Length of a window of the requests' time; 0: all of it is one.")
    ] = 0
    seed: Annotated[int, Meta(description="Another seed keeps others.")] = 0

    def __post_init__(self) -> None:
        """Places can be read."""
        for place in (self.by, self.strata):
            if place is not None:
                _check(place)
        if self.floor and self.strata is None:
            raise ValueError("a floor is of slices: say by which place they are told apart (strata)")


class Sampled(Protocol):
    """What a sampler looks at."""

    @property
    def request_id(self) -> str:
        """Its name where nothing else names it."""

    @property
    def ts_ns(self) -> int:
        """When it came."""

    @property
    def sampling_weight(self) -> float:
        """For how many requests it stands."""

    @property
    def tags(self) -> dict[str, str]:
        """Names and texts that are known besides."""


SampledT = TypeVar("SampledT", bound=Sampled)


class Sampler:
    """Decides on one request after another; only the counts of slices with a floor are held.

    `absent` counts, by place of the sample, the requests that have nothing there.
    """

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self._key = sample.seed.to_bytes(8, "little", signed=True)
        self._windows: dict[int, _Window] = {}
        self.seen = self.kept = 0
        self.absent: dict[str, int] = {}
        self._places = tuple(dict.fromkeys((sample.by, sample.strata or sample.by)))

    def sampled(self, request: SampledT) -> SampledT | None:
        """The request with its weight and how it was sampled, None where it is not kept."""
        weight, tags = self._drawn(request)
        if not weight:
            return None
        if weight == 1 and tags == request.tags:
            return request
        changes: dict[str, Any] = {"sampling_weight": request.sampling_weight * weight, "tags": tags}
        return cast("SampledT", msgspec.structs.replace(cast("msgspec.Struct", request), **changes))

    def weight(self, request: Sampled) -> float:
        """How many requests this one stands for, 0 where it is not kept."""
        return self._drawn(request)[0]

    def _drawn(self, request: Sampled) -> tuple[float, dict[str, str]]:
        texts = self._texts(request)
        found = texts[self.sample.by]
        name, place = (found, self.sample.by) if found is not None else (request.request_id, "request_id")
        chance = self._chance(request, name, slice_=texts.get(self.sample.strata or "") or "")
        earlier = _earlier(request.tags.get(TAG, ""))
        self.seen += 1
        if not below(name, chance, key=self._key):
            return 0.0, {}
        self.kept += 1
        how = f"{place} {self.sample.seed}"
        before = earlier.get(how, 1.0)
        if self.sample.share == 1 and how not in earlier:
            return 1.0, request.tags
        least = _least(earlier) * min(self.sample.share, before) / before
        said = _said(earlier | {how: min(chance, before)}, least=least)
        return before / min(chance, before), {**request.tags, TAG: json.dumps(said)}

    def _texts(self, request: Sampled) -> dict[str, str | None]:
        """What the request has at the places of the sample."""
        found = {place: text_at(request, place) for place in self._places}
        for place, text in found.items():
            if text is None:
                self.absent[place] = self.absent.get(place, 0) + 1
        return found

    def _chance(self, request: Sampled, name: str, *, slice_: str) -> float:
        """The probability, from what came before this request alone: the hash of its name is not asked."""
        sample = self.sample
        if sample.strata is None or not sample.floor:
            return sample.share
        number = request.ts_ns // (sample.window_s * _SECOND_NS) if sample.window_s else 0
        window = self._windows.get(number)
        if window is None:
            if len(self._windows) >= _WINDOWS and number < min(self._windows):
                return sample.share
            window = self._windows[number] = _Window()
            while len(self._windows) > _WINDOWS:
                del self._windows[min(self._windows)]
        return window.chance(slice_, name, sample=sample)


class _Window:
    """Counts of the slices in one window; a name keeps the probability that it first had in its slice."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.first: set[tuple[str, str]] = set()

    def chance(self, slice_: str, name: str, *, sample: Sample) -> float:
        """1 for the first names of the slice, then the share."""
        if slice_ not in self.counts and len(self.counts) >= MAX_SLICES:
            return sample.share
        count = self.counts.get(slice_, 0)
        if sample.by == "request_id":
            self.counts[slice_] = count + 1
            return 1.0 if count < sample.floor else sample.share
        if (slice_, name) in self.first:
            return 1.0
        if count >= sample.floor or len(self.first) >= MAX_NAMES:
            return sample.share
        self.counts[slice_] = count + 1
        self.first.add((slice_, name))
        return 1.0


def below(name: str, chance: float, *, key: bytes) -> bool:
    """Whether the keyed hash of a name, as a fraction, is below the chance: 64 bits of BLAKE2b (RFC 7693)."""
    if chance >= 1:
        return True
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big") < chance * 2**64


def text_at(request: Sampled, place: str) -> str | None:
    """The text at a place of the request, None where nothing is."""
    kind, _, name = place.partition(":")
    if not name:
        return cast("str | None", getattr(request, kind, None))
    if kind == "header":
        headers: Mapping[str, str] = getattr(request, "headers", {})
        lower = name.lower()
        return next((value for key, value in headers.items() if key.lower() == lower), None)
    if kind == "query":
        return dict(parse_qsl(getattr(request, "path", "").partition("?")[2])).get(name)
    if kind == "body":
        return _in_json(getattr(request, "body", b""), name)
    texts: Mapping[str, str] = getattr(request, {"segment": "segments", "tag": "tags"}[kind], {})
    return texts.get(name)


def _in_json(body: bytes, path: str) -> str | None:
    """The text, number or word at `a.b` of a body; of an array its first element counts."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for name in path.split("."):
        while isinstance(found, list) and found:
            found = found[0]
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    if found is None or isinstance(found, list | dict):
        return None
    return found if isinstance(found, str) else json.dumps(found)


def forgotten(tags: dict[str, str], places: Collection[str]) -> dict[str, str]:
    """The tags without what they say of samples by names that are others now: their hashes are others too."""
    earlier = _earlier(tags.get(TAG, ""))
    if not earlier:
        return tags
    still = {
        how: chance
        for how, chance in earlier.items()
        if (place := how.rpartition(" ")[0]) in ("unit", "request_id") and place not in places
    }
    renamed = _chance(earlier) / _chance(still)
    said = _said(still | ({_RENAMED: renamed} if renamed < 1 else {}), least=_least(earlier))
    rest = {name: text for name, text in tags.items() if name != TAG}
    return rest | ({TAG: json.dumps(said)} if said else {})


def most_weight(tag: str, weight: float) -> float | None:
    """The largest weight that the samples a tag tells of can give any request; None where it is not theirs.

    A weight that the tag does not account for comes from elsewhere, and its largest is not known. To check:
    a request of weight 1, kept for sure by a floor beside a share of .02, may be one of weight 50.
    """
    said = _earlier(tag)
    chance, least = _chance(said), _least(said)
    if not (0.0 < least <= 1.0 and math.isclose(weight * chance, 1.0, rel_tol=1e-9)):
        return None
    return max(weight, 1.0 / least)


def _chance(said: Mapping[str, float]) -> float:
    """The probability with which the request was kept by all of its samples."""
    return math.prod(chance for how, chance in said.items() if how != _LEAST)


def _least(said: Mapping[str, float]) -> float:
    """The smallest that they give any request."""
    return said.get(_LEAST, _chance(said))


def _said(said: Mapping[str, float], *, least: float) -> dict[str, float]:
    """What the tag says, with the smallest probability where it is below that of this request."""
    bare = {how: chance for how, chance in said.items() if how != _LEAST}
    return bare if math.isclose(least, _chance(bare), rel_tol=1e-9) else bare | {_LEAST: least}


def _earlier(tag: str) -> dict[str, float]:
    """The probabilities of earlier samples by how they were drawn; nothing of a tag that is not ours."""
    try:
        return msgspec.json.decode(tag, type=dict[str, _Probability]) if tag else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _check(place: str) -> None:
    kind, _, name = place.partition(":")
    if place in ("unit", "request_id") or (kind in _KINDS and name):
        return
    known = ", ".join(("unit", "request_id", *(f"{one}:NAME" for one in _KINDS)))
    raise ValueError(f"no place {place!r}; there are {known}")
