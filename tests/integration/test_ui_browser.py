"""Every page in a real Chromium: it fits a phone, the console stays silent, a reader hears every name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.run.folder import RunFolder
from tests.kit import sample_report
from tests.kit.browser import Browser, found
from tests.kit.large_run import write
from tests.kit.page_probe import AXE
from tests.kit.website import Website, shown

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium on this machine")

LARGE = "large/run"
PAGES = (
    "/",
    "/?scenario=duo",
    "/run?run=duo/1",
    "/run?run=duo/2",
    "/run?run=many/1",
    "/run?run=nasty/1",
    f"/requests?run={LARGE}&flips=1",
    f"/request?run={LARGE}&id=0",
    "/compare?left=duo/1&right=duo/2",
    "/live?run=cut/1",
    "/login",
    "/nowhere",
)
#: elements that a screen reader would announce as nothing
NAMELESS = """[...document.querySelectorAll('a,button,input:not([type=hidden]),select,progress,svg')]
  .filter((e) => !e.textContent.trim() && !e.getAttribute('aria-label') && !e.labels?.length)
  .map((e) => e.outerHTML.slice(0, 80))"""
#: texts with less contrast to what is behind them than 4.5 to 1
FAINT = """(() => {
  const light = (c) => {
    const [r, g, b] = c.map((x) => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (s) => s.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.body.querySelectorAll('*')].filter((e) => own(e) && e.getClientRects().length
    && !e.closest('svg')).filter((e) => {
    const [a, b] = [parse(getComputedStyle(e).color), behind(e)].map((c) => light(c.slice(0, 3)));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map((e) => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40));
})()"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Website]:
    """Runs of every kind, one of two thousand requests among them."""
    here = tmp_path_factory.mktemp("browser")
    results = here / "results"
    write(here, 2_000)
    shown(results, "duo/1", replace(sample_report.no_go(), created_at="2026-11-01T00:00:00Z"))
    shown(results, "duo/2", sample_report.go())
    shown(results, "many/1", sample_report.fifty())
    shown(results, "nasty/1", sample_report.hostile())
    (shown(results, "cut/1", sample_report.go()) / "report.json").unlink()
    with Website(results, here / "cache") as served:
        yield served


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    """One browser for all pages."""
    with Browser() as browser:
        yield browser


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_a_desk_in_both_themes(site: Website, page: Browser, path: str) -> None:
    """No sideways scroll, no complaint of the console, no element without a name, no faint text."""
    page.said.clear()
    for width in (390, 1280):
        for dark in (False, True):
            page.look(width, dark=dark)
            page.open(site.url + path)
            beyond = page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert beyond <= 0, (width, beyond)
            assert page.run(FAINT) == []
    assert page.run(NAMELESS) == []
    assert page.run("document.querySelectorAll('h1').length") == 1
    assert [text for text in page.said if "404" not in text] == []


def test_the_theme_is_switched_and_kept(site: Website, page: Browser) -> None:
    """By a button that names the other one, over pages."""
    page.look(1280)
    page.open(site.url)
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.run(paper)
    page.click("#theme")
    assert page.run(paper) != before
    page.open(f"{site.url}/run?run=duo/1")
    assert page.run(paper) != before
    page.click("#theme")
    assert page.run(paper) == before


def test_from_the_list_to_one_request_by_links_and_forms_alone(site: Website, page: Browser) -> None:
    """Run, its requests, filtered by a form, one of them."""
    page.look(390)
    page.open(f"{site.url}/run?run={LARGE}")
    page.click("nav.actions a[href^='/requests']")
    page.until("location.pathname === '/requests' && document.querySelector('form.filter')")
    page.run("document.querySelector('input[name=flips]').checked = true")
    page.click("form.filter button")
    page.until("location.search.includes('flips=1') && document.querySelector('table.requests')")
    first = page.run("document.querySelector('table.requests a').textContent")
    page.click("table.requests a")
    page.until("location.pathname === '/request' && document.querySelector('h1')")
    assert first in page.run("document.querySelector('h1').textContent")


def test_the_report_in_its_sandbox_runs_nothing(tmp_path: Path, page: Browser) -> None:
    """A script in it, as somebody else could have written one, is refused, and the page is of no origin."""
    root = shown(tmp_path / "results", "duo/1", sample_report.no_go())
    bad = b"<!doctype html><title>good</title><script>document.title = 'bad'</script>"
    RunFolder(root).write(bad, root / "report.html")
    page.look(1280)
    with Website(tmp_path / "results", tmp_path / "cache") as site:
        page.open(f"{site.url}/report?run=duo/1")
        assert page.run("document.title") == "good"
        assert page.run("self.origin") == "null"


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(site: Website, page: Browser, path: str) -> None:
    """On a phone in the dark theme, with every part unfolded."""
    if not AXE.is_file():
        pytest.skip("needs axe-core: make browser")
    page.look(390, dark=True)
    page.open(site.url + path)
    page.run("document.querySelectorAll('details').forEach((e) => e.open = true)")
    page.run(f"{AXE.read_text(encoding='utf-8')};0")
    told = page.run("axe.run().then((r) => r.violations.map((v) => [v.id, v.impact, v.nodes[0].html]))")
    assert [one for one in told if one[1] in {"serious", "critical"}] == []
