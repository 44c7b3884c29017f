"""Texts that give a person or a key away, found in linear time: e-mail, card, IBAN, address, token, key.

A class is one regular expression whose repeats are possessive or bounded, so that no text makes it slow,
and a check of what it found (Luhn, mod 97, a real address), so that few innocent texts are taken.
"""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64decode
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import unquote

from .bodies import UnreadableError, opened

Span = tuple[int, int]


class Hit(NamedTuple):
    """A span of a text and the class that it is of."""

    start: int
    end: int
    name: str


class Shape(NamedTuple):
    """One expression of a class: a text without all of `needs` is not searched; `spans` checks a match."""

    name: str
    needs: tuple[str, ...]
    pattern: re.Pattern[str]
    spans: Callable[[re.Match[str]], Iterable[Span]]

    def speaks_of(self, text: str) -> bool:
        """Whether the text holds any of what one needs: the quickest of all looks."""
        for need in self.needs:
            if need in text:
                return True
        return not self.needs

    def candidates(self, text: str) -> Iterator[Span]:
        """What looks like one, unchecked: what `find` finds in a part of the text touches one of these."""
        if self.speaks_of(text):
            for match in self.pattern.finditer(text):
                yield match.span()

    def find(self, text: str, keep: Collection[str] = ()) -> Iterator[Hit]:
        """Every one in the text, in order, without those of `keep`."""
        if not self.speaks_of(text):
            return
        for match in self.pattern.finditer(text):
            for start, end in self.spans(match):
                if not keep or text[start:end] not in keep:
                    yield Hit(start, end, self.name)


_PERCENT = re.compile(r"%([0-9a-fA-F]{2})")


class _Unquoted:
    """A text, its `%40` and the like read as letters, and where a span of it stands in what was given."""

    def __init__(self, text: str) -> None:
        self.escapes = [match.start() - 2 * at for at, match in enumerate(_PERCENT.finditer(text))]
        self.text = _PERCENT.sub(lambda match: chr(int(match[1], 16)), text) if self.escapes else ""

    def span(self, start: int, end: int) -> Span:
        """The span in the text as it was given: an escape is two letters longer."""
        return start + 2 * bisect_left(self.escapes, start), end + 2 * bisect_left(self.escapes, end)


_BASE64 = re.compile(r"([A-Za-z0-9+/]{12,}+={0,2})")
_QUOTED = re.compile(f'"{_BASE64.pattern}"')
#: an id: read as base64 it has no letter of an address and no digit
_HEX = re.compile(r"[0-9a-f]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_HIGH = re.compile(r"[\x80-\xff]")


def _encoded(text: str, shapes: Sequence[Shape], *, keep: Collection[str] = ()) -> Iterator[Hit]:
    """Base64 that spells something of a class, as a whole text or in quotes: all of it."""
    whole = _BASE64.fullmatch(text)
    for match in (whole,) if whole else _QUOTED.finditer(text):
        if len(match[1]) % 4 == 0 and not _HEX.fullmatch(match[1]):
            plain = _spelled(b64decode(match[1]))
            for shape in shapes:
                if next(shape.find(plain, keep), None):
                    yield Hit(*match.span(1), shape.name)


def _spelled(data: bytes) -> str:
    """The text of bytes, unpacked; bytes that are no text have letters of ASCII only."""
    try:
        text = opened(data).text
    except UnreadableError:
        text = data.decode("latin-1")
    return _HIGH.sub("\0", text) if _CONTROL.search(text) else text


def found(text: str, shapes: Sequence[Shape], *, keep: Collection[str] = ()) -> list[Hit]:
    """The spans of all shapes in order; those that overlap are one, of the class that begins first.

    What is percent-encoded or base64 is found too; what is in `keep` stays.
    """
    hits = [hit for shape in shapes for hit in shape.find(text, keep)]
    if "%" in text and (plain := _Unquoted(text)).escapes:
        within = [hit for shape in shapes for hit in shape.find(plain.text, keep)]
        hits = [hit for hit in hits if not keep or unquote(text[hit.start : hit.end]) not in keep]
        hits += [Hit(*plain.span(hit.start, hit.end), hit.name) for hit in within]
    hits += _encoded(text, shapes, keep=keep)
    if len(hits) < 2:
        return hits
    merged: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if merged and hit.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(hit.end, merged[-1].end))
        else:
            merged.append(hit)
    return merged


