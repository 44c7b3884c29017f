"""Faces of one `Report`: each renderer is a pure function of it, and the same report gives the same bytes."""

from harness.report.html import render as html
from harness.report.markdown import render as markdown
from harness.report.model import decode, encode, judged_sha256, schema
from harness.report.prometheus import render as prometheus
from harness.report.terminal import render as terminal

__all__ = ["decode", "encode", "html", "judged_sha256", "markdown", "prometheus", "schema", "terminal"]
