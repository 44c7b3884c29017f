"""The nouns of a diagnosis."""

import msgspec
import pytest

from harness.records import Diagnosis, Exhibit, Number, Table, TableColumn


@pytest.mark.parametrize(
    ("number", "excluded"),
    [
        (Number(value=0.1, lower=0.05, upper=0.2), True),
        (Number(value=-0.1, lower=-0.2, upper=-0.05), True),
        (Number(value=0.1, lower=0.0, upper=0.2), False),
        (Number(value=0.1), False),
        (Number(value=0.1, lower=0.05), False),
    ],
)
def test_a_number_excludes_zero_only_by_its_interval(number: Number, *, excluded: bool) -> None:
    """Without both ends nothing is excluded."""
    assert number.excludes_zero() is excluded


def test_a_diagnosis_reads_back_as_it_was_written() -> None:
    """Every kind of cell keeps its kind."""
    cells = ("a", 1, 0.5, True, Number(value=0.1, lower=0.0, upper=0.2), None)
    table = Table(columns=tuple(TableColumn(name=str(k)) for k in range(len(cells))), rows=(cells,))
    made = Diagnosis(
        scenario="s",
        run_id="r",
        created_at="",
        as_of="",
        version="0",
        exhibits=(
            Exhibit(key="k", title="t", question="?", answer="!", found="not checked", tables=(table,)),
        ),
    )
    assert msgspec.json.decode(msgspec.json.encode(made), type=Diagnosis) == made
