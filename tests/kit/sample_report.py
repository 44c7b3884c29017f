"""Rich sample reports for every renderer: NO-GO, GO, fifty findings, WAIT, INVALID, and hostile names.

`python -m tests.kit.sample_report` writes the golden files anew; read the difference before keeping it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from rich.console import Console

from harness import report as faces
from harness.records import (
    EXIT_CODES,
    Decision,
    Identity,
    IgnoredRule,
    Loss,
    PhaseNote,
    Report,
    TargetCounts,
    Verdict,
)
from tests.kit.sample_parts import (
    BROKEN,
    N,
    differing,
    failing,
    finding,
    health,
    latency_gate,
    ledger,
    not_echoed,
    pair,
    parity,
    pushed,
    timed,
)
from tests.kit.sample_quality import quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.records import Word

GOLDEN = Path(__file__).parents[1] / "golden"
HOSTILE = "<script>alert('x')</script>|`*_[@octocat](http://evil.example)\n\x1b[31m\u202e#1"


def no_go() -> Report:
    """The demo's bug: one cause, four features, 4.1 % of decisions flip, latency fine."""
    found = finding(BROKEN, "time_shift")
    fields = tuple(map(differing, BROKEN, (6120, 1022, 884, 2310)))
    steps = (
        "Fix hour, day_of_week, repo_prs_7d, agent_prs_24h (time_shift).",
        "replaygate show results/duo_acceptance/2026-11-22T061000Z --request pr-81c2",
    )
    report = _report(
        _decided("NO-GO", found.sentence, because=failing(), steps=steps),
        (
            parity("champion", 0, required=False),
            not_echoed(),
            *failing(),
            *health(),
            latency_gate("challenger", 0, p95=3.12),
        ),
    )
    return replace(
        report,
        findings=(found,),
        curls={"F1": "curl --request POST http://127.0.0.1:8000/score \\\n  --data-raw '{}'"},
        pairs=(pair("champion"), pair("challenger", fields=fields, flips=292)),
        latency=(pushed("challenger", 1.3), timed("champion", 2.9), timed("challenger", 3.1)),
    )


def go() -> Report:
    """A healthy rebuild: another file, the same scores, labels equal by identity."""
    gates = (
        parity("champion", 0, required=False),
        parity("challenger", 0),
        *health(),
        latency_gate("challenger", 0, p95=3.12),
    )
    headline = "challenger answers as its offline model and as the champion do, and keeps every budget."
    because = [gate for gate in gates if gate.required]
    decision = _decided("GO", headline, because=because, steps=("Let challenger take traffic.",))
    return replace(
        _report(decision, gates),
        pairs=(pair("champion"), pair("challenger"), pair("challenger", left="champion")),
        latency=(timed("champion", 2.9), timed("challenger", 3.1)),
        quality=(quality(identical=True),),
    )


