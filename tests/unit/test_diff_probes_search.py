"""The cause of a score mismatch: every fault is named first, what cannot be told apart is told together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.diff import compare
from harness.diff.causes import UNEXPLAINED, Cause
from harness.diff.probes import Batches, Other, score_cause
from harness.diff.probes.search import CONFIRMED_ROWS, precision_of
from harness.diff.tolerance import Tolerances
from tests.kit.probed import AGENT, LANG, NAMES, N, Stumps, World, vectors

Vectors = NDArray[np.float64]
NOTHING = Cause(UNEXPLAINED, "is unexplained", 0)
WORLD = World()
MODEL = Stumps()


def cause_of(served: Vectors, world: World = WORLD, *, simple: Cause = NOTHING) -> Cause:
    """The cause between the offline arm and these scores."""
    pair = world.pair(served)
    differs = ~(np.abs(served - world.offline) <= 1e-6)
    rows, calm = np.flatnonzero(differs), np.flatnonzero(~differs)
    return score_cause(pair, rows=rows, calm=calm, rescore=world.model, simple=simple)


def at(*order: int) -> Callable[[Vectors], Vectors]:
    """Columns in another order."""
    return lambda x: x[:, list(order)]


def put(column: int, change: Callable[[Vectors], Vectors]) -> Callable[[Vectors], Vectors]:
    """One column changed."""

    def changed(x: Vectors) -> Vectors:
        x = x.copy()
        x[:, column] = change(x[:, column])
        return x

    return changed


def recoded(column: int, *codes: float) -> Callable[[Vectors], Vectors]:
    """Other codes in a column of categories."""
    return put(column, lambda c: np.where(np.isnan(c), np.nan, np.array(codes)[np.nan_to_num(c).astype(int)]))


def filled(value: float) -> Callable[[Vectors], Vectors]:
    """Missing sizes as a number."""
    return put(0, lambda c: np.where(np.isnan(c), value, c))


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (lambda x: x[:, ::-1], "columns_reversed", "in reverse order"),
        (at(2, 4, 1, 3, 0), "columns_alphabetical", "in alphabetical order"),
        (at(0, 2, 3, 1, 4), "categories_last", "categories after its numbers"),
        (at(1, 4, 0, 2, 3), "categories_first", "categories before its numbers"),
        (at(0, 1, 3, 2, 4), "columns_swapped", "swaps the columns age and rate"),
        (at(0, 4, 2, 3, 1), "columns_swapped", "swaps the columns lang and agent"),
        (lambda x: np.insert(np.delete(x, 1, 1), 4, 0, 1), "column_left_out", "leaves out the column lang"),
        (lambda x: np.insert(x, 0, 0, 1), "column_added", "reads 0 before the column size"),
        (filled(0.0), "missing_filled", "reads missing values as 0"),
        (filled(-1.0), "missing_filled", "reads missing values as −1"),
        (filled(9.3), "missing_filled", "reads missing size as about 9"),
        (put(2, lambda c: np.where(c == 0, np.nan, c)), "made_missing", "reads 0 as missing"),
        (put(0, lambda c: np.full_like(c, np.nan)), "column_lost", "reads size as missing"),
        (put(2, np.zeros_like), "column_lost", "reads age as 0"),
        (lambda x: np.full_like(x, np.nan), "all_lost", "every feature as missing"),
        (np.trunc, "truncated_input", "to whole numbers"),
        (lambda x: np.round(x, 1), "rounded_input", "rounds its features to 1 decimal"),
        (recoded(LANG, *[np.nan] * 4), "categories_lost", "category levels of lang"),
        (recoded(LANG, 0, 0, 0, 0), "category_codes_by_request", "of lang by their place within one request"),
        (recoded(LANG, 3, 2, 1, 0), "category_codes", "of lang in reverse order"),
        (recoded(LANG, 1, 2, 3, 4), "category_codes", "of lang from 1 on"),
        (recoded(LANG, 1, 3, 0, 2), "category_codes", "levels of lang in another order"),
        (
            lambda x: recoded(LANG, 1, 0, 3, 2)(recoded(AGENT, 2, 0, 1)(x)),
            "category_codes",
            "levels of lang and agent in another order",
        ),
        (recoded(AGENT, 0, np.nan, np.nan), "category_spelling", "of agent in lower case"),
        (
            lambda x: recoded(LANG, *[0] * 4)(recoded(AGENT, *[0] * 3)(x)),
            "category_codes_by_request",
            "levels by",
        ),
    ],
)
def test_changed_vectors_are_named(change: Callable[[Vectors], Vectors], name: str, words: str) -> None:
    """By what was done to them."""
    found = cause_of(MODEL(change(WORLD.made)[:, : len(NAMES)]))
    assert (found.name, words in found.phrase) == (name, True), found.phrase


@pytest.mark.parametrize(
    ("served", "name", "words"),
    [
        (MODEL(WORLD.made, raw=True), "raw_score", "raw score instead of the probability"),
        (MODEL(WORLD.made, first=1), "first_tree_skipped", "leaves out the first tree"),
        (MODEL(WORLD.made, trees=59), "last_tree_skipped", "leaves out the last tree"),
        (MODEL(WORLD.made, trees=40), "fewer_trees", "uses the first 40 of 60 trees"),
        (
            MODEL(WORLD.made, stop=(5, 1.5)),
            "early_stop",
            "margins above 1.5 (pred_early_stop, every 5 trees)",
        ),
        (1 / (1 + np.exp(-WORLD.offline)), "double_sigmoid", "applies the sigmoid twice"),
        ((WORLD.offline > 0.4).astype(float), "class_label", "the class instead of the score"),
        (np.clip(WORLD.offline, 0.3, 0.7), "clipping", "clips the score above 0.7 and below 0.3"),
        (WORLD.offline / (WORLD.offline + (1 - WORLD.offline) * 4), "calibration", "log-odds 1.38629 lower"),
        (np.sqrt(WORLD.offline), "calibration", "a monotone map of the score"),
    ],
)
def test_what_happens_around_the_model_is_named(served: Vectors, name: str, words: str) -> None:
    """However the model is asked, and whatever is done to its score."""
    found = cause_of(served)
    assert (found.name, words in found.phrase) == (name, True)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (lambda p: p.astype(np.float32).astype(float), "in reverse order"),
        (lambda p: np.round(p, 4), "in reverse order and rounds the score to 4 decimals"),
        (lambda p: np.nextafter(p, 1), "in reverse order"),
    ],
)
def test_a_fault_is_seen_through_what_is_done_to_the_score(
    after: Callable[[Vectors], Vectors], words: str
) -> None:
    """A cast, a rounding or a last bit does not hide it."""
    found = cause_of(after(MODEL(WORLD.made[:, ::-1])))
    assert found.name == "columns_reversed"
    assert found.phrase.endswith(words)


def test_rounding_alone_supports_no_probe() -> None:
    """Whatever leaves a score nearly as it is would reproduce it to three decimals."""
    rounding = Cause("rounding", "rounds the score to 3 decimals", N)
    assert cause_of(np.round(WORLD.offline, 3), simple=rounding) == rounding


def test_another_registered_model_is_named() -> None:
    """One that begins with the same trees is this one with all its trees, any other is an older version."""
    older, whole = Stumps(seed=9), Stumps()
    best = Stumps(stumps=35)

    def asked(model: Stumps) -> Other:
        return Other(lambda seq, trees: model(vectors()[seq], trees=trees), model.stumps)

    world = World(others={"v6": asked(older), "v7_whole": asked(whole)}, stumps=best)
    assert cause_of(older(world.made), world).phrase == "scores with v6 instead of v7"
    found = cause_of(whole(world.made), world)
    assert (found.name, found.phrase) == ("all_trees", "uses all 60 trees of v7_whole instead of the best 35")


def test_a_batch_read_by_columns_is_named() -> None:
    """Four rows a batch, the last of them first; a request that came alone stays as it is."""
    batch = np.repeat(np.arange(N // 4), 4)
    batch[-4:] = -1
    world = World(batches=Batches(batch, np.tile(np.arange(4)[::-1], N // 4)))
    served = world.made.copy()
    for start in range(0, N - 4, 4):
        rows = np.arange(start, start + 4)[::-1]
        served[rows] = world.made[rows].ravel().reshape(4, -1, order="F")
    found = cause_of(MODEL(served), world)
    assert (found.name, found.explained) == ("column_major", N - 4)


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("batch_reversed", lambda rows: rows[::-1]),
        ("batch_first_row", lambda rows: rows[:1].repeat(len(rows))),
    ],
)
def test_a_batch_answered_out_of_order_is_named(
    name: str, answered: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> None:
    """Reversed, or one answer for all; a request that came alone stays as it is."""
    batch = np.repeat(np.arange(N // 4), 4)
    batch[-4:] = -1
    world = World(batches=Batches(batch, np.tile(np.arange(4), N // 4)))
    served = MODEL(world.made)
    for start in range(0, N - 4, 4):
        rows = np.arange(start, start + 4)
        served[rows] = served[answered(rows)]
    found = cause_of(served, world)
    assert (found.name, found.explained) == (name, (N - 4) if name == "batch_reversed" else 3 * (N // 4 - 1))


def test_codes_within_a_batch_are_told_from_codes_within_a_request() -> None:
    """Per-batch codes count the levels at hand."""
    world = World(batches=Batches(np.repeat(np.arange(N // 2), 2), np.tile([0, 1], N // 2)))
    served = world.made.copy()
    for start in range(0, N, 2):
        served[start : start + 2, LANG] = np.unique(world.made[start : start + 2, LANG], return_inverse=True)[
            1
        ]
    assert cause_of(MODEL(served), world).phrase.endswith("of lang by their place within one batch")


def test_what_cannot_be_told_apart_is_told_together() -> None:
    """The same model registered four times: one by name, one beside it, and how many more."""
    older = Stumps(seed=9)
    other = Other(lambda seq, trees: older(vectors()[seq], trees=trees), older.stumps)
    two, four = (
        cause_of(older(WORLD.made), World(others=dict.fromkeys(names, other))) for names in ("ab", "abcd")
    )
    assert (
        two.phrase
        == "scores with a instead of v7 (or, with the same scores here: scores with b instead of v7)"
    )
    assert four.phrase.endswith("scores with b instead of v7; scores with c instead of v7; 1 more)")


def test_what_chooses_less_is_told_alone() -> None:
    """Where languages are never there, losing all categories is losing the agent's."""
    world = World(made=put(LANG, lambda c: np.full_like(c, np.nan))(vectors()))
    found = cause_of(MODEL(put(AGENT, lambda c: np.full_like(c, np.nan))(world.made)), world)
    alike = "reads the category levels in upper case"
    assert found.phrase == f"knows none of its category levels (or, with the same scores here: {alike})"


