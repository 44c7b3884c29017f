"""Every number of the other packages is reproduced, and a wrong one would be seen."""

import pytest

from tests.simulations import diagnosis_vectors as vectors


@pytest.mark.parametrize("vector", vectors.all_vectors(), ids=lambda v: f"{v.source} {v.name}")
def test_every_number_is_reproduced(vector: vectors.Vector) -> None:
    """To 1e-9, the aim; the worst is 1.5e-12."""
    assert vector.error <= 1e-9


@pytest.mark.parametrize("vector", list(vectors.cbpe_vectors()), ids=lambda v: v.name)
def test_the_estimates_of_nannyml_are_reproduced(vector: vectors.Vector) -> None:
    """To 1e-8: NannyML rounds on the way."""
    assert vector.error <= 1e-8


def test_a_wrong_number_is_an_error() -> None:
    """What is measured can fail: .1 % off is .001."""
    off = vectors.Vector(source="made up", name="psi", theirs=2.0, ours=2.002)
    assert off.error == pytest.approx(1e-3)


def test_the_rows_reach_their_marks() -> None:
    """Both rows are below their floors, and the exact one below its aim."""
    exact, rounded = vectors.rows()
    assert exact["id"] == "vectors"
    assert float(str(exact["value"])) <= 1e-9
    assert float(str(rounded["value"])) <= 1e-8
