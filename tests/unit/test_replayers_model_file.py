"""Model files: whole ones score exactly, cut ones are refused before LightGBM can end the process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest

from harness.errors import ModelError
from replayers.model_file import categorical_features, load_model, text_features
from tests.kit.small_model import Small, train, training, write

ROOT = Path(__file__).parents[2]
LOAD = """
import sys
from pathlib import Path
from harness.errors import ModelError
from replayers.model_file import load_model
try:
    load_model(Path(sys.argv[1]))
except ModelError as error:
    print(error)
    sys.exit(64)
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """One trained model for all tests, which change copies of it."""
    return write(tmp_path_factory.mktemp("scenario"))


def cut(small: Small, folder: Path, *, at: int) -> Path:
    """A copy of the model without what follows a place."""
    path = folder / "cut.txt"
    path.write_bytes((small.folder / "model.txt").read_bytes()[:at])
    return path


def loaded_elsewhere(path: Path) -> subprocess.CompletedProcess[str]:
    """What becomes of a process of its own that loads a model."""
    command = [sys.executable, "-c", LOAD, str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_whole_model_scores_to_the_last_bit(small: Small) -> None:
    """What was trained is what is loaded, and its digest is that of the file."""
    model = load_model(small.folder / "model.txt")
    assert model.predict(small.features, threads=1).tobytes() == small.scores.tobytes()
    assert model.names == ("amount", "lang", "hour")
    assert model.numeric == {"amount", "hour"}
    assert len(model.sha256) == 64
    assert model.predict(small.features.iloc[:0], threads=1).tolist() == []


@pytest.mark.parametrize(
    "place", ["tree_sizes", "Tree=0", "Tree=7", "leaf_value", "end of trees", "end of parameters"]
)
def test_a_model_cut_at_a_section_is_refused(small: Small, tmp_path: Path, place: str) -> None:
    """A text file that ends before a section, in the middle of it, or right after its name."""
    raw = (small.folder / "model.txt").read_bytes()
    at = raw.index(place.encode())
    for cut_at in (at, at + len(place) // 2, at + len(place) - 1):
        with pytest.raises(ModelError, match="cut short or damaged"):
            load_model(cut(small, tmp_path, at=cut_at))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_model_does_not_end_the_process(small: Small, tmp_path: Path, share: float) -> None:
    """LightGBM itself aborts on some of these: the process must end with our code and our sentence."""
    size = (small.folder / "model.txt").stat().st_size
    done = loaded_elsewhere(cut(small, tmp_path, at=int(size * share)))
    assert done.returncode == 64, done
    assert "Copy the file again." in done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"Tree=1\n", b"Tree=x\n"),
        (rb"Tree=1\n", b"Tree=2\n"),
        (rb"num_leaves=", b"num_leafs=="),
        (rb"num_leaves=\d", b"num_leaves=9"),
        (rb"num_leaves=\d", b"num_leaves=x"),
        (rb"left_child=", b"left_chold="),
        (rb"(leaf_value=[^\n]*) ", rb"\1,"),
        (rb"(threshold=[^\n]*)\d", rb"\1?"),
        (rb"num_cat=", b"num_dog="),
        (rb"end of trees", b"end of treez"),
        (rb"\n", b"\r\n"),
    ],
    ids=[
        "number",
        "order",
        "key",
        "more",
        "word",
        "splits",
        "fewer",
        "digit",
        "categories",
        "end",
        "line ends",
    ],
)
def test_a_damaged_model_is_refused(small: Small, tmp_path: Path, old: bytes, new: bytes) -> None:
    """Bytes changed within a file of the right length, or line ends changed on the way."""
    raw = (small.folder / "model.txt").read_bytes()
    damaged = re.sub(old, new, raw, count=0 if old == rb"\n" else 1)
    assert damaged != raw
    path = tmp_path / "damaged.txt"
    path.write_bytes(damaged)
    with pytest.raises(ModelError, match="cut short or damaged"):
        load_model(path)


def test_a_damaged_model_does_not_end_the_process(small: Small, tmp_path: Path) -> None:
    """LightGBM ends the process on a tree without its number of leaves; we end with our code and sentence."""
    path = tmp_path / "damaged.txt"
    path.write_bytes((small.folder / "model.txt").read_bytes().replace(b"num_leaves=", b"num_leafs=="))
    done = loaded_elsewhere(path)
    assert done.returncode == 64, done
    assert "tree 0 of 12 that cannot be read" in done.stdout


