"""How the steps, metrics and numbers of a diagnosis are written: once for its reader, once for engineers.

A change is after minus before, as a reader expects it; the record keeps before minus after, which adds up
to the gap.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.diagnosis.terms import ANOTHER_MODEL, LEAK, METRICS, STEPS
from harness.report import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.records import Cell, GapPart, MetricGap, Number, TableColumn

_PLACES = 3
_LARGE = 100.0
CHANCE = "may be chance"
#: status and shape, so that colour never speaks alone
SHAPES = {
    "found": "■",
    "not found": "○",
    "not checked": "?",
    "kept": "●",
    "broken": "■",
    "unknown": "?",
}
SIGNS = {"worse": " ▾", "better": " ▴"}
_MEANING = {
    "roc_auc": "how often a case that should be flagged scores above one that should not; 0.5 is chance",
    "pr_auc": "precision, averaged over all cut-offs",
    "log_loss": "how far the probabilities are from the outcomes",
    "brier": "how far the probabilities are from the outcomes, squared",
    "precision": "of the cases flagged, the share that is right",
    "recall": "of the cases that should be flagged, the share that is",
    "f1": "precision and recall in one number",
    "predicted_positive_rate": "the share of cases that is flagged (predicted positive rate)",
}


def metric(name: str) -> str:
    """The metric as it is written: "roc_auc" is "ROC-AUC"; a name of its own stands as it is."""
    return METRICS.get(name) or words.printable(name)


def meaning(name: str) -> str:
    """What the metric says, in plain words; nothing for one that is not known here."""
    return _MEANING.get(name, "")


def step(key: str) -> str:
    """The step in the field's terms: "served_features" is "served features"."""
    return words.printable(STEPS[key].term if key in STEPS else key)


def steps(keys: Iterable[str]) -> list[str]:
    """Several steps in the field's terms."""
    return [step(key) for key in keys]


def plain_step(key: str) -> str:
    """The step as one says it to somebody else: "leak: fee" is "answer given away by fee"."""
    if key.startswith(LEAK):
        column = key.removeprefix(LEAK)
        return column if column == ANOTHER_MODEL else words.printable(f"answer given away by {column}")
    return words.printable(STEPS[key].plain if key in STEPS else key)


def level(value: float | None) -> str:
    """A metric to three places: .9342 is "0.934"."""
    return words.number(value) if value is None or _other_scale(value) else f"{value:.{_PLACES}f}"


def signed(value: float | None) -> str:
    """A change with its sign, to three places: "−0.081"; what rounds to nothing has no sign, 0 is "0"."""
    if value is None:
        return words.NONE
    if not value:
        return "0"
    text = words.number(abs(value)) if _other_scale(value) else f"{abs(value):.{_PLACES}f}"
    sign = ("−" if value < 0 else "+") if text.strip("0.") else ""
    return f"{sign}{text}"


def change(number: Number | None) -> float | None:
    """After minus before, from before minus after."""
    return None if number is None else -number.value


def change_bounds(number: Number, *, together: bool = False) -> tuple[float, float] | None:
    """The interval of the change, alone or with all steps at once, where there is one."""
    low, high = (number.lower_all, number.upper_all) if together else (number.lower, number.upper)
    return None if low is None or high is None or not math.isfinite(low + high) else (-high, -low)


def between(bounds: tuple[float, float] | None) -> str:
    """Both bounds: "−0.084 to −0.076", or a dash."""
    return words.NONE if bounds is None else f"{signed(bounds[0])} to {signed(bounds[1])}"


def gain(number: Number | None) -> str:
    """A difference with its interval: "+0.081 (+0.074 to +0.088)"."""
    if number is None:
        return words.NONE
    value, low, high = signed(number.value), number.lower, number.upper
    exact = low is None or high is None or low == number.value == high
    return value if exact else f"{value} ({signed(low)} to {signed(high)})"


def direction(found: MetricGap, changed: float) -> str:
    """Whether a change of this metric is "worse" or "better"; an empty word where it is neither."""
    if found.better == "neither" or not changed:
        return ""
    return "better" if (changed > 0) == (found.better == "higher") else "worse"


def effect(found: MetricGap, number: Number) -> str:
    """The direction of a change, or "may be chance" where its interval holds 0."""
    bounds = change_bounds(number)
    if bounds is not None and number.value and not number.excludes_zero():
        return CHANCE
    return direction(found, -number.value)


def status(word: str) -> str:
    """A status with its shape: "■ found"."""
    return f"{SHAPES[word]} {word}" if word in SHAPES else words.printable(word)


def per_hundred(share: float) -> str:
    """A share as so many of a hundred: .58 is "58", .004 "0.4"."""
    of_hundred = 100.0 * share
    return f"{of_hundred:.0f}" if of_hundred >= 1 or not of_hundred else words.number(of_hundred)


def rows_a_day(value: float) -> str:
    """A number of rows a day: whole where there are ten and more."""
    return f"{value:,.0f}" if math.isfinite(value) and value >= 10 else words.number(value)


def part_notes(part: GapPart) -> str:
    """What is to be known of a part: not computed and why, what else is in it, whether it interacts."""
    notes = []
    if part.value is None:
        notes.append(f"Not computed: {words.sentence(part.why_not or 'no reason is given')}")
    elif part.why_not:
        notes.append(words.sentence(part.why_not))
    if part.includes:
        notes.append(f"Includes {words.listed(steps(part.includes), 12)}")
    if part.interaction:
        notes.append("Interaction: putting this right alone gives back another amount")
    return ". ".join(notes)


def cell(value: Cell, column: TableColumn) -> str:
    """A cell of evidence as its column writes it; a number with an interval has it in brackets."""
    if value is None:
        return words.NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return words.moment(value) if column.form == "time" else words.printable(value)
    if isinstance(value, int | float):
        return _figure(float(value), column.form)
    text = _figure(value.value, column.form)
    if value.lower is None or value.upper is None:
        return text
    return f"{text} ({_figure(value.lower, column.form)} to {_figure(value.upper, column.form)})"


def _figure(value: float, form: str) -> str:
    if not math.isfinite(value):
        return words.number(value)
    if form == "number" and 0.001 <= abs(value) < 1:  # noqa: PLR2004  -- where three places are three digits
        return level(value)
    return _FORMS.get(form, words.number)(value)


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004  -- three places of p


_FORMS: dict[str, Callable[[float], str]] = {
    "signed": signed,
    "share": words.percent,
    "count": lambda value: f"{value:,.0f}".replace("-", "−"),
    "p": _p_value,
}


def _other_scale(value: float) -> bool:
    return not math.isfinite(value) or abs(value) >= _LARGE
