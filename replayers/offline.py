"""The offline arm: the trained LightGBM model behind the team's own feature pipeline, in this process.

The reference is exact: `Booster.predict` on float64 gives the same bits in any batch, process or number of
threads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from harness.columns import Column, Kind
from harness.errors import PipelineError
from replayers.model_file import load_model
from replayers.pipeline import Alone, load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

FEATURE = "feature:"


class OfflineModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trained model and the feature pipeline it was trained with."""

    file: Annotated[str, msgspec.Meta(description="LightGBM text model, relative to the scenario file")]
    features: Annotated[
        str,
        msgspec.Meta(
            description="module:function, called as build(requests: DataFrame, data: Path) -> DataFrame",
            pattern=r"^[\w.]+:\w+$",
        ),
    ]
    data: Annotated[
        str, msgspec.Meta(description="folder handed to the pipeline, relative to the scenario file")
    ] = "."
    threads: Annotated[int, msgspec.Meta(ge=0, description="threads of predict; 0 lets LightGBM choose")] = 1
    singles: Annotated[
        int,
        msgspec.Meta(
            ge=0, description="requests also built and scored one at a time; must agree with the batch"
        ),
    ] = 50


@dataclass(frozen=True)
class Scored:
    """Offline features (a frame indexed by seq, columns in the model's order) and float64 scores (n,)."""

    features: pd.DataFrame
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Disagreement:
    """A request whose features or score built alone differ from those built in a batch."""

    seq: int
    field: str
    batch: str
    single: str


class OfflineReplayer:
    """A loaded model with its pipeline: `score` rows, `rescore` vectors, `rebuild` at another time."""

    def __init__(self, config: OfflineModel, folder: Path, *, name: str) -> None:
        """The model and pipeline are loaded, or ModelError / PipelineError says which file and why."""
        self.name = name
        self.config = config
        self.model = load_model(folder / config.file)
        self.pipeline = load_pipeline(config.features, folder, data=folder / config.data)

    @property
    def path(self) -> Path:
        """The model file."""
        return self.model.path

    @property
    def names(self) -> tuple[str, ...]:
        """The model's features in its order."""
        return self.model.names

    @property
    def sha256(self) -> str:
        """The digest of the model file: its identity."""
        return self.model.sha256

    def features(self, requests: pd.DataFrame) -> pd.DataFrame:
        """The pipeline's features for these requests: same index, the model's columns, usable dtypes."""
        return self.pipeline.features(requests, self.names)

    @property
    def levels(self) -> list[list[str]]:
        """The level texts of each categorical feature in the model's order, as `to_columns` spells them."""
        return [[str(level) for level in levels] for levels in self.model.levels()]

    def predict(self, features: pd.DataFrame, *, trees: int | None = None) -> NDArray[np.float64]:
        """Float64 scores (n,) of features in the model's order, by all trees or only the first so many."""
        return self.model.predict(features, threads=self.config.threads, trees=trees)

    def score(self, requests: pd.DataFrame, *, trees: int | None = None) -> Scored:
        """Features and scores of a batch."""
        features = self.features(requests)
        return Scored(features, self.predict(features, trees=trees))

    def singles(self, requests: pd.DataFrame | pa.Table) -> tuple[int, ...]:
        """The places of the requests that are also built alone: `config.singles` of them, spread evenly."""
        last, count = len(requests) - 1, min(self.config.singles, len(requests))
        return tuple(np.unique(np.linspace(0, last, count).astype(int)).tolist()) if count else ()

    def disagreements(
        self, capture: pa.Table, batch: Scored, *, alone: Alone | None = None
    ) -> list[Disagreement]:
        """Where a request alone gets other features or score than in the batch: a bug only this shows.

        Alone, a request is a frame of one row with the columns of its own body, as a service sees it; a
        pipeline that raises on it disagrees. `alone` holds these requests built alone; models of one pipeline
        share it.
        """
        built = Alone(self.pipeline, one_by_one(capture)) if alone is None else alone
        found: list[Disagreement] = []
        for place in self.singles(capture):
            row = batch.features.iloc[[place]]
            seq = int(row.index[0])
            try:
                single = built.features(place, self.names)
            except PipelineError as error:
                found.append(Disagreement(seq, "features", "built", error.what))
                continue
            cells = {name: (_cell(row[name]), _cell(single[name])) for name in self.names}
            cells["score"] = (repr(float(batch.scores[place])), repr(float(self.predict(single)[0])))
            found += [Disagreement(seq, name, *both) for name, both in cells.items() if both[0] != both[1]]
        return found

    def rescore(self, columns: dict[str, Column]) -> NDArray[np.float64]:
        """Scores of feature vectors given as columns; null and missing become NaN, as LightGBM sees them."""
        levels = iter(self.model.levels())
        series = {}
        for name in self.names:
            column = columns[name]
            series[name] = (
                _categories(column, next(levels, None)) if column.dtype == "category" else _numbers(column)
            )
        return self.predict(pd.DataFrame(series))

    def rebuild(self, requests: pd.DataFrame, shift_ns: int) -> dict[str, Column]:
        """The features of these requests, had their event time been `shift_ns` later."""
        moved = requests.assign(event_time=requests["event_time"] + pd.Timedelta(shift_ns, unit="ns"))
        return to_columns(self.features(moved))