def candidates(text: str, shapes: Sequence[Shape]) -> list[Span]:
    """Where a text may hold anything, in order; what no span touches holds nothing."""
    spans = [span for shape in shapes for span in shape.candidates(text)]
    if "%" in text and (plain := _Unquoted(text)).escapes:
        spans += [plain.span(*span) for shape in shapes for span in shape.candidates(plain.text)]
    spans += [(hit.start, hit.end) for hit in _encoded(text, shapes)]
    return sorted(spans)


def own(name: str, regex: str) -> Shape:
    """A class of the user's own; a match of nothing is none. Raises re.error."""
    return Shape(name, (), re.compile(regex), lambda match: [match.span()] if match[0] else [])


def _group(match: re.Match[str]) -> list[Span]:
    return [match.span(1)]


def _whole(match: re.Match[str]) -> list[Span]:
    return [match.span()]


def _email(match: re.Match[str]) -> list[Span]:
    """Without the marks before it, which are the text's and not the address's."""
    start = match.end() - len(match[0].lstrip(".'%+-"))
    return [(start, match.end())] if match.string[start] != "@" else []


def _secret(match: re.Match[str]) -> list[Span]:
    """What follows `Bearer` is a token and no word; what follows `Basic` may be short, where it is a pair."""
    value = match[1]
    token = len(value) >= 40 or (len(value) >= 16 and any(map(str.isdecimal, value)))
    return [match.span(1)] if token or (match[0][1] in "aA" and _is_pair(value)) else []


def _is_pair(value: str) -> bool:
    """Whether base64 spells `name:password` (RFC 7617): dXNlcjpwYXNz is user:pass."""
    padded = value.rstrip(".")
    if not _PADDED.fullmatch(padded) or len(padded) % 4:
        return False
    try:
        pair = urlsafe_b64decode(padded.translate(_URLSAFE)).decode()
    except UnicodeDecodeError:
        return False
    return ":" in pair and pair.isprintable()


_PADDED = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_URLSAFE = str.maketrans("+/", "-_")


_DIGITS = re.compile(r"[0-9]+")
_DECIMALS = re.compile(r"\.0*[1-9]")
#: first digits and lengths by issuer (ISO/IEC 7812): Amex, Diners, JCB, Visa, Mastercard, Discover, the rest
_ISSUER = re.compile(
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12,15}|4(?:\d{12}|\d{15}|\d{18})"
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12,15}"
    r"|(?:5[06-8]|6[0-9])\d{11,17}"
)


def _cards(match: re.Match[str]) -> Iterator[Span]:
    """The cards among the groups of a run of digits: groups of 3 to 7 together, or one alone."""
    text = match.string
    groups = [one.span() for one in _DIGITS.finditer(text, *match.span())]
    end = match.end()
    if end < len(text) and (text[end].isalnum() or _DECIMALS.match(text, end)):
        groups.pop()
    taken = 0
    for first, (start, _) in enumerate(groups):
        if start < taken:
            continue
        ends = _card_ends(text, groups[first : first + 6])
        if ends:
            taken = ends[-1]
            yield start, taken


def _card_ends(text: str, groups: Sequence[Span]) -> list[int]:
    """Where a card that begins with the first group ends, for each number of groups that makes one."""
    digits, ends = "", []
    for place, (start, end) in enumerate(groups):
        if place and not (3 <= end - start <= 7 and len(digits) <= 16 and _short(groups[0])):
            break
        digits += text[start:end]
        if 13 <= len(digits) <= 19 and _ISSUER.fullmatch(digits) and luhn(digits):
            ends.append(end)
    return ends


def _short(group: Span) -> bool:
    return 3 <= group[1] - group[0] <= 7


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B): 79927398713 is."""
    doubled = ((2 * int(digit)) if place % 2 else int(digit) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


#: length by country (SWIFT, IBAN Registry)
_IBAN_COUNTRIES = {
    15: "NO", 16: "BE", 18: "DK FO FI FK GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
    32: "LC", 33: "RU",
}  # fmt: skip
_IBAN_LENGTHS = {name: length for length, names in _IBAN_COUNTRIES.items() for name in names.split()}


def _ibans(match: re.Match[str]) -> list[Span]:
    """The match cut to its country's length, where mod 97 is 1 (ISO 13616): GB82WEST12345698765432 is."""
    length = _IBAN_LENGTHS.get(match[0][:2], 0)
    places = [place for place, letter in enumerate(match[0]) if letter.isalnum()][:length]
    if not length or len(places) < length:
        return []
    start, end = match.start(), match.start() + places[-1] + 1
    plain = "".join(match[0][place] for place in places)
    value = int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4]))
    whole = end == len(match.string) or not match.string[end].isalnum()
    return [(start, end)] if whole and value % 97 == 1 else []


