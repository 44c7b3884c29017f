"""The schema and the page follow from the types: every table, every word, links that lead somewhere."""

from __future__ import annotations

import re
import tomllib

import jsonschema
import pytest

from harness.scenario import markdown, schema
from harness.scenario.document import EXAMPLE


def test_the_schema_takes_the_example_and_refuses_a_wrong_word() -> None:
    """An editor sees what `check` would say."""
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    example = tomllib.loads(EXAMPLE)
    validator.validate(example)
    assert not validator.is_valid(example | {"thresold": 1})
    assert not validator.is_valid({k: v for k, v in example.items() if k != "capture"})


def test_the_example_is_short_enough_for_a_first_look() -> None:
    """A scenario for one's own service needs at most 25 lines."""
    assert len(EXAMPLE.splitlines()) <= 25


def test_every_link_of_the_page_leads_to_a_heading() -> None:
    """Anchors are made as GitHub makes them: lower case, no punctuation, - for blanks."""
    page = markdown()
    headings = re.findall(r"^## (.*)$", page, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
    assert len(anchors) == len(headings)
    assert set(re.findall(r"\(#([^)]*)\)", page)) <= anchors


@pytest.mark.parametrize(
    "heading",
    [
        "The top of the file",
        "`[capture]`",
        "`[models.NAME]`",
        '`[targets.NAME]`, `kind = "http"`',
        '`[targets.NAME]`, `kind = "recorded"`',
        "`[targets.NAME.response]`",
        "`[[phases]]`",
        '`[phases.pace]`, `kind = "saturate"`',
        "`[tolerance.features.NAME]`",
        "`[labels]`",
        "`[decision]`",
        "`[safety]`",
    ],
)
def test_the_page_has_a_section_for_each_table(heading: str) -> None:
    """Named as the table is written in the file."""
    assert f"\n## {heading}\n" in markdown()


@pytest.mark.parametrize(
    "row",
    [
        "| `threshold` | number | `0.5` |",
        "| `name` | text | required |",
        "| `labels` | [table](#labels) | none |",
        "| `phases` | list of [table](#phases) | `parity` and `latency` |",
        "| `features` | true or false | `true` |",
        '| `debug_headers` | by name: text | `{ X-Debug-Features = "1" }` |',
    ],
)
def test_a_word_stands_with_type_and_default_as_toml_writes_them(row: str) -> None:
    """No Python shows through."""
    assert row in markdown()
    assert "NoneType" not in markdown()
    assert "Type |" not in markdown()
