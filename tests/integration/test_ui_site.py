"""The pages as a browser and an attacker reach them: real uvicorn on the loopback interface, hostile runs."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from harness import capture
from harness.run.folder import LIVE
from harness.run.live import Live, encoded
from harness.run.stages import compare
from harness.ui.guard import COOKIE, Guard
from tests.kit import sample_report, small
from tests.kit.prepared import ready
from tests.kit.website import Website, shown

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"
SESAME = "sesame-open-sesame"
HUSH = "SESAME"
EARLIER = "2026-11-01T00:00:00Z"


class Elements(HTMLParser):
    """What a browser would make of a page: its elements, and attributes that would run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.risky: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        self.names.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.risky += [name for name in given if name.startswith("on") or name == "style"]
        self.risky += [v for v in given.values() if v.lower().startswith(("javascript:", "data:text"))]
        self.sources += [given["src"]] if "src" in given else []


def hostile_run(here: Path) -> str:
    """A compared run whose first request is hostile in its id, unit, segment, header and body."""
    made, answers = ready(here), small.answers()
    rows = list(capture.requests(made.folder.read(made.folder.capture)))
    rows[0] = replace(
        rows[0],
        request_id=HOSTILE,
        unit=HOSTILE,
        segments={"country": HOSTILE},
        path=f"/score?api_key={HUSH}&q={HOSTILE}",
        headers={"authorization": HUSH, "x-agent": HOSTILE},
        body=json.dumps({"amount": 1.0, HOSTILE: HOSTILE}).encode(),
    )
    made.folder.write(capture.to_table(rows), made.folder.capture / "part-00000.parquet")
    for answer in answers.values():
        answer["features"]["amount"] += 1
        answer["features"][HOSTILE] = HOSTILE
    made.answer("challenger", answers)
    made.note("challenger")
    compare(made.folder.root, None, say=lambda _: None)
    return "run"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Website]:
    """A results folder with all sorts of runs, served."""
    results = tmp_path_factory.mktemp("results")
    hostile_run(results)
    older = replace(sample_report.no_go(), created_at=EARLIER)
    shown(results, "duo/1", older)
    shown(results, "duo/2", sample_report.go(), build=HOSTILE)
    shown(results, "many/1", sample_report.fifty())
    shown(results, "nasty/1", sample_report.hostile())
    shown(results, "newer/1", replace(sample_report.go(), schema_version=99))
    (shown(results, "cut/1", sample_report.go()) / "report.json").unlink()
    (shown(results, "corrupt/1", sample_report.go()) / "report.json").write_bytes(b'{"schema')
    (results / "holiday" / "photos").mkdir(parents=True)
    dead = Live(
        pid=2**22 + 1, process="another machine 1", begun_at=EARLIER, at=EARLIER, phase=HOSTILE, total=9
    )
    (results / "cut" / "1" / LIVE).write_bytes(encoded(dead))
    with Website(results, tmp_path_factory.mktemp("cache")) as served:
        yield served


