"""The offline arm on a real model: batch and single, rescored and rebuilt, and the view of a capture."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from harness.columns import Column, Kind
from replayers.offline import FEATURE, OfflineModel, OfflineReplayer, frame, one_by_one, to_columns, to_table
from replayers.pipeline import Alone
from tests.kit.small_model import PIPELINE, Small, bodies_of, captured, training, write

HOUR = 3_600 * 10**9


def replayer(small: Small, *, singles: int = 50, threads: int = 1) -> OfflineReplayer:
    """The offline arm of a scenario folder."""
    config = OfflineModel(
        file="model.txt", features="features:build", data="data", singles=singles, threads=threads
    )
    return OfflineReplayer(config, small.folder, name="new")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """One trained model for all tests that change nothing."""
    return write(tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def capture() -> pa.Table:
    """Forty captured requests with the amounts and categories of the training rows."""
    return captured(bodies_of(training().iloc[:40]))


def cells(column: Column) -> list[Any]:
    """The values of a column, as a list to compare."""
    return list(column.values)


def with_pipeline(folder: Path, code: str) -> OfflineReplayer:
    """The small model behind another pipeline."""
    return replayer(write(folder, pipeline=code))


def test_a_capture_is_scored_exactly(small: Small, capture: pa.Table) -> None:
    """The same features give the same bits as the model gave in training; the index is seq."""
    arm = replayer(small)
    found = arm.score(frame(capture))
    expected = small.features.iloc[:40].assign(hour=np.arange(40) % 24)
    assert found.scores.tobytes() == np.asarray(arm.model.booster.predict(expected)).tobytes()
    assert found.features.index.tolist() == list(range(40))
    assert (arm.names, arm.name, arm.path.name) == (("amount", "lang", "hour"), "new", "model.txt")
    assert len(arm.sha256) == 64


@pytest.mark.parametrize("order", [["hour", "amount", "lang"], ["lang", "extra", "hour", "amount"]])
def test_the_order_of_columns_does_not_matter(tmp_path: Path, capture: pa.Table, order: list[str]) -> None:
    """LightGBM matches by position; a reordered frame, or one with more columns, scores the same here."""
    found = PIPELINE.replace(
        "index=requests.index,\n    )", f"index=requests.index,\n    ).assign(extra=1.0)[{order!r}]"
    )
    assert found != PIPELINE
    straight = with_pipeline(tmp_path / "a", PIPELINE).score(frame(capture))
    reordered = with_pipeline(tmp_path / "b", found).score(frame(capture))
    assert reordered.scores.tobytes() == straight.scores.tobytes()


def test_threads_do_not_change_a_bit(small: Small, capture: pa.Table) -> None:
    """The reference is exact."""
    scores = [replayer(small, threads=n).score(frame(capture)).scores.tobytes() for n in (1, 2, 0)]
    assert scores[0] == scores[1] == scores[2]


def test_a_pipeline_whose_rows_are_independent_agrees_with_itself(small: Small, capture: pa.Table) -> None:
    """NaN, missing categories and all."""
    arm, requests = replayer(small), frame(capture)
    assert arm.disagreements(capture, arm.score(requests)) == []


PER_BATCH = """\
import pandas as pd

def build(requests, data):
    lang = requests["lang"].astype("category")
    return pd.DataFrame(
        {"amount": requests["amount"].astype(float), "lang": LANG, "hour": HOUR},
        index=requests.index,
    )
