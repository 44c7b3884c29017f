"""What a diagnosis of a sampled capture says of the traffic, and what only of the captured requests.

The ladder, its Shapley shares, the domain and the concept classifiers, segments, skew and what a remedy gives
back count each request by its weight. What follows a curve, a day or a delay counts requests, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.diagnosis.material import Material
    from harness.records import Exhibit

#: exhibits that count requests as they were captured
COUNTED = frozenset(
    {
        "calibration",
        "capacity",
        "drift",
        "label_definition",
        "label_delay",
        "label_shift",
        "missing_labels",
        "predicted_positives",
        "silence",
        "threshold",
        "unlabelled",
    }
)
NOT_WEIGHTED = "This counts the captured requests, not the traffic that they stand for."


def told(exhibits: Iterable[Exhibit], material: Material) -> tuple[Exhibit, ...]:
    """The exhibits, those that count requests saying so where requests stand for unequally many."""
    return tuple(_told(one) if material.production.weight is not None else one for one in exhibits)


def missing(material: Material) -> list[str]:
    """What weights do not mend, a sentence each; nothing where every request stands for itself."""
    if material.sample is None:
        return []
    mean = f"{material.sample.mean:.4g}"
    queue = f"rows a day are of the captured requests: in the traffic about {mean} times as many"
    if material.production.weight is None:
        return [queue]
    return [queue, "thresholds and maps of the remedies are chosen on the captured requests, unweighted"]


def _told(exhibit: Exhibit) -> Exhibit:
    if exhibit.key not in COUNTED or exhibit.found == "not checked":
        return exhibit
    return msgspec.structs.replace(exhibit, answer=f"{exhibit.answer} {NOT_WEIGHTED}")
