"""Whether the targets of a phase are measured in the same minutes or one after another."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from harness.records import State
from harness.replay.contention import arms_for
from harness.replay.schedule import Saturate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.replay.schedule import Phase, Schedule, Together
    from harness.run.folder import RunFolder
    from replayers.http import HttpArm

STAMPS = ["phase", "state", "written_ns", "done_ns"]


def together_or_apart(
    phase: Phase,
    schedule: Schedule,
    *,
    arms: Mapping[str, HttpArm],
    closed: Phase | None,
    folder: RunFolder,
) -> tuple[Together, str]:
    """How the arms of a phase run, and why: by the mean service times of the closed loop before it, if any.

    Only targets on this host can contend for it.
    """
    local = [name for name, arm in arms.items() if is_local(arm.endpoint.addresses)]
    times = {name: mean_service_ms(folder, name, phase=closed.name) for name in local} if closed else {}
    return arms_for(
        phase,
        schedule.peak,
        service_ms_by_target={name: ms for name, ms in times.items() if ms is not None},
        cores=os.cpu_count() or 1,
        in_flight=closed.pace.connections if closed and isinstance(closed.pace, Saturate) else 1,
    )


def is_local(addresses: tuple[str, ...]) -> bool:
    """Whether every address is of this host's loopback interface."""
    return all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in addresses)


def mean_service_ms(folder: RunFolder, target: str, *, phase: str) -> float | None:
    """The mean of done − written over the answers of a target in a phase, in ms; None without any."""
    if not any(folder.outcomes(target).glob("part-*.parquet")):
        return None
    table = folder.read(folder.outcomes(target), STAMPS)
    table = table.filter(pc.and_(pc.equal(table["phase"], phase), pc.equal(table["state"], str(State.OK))))
    mean = pc.mean(pc.subtract(table["done_ns"], table["written_ns"])).as_py()
    return None if mean is None else float(mean) / 1e6
