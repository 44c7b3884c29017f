"""What each bug costs: alone, put right alone, and its share where several bugs meet on one request."""

import math

import numpy as np
import pytest

from harness.columns import Column, Pair, Side
from harness.diff.costs import ORDERS, Game, Player
from harness.diff.scores import as_column
from harness.records import Counterfactual

N = 6


def everywhere(*fields: str, rows: int = N) -> Player:
    """A bug on every request."""
    return Player(fields, np.arange(rows))


def product(columns: dict[str, Column]) -> np.ndarray:
    """Two features that do damage only together, and one that adds."""
    return np.asarray(columns["a"].values * columns["b"].values + columns["c"].values)


def pair(served: dict[str, np.ndarray], *, n: int = N) -> Pair:
    """All features 0 offline, and so all scores."""
    offline = {name: as_column(np.zeros(n)) for name in served}
    ns, names = np.arange(n), np.array([f"r{i}" for i in range(n)], object)
    return Pair(
        left=Side("offline", np.zeros(n), offline),
        right=Side("arm", np.zeros(n), {name: as_column(values) for name, values in served.items()}),
        seq=ns,
        request_id=names,
        ts_ns=ns,
        event_time_ns=ns,
        unit=names,
        segments={},
        unstable=np.zeros(n, bool),
    )


def test_two_bugs_that_do_damage_only_together_share_it() -> None:
    """Neither alone, both by being put right: in 0, out all, half each."""
    game = Game(
        pair({"a": np.ones(N), "b": np.ones(N), "c": np.zeros(N)}),
        (everywhere("a"), everywhere("b")),
        threshold=0.5,
        rescore=product,
    )
    first, second = game.costs()
    assert first == second
    assert first == Counterfactual(
        flips_in=0,
        mean_abs_in=0.0,
        max_abs_in=0.0,
        flips_out=N,
        mean_abs_out=1.0,
        flips_share=N / 2,
        mean_abs_share=0.5,
        together=2,
    )


def test_a_bug_is_charged_only_where_it_differs() -> None:
    """Alone on four requests, and half of what two bugs do together on two."""
    game = Game(
        pair({"a": np.ones(N), "b": np.ones(N), "c": np.full(N, 0.25)}),
        (everywhere("c"), Player(("a", "b"), np.array([4, 5]))),
        threshold=0.5,
        rescore=product,
    )
    c, both = game.costs()
    assert (c.flips_in, c.flips_out, c.flips_share) == (0, 0, 0)
    assert (c.mean_abs_in, c.mean_abs_share, c.together) == (0.25, 0.25, 2)
    assert (both.flips_in, both.flips_out, both.flips_share) == (2, 2, 2)
    assert (both.mean_abs_in, both.max_abs_in, both.mean_abs_share) == (1.0, 1.0, 1.0)


def test_one_field_may_belong_to_two_bugs() -> None:
    """On different requests; each is charged its own."""
    game = Game(
        pair({"a": np.zeros(N), "b": np.zeros(N), "c": np.arange(N) / 10}),
        (Player(("c",), np.array([1, 2])), Player(("c",), np.array([5]))),
        threshold=0.45,
        rescore=product,
    )
    early, late = game.costs()
    assert (early.flips_in, late.flips_in) == (0, 1)
    assert [early.mean_abs_in, late.mean_abs_in] == pytest.approx([0.15, 0.5])
    assert early.flips_error is None


def test_shares_add_up_to_what_all_do() -> None:
    """Efficiency, with a model that is no sum of its features."""
    rng = np.random.default_rng(3)
    served = {name: rng.normal(size=400) for name in "abcdef"}

    def model(columns: dict[str, Column]) -> np.ndarray:
        values = [columns[name].values for name in "abcdef"]
        return np.asarray(np.tanh(values[0] * values[1] + values[2] - values[3] * values[4] + values[5]))

    players = [Player((name,), np.flatnonzero(rng.random(400) < 0.6)) for name in "abcdef"]
    game = Game(pair(served, n=400), players, threshold=0.3, rescore=model)
    rows = np.arange(400)
    whole = game.worth(rows, game.plays)
    found = game.costs()
    assert sum(cost.flips_share for cost in found) == pytest.approx(whole.flips.sum())
    moved = sum(cost.mean_abs_share * len(p.rows) for cost, p in zip(found, players, strict=True))
    assert moved == pytest.approx(whole.moved.sum())
    assert max(cost.together for cost in found) == 6


