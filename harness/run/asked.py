"""The targets of a scenario as they are asked: columns of the model behind them, paths from its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from replayers.http import HttpTarget
from replayers.model_file import feature_names, text_features

if TYPE_CHECKING:
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
    columns = feature_names(loaded.file(model.file)) if model else ()
    if log is not None:
        log = msgspec.structs.replace(log, path=str(loaded.file(log.path)), columns=log.columns or columns)
    texts = text_features(loaded.file(model.file)) if model else ()
    return msgspec.structs.replace(target, protocol=target.protocol.known(columns, texts), feature_log=log)
