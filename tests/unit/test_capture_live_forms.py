"""Forms and tables taken apart by their names, and put together byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.forms import delimiter, joined, pairs, table

TEXT = st.text("a=&;,\"'\r\n\t| é", max_size=40)


@given(text=TEXT, ruled=st.booleans())
def test_pairs_put_together_are_the_text(text: str, *, ruled: bool) -> None:
    """Whatever parts them."""
    assert joined(pairs(text, ruled=lambda name: ruled and name == "a")) == text


def test_a_value_of_a_rule_reaches_to_the_next_ampersand() -> None:
    """A semicolon may stand in it."""
    found = pairs("a=1;b=2;c&b;d=3", ruled=lambda name: name == "b")
    assert found == [("", "a=1"), (";", "b=2;c"), ("&", "b;d=3")]
    assert joined([("", None), ("&", "x"), (";", None), ("&", "y")]) == "x&y"
    assert joined([("", None)]) == ""


@given(TEXT)
def test_a_table_whose_cells_stay_is_the_text(text: str) -> None:
    """Quotes, lines of another length, a cut end."""
    found = table(text, rule=lambda _: "mask", cell=lambda cell, *, name, action: cell)  # noqa: ARG005  -- one signature
    assert found == text


@given(
    st.lists(st.lists(st.text('ab,;"\r\n ', max_size=4), min_size=2, max_size=2), min_size=1),
    st.sampled_from(",;\t|"),
)
def test_the_cells_of_a_column_are_found(rows: list[list[str]], mark: str) -> None:
    """Those that a reader of CSV finds, whatever they hold."""
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    text = "".join(mark.join(row) + "\r\n" for row in [["x", "ssn"], *quoted])
    seen: list[str] = []

    def cell(text: str, /, *, name: str, action: str) -> str:
        seen.append(text)
        return f"{name} {action}"

    found = table(text, rule={"ssn": "mask"}.get, cell=cell)
    assert seen == [row[1] for row in rows]
    after = [[row[0], '"ssn mask"'] for row in quoted]
    assert found == "".join(mark.join(row) + "\r\n" for row in [["x", "ssn"], *after])


@pytest.mark.parametrize(("line", "mark"), [("a", ","), ("a,b;c", ","), ("a;b,1;c", ";"), ('"a;b"|c', "|")])
def test_what_parts_the_cells(line: str, mark: str) -> None:
    """The mark that makes most of them."""
    assert delimiter(line) == mark
    assert table(line, rule=lambda _: None, cell=lambda cell, *, name, action: cell) is None  # noqa: ARG005  -- one signature
