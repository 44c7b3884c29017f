"""The team's own feature pipeline: found, called on a copy, and held to its contract.

`build(requests: DataFrame, data: Path) -> DataFrame`: features on the index of the requests, a column for
each feature of the model.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import importlib.util
import sys
import traceback
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import PipelineError
from replayers.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

# A pipeline is foreign code: it may raise anything, and `sys.exit` in it must not become our exit code.
_ANYTHING = (Exception, SystemExit)


@dataclass(frozen=True)
class Pipeline:
    """A function named `module:function`, looked for beside the scenario first; `data` is handed to it."""

    spec: str
    build: Callable[[pd.DataFrame, Path], pd.DataFrame]
    data: Path
    home: _Home | None = None

    @property
    def source(self) -> tuple[str, Path]:
        """The function and its data: two models with the same source have the same features."""
        return self.spec, self.data.resolve()

    def features(self, requests: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
        """The features `names` of these requests, checked; PipelineError says what the pipeline got wrong."""
        return check_features(self.built(requests), names, index=requests.index, where=self.spec)

    def built(self, requests: pd.DataFrame) -> object:
        """What the pipeline returns for these requests, unchecked; PipelineError if it raises instead."""
        if not self.data.is_dir():
            raise PipelineError(
                "the data folder of the pipeline is missing", where=str(self.data), expected="a folder"
            )
        try:
            with self.home.open() if self.home else nullcontext():
                return self.build(_own(requests), self.data)
        except _ANYTHING as error:
            raise PipelineError(
                f"the feature pipeline raised {type(error).__name__}: {error}",
                where=_raised_at(error, self.spec, folder=self._folder()),
                found=f"{len(requests)} requests",
                fix="Run it on a few rows, or see the traceback with --debug.",
            ) from error

    def digest(self) -> str:
        """The identity of the code imported from beside the scenario, and of the data; sha256, hex."""
        modules = [sys.modules.get(self.build.__module__)]
        modules += self.home.modules.values() if self.home else []
        files = [Path(file) for module in modules if (file := getattr(module, "__file__", None))]
        return fingerprint(files, self.data, home=self.home.folder if self.home else Path())

    def _folder(self) -> Path | None:
        """The folder of the pipeline's module."""
        file = getattr(sys.modules.get(self.build.__module__), "__file__", None)
        return Path(file).parent if file else None


class Alone:
    """Requests built one at a time: each once, for however many models that have the pipeline."""

    def __init__(self, pipeline: Pipeline, request: Callable[[int], pd.DataFrame]) -> None:
        """`request` gives the request at a place as a frame of its own, with its own columns and dtypes."""
        self.pipeline = pipeline
        self._request = request
        self._built: dict[int, tuple[object, pd.Index]] = {}

    def features(self, place: int, names: Sequence[str]) -> pd.DataFrame:
        """The checked features `names` of the request at this place, in a frame of one row."""
        if place not in self._built:
            row = self._request(place)
            self._built[place] = self.pipeline.built(row), row.index
        built, index = self._built[place]
        return check_features(built, names, index=index, where=self.pipeline.spec)


def load_pipeline(spec: str, folder: Path, *, data: Path) -> Pipeline:
    """The pipeline `module:function`; PipelineError when it cannot be imported or is not there."""
    module_name, _, function = spec.partition(":")
    try:
        module, home = _import(module_name, folder)
    except _ANYTHING as error:
        raise PipelineError(
            f"the pipeline module cannot be imported: {type(error).__name__}: {error}",
            where=spec,
            expected=f"{module_name.replace('.', '/')}.py beside the scenario, or an installed module",
        ) from error
    build = getattr(module, function, None)
    if not callable(build):
        names = [name for name in dir(module) if not name.startswith("_")]
        raise PipelineError(
            f"no function {function!r} in the pipeline module",
            where=spec,
            fix=_did_you_mean(function, names),
        )
    return Pipeline(spec, build, data, home)


