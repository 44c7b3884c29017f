"""Makes everything in this folder again from data/aidev_prs.parquet and data/arrivals_code.parquet.

python scenarios/duo_acceptance/build.py            # rebuild in place
python scenarios/duo_acceptance/build.py --check    # rebuild in a temporary folder and compare
"""

import json
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.duo_acceptance.dataset import bodies, outcomes, read_arrivals, read_prs, requests
from scenarios.duo_acceptance.features import CATEGORIES, build
from scenarios.duo_acceptance.train import train_all, training_index
from scenarios.recording import UTC_NS, Champion, Recipe, capture, label_table, typical, write

HERE = Path(__file__).resolve().parent
SOURCES = ("aidev_prs.parquet", "arrivals_code.parquet")
BUILT = (
    "data/history.parquet",
    "data/categories.json",
    "data/typical.json",
    "models/champion.txt",
    "models/rebuild.txt",
    "models/candidate.txt",
    "capture.parquet",
    "labels.parquet",
)
NAME, VERSION = "duo-acceptance", "1.0.0"


def build_all(root: Path) -> None:
    """Write every built file under `root`, which holds the sources in `root/data`."""
    data = root / "data"
    prs = read_prs(data)
    known = outcomes(prs)
    matured = prs.join(known)[known["matured"]].rename(columns={"pr_id": "request_id"})
    write(data / "history.parquet", history(matured))
    (data / "categories.json").write_text(json.dumps(categories(prs, known), indent=1) + "\n")
    arrivals = read_arrivals(data)
    usual = typical(build(requests(prs, arrivals), data))
    (data / "typical.json").write_text(json.dumps(usual, indent=1) + "\n")
    write(root / "labels.parquet", label_table(matured))
    train_all(data, root / "models")
    champion = Champion(service=HERE / "service.py", root=root, name=NAME, version=VERSION)
    rows = champion.record(bodies(prs)).assign(**captured(prs))
    write(root / "capture.parquet", capture(rows, arrivals=arrivals, build=f"{NAME} {VERSION}"))


def history(matured: pd.DataFrame) -> pa.Table:
    """What became known of the matured rows, in the order it did: repo, agent, label_at, label."""
    schema = pa.schema(
        [("repo", pa.string()), ("agent", pa.string()), ("label_at", UTC_NS), ("label", pa.int8())]
    )
    rows = matured.sort_values("label_at", kind="stable")
    return pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)


def categories(prs: pd.DataFrame, known: pd.DataFrame) -> dict[str, list[str]]:
    """The levels of each category seen in the training rows, sorted."""
    seen = prs.iloc[training_index(known["matured"])]
    return {name: sorted(seen[name].dropna().unique().tolist()) for name in CATEGORIES}


def captured(prs: pd.DataFrame) -> dict[str, object]:
    """What the capture says of each request beside the answer it got."""
    pairs = zip(prs["agent"], prs["language"].fillna("unknown"), strict=True)
    return {
        "request_id": prs["pr_id"],
        "event_time": prs["created_at"],
        "unit": prs["repo"],
        "segments": [[("agent", agent), ("language", language)] for agent, language in pairs],
        "body": bodies(prs),
    }


if __name__ == "__main__":
    recipe = Recipe(folder=HERE, sources=SOURCES, built=BUILT, build_all=build_all)
    sys.exit(recipe.main(sys.argv[1:]))
