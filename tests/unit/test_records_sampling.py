"""What a sampled capture says of its traffic."""

import pytest

from harness.records import Sampled


@pytest.mark.parametrize(
    ("low", "high", "uneven"), [(1.0, 1.0, False), (20.0, 20.0, False), (1.0, 9.0, True)]
)
def test_a_sample_of_equal_weights_is_even(low: float, high: float, *, uneven: bool) -> None:
    """Shares of it are shares of the traffic."""
    found = Sampled(requests=3, low=low, high=high, mean=low, effective=3.0)
    assert found.uneven is uneven
