"""A service with one fault each, written as services are: frames, arrays and LightGBM's own switches.

Nothing here uses the probes that must find the fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from tests.benchmarks.probe_world import CATEGORIES, NAMES, World

Row = dict[str, Any]
Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Serving:
    """What a service holds in memory, and the ways in which it can score the rows of a request."""

    world: World

    @cached_property
    def model(self) -> lgb.Booster:
        """The right model."""
        return lgb.Booster(model_str=self.world.texts["v7"])

    def another(self, name: str) -> lgb.Booster:
        """Another model file."""
        return lgb.Booster(model_str=self.world.texts[name])

    def frame(self, rows: list[Row], levels: dict[str, list[str]] | None = None) -> pd.DataFrame:
        """The rows as they ought to be; with other levels, what is not among them is missing."""
        made = pd.DataFrame(rows)[list(NAMES)]
        levels = levels or self.world.levels
        numbers = {n: made[n].astype("float64") for n in NAMES if n not in CATEGORIES}
        return made.assign(
            **numbers, **{n: pd.Categorical(made[n], categories=levels[n]) for n in CATEGORIES}
        )

    def vectors(self, rows: list[Row]) -> Vectors:
        """The rows as numbers, with the model's codes."""
        frame = self.frame(rows)
        codes = {n: frame[n].cat.codes.astype("float64").where(frame[n].notna()) for n in CATEGORIES}
        return np.asarray(frame.assign(**codes).to_numpy(dtype=np.float64))

    def score(self, vectors: Vectors, **options: Any) -> Vectors:  # noqa: ANN401  -- LightGBM's own
        """Scores of numbers."""
        return np.asarray(self.model.predict(vectors, num_threads=1, **options))


Scorer = Callable[[list[Row]], Vectors]


@dataclass(frozen=True)
class Fault:
    """A fault by name: what makes the scorer, and the causes that name it; none: nothing may be named.

    `batch` requests are scored together.
    """

    name: str
    make: Callable[[Serving], Scorer]
    causes: tuple[str, ...]
    batch: int = 1


def _array(
    change: Callable[[Vectors], Vectors],
    **options: Any,  # noqa: ANN401  -- LightGBM's own
) -> Callable[[Serving], Scorer]:
    """The numbers changed before they are scored."""
    return lambda serving: lambda rows: serving.score(change(serving.vectors(rows)), **options)


def _after(change: Callable[[Vectors], Vectors]) -> Callable[[Serving], Scorer]:
    """The score changed after it is made."""
    return lambda serving: lambda rows: change(serving.score(serving.vectors(rows)))


def _asked(**options: Any) -> Callable[[Serving], Scorer]:  # noqa: ANN401  -- LightGBM's own
    return _array(lambda v: v, **options)


def _model(name: str) -> Callable[[Serving], Scorer]:
    def make(serving: Serving) -> Scorer:
        other = serving.another(name)
        return lambda rows: np.asarray(other.predict(serving.frame(rows), num_threads=1))

    return make


def _levels_of_the_request(serving: Serving) -> Scorer:
    """The levels are lost from the file, so that LightGBM takes those of the frame at hand."""
    lines = serving.world.texts["v7"].splitlines(keepends=True)
    text = "".join("pandas_categorical:null\n" if x.startswith("pandas_categorical") else x for x in lines)
    model = lgb.Booster(model_str=text)

    def score(rows: list[Row]) -> Vectors:
        frame = serving.frame(rows)
        again = {n: frame[n].astype(object).astype("category") for n in CATEGORIES}
        return np.asarray(model.predict(frame.assign(**again), num_threads=1))

    return score


def _codes_of_the_request(serving: Serving) -> Scorer:
    def score(rows: list[Row]) -> Vectors:
        frame = serving.frame(rows)
        codes = {n: frame[n].astype(object).astype("category").cat.codes for n in CATEGORIES}
        return serving.score(frame.assign(**codes).to_numpy(dtype=np.float64))

    return score


def _other_codes(seed: int, *columns: str) -> Callable[[Serving], Scorer]:
    """Levels numbered in an order of the service's own."""

    def make(serving: Serving) -> Scorer:
        rng = np.random.default_rng(seed)
        orders = {n: rng.permutation(len(serving.world.levels[n])).astype(float) for n in columns}

        def score(rows: list[Row]) -> Vectors:
            vectors = serving.vectors(rows)
            for name, order in orders.items():
                j = NAMES.index(name)
                known = ~np.isnan(vectors[:, j])
                vectors[known, j] = order[vectors[known, j].astype(int)]
            return serving.score(vectors)

        return score

    return make


