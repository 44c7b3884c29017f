"""Redaction of one call: headers, target, bodies and names, by rules, with a note of what was changed.

A value is changed where a rule names its place, and wherever a text of a class stands. What a rule took
out of a body goes from the names of its request too, for units and segments are read out of bodies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from .content import Content, measured
from .headers import TRACING, kept
from .record import Record, spelled
from .rules import Rules
from .sampling import forgotten
from .texts import DroppedError, Means, OpaqueError, Texts

#: rules and places that are counted apart; what comes later is counted together
MAX_PLACES = 1_000
#: the tag that names the places of a request that were changed, a JSON array of texts
TAG = "redacted"
#: the tag of a request whose answer is not whole
ANSWER_TRUNCATED = "answer_truncated"

_RECORD = (
    *("request_id", "unit", "path", "headers", "body", "answer_headers", "answer_body", "features"),
    *("served_by", "tags"),
)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a call can be redacted; `features` and their times are JSON objects, or features by name."""

    request_id: str = ""
    parent_id: str | None = None
    unit: str | None = None
    path: str = "/"
    headers: dict[str, str] = {}
    body: bytes = b""
    answer_headers: dict[str, str] = {}
    answer_body: bytes = b""
    features: bytes | Mapping[str, object] | None = None
    feature_timestamps: bytes | None = None
    segments: dict[str, str] = {}
    served_by: dict[str, str] = {}
    tags: dict[str, str] = {}


class Redactor:
    """Rules and their key, at work; without rules only headers that are not known to be harmless go.

    `changed` counts requests by (rule, place), `lost_headers` by header name, `dropped` by the reason for
    which they were left out.
    """

    def __init__(self, rules: Rules | None = None, key: bytes = b"", *, keep: tuple[str, ...] = ()) -> None:
        """`keep` are headers to keep where there are no rules.

        Raises ValueError where something is to be hashed and there is no key.
        """
        self.searches = rules is not None
        self.means = Means(rules or Rules(keep_headers=keep), key)
        self.changed: Counter[tuple[str, str]] = Counter()
        self.lost_headers: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def parts(self, parts: Parts) -> Parts | None:
        """The parts after redaction, None where a rule leaves the request out."""
        texts = Texts(self.means)
        bare = self._bare(parts)
        if not self.searches:
            return bare
        try:
            after = _redacted(bare, parts, texts=texts)
        except DroppedError as error:
            self._add(self.dropped, str(error), instead="other reasons")
            return None
        for change in texts.said:
            self._add(self.changed, change, instead=(change[0], "other places"))
        return _tagged(after, [place for _, place in texts.said])

    def record(self, record: Record) -> Record | None:
        """A record of live capture after redaction, None where a rule leaves it out."""
        given = {name: getattr(record, name) for name in _RECORD}
        if self.searches and record.features is not None:
            given["features"] = spelled(record.features)
        after = self.parts(Parts(**given))
        if after is None:
            return None
        changes: dict[str, Any] = {name: getattr(after, name) for name in _RECORD}
        return msgspec.structs.replace(record, **changes)

    def name(self, text: str, field: str = "request_id") -> str:
        """The id or unit that stands for this one, as in every request. Raises DroppedError."""
        return Texts(self.means).name(text, field)

    @property
    def takes(self) -> bool:
        """Whether any rule takes a value by its place, which may be the id of its request too."""
        rules = self.means.rules
        return bool(rules.paths or rules.query)

    @property
    def has_places(self) -> bool:
        """Whether any rule is for a place, beside those for classes of text."""
        rules = self.means.rules
        return self.takes or bool(rules.headers or rules.fields)

    def loses(self, header: str) -> bool:
        """Whether a header by this name is left out."""
        return bool(kept({header: ""}, self.means.kept)[1])

    def idle(self) -> list[str]:
        """The rules by name that nothing was found for: one of them may be misspelled."""
        rules, places = self.means.rules, {place for _, place in self.changed}
        idle = [f"paths.{path}" for path in rules.paths if path not in self.means.paths.used]
        idle += [f"query.{name}" for name in rules.query if f"query.{name}" not in places]
        named = {place.rpartition(" ")[2] for place in places if "header " in place}
        return idle + [f"headers.{name}" for name in rules.headers if name.lower() not in named]

    def _bare(self, parts: Parts) -> Parts:
        headers, lost = kept(parts.headers, self.means.kept)
        answer_headers, lost_answer = kept(parts.answer_headers, self.means.kept)
        for name in {*lost, *lost_answer}:
            self._add(self.lost_headers, name, instead="other names")
        if not lost and not lost_answer:
            return parts
        return msgspec.structs.replace(parts, headers=headers, answer_headers=answer_headers)

    @staticmethod
    def _add(counts: Counter[Any], one: object, *, instead: object) -> None:
        counts[one if one in counts or len(counts) < MAX_PLACES else instead] += 1


