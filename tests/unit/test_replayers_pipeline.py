"""The team's pipeline: found beside the scenario, called on a copy, held to its contract."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from harness.errors import PipelineError
from replayers.pipeline import Alone, Pipeline, check_features, load_pipeline

NAMES = ("amount", "hour")
GOOD = """
def build(requests, data):
    return requests[["amount", "hour"]].astype(float)
"""


@pytest.fixture(autouse=True)
def _same_imports() -> Iterator[None]:
    """What pipelines import here is forgotten afterwards."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def pipeline(folder: Path, code: str, *, spec: str = "features:build", data: str = ".") -> Pipeline:
    """The pipeline of a scenario folder whose features.py holds this code."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "features.py").write_text(code, encoding="utf-8")
    return load_pipeline(spec, folder, data=folder / data)


def requests(n: int = 4) -> pd.DataFrame:
    """Requests of odd seq, each with a nested body."""
    return pd.DataFrame(
        {
            "amount": np.arange(n, dtype=float),
            "hour": np.arange(n),
            "_body": pd.Series([{"deep": {"x": i}} for i in range(n)], dtype=object),
        }
    ).set_axis(pd.Index(range(1, 2 * n, 2), name="seq"))


def refused(folder: Path, code: str, message: str, *, names: tuple[str, ...] = NAMES) -> str:
    """The sentence of the PipelineError that this code leads to, which must match."""
    with pytest.raises(PipelineError, match=message) as caught:
        pipeline(folder, code).features(requests(), names)
    return str(caught.value)


def test_features_come_in_the_models_order_and_nothing_else(tmp_path: Path) -> None:
    """Columns in another order, with more than the model knows, are put right by name."""
    code = 'def build(requests, data): return requests.assign(more="x")[["more", "hour", "amount"]]'
    built = pipeline(tmp_path, code).features(requests(), NAMES)
    assert list(built.columns) == ["amount", "hour"]
    assert built["amount"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert built.index.tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("None", "must return a DataFrame; found NoneType"),
        ("requests.amount", "must return a DataFrame; found Series"),
        ("requests.iloc[1:]", "must return the index it was given.*found 3 rows.*expected 4 rows"),
        ("requests.iloc[::-1]", "must return the index it was given"),
        ("requests.reset_index(drop=True)", "must return the index it was given"),
        ("requests.set_axis(requests.index + 2)", "must return the index it was given"),
        ("requests[['hour']]", r"needs column 'amount', which the pipeline does not give; found hour"),
        (
            "requests[['hour']].rename(columns={'hour': 'amout'})",
            r"needs column 'amount' and 1 more.*'amout'\?",
        ),
        ("requests[['hour', 'amount', 'hour']]", "gives column 'hour' more than once"),
        (
            "requests.assign(hour=['a', 'b', 'c', 'd'])",
            "column 'hour' cannot be scored; found dtype (str|object)",
        ),
        ("requests.astype({'hour': object})", "column 'hour' cannot be scored; found dtype object"),
        (
            "requests.assign(hour=requests.amount * 1j)",
            "column 'hour' cannot be scored; found dtype complex128",
        ),
        (
            "requests.assign(hour=__import__('pandas').Timestamp(0))",
            "column 'hour' cannot be scored; found dtype date",
        ),
    ],
)
def test_a_broken_contract_is_named(tmp_path: Path, result: str, message: str) -> None:
    """Shape, index, names and dtypes, each with what was found and what to do."""
    assert "features:build" in refused(tmp_path, f"def build(requests, data): return {result}", message)


def test_an_empty_frame_has_no_columns(tmp_path: Path) -> None:
    """Nothing at all is told as such."""
    refused(tmp_path, "def build(requests, data): return requests[[]]", "found no columns")


@pytest.mark.parametrize(
    "dtype", ["float32", "int8", "uint16", "bool", "Int64", "Float64", "boolean", "category"]
)
def test_numbers_booleans_and_categories_can_be_scored(dtype: str) -> None:
    """Nullable ones too."""
    built = pd.DataFrame({"x": pd.Series([0, 1, 1]).astype(dtype)})
    assert check_features(built, ["x"], index=built.index, where="f:b")["x"].dtype == built["x"].dtype


def test_names_that_are_not_text_are_matched_as_text() -> None:
    """A frame made of an array has numbers for names, as LightGBM saw them in training."""
    built = pd.DataFrame(np.arange(6.0).reshape(3, 2))
    assert check_features(built, ["1", "0"], index=built.index, where="f:b").to_dict("list") == {
        "1": [1.0, 3.0, 5.0],
        "0": [0.0, 2.0, 4.0],
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('raise ValueError("no such column")', "the feature pipeline raised ValueError: no such column"),
        ('return requests["amuont"]', "the feature pipeline raised KeyError: 'amuont'"),
        ("import sys; sys.exit(1)", "the feature pipeline raised SystemExit: 1"),
        ("assert False, 'two\\nlines'", "the feature pipeline raised AssertionError: two lines"),
    ],
)
def test_a_pipeline_that_raises_is_told_with_its_own_line(tmp_path: Path, line: str, message: str) -> None:
    """Where in the team's file, not where in pandas; and no exit code of its own."""
    sentence = refused(tmp_path, f"def build(requests, data):\n    x = 1\n    {line}\n", message)
    assert "features:build (features.py:3)" in sentence
    assert "found 4 requests" in sentence