"""


@pytest.mark.parametrize(
    ("lang", "hour", "field"),
    [
        ('pd.Categorical(requests["lang"], categories=["go", "py", "rs"])', "lang.cat.codes", "hour"),
        ('pd.Categorical.from_codes(lang.cat.codes, ["go", "py", "rs"])', "1", "lang"),
        (
            'pd.Categorical(requests["lang"], categories=["go", "py", "rs"])',
            'requests["amount"].rank()',
            "hour",
        ),
    ],
    ids=["codes of the batch", "levels of the batch", "ranks in the batch"],
)
def test_rows_that_depend_on_each_other_are_found(
    tmp_path: Path, capture: pa.Table, lang: str, hour: str, field: str
) -> None:
    """Features made of the batch at hand come out otherwise one request at a time."""
    arm, requests = (
        with_pipeline(tmp_path, PER_BATCH.replace("LANG", lang).replace("HOUR", hour)),
        frame(capture),
    )
    found = arm.disagreements(capture, arm.score(requests))
    assert {d.field for d in found} >= {field}
    assert {d.field for d in found} <= {field, "score"}
    assert all(d.batch != d.single for d in found)


def test_models_that_share_single_rows_find_what_they_find_alone(tmp_path: Path, capture: pa.Table) -> None:
    """The rows of one pipeline serve each of its models, also those that ask for more of them."""
    code = PIPELINE.replace('requests["event_time"].dt.hour', "len(requests)")
    folder = write(tmp_path, pipeline=code)
    requests, few, more = frame(capture), replayer(folder, singles=2), replayer(folder, singles=5)
    shared, batch = Alone(few.pipeline, one_by_one(capture)), few.score(requests)
    for arm in (few, more):
        assert arm.disagreements(capture, batch, alone=shared) == arm.disagreements(capture, batch) != []


def test_a_disagreement_names_the_request_and_both_values(tmp_path: Path, capture: pa.Table) -> None:
    """Its seq, the field, and how each reads; only the requests asked for are built alone."""
    code = PIPELINE.replace('requests["event_time"].dt.hour', "len(requests)")
    arm = replayer(write(tmp_path, pipeline=code), singles=3)
    requests = frame(capture)
    found = [d for d in arm.disagreements(capture, arm.score(requests)) if d.field == "hour"]
    assert [(d.seq, d.batch, d.single) for d in found] == [
        (0, "40.0", "1.0"),
        (19, "40.0", "1.0"),
        (39, "40.0", "1.0"),
    ]


@pytest.mark.parametrize(
    ("singles", "n", "count"), [(50, 40, 40), (5, 40, 5), (0, 40, 0), (5, 0, 0), (1, 40, 1)]
)
def test_as_many_requests_as_asked_for_are_built_alone(
    small: Small, singles: int, n: int, count: int
) -> None:
    """Spread over the capture, each once, never more than there are."""
    places = replayer(small, singles=singles).singles(frame(captured(bodies_of(training(n)))))
    assert len(places) == len(set(places)) == count
    assert all(0 <= place < n for place in places)


SORTED = """
plain = build

def build(requests, data):
    return plain(requests, data).sort_values("amount").reset_index(drop=True)
"""


def test_a_sorted_batch_is_found_one_at_a_time(tmp_path: Path, capture: pa.Table) -> None:
    """Rows sorted and renumbered look right in a batch of seq 0, 1, 2, …; alone the wrong index shows."""
    code = PIPELINE + SORTED
    arm, requests = with_pipeline(tmp_path, code), frame(capture)
    found = arm.disagreements(capture, arm.score(requests))
    raised = [d for d in found if d.field == "features"]
    assert [d.seq for d in raised] == list(range(1, 40))
    assert all("must return the index it was given" in d.single for d in raised)


@pytest.mark.parametrize(
    ("hour", "field"),
    [
        ('requests["hour"].isna().astype(float)', "features"),
        ('float(requests["amount"].dtype == float)', "hour"),
        ("len(requests.columns)", "hour"),
    ],
    ids=["a key that others have", "the dtype that others give", "the columns that others bring"],
)
def test_a_request_alone_has_nothing_of_the_others(tmp_path: Path, hour: str, field: str) -> None:
    """A service sees one body: no column of another request, no dtype that another one's value made."""
    bodies = [{"amount": 1, "lang": "go"}, {"amount": 2.5, "lang": "py", "hour": 3}]
    code = PIPELINE.replace('requests["event_time"].dt.hour', hour)
    assert code != PIPELINE
    arm, capture = with_pipeline(tmp_path, code), captured(bodies)
    found = arm.disagreements(capture, arm.score(frame(capture)))
    assert [(d.seq, d.field) for d in found if d.field != "score"] == [(0, field)]
    if field == "features":
        assert "raised KeyError" in found[0].single


