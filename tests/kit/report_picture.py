"""The picture of a report in the README and on the first page of the docs.

    make demo
    python -m tests.kit.report_picture results/duo_acceptance_bug/RUN

writes docs/images/report.png: the page of that run in a real Chromium, light theme, down to the last gate.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from tests.kit.browser import Browser

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "report.png"
#: as wide as a README is shown, so that nobody's browser scales the letters
WIDTH, ZOOM = 896, 0.85
#: readers of the README load it, so it stays small
MOST_BYTES = 200_000


def take(page: Path, picture: Path = PICTURE) -> Path:
    """The first screen of a report.html as a PNG file: verdict, ledger and gates."""
    with Browser() as browser:
        browser.look(WIDTH)
        browser.open(page.resolve().as_uri())
        browser.run(f"document.documentElement.style.zoom = {ZOOM}")
        end = browser.run("document.querySelector('main table').getBoundingClientRect().bottom")
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": int(end) + 2, "scale": 1}
        shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(base64.b64decode(shot["data"]))
    return picture


if __name__ == "__main__":
    written = take(Path(sys.argv[1]) / "report.html")
    size = written.stat().st_size
    sys.stdout.write(f"{written}: {size:,} bytes\n")
    sys.exit(f"at most {MOST_BYTES:,} bytes" if size > MOST_BYTES else 0)
