"""Faces of a `Report` or a `Diagnosis`: pure functions, the same bytes for the same record."""

from harness.report.diagnosis_html import render as diagnosis_html
from harness.report.diagnosis_markdown import render as diagnosis_markdown
from harness.report.diagnosis_terminal import likely as likely_terminal
from harness.report.diagnosis_terminal import render as diagnosis_terminal
from harness.report.github import render as github
from harness.report.html import brief
from harness.report.html import render as html
from harness.report.junit import render as junit
from harness.report.markdown import render as markdown
from harness.report.model import DIAGNOSIS_VERSION, decode, diagnosis_schema, encode, judged_sha256, schema
from harness.report.prometheus import render as prometheus
from harness.report.terminal import render as terminal

__all__ = [
    "DIAGNOSIS_VERSION",
    "brief",
    "decode",
    "diagnosis_html",
    "diagnosis_markdown",
    "diagnosis_schema",
    "diagnosis_terminal",
    "encode",
    "github",
    "html",
    "judged_sha256",
    "junit",
    "likely_terminal",
    "markdown",
    "prometheus",
    "schema",
    "terminal",
]
