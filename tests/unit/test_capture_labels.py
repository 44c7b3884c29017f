"""Label files: three formats, one meaning, and nothing guessed."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture import LabelColumn, PlacedLabel, read_labels
from harness.errors import LabelsError

AT = "2025-06-18T20:40:45Z"
AT_NS = 1_750_279_245_000_000_000
HEAD = "request_id,label,label_at\n"


def label(request_id: str, value: float, line: int, *, file: str, resolution_ns: int = 10**9) -> PlacedLabel:
    """A label of the one moment that these tests know."""
    return PlacedLabel(
        request_id=request_id,
        label=value,
        label_at_ns=AT_NS,
        resolution_ns=resolution_ns,
        file=file,
        line=line,
    )


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("l.csv", f"{HEAD}a,1,{AT}\nb,false,{AT}\n", (2, 3)),
        (
            "l.csv",
            f"\ufefflabel,label_at,request_id,x\r\nTrue,{AT},a,\r\n0.0,2025-06-18 22:40:45+02:00,b,y\r\n",
            (2, 3),
        ),
        ("l.csv", f'{HEAD}"a",1,{AT}\n"b",0,"{AT}"', (2, 3)),
        (
            "l.jsonl",
            f'{{"request_id":"a","label":1,"label_at":"{AT}"}}\n\n{{"request_id":"b","label":false,"label_at":"{AT}"}}\n',
            (1, 3),
        ),
    ],
    ids=["csv", "csv with mark, CRLF, other order", "csv with quotes", "jsonl"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_labels_are_read(
    tmp_path: Path, name: str, content: str, lines: tuple[int, int], *, packed: bool
) -> None:
    """0 and 1, true and false, zones other than UTC, extra columns, gzip: all one meaning."""
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    assert list(read_labels(path)) == [
        label("a", 1.0, lines[0], file=path.name),
        label("b", 0.0, lines[1], file=path.name),
    ]


@pytest.mark.parametrize(
    "values", [pa.array([True, False]), pa.array([1, 0], pa.int8()), pa.array([1.0, 0.0])], ids=str
)
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_parquet_labels_are_read(tmp_path: Path, values: pa.Array, unit: str) -> None:
    """Any number type and any unit of time; rows count from 0."""
    at = datetime(2025, 6, 18, 20, 40, 45, tzinfo=UTC)
    stamps = pa.array([at, at], pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "UTC"))
    path = tmp_path / "l.parquet"
    pq.write_table(
        pa.table({"request_id": ["a", "b"], "label": values, "label_at": stamps, "x": [1, 2]}), path
    )
    tick_ns = {"ms": 10**6, "us": 10**3, "ns": 1}[unit]
    assert list(read_labels(path)) == [
        label("a", 1.0, 0, file="l.parquet", resolution_ns=tick_ns),
        label("b", 0.0, 1, file="l.parquet", resolution_ns=tick_ns),
    ]


def test_parquet_labels_may_hold_times_as_text(tmp_path: Path) -> None:
    """RFC 3339 text means the same in every format."""
    path = tmp_path / "l.parquet"
    pq.write_table(pa.table({"request_id": ["a"], "label": [1], "label_at": [AT]}), path)
    assert list(read_labels(path)) == [label("a", 1.0, 0, file="l.parquet")]


def test_a_row_of_a_batch_request_is_named(tmp_path: Path) -> None:
    """`row_index` may be given for some labels and left open for others."""
    path = tmp_path / "l.csv"
    path.write_text(f"request_id,row_index,label,label_at\na,3,1,{AT}\na,,1,{AT}\n")
    assert [one.row_index for one in read_labels(path)] == [3, None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.csv", "", "no column 'request_id'; found no columns"),
        (
            "l.csv",
            f"request,label,label_at\na,1,{AT}\n",
            "no column 'request_id'; found request, label, label_at",
        ),
        ("l.csv", f"request_id,lable,label_at\na,1,{AT}\n", "Did you mean 'lable'?"),
        ("l.csv", "request_id;label;label_at\n", "no column 'request_id'; found request_id;label;label_at"),
        ("l.csv", f"{HEAD}a,2,{AT}\n", "l.csv:2: the label of request 'a' is neither 0 nor 1; found '2'"),
        ("l.csv", f"{HEAD}a,,{AT}\n", "Leave out requests whose label is not known yet."),
        ("l.csv", f"{HEAD}a,1,{AT}\nb,1\n", "l.csv:3: label_at of request 'b' is not a time; found None"),
        ("l.csv", f"{HEAD}a,1,2025-06-18T20:40:45\n", "found '2025-06-18T20:40:45' has no zone"),
        ("l.csv", f"{HEAD},1,{AT}\n", "l.csv:2: request_id is no text"),
        (
            "l.csv",
            f"request_id,label,label_at,row_index\na,1,{AT},x\n",
            "row_index of request 'a' is no integer",
        ),
        ("l.csv", f'{HEAD}"a"b,1,{AT}\n', "not CSV in UTF-8, or cut short"),
        ("l.jsonl", "{\n", "l.jsonl:1: not a JSON object"),
        ("l.jsonl", "[]\n", "l.jsonl:1: not a JSON object"),
        ("l.jsonl", f'{{"request_id":"a","lable":1,"label_at":"{AT}"}}', "l.jsonl:1: no column 'label'"),
        ("l.jsonl", f'{{"request_id":"a","label":"1","label_at":"{AT}"}}', "is neither 0 nor 1; found '1'"),
        ("l.jsonl", f'{{"request_id":"a","label":null,"label_at":"{AT}"}}', "is neither 0 nor 1; found None"),
        ("l.jsonl", f'{{"request_id":7,"label":1,"label_at":"{AT}"}}', "request_id is no text; found 7"),
        ("l.jsonl", '{"request_id":"a","label":1,"label_at":5}', "found 5 is not an RFC 3339 time"),
        ("l.jsonl", '{"request_id":"a","label":1,"label_at":null}', "label_at of request 'a' is not a time"),
        ("l.txt", "", "unknown kind of file; found .txt; expected .jsonl or .jsonl.gz or .csv"),
        ("l.parquet", "PAR1", "not a Parquet file, cut short, or damaged"),
    ],
)
def test_a_wrong_label_is_named_by_file_and_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    """No column is guessed, no label is skipped: the first thing wrong ends the reading in one clear line."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(LabelsError) as caught:
        list(read_labels(path))
    assert message in str(caught.value)
    assert name in caught.value.where
    assert caught.value.exit_code == 65


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [1], "label_at": [AT]}, "no column 'request_id'"),
        ({"request_id": [7], "label": [1], "label_at": [AT]}, "request_id is no text"),
        ({"request_id": ["a"], "label": [float("nan")], "label_at": [AT]}, "neither 0 nor 1; found nan"),
        ({"request_id": ["a"], "label": [1], "label_at": [datetime(2025, 6, 18)]}, "times without a zone"),  # noqa: DTZ001  -- the fault
        (
            {"request_id": ["a"], "label": [1], "label_at": pa.array([None], pa.timestamp("us", "UTC"))},
            "label_at of request 'a' is not a time",
        ),
    ],
)
def test_a_wrong_parquet_label_is_named(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    """The same words for columns as for lines."""
    path = tmp_path / "l.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(LabelsError) as caught:
        list(read_labels(path))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["l.csv.gz", "l.jsonl.gz"])
