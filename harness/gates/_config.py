"""The words that the gates of a scenario share."""

from __future__ import annotations

from typing import Annotated

import msgspec

from harness.records import Verdict

#: arms that have fewer of the requests in common are not compared: what one left out may be what it got wrong
LEAST_COMPARED = 0.99

Share = Annotated[
    float, msgspec.Meta(ge=0, le=1, description="largest share of requests allowed; 0.01 is 1 %")
]
Required = Annotated[
    bool, msgspec.Meta(description="false: the verdict is shown and does not count in the decision")
]


def of_traffic(verdict: Verdict, share: float, *, census: bool = False) -> Verdict:
    """The same, but neither PASS nor FAIL where the share of the traffic lies on the limit's other side.

    Of requests kept unequally often the counts are exact and of no traffic, the share by their weights is of
    the traffic and an estimate: apart they rule nothing. A `census` is about the counts, and its FAIL stays.
    """
    if verdict.limit is None:
        return verdict
    by_weight = f"by the requests' weights it is {share:.2%} of the traffic, which is"
    if verdict.ruling == "PASS" and share > verdict.limit:
        return unlike_traffic(verdict, f"{by_weight} beyond it")
    if verdict.ruling == "FAIL" and share <= verdict.limit and not census:
        return unlike_traffic(verdict, f"{by_weight} within it")
    return verdict


def unlike_traffic(verdict: Verdict, why: str) -> Verdict:
    """A ruling on counts from which the share of the traffic differs: UNDECIDED, and why."""
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{verdict.reason.removesuffix('.')}; {why}.",
        needs="a capture with more of the requests that were kept least often",
    )
