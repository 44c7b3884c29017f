"""What came before is known, one by one or many at once, however many."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.seen import Seen, key_of, keys_of

KEY = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-8, 8), st.integers(1, 5).map(lambda n: n << 20)
).map(lambda key: key or 1)


@given(batches=st.lists(st.lists(KEY, max_size=20), max_size=6))
def test_it_is_a_set(batches: list[list[int]]) -> None:
    """Keys alone and in batches, also such as want one place in the table, are new once."""
    seen, known = Seen(), set[int]()
    for number, keys in enumerate(batches):
        expected = []
        for key in keys:
            expected.append(key not in known)
            known.add(key)
        found = list(map(seen.add, keys)) if number % 2 else seen.first(np.array(keys, np.int64)).tolist()
        assert found == expected


def test_it_grows() -> None:
    """In batches that are larger than it was, and one by one, nothing is forgotten."""
    keys = np.random.default_rng(1).integers(1, 2**62, 50_000)
    seen = Seen()
    assert seen.first(keys[:30_000]).all()
    assert all(map(seen.add, keys[30_000:].tolist()))
    assert not seen.first(keys).any()
    assert all(key in seen for key in keys.tolist())
    assert key_of("never") not in seen


def test_rows_of_one_id_differ() -> None:
    """The id alone, and each of its rows; none of them has the key that means an empty place."""
    assert len({key_of("a"), key_of("a", 0), key_of("a", 1), key_of("b")}) == 4
    assert keys_of(["a", "b", ""]).tolist() == [key_of("a"), key_of("b"), key_of("")]
    assert 0 not in keys_of([""])