def test_a_tree_of_one_leaf_is_a_tree(tmp_path: Path) -> None:
    """A model that learnt nothing has no splits, and is whole."""
    features = training()
    data = lightgbm.Dataset(features, np.arange(len(features)) % 2)
    options = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 1000}
    booster = lightgbm.train(options, data, num_boost_round=2)
    booster.save_model(str(tmp_path / "stump.txt"))
    scores = load_model(tmp_path / "stump.txt").predict(features, threads=1)
    assert scores.tobytes() == np.asarray(booster.predict(features)).tobytes()


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"{}", b"tree", b"tree\nversion=v4\n", b"\xff\xfetree"])
def test_something_else_is_no_model(tmp_path: Path, raw: bytes) -> None:
    """Empty, an archive, JSON, a header alone: one line with what was found."""
    path = tmp_path / "model.txt"
    path.write_bytes(raw)
    with pytest.raises(
        ModelError, match=r"model\.txt: (not a LightGBM text model|the model file is cut short)"
    ):
        load_model(path)


def test_a_model_that_is_not_there_suggests_one_that_is(tmp_path: Path) -> None:
    """Did you mean the other file, where there is one; no folder is no suggestion."""
    (tmp_path / "champion.txt").write_text("x")
    with pytest.raises(ModelError, match=r"no such model file\. Did you mean 'champion\.txt'\?"):
        load_model(tmp_path / "champoin.txt")
    with pytest.raises(ModelError, match=r"no such model file$"):
        load_model(tmp_path / "nowhere" / "model.txt")


def without_levels(small: Small, folder: Path) -> Path:
    """The model without the line of its levels, which LightGBM loads as if nothing were missing."""
    raw = (small.folder / "model.txt").read_bytes()
    return cut(small, folder, at=raw.index(b"\npandas_categorical"))


def test_a_model_without_its_levels_refuses_categories(small: Small, tmp_path: Path) -> None:
    """LightGBM would take the codes of the batch at hand: a batch of one row would score otherwise."""
    model = load_model(without_levels(small, tmp_path))
    with pytest.raises(
        ModelError, match=r"does not name the levels of its categorical features; found .* lang"
    ):
        model.predict(small.features, threads=1)
    rust = small.features[small.features["lang"] == "rs"].iloc[[0]]
    alone = rust.assign(lang=rust["lang"].cat.remove_unused_categories())
    silent = [float(model.booster.predict(frame)[0]) for frame in (rust, alone)]
    assert silent[0] != silent[1]


def test_a_cut_in_the_levels_is_refused(small: Small, tmp_path: Path) -> None:
    """Half a list of levels is no list."""
    size = (small.folder / "model.txt").stat().st_size
    with pytest.raises(ModelError, match="LightGBM cannot load the model"):
        load_model(cut(small, tmp_path, at=size - 5))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"lang": 1.0}, "found 0: none; expected 1"),
        ({"hour": "category"}, "found 2: lang, hour; expected 1"),
        ({"lang": 1.0, "hour": "category"}, "found 1: hour; expected 1, and 'hour' as numbers"),
    ],
    ids=["lost", "one more", "another one"],
)
def test_other_categorical_columns_are_refused(small: Small, change: dict[str, object], found: str) -> None:
    """LightGBM looks at their number only: the third one it would score without a word."""
    features = small.features.copy()
    for name, value in change.items():
        features[name] = features[name].astype("category") if value == "category" else value
    with pytest.raises(ModelError, match=f"other categorical features; {found}"):
        load_model(small.folder / "model.txt").predict(features, threads=1)


def test_a_model_of_numbers_needs_no_levels(tmp_path: Path) -> None:
    """Trained on an array, it names none and gets none."""
    values = training()[["amount", "hour"]].to_numpy()
    data = lightgbm.Dataset(values, (values[:, 1] > 11).astype(int))
    options = {"objective": "binary", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, data, num_boost_round=3)
    booster.save_model(str(tmp_path / "numbers.txt"))
    model = load_model(tmp_path / "numbers.txt")
    frame = pd.DataFrame(values, columns=list(model.names))
    assert model.predict(frame, threads=1).tobytes() == np.asarray(booster.predict(values)).tobytes()


def test_several_scores_a_request_are_refused(tmp_path: Path) -> None:
    """A model of three classes has no one score to compare."""
    values = training()[["amount", "hour"]]
    data = lightgbm.Dataset(values, np.arange(len(values)) % 3)
    options = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}
    lightgbm.train(options, data, num_boost_round=2).save_model(str(tmp_path / "three.txt"))
    with pytest.raises(ModelError, match=r"only one score a request is supported; found \(400, 3\)"):
        load_model(tmp_path / "three.txt").predict(values, threads=1)


