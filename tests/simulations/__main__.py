"""Make results/simulations/*.json: `python -m tests.simulations [NAME]`, NAME a file there or an id in one.

Without a name everything is made, in about 40 minutes on two cores; with one, the rows made together with
it. Every figure has a generator of its own, so that one made alone is the one made with all.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.simulations import diagnosis_vectors
from tests.simulations.decisions import decisions
from tests.simulations.diagnosis.concept import concept_rows
from tests.simulations.diagnosis.remedies import remedy_rows
from tests.simulations.diagnosis.replications import ladder_rows
from tests.simulations.diagnosis.toggles import share_rows
from tests.simulations.error_rates import limits, negative_controls, type1
from tests.simulations.exact import dp_crossing, mean_samples
from tests.simulations.figures import reached
from tests.simulations.power import asn_betting, pass_gate
from tests.simulations.sample_sizes import sample_sizes
from tests.simulations.sampling import sampling_rows
from tests.simulations.speed import seq_s
from tests.simulations.swapped import swapped_arms
from tests.simulations.vectors import rows as vectors

Rows = list[dict[str, object]]

FOLDER = Path(__file__).parents[2] / "results" / "simulations"
UNKNOWN_NAME = 64

# By file, and there by the beginning of the ids that each makes, longest first.
MAKERS: dict[str, dict[str, Callable[[], Rows]]] = {
    "statistics": {
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
    },
    "diagnosis": {
        "part_": ladder_rows,
        "largest_first": ladder_rows,
        "adds_up": ladder_rows,
        "share_": share_rows,
        "remedy_": remedy_rows,
        "changed_": concept_rows,
        "vectors": diagnosis_vectors.rows,
    },
    "sampling": {"weight_": sampling_rows},
}


def makers(name: str | None) -> dict[str, list[Callable[[], Rows]]]:
    """By file the makers of the rows of this id, of this file, or all, each once."""
    if name is None or name in MAKERS:
        return {file: list(dict.fromkeys(MAKERS[file].values())) for file in ([name] if name else MAKERS)}
    found = {
        file: [make for start, make in of.items() if name.startswith(start)][:1]
        for file, of in MAKERS.items()
    }
    return {file: first for file, first in found.items() if first}


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


def make_file(file: str, chosen: list[Callable[[], Rows]], *, keep: bool) -> None:
    """The file with these rows made anew, beside its other rows where they are kept."""
    path = FOLDER / f"{file}.json"
    rows = msgspec.json.decode(path.read_bytes(), type=Rows) if path.exists() and keep else []
    for make in chosen:
        found = make()
        rows = merged(rows, found)
        sys.stdout.writelines(f"{line(one)}\n" for one in found)
        sys.stdout.flush()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")


def main(arguments: list[str]) -> int:
    """Make the rows, write the files, print them; 64 for a name that nothing has."""
    name = arguments[0] if arguments else None
    files = makers(name)
    if not files:
        names = ", ".join((*MAKERS, *(start for of in MAKERS.values() for start in of)))
        sys.stderr.write(f"simulate: no figure is named {name!r}; the names begin with {names}\n")
        return UNKNOWN_NAME
    for file, chosen in files.items():
        make_file(file, chosen, keep=name not in {None, file})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
