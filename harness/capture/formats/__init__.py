"""Capture formats of other tools, one file each: recognised by what the file holds, read in a stream.

To add one: a file with `detects(head)`, `read(path)` and a `Format`, and its name in `FORMATS`.
"""

from harness.capture.formats.canonical import CANONICAL
from harness.capture.formats.cloudevents import CLOUDEVENTS
from harness.capture.formats.databricks import DATABRICKS
from harness.capture.formats.detect import detect, head_of
from harness.capture.formats.envoy_tap import ENVOY_TAP
from harness.capture.formats.feast import FEAST
from harness.capture.formats.goreplay import GOREPLAY
from harness.capture.formats.har import HAR
from harness.capture.formats.mitmproxy import MITMPROXY
from harness.capture.formats.pieces import (
    BROKEN,
    PASSED_OVER,
    Answered,
    Asked,
    Dropped,
    Format,
    Head,
    Labelled,
    Piece,
)
from harness.capture.formats.sagemaker import SAGEMAKER

_ALL = (CANONICAL, GOREPLAY, HAR, SAGEMAKER, CLOUDEVENTS, ENVOY_TAP, DATABRICKS, FEAST, MITMPROXY)

#: every format, by its name on the command line
FORMATS: dict[str, Format] = {one.name: one for one in _ALL}

__all__ = [
    "BROKEN",
    "CANONICAL",
    "CLOUDEVENTS",
    "DATABRICKS",
    "ENVOY_TAP",
    "FEAST",
    "FORMATS",
    "GOREPLAY",
    "HAR",
    "MITMPROXY",
    "PASSED_OVER",
    "SAGEMAKER",
    "Answered",
    "Asked",
    "Dropped",
    "Format",
    "Head",
    "Labelled",
    "Piece",
    "detect",
    "head_of",
]
