"""What a phase came to, as numbers that can be kept."""

import msgspec

from harness.records import State
from harness.replay.options import Options, ReplayCounts


def test_counts_survive_json_and_those_of_an_older_run_are_read() -> None:
    """States are words, and what was not known then has its default."""
    counts = ReplayCounts(
        phase="p",
        requests=3,
        states={"a": {State.OK: 2}},
        retried={"a": 0},
        peak_in_flight={"a": 1},
        seconds=1.5,
        already={"a": 1},
        stopped="why",
        apart=True,
    )
    encoded = msgspec.json.encode(counts)
    assert msgspec.json.decode(encoded, type=ReplayCounts) == counts
    old = {k: v for k, v in msgspec.json.decode(encoded).items() if k not in {"already", "stopped", "apart"}}
    assert msgspec.convert(old, ReplayCounts) == msgspec.structs.replace(
        counts, already={}, stopped="", apart=False
    )


def test_by_default_a_phase_is_whole_together_and_unguarded() -> None:
    """What guards it is the scenario's, and passed in by the run."""
    options = Options()
    assert (options.apart, options.only, options.breaker, options.max_seconds) == (False, None, None, None)
