"""What a user may say to a middleware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.capture.live import Recorder
from harness.capture.live.watch import Watch


def watch(folder: Path, **options: Any) -> Watch:  # noqa: ANN401  -- options as a user gives them
    """A watch on a folder."""
    return Watch(folder, None, options=options)  # type: ignore[arg-type]  # wrong ones too


@pytest.mark.parametrize(
    ("options", "call", "wanted"),
    [
        ({}, ("GET", "/any"), True),
        ({"methods": ["post", "PUT"]}, ("POST", "/"), True),
        ({"methods": "POST"}, ("GET", "/"), False),
        ({"methods": []}, ("GET", "/"), False),
        ({"paths": "/predict"}, ("POST", "/predict"), True),
        ({"paths": ["/predict"]}, ("POST", "/predict/"), False),
        ({"paths": ["/predict"]}, ("POST", "/v1/predict"), False),
        ({"paths": ["/v?/*", "/x"]}, ("POST", "/v2/models/m/infer"), True),
        ({"paths": ["/a.b"]}, ("POST", "/a-b"), False),
    ],
)
def test_which_calls_are_wanted(
    tmp_path: Path, *, options: dict[str, Any], call: tuple[str, str], wanted: bool
) -> None:
    """Without a word all are; a path means itself, but for its `*` and `?`."""
    assert watch(tmp_path, **options).wants(*call) is wanted


def test_what_is_no_option_is_refused_at_the_start(tmp_path: Path) -> None:
    """A misspelt option must not record what it was to leave out."""
    with pytest.raises(TypeError, match="no option 'path'; there are echo_id, max_body_bytes"):
        watch(tmp_path, path="/predict")


def test_it_must_be_said_where_to_record() -> None:
    """Neither a folder nor a recorder: said when the service starts, not with its first call."""
    with pytest.raises(TypeError, match="say where to record"):
        Watch(None, None, options={})


def test_a_recorder_of_ones_own_excludes_what_it_has(tmp_path: Path) -> None:
    """A folder beside a recorder would be ignored, so it is refused."""
    with pytest.raises(TypeError, match="has its folder"):
        Watch(tmp_path, Recorder(tmp_path), options={})


@pytest.mark.parametrize(("model", "said"), [("abc", {"model": "abc"}), ({"build": "v7"}, {"build": "v7"})])
def test_a_model_is_a_hash_or_a_mapping(tmp_path: Path, *, model: Any, said: dict[str, str]) -> None:  # noqa: ANN401  -- either
    """A lone text is the hash of the model."""
    assert watch(tmp_path, model=model).served_by == said
