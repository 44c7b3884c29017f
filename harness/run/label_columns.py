"""The labels of the requests that are diagnosed: mature, latest, by production, as the dashboard saw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from harness import join
from harness.capture.times import parse
from harness.diagnosis.material import DAY_NS
from harness.errors import ScenarioError
from harness.evidence import BINARY
from harness.scenario.explain import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from harness.evidence import LabelsConfig
    from harness.run.source import Requests, Source

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelColumns:
    """Labels of the answered requests, as the material wants them."""

    label: Floats
    latest: Floats
    label_ns: NDArray[np.int64]
    production: Floats | None
    seen: Floats | None
    early: Mask | None
    delay_days: float
    why_not: str
    max_missing_share: float = 0.05

    @classmethod
    def of(cls, source: Source, requests: Requests) -> LabelColumns:
        """The labels of these requests as known at the time of the source, or why there are none."""
        config, event_ns = source.loaded.scenario.labels, requests.event_ns
        none = np.full(len(requests.rows), np.nan)
        table = _label_table(source)
        if config is None or table is None:
            why = (
                "no labels were given ([labels])" if config is None else "no label has been added to the run"
            )
            days = 0.0 if config is None else config.delay_days
            return cls(none, none, np.zeros(len(none), np.int64), None, None, None, days, why)
        name = _outcome(source, config)
        theirs = source.config.production_outcome or name
        _check_outcome(source, config, name=theirs)
        latest, label_ns = _known_labels(table, name, source=source, requests=requests)
        days = _delay(config, name)
        mature = event_ns + np.int64(days * DAY_NS) <= source.as_of_ns
        label = np.where(mature, latest, np.nan)
        production = None
        if theirs != name:
            known, _ = _known_labels(table, theirs, source=source, requests=requests)
            ripe = event_ns + np.int64(_delay(config, theirs) * DAY_NS) <= source.as_of_ns
            production = np.where(ripe, known, np.nan)
        seen, early = _seen(source, requests, table=table, outcome=theirs, days=_delay(config, theirs))
        why = "" if not np.isnan(label).all() else _why_none(latest, days)
        may = config.max_missing_share
        return cls(label, latest, label_ns, production, seen, early, days, why, may)


def _why_none(latest: Floats, days: float) -> str:
    if np.isnan(latest).all():
        return "no label is known at this time"
    return f"no label is mature yet: they are after {days:g} days"


def _label_table(source: Source) -> pa.Table | None:
    if not any(source.folder.labels.glob("part-*.parquet")):
        return None
    return source.folder.read(source.folder.labels)


def _outcome(source: Source, config: LabelsConfig) -> str:
    if source.config.outcome is not None:
        _check_outcome(source, config, name=source.config.outcome)
        return source.config.outcome
    binary = [name for name, one in config.outcomes.items() if one.metric in BINARY]
    if binary:
        return binary[0]
    raise ScenarioError(
        "a diagnosis needs an outcome of 0 and 1, and [labels] has none", where=str(source.loaded.path)
    )


def _check_outcome(source: Source, config: LabelsConfig, *, name: str) -> None:
    known = [one for one, outcome in config.outcomes.items() if outcome.metric in BINARY]
    if name not in known:
        raise ScenarioError(
            f"no outcome {name!r} of 0 and 1 in [labels]",
            where=f"{source.loaded.path}: $.diagnosis",
            expected=f"one of {', '.join(known)}",
            fix=did_you_mean(name, known),
        )


def _delay(config: LabelsConfig, name: str) -> float:
    own = config.outcomes[name].delay_days
    return config.delay_days if own is None else own


def _known_labels(
    table: pa.Table, outcome: str, *, source: Source, requests: Requests
) -> tuple[Floats, NDArray[np.int64]]:
    mine = table.filter(pc.equal(table["outcome"], outcome))
    label, at = join.labels(mine, n=requests.n, as_of_ns=source.as_of_ns)
    return label[requests.rows], at[requests.rows]


def _seen(
    source: Source, requests: Requests, *, table: pa.Table, outcome: str, days: float
) -> tuple[Floats | None, Mask | None]:
    """The labels as the dashboard saw them, and which of them were not mature by then."""
    config, event_ns = source.config, requests.event_ns
    if config.dashboard_at is None and config.dashboard_days is None:
        return None, None
    at = np.full(len(event_ns), source.as_of_ns)
    if config.dashboard_at is not None:
        at = np.minimum(at, parse(config.dashboard_at)[0])
    if config.dashboard_days is not None:
        at = np.minimum(at, event_ns + np.int64(config.dashboard_days * DAY_NS))
    mine = table.filter(pc.equal(table["outcome"], outcome))
    label = seen_by(mine, rows=requests.rows, at_ns=at, n=requests.n)
    silent = np.where(event_ns <= at, 0.0, np.nan) if config.silence == "negative" else np.nan
    return np.where(np.isnan(label), silent, label), at < event_ns + np.int64(days * DAY_NS)


def seen_by(table: pa.Table, *, rows: NDArray[np.int64], at_ns: NDArray[np.int64], n: int) -> Floats:
    """The label of each of `rows` as it stood at its own time `at_ns`, NaN where none had come, (rows,).

    A label that was revised later had its earlier value then.
    """
    until = np.full(n, np.iinfo(np.int64).min)
    until[rows] = at_ns
    events = join.label_events(table, n=n, as_of_ns=int(at_ns.max(initial=0)))
    then = events.at_ns <= until[events.seq]
    found = np.full(n, np.nan)
    found[events.seq[then]] = events.label[then]
    return found[rows]
