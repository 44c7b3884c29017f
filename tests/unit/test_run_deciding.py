"""From artefacts to a report: as of a time, from whole files only, with evidence for every required gate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness.capture.intake import Intake
from harness.capture.times import parse
from harness.errors import RunError
from harness.records import Estimate, Report
from harness.run import comparing, deciding
from harness.run.folder import CHOSEN, Chosen
from tests.kit import small
from tests.kit.prepared import NOWHERE, Prepared, ready
from tests.kit.service import Answers

MORE = small.champion(NOWHERE) + small.ONLY_PARITY + small.labels()


def judged(run: Prepared, as_of: str = "2025-05-01T00:00:00Z") -> Report:
    """The report of a run as of a time."""
    return deciding.judge(run.folder, run.loaded, as_of_ns=parse(as_of)[0], created_at="then")


@pytest.fixture
def run(tmp_path: Path) -> Prepared:
    """Champion and challenger answered rightly, labels are there, nothing has been judged."""
    return answered(ready(tmp_path, more=MORE), small.answers())


def answered(made: Prepared, served: Answers) -> Prepared:
    """The run, answered rightly by the champion and so by the challenger."""
    made.answer("champion", small.answers())
    made.answer("challenger", served)
    made.note("challenger", "champion")
    comparing.compare(made.folder, made.loaded, models=None)
    return made


@pytest.fixture
def poor() -> Answers:
    """What another model serves: every score is another, every seventh request has a wrong feature."""
    found = small.answers("poor")
    for i in range(0, small.REQUESTS, 7):
        found[small.request_id(i)]["features"]["amount"] += 1
    return found


def test_a_report_names_what_it_was_made_of(run: Prepared) -> None:
    """Digests of scenario, capture and model; the commands that make it again."""
    report = judged(run)
    assert report.decision.word == "GO"
    assert report.digests["scenario"] == run.loaded.digest
    assert report.digests["model model"] == small.model_hash()
    assert [line.split()[1] for line in report.reproduce] == ["run", "compare", "decide", "report"]
    assert report.reproduce[0].endswith("scenario.toml")
    assert report.environment["lightgbm"]


def test_a_run_of_some_phases_is_reproduced_with_them(run: Prepared) -> None:
    """What the command line chose is part of the command that makes the run again."""
    run.folder.save(CHOSEN, Chosen(phases=("parity", "two words"), all_phases=True))
    assert judged(run).reproduce[0].endswith("scenario.toml --phase parity --phase 'two words' --all-phases")


@pytest.mark.parametrize(
    ("as_of", "compared"),
    [
        ("2025-03-01T00:00:00Z", 0),
        ("2025-03-02T12:00:00Z", 1),
        ("2025-03-12T12:00:00Z", 101),
        ("2025-05-01T00:00:00Z", 240),
        ("2030-01-01T00:00:00Z", 240),
    ],
)
def test_labels_count_once_they_have_matured_by_the_time_asked_for(
    as_of: str, compared: int, run: Prepared
) -> None:
    """Ten requests a day, each label final after a day: the count follows the calendar exactly."""
    (quality,) = judged(run, as_of).quality
    assert quality.counts["compared"] == compared
    looks = (run.folder.root / "looks.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(looks) == len(quality.looks)


def test_labels_are_not_waited_for_beyond_the_time_they_are_complete(tmp_path: Path) -> None:
    """With `complete_until`, later requests are not called mature and missing."""
    run = ready(tmp_path, more=MORE + 'complete_until = "2025-03-11T12:00:00Z"\n')
    for target in ("champion", "challenger"):
        run.answer(target, small.answers())
    run.note("challenger", "champion")
    comparing.compare(run.folder, run.loaded, models=None)
    (quality,) = judged(run).quality
    assert (quality.counts["compared"], quality.counts["matured without label"]) == (91, 0)
    assert quality.as_of == "2025-03-11T12:00:00Z"


def test_a_challenger_that_was_never_asked_is_never_a_go(tmp_path: Path) -> None:
    """No outcome at all: no gate that needs one passes."""
    run = ready(tmp_path, more=MORE)
    run.answer("champion", small.answers())
    run.note("champion")
    comparing.compare(run.folder, run.loaded, models=None)
    report = judged(run)
    assert report.decision.word in {"WAIT", "INVALID"}
    assert {v.gate for v in report.gates if v.ruling == "PASS" and v.required} <= {
        "offline_reference",
        "model_identity",
    }


def test_an_answer_given_in_two_phases_is_counted_in_both_and_compared_once(run: Prepared) -> None:
    """Ledgers are by phase; a request is compared once over all of them."""
    run.answer("challenger", small.answers(), phases=("parity", "latency"))
    comparing.compare(run.folder, run.loaded, models=None)
    report = judged(run)
    mine = [ledger for ledger in report.ledgers if ledger.target == "challenger"]
    assert [(ledger.phase, ledger.steps[-1].count) for ledger in mine] == [("parity", 240), ("latency", 0)]
    assert [loss.reason for loss in mine[1].steps[-1].lost] == ["compared in phase parity"]
    assert report.pairs[0].compared == 240


def test_units_that_were_failed_are_counted(tmp_path: Path) -> None:
    """Request 0 and 120 are of one user, 1 of another: three failures are of two of 120 users."""
    run = ready(tmp_path, more=small.ONLY_PARITY)
    answers = small.answers()
    for i in (0, 1, small.USERS):
        del answers[small.request_id(i)]
    run.answer("challenger", answers)
    run.note("challenger")
    comparing.compare(run.folder, run.loaded, models=None)
    (target,) = judged(run).targets
    assert (target.units, target.units_failed, target.states) == (120, 2, {"ok": 237, "timeout": 3})


def test_looks_are_only_ever_appended(run: Prepared) -> None:
    """Another time adds its looks after those that are there, and the same time none."""
    path = run.folder.root / "looks.jsonl"
    judged(run, "2025-03-12T12:00:00Z")
    first = path.read_bytes()
    judged(run, "2025-03-12T12:00:00Z")
    assert path.read_bytes() == first
    judged(run)
    assert path.read_bytes().startswith(first)
    assert len(path.read_bytes().splitlines()) > len(first.splitlines())
    judged(run, "2025-03-05T00:00:00Z")
    assert path.read_bytes().startswith(first)


def test_damaged_looks_are_an_error_of_the_run(run: Prepared) -> None:
    """Half a line is not a look that was never taken."""
    judged(run)
    path = run.folder.root / "looks.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RunError, match="damaged"):
        judged(run)


def test_outcomes_that_changed_after_the_comparison_are_refused(run: Prepared) -> None:
    """The report would speak of other answers than it counts."""
    answers = small.answers()
    del answers[small.request_id(0)]
    run.answer("challenger", answers)
    with pytest.raises(RunError, match="not of these outcomes of challenger"):
        judged(run)
    comparing.compare(run.folder, run.loaded, models=None)
    assert judged(run).targets[0].states == {"ok": 239, "timeout": 1}


def test_outcomes_of_a_phase_that_ran_must_be_there(run: Prepared) -> None:
    """A folder that was tidied away is not a target that was never asked."""
    (run.folder.outcomes("champion") / "part-00000.parquet").unlink()
    with pytest.raises(RunError, match="lacks its outcomes"):
        judged(run)


def test_units_are_numbers_and_a_request_without_one_is_its_own() -> None:
    """Equal names are one unit; nobody's requests are nobody else's, whatever they are called."""
    from harness.join import Keys, units

    def objects(*values: str | None) -> object:
        import numpy as np

        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array

    import numpy as np

    zeros = np.zeros(5, np.int64)
    keys = Keys(objects("a", "b", "c", "d", "e"), zeros, zeros, objects("u", None, "u", None, "b"), {})  # type: ignore[arg-type]
    codes = units(keys)
    assert codes[0] == codes[2]
    assert len(set(codes.tolist())) == 4


def stripped(report: Report) -> Report:
    """The report without what says that the capture is a sample, and without digests."""
    timed = tuple(msgspec.structs.replace(one, thin=msgspec.UNSET) for one in report.latency)
    return msgspec.structs.replace(
        report, sample=msgspec.UNSET, latency=timed, digests={}, reproduce=(), run_id=""
    )


@pytest.mark.parametrize("weight", [1.0, 7.0])
def test_requests_that_weigh_alike_change_no_number(tmp_path: Path, poor: Answers, weight: float) -> None:
    """Of a capture that was thinned evenly every number is that of one that was not, to the last bit."""
    plain = judged(answered(ready(tmp_path / "plain", more=MORE), poor))
    thin = judged(answered(ready(tmp_path / "thin", more=MORE, weights=(weight,)), poor))
    assert stripped(thin) == stripped(plain)
    assert bool(thin.sample) is (weight != 1.0)
    assert not plain.sample


def test_unequal_weights_weigh_every_share(tmp_path: Path, poor: Answers) -> None:
    """A wrong feature on every seventh request; every other one is of a kind kept one time in five."""
    report = judged(answered(ready(tmp_path, more=MORE, weights=(1.0, 5.0)), poor))
    assert report.sample
    assert (report.sample.low, report.sample.high, report.sample.mean) == (1.0, 5.0, 3.0)
    assert report.sample.effective == pytest.approx(240 * 3**2 / 13)
    pair = next(p for p in report.pairs if p.right == "challenger" and p.left.startswith("offline"))
    heavy = sum(5.0 if i % 2 else 1.0 for i in range(0, small.REQUESTS, 7))
    assert pair.feature_mismatches == len(range(0, small.REQUESTS, 7))
    assert pair.traffic
    assert pair.traffic.features is not None
    assert pair.traffic.features.value == pytest.approx(heavy / (240 * 3.0))
    errors = next(gate for gate in report.gates if gate.gate == "errors" and gate.arm == "challenger")
    assert errors.evidence[0].unit == "share of the traffic"
    assert errors.evidence[0].note.endswith(", none heavier than the 5 seen")


def test_a_largest_weight_that_is_stated_bounds_every_share(tmp_path: Path, poor: Answers) -> None:
    """Light requests alone: what the heavier ones of the traffic would say nobody knows."""
    made = ready(tmp_path, more=MORE, weights=(1.0, 1.0))
    config = msgspec.structs.replace(made.loaded.scenario.capture, max_weight=1e4)
    stated = msgspec.structs.replace(made.loaded.scenario, capture=config)
    report = judged(answered(replace(made, loaded=replace(made.loaded, scenario=stated)), poor))
    assert report.sample
    assert (report.sample.high, report.sample.most) == (1.0, 1e4)
    errors = next(gate for gate in report.gates if gate.gate == "errors" and gate.arm == "challenger")
    assert (errors.evidence[0].unit, errors.evidence[0].note) == ("share of the traffic", "n_eff 240 of 240")
    assert (errors.evidence[0].upper or 0.0) > 0.9
    assert all(field.upper is None for pair in report.pairs for field in pair.fields)
    assert "one more request may weigh 10000" in report.quality[0].looks[-1].refused


@pytest.mark.parametrize(("weights", "counted"), [((1.0, 5.0), 1), ((), 2)])
def test_a_request_that_is_sent_again_is_no_new_witness(
    weights: tuple[float, ...], counted: int, tmp_path: Path
) -> None:
    """In two phases every request counts once, by the share of them that failed: the bound is no tighter.

    Without weights the sends are counted, and the bound is that of the distinct requests.
    """
    right = small.answers()
    run = answered(ready(tmp_path, more=MORE, weights=weights), right)
    gone = {name: answer for name, answer in right.items() if name != small.request_id(0)}
    run.answer("challenger", gone, phases=("parity",))
    once = errors_of(run)
    run.answer("challenger", gone, phases=("parity", "latency"))
    twice = errors_of(run)
    assert (once.n, twice.n) == (small.REQUESTS, counted * small.REQUESTS)
    assert (once.value, once.upper) == (twice.value, twice.upper)


def errors_of(run: Prepared) -> Estimate:
    """The share of the traffic that the challenger failed."""
    comparing.compare(run.folder, run.loaded, models=None)
    gate = next(one for one in judged(run).gates if one.gate == "errors" and one.arm == "challenger")
    return gate.evidence[0]


def test_a_capture_whose_recorder_dropped_calls_is_not_complete(run: Prepared) -> None:
    """10 of 250 calls were not written; what the rules left out was meant to be."""
    taken = run.folder.load(deciding.INTAKE, Intake)
    dropped = {"recorder: queue full": 10, "recorder: left out by a rule": 5}
    lines = small.REQUESTS + 15
    run.folder.save(deciding.INTAKE, msgspec.structs.replace(taken, bad=dropped, lines=lines))
    gates = judged(run).gates
    (found,) = (gate for gate in gates if gate.arm == "capture")
    (sent,) = (gate for gate in gates if gate.gate == "completeness" and gate.arm == "challenger")
    assert "Redaction left 5 captured requests out" in sent.reason
    assert (found.gate, found.ruling, found.required) == ("completeness", "UNDECIDED", True)
    assert f"dropped 10 of {lines} calls" in found.reason
    assert deciding.unrecorded(msgspec.structs.replace(taken, bad={"not JSON": 3}), 0.001) is None
    for reason, unknown in (("queue full", False), ("counts that could not be written", True)):
        one = deciding.unrecorded(msgspec.structs.replace(taken, bad={f"recorder: {reason}": 1}), 0.001)
        assert one is not None
        assert one.unknown is unknown
