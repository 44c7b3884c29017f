"""The scenario file: its types, its checks and messages, its schema and its starting template."""

from harness.scenario.checks import check_judged
from harness.scenario.config import Loaded, Scenario, Target
from harness.scenario.document import markdown, schema
from harness.scenario.explain import did_you_mean
from harness.scenario.load import load, restore
from harness.scenario.template import write_template

__all__ = [
    "Loaded",
    "Scenario",
    "Target",
    "check_judged",
    "did_you_mean",
    "load",
    "markdown",
    "restore",
    "schema",
    "write_template",
]
