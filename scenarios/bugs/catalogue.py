"""The catalogue: each class of serving bug under a name, with its options and the features that can have it.

An option's default says its type; a type alone is an option that must be given, a tuple its words.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scenarios.bugs import changes as do
from scenarios.bugs.context import At
from scenarios.request import Value

NUMBER, TEXT, HISTORY, SCORE = ("number",), ("category",), ("history",), ("score",)
NUMBER_OR_SCORE = (*NUMBER, *SCORE)
ANY = (*NUMBER, *TEXT)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of bug: its class, and the kinds of features it can hit; none is the whole request."""

    number: int
    does: str
    change: do.Change | None = None
    kinds: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    least: int = 1


def _constant(value: Value) -> do.Change:
    return do.everything(lambda _at: value)


def _given(at: At) -> Value:
    return float(at.options["value"])


def _weekday(value: float, at: At) -> Value:
    return (value + float(at.options["by"])) % 7


def _hour(value: float, at: At) -> Value:
    return (value + float(at.options["by"])) % 24


CATALOGUE: dict[str, Entry] = {
    "scale": Entry(
        number=1,
        does="another unit: the value times factor",
        change=do.numbers(do.scaled),
        kinds=NUMBER,
        options={"factor": 100.0},
    ),
    "epoch_ms": Entry(
        number=2,
        does="milliseconds for seconds (factor=1e6: microseconds)",
        change=do.numbers(do.scaled),
        kinds=("epoch",),
        options={"factor": 1000.0},
    ),
    "affine": Entry(
        number=3,
        does="another scale: Fahrenheit for Celsius",
        change=do.numbers(do.affine),
        kinds=NUMBER_OR_SCORE,
        options={"slope": 1.8, "intercept": 32.0},
    ),
    "standardised": Entry(
        number=3,
        does="minus the mean, divided by the standard deviation",
        change=do.numbers(do.standardised),
        kinds=NUMBER,
    ),
    "sign": Entry(
        number=4, does="the sign flipped", change=do.numbers(lambda value, _at: -value), kinds=NUMBER
    ),
    "transform": Entry(
        number=5,
        does="a function too many (function=log1p, sqrt, square, ...)",
        change=do.numbers(do.transformed),
        kinds=NUMBER,
        options={"function": tuple(do.FUNCTIONS)},
    ),
    "time_zone": Entry(
        number=6,
        does="a time read in another zone: so many hours later",
        change=do.numbers(lambda value, at: value + 3600 * float(at.options["hours"])),
        kinds=("epoch",),
        options={"hours": 2.0},
    ),
    "hour_shift": Entry(
        number=7,
        does="the hour of another zone, modulo 24",
        change=do.numbers(_hour),
        kinds=("hour",),
        options={"by": -1.0},
    ),
    "weekday_shift": Entry(
        number=7,
        does="the week starts on another day: modulo 7",
        change=do.numbers(_weekday),
        kinds=("weekday",),
        options={"by": 1.0},
    ),
    "daylight_saving": Entry(
        number=8,
        does="summer time ignored: an hour off, in summer only",
        change=do.numbers(do.daylight),
        kinds=("epoch",),
        options={"zone": "Europe/Lisbon"},
    ),
    "float32": Entry(
        number=9, does="through single precision", change=do.numbers(do.float32), kinds=NUMBER_OR_SCORE
    ),
    "float16": Entry(
        number=9, does="through half precision", change=do.numbers(do.float16), kinds=NUMBER_OR_SCORE
    ),
    "bfloat16": Entry(
        number=9, does="through bfloat16", change=do.numbers(do.bfloat16), kinds=NUMBER_OR_SCORE
    ),
    "rounding": Entry(
        number=10,
        does="rounded to so many decimals",
        change=do.numbers(do.rounded),
        kinds=NUMBER_OR_SCORE,
        options={"decimals": 0.0},
    ),
    "truncation": Entry(
        number=10,
        does="cut after so many decimals",
        change=do.numbers(do.truncated),
        kinds=NUMBER_OR_SCORE,
        options={"decimals": 0.0},
    ),
    "ceil": Entry(
        number=10,
        does="rounded up",
        change=do.numbers(lambda value, _at: float(math.ceil(value)) if math.isfinite(value) else value),
        kinds=NUMBER,
    ),
    "clip": Entry(
        number=11,
        does="at most high (the median unless given), at least low",
        change=do.numbers(do.clipped),
        kinds=NUMBER,
        options={"high": None, "low": -math.inf},
    ),
    "wrap": Entry(
        number=12,
        does="overflow of a signed integer of so many bits",
        change=do.numbers(do.wrapped),
        kinds=NUMBER,
        options={"bits": 8.0},
    ),
    "default_fill": Entry(
        number=13,
        does="a default for every value",
        change=do.everything(_given),
        kinds=NUMBER_OR_SCORE,
        options={"value": -1.0},
    ),
    "mean_fill": Entry(
        number=14,
        does="the mean for every value",
        change=do.everything(lambda at: at.typical("mean", "value")),
        kinds=NUMBER,
        options={"value": None},
    ),
    "median_fill": Entry(
        number=14,
        does="the median for every value",
        change=do.everything(lambda at: at.typical("median", "value")),
        kinds=NUMBER,
        options={"value": None},
    ),
    "timeout_fill": Entry(
        number=15,
        does="the feature store timed out: a default, and ms later",
        change=do.everything(_given),
        kinds=NUMBER,
        options={"value": 0.0, "ms": 60.0, "mode": ("wait", "block")},
    ),
    "fill": Entry(
        number=16,
        does="missing taken for a value",
        change=do.filled,
        kinds=NUMBER,
        options={"value": 0.0},
    ),
    "lost_zero": Entry(
        number=16, does="zero taken for missing", change=do.numbers(do.lost_zero), kinds=NUMBER
    ),
    "null": Entry(number=16, does="null for every value", change=_constant(None), kinds=ANY),
    "nan": Entry(number=16, does="NaN for every value", change=_constant(math.nan), kinds=NUMBER),
    "missing": Entry(
        number=16, does="left out of the answer, and unknown to the model", change=do.dropped, kinds=ANY
    ),
    "stale": Entry(
        number=17,
        does="history as of so many days before the event",
        change=do.everything(do.stale),
        kinds=HISTORY,
        options={"days": 7.0},
    ),
    "history_stale": Entry(
        number=17, does="every history feature so many hours behind", options={"hours": 1.0}
    ),
    "snapshot": Entry(
        number=18,
        does="history as of one fixed moment (at=2017-01-01T00:00Z)",
        change=do.everything(do.snapshot),
        kinds=HISTORY,
        options={"at": datetime},
    ),
    "off_by_one": Entry(
        number=19,
        does="one event too few or too many",
        change=do.numbers(lambda value, at: value + float(at.options["by"])),
        kinds=NUMBER,
        options={"by": -1.0},
    ),
    "window": Entry(
        number=20,
        does="history over another window",
        change=do.everything(do.window),
        kinds=HISTORY,
        options={"length": 7.0},
    ),
    "wrong_key": Entry(
        number=22,
        does="history looked up by another field of the request",
        change=do.everything(do.wrong_key),
        kinds=HISTORY,
        options={"key": str},
    ),
    "swapped": Entry(number=23, does="two features exchanged", change=do.permuted, kinds=ANY, least=2),
    "vector_order": Entry(
        number=24,
        does="three features or more, each in its neighbour's place",
        change=do.permuted,
        kinds=NUMBER,
        least=3,
    ),
    "norm": Entry(
        number=24,
        does="two features or more scaled to a vector of length 1",
        change=do.normed,
        kinds=NUMBER,
        least=2,
    ),
    "case": Entry(
        number=25, does="upper case", change=do.texts(lambda value, _at: value.upper()), kinds=TEXT
    ),
    "spaces": Entry(
        number=25, does="a space at the end", change=do.texts(lambda value, _at: value + " "), kinds=TEXT
    ),
    "unicode": Entry(
        number=25, does="full-width letters, which NFKC maps back", change=do.texts(do.wide), kinds=TEXT
    ),
    "text_cut": Entry(
        number=26,
        does="cut to so many characters",
        change=do.texts(lambda value, at: value[: int(at.options["length"])]),
        kinds=TEXT,
        options={"length": 4.0},
    ),
    "recoded": Entry(
        number=27, does="each level served as the next one", change=do.texts(do.recoded), kinds=TEXT
    ),
    "unknown_bucket": Entry(
        number=28,
        does="one bucket for all levels",
        change=do.texts(lambda _value, at: str(at.options["value"])),
        kinds=TEXT,
        options={"value": "other"},
    ),
    "number_text": Entry(
        number=29,
        does='a number as another text: "9.0" for "9"',
        change=do.texts(lambda value, _at: f"{value}.0"),
        kinds=("numeral",),
    ),
    "decimal_mark": Entry(
        number=30,
        does="the decimal point lost: 75.50 becomes 7550",
        change=do.numbers(do.decimal_mark),
        kinds=NUMBER,
        options={"decimals": 2.0},
    ),
    "scale_by": Entry(
        number=31,
        does="a unit that depends on a field (field=hotel,factors=City Hotel:1.13/Resort Hotel:0.85)",
        change=do.numbers(do.scaled_by),
        kinds=NUMBER,
        options={"field": str, "factors": dict},
    ),
    "wrong_model": Entry(
        number=33,
        does="scores of another model of the folder, under this one's name",
        change=do.other_model,
        kinds=SCORE,
        options={"model": "candidate"},
    ),
    "uncalibrated": Entry(
        number=33,
        does="scores without their calibration: another slope of the log odds",
        change=do.numbers(do.uncalibrated),
        kinds=SCORE,
        options={"slope": 0.7, "intercept": 0.0},
    ),
    "score_clip": Entry(
        number=34,
        does="scores kept between low and high",
        change=do.numbers(do.clipped),
        kinds=SCORE,
        options={"high": 0.7, "low": 0.1},
    ),
    "fallback_score": Entry(
        number=34,
        does="a fallback instead of the model",
        change=do.everything(_given),
        kinds=SCORE,
        options={"value": 0.5},
    ),
    "retry": Entry(
        number=35,
        does="another value on the second answer to the same request",
        change=do.numbers(do.retried),
        kinds=NUMBER,
        options={"by": 1.0},
    ),
    "race": Entry(
        number=36,
        does="the value of the request served before: not the same twice",
        change=do.raced,
        kinds=ANY,
    ),
    "approximate": Entry(
        number=37,
        does="a sketch's relative error",
        change=do.numbers(do.approximate),
        kinds=NUMBER,
        options={"relative_sd": 0.02},
    ),
    "noise": Entry(
        number=39,
        does="a random amount more or less (a tenth of the spread unless sd is given)",
        change=do.numbers(do.noisy),
        kinds=NUMBER,
        options={"sd": None},
    ),
    "event_time_early": Entry(
        number=6, does="event_time read so many hours early, by every feature", options={"hours": 1.0}
    ),
    "slow": Entry(
        number=15,
        does="so many ms of work, in the event loop (block) or beside it (wait)",
        options={"ms": 25.0, "mode": ("wait", "block")},
    ),
}
