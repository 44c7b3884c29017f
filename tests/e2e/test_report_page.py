"""The page in a real browser: no sideways scroll on a phone, and nothing serious that axe-core finds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from harness import report as faces
from tests.kit import page_probe
from tests.kit.sample_report import fifty, hostile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(page_probe.CHROMIUM is None, reason="needs Debian's package chromium")


@pytest.mark.parametrize(
    ("page", "width"),
    [
        (partial(faces.html, fifty()), 390),
        (partial(faces.html, hostile()), 390),
        (partial(faces.brief, hostile()), 1280),
    ],
    ids=["fifty", "hostile", "hostile for the business"],
)
def test_the_page_fits_its_screen_and_axe_finds_nothing_serious(
    page: Callable[[], str], width: int, tmp_path: Path
) -> None:
    """It never scrolls sideways, long names or not."""
    found = page_probe.opened(page(), tmp_path, width=width, axe=page_probe.AXE.is_file())
    assert width - 20 <= found["width"] <= width
    assert found["overflow"] == 0
    assert [v for v in found["violations"] if v[1] in {"serious", "critical"}] == []


def test_axe_is_there_or_said_to_be_missing(tmp_path: Path) -> None:
    """A picture without a name is found, so that finding nothing says something."""
    if not page_probe.AXE.is_file():
        pytest.skip("needs axe-core: make browser")
    bad = '<!doctype html><html lang="en"><head><title>x</title></head><body><img src="x.png"></body></html>'
    found = page_probe.opened(bad, tmp_path, width=390, axe=True)
    assert "image-alt" in {violation[0] for violation in found["violations"]}
