"""What each bug costs: its served values alone, put right alone, and its Shapley share of what all do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.columns import Pair
from harness.diff.damage import Rescore, mixed
from harness.diff.scores import flipped
from harness.diff.shapley import EXACT_PLAYERS, coalitions, exact
from harness.metrics import log_loss_rows
from harness.records import Counterfactual

#: vectors scored for the shares of all requests with one number of bugs; beyond, requests are sampled
VECTORS = 400_000
#: orders of the bugs drawn where there are more than eight on a request, or too many requests
ORDERS = 16
_SEED = 20_261_123


@dataclass(frozen=True, eq=False)
class Player:
    """A bug as it counts here: the fields that it serves otherwise, and the int64 rows it does so on."""

    fields: tuple[str, ...]
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Worth:
    """What some bugs do together, (rows,) each: how far the score moves, and 1 where the decision flips."""

    moved: NDArray[np.float64]
    flips: NDArray[np.float64]


@dataclass(eq=False)
class _Sums:
    """The shares of each player summed over rows, with their variances."""

    moved: NDArray[np.float64]
    flips: NDArray[np.float64]
    moved_variance: NDArray[np.float64]
    flips_variance: NDArray[np.float64]
    most: NDArray[np.int64]
    sampled: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Game:
    """Bugs that play on n requests: a coalition's worth is what its served values do to the offline score.

    `label` is 0 or 1 where known, NaN elsewhere. `vectors` may be scored for the requests with one number of
    bugs; beyond that they are sampled.
    """

    pair: Pair
    players: Sequence[Player]
    threshold: float | None
    rescore: Rescore
    label: NDArray[np.float64] | None = None
    vectors: int = VECTORS

    @cached_property
    def plays(self) -> NDArray[np.bool_]:
        """Which bug differs where: bool (n, players)."""
        where = np.zeros((len(self.pair.seq), len(self.players)), bool)
        for j, player in enumerate(self.players):
            where[player.rows, j] = True
        return where

    def scores(self, rows: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The offline score of some rows with the served values of some players (rows, players) put in."""
        served: dict[str, NDArray[np.bool_]] = {}
        for j, player in enumerate(self.players):
            if not chosen[:, j].any():
                continue
            for name in player.fields:
                served[name] = served[name] | chosen[:, j] if name in served else chosen[:, j]
        return self.rescore(mixed(self.pair, served, rows=rows))

    def worth(self, rows: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Worth:
        """What these players do together on some rows; a score that becomes NaN has moved by nothing."""
        before, after = self.pair.left.scores[rows], self.scores(rows, chosen)
        with np.errstate(invalid="ignore", over="ignore"):
            moved = np.abs(after - before)
        moved[~np.isfinite(moved)] = 0.0
        return Worth(moved, flipped(before, after, threshold=self.threshold).astype(np.float64))

    def costs(self) -> tuple[Counterfactual, ...]:
        """What each bug costs, in the order of the players."""
        sums = self._shares()
        return tuple(self._cost(j, sums) for j in range(len(self.players)))

    def _cost(self, j: int, sums: _Sums) -> Counterfactual:
        rows = self.players[j].rows
        all_in = self.plays[rows]
        alone, without = np.zeros_like(all_in), all_in.copy()
        alone[:, j], without[:, j] = True, False
        lonely = bool(np.all(all_in.sum(axis=1) == 1))
        inside = self.worth(rows, alone)
        whole = inside if lonely else self.worth(rows, all_in)
        rest = Worth(np.zeros(len(rows)), np.zeros(len(rows))) if lonely else self.worth(rows, without)
        n = max(1, len(rows))
        loss, labelled = self._log_loss(rows, alone)
        errors = _errors(sums, j, n=n)
        return Counterfactual(
            flips_in=int(inside.flips.sum()),
            mean_abs_in=float(inside.moved.sum() / n),
            max_abs_in=float(inside.moved.max(initial=0.0)),
            flips_out=int(whole.flips.sum() - rest.flips.sum()),
            mean_abs_out=float((whole.moved.sum() - rest.moved.sum()) / n),
            flips_share=float(sums.flips[j]),
            mean_abs_share=float(sums.moved[j] / n),
            flips_error=errors[0],
            mean_abs_error=errors[1],
            together=int(sums.most[j]),
            log_loss=loss,
            labelled=labelled,
        )

    def _log_loss(self, rows: NDArray[np.int64], alone: NDArray[np.bool_]) -> tuple[float | None, int]:
        """The mean change of the log loss on the labelled rows by this bug alone, and how many they are."""
        if self.label is None:
            return None, 0
        known = np.isin(self.label[rows], (0.0, 1.0))
        rows, alone = rows[known], alone[known]
        if not len(rows):
            return None, 0
        before, after = self.pair.left.scores[rows], self.scores(rows, alone)
        if not all(np.all((s >= 0) & (s <= 1)) for s in (before, after)):
            return None, 0
        change = log_loss_rows(self.label[rows], after) - log_loss_rows(self.label[rows], before)
        return float(change.mean()), len(rows)

    def _shares(self) -> _Sums:
        nothing, counts = np.zeros((4, len(self.players))), self.plays.sum(axis=1)
        most, sampled = np.zeros(len(self.players), np.int64), np.zeros(len(self.players), bool)
        sums = _Sums(nothing[0], nothing[1], nothing[2], nothing[3], most, sampled)
        for m in range(1, EXACT_PLAYERS + 1):
            rows = np.flatnonzero(counts == m)
            if len(rows) * (2**m - 1) <= self.vectors or m == 1:
                self._exactly(rows, m, sums=sums)
            else:
                self._by_orders(rows, sums=sums)
        self._by_orders(np.flatnonzero(counts > EXACT_PLAYERS), sums=sums)
        return sums

    def _exactly(self, rows: NDArray[np.int64], m: int, *, sums: _Sums) -> None:
        """Every coalition of the m players of each row, scored."""
        if not len(rows):
            return
        players = np.nonzero(self.plays[rows])[1].reshape(len(rows), m)
        worths = [self.worth(rows, chosen) for chosen in coalitions(players, len(self.players))]
        nothing = np.zeros(len(rows))
        for into, part in ((sums.moved, "moved"), (sums.flips, "flips")):
            values = np.stack([nothing, *(getattr(worth, part) for worth in worths)])
            np.add.at(into, players.T, exact(values))
        np.maximum.at(sums.most, players, m)

    def _by_orders(self, rows: NDArray[np.int64], *, sums: _Sums) -> None:
        """Random orders in which the bugs come in, each on another sample of the rows; unbiased.

        Strumbelj, Kononenko, KAIS 41 (2014). The variance is that between the orders.
        """
        if not len(rows):
            return
        rng = np.random.default_rng(_SEED)
        plays = self.plays[rows]
        each = max(1, min(len(rows), self.vectors // (ORDERS * max(1, int(plays.sum(axis=1).mean())))))
        drawn = [self._one_order(rows, rng, each=each) for _ in range(ORDERS)]
        for part in ("moved", "flips"):
            totals = np.stack([one[part] for one in drawn])
            setattr(sums, part, getattr(sums, part) + totals.mean(axis=0))
            variance = f"{part}_variance"
            setattr(sums, variance, getattr(sums, variance) + totals.var(axis=0, ddof=1) / ORDERS)
        here = plays.any(axis=0)
        sums.sampled |= here
        sums.most[here] = np.maximum(sums.most[here], int(plays.sum(axis=1).max()))

    def _one_order(
        self, rows: NDArray[np.int64], rng: np.random.Generator, *, each: int
    ) -> dict[str, NDArray[np.float64]]:
        sample = np.sort(rng.choice(rows, each, replace=False))
        plays = self.plays[sample]
        chosen = np.zeros_like(plays)
        last = Worth(np.zeros(each), np.zeros(each))
        shares = {"moved": np.zeros(len(self.players)), "flips": np.zeros(len(self.players))}
        for j in rng.permutation(np.flatnonzero(plays.any(axis=0))):
            here = np.flatnonzero(plays[:, j])
            chosen[here, j] = True
            now = self.worth(sample[here], chosen[here])
            shares["moved"][j] = (now.moved - last.moved[here]).sum() * len(rows) / each
            shares["flips"][j] = (now.flips - last.flips[here]).sum() * len(rows) / each
            last.moved[here], last.flips[here] = now.moved, now.flips
        return shares


def _errors(sums: _Sums, j: int, *, n: int) -> tuple[float | None, float | None]:
    """Standard errors of the shares, None where every coalition was scored."""
    if not sums.sampled[j]:
        return None, None
    return float(np.sqrt(sums.flips_variance[j])), float(np.sqrt(sums.moved_variance[j]) / n)