def test_a_cut_gzip_of_labels_ends_the_reading(tmp_path: Path, name: str) -> None:
    """Half of the labels would be a biased sample, so there is no share of loss that is allowed."""
    rows = [f"r{n**5},1,{AT}" for n in range(3_000)]
    if name == "l.jsonl.gz":
        rows = [f'{{"request_id":"{row.split(",")[0]}","label":1,"label_at":"{AT}"}}' for row in rows]
    packed = gzip.compress((HEAD * (name == "l.csv.gz") + "\n".join(rows)).encode())
    path = tmp_path / name
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(LabelsError, match=r"cut short|truncated gzip"):
        list(read_labels(path))


def test_a_missing_file_is_told_with_what_is_nearby(tmp_path: Path) -> None:
    """The user sees the name they meant."""
    (tmp_path / "labels.csv").touch()
    with pytest.raises(LabelsError, match=r"no such file\. Did you mean 'labels\.csv'"):
        list(read_labels(tmp_path / "label.csv"))


SEVERAL = (LabelColumn("bought", "bought"), LabelColumn("revenue", "eur", binary=False))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.csv", f"request_id,bought,eur,label_at\na,1,,{AT}\na,, -2.5e1,{AT}\n"),
        (
            "l.jsonl",
            f"""{{"request_id":"a","bought":true,"label_at":"{AT}"}}
                {{"request_id":"a","bought":null,"eur":-25,"label_at":"{AT}"}}""",
        ),
    ],
)
def test_several_outcomes_stand_in_columns_of_their_own(tmp_path: Path, name: str, content: str) -> None:
    """A row says what is known by then: an empty cell is not known yet, a number may be any finite one."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    found = [(one.outcome, one.label) for one in read_labels(path, SEVERAL)]
    assert found == [("bought", 1.0), ("revenue", -25.0)]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,2,,{AT}", "the bought of request 'a' is neither 0 nor 1"),
        ("a,1,much,{AT}", "the eur of request 'a' is no number of a usual size"),
        ("a,1,1e200,{AT}", "the eur of request 'a' is no number of a usual size"),
        ("a,1,nan,{AT}", "the eur of request 'a' is no number of a usual size"),
        ("a,,,{AT}", "the bought of request 'a' is neither 0 nor 1"),
    ],
)
def test_a_cell_that_is_no_label_of_its_outcome_is_refused(tmp_path: Path, row: str, told: str) -> None:
    """By its own column, and a row that knows nothing is no row."""
    path = tmp_path / "l.csv"
    path.write_text(f"request_id,bought,eur,label_at\n{row.format(AT=AT)}\n", encoding="utf-8")
    with pytest.raises(LabelsError, match=told):
        list(read_labels(path, SEVERAL))


def test_a_missing_outcome_column_is_named(tmp_path: Path) -> None:
    """With what is there."""
    path = tmp_path / "l.csv"
    path.write_text(f"request_id,bought,euro,label_at\na,1,2,{AT}\n", encoding="utf-8")
    with pytest.raises(LabelsError, match="no column 'eur'"):
        list(read_labels(path, SEVERAL))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.csv", f"request_id,label,label_at,revision\na,1,{AT},\na,0,{AT},2\n"),
        (
            "l.jsonl",
            (
                f'{{"request_id":"a","label":1,"label_at":"{AT}"}}\n'
                f'{{"request_id":"a","label":0,"label_at":"{AT}","revision":2}}\n'
            ),
        ),
    ],
)
def test_revisions_are_read(tmp_path: Path, name: str, content: str) -> None:
    """A row without one is the first; what is no integer is an error."""
    (tmp_path / name).write_text(content)
    assert [(one.label, one.revision) for one in read_labels(tmp_path / name)] == [(1.0, 0), (0.0, 2)]
    (tmp_path / name).write_text(content.replace("2\n", '"x"\n').replace("2}", '"x"}'))
    with pytest.raises(LabelsError, match="revision of request 'a' is no integer"):
        list(read_labels(tmp_path / name))
