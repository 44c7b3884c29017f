"""Make results/simulations/statistics.json: `python -m tests.simulations [NAME]`, NAME an id of it.

Without a name everything is made, in about 25 minutes on two cores; with one, the rows made together with
it. Every figure has a generator of its own, so that one made alone is the one made with all.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.simulations.decisions import decisions
from tests.simulations.error_rates import limits, negative_controls, type1
from tests.simulations.exact import dp_crossing, mean_samples
from tests.simulations.figures import reached
from tests.simulations.power import asn_betting, pass_gate
from tests.simulations.sample_sizes import sample_sizes
from tests.simulations.speed import seq_s
from tests.simulations.swapped import swapped_arms
from tests.simulations.vectors import rows as vectors

Rows = list[dict[str, object]]

OUTPUT = Path(__file__).parents[2] / "results" / "simulations" / "statistics.json"
UNKNOWN_NAME = 64

# By the beginning of the ids that each makes, longest first.
MAKERS: dict[str, Callable[[], Rows]] = {
    "vectors": vectors,
    "dp_": dp_crossing,
    "type1": type1,
    "negative_controls": negative_controls,
    "control_": negative_controls,
    "limit_": limits,
    "asn_betting": asn_betting,
    "asn_": mean_samples,
    "p95_": pass_gate,
    "seq_": seq_s,
    "size_": sample_sizes,
    "swapped_": swapped_arms,
    "false_": decisions,
    "correct_": decisions,
    "decision_": decisions,
}


def makers(name: str | None) -> list[Callable[[], Rows]]:
    """The makers of the rows of this id, or all, each once."""
    if name is None:
        return list(dict.fromkeys(MAKERS.values()))
    return [make for prefix, make in MAKERS.items() if name.startswith(prefix)][:1]


def merged(before: Rows, now: Rows) -> Rows:
    """The rows of before with those made now in their place, new ones at the end."""
    fresh = {str(one["id"]): one for one in now}
    kept = [fresh.pop(str(one["id"]), one) for one in before]
    return [*kept, *fresh.values()]


def line(one: dict[str, object]) -> str:
    """One row for the screen: id, value, spread, and whether floor and aim are reached."""
    words = {True: "reached", False: "MISSED", None: "-"}
    marks = ", ".join(f"{mark} {words[reached(one, mark)]}" for mark in ("floor", "aim"))
    return f"{one['id']!s:34} {one['value']:<12.6g} ± {one['spread']:<10.2g} {marks}"


def main(arguments: list[str]) -> int:
    """Make the rows, write the file, print them; 64 for a name that no row has."""
    name = arguments[0] if arguments else None
    chosen = makers(name)
    if not chosen:
        sys.stderr.write(f"simulate: no figure is named {name!r}; the names begin with {', '.join(MAKERS)}\n")
        return UNKNOWN_NAME
    rows = msgspec.json.decode(OUTPUT.read_bytes(), type=Rows) if OUTPUT.exists() and name else []
    for make in chosen:
        found = make()
        rows = merged(rows, found)
        sys.stdout.writelines(f"{line(one)}\n" for one in found)
        sys.stdout.flush()
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