PAGES = (
    "/",
    "/?scenario=duo",
    "/run?run=run",
    "/run?run=duo/2",
    "/run?run=many/1",
    "/run?run=nasty/1",
    "/requests?run=run",
    "/requests?run=run&q=script&unit=%3Cscript%3E",
    "/requests?run=run&ms=%3Cscript%3E",
    "/request?run=run&id=0",
    "/compare?left=duo/1&right=duo/2",
    "/compare?left=nasty/1&right=many/1",
    "/live?run=cut/1",
    "/live/part?run=cut/1",
    "/login",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_comes_whole_runs_nothing_of_a_capture_and_tells_no_secret(
    site: Website, path: str
) -> None:
    """One script, ours; no inline style or handler; bound by headers; nothing of run.json's scenario."""
    answer = site.get(path)
    assert answer.status_code == 200, answer.text
    found = Elements(answer.text)
    assert found.sources == ([] if "part" in path else ["/static/ui.js"])
    assert found.risky == []
    assert "img" not in found.names
    assert HUSH not in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_the_list_has_verdicts_and_trends_and_says_what_it_skipped(site: Website) -> None:
    """Half written, newer, corrupt and foreign folders are said; the rest is shown."""
    page = site.get("/").text
    assert "GO since the last run, NO-GO before" in page
    assert "&lt;script&gt;" in page
    for name, kind in (
        ("cut/1", "unfinished"),
        ("newer/1", "newer"),
        ("corrupt/1", "damaged"),
        ("holiday/photos", "foreign"),
    ):
        row = next(line for line in page.splitlines() if f"<code>{name}</code>" in line)
        assert f'<td role="cell">{kind}</td>' in row
    assert "No run here has a verdict" in site.get("/", scenario="none").text


def test_a_request_is_shown_side_by_side_with_its_cause(site: Website) -> None:
    """Reached from the filter by its hostile id, with every arm, and what was asked."""
    listed = site.get("/requests", run="run", q="onerror").text
    assert "1 request</b> of 240 matches" in listed
    page = site.get("/request", run="run", id=HOSTILE).text
    assert html.escape(HOSTILE, quote=False)[:20] in page
    assert "F1" in page
    assert "differs" in page
    assert "$API_KEY" in page
    assert site.get("/request", run="run", id="1").text.count("unit") >= 1


def test_two_runs_are_held_against_each_other(site: Website) -> None:
    """What is gone stands first, with the verdicts."""
    page = site.get("/compare", left="duo/1", right="duo/2").text
    assert "NO-GO became GO" in page
    assert "− gone" in page
    assert "+ new" in site.get("/compare", left="duo/2", right="duo/1").text


def test_the_report_runs_nothing_in_no_origin(site: Website) -> None:
    """It is the page the run wrote, in a sandbox."""
    answer = site.get("/report", run="duo/1")
    assert (answer.status_code, "NO-GO" in answer.text) == (200, True)
    rules = answer.headers["content-security-policy"]
    assert rules.startswith("sandbox; default-src 'none'")
    assert "script-src" not in rules
    assert site.get("/report.json", run="duo/1").json()["decision"]["word"] == "NO-GO"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/run?run=../../etc", 404),
        ("/run?run=..%2f..%2fetc%2fpasswd", 404),
        ("/run?run=%252e%252e/duo", 404),
        ("/run?run=duo/1/report.json", 404),
        ("/report?run=/etc", 404),
        ("/run?run=duo%00/1", 404),
        ("/static/..%2fapp.py", 404),
        ("/static/../app.py", 404),
        ("/../../etc/passwd", 404),
        ("/run?run=corrupt/1", 422),
        ("/run?run=newer/1", 422),
        ("/run?run=cut/1", 307),
        ("/requests?run=cut/1", 422),
        ("/request?run=run&id=nobody", 404),
        ("/run", 400),
        ("/compare?left=duo/1", 400),
        ("/docs", 404),
        ("/openapi.json", 404),
        ("/requests?run=run&q=" + "x" * 5_000, 414),
        ("/" + "x" * 5_000, 414),
        ("/requests?run=run&page=99999999999999999999", 200),
        ("/requests?run=run&q=" + "x" * 300, 200),
    ],
)
def test_a_bad_address_is_refused_in_a_page_of_words(site: Website, path: str, status: int) -> None:
    """No traceback, no path of this machine outside the results folder."""
    host, _, port = site.url.removeprefix("http://").partition(":")
    with httpx.Client(base_url=f"http://{host}:{port}") as client:
        answer = client.send(
            client.build_request("GET", httpx.URL(f"{site.url}").copy_with(raw_path=path.encode()))
        )
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert "root:" not in answer.text


def test_another_sites_page_and_name_are_refused(site: Website) -> None:
    """DNS rebinding, a form of another origin, a script of another port; each by its own reason."""
    assert site.get("/", headers={"host": "evil.example"}).status_code == 421
    assert (
        site.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}).status_code == 403
    )
    assert site.post("/stop", headers={"origin": "http://evil.example"}, run="cut/1").status_code == 403
    assert site.post("/stop", headers={"sec-fetch-site": "cross-site"}, run="cut/1").status_code == 403
    assert site.post("/stop", run="cut/1", ticket="x").status_code == 403
    assert site.post("/stop", run="x" * 9_000).status_code == 413
    assert httpx.post(f"{site.url}/stop", content=iter([b"run=cut/1"])).status_code == 411
    assert site.post("/run", run="duo/1").status_code == 405
    assert site.post("/stop", run="cut/1", ticket=site.guard.ticket("/stop cut/1")).status_code == 422


def test_with_a_token_nothing_is_seen_before_it_is_given(site: Website, tmp_path: Path) -> None:
    """A page asks for it, a wrong one is told, the right one lets in by a cookie that scripts cannot read."""
    with Website(site.results, tmp_path, guard=Guard(token=SESAME)) as locked:
        closed = locked.get("/run", run="duo/1")
        assert (closed.status_code, "NO-GO" in closed.text) == (401, False)
        assert locked.post("/login", token="wrong" * 5).status_code == 401
        entered = locked.post("/login", token=SESAME)
        assert entered.status_code == 303
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        kept = {"cookie": f"{COOKIE}={entered.cookies[COOKIE]}"}
        assert locked.get("/run", run="duo/1", headers=kept).status_code == 200
        assert locked.get("/", headers={"authorization": f"Bearer {SESAME}"}).status_code == 200
        assert msgspec.json.encode(SESAME) not in entered.content
