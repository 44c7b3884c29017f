"""Makes everything in this folder again from data/bookings.parquet and data/arrivals.parquet.

python scenarios/hotel_cancellation/build.py            # rebuild in place
python scenarios/hotel_cancellation/build.py --check    # rebuild in a temporary folder and compare
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.hotel_cancellation.dataset import (
    TRAINED_SHARE,
    bodies,
    event_times,
    outcomes,
    production,
    read_arrivals,
    read_bookings,
    requests,
)
from scenarios.hotel_cancellation.features import CATEGORIES, build, build_table
from scenarios.hotel_cancellation.train import reported, train_all
from scenarios.recording import UTC_NS, Champion, Recipe, capture, label_table, typical, write

HERE = Path(__file__).resolve().parent
SOURCES = ("bookings.parquet", "arrivals.parquet")
BUILT = (
    "data/categories.json",
    "data/typical.json",
    "models/champion.txt",
    "models/rebuild.txt",
    "models/candidate.txt",
    "holdout.parquet",
    "capture.parquet",
    "labels.parquet",
)
NAME, VERSION = "hotel-cancellation", "1.0.0"


def build_all(root: Path) -> None:
    """Write every built file under `root`, which holds the sources in `root/data`."""
    data = root / "data"
    bookings = read_bookings(data)
    asked = production(bookings)
    (data / "categories.json").write_text(json.dumps(categories(bookings), indent=1) + "\n")
    usual = typical(build(requests(asked), data))
    (data / "typical.json").write_text(json.dumps(usual, indent=1) + "\n")
    write(root / "labels.parquet", label_table(asked.join(outcomes(asked))))
    train_all(data, root / "models")
    write(root / "holdout.parquet", holdout(data, root / "models/champion.txt"))
    champion = Champion(service=HERE / "service.py", root=root, name=NAME, version=VERSION)
    rows = champion.record(bodies(asked), features=True).assign(**captured(asked))
    write(root / "capture.parquet", capture(rows, arrivals=read_arrivals(data), build=f"{NAME} {VERSION}"))


def categories(bookings: pd.DataFrame) -> dict[str, list[str]]:
    """The levels of each category in the first 60 %, sorted."""
    seen = bookings.iloc[: int(len(bookings) * TRAINED_SHARE)]
    return {name: sorted(seen[name].dropna().unique().tolist()) for name in CATEGORIES}


def captured(bookings: pd.DataFrame) -> dict[str, object]:
    """What the capture says of each request beside its answer; countries are those known in the end."""
    named = bookings[["hotel", "market_segment", "agent", "country"]].fillna("none")
    return {
        "request_id": bookings["request_id"],
        "event_time": event_times(bookings),
        "unit": None,  # each scenario file says what clusters its requests
        "segments": [list(row.items()) for row in named.to_dict("records")],
        "body": bodies(bookings),
    }


def holdout(data: Path, model: Path) -> pa.Table:
    """The rows the champion was reported on, as reported.

    request_id, event_time, unit, label, label_at, score, and each feature it was scored on by its name.
    """
    split = reported(data)
    rows = split.bookings.iloc[split.holdout]
    features = build_table(requests(rows), data)
    scores = np.asarray(lgb.Booster(model_file=model).predict(features, num_threads=1))
    known = outcomes(rows).astype({"label": "float64"})
    told = known.assign(
        request_id=rows["request_id"], event_time=event_times(rows), unit=rows["agent"], score=scores
    )
    texts = features[list(CATEGORIES)].astype("object")
    named = told.join(texts).join(features.drop(columns=list(CATEGORIES)))
    return pa.Table.from_pandas(named, schema=holdout_schema(features.columns), preserve_index=False)


def holdout_schema(features: Iterable[str]) -> pa.Schema:
    """Categories are texts, all other features numbers."""
    told = [("request_id", pa.string()), ("event_time", UTC_NS), ("unit", pa.string())]
    known = [("label", pa.float64()), ("label_at", UTC_NS), ("score", pa.float64())]
    values = [(name, pa.string() if name in CATEGORIES else pa.float64()) for name in features]
    return pa.schema([*told, *known, *values])


if __name__ == "__main__":
    recipe = Recipe(folder=HERE, sources=SOURCES, built=BUILT, build_all=build_all)
    sys.exit(recipe.main(sys.argv[1:]))
