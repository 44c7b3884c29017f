"""Fuzz importers and write down what came of it: `python -m tests.fuzz [NAME...] [--seconds 600]`.

A row for each importer goes to results/benchmarks/fuzz.json: how long, how many inputs, how many kinds of
failure, the slowest input, the peak memory. Needs atheris on the path: `make fuzz` puts it into build/fuzz.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.importers import TARGETS

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "benchmarks" / "fuzz.json"
FOLDER = ROOT / "build" / "fuzz-found"
#: an input may take so long, and a process so much memory, before that is a failure
TIMEOUT_S, MEMORY_MIB, LONGEST_INPUT = 20, 1_024, 8_192
#: a process that dies again and again is not started for ever
MOST_DEATHS = 20


def fuzzed(name: str, seconds: int) -> dict[str, object]:
    """The figures of one importer, fuzzed for so many seconds of the clock."""
    folder = FOLDER / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for stale in (*folder.glob("failed-*"), *folder.glob("died-*")):
        stale.unlink()
    for number, seed in enumerate(TARGETS[name].seeds()):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed)
    begun = time.monotonic()
    lives: list[dict[str, object]] = []
    deaths = 0
    while (left := seconds - (time.monotonic() - begun)) > 1 and deaths < MOST_DEATHS:
        code = _live(name, folder, seconds=int(left), seed=len(lives) + 1)
        lives.append(json.loads((folder / "told.json").read_text()))
        deaths += code != 0
    return row(name, lives, took_s=time.monotonic() - begun, deaths=deaths)


def _live(name: str, folder: Path, *, seconds: int, seed: int) -> int:
    """One process until the time is over or it dies; returns its exit code."""
    (folder / "told.json").write_text("{}")
    arguments = (
        *(f"-max_total_time={seconds}", f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MIB}"),
        *(f"-max_len={LONGEST_INPUT}", f"-seed={seed}", f"-artifact_prefix={folder}/died-", "-verbosity=0"),
    )
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(folder), *arguments]
    with (folder / "log.txt").open("ab") as log:
        done = subprocess.run(
            [*command, str(folder / "corpus")], cwd=ROOT, stdout=log, stderr=log, check=False
        )
    return done.returncode


def row(name: str, lives: list[dict[str, object]], *, took_s: float, deaths: int) -> dict[str, object]:
    """The figures of all processes of one importer together."""
    kinds = {kind for one in lives for kind in dict(one.get("failures") or {})}  # type: ignore[call-overload]
    total = {key: [float(str(one.get(key, 0))) for one in lives] for key in _NUMBERS}
    return {
        "id": f"fuzz_{name}",
        "figure": f"{name}: kinds of failure in {took_s:,.0f} s of bytes made by atheris",
        "value": len(kinds) + deaths,
        "spread": 0,
        "unit": "failures",
        "better": "lower",
        "floor": 0,
        "aim": 0,
        "runs": len(lives),
        "command": f"make fuzz NAME={name}",
        "seconds": round(took_s),
        "cpu_s": round(sum(total["cpu_s"])),
        "executions": int(sum(total["executions"])),
        "slowest_ms": round(max(total["slowest_ms"], default=0), 1),
        "peak_mib": round(max(total["peak_mib"], default=0)),
        "failures": sorted(kinds),
    }


_NUMBERS = ("executions", "slowest_ms", "peak_mib", "cpu_s")


def kept(fresh: dict[str, object]) -> None:
    """The row stands in the file of results in the place of an earlier one."""
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    rows = {one["id"]: one for one in before} | {fresh["id"]: fresh}
    RESULTS.write_text(json.dumps(sorted(rows.values(), key=lambda one: str(one["id"])), indent=2) + "\n")


def main() -> int:
    """Each importer asked for, one after another; 70 where one failed, 64 where atheris is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=600)
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed, nothing was fuzzed: run `make fuzz`\n")
        return 64
    failed = False
    for name in given.names or TARGETS:
        found = fuzzed(name, given.seconds)
        failed = failed or bool(found["value"])
        kept(found)
        sys.stdout.write(json.dumps(found) + os.linesep)
        sys.stdout.flush()
    return 70 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
