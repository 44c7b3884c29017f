"""Work on many things at once: results in order, an error is raised."""

import threading

import pytest

from harness.diagnosis._threads import MAX_THREADS, at_once


def test_results_are_in_the_order_of_the_items() -> None:
    """However many there are."""
    for many in (0, 1, 2, 50):
        assert at_once(lambda one: one * one, list(range(many))) == [k * k for k in range(many)]


def test_a_single_item_needs_no_thread() -> None:
    """It is done where it was asked for, and never are there more threads than allowed."""
    assert at_once(lambda _: threading.get_ident(), [0]) == [threading.get_ident()]
    assert len({*at_once(lambda _: threading.get_ident(), list(range(100)))}) <= MAX_THREADS


def test_an_error_is_raised() -> None:
    """As it is."""
    with pytest.raises(ZeroDivisionError):
        at_once(lambda one: 1 // one, [1, 0, 2])
