"""Phases as they were run: what is not said is not claimed, and a calibration travels with its phase."""

import msgspec

from harness.records import Calibrated, PhaseNote


def test_a_phase_claims_nothing_by_itself() -> None:
    """Not open loop, so not judged; not stopped, nobody blamed, not calibrated, and run once."""
    note = PhaseNote(phase="parity", pace="fast", requests=9, targets=("champion",), ran=True)
    assert not note.open_loop
    assert (note.stopped, note.blamed, note.decided, note.torn) == ("", "", "", ())
    assert (note.calibration, note.passes) == (None, 1)


def test_a_phase_survives_json_with_its_calibration() -> None:
    """What was not measured stays None: it is no latency of 0 ms."""
    calibration = Calibrated(
        rate=50.0,
        requests=200,
        bias_p50_ms=0.2,
        bias_p95_ms=None,
        send_lag_p99_ms=None,
        shed_share=0.0,
        rate_held=49.5,
        trusted=False,
        why="too few answers",
    )
    note = PhaseNote(
        phase="latency",
        pace="open",
        requests=200,
        targets=("champion", "challenger"),
        ran=True,
        open_loop=True,
        torn=("latency 1",),
        calibration=calibration,
    )
    again = msgspec.json.decode(msgspec.json.encode(note), type=PhaseNote)
    assert again == note
    assert again.calibration is not None
    assert again.calibration.bias_p95_ms is None
