"""What a server says when it refuses, in a few words: the shapes of error answers, without the input in them.

Servers repeat what they were sent: FastAPI, MLServer and KServe the whole of it in a 422, MLflow a row of it
in its message. Reports must not, so the input is left out and values in messages are covered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

CHARS = 80
_DEEPEST = 3
_VALUE = re.compile(
    r"""[\w.+-]+@[\w-]+\.[\w.]+          # an e-mail address
    | [-+]?\d+\.\d+(?:[eE][-+]?\d+)?     # a fraction
    | \d{5,}                             # a number that may be an id
    | (?P<quote>["'])(?:(?!(?P=quote)).){25,}(?P=quote)?   # a long quotation""",
    re.VERBOSE,
)
#: the words of an error by the names that servers give it: MLServer, KServe, BentoML, TF Serving: error;
#: MLflow, Databricks, multi-model-server: message; SageMaker: Message; FastAPI, LitServe: detail
_NAMES = ("error", "message", "Message", "detail", "title", "error_description", "msg")


def words(document: object) -> str:
    """The message of an error answer, "" where none is recognised; values are covered, the input left out."""
    return covered(_message(document))


def covered(text: str) -> str:
    """The text on one line of at most 80 characters, with … for what may be a value of the input."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * CHARS])
    return " ".join(_VALUE.sub("…", printable).split())[:CHARS]


def _message(document: object, *, depth: int = 0) -> str:
    if depth > _DEEPEST:
        return ""
    if isinstance(document, str):
        return document
    if isinstance(document, list):
        return _problems(document)
    if not isinstance(document, dict):
        return ""
    return next((found for name in _NAMES if (found := _message(document.get(name), depth=depth + 1))), "")


def _problems(items: Sequence[object]) -> str:
    """A list of problems as pydantic tells them: place and message of the first, never its input."""
    first = items[0] if items else None
    if not isinstance(first, dict):
        return ""
    place = first.get("loc")
    where = ".".join(map(str, place)) + ": " if isinstance(place, list) and place else ""
    more = f" (and {len(items) - 1} more)" if len(items) > 1 else ""
    message = first.get("msg") or first.get("message")
    return f"{where}{message}{more}" if isinstance(message, str) else ""