def test_a_pipeline_cannot_change_its_input(tmp_path: Path) -> None:
    """Columns, cells and nested bodies are its own copies, so a second call sees what the first saw."""
    code = """
def build(requests, data):
    built = requests[["amount", "hour"]].astype(float)
    requests["amount"] = -1.0
    requests.loc[:, "hour"] = 99
    requests.pop("hour")
    for body in requests["_body"]:
        body["deep"]["x"] = None
        body.clear()
    return built
"""
    given = requests()
    found = [pipeline(tmp_path, code).features(given, NAMES) for _ in range(2)]
    pd.testing.assert_frame_equal(given, requests())
    pd.testing.assert_frame_equal(found[0], found[1])


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    """Before the pipeline stumbles over it."""
    with pytest.raises(PipelineError, match="nowhere: the data folder of the pipeline is missing"):
        pipeline(tmp_path, GOOD, data="nowhere").features(requests(), NAMES)


def test_the_data_folder_is_handed_over(tmp_path: Path) -> None:
    """The pipeline reads its tables there."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "factor.txt").write_text("3")
    code = """
def build(requests, data):
    return requests[["amount", "hour"]] * float((data / "factor.txt").read_text())
"""
    built = pipeline(tmp_path, code, data="tables").features(requests(), NAMES)
    assert built["amount"].tolist() == [0.0, 3.0, 6.0, 9.0]


@pytest.mark.parametrize(
    ("code", "spec", "message"),
    [
        (GOOD, "features:biuld", r"no function 'biuld' in the pipeline module\. Did you mean 'build'\?"),
        ("build = 3", "features:build", "no function 'build'"),
        (
            GOOD,
            "featuers:build",
            "cannot be imported: ModuleNotFoundError.*expected featuers.py beside the scenario",
        ),
        ("def build(:", "features:build", "cannot be imported: SyntaxError"),
        ("import nothing_of_that_name", "features:build", "cannot be imported: ModuleNotFoundError"),
        ("1 / 0", "features:build", "cannot be imported: ZeroDivisionError"),
        ("raise SystemExit(2)", "features:build", "cannot be imported: SystemExit: 2"),
        (GOOD, ".features:build", "cannot be imported"),
    ],
)
def test_a_pipeline_that_is_not_there_is_named(tmp_path: Path, code: str, spec: str, message: str) -> None:
    """A wrong name, a broken module, a module that exits: one line each, and the module is forgotten."""
    modules = set(sys.modules)
    with pytest.raises(PipelineError, match=message):
        pipeline(tmp_path, code, spec=spec)
    if "no function" not in message:
        assert not [name for name in set(sys.modules) - modules if name.startswith("_pipeline_")]


def test_an_installed_module_is_a_pipeline_too(tmp_path: Path) -> None:
    """Where no file beside the scenario has that name."""
    found = load_pipeline("operator:itemgetter", tmp_path, data=tmp_path)
    assert found.build.__module__ in {"operator", "_operator"}


def test_a_pipeline_in_a_package_beside_the_scenario(tmp_path: Path) -> None:
    """`pipelines.v2:build` is pipelines/v2.py."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "v2.py").write_text(GOOD)
    built = load_pipeline("pipelines.v2:build", tmp_path, data=tmp_path).features(requests(), NAMES)
    assert len(built) == 4


def factor(value: int) -> str:
    """A pipeline that multiplies by a number of its sibling's."""
    return f"""
import shared_tables
OWN = {value}

def build(requests, data):
    assert shared_tables.FACTOR == OWN
    return requests[["amount", "hour"]] * shared_tables.FACTOR
"""


def test_two_scenarios_may_both_have_a_features_file_and_siblings(tmp_path: Path) -> None:
    """Each gets its own `features` and its own `shared_tables`, whichever was loaded first."""
    for name, value in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shared_tables.py").write_text(f"FACTOR = {value}")
    one = pipeline(tmp_path / "one", factor(1))
    two = pipeline(tmp_path / "two", factor(2))
    for found, value in ((one, 1), (two, 2), (one, 1)):
        assert found.features(requests(), NAMES)["amount"].tolist() == [0.0, value, 2.0 * value, 3.0 * value]
    assert not {"features", "shared_tables"} & set(sys.modules)


LAZY = """
import this

def build(requests, data):
    import lazy_tables
    lazy_tables.CALLS.append(1)
    return requests[["amount", "hour"]] * this.FACTOR * len(lazy_tables.CALLS)
"""


