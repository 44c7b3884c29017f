"""Whether two builds on one host would slow each other down, so that they are measured apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.replay.schedule import Phase, Together

if TYPE_CHECKING:
    from collections.abc import Mapping

#: of the mean service time: sharing the host may add this much waiting before arms are set apart
ADDED_WAIT = 0.10


def arms_for(
    phase: Phase,
    peak_per_s: float,
    *,
    service_ms_by_target: Mapping[str, float],
    cores: int,
    in_flight: int = 1,
) -> tuple[Together, str]:
    """Whether the arms of a phase run together or apart, and why, in one sentence.

    `service_ms_by_target` are mean service times with `in_flight` requests of each target under way, on one
    host of `cores` cores. Of a busy host they are mostly waiting, so they are cut to the most that they can
    have worked: n requests in flight share the cores. Together is the default; `auto` is apart when sharing
    adds more than 10 % of a service time of waiting at the peak.
    """
    if phase.arms != "auto":
        return phase.arms, "the scenario says so"
    if not phase.open_loop:
        return "together", "the latency of a closed loop is not judged"
    if len(service_ms_by_target) < 2:
        return "together", "no two targets with a measured service time"
    waiting = in_flight * len(service_ms_by_target) / cores
    work_s = {name: ms / 1000 / max(1.0, waiting) for name, ms in service_ms_by_target.items()}
    shared = sum(work_s.values()) / len(work_s)
    together = mean_wait(peak_per_s * sum(work_s.values()), cores)
    added = together - max(mean_wait(peak_per_s * each, cores) for each in work_s.values())
    told = f"at {peak_per_s:,.0f} requests/s and {shared * 1000:.1f} ms of work each on {cores} cores"
    if together == float("inf") or added > ADDED_WAIT:
        grows = "cannot keep up" if together == float("inf") else f"wait {added:.0%} of a service time longer"
        return "apart", f"{told}, targets sharing this host {grows}"
    return "together", f"{told}, sharing this host adds {max(added, 0.0):.0%} of a service time of waiting"


def mean_wait(load: float, cores: int) -> float:
    """The mean wait in an M/M/c queue, in service times; `load` in Erlang, infinite from `cores` on.

    Erlang C; Kleinrock, Queueing Systems I (1975), section 3.5. Known values: 1 server at load 0.5 waits 1.0
    service times, 2 servers at load 1 wait 1/3.
    """
    if load >= cores:
        return float("inf")
    blocked = 1.0
    for servers in range(1, cores + 1):
        blocked = load * blocked / (servers + load * blocked)
    share = load / cores
    return blocked / (1 - share * (1 - blocked)) / (cores - load)
