"""What each gate says, and the one word that follows."""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.records.evidence import Estimate, Ruling

Word = Literal["GO", "NO-GO", "WAIT", "INVALID"]
Fault = Literal["harness", "evidence"]

EXIT_CODES: dict[Word, int] = {"GO": 0, "NO-GO": 10, "WAIT": 20, "INVALID": 30}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate says, in one sentence, with the evidence behind it.

    `fault` of an UNDECIDED gate says who is to blame: the harness voids it (INVALID), or evidence is missing.
    """

    gate: str
    arm: str
    ruling: Ruling
    reason: str
    required: bool = True
    fault: Fault | None = None
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    n: int = 0
    method: str = ""
    needs: str = ""
    evidence: tuple[Estimate, ...] = ()


class Approval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who let a build pass or signed its verdict, when and why; the verdict itself stays what it is.

    `sha256` is that of the report.json approved, without its approvals. An approval `stands` while the report
    is still the one approved; where nothing says so, it does not.
    """

    by: str
    why: str
    at: str
    word: Word
    sha256: str
    stands: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The one word, its exit code, why in plain sentences, and what to do next."""

    word: Word
    exit_code: int
    headline: str
    reasons: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    claim: str = ""
