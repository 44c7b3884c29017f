"""What each bug does to the features an endpoint has computed. Pure functions; None is a missing value."""

import math
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from scenarios.bugs.context import At
from scenarios.request import Features, Value

Change = Callable[[Features, At], Features]

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "log1p": math.log1p,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "exp": math.exp,
    "expm1": math.expm1,
    "exp2": math.exp2,
    "sqrt": math.sqrt,
    "square": lambda x: x * x,
    "cube": lambda x: x * x * x,
    "sigmoid": lambda x: (1 + math.tanh(x / 2)) / 2,
    "logit": lambda x: math.log(x) - math.log1p(-x),
    "reciprocal": lambda x: 1 / x,
}


def numbers(change: Callable[[float, At], Value]) -> Change:
    """A change of each named feature that is a number; missing values and texts stay."""
    return _each(lambda value, at: change(value, at) if isinstance(value, float) else value)


def texts(change: Callable[[str, At], Value]) -> Change:
    """A change of each named feature that is a text; missing values stay."""
    return _each(lambda value, at: change(value, at) if isinstance(value, str) else value)


def everything(change: Callable[[At], Value]) -> Change:
    """A new value for each named feature, whatever it was."""
    return _each(lambda _value, at: change(at))


def _each(change: Callable[[Value, At], Value]) -> Change:
    def changed(features: Features, at: At) -> Features:
        return features | {name: change(features[name], at.on(name)) for name in at.names if name in features}

    return changed


def scaled(value: float, at: At) -> Value:
    """1. Another unit: value * factor."""
    return value * float(at.options["factor"])


def affine(value: float, at: At) -> Value:
    """3. Another scale: value * slope + intercept."""
    return value * float(at.options["slope"]) + float(at.options["intercept"])


def standardised(value: float, at: At) -> Value:
    """3. Standardised although the model takes raw values: (value - mean) / sd, a constant by sd 1."""
    return (value - at.typical("mean")) / (at.typical("sd") or 1.0)


def transformed(value: float, at: At) -> Value:
    """5. One function too many; outside its domain NaN, beyond the largest double infinity."""
    try:
        return float(FUNCTIONS[at.options["function"]](value))
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        return math.nan


def daylight(value: float, at: At) -> Value:
    """8. Clock time without summer time: an hour late where and when there is one; no date, no change."""
    try:
        saved = datetime.fromtimestamp(value, UTC).astimezone(ZoneInfo(at.options["zone"])).dst()
    except (OverflowError, ValueError):
        return value
    return value + (saved or timedelta()).total_seconds()


def float16(value: float, _at: At) -> Value:
    """9. Through half precision; 2049 becomes 2048."""
    with np.errstate(over="ignore"):
        return float(np.float16(value))