def test_requests_that_agree_choose_between_probes_that_reproduce_the_others() -> None:
    """Where sizes are missing, a size always read as 0 is the same; where they are not, it would show."""
    world = World(made=put(3, lambda c: np.where(np.arange(N) % 7 == 0, np.nan, c))(vectors()))
    phrase = cause_of(MODEL(filled(0.0)(world.made)), world).phrase
    assert phrase.startswith("reads missing size as 0")
    assert "reads size as" not in phrase


@pytest.mark.parametrize("size", [0.05, 1e-3, 1e-5])
def test_noise_has_no_name(size: float) -> None:
    """Neither where it is large nor where it keeps nearly every order."""
    served = WORLD.offline + np.random.default_rng(2).normal(0, size, N)
    assert cause_of(served) == NOTHING


def test_an_unknown_model_has_no_name() -> None:
    """What nobody registered cannot be found."""
    assert cause_of(Stumps(seed=21)(WORLD.made)) == NOTHING


def test_a_cause_of_some_requests_only_is_told_with_mostly() -> None:
    """From 95 % on plainly, from 80 % with a word, below not at all."""
    reversed_, rng = MODEL(WORLD.made[:, ::-1]), np.random.default_rng(3)
    for share, phrase in ((0.03, "reads"), (0.1, "mostly reads"), (0.4, "is")):
        served = np.where(rng.random(N) < share, rng.random(N), reversed_)
        assert cause_of(served).phrase.split(" its")[0].split(" unexplained")[0] == phrase


