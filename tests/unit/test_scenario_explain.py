"""A decoder's complaint becomes a line with the exact place, what was found and what may stand there."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest

from harness.scenario.explain import did_you_mean, explain


class Loop(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="loop"
):
    """A tagged table."""

    speed: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Once(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="once"
):
    """Another one."""

    count: int


class Arm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table by name."""

    url: str
    pace: Loop | Once = Loop()
    headers: dict[str, Annotated[str, msgspec.Meta(max_length=3)]] = {}

    def __post_init__(self) -> None:
        """Raises ValueError for a url of one kind."""
        if self.url == "ftp":
            raise ValueError("no ftp")


Name = Annotated[str, msgspec.Meta(pattern="^[a-z.]+$")]


class Root(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file."""

    name: str
    arms: dict[Name, Arm] = {}
    steps: tuple[Arm, ...] = ()
    until: str | None = None


def told(raw: dict[str, Any]) -> str:
    """The line about a file, which has at least a name unless told otherwise."""
    document = {"name": "x"} | raw
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(document, Root, strict=True)
    return explain(caught.value, document, root=Root, where="f").sentence()


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            {"nme": 1},
            "f: $.nme: unknown word 'nme'; expected one of arms, name, steps, until. Did you mean 'name'?",
        ),
        ({"name": 3}, "f: $.name: wrong type; found a whole number; expected text in quotes"),
        ({"until": 3}, "f: $.until: wrong type; found a whole number; expected text in quotes"),
        (
            {"arms": {"a": {"url": "u"}, "b": {"url": "u", "ulr": 1}}},
            "f: $.arms.b.ulr: unknown word 'ulr'; expected one of headers, pace, url. Did you mean 'url'?",
        ),
        ({"arms": {"a": {"url": "u"}, "b": {}}}, "f: $.arms.b: the word 'url' is missing"),
        (
            {"arms": {"a.b": {"url": 1}}},
            'f: $.arms."a.b".url: wrong type; found a whole number; expected text in quotes',
        ),
        ({"arms": {"a": {"url": "u"}, "b": {"url": "ftp"}}}, "f: $.arms.b: no ftp"),
        (
            {"arms": {"a": {"url": "u"}, "B": {"url": "u"}}},
            "f: $.arms.B: not allowed here; found 'B'; expected text in quotes matching regex '^[a-z.]+$'",
        ),
        (
            {"steps": [{"url": "u"}, {"url": "u", "pace": {"kind": "lop"}}]},
            "f: $.steps[1].pace.kind: unknown kind 'lop'; expected one of loop, once. Did you mean 'loop'?",
        ),
        (
            {"steps": [{"url": "u", "pace": {}}]},
            "f: $.steps[0].pace: the word 'kind' is missing. One of loop, once.",
        ),
        (
            {"steps": [{"url": "u", "pace": {"kind": "once", "speed": 1}}]},
            "f: $.steps[0].pace.speed: unknown word 'speed'; expected one of count, kind",
        ),
        (
            {"steps": [{"url": "u", "pace": {"kind": "loop", "speed": -1}}]},
            "f: $.steps[0].pace.speed: not allowed here; found -1; expected a number > 0.0",
        ),
        ({"steps": {"url": "u"}}, "f: $.steps: wrong type; found a table; expected a list"),
    ],
)
def test_a_complaint_is_told_with_its_place(raw: dict[str, Any], line: str) -> None:
    """The words of a TOML file, not of a decoder; the key that is wrong, not any."""
    assert told(raw) == line


def test_a_value_that_may_be_a_secret_is_not_shown() -> None:
    """Headers hold tokens; the place is enough."""
    line = told({"arms": {"a": {"url": "u", "headers": {"authorization": "s3cr3t"}}}})
    assert line.startswith(
        "f: $.arms.a.headers.authorization: not allowed here; found a value that is not shown"
    )
    assert "s3cr3t" not in line


@pytest.mark.parametrize(("word", "hint"), [("thresold", "Did you mean 'threshold'?"), ("zzz", ""), ("", "")])
def test_a_near_word_is_offered_and_a_far_one_is_not(word: str, hint: str) -> None:
    """A wrong hint is worse than none."""
    assert did_you_mean(word, ["threshold", "seed"]) == hint
