"""A page in headless Chromium: how wide it is, what axe-core finds, how long it took to open."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
#: put here by `make browser`
AXE = Path(__file__).parents[2] / ".cache" / "axe.min.js"
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--virtual-time-budget=20000",
)  # fmt: skip
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_ASKS = """
<script>%s</script>
<script>
window.addEventListener("load", async () => {
  const page = document.documentElement;
  const found = {overflow: page.scrollWidth - page.clientWidth, width: page.clientWidth, violations: []};
  if (window.axe) {
    const told = await axe.run();
    found.violations = told.violations.map(v => [v.id, v.impact, v.nodes[0].html.slice(0, 200)]);
  }
  parent.document.body.textContent = "FOUND" + JSON.stringify(found) + "END";
});
</script>
"""
#: a window is never narrower than 500 px, a frame is
_FRAME = '<!doctype html><body><iframe style="border:0;width:%dpx;height:844px" srcdoc="%s"></iframe></body>'


def opened(page: str, folder: Path, *, width: int, axe: bool = False) -> dict[str, Any]:
    """What a browser of this width says of a page; its policy, which forbids scripts, is taken out first."""
    asked = _ASKS % (AXE.read_text(encoding="utf-8") if axe else "")
    framed = _FRAME % (width, escape(_POLICY.sub("", page).replace("</body>", f"{asked}</body>")))
    path = folder / "page.html"
    path.write_text(framed, encoding="utf-8")
    assert CHROMIUM is not None
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=1280,900"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=90, check=True
    )
    found = re.search(r"FOUND(.*?)END", done.stdout, flags=re.DOTALL)
    assert found, done.stderr
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told