def float32(value: float, _at: At) -> Value:
    """9. Through single precision."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def bfloat16(value: float, _at: At) -> Value:
    """9. Through bfloat16, ties to even; 257 becomes 256."""
    with np.errstate(over="ignore"):
        bits = int(np.float32(value).view(np.uint32))
    kept = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return float(np.uint32(kept).view(np.float32))


def rounded(value: float, at: At) -> Value:
    """10. Rounded to so many decimals, half to even."""
    return round(value, int(at.options["decimals"]))


def truncated(value: float, at: At) -> Value:
    """10. Cut after so many decimals, towards zero."""
    unit = 10.0 ** int(at.options["decimals"])
    return math.trunc(value * unit) / unit if math.isfinite(value) else value


def clipped(value: float, at: At) -> Value:
    """11. At most `high` (the median unless given) and at least `low`."""
    return max(float(at.options["low"]), min(at.typical("median", "high"), value))


def wrapped(value: float, at: At) -> Value:
    """12. Into a signed integer of so many bits, the rest lost; 130 in 8 bits is -126."""
    if not math.isfinite(value):
        return value
    span = 1 << int(at.options["bits"])
    return float((int(value) + span // 2) % span - span // 2)


def lost_zero(value: float, _at: At) -> Value:
    """16. Zero taken for missing."""
    return None if value == 0 else value


def filled(features: Features, at: At) -> Features:
    """16. Missing taken for a value."""
    missing = [name for name in at.names if name in features and features[name] is None]
    return features | dict.fromkeys(missing, float(at.options["value"]))


def dropped(features: Features, at: At) -> Features:
    """16. The feature is not in the answer at all."""
    return {name: value for name, value in features.items() if name not in at.names}


def stale(at: At) -> Value:
    """17. As of some days before the event."""
    then = at.asked.event_time - timedelta(days=at.options["days"])
    return at.asked.history.recall(at.feature, at.asked.request, as_of=then)


def snapshot(at: At) -> Value:
    """18. As of one fixed moment, whenever the event was."""
    return at.asked.history.recall(at.feature, at.asked.request, as_of=at.options["at"])


def window(at: At) -> Value:
    """20. Over another window than the model was trained on."""
    asked = at.asked
    length = float(at.options["length"])
    return asked.history.recall(at.feature, asked.request, as_of=asked.event_time, window=length)


def wrong_key(at: At) -> Value:
    """22. Of another owner: looked up by another field of the request."""
    asked = at.asked
    return asked.history.recall(at.feature, asked.request, as_of=asked.event_time, key=at.options["key"])


def permuted(features: Features, at: At) -> Features:
    """23, 24. Each feature holds the value of the next one, the last that of the first."""
    moved = (*at.names[1:], at.names[0])
    return features | {name: features.get(other) for name, other in zip(at.names, moved, strict=True)}


def normed(features: Features, at: At) -> Features:
    """24. The features as a vector of length 1; one of length 0, or with a hole, stays."""
    values = [value for name in at.names if isinstance(value := features.get(name), float)]
    length = math.hypot(*values)
    if len(values) < len(at.names) or not length:
        return features
    return features | {name: value / length for name, value in zip(at.names, values, strict=True)}


def wide(value: str, _at: At) -> Value:
    """25. Another Unicode form of the same text: full-width letters, which NFKC maps back."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)


def decomposed(value: str, _at: At) -> Value:
    """25. Letters and accents apart (NFD)."""
    return unicodedata.normalize("NFD", value)


def recoded(value: str, at: At) -> Value:
    """27. Another code map: each level is served as the one after it, the last as the first."""
    levels = list(at.asked.levels[at.feature])
    return levels[(levels.index(value) + 1) % len(levels)] if value in levels else value


def decimal_mark(value: float, at: At) -> Value:
    """30. The decimal point read as a thousands mark: 75.50 becomes 7550."""
    return float(f"{value:.{int(at.options['decimals'])}f}".replace(".", ""))


def scaled_by(value: float, at: At) -> Value:
    """31. A unit that depends on a field of the request, such as a currency."""
    level = str(at.asked.request.get(at.options["field"]))
    return value * float(at.options["factors"].get(level, 1.0))


def other_model(features: Features, at: At) -> Features:
    """33. The score of another model of the same folder, under this one's name."""
    return features | {"score": at.asked.score_by(at.options["model"], features)}


def uncalibrated(value: float, at: At) -> Value:
    """33. Without its calibration layer: the log odds times slope, plus intercept; 0 and 1 stay."""
    if not 0 < value < 1:
        return value
    odds = math.log(value) - math.log1p(-value)
    return 1 / (1 + math.exp(-(odds * float(at.options["slope"]) + float(at.options["intercept"]))))


def retried(value: float, at: At) -> Value:
    """35. The second and later answers to one request differ from the first."""
    return value + float(at.options["by"]) if at.asked.attempt > 1 else value


def raced(features: Features, at: At) -> Features:
    """36. The value of whichever request was served just before: not the same twice."""
    return features | {name: at.asked.previous.get(name, features.get(name)) for name in at.names}


def approximate(value: float, at: At) -> Value:
    """37. Off by a relative error of this standard deviation, as a sketch counts."""
    return value * (1 + float(at.options["relative_sd"]) * _normal(at))


def noisy(value: float, at: At) -> Value:
    """39. Off by a random amount of this standard deviation, a tenth of the feature's own unless given."""
    sd = at.options["sd"]
    return value + (at.typical("sd") / 10 if sd is None else float(sd)) * _normal(at)


def _normal(at: At) -> float:
    """A standard normal number, the same each time for a feature and a request (Box and Muller 1958)."""
    radius = math.sqrt(-2 * math.log1p(-at.asked.draw(f"{at.feature} r")))
    return radius * math.cos(2 * math.pi * at.asked.draw(f"{at.feature} a"))