def _levels_permuted_in_file(serving: Serving) -> Scorer:
    """The last line of the model file rewritten with the levels of one category in another order."""
    levels = [list(serving.world.levels[n]) for n in CATEGORIES]
    levels[1] = levels[1][2:] + levels[1][:2]
    lines = serving.world.texts["v7"].splitlines()
    text = "\n".join(
        f"pandas_categorical:{json.dumps(levels)}" if x.startswith("pandas_c") else x for x in lines
    )
    model = lgb.Booster(model_str=text + "\n")
    return lambda rows: np.asarray(model.predict(serving.frame(rows), num_threads=1))


def _spelled(change: Callable[[str], str]) -> Callable[[Serving], Scorer]:
    def make(serving: Serving) -> Scorer:
        def score(rows: list[Row]) -> Vectors:
            spelled = [{k: change(v) if k in CATEGORIES and v else v for k, v in row.items()} for row in rows]
            return np.asarray(serving.model.predict(serving.frame(spelled), num_threads=1))

        return score

    return make


def _filled(value: float | None, *columns: str) -> Callable[[Serving], Scorer]:
    """Missing numbers filled, with the medians of the training rows where no value is given."""

    def make(serving: Serving) -> Scorer:
        names = columns or tuple(serving.world.medians)
        values = {n: serving.world.medians[n] if value is None else value for n in names}
        return lambda rows: np.asarray(
            serving.model.predict(serving.frame(rows).fillna(values), num_threads=1)
        )

    return make


def _without_shape_check(change: Callable[[Vectors], Vectors]) -> Callable[[Serving], Scorer]:
    return _array(change, predict_disable_shape_check=True)


def _at(*order: str) -> Callable[[Vectors], Vectors]:
    """The columns in another order."""
    places = [NAMES.index(name) for name in order]
    return lambda vectors: vectors[:, places]


def _swapped(one: str, two: str) -> Callable[[Vectors], Vectors]:
    return _at(*({one: two, two: one}.get(name, name) for name in NAMES))


def _set(column: str, value: float) -> Callable[[Vectors], Vectors]:
    def change(vectors: Vectors) -> Vectors:
        vectors[:, NAMES.index(column)] = value
        return vectors

    return change


def _float32(vectors: Vectors) -> Vectors:
    return vectors.astype(np.float32)


def _int64(vectors: Vectors) -> Vectors:
    """A tensor declared INT64: null comes through as missing."""
    return np.where(np.isnan(vectors), np.nan, np.nan_to_num(vectors).astype(np.int64))


def _zero_is_missing(vectors: Vectors) -> Vectors:
    return np.where(vectors == 0, np.nan, vectors)


def _platt(p: Vectors) -> Vectors:
    return np.asarray(1 / (1 + np.exp(-(1.7 * np.log(p / (1 - p)) - 0.4))))


def _prior(p: Vectors) -> Vectors:
    """Trained on a sample with a tenth of the negatives, put right."""
    return p / (p + (1 - p) / 0.1)


def _isotonic(p: Vectors) -> Vectors:
    knots = [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1], [0, 0.22, 0.35, 0.46, 0.66, 0.8, 1]
    return np.asarray(PchipInterpolator(*knots)(p))


def _fallback(serving: Serving) -> Scorer:
    """A third of the requests come too late and get a fixed answer."""

    def score(rows: list[Row]) -> Vectors:
        return np.where([row["batch"] % 3 == 0 for row in rows], 0.37, serving.score(serving.vectors(rows)))

    return score


def _noise(size: float) -> Callable[[Serving], Scorer]:
    def make(serving: Serving) -> Scorer:
        rng = np.random.default_rng(5)
        return lambda rows: serving.score(serving.vectors(rows)) + rng.normal(0, size, len(rows))

    return make


def _column_major(vectors: Vectors) -> Vectors:
    return vectors.ravel().reshape(vectors.shape, order="F")


def _both(
    change: Callable[[Vectors], Vectors], then: Callable[[Vectors], Vectors]
) -> Callable[[Serving], Scorer]:
    return lambda serving: lambda rows: then(serving.score(change(serving.vectors(rows))))


def _sigmoid(p: Vectors) -> Vectors:
    return np.asarray(1 / (1 + np.exp(-p)))


def _as_float32(p: Vectors) -> Vectors:
    return p.astype(np.float32).astype(np.float64)


