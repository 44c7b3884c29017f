"""A finding as a regression test: from its smallest request where there is one, else from the run itself."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from harness import columns
from harness.columns import Side
from harness.diff.persistence import Seen, see
from harness.errors import UsageError
from harness.report import regression_test
from harness.report.numbers import find
from harness.report.reproduction import Reproduction
from harness.run.bench import NONDETERMINISTIC, TIMES
from harness.run.comparing import sent
from harness.run.reducing import Candidate, told
from harness.run.reproducing import FOLDER, Case
from harness.run.rows import offline_side, served_side, that_counts
from harness.run.stages import reopen, reported
from replayers.credentials import ENV
from replayers.http import HttpArm, HttpTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def export_test(root: Path, name: str, *, output: Path | None, say: Callable[[str], None]) -> Path:
    """The pytest file of a finding, written to `output` or to the run's `reproduce` folder.

    The request is the one that `reproduce` has left, or else an exemplar as it was captured. Raises
    UsageError for a file that is there and was not written by this command.
    """
    folder, loaded = reopen(root)
    number, finding = find(reported(folder), name)
    case = Case(folder, loaded, number, finding, say)
    kept = folder.root / FOLDER / f"{number}.json"
    found = folder.load(f"{FOLDER}/{number}.json", Reproduction) if kept.is_file() else None
    if found is None or not found.reproduced:
        say(f"{number} was not reproduced: its test sends a request as it was captured, not the smallest one")
        found = _captured(case)
    path = output or folder.root / FOLDER / f"test_{number.lower()}.py"
    _check_free(path)
    target = case.target(finding.arm)
    by_selector = target.protocol.by_selector or not target.response.default("features")
    features = target.response.features if by_selector else ""
    text = regression_test.render(found, score=score_place(target), features=features, file=path.name)
    columns.write_bytes(text.encode(), path)
    return path


def score_place(target: HttpTarget) -> str:
    """Where the score is in a JSON answer; UsageError where a test with httpx alone cannot find it."""
    protocol, selector = target.protocol, target.response.score
    if protocol.by_selector and protocol.transform == "none":
        return selector if protocol.column is None else f"{selector}[{protocol.column}]"
    if not protocol.by_selector and protocol.place:
        return protocol.place
    raise UsageError(
        "a test that needs httpx alone cannot read the answers of this target",
        where="targets.*.protocol",
        found=f"{protocol.__struct_config__.tag}, transform {protocol.transform}",
        expected="a number in a JSON answer, at a place that is declared",
        fix="Name its output (oip-v2), or see the smallest request with: replaygate reproduce",
    )


def _check_free(path: Path) -> None:
    """Nothing of the user's own is written over."""
    if path.is_dir():
        raise UsageError("is a folder", where=str(path), expected="the name of a file, such as test_f1.py")
    if path.exists() and not path.read_bytes().startswith(regression_test.MARK.encode()):
        raise UsageError(
            "there is a file that export-test did not write", where=str(path), fix="Choose another with -o."
        )


def _captured(case: Case) -> Reproduction:
    """The first exemplar as it was captured, with what the run itself found."""
    request = case.exemplars()[0]
    target = case.target(case.finding.arm)
    unset = {value.removeprefix(ENV): "" for value in target.headers.values() if value.startswith(ENV)}
    nowhere = urlsplit(target.url)._replace(scheme="http", netloc="127.0.0.1").geturl()
    arm = HttpArm(
        msgspec.structs.replace(target, url=nowhere),  # nothing is sent, so nothing is looked up
        name=case.finding.arm,
        run_id=case.folder.root.name,
        safety=case.loaded.scenario.safety,
        environ=unset,
    )
    found = msgspec.structs.replace(
        case.blank(),
        request_id=request.request_id,
        seq=request.seq,
        times=TIMES if case.finding.cause == NONDETERMINISTIC else 1,
    )
    return told(found, _seen(case, request.seq), request=case.written(Candidate.whole(arm, request)))


def _seen(case: Case, seq: int) -> Seen:
    """Both arms on one request, from the run's artefacts."""
    tables, left, known = sent(case.folder, case.loaded), case.left(), case.known()

    def served(arm: str) -> Side:
        row = that_counts(tables[arm], seq)
        return served_side(arm, (row.get("score"), row.get("features")), known=known, asked=True)

    truth = served(left) if left in tables else offline_side(case.folder, left.partition(":")[2], seq=seq)
    return see(truth, served(case.finding.arm), tolerances=case.tolerances())
