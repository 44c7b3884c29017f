"""One importer under coverage-guided fuzzing: `python -m tests.fuzz.guided NAME FOLDER ARGUMENT...`.

The arguments are libFuzzer's. What was found is in FOLDER: `told.json`, written every second, and the first
input of each kind of failure as `failed-*`. A failure is counted and the fuzzing goes on; what kills the
process (a crash of a library, memory, a hang) leaves libFuzzer's `crash-*`, `oom-*` or `timeout-*` there.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

_TELL_EVERY_S = 1.0


@dataclass
class Told:
    """What a fuzzing process has seen so far; `failures` counts by the place in the code."""

    executions: int = 0
    slowest_ms: float = 0.0
    peak_mib: float = 0.0
    cpu_s: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)


class Watched:
    """Checks inputs one after another, and writes down what came of them."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder, self.told, self.last = folder, Told(), 0.0
        target = importlib.import_module("tests.fuzz.importers").TARGETS[name]
        self.path, self.check = folder / target.file, target.check

    def one_input(self, data: bytes) -> None:
        """The bytes as a file of the importer's format."""
        self.path.write_bytes(data)
        begun = time.perf_counter()
        try:
            self.check(self.path)
        except Exception as error:  # noqa: BLE001  -- whatever is raised is a finding
            self._failed(error, data)
        took = time.perf_counter() - begun
        self.told.executions += 1
        if took * 1e3 > self.told.slowest_ms:
            self.told.slowest_ms = took * 1e3
            (self.folder / "slowest").write_bytes(data)
        if begun - self.last > _TELL_EVERY_S:
            self.last = begun
            self._tell()

    def _failed(self, error: Exception, data: bytes) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        if kind not in self.told.failures:
            (self.folder / f"failed-{len(self.told.failures)}").write_bytes(data)
            (self.folder / f"failed-{len(self.told.failures)}.txt").write_text(traceback.format_exc())
        self.told.failures[kind] = self.told.failures.get(kind, 0) + 1

    def _tell(self) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.told.peak_mib = used.ru_maxrss / 1024
        self.told.cpu_s = used.ru_utime + used.ru_stime
        (self.folder / "told.json").write_text(json.dumps(asdict(self.told)))


def main() -> None:
    """Fuzz for as long as libFuzzer's arguments say."""
    atheris = importlib.import_module("atheris")
    name, folder = sys.argv[1], Path(sys.argv[2])
    with atheris.instrument_imports(include=["harness.capture"]):
        watched = Watched(name, folder)
    atheris.Setup([sys.argv[0], *sys.argv[3:]], watched.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
