"""What real servers say when they refuse, in a few words that hold no input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayers.refusals import CHARS, covered, words

LIGHTGBM = (
    "LightGBMError: The number of features in data (29) is not the same as it was in training data (30).\n"
    "You can set ``predict_disable_shape_check=true`` to discard this error"
)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"error": "Model nope not found"}, "Model nope not found"),
        ({"error": LIGHTGBM}, LIGHTGBM[:CHARS]),
        (
            {"error": "ValueError : If using all scalar values, you must pass an index"},
            "ValueError : If using",
        ),
        (
            {
                "detail": [
                    {"type": "missing", "loc": ["body", "a"], "msg": "Field required", "input": {"x": 1}}
                ]
            },
            "body.a: Field required",
        ),
        (
            {"detail": [{"loc": ["body", 0], "msg": "Invalid"}, {"loc": [], "msg": "b"}, {}]},
            "body.0: Invalid (and 2 more)",
        ),
        ({"detail": "Internal server error"}, "Internal server error"),
        (
            {
                "error_code": "BAD_REQUEST",
                "message": "Failed to predict data '   mean_radius  20.48 a b c d e f'",
            },
            "Failed to predict data …",
        ),
        ({"code": 500, "type": "InternalServerException", "message": "Worker died."}, "Worker died."),
        ({"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}, "bad"),
        ({"ErrorCode": "E", "Message": "Received client error (400)"}, "Received client error (400)"),
        ("Internal Server Error", "Internal Server Error"),
        ({"error": 3}, ""),
        ({"detail": []}, ""),
        ([[]], ""),
        ({"error": {"error": {"error": {"error": "deep"}}}}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_the_message_of_each_server_is_found(document: object, said: str) -> None:
    """Wherever it keeps it."""
    assert words(document).startswith(said)
    assert bool(words(document)) == bool(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("got 20.48 and 1e5", "got … and 1e5"),
        ("could not convert -1.5e-7", "could not convert …"),
        ("user 4915112345678 is unknown", "user … is unknown"),
        ("no account for jane.doe@example.com", "no account for …"),
        ("row '12, 13, 14, 15, 16, 17, 18' is bad", "row … is bad"),
        ("data (29) is not (30)", "data (29) is not (30)"),
        ("a\x00b\n\tc", "a b c"),
    ],
)
def test_values_in_a_message_are_covered(text: str, said: str) -> None:
    """Numbers that may be of the input, addresses, long quotations; counts stay."""
    assert covered(text) == said


@given(st.text())
def test_a_message_is_one_short_line(text: str) -> None:
    """Whatever the server wrote."""
    said = covered(text)
    assert len(said) <= CHARS
    assert said.isprintable()