def test_siblings_are_found_by_their_pipeline_and_by_nobody_else(tmp_path: Path) -> None:
    """A scenario's `this.py` wins inside, whenever it is imported, is imported once, and is gone outside."""
    (tmp_path / "this.py").write_text("FACTOR = 7")
    (tmp_path / "lazy_tables.py").write_text("CALLS = []")
    path = list(sys.path)
    found = pipeline(tmp_path, LAZY)
    for calls in (1, 2):
        built = found.features(requests(), NAMES)
        assert built["amount"].tolist() == [0.0, 7.0 * calls, 14.0 * calls, 21.0 * calls]
    assert sys.path == path
    assert not {"this", "lazy_tables"} & set(sys.modules)


def test_a_pipeline_that_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither its folder on the path nor its siblings, whether it fails on import or on a call."""
    (tmp_path / "lazy_tables.py").write_text("")
    before = list(sys.path), set(sys.modules)
    for code in (
        "import lazy_tables\n1 / 0",
        "def build(requests, data):\n    import lazy_tables\n    1 / 0",
    ):
        with pytest.raises(PipelineError, match="ZeroDivisionError"):
            pipeline(tmp_path, code).features(requests(), NAMES)
        assert sys.path == before[0]
        assert "lazy_tables" not in sys.modules


def test_the_pipeline_of_another_scenario_is_not_found(tmp_path: Path) -> None:
    """A scenario whose features.py is missing fails, however many others were loaded before."""
    pipeline(tmp_path / "one", GOOD)
    with pytest.raises(PipelineError, match="No module named 'features'"):
        load_pipeline("features:build", tmp_path, data=tmp_path)


def test_a_changed_pipeline_is_loaded_anew(tmp_path: Path) -> None:
    """The same place with other content is another module; with the same content it is the same one."""
    first = pipeline(tmp_path, GOOD)
    assert pipeline(tmp_path, GOOD).build is first.build
    changed = pipeline(tmp_path, GOOD.replace("astype(float)", "astype(float) + 1"))
    assert changed.features(requests(), NAMES)["amount"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert first.features(requests(), NAMES)["amount"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_an_error_far_from_home_still_names_a_line(tmp_path: Path) -> None:
    """A function of an installed module has no line of the team's; the last one is named."""
    found = load_pipeline("json:loads", tmp_path, data=tmp_path)
    with pytest.raises(PipelineError) as caught:
        found.features(requests(), NAMES)
    assert re.search(r"json:loads \(\w+\.py:\d+\)", str(caught.value))


COUNTING = """
CALLS = []

def build(requests, data):
    CALLS.append(list(requests.index))
    return requests[["amount", "hour"]].astype(float)
"""


def alone_at(place: int) -> pd.DataFrame:
    """The request at a place, in a frame of its own."""
    return requests().iloc[[place]]


def test_requests_are_built_alone_once_for_all_models(tmp_path: Path) -> None:
    """Two models of other features, one of which asks for more requests: no request is built twice."""
    found = pipeline(tmp_path, COUNTING)
    alone = Alone(found, alone_at)
    few = [alone.features(place, ("hour",)) for place in (0, 3)]
    more = [alone.features(place, ("amount", "hour")) for place in (0, 1, 3)]
    assert found.build.__globals__["CALLS"] == [[1], [7], [3]]
    assert [frame.to_numpy().tolist() for frame in few] == [[[0.0]], [[3.0]]]
    assert [frame.to_numpy().tolist() for frame in more] == [[[0.0, 0.0]], [[1.0, 1.0]], [[3.0, 3.0]]]
    assert [list(frame.index) for frame in more] == [[1], [3], [7]]


def test_a_request_built_alone_is_held_to_the_contract(tmp_path: Path) -> None:
    """Each model's names are checked, whoever had the request built."""
    alone = Alone(pipeline(tmp_path, GOOD), alone_at)
    alone.features(0, ("amount",))
    with pytest.raises(PipelineError, match="needs column 'colour'"):
        alone.features(0, ("amount", "colour"))


@pytest.mark.parametrize(
    ("spec", "data", "same"),
    [("features:build", ".", True), ("features:build", "data", False), ("features:other", ".", False)],
)
def test_models_share_a_pipeline_with_its_data(tmp_path: Path, spec: str, data: str, *, same: bool) -> None:
    """Another function, or the same one with other data, gives other features."""
    code = f"{GOOD}\nother = build\n"
    one, other = pipeline(tmp_path, code), pipeline(tmp_path, code, spec=spec, data=data)
    assert (one.source == other.source) is same


def test_modules_of_the_scenario_stay_its_own_whatever_was_there_before(tmp_path: Path) -> None:
    """A module of that name that others imported before is theirs again after each call."""
    (tmp_path / "tables.py").write_text("FACTOR = 2.0\n", encoding="utf-8")
    code = """
def build(requests, data):
    import tables
    return requests[["amount", "hour"]] * tables.FACTOR
"""
    found, theirs = pipeline(tmp_path, code), ModuleType("tables")
    first = found.features(requests(), NAMES)
    assert "tables" not in sys.modules
    sys.modules["tables"] = theirs
    second = found.features(requests(), NAMES)
    assert sys.modules["tables"] is theirs
    assert first.equals(second)
    assert second["amount"].tolist() == [0.0, 2.0, 4.0, 6.0]
