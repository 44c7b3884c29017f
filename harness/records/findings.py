"""A bug named: what it costs, where it is, and since when."""

from __future__ import annotations

import msgspec

from harness.records.differences import Exemplar


class Counterfactual(msgspec.Struct, frozen=True, kw_only=True):
    """What a bug costs, by exchanging its values on its own requests; changes of the score are absolute.

    `in`: served values of this bug alone in the offline vector. `out`: what goes away when it alone is put
    right among all bugs. `share`: its Shapley value among the bugs that differ on the same requests, of which
    there are at most `together`; `error` is its standard error, None where every coalition was scored.
    `log_loss` is the mean change by this bug alone on its `labelled` requests.
    """

    flips_in: int
    mean_abs_in: float
    max_abs_in: float
    flips_out: int
    mean_abs_out: float
    flips_share: float
    mean_abs_share: float
    flips_error: float | None = None
    mean_abs_error: float | None = None
    together: int = 1
    log_loss: float | None = None
    labelled: int = 0


class PlaceFound(msgspec.Struct, frozen=True, kw_only=True):
    """Where mismatches gather: one or two conditions that hold together, counted on all compared requests.

    `rate` is the share mismatching there, `elsewhere` that of all other requests, `share` the part of all
    mismatches that is there. `p` is adjusted over all places tried; None where one unit has them all.
    """

    conditions: tuple[str, ...]
    requests: int
    mismatching: int
    rate: float
    elsewhere: float
    share: float
    p: float | None


class MomentFound(msgspec.Struct, frozen=True, kw_only=True):
    """A time and its 95 % interval, RFC 3339 UTC."""

    at: str
    lower: str
    upper: str


class OnsetFound(msgspec.Struct, frozen=True, kw_only=True):
    """Since and until when requests mismatch; None is from the first, or to the last.

    `during` and `otherwise` are the shares mismatching within and outside, `p` that of no change.
    """

    start: MomentFound | None
    end: MomentFound | None
    during: float
    otherwise: float
    p: float


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A bug named: which fields, what happened, how often, since when, what it does to score and decision.

    `arm` was held against `left`. `mean_abs` is the mean absolute change of the score on its requests, on the
    same ground as `flips`; a `latent` one changes no score.
    """

    arm: str
    left: str = ""
    fields: tuple[str, ...]
    cause: str
    sentence: str
    requests: int
    explained: int
    first_seen: str | None = None
    last_seen: str | None = None
    flips: int = 0
    mean_abs: float = 0.0
    latent: bool = False
    cost: Counterfactual | None = None
    places: tuple[PlaceFound, ...] = ()
    onset: OnsetFound | None = None
    exemplars: tuple[Exemplar, ...] = ()
