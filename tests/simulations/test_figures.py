"""Every figure in small: exact ones as they are, simulated ones with few runs, and the file that is kept."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.stats import BetaBinomial, Betting, Spending, clopper_pearson_lower
from tests.simulations import exact, power, sample_sizes, vectors
from tests.simulations.__main__ import MAKERS, main, makers, merged
from tests.simulations.controls import CONTROLS, LIMITS
from tests.simulations.error_rates import excess
from tests.simulations.figures import Goal, Measured, generator, reached, row
from tests.simulations.nulls import NULLS, Null
from tests.simulations.processes import betting_stops, rate_stops
from tests.simulations.speed import betting_walk, rate_walk, seconds, sequence_walk

ROOT = Path(__file__).parents[2]
FEW = 300


@pytest.mark.parametrize("vector", vectors.all_vectors(), ids=lambda v: f"{v.source} {v.printed}")
def test_every_vector_is_reproduced(vector: vectors.Vector) -> None:
    """To 1e-5 relative beyond the last printed digit, absolute where it is 0."""
    assert vector.error_beyond_print <= 1e-5


def test_spotify_is_reproduced_to_its_own_accuracy() -> None:
    """1e-4, since its grid is coarser."""
    assert max(v.error for v in vectors.spotify_vectors()) <= 1e-4


def test_a_wrong_digit_would_be_seen() -> None:
    """An error of one part in a thousand is not hidden by what the print leaves open."""
    off = vectors.Vector(source="made up", printed="2.0000", ours=2.002)
    assert off.error_beyond_print == pytest.approx(0.00095)


def test_every_default_keeps_its_level_exactly() -> None:
    """The probability of ever crossing by 1,000 looks is at most alpha, by dynamic programming."""
    ratio, tests = exact.largest_crossing(1000)
    assert tests > 30
    assert 0.3 < ratio <= 1.0


def test_printed_crossing_probabilities_are_reproduced() -> None:
    """To one in the sixth decimal."""
    assert exact.largest_miss() <= 1e-6


@pytest.mark.parametrize(
    ("ratio", "floor"),
    [
        (exact.mcnemar_ratio, 1.25),
        (exact.slow_share_ratio, 1.35),
        (lambda: exact.group_sequential_ratio(Spending()), 0.85),
        (lambda: exact.group_sequential_ratio(Spending(kind="obrien-fleming")), 0.85),
    ],
    ids=["mcnemar", "p95", "gst", "gst_obf"],
)
def test_mean_samples_are_within_their_floors(ratio: object, floor: float) -> None:
    """Exact mean samples over the fixed n."""
    assert 0.5 < ratio() <= floor  # type: ignore[operator]


def test_betting_mean_sample_is_within_its_floor() -> None:
    """Tuned weights in 100 runs: at most 1.6 times the fixed n, and nearly all decide within four times."""
    measured, decided = power.betting_ratio(generator("small"), 100, tuned=True)
    assert measured.value <= 1.6
    assert decided >= 0.9


@pytest.mark.parametrize("name", NULLS)
def test_valid_tests_keep_their_level(name: str) -> None:
    """The 99 % lower limit of the crossing share is at most alpha."""
    runs = FEW if name not in {"auc_at_ten_looks", "p95_at_its_margin", "drifting_error_rate"} else 60
    assert excess(NULLS[name](generator(name), runs), runs) <= 1.0


@pytest.mark.parametrize("name", CONTROLS)
def test_misused_tests_are_caught(name: str) -> None:
    """The 99 % lower limit of the crossing share is above alpha: these simulations have teeth."""
    control: Null = CONTROLS[name]
    assert excess(control(generator(name), FEW), FEW) > 1.0


@pytest.mark.parametrize("name", LIMITS)
def test_where_a_promise_ends_the_level_is_left(name: str) -> None:
    """If this ever kept its level, the warning on the page would have to go."""
    assert LIMITS[name](generator(name), FEW) / FEW > 0.05


@pytest.mark.parametrize(("phi", "stalls"), [(0.8, False), (0.9, False), (0.8, True)])
def test_five_passes_together_rule_falsely_at_most_6_percent(phi: float, stalls: bool) -> None:  # noqa: FBT001  -- pytest passes parameters by name
    """Exactly 5 % slow, also with memory and stalls that no declared inflation foresees."""
    found = power.five_pass_rulings(generator("small"), FEW, share=0.05, phi=phi, stalls=stalls)
    for word in ("within", "over"):
        assert clopper_pearson_lower(round(found[word] * FEW), FEW, level=0.99) <= 0.06


@pytest.mark.parametrize(("share", "word"), [(0.02, "within"), (0.10, "over")])
def test_five_passes_together_have_power(share: float, word: str) -> None:
    """2 % slow is proven within and 10 % over in nine of ten sets of five passes."""
    assert power.five_pass_rulings(generator("small"), FEW, share=share, phi=0.8)[word] >= 0.9


def test_fast_rate_stops_are_the_processes() -> None:
    """The vectorised first crossing is where the state object first rejects."""
    test = BetaBinomial.tuned(0.3, "two-sided", n_opt=50, alpha=0.2)
    outcomes = generator("small").random((40, 80)) < 0.45
    for stop, run in zip(rate_stops(outcomes, test), outcomes, strict=True):
        crossings = [n for n in range(1, 81) if test.update(run[:n]).rejects]
        assert stop == (crossings[0] if crossings else 0)


def test_fast_betting_stops_are_the_processes() -> None:
    """The vectorised first crossing is where the state object first rejects, weights included."""
    test = Betting(m0=0.5, side="less", alpha=0.2, weights=tuple(np.linspace(1, 12, 12) / 78.0))
    values = generator("small").random((30, 80)) * 0.8
    stops = betting_stops(values, test)
    for stop, run in zip(stops, values, strict=True):
        crossings = [n for n in range(1, 81) if test.update(run[:n]).rejects]
        assert stop == (crossings[0] if crossings else 0)
    assert (stops > 0).any()


def test_sample_sizes_are_ordered_as_the_methods_are() -> None:
    """Planned ends beat fixed n beat anytime; a tuned one-sided test beats a flat two-sided one."""
    size = {str(one["id"]): float(str(one["value"])) for one in sample_sizes.sample_sizes()}
    assert size["size_wins_gst_here"] < size["size_wins_fixed"] < size["size_wins_here"]
    assert size["size_wins_here"] < size["size_wins_ville"]
    assert size["size_slow_here"] < size["size_slow_ville"]
    assert size["size_mean_here"] < size["size_mean_gbstats"] < size["size_mean_two_sided"]


@pytest.mark.parametrize("walk", [rate_walk, betting_walk, sequence_walk])
def test_the_timed_walks_walk(walk: object) -> None:
    """Ten looks end with finite evidence; how long they take is not asserted."""
    assert seconds(walk, observations=10_000, repeats=1).value > 0.0  # type: ignore[arg-type]


def test_rows_are_replaced_in_place_and_new_ones_come_last() -> None:
    """Making one figure again leaves the others where they were."""
    before: list[dict[str, object]] = [{"id": "a", "value": 1}, {"id": "b", "value": 2}]
    now: list[dict[str, object]] = [{"id": "c", "value": 4}, {"id": "a", "value": 3}]
    assert [(one["id"], one["value"]) for one in merged(before, now)] == [("a", 3), ("b", 2), ("c", 4)]


@pytest.mark.parametrize(
    ("better", "value", "floor", "expected"),
    [
        ("lower", 1.0, 1.0, True),
        ("lower", 1.1, 1.0, False),
        ("higher", 1.1, 1.0, True),
        ("higher", 1.1, None, None),
    ],
)
def test_floors_are_compared_in_the_good_direction(
    better: str,
    value: float,
    floor: float | None,
    expected: bool | None,  # noqa: FBT001  -- pytest passes parameters by name
) -> None:
    """Lower is better or higher is; without a floor there is no answer."""
    goal = Goal(id="x", figure="", unit="", better=better, floor=floor)  # type: ignore[arg-type]
    assert reached(row(goal, Measured(value=value)), "floor") is expected


def test_each_maker_is_found_by_the_ids_it_makes() -> None:
    """An id that begins with a prefix finds one maker; an unknown one finds none and says so."""
    assert {file: len(found) for file, found in makers(None).items()} == {
        file: len(set(of.values())) for file, of in MAKERS.items()
    }
    assert makers("diagnosis") == {"diagnosis": makers(None)["diagnosis"]}
    assert makers("asn_betting") == {"statistics": [power.asn_betting]}
    assert makers("asn_gst") == {"statistics": [exact.mean_samples]}
    assert makers("nonsense") == {}


def test_an_unknown_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """64 and one line, and no file is touched."""
    assert main(["nonsense"]) == 64
    assert "no figure is named 'nonsense'" in capsys.readouterr().err


def kept_rows(file: str = "statistics") -> dict[str, dict[str, object]]:
    """The rows of a file in results/simulations by id."""
    text = (ROOT / "results" / "simulations" / f"{file}.json").read_bytes()
    return {str(one["id"]): one for one in msgspec.json.decode(text, type=list[dict[str, object]])}


def test_the_kept_file_has_every_row_whole() -> None:
    """Each row has the keys that results/README.md lists and a command that makes it again."""
    keys = {"id", "figure", "value", "spread", "unit", "better", "floor", "aim", "runs", "command"}
    rows = kept_rows()
    wanted = {"vectors", "dp_crossing", "type1", "negative_controls", "asn_mcnemar", "asn_gst", "asn_p95"}
    wanted |= {"asn_betting", "p95_false", "p95_within", "p95_over20", "p95_over10", "seq_s"}
    assert wanted <= set(rows)
    for id_, one in rows.items():
        assert set(one) == keys
        assert one["command"] == f"make simulate NAME={id_}"
        assert "statistics" in makers(id_)


def test_the_page_quotes_the_kept_figures() -> None:
    """Every `id` = number in docs/statistics.md is the kept value, rounded to the digits written."""
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    quoted = re.findall(r"`([a-z0-9_]+)` = ([0-9][0-9,]*(?:\.[0-9]+)?(?:e-?[0-9]+)?|\.[0-9]+)", page)
    assert len(quoted) > 30
    rows = kept_rows() | kept_rows("sampling")
    wrong = []
    for id_, text in quoted:
        written = float(text.replace(",", ""))
        kept = float(str(rows[id_]["value"]))
        mantissa = text.partition("e")[0]
        decimals = len(mantissa.partition(".")[2]) - int(text.partition("e")[2] or 0)
        if abs(written - kept) > 0.5001 * 10.0**-decimals:
            wrong.append((id_, text, kept))
    assert wrong == []
