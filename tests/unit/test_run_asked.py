"""The targets of a scenario as they are asked: columns of the protocol, else of the model."""

from pathlib import Path

import pytest

from harness.errors import ModelError
from harness.run.asked import asked
from harness.scenario import load
from tests.kit import small

URL = "http://127.0.0.1:8000/v2/models/m/infer"


@pytest.mark.parametrize(
    ("protocol", "columns"),
    [
        ("", ()),
        ('protocol = { kind = "oip-v2" }', small.FEATURES),
        ('protocol = { kind = "oip-v2", columns = ["b", "a"] }', ("b", "a")),
        ('protocol = { kind = "json", form = "list" }', small.FEATURES),
    ],
)
def test_a_protocol_without_columns_takes_those_of_the_model(
    protocol: str, columns: tuple[str, ...], tmp_path: Path
) -> None:
    """What the scenario declares goes before it, and a body that is sent as it is needs none."""
    path = small.scenario(small.make(tmp_path), URL)
    path.write_text(path.read_text().replace("connections = 2\n", f"connections = 2\n{protocol}\n", 1))
    assert asked(load(path), "challenger").protocol.columns == columns


def test_a_model_file_that_names_no_features_is_refused(tmp_path: Path) -> None:
    """Its order would be a guess."""
    path = small.scenario(small.make(tmp_path), URL)
    path.write_text(path.read_text().replace("connections = 2\n", 'protocol = { kind = "oip-v2" }\n', 1))
    (tmp_path / "model.txt").write_text("tree\nversion=v4\n")
    with pytest.raises(ModelError, match="feature_names"):
        asked(load(path), "challenger")
