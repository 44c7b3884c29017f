"""What a user says about redaction: a `[redact]` table, decoded and checked, and the key it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .headers import is_private
from .json_paths import parsed
from .patterns import CLASSES
from .sampling import Sample

Action = Literal["remove", "mask", "hash", "drop_request"]
Kind = Literal["bearer", "card", "email", "iban", "ip", "key"]

#: a shorter key could be found by trying
KEY_BYTES = 16
_ENV = "env:"
_FIELDS = ("request_id", "unit")
_FAMILIES = ("segments", "tags", "served_by")


class Pattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of the user's own: what `regex` finds is treated as `action` says."""

    regex: Annotated[
        str, Meta(min_length=1, description="A Python regular expression without a repeat in a repeat.")
    ]
    action: Action = "mask"


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is taken out of requests: values by their place, and texts of a class wherever they stand.

    `remove` takes the value away, `mask` puts a word in its place (0 for a number), `hash` a token that is
    the same wherever the same value stands, `drop_request` leaves the whole request out. Raises ValueError
    (a ValidationError when decoded) for what cannot be done.
    """

    key: Annotated[
        str,
        Meta(description='Where the key for `hash` is: "env:NAME", at least 16 bytes; later joins need it.'),
    ] = ""
    keep_headers: Annotated[
        tuple[str, ...],
        Meta(description="Headers to keep beside those known to be harmless; all others are left out."),
    ] = ()
    headers: Annotated[
        dict[str, Action], Meta(description="Header name to what is done with its value.")
    ] = {}
    query: Annotated[
        dict[str, Action], Meta(description="Name of a query parameter to what is done with its value.")
    ] = {}
    paths: Annotated[
        dict[str, Action],
        Meta(
            description="Place in a JSON body (`user.email`, `rows[].card`, `**.iban`), of the request, the "
            "answer or the logged features, to what is done with its value. A name is a form field, a CSV "
            "column, or the name of a tensor or column beside its values too."
        ),
    ] = {}
    fields: Annotated[
        dict[str, Action],
        Meta(
            description="Field of the record (`unit`, `request_id`, `segments.NAME`, `tags.NAME`, "
            "`served_by.NAME`) to what is done with its value; `unit` and `request_id` can be hashed only."
        ),
    ] = {}
    classes: Annotated[
        dict[Kind, Action | Literal["keep"]],
        Meta(description="Class of text to what is done with it wherever it stands; all others are masked."),
    ] = {}
    patterns: Annotated[dict[str, Pattern], Meta(description="Classes of your own by name.")] = {}
    keep_values: Annotated[
        tuple[str, ...], Meta(description="Texts that a class takes for what they are not: they stay.")
    ] = ()
    unreadable: Annotated[
        Literal["drop_request", "keep"],
        Meta(
            description="What is done with a body that is packed (br, zstd) and so cannot be searched, or "
            "that names the place of a rule and cannot be taken apart. Of an answer only the body goes."
        ),
    ] = "drop_request"

    def __post_init__(self) -> None:
        """Paths, names and expressions can be read, and what is to be hashed has a key."""
        for path in self.paths:
            parsed(path)
        for field, action in self.fields.items():
            _check_field(field, action)
        for name in (*self.keep_headers, *self.headers):
            if is_private(name):
                raise ValueError(f"header {name!r} may hold a credential: it is never kept")
        for name, pattern in self.patterns.items():
            _check_pattern(name, pattern.regex)
        if self.key and not (self.key.startswith(_ENV) and len(self.key) > len(_ENV)):
            raise ValueError('`key` says where the key is: "env:NAME"; the key itself is not written here')
        if self.hashes and not self.key:
            raise ValueError('something is to be hashed, and there is no key: write key = "env:NAME"')

    @property
    def hashes(self) -> bool:
        """Whether any rule hashes."""
        by_name = (self.headers, self.query, self.paths, self.fields, self.classes)
        own = (pattern.action for pattern in self.patterns.values())
        return "hash" in own or any("hash" in rules.values() for rules in by_name)

    def class_actions(self) -> dict[str, Action]:
        """What is done with each class that is not kept, the user's own first."""
        own: dict[str, Action] = {name: pattern.action for name, pattern in self.patterns.items()}
        for name in CLASSES:
            action = self.classes.get(name, "mask")  # type: ignore[call-overload]
            if action != "keep":
                own[name] = action
        return own

    def key_in(self, environ: Mapping[str, str]) -> bytes:
        """The key, empty where none is named; raises ValueError where it is missing or short."""
        if not self.key:
            return b""
        name = self.key.removeprefix(_ENV)
        key = environ.get(name, "").encode()
        if len(key) < KEY_BYTES:
            found = "is not set" if not key else f"has {len(key)} bytes"
            raise ValueError(
                f"the key of [redact] is in the environment variable {name}, which {found}: "
                f"it needs at least {KEY_BYTES}, for example of: openssl rand -hex 32"
            )
        return key


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of rules: what is redacted, and what is sampled."""

    redact: Rules | None = None
    sample: Sample | None = None


def policy(path: Path) -> Policy:
    """The rules of a TOML file; raises OSError, and ValueError for what it says wrongly."""
    return msgspec.toml.decode(path.read_bytes(), type=Policy)


def load(path: Path) -> Rules:
    """The `[redact]` table of a TOML file, or the rules of an empty one; raises as `policy`."""
    return policy(path).redact or Rules()


def _check_field(field: str, action: str) -> None:
    family, _, name = field.partition(".")
    if field in _FIELDS:
        if action not in ("hash", "drop_request"):
            raise ValueError(f"{field} can only be hashed: requests are told apart by it")
    elif family not in _FAMILIES or not name:
        known = ", ".join((*_FIELDS, *(f"{one}.NAME" for one in _FAMILIES)))
        raise ValueError(f"no field {field!r}; there are {known}")


def _check_pattern(name: str, regex: str) -> None:
    if name in CLASSES:
        raise ValueError(f"patterns.{name}: {name!r} is a class of ours; choose another name")
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"patterns.{name}: {regex!r} is no regular expression: {error}") from error
    if _runs_away(_PARSER.parse(regex)):
        raise ValueError(
            f"patterns.{name}: {regex!r} repeats what repeats, so that some texts would hold it for years: "
            "bound a repeat as {1,64}, or write it possessive as a++"
        )


#: how an expression is taken apart: Python's own reading of it, which has no public name
_PARSER: Any = import_module("re._parser")
#: repeats of more than so many are taken for unbounded
_BOUNDED = 1_000


def _runs_away(tree: Any, *, inside: bool = False) -> bool:  # noqa: ANN401  -- Python's own tree
    """Whether an unbounded repeat stands in another, neither of them possessive; nor in an atomic group."""
    for op, argument in tree:
        repeats = str(op) in {"MAX_REPEAT", "MIN_REPEAT"} and int(argument[1]) > _BOUNDED
        if repeats and inside:
            return True
        if any(_runs_away(part, inside=inside or repeats) for part in _parts(str(op), argument)):
            return True
    return False


def _parts(op: str, argument: Any) -> list[Any]:  # noqa: ANN401  -- Python's own tree
    """The trees within a node; what gives nothing back once it has matched begins anew."""
    match op:
        case "MAX_REPEAT" | "MIN_REPEAT":
            return [argument[2]]
        case "SUBPATTERN":
            return [argument[3]]
        case "BRANCH":
            return list(argument[1])
        case "GROUPREF_EXISTS":
            return [one for one in argument[1:] if one is not None]
        case _:
            return []
