"""`python -m harness` and the `replaygate` command: the one place that exits."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and exit with its code: a verdict's, an error's, never Python's own 1 or 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what is half made is cleared away
    try:
        from harness.cli import run_command

        code = run_command(sys.argv[1:])
    except KeyboardInterrupt:  # before there was a command to interrupt
        code = 130
    except ImportError as error:
        print(f"error: replaygate is not installed completely: {error}", file=sys.stderr)  # noqa: T201  -- no console yet
        code = 70
    sys.exit(code)


if __name__ == "__main__":
    main()
