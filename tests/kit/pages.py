"""The Markdown pages of the repository, taken apart: links, anchors, blocks of code, commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "scenarios/*/README.md", "results/*.md")
    for path in ROOT.glob(pattern)
)

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<lang>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, language and text."""

    page: Path
    lang: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.strip().splitlines()[0][:40]}"


@cache
def text_of(page: Path) -> str:
    """A page, whole."""
    return (ROOT / page).read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def blocks(*langs: str) -> list[Block]:
    """The fenced blocks of every page in these languages ("" is none named)."""
    found = (Block(page, m["lang"], m["text"]) for page in PAGES for m in _FENCE.finditer(text_of(page)))
    return [block for block in found if block.lang in langs]


def spans(page: Path) -> list[str]:
    """What stands between single backticks, a broken line put together."""
    return [" ".join(span.split()) for span in _INLINE.findall(prose_of(page))]


def links(page: Path) -> list[str]:
    """The targets of links and pictures that stay in the repository, with their anchors."""
    prose = _INLINE.sub("", prose_of(page))
    return [link for link in _LINK.findall(prose) if not re.match(r"[a-z]+:", link)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", title) for title in _HEADING.findall(prose_of(page)))
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def commands(text: str, name: str) -> list[str]:
    """The command lines of a block that begin with this program, whatever is set before it."""
    lines = text.replace("\\\n", " ").splitlines()
    line = re.compile(rf"(?:[-$] +|\w+=\S+ +|run: +|\.venv/bin/)*({name} +[a-z-].*)")
    return [found.group(1) for one in lines if (found := line.fullmatch(one.strip()))]
