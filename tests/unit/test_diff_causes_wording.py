"""How parameters read."""

import pytest

from harness.diff.causes.wording import age, higher, meaning, spoken, times


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (times(1000.0), "as 1,000 times"),
        (times(1 / 60), "as 1/60 of"),
        (times(0.37), "as 0.37 times"),
        (higher(-3600.0), "3,600 lower"),
        (meaning(1e-3), " (such as seconds for milliseconds)"),
        (meaning(1.23), ""),
        (age(93_600.0), "26 h"),
        (age(200_000.0), "2.31 d"),
        (age(59.0), "59 s"),
        (age(90.0), "1.5 min"),
        (spoken("a"), '"a"'),
        (spoken(0.5), "0.5"),
    ],
)
def test_words(said: str, words: str) -> None:
    """Short, with units."""
    assert said == words
