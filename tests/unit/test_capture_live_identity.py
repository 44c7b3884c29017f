"""Ids of calls and hashes of models."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.capture.live.identity import model_hash, request_id_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-request-id": " r7 ", "traceparent": f"00-{TRACE}-{SPAN}-01"}, "r7"),
        ({"x-request-id": "", "traceparent": f"00-{TRACE}-{SPAN}-01"}, f"{TRACE}-{SPAN}"),
    ],
)
def test_the_callers_id_comes_first(headers: dict[str, str], found: str) -> None:
    """The header that is made for it, then the trace with its span, since one trace has many calls."""
    assert request_id_of(headers) == found


@pytest.mark.parametrize("headers", [{}, {"traceparent": "00-nonsense"}, {"x-request-id": "  "}])
def test_a_call_without_an_id_gets_a_random_one(headers: dict[str, str]) -> None:
    """128 random bits, so that no two processes give the same."""
    first, second = request_id_of(headers), request_id_of(headers)
    assert first != second
    assert len(bytes.fromhex(first)) == 16


def test_the_hash_of_a_model_is_that_of_its_file(tmp_path: Path) -> None:
    """The same word that `sha256sum` says."""
    (tmp_path / "model.txt").write_bytes(b"tree\n")
    assert model_hash(tmp_path / "model.txt") == hashlib.sha256(b"tree\n").hexdigest()
