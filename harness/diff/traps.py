"""What stock servers do to a request without a word: the causes that have it, and what is then to be done."""

from __future__ import annotations

from typing import Final

from harness.records import Finding

_ORDER: Final = (
    "The service takes the columns by position: send them in the order of the model, "
    "or let the service pick them by name."
)
_LEVELS: Final = (
    "The service has lost the levels that the model was trained with: keep the line pandas_categorical of "
    "the model file, and never code the categories of one request alone. A batch hides this."
)
_OF_ORDER: Final = (
    *("columns_reversed", "columns_alphabetical", "columns_by_position", "columns_reordered"),
    "columns_swapped",
)
#: by cause; the cause says what the service does, this says what to do about it
ADVICE: Final[dict[str, str]] = {
    **dict.fromkeys(
        (*_OF_ORDER, "categories_first", "categories_last"),
        _ORDER,
    ),
    "truncated_input": "The numbers are cast to a whole type on the way: send FP64, not INT64.",
    "float32_input": "The numbers are cast to 32 bits on the way: send FP64 where the service takes it.",
    "column_major": "The data of a tensor lies row by row: send it so, or let the service read it so.",
    "batch_reversed": "The scores of a batch must come in the order of its rows.",
    "batch_first_row": "Each row of a batch needs a score of its own; requests of one row hide this.",
    **dict.fromkeys(("categories_lost", "category_codes_by_request"), _LEVELS),
    "missing_key_filled": "The service fills in what a request leaves out otherwise than training did: "
    "send every column, or fill it as training did.",
    "raw_score": "The service gives the raw margin: apply the sigmoid at one end.",
    "double_sigmoid": "Two places apply the sigmoid: leave one out.",
    "complement": "This is the probability of the other class: read the other column of the answer.",
    "class_label": "The service gives the class, not its probability: serve predict_proba, or read that.",
    "all_trees": "The model was saved with all its trees: save it with num_iteration=best_iteration.",
}
#: what only some requests show, so that ten of them prove nothing about the others
_RARE: Final = frozenset({"float32_input", "missing_key_filled"})


def advice(finding: Finding) -> str:
    """What to do about a finding that is such a trap; nothing for another."""
    return ADVICE.get(finding.cause, "")


def of_order(finding: Finding) -> bool:
    """Whether a finding is that columns are taken in another order."""
    return finding.cause in _OF_ORDER


def spoils_all(finding: Finding) -> bool:
    """Whether a finding reproduces all its scores to the last bit by what is done to every request alike."""
    known = finding.cause in ADVICE and finding.cause not in _RARE
    return known and finding.explained == finding.requests