@pytest.mark.parametrize(
    "levels",
    [["go", "py", "rs"], [1, 2, 3], [0.5, 1.5, 2.5], [False, True], ["1", "2", "x y"]],
    ids=["text", "whole numbers", "numbers", "booleans", "digits"],
)
def test_rescoring_equals_predicting_bit_for_bit(tmp_path: Path, levels: list[object]) -> None:
    """Features as columns and back, with categories of any kind of level, NaN and missing ones."""
    made = write(tmp_path, levels=levels)
    arm = replayer(made)
    assert arm.rescore(to_columns(made.features)).tobytes() == made.scores.tobytes()
    assert len(set(made.scores.tolist())) > 10


def test_rescoring_takes_what_is_not_a_value_as_empty(small: Small) -> None:
    """Null, missing and a level the model never saw are NaN to LightGBM."""
    arm, n = replayer(small), len(small.features)
    columns = to_columns(small.features)
    odd = np.array(["cobol", None] * (n // 2), object)
    columns["lang"] = Column("category", odd, np.array([Kind.VALUE, Kind.MISSING] * (n // 2), np.uint8))
    columns["amount"] = Column("number", np.full(n, np.nan), np.full(n, Kind.NULL, np.uint8))
    empty = small.features.assign(
        amount=np.nan, lang=pd.Categorical([None] * n, categories=["go", "py", "rs"])
    )
    assert arm.rescore(columns).tobytes() == arm.predict(empty).tobytes()


def test_rescoring_nothing_is_nothing(small: Small) -> None:
    """No row, no score."""
    assert replayer(small).rescore(to_columns(small.features.iloc[:0])).tolist() == []


def test_rebuilding_moves_the_event_time_only(small: Small, capture: pa.Table) -> None:
    """An hour later the hour is one more, all else is as it was, and the requests are not touched."""
    arm, requests = replayer(small), frame(capture)
    before, after = to_columns(arm.features(requests)), arm.rebuild(requests, HOUR)
    assert cells(after["hour"]) == [(hour + 1) % 24 for hour in cells(before["hour"])]
    assert cells(after["lang"]) == cells(before["lang"])
    assert cells(arm.rebuild(requests, -HOUR)["hour"])[0] == 23
    assert requests["event_time"].equals(frame(capture)["event_time"])
    some = arm.rebuild(requests.loc[[7, 3]], 0)
    assert cells(some["hour"]) == [7, 3]


def test_columns_keep_levels_as_text_and_say_what_is_empty() -> None:
    """A missing category is NULL, a missing number NAN."""
    features = pd.DataFrame(
        {
            "lang": pd.Categorical([2, None, 1], categories=[1, 2]),
            "x": [0.5, np.nan, 1.0],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "b": [True, False, True],
        }
    )
    found = to_columns(features)
    assert (found["lang"].dtype, cells(found["lang"])) == ("category", ["2", None, "1"])
    assert found["lang"].kind.tolist() == [Kind.VALUE, Kind.NULL, Kind.VALUE]
    assert found["x"].kind.tolist() == found["n"].kind.tolist() == [Kind.VALUE, Kind.NAN, Kind.VALUE]
    assert cells(found["b"]) == [1.0, 0.0, 1.0]


def test_the_artefact_has_a_column_for_each_feature(small: Small, capture: pa.Table) -> None:
    """seq, score, and the features under a prefix, so that one named `score` does no harm."""
    scored = replayer(small).score(frame(capture))
    table = to_table(scored)
    assert table.column_names == ["seq", "score", f"{FEATURE}amount", f"{FEATURE}lang", f"{FEATURE}hour"]
    assert table["score"].to_numpy().tobytes() == scored.scores.tobytes()
    assert table[f"{FEATURE}lang"].to_pylist()[:3] == [None, *scored.features["lang"].tolist()[1:3]]


def test_the_view_has_a_column_for_each_key_of_the_bodies() -> None:
    """Keys that only some bodies have are empty elsewhere; nothing of the capture is lost on the way."""
    found = frame(captured([{"a": 1, "s": "x"}, {"a": 2.5}], unit=["u", None]))
    assert found.index.tolist() == [0, 1]
    assert found["a"].tolist() == [1.0, 2.5]
    assert found["s"].tolist()[0] == "x"
    assert pd.isna(found["s"].iloc[1])
    assert found["request_id"].tolist() == ["r0", "r1"]
    assert found["unit"].tolist() == ["u", None]
    assert [str(found[name].dtype) for name in ("ts", "event_time")] == ["datetime64[ns, UTC]"] * 2


def test_nan_null_and_missing_are_kept_apart_in_the_body() -> None:
    """Frames cannot tell them apart; `_body` can."""
    found = frame(captured([{"x": float("nan")}, {"x": None}, {}, {"x": 1.0}]))
    assert found["x"].isna().tolist() == [True, True, True, False]
    nan, null, missing, _ = found["_body"]
    assert math.isnan(nan["x"])
    assert null == {"x": None}
    assert missing == {}


def test_event_time_falls_back_to_the_arrival() -> None:
    """And is exact to the nanosecond."""
    found = frame(captured([{}, {}], event_time=[1_700_000_000_123_456_789, None]))
    assert found["event_time"].astype("int64").tolist() == [1_700_000_000_123_456_789, HOUR]
    assert found["ts"].astype("int64").tolist() == [0, HOUR]


@pytest.mark.parametrize("key", ["event_time", "ts", "request_id", "unit", "_body"])
def test_a_body_cannot_pass_for_the_record(key: str) -> None:
    """The typed column wins over a key of the same name; the key is still in the body."""
    found, plain = frame(captured([{key: "yesterday"}])), frame(captured([{}]))
    assert found["_body"].iloc[0] == {key: "yesterday"}
    for name in ("event_time", "ts", "request_id", "unit"):
        assert str(found[name].iloc[0]) == str(plain[name].iloc[0])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1, 2]",
        b'"text"',
        b"7",
        b"null",
        b"{broken",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"x": ' * 100_000,
    ],
    ids=["empty", "list", "text", "number", "null", "broken", "bytes", "deep list", "deep object"],
)
def test_a_body_that_is_no_object_leaves_its_row_empty(body: bytes) -> None:
    """The request stays in its place, and the others keep theirs."""
    found = frame(captured([{"x": 1.0}, body, {"x": 3.0}]))
    assert found["x"].isna().tolist() == [False, True, False]
    assert found.index.tolist() == [0, 1, 2]


def test_of_a_key_given_twice_the_last_counts() -> None:
    """As every JSON reader of Python does."""
    assert frame(captured([b'{"x": 1, "x": 2}']))["x"].tolist() == [2]


def test_nested_and_huge_values_are_cells() -> None:
    """Lists, objects and whole numbers beyond 64 bits stay what they are."""
    found = frame(captured([{"x": [1, 2], "y": {"z": 1}, "n": 10**30}, {"x": [3]}]))
    assert found["x"].tolist() == [[1, 2], [3]]
    assert found["y"].iloc[0] == {"z": 1}
    assert found["n"].iloc[0] == 10**30


def test_an_empty_capture_is_an_empty_frame(small: Small) -> None:
    """Its columns are there, and a pipeline on it scores nothing."""
    found = frame(captured([]))
    assert list(found.columns) == ["request_id", "unit", "ts", "event_time", "_body"]
    arm = replayer(small)
    nothing = arm.score(found.assign(amount=0.0, lang="go"))
    assert nothing.scores.tolist() == []
    assert arm.disagreements(captured([]), nothing) == []


def test_the_texts_of_levels_and_the_first_trees(small: Small, capture: pa.Table) -> None:
    """What probes ask the offline arm for."""
    arm = replayer(small)
    assert arm.levels == [["go", "py", "rs"]]
    requests = frame(capture)
    assert arm.score(requests, trees=12).scores.tobytes() == arm.score(requests).scores.tobytes()
    assert arm.score(requests, trees=3).scores.tobytes() != arm.score(requests).scores.tobytes()
