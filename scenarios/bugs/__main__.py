"""The catalogue on the command line: `python -m scenarios.bugs list [SCENARIO]`."""

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime

from scenarios.bugs.catalogue import CATALOGUE, Entry
from scenarios.bugs.parse import applicable
from scenarios.duo_acceptance.serving_features import KINDS as DUO
from scenarios.hotel_cancellation.serving_features import KINDS as HOTEL
from scenarios.listing_review.serving_features import KINDS as LISTING
from scenarios.request import Kinds

SHOWN = 3
SCENARIOS: dict[str, Kinds] = {"duo_acceptance": DUO, "hotel_cancellation": HOTEL, "listing_review": LISTING}


def lines(kinds: Kinds | None) -> Iterator[str]:
    """A line for each bug, by class: name, class, options, what it does, and the features it can hit."""
    for name, entry in sorted(CATALOGUE.items(), key=lambda item: item[1].number):
        features = applicable(entry, kinds) if kinds is not None else []
        if kinds is not None and entry.kinds and not features:
            continue
        hits = few(features) if features else ", ".join(entry.kinds) or "the request"
        yield f"{entry.number:>2}  {name:<17} {entry.does}{options(entry)}  [{hits}]"


def few(features: list[str]) -> str:
    """The first features, and how many more."""
    more = len(features) - SHOWN
    return ", ".join(features) if more <= 1 else f"{', '.join(features[:SHOWN])} and {more} more"


def options(entry: Entry) -> str:
    """The options with their defaults, `; factor=100`."""
    told = [f"{key}={_default(value)}" for key, value in entry.options.items() if value is not None]
    return f"; {' '.join(told)}" if told else ""


def _default(value: object) -> str:
    if isinstance(value, type):
        return "TIME" if value is datetime else "..."
    first = value[0] if isinstance(value, tuple) else value
    return f"{first:g}" if isinstance(first, float) else str(first)


def main(arguments: list[str]) -> int:
    """Print the catalogue, or the part of it that a scenario's features can have."""
    parser = argparse.ArgumentParser(prog="python -m scenarios.bugs", description=main.__doc__)
    parser.add_argument("command", choices=["list"])
    parser.add_argument("scenario", nargs="?", choices=sorted(SCENARIOS))
    chosen = parser.parse_args(arguments).scenario
    sys.stdout.writelines(f"{line}\n" for line in lines(SCENARIOS.get(chosen)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
