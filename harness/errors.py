"""Every error that replaygate raises on purpose, each with the exit code it ends a command with.

HarnessError                     70  something inside replaygate broke its own promise
├── UsageError                   64  the command line
│   └── ScenarioError            64  the scenario file, or something it names
│       ├── ModelError           64  a model file that cannot be loaded or does not fit
│       └── PipelineError        64  the offline feature pipeline raised or broke its contract
├── DataError                    65  data handed in
│   ├── CaptureError             65  a capture that cannot be read, or with too many bad lines
│   ├── LabelsError              65  a labels file
│   ├── HoldoutError             65  a holdout or training file of a diagnosis
│   └── RunError                 65  a results folder that is not a run of ours, or is damaged
├── TargetUnreachable            69  an endpoint that does not answer
└── Interrupted                 130  SIGINT or SIGTERM, after draining

Never 1 or 2: a crash or a mistyped option must not read as a verdict.
"""

from __future__ import annotations

from typing import ClassVar


class HarnessError(Exception):
    """A failure told in one line: what, where, found, expected, and what to do."""

    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        found: object = None,
        expected: object = None,
        fix: str = "",
    ) -> None:
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.fix = fix
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The error on one line, without control characters."""
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.found is not None:
            told = isinstance(self.found, Exception)  # what a library says is a sentence of its own
            parts.append(str(self.found) if told else f"found {self.found}")
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        line = "; ".join(parts)
        if self.fix:
            line = f"{line.rstrip('.')}. {self.fix}"
        return " ".join("".join(c if c.isprintable() else " " for c in line).split())


class UsageError(HarnessError):
    """The command line asks for something that cannot be done."""

    exit_code = 64


class ScenarioError(UsageError):
    """The scenario, or a file it names, cannot be used."""


class ModelError(ScenarioError):
    """A model file cannot be loaded, or does not fit the features."""


class PipelineError(ScenarioError):
    """The offline feature pipeline raised, or broke its contract."""


class DataError(HarnessError):
    """Data handed in cannot be used."""

    exit_code = 65


class CaptureError(DataError):
    """A capture cannot be read, or holds too many bad lines."""


class LabelsError(DataError):
    """A labels file cannot be read, or contradicts the capture."""


class HoldoutError(DataError):
    """A holdout or training file of a diagnosis cannot be read, or lacks what makes it one."""


class RunError(DataError):
    """A results folder is not a run of ours, or is damaged."""


class TargetUnreachable(HarnessError):  # noqa: N818  -- named for what happened; callers catch HarnessError
    """An endpoint under test does not answer."""

    exit_code = 69


class Interrupted(HarnessError):  # noqa: N818  -- named for what happened; callers catch HarnessError
    """The run was told to stop and has drained."""

    exit_code = 130
