"""Joined columns become estimates: parity as a census, latency from stamps, quality from matured labels.

`model`      what the gates may look at
`parity`     exact counts, and their bounds for traffic to come
`latency`    response time, service time and send lag of a phase
`cohort`     which labelled requests may be compared, and when
`outcomes`   what each outcome of the labels is, and what is asked of it
`harms`      how much worse the challenger did on each request
`processes`  how evidence accrues look by look: three tests
`looks`      the paired test of one outcome, look by look
`live`       the log of a live canary, `live_gaps` what it lacks, `live_blocks` what its p95 is judged on, and
             `live_looks` the tests of it
`contrasts`  each metric's difference between the arms, and the harm by segment
`delays`     how late labels come
`ahead`      what an open test still needs
`quality`    metrics of each arm, and that test, in one summary
"""

from harness.evidence.cohort import Arms, Cohort
from harness.evidence.live import LiveConfig
from harness.evidence.model import OFFLINE, Against, Evidence, JudgedPair, Levels, Unrecorded
from harness.evidence.outcomes import BINARY, LabelsConfig, Outcome, Plan, plans
from harness.evidence.parity import Counted, census, claim

__all__ = [
    "BINARY",
    "OFFLINE",
    "Against",
    "Arms",
    "Cohort",
    "Counted",
    "Evidence",
    "JudgedPair",
    "LabelsConfig",
    "Levels",
    "LiveConfig",
    "Outcome",
    "Plan",
    "Unrecorded",
    "census",
    "claim",
    "plans",
]
