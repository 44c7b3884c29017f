"""The targets of a scenario as they are asked: each protocol with the columns of the model behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from replayers.http import HttpTarget
from replayers.model_file import feature_names

if TYPE_CHECKING:
    from harness.scenario import Loaded


def asked(loaded: Loaded, name: str) -> HttpTarget:
    """An HTTP target whose protocol knows its columns, where the scenario or its model names them.

    Raises ModelError for a model file that cannot be read.
    """
    target = loaded.scenario.targets[name]
    assert isinstance(target, HttpTarget)  # noqa: S101  -- callers ask for the targets that are sent to
    if target.model is None or not target.protocol.wants_columns:
        return target
    columns = feature_names(loaded.file(loaded.scenario.models[target.model].file))
    return msgspec.structs.replace(target, protocol=target.protocol.known(columns))
