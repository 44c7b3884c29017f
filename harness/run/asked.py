"""The targets of a scenario as they are asked: columns of the model behind them, paths from its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from harness.diff.traps import of_order
from replayers.http import HttpTarget
from replayers.model_file import categorical_features, feature_names, text_features

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import Finding
    from harness.scenario import Loaded


def asked(loaded: Loaded, name: str) -> HttpTarget:
    """An HTTP target whose protocol and log of features know their columns, where the model names them.

    Raises ModelError for a model file that cannot be read.
    """
    target = loaded.scenario.targets[name]
    assert isinstance(target, HttpTarget)  # noqa: S101  -- callers ask for the targets that are sent to
    log = target.feature_log
    if log is None and not target.protocol.wants_columns:
        return target
    model = loaded.scenario.models.get(target.model or "")
    columns = model_columns(loaded, name)
    if log is not None:
        categories = log.text_columns or (categorical_features(loaded.file(model.file)) if model else ())
        log = msgspec.structs.replace(
            log, path=str(loaded.file(log.path)), columns=log.columns or columns, text_columns=categories
        )
    texts = text_features(loaded.file(model.file)) if model else None
    return msgspec.structs.replace(target, protocol=target.protocol.known(columns, texts), feature_log=log)


def model_columns(loaded: Loaded, name: str) -> tuple[str, ...]:
    """The features of the model that a target must match, in its order; () without one. Raises ModelError."""
    model = loaded.scenario.models.get(loaded.scenario.targets[name].model or "")
    return feature_names(loaded.file(model.file)) if model else ()


def other_order(loaded: Loaded, name: str) -> str:
    """That the scenario's own columns of a target are those of its model in another order, in a sentence."""
    target = loaded.scenario.targets[name]
    bare = msgspec.structs.replace(target.protocol, columns=())
    declared = target.protocol.columns if isinstance(target, HttpTarget) and bare.wants_columns else ()
    known = model_columns(loaded, name) if declared else ()
    if declared == known or set(declared) != set(known):
        return ""
    places = [at for at, pair in enumerate(zip(declared, known, strict=True)) if pair[0] != pair[1]]
    first = places[0]
    return (
        f"columns of [targets.{name}.protocol] differs from the order of the model {target.model}: place "
        f"{first + 1} is {declared[first]} there and {known[first]} in the model. The list may be wrong."
    )


def of_the_list(loaded: Loaded, name: str, *, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, and that of an order of columns with what the scenario's own list has to do with it."""

    def told(one: Finding) -> Finding:
        order = other_order(loaded, name) if of_order(one) else ""
        return msgspec.structs.replace(one, sentence=f"{one.sentence} But {order}") if order else one

    return tuple(told(one) for one in findings)


def warnings(loaded: Loaded, name: str) -> tuple[str, ...]:
    """What a target's protocol allows and is likely wrong, a sentence each."""
    order = other_order(loaded, name)
    return (*asked(loaded, name).protocol.warnings(), *([order] if order else []))