def test_the_simple_answer_stands_where_it_reproduces_more() -> None:
    """A scale of all requests beats a probe of nine in ten, and ties go to the probe."""
    simple = Cause("scale", "serves twice the score", N)
    served = MODEL(WORLD.made[:, ::-1])
    assert cause_of(served, simple=simple).name == "columns_reversed"
    served[:40] = 0.123
    assert cause_of(served, simple=simple) == simple


def test_four_requests_are_too_few() -> None:
    """At least five mismatching requests with three distinct scores."""
    served = WORLD.offline.copy()
    served[:4] = MODEL(WORLD.made[:4, ::-1])
    assert cause_of(served) == NOTHING
    served[:8] = MODEL(WORLD.made[:8, ::-1])
    assert cause_of(served).name == "columns_reversed"


def test_a_model_that_does_not_give_the_offline_scores_again_is_not_asked() -> None:
    """It is another one than the run's."""
    world = World(stumps=Stumps(seed=4))
    pair = WORLD.pair(world.stumps(WORLD.made[:, ::-1]))
    rows, none = np.arange(N), np.arange(0)
    assert score_cause(pair, rows=rows, calm=none, rescore=world.model, simple=NOTHING) == NOTHING


def test_without_a_model_what_needs_none_is_tried() -> None:
    """A pair of two endpoints has scores only."""
    pair = WORLD.pair(1 / (1 + np.exp(-WORLD.offline)))
    rows, none = np.arange(N), np.arange(0)
    found = score_cause(pair, rows=rows, calm=none, rescore=None, simple=NOTHING)
    assert (found.name, found.explained) == ("double_sigmoid", N)


