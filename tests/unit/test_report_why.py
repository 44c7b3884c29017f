"""Three sentences of why: what fails first, then what is open, then what holds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.report import why
from tests.kit.sample_parts import parity
from tests.kit.sample_report import ALL, fifty, go, no_go, wait


@pytest.mark.parametrize("name", ALL)
def test_there_are_at_most_three(name: str) -> None:
    """Each leads to a part of the page."""
    said = why.sentences(ALL[name]())
    assert len(said) <= why.MOST
    assert all(one.place for one in said)


def test_what_fails_comes_first_and_what_holds_last() -> None:
    """Two failures with their figures, then one line of what passes."""
    first, second, last = why.sentences(no_go())
    assert first.text.startswith("Feature parity (vs offline) fails: 6,120 of 7,122 requests")
    assert (first.place, second.place, last.place) == ("features", "scores", "gates")
    assert last.text.startswith("What passes: completeness 0 % (≤ 0.1 %), model identity")
    assert "latency p95 3.12 ms (≤ 120 ms)" in last.text


def test_more_reasons_are_counted() -> None:
    """The third failing gate is not lost."""
    assert why.sentences(fifty())[1].text.endswith("And 1 more reason, in the table of gates.")


def test_a_reason_in_the_headline_is_not_said_again() -> None:
    """The headline of a WAIT is its gate's reason."""
    (only,) = why.sentences(wait())
    assert only.text.startswith("What passes:")


def test_a_go_is_told_by_its_proofs() -> None:
    """Parity and latency, each of which passes."""
    said = why.sentences(go())
    assert [one.place for one in said] == ["features", "latency"]
    assert all(" passes: " in one.text for one in said)


def test_what_is_said_of_several_arms_is_said_once() -> None:
    """Two arms with one reason are one sentence."""
    gates = (parity("challenger", 6120), replace(parity("challenger", 6120), arm="challenger vs champion"))
    (one,) = why.sentences(replace(no_go(), gates=gates))
    assert one.text.startswith("Feature parity (vs offline and vs champion) fails:")


@pytest.mark.parametrize(
    ("gate", "place"),
    [("latency_p95", "latency"), ("live_errors", "live"), ("label_guardrail", "quality"), ("new", "gates")],
)
def test_each_gate_has_its_part_of_the_page(gate: str, place: str) -> None:
    """One that is not known is told among the gates."""
    assert why.place(gate) == place
