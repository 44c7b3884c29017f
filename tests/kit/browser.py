"""A real Chromium, driven over a pipe by its own protocol: no port, no driver, nothing installed beside it.

With `Browser.found()` None there is none on this machine, and tests that need one skip.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_READ, _WRITE = 3, 4


def found() -> str | None:
    """The browser of this machine."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@dataclass
class Browser:
    """One page of a headless Chromium; `said` holds what its console complained of."""

    said: list[str] = field(default_factory=list)
    _counter: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _loaded: int = 0

    def __enter__(self) -> Self:
        path = found()
        assert path is not None, "no Chromium here"
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, theirs_in, _READ + 100),
            (os.POSIX_SPAWN_DUP2, theirs_out, _WRITE + 100),
            (os.POSIX_SPAWN_DUP2, _READ + 100, _READ),
            (os.POSIX_SPAWN_DUP2, _WRITE + 100, _WRITE),
        ]
        command = [path, *_SWITCHES, f"--user-data-dir={self._home.name}", "about:blank"]
        environment = {**os.environ, "HOME": self._home.name}
        self._pid = os.posix_spawn(path, command, environment, file_actions=actions, setsid=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = os.fdopen(ours_out, "wb", buffering=0), os.fdopen(ours_in, "rb")
        self._buffer = b""
        target = next(t for t in self._call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._out.close()
        self._in.close()
        self._home.cleanup()

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """A command of the protocol to the page."""
        return self._call(method, session=self._session, **parameters)

    def look(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """The window is so large, and the theme so."""
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """The page is loaded."""
        before = self._loaded
        self.call("Page.navigate", url=url)
        while self._loaded == before:
            self._event()

    def run(self, script: str) -> Any:  # noqa: ANN401  -- whatever the script gives
        """The value of a script in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str, *, seconds: float = 20.0) -> None:
        """The script has become true, on this page or the next; AssertionError when it does not."""
        end = time.monotonic() + seconds
        asked = f"(() => {{ try {{ return Boolean({script}); }} catch {{ return false; }} }})()"
        while self.call("Runtime.evaluate", expression=asked)["result"].get("value") is not True:
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        """The element is clicked, and a page that this loads is loaded."""
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def picture(self, path: Path) -> Path:
        """The whole page as a PNG file."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def _call(self, method: str, *, session: str = "", **parameters: object) -> dict[str, Any]:
        number = next(self._counter)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _event(self) -> None:
        self._note(self._message())

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            block = os.read(self._in.fileno(), 1 << 16)
            assert block, "Chromium has gone"
            self._buffer += block
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        match event:
            case {"method": "Page.loadEventFired"}:
                self._loaded += 1
            case {"method": "Log.entryAdded", "params": {"entry": entry}} if entry["level"] != "verbose":
                self.said.append(f"{entry['level']}: {entry['text']}")
            case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                self.said.append(f"exception: {details['text']}")
            case _:
                pass
