"""Requests on their way into a capture or a run: sampled, then freed of what rules take out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.capture import table as tables
from harness.capture.formats.pieces import Labelled
from harness.capture.live.redaction import Parts, Redactor
from harness.capture.live.rules import Policy, Rules, policy
from harness.capture.live.sampling import Sample, Sampler
from harness.capture.live.texts import DroppedError
from harness.capture.seen import Seen, key_of
from harness.capture.sources import existing
from harness.errors import CaptureError, UsageError
from harness.records import CapturedRequest

_SAME = (
    *("request_id", "parent_id", "unit", "path", "headers", "body", "feature_timestamps", "segments"),
    *("served_by", "tags"),
)
_ROWS = 1_024

#: what is told in place of a text of the capture that no rule can be asked about: it may be cut, or no JSON
UNTOLD = "not told, for there are rules of redaction"


@dataclass
class Preparation:
    """What is done with requests before they are written; its parts count what they did.

    `taken` are ids that were hashed for a value of their body alone, so that their labels are known again.
    `kept` are the ids of requests that were written, where rules for places may take any id.
    """

    redactor: Redactor = field(default_factory=Redactor)
    sampler: Sampler | None = None
    taken: set[str] = field(default_factory=set)
    kept: Seen = field(default_factory=Seen)

    @property
    def plain(self) -> bool:
        """Whether only headers are looked at, so that requests need not be taken apart."""
        return self.sampler is None and not self.redactor.searches

    def requests(self, given: Iterable[CapturedRequest]) -> Iterator[CapturedRequest]:
        """Those that stay, as they may be written, `seq` dense: sampled by the names that they came with.

        Raises CaptureError at their end where there were some and none stays.
        """
        seq, request = 0, None
        for request in given:
            kept = request if self.sampler is None else self.sampler.sampled(request)
            if kept is None:
                continue
            after = redacted(kept, self.redactor)
            if after is not None:
                self._remember(kept, after)
                yield after if after.seq == seq else msgspec.structs.replace(after, seq=seq)
                seq += 1
        if request is not None and not seq:
            raise self._nothing_left()

    def _remember(self, before: CapturedRequest, after: CapturedRequest) -> None:
        for old, new in ((before.request_id, after.request_id), (before.parent_id, after.parent_id)):
            if old is None:
                continue
            if self.redactor.takes:
                self.kept.add(key_of(old))
            if old != new and self.redactor.name(old) == old:
                self.taken.add(old)

    def labels(self, given: Sequence[Labelled]) -> list[Labelled]:
        """The labels under the ids that their requests were written with; those that a rule drops are not.

        Nor is the id of a request that was not written: a rule may take it out of a body nobody has seen. It
        is hashed, and left out without a key.
        """
        found = []
        for one in given:
            try:
                name = self.redactor.name(one.request_id) if self.redactor.searches else one.request_id
            except DroppedError:
                continue
            hidden = self.redactor.takes and key_of(one.request_id) not in self.kept
            if hidden and not self.redactor.means.key:
                continue
            whole = hidden or one.request_id in self.taken
            found.append(one._replace(request_id=self.redactor.means.token(name) if whole else name))
        return found

    def _nothing_left(self) -> CaptureError:
        why = self.redactor.dropped.most_common(1)
        return CaptureError(
            "nothing is left of the requests",
            found=f"{why[0][1]:,} requests: {why[0][0]}" if why else "none is in the sample",
            fix="Mend the rules." if why else "Raise the share of the sample.",
        )

    def tables(self, given: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same for requests as tables of the CAPTURE schema; only headers are looked at by column."""
        if self.plain:
            yield from map(self._harmless, given)
            return
        batch: list[CapturedRequest] = []
        for request in self.requests(tables.rows(given)):
            batch.append(request)
            if len(batch) == _ROWS:
                yield tables.to_table(batch)
                batch = []
        if batch:
            yield tables.to_table(batch)

    def _harmless(self, table: pa.Table) -> pa.Table:
        """The requests without the headers that go, which are counted by name."""
        lost: dict[str, NDArray[np.bool_]] = {}
        for name in ("headers", "recorded_headers"):
            column = table.column(name).combine_chunks()
            for header in tables.names(column):
                if self.redactor.loses(header):
                    has = tables.with_name(column, header.__eq__)
                    lost[header.lower()] = has | lost.get(header.lower(), np.False_)
            place = table.schema.get_field_index(name)
            after = tables.without(column, self.redactor.loses)
            table = table.set_column(place, table.schema.field(name), after)
        self.redactor.lost_headers.update({name: int(rows.sum()) for name, rows in lost.items()})
        return table


def redacted(request: CapturedRequest, redactor: Redactor) -> CapturedRequest | None:
    """The request as it may be written, its recorded answer too; None where a rule leaves it out."""
    before = parts_of(request)
    after = redactor.parts(before)
    if after is None or after is before:
        return None if after is None else request
    answer = request.recorded_response
    if answer is not None:
        answer = msgspec.structs.replace(answer, headers=after.answer_headers, body=after.answer_body)
    same = {name: getattr(after, name) for name in _SAME}
    features = after.features if isinstance(after.features, bytes) else None
    return msgspec.structs.replace(request, **same, online_features=features, recorded_response=answer)