def test_many_requests_are_confirmed_on_some_of_them() -> None:
    """And the phrase says on how many."""
    world = World(made=vectors(CONFIRMED_ROWS + 1_000))
    found = cause_of(MODEL(world.made[:, ::-1]), world)
    assert found.phrase == "reads its columns in reverse order (tried on 20,000 requests)"
    assert found.explained == CONFIRMED_ROWS


def test_a_finding_says_it() -> None:
    """From the comparison of a pair to a sentence."""
    (found,) = compare(
        WORLD.pair(MODEL(WORLD.made, raw=True)), tolerances=Tolerances(), rescore=WORLD.model
    ).findings
    assert found.cause == "raw_score"
    assert found.sentence.startswith(
        "The challenger serves the raw score instead of the probability: features agree, scores differ on 400"
    )


@pytest.mark.parametrize(
    ("served", "decimals", "atol"),
    [
        ([0.1234, 0.25, 0.5], 4, 1e-15),
        (np.array([0.1, 0.7, 0.33], np.float32).astype(float), None, 1e-7),
        ([0.1234567891, 0.2, 0.3], None, 1e-15),
        ([0.5, 0.5, 0.25], None, 1e-15),
    ],
)
def test_how_exactly_scores_are_served(served: list[float], decimals: int | None, atol: float) -> None:
    """Rounded, float32 or float64; two distinct scores tell nothing."""
    found = precision_of(np.array(served))
    assert (found.decimals, found.band.atol) == (decimals, atol)
