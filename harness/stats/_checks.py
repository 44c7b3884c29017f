"""What every function of this room demands of its input; a failure is a ValueError that names the value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NUMERIC_KINDS = "biuf"


def finite_vector(values: npt.ArrayLike, name: str) -> Floats:
    """Return `values` as a one-dimensional float64 array of finite numbers, or raise ValueError."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name}: found an array of shape {array.shape}, expected one dimension")
    if array.dtype.kind not in _NUMERIC_KINDS:
        raise ValueError(f"{name}: found dtype {array.dtype}, expected numbers")
    vector = array.astype(np.float64, copy=False)
    bad = np.flatnonzero(~np.isfinite(vector))
    if bad.size:
        raise ValueError(
            f"{name}: found {bad.size} NaN or infinite of {vector.size} values "
            f"(first at position {bad[0]}), expected finite numbers"
        )
    return vector


def weight_vector(weights: npt.ArrayLike, name: str) -> Floats:
    """Return `weights` as a float64 vector of finite numbers >= 0, or raise ValueError."""
    vector = finite_vector(weights, name)
    if vector.size and vector.min() < 0:
        raise ValueError(f"{name}: found {vector.min():g}, expected numbers >= 0")
    return vector


def check_share(value: float, name: str, *, below: float = 1.0) -> None:
    """Raise ValueError unless 0 < `value` < `below`."""
    if not 0.0 < value < below:
        raise ValueError(f"{name}: found {value!r}, expected a number above 0 and below {below:g}")


def check_at_least(value: float, name: str, *, least: float) -> None:
    """Raise ValueError unless `value` is finite and at least `least`."""
    if not (math.isfinite(value) and value >= least):
        raise ValueError(f"{name}: found {value!r}, expected a finite number of at least {least:g}")


def check_counts(successes: int, trials: int, *, names: Sequence[str]) -> None:
    """Raise ValueError unless 0 <= `successes` <= `trials`; `names` are the two words used in the message."""
    if trials < 0:
        raise ValueError(f"{names[1]}: found {trials!r}, expected a count of at least 0")
    if not 0 <= successes <= trials:
        raise ValueError(f"{names[0]}: found {successes!r} of {trials!r}, expected between 0 and {trials}")


def check_names(record: type, state: Mapping[str, object]) -> None:
    """Raise ValueError unless `state` has exactly the field names of the dataclass `record`."""
    expected = {field.name for field in fields(record)}
    if set(state) != expected:
        raise ValueError(f"state: found the names {sorted(state)}, expected {sorted(expected)}")


def check_same_tuning(mine: object, other: object) -> None:
    """Raise ValueError unless two processes have the same tuning: otherwise they are different tests."""
    if mine != other:
        raise ValueError(f"tuning: found {other}, expected {mine}; other tuning is another test")
