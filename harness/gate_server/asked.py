"""What requests may say: how a build and a scenario are named, and what each answer is documented as."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from harness.run.catalogue import BUILD

Build = Annotated[
    str,
    Field(
        pattern=f"^{BUILD.pattern}$",
        max_length=200,
        description="The build, as `replaygate run --build` was told: a digest, a tag, an image.",
    ),
]
Scenario = Annotated[
    str, Field(max_length=200, description="Name of a scenario; may be left out where there is only one.")
]
Documented = dict[int | str, dict[str, Any]]


class Told(BaseModel):
    """Where a build stands. Anything but verdict "pass" is no leave to go on."""

    verdict: Literal["pass", "fail", "inconclusive"]
    passed: bool = Field(alias="pass", serialization_alias="pass")
    fail: bool
    score: int = Field(ge=0, le=100, description="100 pass, 50 inconclusive, 0 fail.")
    word: str = Field(description="GO, NO-GO, WAIT or INVALID; empty while there is no verdict.")
    state: Literal["pass", "fail", "inconclusive", "pending", "unknown"]
    reason: str
    scenario: str
    build: str
    run_id: str
    report_url: str
    n: int = Field(description="Requests compared.")
    approved: bool = Field(description="Whether a person approved this very verdict.")


class Refused(BaseModel):
    """Why a request was not answered."""

    error: str


def text(told: str) -> dict[str, Any]:
    """How an answer of plain text is documented; what stands before every route refuses in JSON."""
    content: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
    return {"description": told, "content": content | {"application/json": {"schema": {}}}}


#: what stands before every route
REFUSALS: Documented = {
    400: {"model": Refused, "description": "The request cannot be read."},
    401: {"model": Refused, "description": "The token is missing or wrong."},
    403: {"model": Refused, "description": "A page of another origin asks."},
    408: {"model": Refused, "description": "The body did not come in time."},
    409: {"model": Refused, "description": "The server cannot answer in time; no leave to go on."},
    413: {"model": Refused, "description": "The body is too large."},
    421: {"model": Refused, "description": "The Host header names another server."},
}

#: the same for routes that answer in plain text themselves
PLAIN_REFUSALS: Documented = {status: text(str(one["description"])) for status, one in REFUSALS.items()}
