"""The command line: arguments in, exit code out."""

from harness.cli.edge import run_command

__all__ = ["run_command"]
