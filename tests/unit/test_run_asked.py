"""The targets of a scenario as they are asked: columns of the protocol, else of the model."""

import re
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


def test_a_log_of_features_knows_the_categories_of_the_model(tmp_path: Path) -> None:
    """A log of CSV has no types; what the scenario declares goes before the model."""
    path = small.scenario(small.make(tmp_path), URL)
    model, whole = (tmp_path / "model.txt").read_text(), path.read_text()
    (tmp_path / "model.txt").write_text(
        re.sub(r"(?m)^feature_infos=.*$", "feature_infos=[0:1] 1:2 [0:1]", model)
    )
    for declared, found in (("", small.FEATURES[1:2]), (', text_columns = ["a"]', ("a",))):
        line = f'feature_log = {{ path = "x.csv"{declared} }}\n'
        path.write_text(whole.replace("connections = 2\n", f"connections = 2\n{line}", 1))
        log = asked(load(path), "challenger").feature_log
        assert log is not None
        assert (log.columns, log.text_columns) == (small.FEATURES, found)
