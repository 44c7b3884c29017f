"""A hook of mkdocs: what the docs link to outside of docs/ is part of the site, and the links lead there.

In the repository a page says `../scenarios/bugs/README.md`; in the site that file stands at
`scenarios/bugs/README.md`, beside the pages of docs/. Named in mkdocs.yml.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: the target of a Markdown link or picture, without its anchor
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Every file of the repository that a page links to is a file of the site, and so on from there."""
    waiting = [Path(file.abs_src_path) for file in files.documentation_pages() if file.abs_src_path]
    for path in waiting:
        uri = place(path)
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(path)))
        if path.suffix == ".md":
            found = {target(link, path) for link in LINK.findall(path.read_text(encoding="utf-8"))}
            waiting += sorted(one for one in found if one is not None and one not in waiting)
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """The page, its links to other files of the repository as they stand in the site."""
    here = Path(page.file.abs_src_path or "")
    folder = posixpath.dirname(page.file.src_uri)

    def moved(match: re.Match[str]) -> str:
        path = target(match.group(), here)
        return match.group() if path is None else posixpath.relpath(place(path), folder or ".")

    return LINK.sub(moved, markdown)


def target(link: str, page: Path) -> Path | None:
    """The file of the repository that a link of a page leads to, or the README of a folder, if any."""
    path = (page.parent / link).resolve()
    path = path / "README.md" if path.is_dir() else path
    return path if path.is_file() and path.is_relative_to(ROOT) else None


def place(path: Path) -> str:
    """Where a file of the repository stands in the site."""
    return path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).as_posix()