def _v4(match: re.Match[str]) -> list[Span]:
    try:
        address = IPv4Address(match[0])
    except AddressValueError:
        return []
    return [] if address.is_loopback or address.is_unspecified else [match.span()]


def _v6(match: re.Match[str]) -> list[Span]:
    """An address of three groups or with a digit in it: `a::b` is a name in many languages."""
    text = match[0]
    if text.endswith(":") and not text.endswith("::"):
        text = text[:-1]
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return []
    groups = [group for group in text.split(":") if group]
    nobody = address.is_loopback or address.is_unspecified
    named = len(groups) < 3 and not any(map(str.isdecimal, text))
    return [] if nobody or named else [(match.start(), match.start() + len(text))]


# An expression begins with a set of letters and looks back after it: so its search skips text quickly.
_SHAPES = (
    Shape(
        "key",
        ("-----BEGIN ",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^-]++|-(?!----END ))*+(?:-----END [A-Z0-9 ]{0,40}+-----)?"
        ),
        _whole,
    ),
    Shape(
        "key",
        (
            *("AKIA", "ASIA", "AIDA", "AROA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
            *("glpat-", "_live_", "_test_", "sk-", "xox", "AIza", "hf_"),
        ),
        re.compile(
            r"[Aghsrpx](?<![^\W_].)(?:(?<=A)(?:KIA|SIA|IDA|ROA)[A-Z0-9]{16}(?![^\W_])|(?<=A)Iza[\w-]{35}"
            r"|(?<=g)(?:h[pousr]_[A-Za-z0-9]{36,}+|ithub_pat_\w{22,}+|lpat-[\w-]{20,}+)"
            r"|(?<=[srp])k_(?:live|test)_[A-Za-z0-9]{16,}+|(?<=s)k-[\w-]{20,}+"
            r"|(?<=x)ox[abeoprs]-[A-Za-z0-9-]{10,}+|(?<=h)f_[A-Za-z0-9]{30,}+)"
        ),
        _whole,
    ),
    Shape("key", ("://",), re.compile(r"://[^\s/:@]{1,64}+:([^\s/:@]{1,256}+)@"), _group),
    Shape(
        "bearer",
        ("earer ", "EARER ", "asic ", "ASIC ", "earer\t", "asic\t"),
        re.compile(r"[Bb](?<![^\W_].)(?:earer|EARER|asic|ASIC)[ \t]{1,4}([\w.~+/=-]{4,}+)"),
        _secret,
    ),
    Shape("bearer", ("eyJ",), re.compile(r"eyJ(?<![\w-]eyJ)[\w-]{6,}+\.[\w-]{6,}+(?:\.[\w-]*+)?"), _whole),
    Shape(
        "email",
        ("@",),
        re.compile(
            r"[\w.%+'-](?<![\w.%+'-]{2})[\w.%+'-]*+@(?:[^\W_][\w-]*+\.)+[^\W\d_][\w-]++"
        ),
        _email,
    ),
    Shape(
        "iban",
        (),
        re.compile(r"[A-Z](?<![^\W_].)[A-Z][0-9]{2}(?:[ \u00a0]?[A-Z0-9]){11,30}+"),
        _ibans,
    ),
    Shape(
        "card",
        (),
        re.compile(r"[0-9](?<![^\W_].)(?<![0-9]\..)(?:[ \u00a0-]?[0-9]){11,}+"),
        _cards,
    ),
    Shape(
        "ip",
        (".",),
        re.compile(r"[0-9](?<!\w.)(?<![0-9]\..)[0-9]{0,2}+(?:\.[0-9]{1,3}+){3}(?!\w|\.[0-9])"),
        _v4,
    ),
    Shape(
        "ip",
        (":",),
        re.compile(
            r"[0-9A-Fa-f:](?<![\w:].)(?=[0-9A-Fa-f]{0,3}:)(?:(?<=:)|[0-9A-Fa-f]{0,3}:)"
            r"(?:[0-9A-Fa-f]{0,4}+:){1,7}+(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:])"
        ),
        _v6,
    ),
)  # fmt: skip
#: every class by its name
CLASSES = tuple(dict.fromkeys(shape.name for shape in _SHAPES))


def shapes(names: Iterable[str]) -> list[Shape]:
    """The expressions of these classes, in the order in which they are looked for."""
    wanted = frozenset(names)
    return [shape for shape in _SHAPES if shape.name in wanted]
