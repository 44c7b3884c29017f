"""Joined columns become estimates: parity as a census, latency from stamps, quality from matured labels.

`model`    what the gates may look at
`parity`   exact counts, and their bounds for traffic to come
`latency`  response time, service time and send lag of a phase
`cohort`   which labelled requests may be compared, and when
`looks`    the paired test of challenger against champion, look by look
`live`     the log of a live canary, and `live_looks` the tests of it
`quality`  metrics of each arm, and that test, in one summary
"""

from harness.evidence.cohort import Arms, Cohort, LabelsConfig
from harness.evidence.live import LiveConfig
from harness.evidence.model import OFFLINE, Against, Evidence, JudgedPair, Levels
from harness.evidence.parity import census, claim

__all__ = [
    "OFFLINE",
    "Against",
    "Arms",
    "Cohort",
    "Evidence",
    "JudgedPair",
    "LabelsConfig",
    "Levels",
    "LiveConfig",
    "census",
    "claim",
]