def many(n: int, *, vectors: int) -> tuple[Game, np.ndarray]:
    """Ten bugs on every request whose scores add up, so that each one's share is what it does alone."""
    rng = np.random.default_rng(4)
    names = [f"f{i}" for i in range(10)]
    served = {name: rng.random(n) for name in names}
    game = Game(
        pair(served, n=n),
        [everywhere(name, rows=n) for name in names],
        threshold=None,
        rescore=lambda columns: np.sum([columns[name].values for name in names], axis=0),
        vectors=vectors,
    )
    return game, np.array([served[name].mean() for name in names])


def test_more_than_eight_bugs_at_once_are_sampled() -> None:
    """Random orders: near the truth by the standard errors told, and the same each time."""
    game, truth = many(1_000, vectors=10 * ORDERS * 200)
    found = game.costs()
    errors = np.array([cost.mean_abs_error for cost in found], float)
    assert np.all(errors > 0)
    assert np.all(errors < 0.05)
    assert np.all(np.abs([cost.mean_abs_share for cost in found] - truth) < 5 * errors)
    assert found == many(1_000, vectors=10 * ORDERS * 200)[0].costs()


def test_too_many_requests_for_every_coalition_are_sampled() -> None:
    """Two bugs on a thousand requests; in and out stay exact."""
    rng = np.random.default_rng(5)
    served = {"a": rng.random(1_000), "b": rng.random(1_000), "c": np.zeros(1_000)}
    game = Game(
        pair(served, n=1_000),
        (everywhere("a", rows=1_000), everywhere("b", rows=1_000)),
        threshold=0.5,
        rescore=product,
        vectors=2_000,
    )
    first, _ = game.costs()
    assert first.flips_error is not None
    assert first.flips_out == np.count_nonzero(served["a"] * served["b"] >= 0.5)
    assert abs(first.flips_share - first.flips_out / 2) < 6 * first.flips_error + 1e-9


def test_a_score_that_becomes_nan_flips_and_is_not_averaged() -> None:
    """NaN decides no."""
    case = pair({"a": np.zeros(N), "b": np.zeros(N), "c": np.ones(N)})

    def broken(columns: dict[str, Column]) -> np.ndarray:
        return np.full(len(columns["c"].kind), math.nan)

    (found,) = Game(case, (everywhere("c"),), threshold=-1.0, rescore=broken).costs()
    assert (found.flips_in, found.mean_abs_in) == (N, 0.0)


def test_labels_tell_what_a_bug_does_to_the_log_loss() -> None:
    """On labelled requests alone: two of six, one made better and one worse."""
    case = pair({"a": np.zeros(N), "b": np.zeros(N), "c": np.full(N, 0.9)})
    label = np.array([1.0, 0.0, math.nan, math.nan, 0.5, math.nan])
    (found,) = Game(case, (everywhere("c"),), threshold=0.5, rescore=product, label=label).costs()
    before = -math.log(1e-15), -math.log1p(-1e-15)
    after = -math.log(0.9), -math.log(0.1)
    assert found.labelled == 2
    assert found.log_loss == pytest.approx((after[0] - before[0] + after[1] - before[1]) / 2)


@pytest.mark.parametrize("score", [7.0, -0.1], ids=["above one", "below nothing"])
def test_scores_that_are_no_probabilities_have_no_log_loss(score: float) -> None:
    """Nor have unlabelled requests."""
    case = pair({"a": np.zeros(N), "b": np.zeros(N), "c": np.full(N, score)})
    for label in (np.ones(N), np.full(N, math.nan)):
        (found,) = Game(case, (everywhere("c"),), threshold=0.5, rescore=product, label=label).costs()
        assert (found.log_loss, found.labelled) == (None, 0)