def check_features(built: object, names: Sequence[str], *, index: pd.Index, where: str) -> pd.DataFrame:
    """The pipeline's frame with exactly the model's columns in the model's order, or PipelineError.

    LightGBM matches columns by position and would score a reordered frame without a word.
    """
    if not isinstance(built, pd.DataFrame):
        raise PipelineError("the pipeline must return a DataFrame", where=where, found=type(built).__name__)
    if not built.index.equals(index):
        raise PipelineError(
            "the pipeline must return the index it was given, in the same order",
            where=where,
            found=f"{len(built)} rows, first {list(built.index[:3])}",
            expected=f"{len(index)} rows, first {list(index[:3])}",
            fix="Do not drop, sort or reset rows.",
        )
    given = [str(name) for name in built.columns]
    _check_names(given, names, where=where)
    chosen = built.iloc[:, [given.index(name) for name in names]].set_axis(list(names), axis=1)
    for name in names:
        _check_dtype(name, chosen[name].dtype, where=where)
    return chosen


def _check_names(given: list[str], names: Sequence[str], *, where: str) -> None:
    missing = [name for name in names if name not in given]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise PipelineError(
            f"the model needs column {missing[0]!r}{more}, which the pipeline does not give",
            where=where,
            found=", ".join(given[:8]) or "no columns",
            fix=_did_you_mean(missing[0], given),
        )
    twice = [name for name in names if given.count(name) > 1]
    if twice:
        raise PipelineError(
            f"the pipeline gives column {twice[0]!r} more than once", where=where, expected="distinct names"
        )


def _check_dtype(name: str, dtype: Any, *, where: str) -> None:  # noqa: ANN401  -- pandas has no common type of dtypes
    numeric = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
    if numeric or isinstance(dtype, pd.CategoricalDtype):
        return
    raise PipelineError(
        f"column {name!r} cannot be scored",
        where=where,
        found=f"dtype {dtype}",
        expected="numbers, booleans or a pandas categorical",
        fix="Convert it with .astype(float) or pandas.Categorical(values, categories=levels).",
    )


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def _own(requests: pd.DataFrame) -> pd.DataFrame:
    """A copy, down to nested bodies: what a pipeline does to its input must not reach the next call."""
    given = requests.copy()
    for name in given.columns[given.dtypes == np.dtype(object)]:
        cells = [copy.deepcopy(cell) for cell in given[name]]
        given[name] = pd.Series(cells, index=given.index, dtype=object)
    return given


@dataclass(frozen=True)
class _Home:
    """A scenario's folder, and the modules that its pipeline imported from there."""

    folder: Path
    modules: dict[str, ModuleType] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Inside, modules beside the scenario are found first; outside, they are nobody's.

        So two scenarios may both have a `tables.py`, and a scenario's `queue.py` is not everybody's.
        """
        place, before = str(self.folder), dict(sys.modules)
        sys.path.insert(0, place)
        sys.modules.update(self.modules)
        try:
            yield
        finally:
            sys.path.remove(place)
            fresh = ((name, module) for name, module in sys.modules.items() if before.get(name) is not module)
            mine = {name: module for name, module in fresh if self._owns(name, module)}
            self.modules.update(mine)
            for name in mine:
                del sys.modules[name]
            sys.modules.update({name: module for name, module in before.items() if name in mine})

    def _owns(self, name: str, module: ModuleType) -> bool:
        top, file = name.partition(".")[0], getattr(module, "__file__", None)
        places = (self.folder / f"{top}.py", self.folder / top)
        return file is not None and any(Path(file).is_relative_to(place) for place in places)


def _import(name: str, folder: Path) -> tuple[ModuleType, _Home | None]:
    """A module beside the scenario with its home, or an installed one."""
    path = folder.resolve() / (name.replace(".", "/") + ".py")
    if not path.is_file():
        return importlib.import_module(name), None
    return _beside(path, folder.resolve(), content=path.read_bytes())


@cache
def _beside(path: Path, folder: Path, *, content: bytes) -> tuple[ModuleType, _Home]:
    """A module by a name of its own, made of its place and content: a changed file is another module."""
    private = f"_pipeline_{hashlib.sha256(str(path).encode() + content).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(private, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    module, home = importlib.util.module_from_spec(spec), _Home(folder)
    sys.modules[private] = module
    try:
        with home.open():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[private]
        raise
    return module, home


def _raised_at(error: BaseException, spec: str, *, folder: Path | None) -> str:
    """The line that raised, in the pipeline's own folder if it took part: pandas' insides help nobody."""
    frames = [(Path(f.filename), f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    own = [frame for frame in frames if frame[0].parent == folder]
    if not frames:
        return spec
    file, line = (own or frames)[-1]
    return f"{spec} ({file.name}:{line})"
