"""Make results/benchmarks/*.json: `python -m tests.benchmarks [NAME]`, NAME a file there or an id in one.

Without a name every file is made. Rows that are measured together are made together. What cannot be measured
on this machine is said loudly and written down as not measured.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import msgspec

from tests.benchmarks import (
    capacity,
    capture_import,
    capture_live,
    capture_proxy,
    capture_round_trip,
    closed_loop,
    drift,
    drift_peers,
    freeze,
    ladder,
    open_loop,
    probes,
    ui,
    whereabouts,
)
from tests.benchmarks.causes import rows as causes
from tests.benchmarks.causes import speed
from tests.benchmarks.figures import Rows, line, merged
from tests.benchmarks.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = ROOT / "results" / "benchmarks"
UNKNOWN_NAME = 64

#: by file: what makes its rows, by the beginnings of their ids
MAKERS: dict[str, dict[str, Callable[[], Rows]]] = {
    "replay": {
        "wire_": closed_loop.rows,
        "transport_": closed_loop.rows,
        "cpu_": closed_loop.rows,
        "send_": open_loop.rows,
        "bias_": open_loop.rows,
        "stretch": open_loop.rows,
        "freeze_": freeze.rows,
        "full_replay_": capacity.rate_rows,
        "journal_rate": capacity.journal_rows,
        "rss_1m": capacity.memory_rows,
        "lost_or_doubled": capacity.kill_rows,
    },
    "causes": {
        "first_seen": whereabouts.change_rows,
        "false_place": whereabouts.false_rows,
        "false_onset": whereabouts.false_rows,
        "place_found": whereabouts.found_rows,
        "probes": probes.rows,
        "top": causes.rows,
        "worst_class": causes.rows,
        "parameter": causes.rows,
        "two_bugs": causes.rows,
        "second_name": causes.rows,
        "missed": causes.rows,
        "false_name": causes.rows,
        "noise_name": causes.rows,
        "beside_peers": causes.rows,
        "causes_s": speed.causes_rows,
        "diff_s": speed.diff_rows,
    },
    "diagnosis": {
        "ladder_": ladder.ladder_rows,
        "shapley_": ladder.ladder_rows,
        "psi_s": drift.rows,
        "drift_s": drift.rows,
        "vs_evidently": drift_peers.evidently_rows,
        "vs_nannyml": drift_peers.nannyml_rows,
    },
    "capture": {
        "middleware_": capture_live.rows,
        "jsonl_rate": capture_import.rate_rows,
        "jsonl_rss": capture_import.memory_rows,
        "gor_": capture_import.gor_rows,
        "real_files": capture_round_trip.real_rows,
        "round_trip": capture_round_trip.round_trip_rows,
        "mirror_ms": capture_proxy.rows,
    },
    "ui": {"ui_": ui.rows, "report_": ui.report_rows},
}


def chosen(name: str | None) -> dict[str, list[Callable[[], Rows]]]:
    """The makers of each file that this name asks for, each once."""
    found = {}
    for file, makers in MAKERS.items():
        wanted = [
            make for start, make in makers.items() if name in {None, file} or str(name).startswith(start)
        ]
        if wanted:
            found[file] = list(dict.fromkeys(wanted))
    return found


def make(file: str, makers: list[Callable[[], Rows]]) -> None:
    """The file with these rows made anew, saved after each, so that what was measured stays."""
    path = FOLDER / f"{file}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = msgspec.json.decode(path.read_bytes(), type=Rows) if path.exists() else []
    for maker in makers:
        started = time.monotonic()
        made = maker()
        rows = merged(rows, made)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
        sys.stdout.writelines(f"{line(one)}\n" for one in made)
        sys.stdout.write(f"  ({time.monotonic() - started:.0f} s)\n")
        sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Make the rows, write the files, print them; 64 for a name that nothing has."""
    files = chosen(arguments[0] if arguments else None)
    if not files:
        names = ", ".join((*MAKERS, *(start for makers in MAKERS.values() for start in makers)))
        sys.stderr.write(f"bench: nothing is named {arguments[0]!r}; names begin with {names}\n")
        return UNKNOWN_NAME
    for file, makers in files.items():
        make(file, makers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