def test_columns_that_lightgbm_refuses_are_a_model_error(small: Small) -> None:
    """Whatever gets through to it and is not scored is told with its dtypes."""
    odd = small.features.assign(amount=pd.Series(["1"] * len(small.features), dtype=object))
    with pytest.raises(ModelError, match=r"the model refuses the features: .*amount:object"):
        load_model(small.folder / "model.txt").predict(odd, threads=1)


def test_a_retrained_model_is_the_same_file(tmp_path: Path) -> None:
    """The kit's training is deterministic, so these tests test the same model everywhere."""
    paths = [tmp_path / name for name in ("a.txt", "b.txt")]
    for path in paths:
        train(training()).save_model(str(path))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_model_is_asked_in_other_ways(small: Small) -> None:
    """Of numbers with codes it gives what it gives of the frame; raw, in part, or stopped early."""
    model = load_model(small.folder / "model.txt")
    codes = small.features["lang"].cat.codes.astype(float).where(small.features["lang"].notna())
    matrix = small.features.assign(lang=codes).to_numpy(dtype=float)
    assert model.trees == 12
    assert model.ask(matrix).tobytes() == small.scores.tobytes()
    np.testing.assert_allclose(1 / (1 + np.exp(-model.ask(matrix, raw=True))), small.scores, rtol=1e-12)
    first, rest = model.ask(matrix, raw=True, trees=5), model.ask(matrix, raw=True, first=5)
    np.testing.assert_allclose(first + rest, model.ask(matrix, raw=True), rtol=1e-12)
    assert model.ask(matrix, trees=5).tobytes() == model.predict(small.features, threads=1, trees=5).tobytes()
    assert model.ask(matrix, stop=(5, 0.0)).tobytes() == model.ask(matrix, trees=5).tobytes()
    assert model.ask(matrix[:0]).tolist() == []


def test_the_features_of_text_are_those_of_text_levels(small: Small, tmp_path: Path) -> None:
    """Which are categorical stands in the head, their levels in the last line."""
    whole = (small.folder / "model.txt").read_text()
    assert text_features(small.folder / "model.txt") == ("lang",)
    path = tmp_path / "model.txt"
    path.write_text(re.sub(r"(?m)^pandas_categorical:.*$", "pandas_categorical:[[1, 2]]", whole))
    assert text_features(path) == ()
    path.write_text(re.sub(r"(?m)^pandas_categorical:.*$", 'pandas_categorical:[["a"], ["x", "y"]]', whole))
    assert text_features(path) == ("lang",)
    path.write_text(re.sub(r"(?m)^pandas_categorical:.*$", "pandas_categorical:null", whole))
    assert text_features(path) == ()
    for levels in ("[[nope]]", "[1]", '{"a": 1}', "[" * 100_000):
        path.write_text(re.sub(r"(?m)^pandas_categorical:.*$", f"pandas_categorical:{levels}", whole))
        with pytest.raises(ModelError, match="levels of the categorical features cannot be read"):
            text_features(path)


@pytest.mark.parametrize(
    ("infos", "levels", "texts"),
    [
        ("0:1 0:1 none", '[["x"], [1, 2], ["z"]]', "ac"),
        ("0:1 [0:1] none", '[["x"], ["z"]]', "ac"),
        ("0:1 none 0:1", '[["x"], [1, 2]]', "a"),
        ("none 0:1 none", '[[1], ["y"]]', ""),
        ("none 0:1 none", '[["x"], ["y"]]', "b"),
        ("0:1 0:1 0:1", '[["x"], [1]]', ""),
        ("0:1 0:1 [0:1]", '[["x", 1], []]', ""),
    ],
)
def test_a_feature_is_one_of_text_only_where_the_file_says_so(
    infos: str, levels: str, texts: str, tmp_path: Path
) -> None:
    """Whole-number categories beside it are none, whichever feature without a split the levels are of."""
    path = tmp_path / "model.txt"
    head = f"tree\nfeature_names=a b c\nfeature_infos={infos}\n\nTree=0\n"
    path.write_text(f"{head}\npandas_categorical:{levels}\n")
    assert text_features(path) == tuple(texts)
    sure = [name for name, info in zip("abc", infos.split(), strict=True) if ":" in info and "[" not in info]
    assert categorical_features(path) == tuple(sorted({*sure, *texts}))
