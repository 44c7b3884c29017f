"""What a report says where the capture is a sample of its traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.gates.latency import NOT_THIN
from harness.report import words

if TYPE_CHECKING:
    from harness.records import Estimate, LatencySummary, Report, Sampled


def lines(report: Report) -> list[str]:
    """One line where the capture is a sample, none where every request stands for itself."""
    return [told(report.sample) + _heaviest(report.sample)] if report.sample else []


def told(sample: Sampled) -> str:
    """The sample in words: "The capture is a sample: weights 1 to 100; n_eff 812 of 4,000. …"."""
    if not sample.uneven:
        return (
            f"The capture is a sample: each of {words.counted(sample.requests, 'request')} stands for "
            f"{words.number(sample.low)}, so every share of them is one of the traffic."
        )
    return (
        f"The capture is a sample: weights {words.number(sample.low)} to {words.number(sample.high)}; n_eff "
        f"{sample.effective:,.0f} of {sample.requests:,}. Counts are of the requests; shares of the traffic, "
        "and all that labels say, count each request by its weight."
    )


def _heaviest(sample: Sampled) -> str:
    """What bounds on the traffic assume of requests that were not captured; nothing where all weigh alike."""
    if not sample.uneven:
        return ""
    if sample.most is not None:
        return f" No request of the traffic weighs more than {words.number(sample.most)}."
    return (
        f" Weights up to {words.number(sample.high)} were seen; a larger one in the traffic would make every "
        "bound on a share of it too narrow: state max_weight under [capture]."
    )


def plain(report: Report) -> list[str]:
    """The same for who does not read statistics."""
    found = report.sample
    if not found:
        return []
    if not found.uneven:
        return [f"The tested requests are a sample: one for every {words.number(found.low)} that came."]
    requests = words.counted(found.requests, "request")
    told = (
        "The tested requests are a sample that kept some kinds more often than others. Shares are put right "
        f"for that; the {requests} tell as much as about {found.effective:,.0f} kept alike would."
    )
    return [told]


def thin(item: LatencySummary) -> str:
    """What a sampled capture did to a phase, to be added to its line; else nothing."""
    load = item.thin
    if not load:
        return ""
    told = load.slow is not None and item.judged
    slow = f"; by weight {words.percent(load.slow)} of the traffic over the budget" if told else ""
    if load.factor is None or load.factor <= NOT_THIN:
        return slow
    times = words.number(load.factor)
    return (
        f"{slow}; the capture is a sample: {times} times too few requests arrived, which no weight mends "
        f"(pace speed {times} times as high sends as many a second, though not as they came)"
    )


def share(rate: float, estimate: Estimate | None) -> float:
    """The share of the traffic where there is one, else that of the requests."""
    return rate if estimate is None or estimate.value is None else estimate.value
