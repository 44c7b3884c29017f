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


def of_traffic(verdict: Verdict, share: float) -> Verdict:
    """The same, but no PASS of a sample whose weights put the share of the traffic beyond the gate's limit.

    The count is exact and the share of the traffic an estimate, so it fails nothing by itself.
    """
    if verdict.ruling != "PASS" or verdict.limit is None or share <= verdict.limit:
        return verdict
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{verdict.reason.removesuffix('.')}; by the requests' weights it is {share:.2%} of the "
        "traffic, which is beyond it.",
        needs="a capture with more of the requests that were kept least often",
    )