def frame(capture: pa.Table) -> pd.DataFrame:
    """The pipeline's view of captured requests: one column for each key of the decoded JSON bodies.

    Added: `request_id`, `unit`, `ts` and `event_time` (datetime64[ns, UTC]; event time falls back to ts), and
    `_body`, the decoded body itself, where a missing key, null and NaN are still three different things.
    The index is `seq`. A body that is not a JSON object leaves its row's body columns empty.
    """
    bodies = [_decode(b) for b in capture["body"].to_pylist()]
    keys = dict.fromkeys(key for body in bodies if isinstance(body, dict) for key in body)
    index = pd.Index(capture["seq"].to_numpy(), name="seq")
    columns: dict[str, Any] = {
        key: pd.Series([b.get(key) if isinstance(b, dict) else None for b in bodies], index=index)
        for key in keys
    }
    ts = pd.Series(pd.to_datetime(capture["ts_ns"].to_numpy(), unit="ns", utc=True), index=index)
    columns["request_id"] = pd.Series(capture["request_id"].to_pylist(), index=index)
    columns["unit"] = pd.Series(capture["unit"].to_pylist(), index=index, dtype=object)
    columns["ts"] = ts
    event = capture["event_time"].cast(pa.int64()).to_pylist()
    times = [t if e is None else e for e, t in zip(event, capture["ts_ns"].to_pylist(), strict=True)]
    columns["event_time"] = pd.Series(
        pd.to_datetime(np.asarray(times, dtype=np.int64), unit="ns", utc=True), index=index
    )
    columns["_body"] = pd.Series(bodies, index=index, dtype=object)
    return pd.DataFrame(columns, index=index)


def one_by_one(capture: pa.Table) -> Callable[[int], pd.DataFrame]:
    """The request at a place of a capture, as a pipeline sees it that is given nothing else."""

    def at(place: int) -> pd.DataFrame:
        return frame(capture.slice(place, 1))

    return at


def _decode(body: bytes | None) -> object:
    try:
        return json.loads(body or b"null")
    except (ValueError, RecursionError):
        return None


def to_columns(features: pd.DataFrame) -> dict[str, Column]:
    """A feature frame as columns: numbers as float64 with NaN, categories by level text."""
    return {str(name): _column(features[name]) for name in features.columns}


def _column(series: pd.Series[Any]) -> Column:
    empty = series.isna().to_numpy()
    if isinstance(series.dtype, pd.CategoricalDtype):
        texts = np.array([None if e else str(v) for v, e in zip(series, empty, strict=True)], dtype=object)
        return Column("category", texts, np.where(empty, Kind.NULL, Kind.VALUE).astype(np.uint8))
    numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return Column("number", numbers, np.where(np.isnan(numbers), Kind.NAN, Kind.VALUE).astype(np.uint8))


def _numbers(column: Column) -> pd.Series[Any]:
    return pd.Series(np.asarray(column.values, dtype=np.float64))


def _categories(column: Column, levels: list[Any] | None) -> pd.Series[Any]:
    """Level texts as the levels the model was trained with (which need not be text)."""
    if levels is None:
        return pd.Series(pd.Categorical(list(column.values)))
    by_text = {str(level): level for level in levels}
    return pd.Series(pd.Categorical([by_text.get(text) for text in list(column.values)], categories=levels))


def to_table(scored: Scored) -> pa.Table:
    """The artefact `offline/<model>`: seq, score, and each feature under `feature:<name>`."""
    arrays: dict[str, pa.Array] = {
        "seq": pa.array(scored.features.index.to_numpy(), pa.int64()),
        "score": pa.array(scored.scores, pa.float64()),
    }
    for name, column in to_columns(scored.features).items():
        kind = pa.string() if column.dtype == "category" else pa.float64()
        values = pa.array(column.values, kind)
        arrays[FEATURE + name] = values.dictionary_encode() if column.dtype == "category" else values
    return pa.table(arrays)


def _cell(series: pd.Series[Any]) -> str:
    value = series.iloc[0]
    if pd.isna(value):
        return "NaN"
    return str(value) if isinstance(series.dtype, pd.CategoricalDtype) else repr(float(value))
