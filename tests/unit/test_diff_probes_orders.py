"""Orders of columns: those with a name, all of few columns, and one that is looked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diff.probes.model import Layout, Probed, layout_of
from harness.diff.probes.orders import MOST_PERMUTED, fitted_order, order_probes
from harness.diff.probes.probe import Case, Probe, predictions
from harness.diff.scores import as_column
from tests.kit.probed import NAMES, World, vectors

WORLD = World()


def layout(**changed: object) -> Layout:
    """That of the kit's model, with some of it otherwise."""
    found = layout_of(WORLD.model)
    assert found is not None
    return replace(found, **changed)  # type: ignore[arg-type]  # as the test says


def order_of(probe: Probe) -> tuple[int, ...]:
    """The columns in the order that a probe reads them."""
    row = Case(WORLD.pair(WORLD.offline), WORLD.model, layout()).at(np.array([0]))
    object.__setattr__(row, "vectors", np.arange(5.0)[None, :])
    return tuple(int(j) for j in probe.change(row)[0])


def test_every_order_of_five_columns_is_tried_once() -> None:
    """120 less the model's own and those swaps that have no other name: swaps are probes of their own."""
    orders = [order_of(probe) for probe in order_probes(layout())]
    assert len(set(orders)) == len(orders)
    assert len(orders) == 120 - 1 - 10 + sum(map(_is_swap, orders))


def _is_swap(order: tuple[int, ...]) -> bool:
    return sum(place != j for place, j in enumerate(order)) == 2


def test_the_order_of_the_request_is_told_as_such() -> None:
    """Where the requests hold the model's features, whatever else they hold; not where one is lacking."""
    asked = ("user", "rate", "size", "agent", "lang", "age")
    found = layout_of(replace(WORLD.model, orders={"in the order of the request": asked}))
    assert found is not None
    assert found.orders == {"in the order of the request": (3, 0, 4, 1, 2)}
    told = next(p for p in order_probes(found) if p.name == "columns_by_position")
    assert told.phrase == "reads its columns by position, in the order of the request"
    lacking = layout_of(replace(WORLD.model, orders={"in the order of the request": asked[:-1]}))
    assert lacking is not None
    assert lacking.orders == {}


def test_capitals_make_another_alphabet() -> None:
    """Both ways of sorting names are tried, once where they come to the same."""
    names = ("b", "Z", "c", "lang", "agent")
    named = [p.phrase for p in order_probes(layout(names=names)) if p.name == "columns_alphabetical"]
    assert named == [
        "reads its columns in alphabetical order",
        "reads its columns in alphabetical order, capital or not",
    ]


def wide(order: tuple[int, ...], *, spoilt: float = 1.0) -> Case:
    """A model of eight numbers that is fed with its columns in an order, on a share of the requests."""
    rng = np.random.default_rng(5)
    made = rng.normal(0, 1, (80, 8)) * np.arange(1, 9)
    weights = np.linspace(0.9, -0.7, 8) / np.arange(1, 9)
    names = tuple("hgfedcba")

    def predict(matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]], **_: object) -> object:
        return 1 / (1 + np.exp(-(np.tanh(matrix) @ weights + np.floor(matrix) @ weights)))

    model = Probed(
        rescore=lambda columns: np.zeros(len(columns)),
        predict=predict,  # type: ignore[arg-type]  # it takes what is asked here
        name="m",
        features={name: as_column(made[:, j]) for j, name in enumerate(names)},
        names=names,
        levels=(),
        trees=10,
    )
    offline = np.asarray(predict(made))
    served = np.asarray(predict(made[:, list(order)]))
    few = int(spoilt * len(made))
    pair = World(made=vectors(80)).pair(np.append(served[:few], offline[few:]))
    pair = replace(pair, left=replace(pair.left, scores=offline))
    found = layout_of(model)
    assert found is not None
    return Case(pair, model, found)


@pytest.mark.parametrize(
    "order", [(3, 0, 7, 1, 2, 6, 4, 5), (7, 6, 5, 4, 3, 2, 0, 1), (1, 2, 3, 4, 5, 6, 7, 0)]
)
def test_an_order_is_found_from_scores(order: tuple[int, ...]) -> None:
    """By swaps that come nearer, from a few starts; the probe then gives every score."""
    case = wide(order)
    assert len(order) > MOST_PERMUTED
    (probe,) = fitted_order(case.at(np.arange(40)), lambda a, b: np.isclose(a, b, rtol=1e-12, atol=0))
    np.testing.assert_allclose(predictions([probe], case.at(np.arange(80)))[0], case.pair.right.scores)
    names = [case.layout.names[j] for j in order]
    assert f"another order ({names[0]}, {names[1]}" in probe.phrase


def test_no_order_is_looked_for_where_most_requests_agree() -> None:
    """A wrong order spoils nearly all of them."""
    case = wide((3, 0, 7, 1, 2, 6, 4, 5), spoilt=0.3)
    assert fitted_order(case.at(np.arange(20)), lambda a, b: np.isclose(a, b, rtol=1e-12, atol=0)) == []


def test_few_columns_need_no_search() -> None:
    """All of their orders were tried already."""
    case = Case(WORLD.pair(1 - WORLD.offline), WORLD.model, layout())
    assert len(NAMES) == MOST_PERMUTED
    assert fitted_order(case.at(np.arange(20)), lambda a, b: a == b) == []
