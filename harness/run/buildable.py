"""Before anything is sent: whether captured requests can be made into what each target is to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa

from harness import capture as captures
from harness.errors import CaptureError, ScenarioError
from harness.run.asked import asked, model_columns
from harness.run.first_answers import FIRST, answered_well, spread
from harness.scenario import did_you_mean
from replayers.http import HttpArm, HttpTarget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import CapturedRequest
    from harness.scenario import Loaded

_MANY = 8


def unbuildable(loaded: Loaded, table: pa.Table) -> dict[str, CaptureError]:
    """By target what is wrong with those of some requests that cannot be sent to it; none where all can be.

    A few are a matter of the data, and a run counts them as lost. Raises ScenarioError where none can be, all
    for one reason: then the scenario asks for what the capture does not hold, and no build is at fault.
    """
    requests = list(captures.requests(_some(table)))
    return {
        name: lost
        for name, target in loaded.scenario.targets.items()
        if isinstance(target, HttpTarget) and (lost := _tried(loaded, requests, name=name))
    }


def _some(table: pa.Table) -> pa.Table:
    """Whole requests, the first and some spread over the capture, of those that production answered well."""
    whole = ~table["truncated"].fill_null(fill_value=False).to_numpy(zero_copy_only=False).astype(bool)
    well = np.flatnonzero(whole & answered_well(table["recorded_status"]))
    fit = well if len(well) else np.flatnonzero(whole)
    return table.take(pa.array(np.union1d(fit[:FIRST], fit[spread(len(fit), FIRST)])))


def _tried(loaded: Loaded, requests: list[CapturedRequest], *, name: str) -> CaptureError | None:
    """What cannot be built for a target, the first of it; raises ScenarioError where that is everything."""
    errors = list(_errors(loaded, requests, name=name))
    if not errors:
        return None
    place, first = errors[0]
    if len(errors) == len(requests) and len({error.what for _, error in errors}) == 1:
        raise _mistaken(loaded, first, name=name, tried=len(requests))
    what = f"{len(errors)} of {len(requests)} requests tried cannot be sent to target {name}: {first.what}"
    where = ": ".join(filter(None, (place, first.where)))
    return CaptureError(what, where=where, found=first.found, expected=first.expected, fix=first.fix)


def _errors(
    loaded: Loaded, requests: Iterable[CapturedRequest], *, name: str
) -> Iterable[tuple[str, CaptureError]]:
    target = asked(loaded, name)
    somewhere = msgspec.structs.replace(target, url=target.url.replace("{port}", "80"))
    arm = HttpArm(somewhere, name=name, run_id="check", safety=loaded.scenario.safety)
    for request in requests:
        try:
            arm.prepare(request, features=True)
        except CaptureError as error:
            yield f"{request.source_file}:{request.source_offset}", error


def _mistaken(loaded: Loaded, error: CaptureError, *, name: str, tried: int) -> ScenarioError:
    """The error of a target that no captured request can be sent to."""
    place = f"{error.where}: " if error.where else ""
    return ScenarioError(
        f"none of {tried} captured requests can be sent to it: {place}{error.what}",
        where=f"{loaded.path}, target {name}",
        found=error.found,
        expected=error.expected,
        fix=" ".join(filter(None, (_hint(loaded, name), error.fix))),
    )


def _hint(loaded: Loaded, name: str) -> str:
    """How the columns that the scenario declares differ from the features of the target's model."""
    declared, known = loaded.scenario.targets[name].protocol.columns, model_columns(loaded, name)
    unknown = [one for one in declared if one not in known]
    absent = [one for one in known if one not in declared]
    if not declared or not known or not (unknown or absent):
        return ""
    model = loaded.scenario.targets[name].model
    said = [f"The model {model} has {_few(known)}"]
    said += [f"columns of [targets.{name}.protocol] names {_few(unknown)} beside them"] if unknown else []
    said += [f"columns of [targets.{name}.protocol] leaves out {_few(absent)}"] if absent else []
    guess = did_you_mean(unknown[0], absent) if unknown and absent else ""
    return f"{'; '.join(said)}. {guess}".strip()


def _few(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return ", ".join(names[:_MANY]) + more
