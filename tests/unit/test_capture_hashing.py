"""Labels hashed with the key of a capture: their ids are those of its requests."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture.hashing import hash_file
from harness.capture.live.redaction import Parts, Redactor
from harness.capture.live.rules import Rules
from harness.errors import LabelsError, UsageError

REDACTOR = Redactor(
    Rules(key="env:K", fields={"request_id": "hash", "unit": "hash"}), b"a key of at least 16 bytes"
)
ROWS = [{"request_id": "r1", "unit": "u", "label": 1}, {"request_id": "r2", "unit": "v", "label": 0}]


def written(path: Path) -> Path:
    """The rows as a file of the kind of its ending."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return path
    csv = "request_id,unit,label\n" + "".join(",".join(map(str, row.values())) + "\n" for row in ROWS)
    text = csv if ".csv" in path.name else "".join(json.dumps(row) + "\n\n" for row in ROWS)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["l.csv", "l.csv.gz", "l.jsonl", "l.jsonl.gz", "l.parquet"])
def test_the_ids_are_those_of_a_redacted_capture(tmp_path: Path, name: str) -> None:
    """In every kind of file, and the rest is as it was."""
    target = tmp_path / f"out-{name}"
    assert hash_file(written(tmp_path / name), target, redactor=REDACTOR, names=["request_id", "unit"]) == 2
    after = REDACTOR.parts(Parts(request_id="r1", unit="u"))
    assert after is not None
    if name.endswith(".parquet"):
        found = pq.read_table(target).to_pylist()
    else:
        raw = gzip.decompress(target.read_bytes()) if name.endswith(".gz") else target.read_bytes()
        lines = raw.decode().splitlines()
        names = lines[0].split(",")
        found = (
            [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
            if ".csv" in name
            else [json.loads(line) for line in lines]
        )
    assert [(row["request_id"], row["unit"], str(row["label"])) for row in found] == [
        (after.request_id, after.unit, "1"),
        (REDACTOR.name("r2"), REDACTOR.name("v", "unit"), "0"),
    ]


@pytest.mark.parametrize("name", ["l.csv", "l.jsonl", "l.parquet"])
def test_rules_that_hash_nothing_are_refused(tmp_path: Path, name: str) -> None:
    """The labels would join nothing; ids that are hashed already, and some of a class, are enough."""
    source, target = written(tmp_path / name), tmp_path / f"o-{name}"
    classes = Redactor(Rules(key="env:K", classes={"email": "hash"}), b"a key of at least 16 bytes")
    with pytest.raises(LabelsError, match="leave the column 'request_id' as it is"):
        hash_file(source, target, redactor=classes, names=["request_id"])
    assert not target.exists()
    hash_file(source, target, redactor=REDACTOR, names=["request_id"])
    assert hash_file(target, tmp_path / f"p-{name}", redactor=classes, names=["request_id"]) == 2


def test_the_only_plain_copy_is_not_written_over(tmp_path: Path) -> None:
    """Not by another name for it either."""
    source = written(tmp_path / "l.csv")
    (tmp_path / "same.csv").symlink_to(source)
    for target in (source, tmp_path / "same.csv"):
        with pytest.raises(UsageError, match="written over"):
            hash_file(source, target, redactor=REDACTOR, names=["request_id"])


def test_a_row_of_another_length_is_refused(tmp_path: Path) -> None:
    """A cell that is lost would be lost in silence; an empty line is none."""
    (tmp_path / "l.csv").write_text("request_id,label\nr1,1\n\nr2,1,extra\n")
    with pytest.raises(LabelsError, match=r"l\.csv:4"):
        hash_file(tmp_path / "l.csv", tmp_path / "o.csv", redactor=REDACTOR, names=["request_id"])


def test_what_cannot_be_hashed_is_refused(tmp_path: Path) -> None:
    """A column that is not there, another kind of file, a line that is no object, an id without a key."""
    source = written(tmp_path / "l.csv")
    with pytest.raises(UsageError, match="no column 'id'"):
        hash_file(source, tmp_path / "o.csv", redactor=REDACTOR, names=["id"])
    with pytest.raises(UsageError, match="another kind of file"):
        hash_file(source, tmp_path / "o.parquet", redactor=REDACTOR, names=["request_id"])
    with pytest.raises(LabelsError, match="no such file"):
        hash_file(tmp_path / "n.csv", tmp_path / "o.csv", redactor=REDACTOR, names=["request_id"])
    (tmp_path / "b.jsonl").write_text("[]\n")
    with pytest.raises(LabelsError, match="not a JSON object"):
        hash_file(tmp_path / "b.jsonl", tmp_path / "o.jsonl", redactor=REDACTOR, names=["request_id"])
    (tmp_path / "m.jsonl").write_text('{"request_id":"bob@x.org"}\n')
    with pytest.raises(LabelsError, match="there is no key"):
        hash_file(
            tmp_path / "m.jsonl", tmp_path / "o.jsonl", redactor=Redactor(Rules()), names=["request_id"]
        )