def fifty() -> Report:
    """Fifty findings of five causes, a slow challenger, looks at labels, losses and an ignored rule."""
    causes = ("time_shift", "stale_value", "unit_scale", "default_fill", "float32_cast")
    fields = tuple(differing(f"feature_{k:02d}", max(1, 6120 >> (k // 4))) for k in range(50))
    findings = tuple(
        finding((field.field,), causes[k % 5], requests=field.mismatches, latent=k % 5 == 4)
        for k, field in enumerate(fields)
    )
    steps = tuple(f"Fix {f.fields[0]} ({f.cause})." for f in findings[:3])
    rule = IgnoredRule(
        field="body_chars",
        arm="challenger vs offline",
        rule="absolute 2",
        reason="proxy re-encodes line ends",
        owner="edge team",
        expires="2026-12-31",
        silenced=418,
        max_abs=2.0,
    )
    return replace(
        _report(
            _decided("NO-GO", findings[0].sentence, because=failing(), steps=steps),
            (*failing(), *health(), latency_gate("challenger", 231, p95=234.0)),
        ),
        findings=findings,
        pairs=(pair("challenger", fields=fields, flips=292),),
        latency=(timed("champion", 2.9), timed("challenger", 23.0, slow=231)),
        quality=(quality(identical=False),),
        ignored=(rule,),
        ledgers=(ledger("parity", "challenger", lost=(Loss(reason="shed", count=12),)),),
    )


def wait() -> Report:
    """Too few requests to rule on latency."""
    gate = replace(
        latency_gate("challenger", 11, p95=118.0),
        ruling="UNDECIDED",
        fault="evidence",
        needs="1,380 more requests",
    )
    steps = ("Needed for latency_p95: 1,380 more requests.",)
    decision = _decided("WAIT", gate.reason, because=[gate], steps=steps)
    return replace(
        _report(decision, (parity("challenger", 3), *health(), gate)),
        pairs=(pair("challenger", fields=(differing("hour", 3),)),),
        latency=(timed("challenger", 60.0, slow=11),),
    )


def invalid() -> Report:
    """The harness lost requests: nothing is shown, and nothing blamed on the build."""
    lost = Verdict(
        gate="completeness",
        arm="challenger",
        ruling="UNDECIDED",
        fault="harness",
        reason="The harness lost 712 of 7,122 requests.",
        value=712 / N,
        limit=0.001,
        unit="share",
        n=N,
        needs="a run that loses fewer requests",
    )
    losses = (Loss(reason="shed", count=700), Loss(reason="not sent", count=12))
    return replace(
        _report(_decided("INVALID", lost.reason, because=[lost], steps=(lost.needs,)), (lost,)),
        ledgers=(ledger("parity", "challenger", lost=losses),),
    )


def hostile() -> Report:
    """The NO-GO with markup, mentions, newlines and terminal escapes wherever a capture can put text."""
    return msgspec.convert(spoiled(msgspec.to_builtins(no_go())), Report)


ALL: dict[str, Callable[[], Report]] = {
    "no_go": no_go,
    "go": go,
    "fifty": fifty,
    "wait": wait,
    "invalid": invalid,
    "hostile": hostile,
}

_FIXED = {
    "word",
    "ruling",
    "fault",
    "direction",
    "gate",
    "unit",
    "created_at",
    "as_of",
    "first_seen",
    "last_seen",
    "role",
    "toward",
    "start",
    "mature_until",
}
_MAPS = {"states", "kinds", "classes", "details", "served", "environment", "digests", "by_segment"}


def spoiled(value: object, by: str = HOSTILE, *, key: str = "") -> object:
    """The same tree with some text behind every free text and every name of a map."""
    match value:
        case dict() if key in _MAPS:
            inner = "states" if any(isinstance(v, dict) for v in value.values()) else ""
            return {f"{k}{by}": spoiled(v, by, key=inner) for k, v in value.items()}
        case dict():
            return {k: spoiled(v, by, key=str(k)) for k, v in value.items()}
        case list() | tuple():
            return [spoiled(v, by, key=key) for v in value]
        case str() if key not in _FIXED:
            return f"{value}{by}"
        case _:
            return value


def _decided(word: Word, headline: str, *, because: Iterable[Verdict], steps: tuple[str, ...]) -> Decision:
    return Decision(
        word=word,
        exit_code=EXIT_CODES[word],
        headline=headline,
        reasons=tuple(f"{v.gate} ({v.arm}) {v.ruling}: {v.reason}" for v in because),
        next_steps=steps,
        claim="Parity is a census of this capture; latency holds for these arrivals on this host.",
    )


def _report(decision: Decision, gates: tuple[Verdict, ...]) -> Report:
    """What every sample has; the rest is put in by `msgspec.structs.replace`."""
    champion, challenger = "7f3c9a10", "9a1e77b2"
    return Report(
        scenario="duo_acceptance",
        run_id="2026-11-22T061000Z",
        created_at="2026-11-22T06:12:31Z",
        as_of="2026-11-22T06:10:00Z",
        version="0.1.0",
        decision=decision,
        gates=gates,
        budget_ms=120.0,
        ledgers=(
            ledger("parity", "champion"),
            ledger("parity", "challenger"),
            ledger("rush", "challenger", chosen=723),
            ledger("recorded", "recorded"),
        ),
        phases=(
            PhaseNote(
                phase="parity", pace="saturate", requests=N, targets=("champion", "challenger"), ran=True
            ),
            PhaseNote(phase="rush", pace="recorded", requests=723, targets=("challenger",), ran=True),
        ),
        targets=(
            TargetCounts(target="champion", states={"ok": N + 723}),
            TargetCounts(
                target="challenger", states={"ok": N + 711, "timeout": 12}, details={"no answer in 2 s": 12}
            ),
        ),
        identities=(
            Identity(
                arm="champion", expected=champion * 8, served={champion: N}, source="header x-model-hash"
            ),
            Identity(
                arm="challenger",
                expected=challenger * 8,
                served={challenger: N},
                source="header x-model-hash",
            ),
        ),
        environment={"python": "3.11.9", "cpu": "2 cores", "lightgbm": "4.7.0"},
        digests={"capture": "b1946ac9" * 8, "scenario": "591785b7" * 8},
        reproduce=(
            "replaygate run scenarios/duo_acceptance/scenario.toml --seed 7",
            "replaygate report results/duo_acceptance/2026-11-22T061000Z",
        ),
    )


def screen(report: Report) -> str:
    """The terminal's face at 100 columns without colour, without the blanks that pad a line."""
    out = io.StringIO()
    faces.terminal(report, Console(file=out, width=100, color_system=None))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


if __name__ == "__main__":
    for name, sample in ALL.items():
        (GOLDEN / f"{name}.md").write_text(faces.markdown(sample()), encoding="utf-8")
        (GOLDEN / f"{name}.txt").write_text(screen(sample()), encoding="utf-8")
        (GOLDEN / f"{name}.junit.xml").write_text(faces.junit(sample()), encoding="utf-8")
        (GOLDEN / f"{name}.github").write_text(faces.github(sample()), encoding="utf-8")
