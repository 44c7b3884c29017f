"""What a user may say to a middleware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.capture import CaptureConfig
from harness.capture.live import Record, Recorder
from harness.capture.live.watch import Watch
from harness.capture.read import read


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
        ({"paths": []}, ("POST", "/"), False),
        ({"paths": []}, ("POST", ""), False),
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


def test_a_share_is_sampled_with_its_weight(tmp_path: Path) -> None:
    """A number is the share of calls that are kept; each then stands for several."""
    recorder = watch(tmp_path, sample=0.25).recorder
    for k in range(400):
        recorder.offer(Record(request_id=f"r{k}", ts_ns=1))
    recorder.close()
    kept = list(read(tmp_path, CaptureConfig(path="-"), on_bad=print))
    assert recorder.counts.not_sampled == 400 - len(kept)
    assert 50 < len(kept) < 150
    assert {one.sampling_weight for one in kept} == {4.0}


RULES = """
[redact]
key = "env:REDACTION_KEY"
paths = { "user.email" = "hash" }
"""


def test_rules_are_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `[redact]` table as everywhere; a key that is not there is said when the service starts."""
    (tmp_path / "rules.toml").write_text(RULES)
    with pytest.raises(ValueError, match="REDACTION_KEY, which is not set"):
        watch(tmp_path, redact=tmp_path / "rules.toml")
    monkeypatch.setenv("REDACTION_KEY", "k" * 32)
    recorder = watch(tmp_path / "calls", redact=str(tmp_path / "rules.toml")).recorder
    recorder.offer(Record(request_id="r", ts_ns=1, body=b'{"user": {"email": "a@b.pt"}}'))
    recorder.close()
    (one,) = read(tmp_path / "calls", CaptureConfig(path="-"), on_bad=print)
    assert b"a@b.pt" not in one.body
    assert one.tags["redacted"] == '["body:user.email"]'


def test_the_sample_of_the_rules_is_sampled(tmp_path: Path) -> None:
    """The file that `capture import` takes means the same here; another sample beside it is refused."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[sample]\nshare = 0.25\n")
    recorder = watch(tmp_path / "calls", redact=rules).recorder
    for k in range(400):
        recorder.offer(Record(request_id=f"r{k}", ts_ns=1))
    recorder.close()
    kept = list(read(tmp_path / "calls", CaptureConfig(path="-"), on_bad=print))
    assert 50 < len(kept) < 150
    assert {one.sampling_weight for one in kept} == {4.0}
    with pytest.raises(TypeError, match="sampled once"):
        watch(tmp_path / "calls", redact=rules, sample=0.5)
