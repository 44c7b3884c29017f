"""The live capture as a package of its own: it is built, and works with msgspec alone."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from harness.capture.live.files import BLOCK

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "harness" / "capture" / "live"
MODULES = sorted(FOLDER.glob("*.py"))


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, and `.` for a neighbour in its folder."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level or (node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_imports_the_standard_library_and_msgspec(path: Path) -> None:
    """Nothing else may come into a production service with it."""
    assert imported(path) - {"msgspec", "."} <= sys.stdlib_module_names


def test_importing_it_loads_nothing_heavy() -> None:
    """Inside the whole package too, a service does not load Arrow or NumPy for its middleware."""
    code = (
        "import sys, harness.capture.live.asgi, harness.capture.live.wsgi\n"
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'jmespath', 'lightgbm'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


#: one call, recorded where nothing but the wheel and msgspec can be imported
ALONE = """
import sys
sys.path[:0] = sys.argv[1:3]
import asyncio
import replaygate_capture
from replaygate_capture.asgi import CaptureMiddleware
import replaygate_capture.wsgi

async def app(scope, receive, send):
    replaygate_capture.attach(features={"amount": 12.5})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})

async def nothing(*_):
    pass

service = CaptureMiddleware(app, sys.argv[3])
asyncio.run(service({"type": "http", "method": "GET", "path": "/", "headers": []}, nothing, nothing))
assert service.recorder.close()
print(sorted(name for name in sys.modules if name.partition(".")[0] == "harness"))
"""


def test_the_wheel_records_with_msgspec_alone(tmp_path: Path) -> None:
    """Built without a network, unpacked, run by an interpreter that sees no other package."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=FOLDER, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("replaygate_capture-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "alone")
        metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
        assert "Requires-Dist: msgspec" in archive.read(metadata).decode()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    places = [tmp_path / "alone", tmp_path / "site", tmp_path / "calls"]
    command = [sys.executable, "-S", "-I", "-W", "error", "-c", ALONE, *map(str, places)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
    (calls,) = (tmp_path / "calls").glob("capture-*.jsonl")
    assert b'"online_features":{"amount":12.5}' in calls.read_bytes()
    (counts,) = (tmp_path / "calls").glob("_counts-*.json")
    assert counts.stat().st_size == BLOCK
