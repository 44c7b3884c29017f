"""A LightGBM text model, checked before LightGBM sees it: on a file that is cut it ends the whole process."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import lightgbm
import msgspec
import numpy as np
import pandas as pd

from harness.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_TREE = re.compile(rb"Tree=\d+\nnum_leaves=\d+\n(?:[a-z_]+=[-+.0-9einfa ]*\n)+\n*")
_STOP = ("pred_early_stop", "pred_early_stop_freq", "pred_early_stop_margin")
_SPLITS = (b"split_feature", b"threshold", b"decision_type", b"left_child", b"right_child")


@dataclass(frozen=True)
class ModelFile:
    """A loaded model: `names` of its features in order, `numeric` those it was trained on as numbers."""

    path: Path
    booster: lightgbm.Booster
    sha256: str
    names: tuple[str, ...]
    numeric: frozenset[str]

    def predict(
        self, features: pd.DataFrame, *, threads: int, trees: int | None = None
    ) -> NDArray[np.float64]:
        """Float64 scores (n,) of features whose columns are in the model's order; else ModelError.

        `trees` leaves all trees but the first so many out.
        """
        if not len(features):
            return np.empty(0, dtype=np.float64)
        self._check_categories(features)
        try:
            found = self.booster.predict(features, num_iteration=trees, num_threads=threads)
        except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
            raise ModelError(
                f"the model refuses the features: {error}",
                where=str(self.path),
                found=", ".join(f"{c}:{features[c].dtype}" for c in features.columns[:6]),
                expected="the dtypes it was trained with (categories as pandas categoricals)",
            ) from error
        scores = np.asarray(found, dtype=np.float64)
        if scores.ndim != 1:
            raise ModelError(
                "only one score a request is supported", where=str(self.path), found=scores.shape
            )
        return scores

    def ask(
        self,
        matrix: NDArray[np.float64],
        *,
        raw: bool = False,
        first: int = 0,
        trees: int | None = None,
        stop: tuple[int, float] | None = None,
    ) -> NDArray[np.float64]:
        """Float64 scores (n,) of vectors (n, k) of numbers, categories as their codes, asked in another way.

        `raw` leaves the link out; `first` trees are skipped and then `trees` used; `stop` is LightGBM's
        pred_early_stop with its freq and margin.
        """
        if not len(matrix):
            return np.empty(0, dtype=np.float64)
        early: dict[str, Any] = {} if stop is None else dict(zip(_STOP, (True, *stop), strict=True))
        found = self.booster.predict(
            matrix,
            raw_score=raw,
            start_iteration=first,
            num_iteration=trees,
            num_threads=1,
            **early,
        )
        return np.asarray(found, dtype=np.float64)

    def used(self) -> tuple[str, ...]:
        """The features that some tree splits on, in the model's order."""
        splits = self.booster.feature_importance("split")
        return tuple(name for name, many in zip(self.names, splits.tolist(), strict=True) if many)

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return int(self.booster.current_iteration())

    def levels(self) -> list[list[object]]:
        """The levels of each categorical feature in the model's order; empty when the file names none."""
        return self.booster.pandas_categorical or []

    def _check_categories(self, features: pd.DataFrame) -> None:
        """The categorical columns are those the model was trained with.

        LightGBM matches them by number and order only, and a file without levels makes it take the codes of
        the batch at hand, without a word.
        """
        given = [str(c) for c in features.columns if isinstance(features[c].dtype, pd.CategoricalDtype)]
        known = self.levels()
        wrong = [name for name in given if name in self.numeric]
        if len(given) == len(known) and not wrong:
            return
        if given and not known:
            raise ModelError(
                "the model file does not name the levels of its categorical features",
                where=str(self.path),
                found=f"categorical columns {', '.join(given[:6])}",
                expected="a last line that starts with pandas_categorical",
                fix="Write it with Booster.save_model after training on a DataFrame, and copy it whole.",
            )
        raise ModelError(
            "the model was trained with other categorical features",
            where=str(self.path),
            found=f"{len(given)}: {', '.join(given[:6]) or 'none'}",
            expected=f"{len(known)}" + (f", and {wrong[0]!r} as numbers" if wrong else ""),
        )


def load_model(path: Path) -> ModelFile:
    """The model of a file; a missing, cut or foreign file is a ModelError."""
    raw = _read(path)
    if not raw.startswith(b"tree"):
        raise ModelError(
            "not a LightGBM text model", where=str(path), found=repr(raw[:20]), expected="a first line 'tree'"
        )
    _check_whole(raw, path)
    try:
        booster = lightgbm.Booster(model_str=raw.decode())
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise ModelError(f"LightGBM cannot load the model: {error}", where=str(path)) from error
    names = tuple(booster.feature_name())
    # "[0:4]" is a range of numbers, "1:0:2" a list of category codes, "none" a feature without use.
    numeric = (name for name, info in zip(names, _infos(raw), strict=False) if info.startswith("["))
    return ModelFile(path, booster, hashlib.sha256(raw).hexdigest(), names, frozenset(numeric))


