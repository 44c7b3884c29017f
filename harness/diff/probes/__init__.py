"""Why a score differs although the features agree: the offline side scored again under each suspicion.

`model`       an offline model that can be asked in other ways, and how its vectors are laid out
`probe`       a suspicion as data: vectors changed, the model asked otherwise
`vectors`     missing values, types, a column lost
`orders`      the order of columns
`categories`  levels lost, spelled otherwise, coded otherwise
`asking`      raw score, number of trees, another registered model
`afterwards`  what happens to a score after the model: class, clipping, calibration
`search`      all of them tried, the one that reproduces most requests named

Nothing here knows LightGBM: a `Probed` model is handed in.
"""

from harness.diff.probes.model import Batches, Other, Predict, Probed
from harness.diff.probes.search import score_cause

__all__ = ["Batches", "Other", "Predict", "Probed", "score_cause"]
