"""Faces of one `Report`: each renderer is a pure function of it, and the same report gives the same bytes."""

from harness.report.github import render as github
from harness.report.html import brief
from harness.report.html import render as html
from harness.report.junit import render as junit
from harness.report.markdown import render as markdown
from harness.report.model import decode, encode, schema
from harness.report.terminal import render as terminal

__all__ = ["brief", "decode", "encode", "github", "html", "junit", "markdown", "schema", "terminal"]