def redacted_places(tags: Mapping[str, str]) -> list[str]:
    """The places of a request that were changed, as its tag names them: `body:user.email`, `unit`."""
    text = tags.get(TAG)
    if not text:
        return []
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [text]


def _redacted(bare: Parts, given: Parts, *, texts: Texts) -> Parts:
    """The bodies first, then the names: what is taken out of them is looked for in the rest."""
    content = Content(texts, ids=texts.hidden(bare.request_id, bare.parent_id))
    body = content.body(bare.body, where="body", headers=given.headers)
    longer = content.longer
    answer_body, answer_longer, cut = b"", 0, {}
    try:
        answer_body = content.body(bare.answer_body, where="answer", headers=given.answer_headers)
        answer_longer = content.longer
    except OpaqueError as error:  # the words of an answer throw no request away
        texts.say(str(error), "answer")
        cut = {ANSWER_TRUNCATED: "true"}
    features = bare.features
    if isinstance(features, bytes):
        features = content.body(features, where="features", headers={})
    elif features:
        features = content.features(features)
    times = bare.feature_timestamps and content.times(bare.feature_timestamps)
    names = _names(bare, texts)
    path = content.path(bare.path)
    by_name = texts.means.headers
    headers = partial(_texts, texts, rule=lambda name: by_name.get(name.lower()))
    return msgspec.structs.replace(
        bare,
        **names,
        body=body,
        answer_body=answer_body,
        features=features,
        feature_timestamps=times,
        path=path,
        headers=measured(headers(bare.headers, where="header"), longer=longer),
        answer_headers=measured(headers(bare.answer_headers, where="answer header"), longer=answer_longer),
        **{
            family: _family(texts, getattr(bare, family), family=family)
            for family in ("segments", "served_by")
        },
        tags=_family(texts, bare.tags, family="tags") | cut,
    )


def _names(bare: Parts, texts: Texts) -> dict[str, str | None]:
    """What stands for ids and unit; those that are hashed are known wherever else they stand."""
    given = {"request_id": bare.request_id, "parent_id": bare.parent_id, "unit": bare.unit}
    names: dict[str, str | None] = {}
    for field, text in given.items():
        names[field] = text and texts.name(text, "unit" if field == "unit" else "request_id")
    for field, text in given.items():
        if text and names[field] != text:
            texts.replace(text)
    return names


def _family(texts: Texts, given: dict[str, str], *, family: str) -> dict[str, str]:
    return _texts(texts, given, where=family, rule=lambda name: texts.rules.fields.get(f"{family}.{name}"))


def _texts(
    texts: Texts, given: dict[str, str], *, where: str, rule: Callable[[str], str | None]
) -> dict[str, str]:
    """Texts by name, each by the rule for it, by what a body lost, or freed of what is of a class."""
    after: dict[str, str] = {}
    for name, text in given.items():
        key = texts.freed(name, where)
        new: str | None = text
        if name != TAG:
            place = f"{where} {key.lower() if where.endswith('header') else key}"
            action = rule(name)
            traced = action is None and text not in texts.taken and name.lower() in TRACING
            new = texts.whole(texts.without_names(text, place) if traced else text, place, action=action)
        if new is not None:
            after[key] = new
    return after


def _tagged(parts: Parts, places: list[str]) -> Parts:
    """With the places that were changed, beside those of an earlier redaction."""
    if not places:
        return parts
    all_of_them = sorted({*places, *redacted_places(parts.tags)})
    tags = forgotten(parts.tags, places) | {TAG: msgspec.json.encode(all_of_them).decode()}
    return msgspec.structs.replace(parts, tags=tags)
