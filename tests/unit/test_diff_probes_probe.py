"""What a probe predicts: many changes in few calls, each kind of call as it is asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.diff.probes import Other
from harness.diff.probes.model import layout_of
from harness.diff.probes.probe import AT_ONCE, Call, Case, Probe, columnwise, predictions
from tests.kit.probed import NAMES, Stumps, World

WORLD = World(others={"v6": Other(lambda seq, trees: seq / 1000 + (trees or 0), 5)})
MODEL = Stumps()


def case() -> Case:
    """A pair with its model."""
    layout = layout_of(WORLD.model)
    assert layout is not None
    return Case(WORLD.pair(WORLD.offline), WORLD.model, layout)


def test_each_probe_predicts_what_its_change_and_call_give() -> None:
    """In the order of the probes, whether they are scored together or alone."""
    places = np.array([3, 8, 200])
    vectors = WORLD.made[places]
    probes = [
        Probe("a", "a", change=columnwise(lambda x: x[:, ::-1])),
        Probe("b", "b", call=Call(raw=True)),
        Probe("c", "c", change=columnwise(np.negative)),
        Probe("d", "d", other="v6"),
        Probe("e", "e", call=Call(first=2, trees=10), change=columnwise(np.negative)),
        Probe("f", "f", call=Call(stop=(5, 0.5))),
    ]
    expected = [
        MODEL(vectors[:, ::-1]),
        MODEL(vectors, raw=True),
        MODEL(-vectors),
        places / 1000,
        MODEL(-vectors, first=2, trees=10),
        MODEL(vectors, stop=(5, 0.5)),
    ]
    np.testing.assert_array_equal(predictions(probes, case().at(places)), np.stack(expected))


def test_a_change_gets_a_copy() -> None:
    """One probe must not spoil the vectors of the next."""

    def spoil(x: NDArray[np.float64]) -> NDArray[np.float64]:
        x[:] = 0
        return x

    sample = case().at(np.arange(5))
    columnwise(spoil)(sample)
    np.testing.assert_array_equal(sample.vectors, WORLD.made[:5])


def test_many_probes_are_scored_in_calls_of_a_bounded_size() -> None:
    """However many there are."""
    sizes: list[int] = []

    def counted(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return x

    def watching(predict: Stumps) -> Callable[..., NDArray[np.float64]]:
        def asked(matrix: NDArray[np.float64], **_: object) -> NDArray[np.float64]:
            sizes.append(matrix.size)
            return predict(matrix)

        return asked

    base = case()
    model = type(WORLD.model)(**{**WORLD.model.__dict__, "predict": watching(MODEL)})
    many = [Probe("a", "a", change=columnwise(counted))] * (AT_ONCE // (64 * len(NAMES)) + 1)
    found = predictions(many, Case(base.pair, model, base.layout).at(np.arange(64)))
    assert len(sizes) == 2
    assert max(sizes) <= AT_ONCE
    np.testing.assert_array_equal(found, np.tile(WORLD.offline[:64], (len(many), 1)))


def test_a_sample_knows_its_requests() -> None:
    """Their vectors, scores and seq."""
    sample = case().at(np.array([1, 4]))
    assert (len(sample), sample.seq.tolist()) == (2, [1, 4])
    np.testing.assert_array_equal(sample.offline, WORLD.offline[[1, 4]])
    np.testing.assert_array_equal(sample.served, sample.offline)
