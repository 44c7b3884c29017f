"""What a diagnosis looks at: the columns of holdout, training and production, read and scored already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.diagnosis.bins import Category, column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.config import DiagnosisConfig
    from harness.diagnosis.leakage import Use
    from harness.diagnosis.rows import Rederived, Thresholds
    from harness.records import Sampled

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
#: features by name, (n,) each: float64 with NaN where missing, or texts with None
Features = Mapping[str, npt.NDArray[Any]]

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, kw_only=True)
class HoldoutRows:
    """The holdout as reported, n rows; None is a column that its file does not have.

    `unrequested` are columns that nothing says of as of the request; `training_only` are the scores with
    transforms fitted on the training rows alone.
    `rescored` is the offline model on `features`, `requested` the features as known at request time and
    `rederived` the scores with one leaky column after another put right. `duplicate` marks rows that are in
    training or there twice, `known_unit` rows whose unit is in training, as is the unit of the share
    `known_in_production` of production's requests. `trained_until_ns` is the end of the training data.
    `digest` names the file.
    """

    digest: str
    label: Floats
    score: Floats
    unit: Codes | None = None
    time_ns: Codes | None = None
    features: Features | None = None
    requested: Features | None = None
    unrequested: tuple[str, ...] = ()
    rescored: Floats | None = None
    training_only: Floats | None = None
    rederived: tuple[Rederived, ...] = ()
    duplicate: Mask | None = None
    known_unit: Mask | None = None
    known_in_production: float = 0.0
    trained_until_ns: int | None = None

    @property
    def judged(self) -> Mask:
        """Rows with a label and a score."""
        judged: Mask = ~np.isnan(self.label) & np.isfinite(self.score)
        return judged

    @property
    def early(self) -> Mask | None:
        """Rows no later than the training data; None where that is not known."""
        if self.time_ns is None or self.trained_until_ns is None:
            return None
        early: Mask = self.time_ns <= self.trained_until_ns
        return early

    @property
    def fair_score(self) -> Floats:
        """The score with every leaky column put right, as far as that is known."""
        return self.rederived[-1].score if self.rederived else self.score

    @property
    def fair_features(self) -> Features | None:
        """The features as they were at request time where that is known, else as reported."""
        return self.features if self.requested is None else self.requested


@dataclass(frozen=True, kw_only=True)
class ProductionRows:
    """Requests that production answered, n rows, oldest first.

    `event_ns` int64 and `unit` codes (the holdout's units have the same codes). `label` is by the offline
    definition and mature, NaN where it is not; `label_ns` when it became known; `latest` is the label as
    known by now, mature or not. `fixed` are scores with one feature as offline and the others as served,
    `others` those of other models on the served features, `differing` the share of the rows on which a
    feature differs. `weight` is what each row stands for in the traffic, mean 1, None where all stand for the
    same. `seen_early` marks rows whose label was not mature when the dashboard read it, `fallback`
    rows answered late or by a fallback.
    """

    event_ns: Codes
    unit: Codes
    offline_score: Floats
    served_score: Floats
    served_features_score: Floats | None = None
    offline_features: Features = field(default_factory=dict)
    served_features: Features | None = None
    differing: Mapping[str, float] = field(default_factory=dict)
    fixed: Mapping[str, Floats] = field(default_factory=dict)
    others: Mapping[str, Floats] = field(default_factory=dict)
    label: Floats
    latest: Floats
    label_ns: Codes
    production_label: Floats | None = None
    seen_label: Floats | None = None
    seen_early: Mask | None = None
    joined: Mask | None = None
    exposed: Mask | None = None
    fallback: Mask | None = None
    segments: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    weight: Floats | None = None

    @property
    def day(self) -> Codes:
        """The UTC day of each request."""
        return self.event_ns // DAY_NS

    @property
    def mature(self) -> Mask:
        """Rows whose label by the offline definition has matured."""
        return ~np.isnan(self.label)

    @property
    def judged(self) -> Mask:
        """Rows with a mature label and a served score."""
        judged: Mask = self.mature & np.isfinite(self.served_score)
        return judged

    def __len__(self) -> int:
        """The number of rows."""
        return self.event_ns.size


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that a diagnosis may look at. `delay_days` is after how long a label is final.

    `names` are the model's features, `used` those that some tree splits on: one that no score depends on
    tells populations apart to no purpose. `failed` are requests without a proper answer, which are no rows.
    `max_missing_share` is of the rows that are old enough how many may lack a label.
    `as_of_ns` is the time up to which labels are known, `parameters` those that the offline model was
    trained with, `units_known` whether requests have units, or each is its own. `notes` are columns of the
    files, or of the answers, that are not there or cannot be used. `sample` is how the capture stands for its
    traffic, None where every request is one of it.
    """

    config: DiagnosisConfig
    thresholds: Thresholds
    holdout: HoldoutRows | None
    production: ProductionRows
    names: Sequence[str]
    used: Sequence[str] = ()
    uses: Sequence[Use] = ()
    as_of_ns: int
    delay_days: float
    max_missing_share: float = 0.05
    units_known: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    failed: int = 0
    why_no_holdout: str = ""
    why_no_labels: str = ""
    sample: Sampled | None = None

    @property
    def serving_threshold(self) -> float:
        """The threshold that is served."""
        serving = self.thresholds.serving
        return self.thresholds.offline if serving is None else serving


def matrices(
    sides: Sequence[Features], names: Sequence[str]
) -> tuple[list[Floats], dict[str, tuple[str, ...]]]:
    """Both tables as float64 (n, d) in one coding, and the levels of each text column by its codes.

    Levels are coded by how often all sides together have them, most often first; missing is NaN.
    """
    columns: list[list[Floats]] = [[] for _ in sides]
    levels: dict[str, tuple[str, ...]] = {}
    for name in names:
        found = [column(side[name], name) for side in sides]
        if not any(isinstance(one, Category) for one in found):
            for place, one in enumerate(found):
                columns[place].append(np.asarray(one, np.float64))
            continue
        coded, levels[name] = _coded([_category(one) for one in found])
        for place, codes in enumerate(coded):
            columns[place].append(codes)
    return [np.stack(one, axis=1) if one else np.zeros((0, 0)) for one in columns], levels


def _category(values: Floats | Category) -> Category:
    """Numbers beside texts are texts."""
    if isinstance(values, Category):
        return values
    texts = np.array([None if v != v else digits(v) for v in values.tolist()], object)  # noqa: PLR0124  -- NaN
    found = column(texts, "numbers beside texts")
    return found if isinstance(found, Category) else Category(np.full(values.size, -1), ())


def digits(value: float) -> str:
    """A number with all its digits, as a text beside it has them: 1000001, not 1e+06."""
    return str(int(value)) if value.is_integer() else repr(value)


def _coded(sides: Sequence[Category]) -> tuple[list[Floats], tuple[str, ...]]:
    counts: dict[str, int] = {}
    for side in sides:
        rows = np.bincount(side.codes[side.codes >= 0], minlength=len(side.levels))
        for level, many in zip(side.levels, rows.tolist(), strict=True):
            counts[level] = counts.get(level, 0) + many
    order = sorted(counts, key=lambda level: (-counts[level], level))
    place = {level: float(code) for code, level in enumerate(order)}
    coded = []
    for side in sides:
        table = np.array([*(place[level] for level in side.levels), np.nan])
        coded.append(table[side.codes])
    return coded, tuple(order)


def are_probabilities(scores: Floats) -> bool:
    """Whether all of them lie between 0 and 1."""
    return bool(((scores >= 0.0) & (scores <= 1.0)).all())
