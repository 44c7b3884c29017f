"""The `[capture]` table of a scenario: defaults, ranges, unknown words, and its schema."""

import msgspec
import pytest

from harness.capture import CaptureConfig
from harness.capture.config import expressions


def test_only_the_path_is_required() -> None:
    """Everything else has a default that is right: all requests, one bad line in a thousand."""
    config = msgspec.toml.decode('path = "capture.jsonl"', type=CaptureConfig)
    assert config == CaptureConfig(path="capture.jsonl")
    assert (config.max_bad_share, config.sample, config.unit, config.segments) == (0.001, 1.0, None, {})


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("smaple = 0.5", "unknown field `smaple`"),
        ("sample = 0", "> 0.0 - at `\\$.sample`"),
        ("sample = 1.5", "<= 1.0 - at `\\$.sample`"),
        ("sample = nan", "- at `\\$.sample`"),
        ("max_bad_share = -0.1", "- at `\\$.max_bad_share`"),
        ("max_bad_share = nan", "- at `\\$.max_bad_share`"),
        ('max_bad_share = "1 %"', "Expected `float`, got `str`"),
        ('unit = "a..b"', "`unit` is not a JMESPath expression: 'a..b'"),
        ('event_time = "["', "`event_time` is not a JMESPath expression"),
        ('segments = {agent = "]"}', "`segments.agent` is not a JMESPath expression"),
    ],
)
def test_a_wrong_word_or_value_is_refused_by_name(line: str, why: str) -> None:
    """A misspelt key is no default, and a broken expression shows before the run."""
    with pytest.raises(msgspec.ValidationError, match=why):
        msgspec.toml.decode(f'path = "capture.jsonl"\n{line}', type=CaptureConfig)


def test_every_expression_is_listed_by_its_key() -> None:
    """The keys are those that a message about the expression names."""
    config = CaptureConfig(path="x", unit="user", segments={"agent": "a.b"}, event_time="t")
    assert expressions(config) == {"unit": "user", "event_time": "t", "segments.agent": "a.b"}
    assert expressions(CaptureConfig(path="x")) == {}


def test_the_schema_explains_every_field() -> None:
    """An editor that completes the scenario shows a sentence for each key."""
    properties = msgspec.json.schema(CaptureConfig)["$defs"]["CaptureConfig"]["properties"]
    assert set(properties) == set(CaptureConfig.__struct_fields__)
    assert [name for name, one in properties.items() if not one.get("description")] == []
