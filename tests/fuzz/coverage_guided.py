"""The parser under coverage-guided fuzzing, for as long as one likes: `python -m tests.fuzz.coverage_guided`.

Needs atheris (`pip install atheris`), which is no dependency of ours; its arguments are libFuzzer's, such as
`-max_total_time=60`. The first byte says how the rest is cut into reads; every cut must give the same try.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys


def one_input(data: bytes) -> None:
    """The same bytes in one read, in reads of one length, and byte by byte."""
    from tests.fuzz.answers import RAW, TERMS, cut, parse

    if not data:
        return
    step, data = data[0] + 1, data[1:]
    for terms in (TERMS, RAW):
        whole = parse([data] if data else [], terms)
        if parse(cut(data, range(0, len(data), step)), terms) != whole:
            raise AssertionError(f"reads of {step} bytes change the answer")
        if parse(cut(data, range(len(data))), terms) != whole:
            raise AssertionError("reading byte by byte changes the answer")


def main() -> int:
    """Fuzz until stopped; 0 when it was, or when atheris is missing, which is said."""
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed: nothing was fuzzed (pip install atheris)\n")
        return 0
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["replayers.answer"]):
        importlib.import_module("tests.fuzz.answers")
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
