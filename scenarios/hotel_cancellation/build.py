"""Makes everything in this folder again from data/bookings.parquet and data/arrivals.parquet.

python scenarios/hotel_cancellation/build.py            # rebuild in place
python scenarios/hotel_cancellation/build.py --check    # rebuild in a temporary folder and compare
"""

import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.hotel_cancellation.dataset import (
    TRAINED_SHARE,
    bodies,
    event_times,
    outcomes,
    production,
    read_bookings,
    requests,
)
from scenarios.hotel_cancellation.features import CATEGORIES, build, build_table
from scenarios.hotel_cancellation.train import reported, train_all
from scenarios.recording import Champion, Recipe, capture, label_table, typical, write
from scenarios.reported import write_reported
from scenarios.sources import read_arrivals

HERE = Path(__file__).resolve().parent
SOURCES = ("bookings.parquet", "arrivals.parquet")
BUILT = (
    "data/categories.json",
    "data/typical.json",
    "models/champion.txt",
    "models/rebuild.txt",
    "models/candidate.txt",
    "holdout.parquet",
    "holdout_requested.parquet",
    "training.parquet",
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
    offline(root)
    champion = Champion(service=HERE / "service.py", root=root, name=NAME, version=VERSION)
    rows = champion.record(bodies(asked), features=True).assign(**captured(asked))
    write(
        root / "capture.parquet",
        capture(rows, arrivals=read_arrivals(data / "arrivals.parquet"), build=f"{NAME} {VERSION}"),
    )


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


def groups(bookings: pd.DataFrame) -> pd.Series:
    """An agent's bookings for one arrival day, as in diagnose.toml; without an agent each is its own."""
    of = bookings["agent"].where(bookings["agent"].notna(), bookings["request_id"])
    return of.astype(str) + " " + bookings["arrival_date"].dt.strftime("%Y-%m-%d")


def offline(root: Path) -> None:
    """Write what the champion learned from and was reported on, and the holdout as it was when requested."""
    split, data = reported(root / "data"), root / "data"
    known = {"event_time": event_times(split.rows), "unit": groups(split.rows)}
    told = outcomes(split.rows).assign(request_id=split.rows["request_id"], **known)
    asked = requests(split.rows)
    write_reported(root, split, told=told, table=build_table(asked, data), requested=build(asked, data))


if __name__ == "__main__":
    recipe = Recipe(folder=HERE, sources=SOURCES, built=BUILT, build_all=build_all)
    sys.exit(recipe.main(sys.argv[1:]))
