"""Captured traffic and its labels: read in a stream, checked line by line, written without loss."""

from harness.capture.attach import LabelTable, attach, check_against
from harness.capture.config import CaptureConfig
from harness.capture.intake import Intake, in_sample, ingest
from harness.capture.labels import LabelColumn, PlacedLabel, read_labels
from harness.capture.line import BadLine, Line
from harness.capture.read import read
from harness.capture.table import load, requests, to_table
from harness.capture.write import write_jsonl

__all__ = [
    "BadLine",
    "CaptureConfig",
    "Intake",
    "LabelColumn",
    "LabelTable",
    "Line",
    "PlacedLabel",
    "attach",
    "check_against",
    "in_sample",
    "ingest",
    "load",
    "read",
    "read_labels",
    "requests",
    "to_table",
    "write_jsonl",
]