def parts_of(request: CapturedRequest) -> Parts:
    """What of a request can be redacted."""
    answer = request.recorded_response
    return Parts(
        **{name: getattr(request, name) for name in _SAME},
        features=request.online_features,
        answer_headers={} if answer is None else answer.headers,
        answer_body=b"" if answer is None else answer.body,
    )


def read_policy(path: Path) -> Policy:
    """The rules of a TOML file, those of an empty table where it has no [redact]: all classes are masked.

    Raises UsageError for what it says wrongly, and where it is missing.
    """
    existing(path, UsageError)
    try:
        said = policy(path)
        return msgspec.structs.replace(said, redact=said.redact or Rules())
    except (ValueError, OSError) as error:
        raise UsageError("the rules cannot be used", where=str(path), found=error) from error


def redactor_of(rules: Rules | None, environ: Mapping[str, str], *, keep: Iterable[str] = ()) -> Redactor:
    """The redactor of these rules, which keeps the headers of `keep` besides.

    Raises UsageError for a key that is missing or short, and for a header that is never kept.
    """
    try:
        if rules is None:
            return Redactor(keep=Rules(keep_headers=tuple(keep)).keep_headers)
        more = msgspec.structs.replace(rules, keep_headers=(*rules.keep_headers, *keep))
        return Redactor(more, more.key_in(environ))
    except ValueError as error:
        raise UsageError("requests cannot be redacted", found=error) from error


def searcher(rules: Rules) -> Redactor:
    """A redactor that only searches, so that it needs no key."""
    return Redactor(rules, b"nothing is hashed")


def sample_of(given: Sample | None, **changes: object) -> Sample | None:
    """The sample of a file with what the command line says; raises UsageError for what cannot be."""
    said = {name: value for name, value in changes.items() if value is not None}
    if not said:
        return given
    try:
        return msgspec.convert({**(msgspec.structs.asdict(given) if given else {}), **said}, Sample)
    except msgspec.ValidationError as error:
        raise UsageError("requests cannot be sampled so", found=error) from error


def told(
    preparation: Preparation, *, requests: int, keep: str = "--keep-header NAME"
) -> list[tuple[str, str]]:
    """What was done, in lines of a name and a text; nothing about what was not. `keep` keeps a header."""
    redactor, sampler = preparation.redactor, preparation.sampler
    lost = redactor.lost_headers
    lines = []
    if sampler is not None:
        lines += [("sampled", f"{sampler.kept:,} of {sampler.seen:,} requests, weights kept")]
        lines += [("sampled", one) for one in _absent(sampler)]
    if lost:
        named = ", ".join(f"{name} of {count:,}" for name, count in lost.most_common(12))
        more = f" and {len(lost) - 12:,} more names" if len(lost) > 12 else ""
        lines += [("headers left out", f"{named}{more} (of {requests:,} requests; {keep} keeps one)")]
    for (rule, place), count in sorted(redactor.changed.items(), key=lambda item: (-item[1], item[0]))[:20]:
        lines += [("redacted", f"{place} of {count:,} requests ({rule})")]
    if len(redactor.changed) > 20:
        lines += [("redacted", f"and {len(redactor.changed) - 20:,} more places")]
    lines += [("left out", f"{count:,} requests: {why}") for why, count in redactor.dropped.most_common()]
    if redactor.searches and (idle := redactor.idle()):
        lines += [("without effect", f"nothing was found for {', '.join(idle)}: is it spelled right?")]
    return lines


def _absent(sampler: Sampler) -> list[str]:
    """How many requests have nothing at a place of the sample, and what became of them."""
    alone = {sampler.sample.by: "each of them is kept or left out by its own id"}
    return [
        f"{count:,} of {sampler.seen:,} requests have no {place}: {alone.get(place, 'they are one slice')}"
        for place, count in sampler.absent.items()
    ]


def check_places(sampler: Sampler | None) -> None:
    """Some request had each place that was sampled by; raises UsageError, for then it is misspelt."""
    if sampler is None:
        return
    for place, count in sampler.absent.items():
        if count == sampler.seen:
            ends = "by" if place == sampler.sample.by else "strata"
            raise UsageError(
                "requests are to be sampled by what none of them has",
                where=f"--sample-{ends}, or {ends} under [sample]",
                found=f"0 of {sampler.seen:,} requests have {place}",
                fix="Name a place that requests have: unit, header:NAME, body:a.b, query:NAME, segment:NAME.",
            )


def counted(preparation: Preparation) -> list[dict[str, object]]:
    """What was done, a row for each count, for a ledger."""
    redactor, sampler = preparation.redactor, preparation.sampler
    rows: list[dict[str, object]] = [
        {"what": "redacted", "rule": rule, "place": place, "requests": count}
        for (rule, place), count in sorted(redactor.changed.items())
    ]
    rows += [
        {"what": "header left out", "header": n, "requests": c}
        for n, c in sorted(redactor.lost_headers.items())
    ]
    rows += [
        {"what": "left out by rule", "rule": why, "requests": c}
        for why, c in sorted(redactor.dropped.items())
    ]
    if sampler is not None:
        rows += [{"what": "sampled", "kept": sampler.kept, "requests": sampler.seen}]
    return rows
