"""A question and its answer."""

import pytest

from harness.diagnosis.exhibits.question import Question

ASKED = Question(key="k", title="t", question="?", steps=("concept",))


@pytest.mark.parametrize(("found", "word"), [(True, "found"), (False, "not found"), (None, "not checked")])
def test_an_answer_is_one_of_three_words(found: bool | None, word: str) -> None:  # noqa: FBT001  -- the parameter
    """The exhibit has all that the question says."""
    made = ASKED.answered("!", found=found)
    assert (made.key, made.title, made.question, made.steps) == ("k", "t", "?", ("concept",))
    assert (made.answer, made.found) == ("!", word)


def test_what_was_not_checked_says_why() -> None:
    """No table, no picture, the reason."""
    made = ASKED.unchecked("nobody knows")
    assert (made.found, made.why_not, made.tables, made.pictures) == ("not checked", "nobody knows", (), ())
