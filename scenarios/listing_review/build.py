"""Makes everything in this folder again from data/reviews.parquet and data/arrivals.parquet.

python scenarios/listing_review/build.py            # rebuild in place
python scenarios/listing_review/build.py --check    # rebuild in a temporary folder and compare
"""

import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.listing_review.dataset import (
    before_production,
    bodies,
    outcomes,
    production,
    read_reviews,
    requests,
)
from scenarios.listing_review.features import CATEGORIES, build, build_table
from scenarios.listing_review.train import reported, train_all
from scenarios.recording import Champion, Recipe, capture, label_table, typical, write
from scenarios.reported import TOLD, write_reported
from scenarios.sources import read_arrivals

HERE = Path(__file__).resolve().parent
SOURCES = ("reviews.parquet", "arrivals.parquet")
BUILT = (
    "data/categories.json",
    "data/typical.json",
    "models/champion.txt",
    "models/rebuild.txt",
    "models/candidate.txt",
    "training.parquet",
    "holdout.parquet",
    "holdout_requested.parquet",
    "capture.parquet",
    "labels.parquet",
)
NAME, VERSION = "listing-review", "1.0.0"
FLAWS = ("--bug", "history_stale:hours=48", "--bug", "wrong_key:reviewer,key=ward")
"""What was wrong in production while its traffic was captured: history as of Friday on the list of Sunday,
and the reviewer looked up by ward, where reviewers work by zip code."""


def build_all(root: Path) -> None:
    """Write every built file under `root`, which holds the sources in `root/data`."""
    data = root / "data"
    reviews = read_reviews(data)
    asked = production(reviews)
    (data / "categories.json").write_text(json.dumps(categories(reviews), indent=1) + "\n")
    usual = typical(build(requests(asked), data))
    (data / "typical.json").write_text(json.dumps(usual, indent=1) + "\n")
    write(root / "labels.parquet", label_table(asked.join(outcomes(asked))))
    train_all(data, root / "models")
    offline(root)
    champion = Champion(service=HERE / "service.py", root=root, name=NAME, version=VERSION, options=FLAWS)
    rows = champion.record(bodies(asked), features=True).assign(**captured(asked))
    arrivals = read_arrivals(data / "arrivals.parquet")
    write(root / "capture.parquet", capture(rows, arrivals=arrivals, build=f"{NAME} {VERSION}"))


def categories(reviews: pd.DataFrame) -> dict[str, list[str]]:
    """The levels of each category before production, sorted."""
    seen = before_production(reviews)
    return {name: sorted(seen[name].dropna().unique().tolist()) for name in CATEGORIES}


def captured(reviews: pd.DataFrame) -> dict[str, object]:
    """What the capture says of each request beside its answer; the reviewer is the one who came."""
    named = reviews[["police_district", "facility_type", "risk", "reviewer"]].fillna("none")
    return {
        "request_id": reviews["request_id"],
        "event_time": reviews["event_time"],
        "unit": reviews["seller"],
        "segments": [list(row.items()) for row in named.to_dict("records")],
        "body": bodies(reviews),
    }


def offline(root: Path) -> None:
    """Write what the champion learned from and was reported on, and the holdout as it was when requested."""
    split, data = reported(root / "data"), root / "data"
    told = split.rows.join(outcomes(split.rows)).rename(columns={"seller": "unit"})[list(TOLD)[:-1]]
    asked = requests(split.rows)
    write_reported(root, split, told=told, table=build_table(asked, data), requested=build(asked, data))


if __name__ == "__main__":
    recipe = Recipe(folder=HERE, sources=SOURCES, built=BUILT, build_all=build_all)
    sys.exit(recipe.main(sys.argv[1:]))