def feature_names(path: Path) -> tuple[str, ...]:
    """The features of a model file in its order, without loading its trees; ModelError where it has none."""
    head, _, _ = _read(path).partition(b"\nTree=")
    line = re.search(rb"^feature_names=(.+)$", head, re.MULTILINE)
    if line is None:
        raise ModelError("not a LightGBM text model", where=str(path), expected="a line feature_names=")
    return tuple(line.group(1).decode(errors="replace").split())


def text_features(path: Path) -> tuple[str, ...]:
    """The categorical features of a model file whose levels are all texts, in its order; raises ModelError.

    A file does not say which feature a list of levels is of where some feature without a split may be
    categorical or not; then a feature is one of texts where it is under every reading.
    """
    raw = _read(path)
    infos, levels = _infos(raw), _levels(raw, path)
    kinds = zip(feature_names(path), infos, strict=False)
    maybe = [(name, info != "none") for name, info in kinds if not info.startswith("[")]
    texts = [bool(one) and all(isinstance(level, str) for level in one) for one in levels]
    found = [texts[_lists(maybe, at, of=len(texts))] or texts for at in range(len(maybe))]
    return tuple(
        name
        for (name, sure), of_texts in zip(maybe, found, strict=True)
        if (sure or len(maybe) == len(texts)) and of_texts and all(of_texts)
    )


def categorical_features(path: Path) -> tuple[str, ...]:
    """The features of a model file that are surely categorical, in its order; raises ModelError."""
    texts, infos = text_features(path), _infos(_read(path))
    kinds = zip(feature_names(path), infos, strict=False)
    return tuple(name for name, info in kinds if name in texts or not info.startswith(("[", "none")))


def _lists(maybe: list[tuple[str, bool]], at: int, *, of: int) -> slice:
    """Which of so many lists of levels may be of a feature; `maybe` says which surely have one."""
    before, after = [sure for _, sure in maybe[:at]], [sure for _, sure in maybe[at + 1 :]]
    return slice(max(sum(before), of - 1 - len(after)), min(len(before), of - 1 - sum(after)) + 1)


def _levels(raw: bytes, path: Path) -> list[list[object]]:
    """The lists of levels in the last line; none where the file names none."""
    last = raw[raw.rfind(b"\npandas_categorical:") + 1 :].partition(b"\n")[0]
    name, _, said = last.partition(b":")
    try:
        return msgspec.convert(json.loads(said or b"null"), list[list[object]] | None) or []
    except (ValueError, RecursionError) as error:
        raise ModelError(
            "the levels of the categorical features cannot be read",
            where=str(path),
            found=str(error)[:80],
            expected=f"a list of lists after {name.decode()}:",
            fix="Copy the file again.",
        ) from None


def _read(path: Path) -> bytes:
    if not path.is_file():
        others = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        near = get_close_matches(path.name, others, n=1)
        raise ModelError(
            "no such model file", where=str(path), fix=f"Did you mean {near[0]!r}?" if near else ""
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError("the model file cannot be read", where=str(path), found=error.strerror) from error


def _check_whole(raw: bytes, path: Path) -> None:
    """A model file whose trees are all there, each with what LightGBM needs to read it."""
    trees, end = raw.find(b"\nTree="), raw.find(b"\nend of trees")
    sizes = re.search(rb"^tree_sizes=([\d ]*)$", raw, re.MULTILINE)
    declared = [int(size) for size in sizes.group(1).split()] if sizes else []
    there = max(0, end - trees) if trees >= 0 else 0
    found = f"{len(raw):,} bytes, {there:,} of {sum(declared):,} bytes of trees"
    if 0 < there == sum(declared) and b"\nend of parameters" in raw[end:]:
        broken = _broken_tree(raw[trees + 1 : end + 1], declared)
        if broken is None:
            return
        found = f"tree {broken} of {len(declared):,} that cannot be read"
    raise ModelError(
        "the model file is cut short or damaged",
        where=str(path),
        found=found,
        expected="a whole file of Booster.save_model",
        fix="Copy the file again.",
    )


def _broken_tree(section: bytes, sizes: list[int]) -> int | None:
    """The first tree that is not one."""
    start = 0
    for number, size in enumerate(sizes):
        if not _readable(section[start : start + size], number):
            return number
        start += size
    return None


def _readable(block: bytes, number: int) -> bool:
    """A tree with its number, numbers only, and as many leaves and splits as it says."""
    if _TREE.fullmatch(block) is None:
        return False
    cells = {key: values.split() for key, _, values in (line.partition(b"=") for line in block.splitlines())}
    leaves = cells.get(b"num_leaves", [])
    if cells[b"Tree"] != [b"%d" % number] or len(leaves) != 1 or b"num_cat" not in cells:
        return False
    count = int(leaves[0])
    splits = all(len(cells.get(key, ())) == count - 1 for key in _SPLITS) if count > 1 else True
    return splits and len(cells.get(b"leaf_value", ())) == count


def _infos(raw: bytes) -> list[str]:
    line = re.search(rb"^feature_infos=(.*)$", raw, re.MULTILINE)
    return line.group(1).decode(errors="replace").split() if line else []