_CODES = ("category_codes",)
FAULTS = (
    Fault("columns reversed", _array(lambda v: v[:, ::-1]), ("columns_reversed",)),
    Fault("columns in alphabetical order", _array(_at(*sorted(NAMES))), ("columns_alphabetical",)),
    Fault("two columns swapped", _array(_swapped("surplus", "body_links")), ("columns_swapped",)),
    Fault("two categories swapped", _array(_swapped("agent", "commit_type")), ("columns_swapped",)),
    Fault(
        "last column missing", _without_shape_check(lambda v: v[:, :-1]), ("column_left_out", "column_lost")
    ),
    Fault("middle column missing", _without_shape_check(lambda v: np.delete(v, 4, 1)), ("column_left_out",)),
    Fault("extra column first", _without_shape_check(lambda v: np.insert(v, 0, 0, 1)), ("column_added",)),
    Fault("pandas_categorical lost, single rows", _levels_of_the_request, ("category_codes_by_request",)),
    Fault("cat.codes of each request", _codes_of_the_request, ("category_codes_by_request",)),
    Fault("codes in another order", _other_codes(1, *CATEGORIES), _CODES),
    Fault("codes of one category in another order", _other_codes(2, "commit_type"), _CODES),
    Fault("levels permuted in the file", _levels_permuted_in_file, _CODES),
    Fault("levels in lower case", _spelled(str.lower), ("category_spelling",)),
    Fault("levels unseen", _spelled(lambda text: f"{text}?"), ("categories_lost",)),
    Fault("levels of one category lost", _array(_set("agent", np.nan)), ("categories_lost",)),
    Fault("missing as 0", _filled(0.0), ("missing_filled",)),
    Fault("missing as the median", _filled(None), ("missing_filled",)),
    Fault("missing as -999", _filled(-999.0), ("missing_filled",)),
    Fault("missing as -1", _filled(-1.0), ("missing_filled",)),
    Fault("missing as 0 in one column", _filled(0.0, "surplus"), ("missing_filled",)),
    Fault("0 as missing", _array(_zero_is_missing), ("made_missing",)),
    Fault("a column lost", _array(_set("surplus", np.nan)), ("column_lost",)),
    Fault("a column without missing values lost", _array(_set("body_chars", np.nan)), ("column_lost",)),
    Fault("all trees instead of the best", _model("v7_whole"), ("all_trees",)),
    Fault("one tree fewer", _asked(num_iteration=59), ("last_tree_skipped",)),
    Fault("half of the trees", _asked(num_iteration=30), ("fewer_trees",)),
    Fault("start_iteration 1", _asked(start_iteration=1), ("first_tree_skipped",)),
    Fault("pred_early_stop", _asked(pred_early_stop=True, pred_early_stop_margin=1.5), ("early_stop",)),
    Fault("raw score", _asked(raw_score=True), ("raw_score",)),
    Fault("1 - p", _after(lambda p: 1 - p), ("complement",)),
    Fault("double sigmoid", _after(_sigmoid), ("double_sigmoid",)),
    Fault("class instead of probability", _after(lambda p: (p >= 0.5).astype(float)), ("class_label",)),
    Fault("float32 input", _array(_float32), ("float32_input",)),
    Fault("INT64 tensor", _array(_int64), ("truncated_input",)),
    Fault("features rounded", _array(lambda v: np.round(v, 1)), ("rounded_input",)),
    Fault("column-major batch", _array(_column_major), ("column_major",), batch=4),
    Fault("the older version", _model("v6"), ("another_model",)),
    Fault("Platt scaling", _after(_platt), ("calibration",)),
    Fault("prior correction", _after(_prior), ("calibration",)),
    Fault("monotone calibration", _after(_isotonic), ("calibration",)),
    Fault("clipped", _after(lambda p: np.clip(p, 0.2, 0.8)), ("clipping",)),
    Fault("rounded to 2 decimals", _after(lambda p: np.round(p, 2)), ("rounding",)),
    Fault("fallback constant", _fallback, ("constant",)),
    Fault(
        "columns swapped, float32 score",
        _both(_swapped("agent", "language"), _as_float32),
        ("columns_swapped",),
    ),
    Fault(
        "reversed, 4 decimals", _both(lambda v: v[:, ::-1], lambda p: np.round(p, 4)), ("columns_reversed",)
    ),
    Fault("control: no fault", _asked(), ()),
    Fault("control: float32 score", _after(_as_float32), ()),
    Fault("control: an extra column last", _without_shape_check(lambda v: np.insert(v, 11, 0, 1)), ()),
    Fault("control: zero_as_missing at predict", _asked(zero_as_missing=True), ()),
    Fault("control: noise of 0.05", _noise(0.05), ()),
    Fault("control: noise of 1e-4", _noise(1e-4), ()),
    Fault("control: a model nobody registered", _model("unknown"), ()),
)
