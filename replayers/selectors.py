"""Finding score, features and identity in an answer, and saying exactly what is wrong with it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from msgspec import Meta

from harness.records import Attempt, Outcome, State
from replayers.refusals import words

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "header:"
_ABSURD_MS = 1e9  # eleven days; beyond it a clock went wrong, and a column of int64 ns would overflow
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MARKUP = re.compile(rb"\s*<(!doctype|html|head|body|title|h1|p)\b", re.IGNORECASE)

Selector = Annotated[str, Meta(examples=["score", "predictions[0].score", "header:X-Score"])]


class Response(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an answer holds what is compared: JMESPath into its JSON, or `header:<name>`; "" is nowhere."""

    score: Annotated[Selector, Meta(description="The score: one finite number.")] = "score"
    features: Annotated[
        Selector, Meta(description='The features the service used, one JSON object; "" when it shows none.')
    ] = "features"
    model: Annotated[
        Selector,
        Meta(
            description="Which model answered: the sha256 of the model file, 8 or more of its hex digits. "
            "Once set, or once any answer names a model, every answer must; a version name fails the gate."
        ),
    ] = "header:X-Model-Hash"
    request_id: Annotated[
        Selector,
        Meta(
            description="The X-Request-Id that was sent, echoed; another one is another request's answer. "
            'Set "" for a service that makes up its own.'
        ),
    ] = "header:X-Request-Id"
    error: Annotated[Selector, Meta(description="The message of an error answer.")] = "error"
    server_time: Annotated[
        Selector,
        Meta(
            description="The service's own time in ms: a number, or a Server-Timing header, of which `app`, "
            "else `total`, else the first duration is taken."
        ),
    ] = "header:Server-Timing"

    def __post_init__(self) -> None:
        # msgspec puts the path before a ValueError from here: `$.targets.x.response: ...`
        if not self.score:
            raise ValueError("score must select something, for a score is what is compared")
        for name in self.__struct_fields__:
            try:
                compile_selector(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

    def default(self, name: str) -> bool:
        """Whether a selector is the one that is there when none is declared."""
        return bool(getattr(self, name) == getattr(_DEFAULT, name))

    @property
    def headers(self) -> frozenset[str]:
        """The headers that are read, by lower-case name."""
        chosen = (getattr(self, name) for name in self.__struct_fields__)
        return frozenset(c.removeprefix(HEADER).lower() for c in chosen if c.startswith(HEADER))


class _Nowhere:
    """A value that is not there; null is another thing."""


NOWHERE = _Nowhere()


@dataclass(frozen=True)
class Compiled:
    """One selector, ready; exactly one of `header`, `steps` and `search` is set, or none for ""."""

    text: str
    header: str = ""
    steps: tuple[str, ...] = ()
    search: Any = None

    def find(self, body: object, headers: Mapping[str, str]) -> object:
        """The selected value, or NOWHERE."""
        if self.header:
            return headers.get(self.header, NOWHERE)
        if self.search is not None:
            return _search(self.search, body)
        for step in self.steps:
            if not isinstance(body, dict) or step not in body:
                return NOWHERE
            body = body[step]
        return body if self.steps else NOWHERE


def _search(expression: Any, body: object) -> object:  # noqa: ANN401  -- jmespath has no types
    """What JMESPath finds; it says None both for null and for nothing."""
    try:
        found = expression.search(body) if body is not NOWHERE else None
    except JMESPathError:
        return NOWHERE
    return NOWHERE if found is None else found


def compile_selector(text: str) -> Compiled:
    """The selector, ready to use; raises ValueError with what is wrong in it.

    Plain dotted names are walked by hand, for JMESPath cannot tell null from missing.
    """
    if text.startswith(HEADER):
        name = text.removeprefix(HEADER)
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{text!r} names no header; expected header:<name>")
        return Compiled(text=text, header=name.lower())
    if not text or _PLAIN.fullmatch(text):
        return Compiled(text=text, steps=tuple(text.split(".")) if text else ())
    try:
        return Compiled(text=text, search=jmespath.compile(text))
    except JMESPathError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{text!r} is not a JMESPath expression: {reason[:120]}") from None


_DEFAULT = Response()


class Unreadable(ValueError):  # noqa: N818  -- named for what the answer is, and caught here
    """An answer holds no score where one should be; the text says what is wrong with it."""


class Speech(Protocol):
    """How an answer is read that is more than JSON with selectors into it."""

    @property
    def by_selector(self) -> bool:
        """Whether the score is where `response.score` says, whatever that is."""

    @property
    def echoes_header(self) -> bool:
        """Whether the default header for the request's id is ours, echoed."""

    def decode(self, body: bytes, headers: Mapping[str, str], /) -> tuple[object, str]:
        """The answer as a document, and what is wrong with it."""

    def single(self, document: object, /) -> object:
        """The score of the one row that was asked; raises Unreadable."""

    def pick(self, value: object, /) -> object:
        """The score among what a selector found; raises Unreadable."""

    def finished(self, value: object, /) -> float:
        """The number that is compared; raises Unreadable."""

    def features(self, document: object, /) -> object:
        """The features that the answer echoes, or NOWHERE."""

    def model(self, document: object, /) -> str | None:
        """The hash of the model that the answer names."""

    def echoed(self, document: object, /) -> str | None:
        """The request's own id in the answer."""


class _PlainJson:
    """JSON, and all that is in it where selectors say."""

    by_selector = echoes_header = True

    def decode(self, body: bytes, headers: Mapping[str, str], /) -> tuple[object, str]:  # noqa: ARG002  -- a seam
        return decode_json(body)

    def single(self, document: object, /) -> object:
        return document

    def pick(self, value: object, /) -> object:
        return value

    def finished(self, value: object, /) -> float:
        score, wrong = finite(value)
        if score is None:
            raise Unreadable(wrong)
        return score

    def features(self, document: object, /) -> object:  # noqa: ARG002  -- a seam
        return NOWHERE

    def model(self, document: object, /) -> str | None:  # noqa: ARG002  -- a seam
        return None

    def echoed(self, document: object, /) -> str | None:  # noqa: ARG002  -- a seam
        return None


class Reader:
    """Turns final attempts into outcomes; pure, and the same for live and for recorded answers."""

    def __init__(self, response: Response, speech: Speech | None = None) -> None:
        self._speech: Speech = speech or _PlainJson()
        self._by_selector = self._speech.by_selector or not response.default("score")
        self._header_is_ours = self._speech.echoes_header or not response.default("request_id")
        self._score = compile_selector(response.score)
        self._features = compile_selector(response.features)
        self._model = compile_selector(response.model)
        self._request_id = compile_selector(response.request_id)
        self._error = compile_selector(response.error)
        self._server_time = compile_selector(response.server_time)

    def outcome(self, attempt: Attempt, *, sent_id: str | None = None) -> Outcome:
        """What the attempt says; an answer without a finite score, or with another id, is BAD_BODY."""
        body: object = NOWHERE
        broken = ""
        if attempt.status is not None:
            body, broken = self._speech.decode(attempt.body, attempt.headers)
        find = _Finder(body, attempt.headers)
        echoed = self._echoed(find)
        state, detail, score, features = attempt.state, attempt.detail, None, None
        if state is State.OK:
            score, detail = self._judge(find, broken)
            if not detail and sent_id is not None and echoed is not None and echoed != sent_id:
                score, detail = None, "answer of another request"
            state = State.BAD_BODY if detail else State.OK
        elif state is State.HTTP_ERROR:
            detail = _http_error(attempt, find(self._error), body=body)
        if state is State.OK:
            echo = self._speech.features(body)
            features, detail = _features(find(self._features) if echo is NOWHERE else echo)
        return Outcome(
            seq=attempt.seq,
            phase=attempt.phase,
            target=attempt.target,
            state=state,
            attempts=attempt.attempt,
            status=attempt.status,
            due_ns=attempt.due_ns,
            submit_ns=attempt.submit_ns,
            written_ns=attempt.written_ns,
            first_ns=attempt.first_ns,
            done_ns=attempt.done_ns,
            server_ns=server_ns(find(self._server_time)),
            score=score,
            features=features,
            model=_text(find(self._model)) or self._speech.model(body),
            echoed_id=echoed,
            detail=detail,
            body=attempt.body,
        )

    def _judge(self, find: _Finder, broken: str) -> tuple[float | None, str]:
        """The score, or what is wrong with it or with the body it should be in."""
        if broken and not self._score.header:
            return None, broken
        try:
            found = self._found(find)
        except Unreadable as error:
            said = words(find.body) if isinstance(find.body, dict) else ""
            return None, f"{error}; the service says: {said}" if said else str(error)
        try:
            return self._speech.finished(found), ""
        except Unreadable as error:
            return None, str(error)

    def _found(self, find: _Finder) -> object:
        """What stands where the score should be; raises Unreadable when nothing does."""
        if not self._by_selector:
            return self._speech.single(find.body)
        value = find(self._score)
        if value is NOWHERE:
            raise Unreadable(_missing(self._score, find.body))
        if isinstance(value, str) and self._score.header:
            value = _number(value)
        return self._speech.pick(value)

    def _echoed(self, find: _Finder) -> str | None:
        """The id that the answer says it is for."""
        said = self._speech.echoed(find.body)
        return _text(find(self._request_id)) if said is None and self._header_is_ours else said


@dataclass(frozen=True)
class _Finder:
    """Looks selectors up in one answer."""

    body: object
    headers: Mapping[str, str]

    def __call__(self, selector: Compiled) -> object:
        return selector.find(self.body, self.headers)


def decode_json(body: bytes) -> tuple[object, str]:
    """The JSON value, or what is wrong; Python's parser, for it reads a literal NaN and says so."""
    if not body.strip():
        return NOWHERE, "body is empty"
    try:
        return json.loads(body), ""
    except (ValueError, RecursionError):
        return NOWHERE, "body is HTML" if _MARKUP.match(body) else "body is not JSON"


def finite(value: object) -> tuple[float | None, str]:
    """The score as a float, or why it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, f"score is {_kind(value)}"
    try:
        score = float(value)
    except OverflowError:
        return None, "score is too large"
    if not math.isfinite(score):
        return None, f"score is {_spell(score)}"
    return score, ""


def _kind(value: object) -> str:
    """A JSON value by its kind; a text is shown, cut, for `"NaN"` is worth knowing."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {_clean(value, 20)!r}"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number"


def _number(text: str) -> object:
    """A header's text as a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def _missing(selector: Compiled, body: object) -> str:
    """Why a selector found nothing."""
    if selector.header:
        return f"no header {selector.header!r}"
    if selector.search is not None:
        return f"nothing at {selector.text!r}"
    return f"no field {selector.text!r}" if isinstance(body, dict) else f"body is {_kind(body)}"


def _text(value: object) -> str | None:
    """An identity as text; numbers as JSON, everything else is none."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def server_ns(value: object) -> int | None:
    """A service's own time in ns: of a number of ms, or of a Server-Timing text; None of anything else.

    W3C Server Timing, section 3: `app;dur=12.5, db;dur=3` is 12,500,000 ns.
    """
    durations = _server_timing(value) if isinstance(value, str) else {"": value}
    name = next((name for name in ("app", "total") if name in durations), next(iter(durations), None))
    milliseconds = None if name is None else finite(durations[name])[0]
    if milliseconds is None or not 0 <= milliseconds < _ABSURD_MS:
        return None
    return round(milliseconds * 1e6)


def _server_timing(text: str) -> dict[str, object]:
    """The durations of a Server-Timing header by the names of its metrics; a bare number has no name."""
    found: dict[str, object] = {}
    for metric in text.split(","):
        name, *parameters = (part.strip() for part in metric.split(";"))
        for key, _, value in (parameter.partition("=") for parameter in parameters):
            if key.strip().lower() == "dur":
                found.setdefault(name.lower(), _number(value.strip().strip('"')))
    return found or {"": _number(text)}


def _http_error(attempt: Attempt, message: object, *, body: object) -> str:
    """The status and a little of the message: error bodies of some servers repeat the whole request."""
    status = f"HTTP {attempt.status}"
    found = words(message if isinstance(message, str) and message else body)
    return f"{status}: {found}" if found else status


def _clean(text: str, chars: int) -> str:
    """At most `chars` characters on one line, none of them a control character."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * chars]).split())[:chars]


def _features(value: object) -> tuple[bytes | None, str]:
    """The features as canonical JSON, and a remark when what was selected is no object."""
    if value is NOWHERE or value is None:
        return None, ""
    if not isinstance(value, dict):
        return None, f"features are {_kind(value)}"
    try:
        return canonical(value), ""
    except RecursionError:
        return None, "features are nested too deeply"


def canonical(value: object) -> bytes:
    """JSON with sorted keys, no blanks, ASCII only; floats keep every bit, NaN and infinities are texts."""
    return json.dumps(
        _spelled(value), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True
    ).encode()


def _spelled(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return _spell(value)
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    return [_spelled(item) for item in value] if isinstance(value, list) else value


def _spell(value: float) -> str:
    """A non-finite float by its name."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
