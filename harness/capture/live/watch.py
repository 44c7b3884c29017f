"""What a middleware is told: which calls it records, where to, and what is known of all of them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from . import rules
from .recorder import Recorder, Redacting, Sampling
from .redaction import Redactor
from .rules import Rules
from .sampling import Sample, Sampler


class Options(TypedDict, total=False):
    """The options of both middlewares; all may be left out.

    `paths` and `methods` say which calls are recorded, all by default; a path may hold `*`. `model` is the
    hash of the model that answers all calls, or a mapping for `served_by`. `echo_id` puts the id of a call
    into its answer, as `X-Request-Id`. Of a body `max_body_bytes` are kept (1 MiB). `sample` is a share or a
    `Sample`, `redact` a TOML file with `[redact]` and `[sample]` tables or the `Rules` of the former; without
    it only headers that are known to be harmless are kept, and bodies as they are.
    """

    paths: Sequence[str]
    methods: Sequence[str]
    sample: float | Sample | Sampling
    redact: str | os.PathLike[str] | Rules | Redacting
    model: str | Mapping[str, str]
    echo_id: bool
    max_body_bytes: int


_KNOWN = frozenset(Options.__annotations__)
_MAX_BODY_BYTES = 1 << 20


class Watch:
    """The options, checked; raises TypeError for those that contradict each other or are none."""

    def __init__(
        self, folder: str | os.PathLike[str] | None, recorder: Recorder | None, *, options: Options
    ) -> None:
        if unknown := sorted(options.keys() - _KNOWN):
            raise TypeError(f"no option {unknown[0]!r}; there are {', '.join(sorted(_KNOWN))}")
        self.recorder = recorder or _own(folder, options)
        if recorder is not None and (folder is not None or "sample" in options or "redact" in options):
            raise TypeError("a recorder of your own has its folder, sampler and redactor already")
        model = options.get("model", {})
        self.served_by: Mapping[str, str] = {"model": model} if isinstance(model, str) else dict(model)
        self.echo_id = options.get("echo_id", False)
        self.max_body_bytes = options.get("max_body_bytes", _MAX_BODY_BYTES)
        methods = options.get("methods")
        self._methods = None if methods is None else frozenset(one.upper() for one in _several(methods))
        paths = options.get("paths")
        self._paths = None if paths is None else frozenset(_several(paths))
        self._globs = re.compile("|".join(fnmatch.translate(one) for one in sorted(self._paths or ())))

    def wants(self, method: str, path: str) -> bool:
        """Whether such a call is recorded."""
        if self._methods is not None and method not in self._methods:
            return False
        if self._paths is None or path in self._paths:
            return True
        return bool(self._paths) and self._globs.match(path) is not None


def _own(folder: str | os.PathLike[str] | None, options: Options) -> Recorder:
    """Raises OSError and ValueError for rules that cannot be read, and for a key that is not there."""
    if folder is None:
        raise TypeError("say where to record: folder=... or recorder=...")
    given, sample = options.get("redact"), options.get("sample")
    if isinstance(given, str | os.PathLike):
        policy = rules.policy(Path(given))
        given = policy.redact or Rules()
        if policy.sample is not None and sample is not None:
            raise TypeError("a share is sampled once: by `sample`, or by the [sample] table of the rules")
        sample = policy.sample if sample is None else sample
    return Recorder(folder, sampler=_sampler(sample), redactor=_redactor(given))


def _sampler(given: float | Sample | Sampling | None) -> Sampling | None:
    if isinstance(given, int | float):
        return Sampler(Sample(share=given))
    return Sampler(given) if isinstance(given, Sample) else given


def _redactor(given: Rules | Redacting | None) -> Redacting | None:
    return Redactor(given, given.key_in(os.environ)) if isinstance(given, Rules) else given


def _several(texts: Sequence[str]) -> Sequence[str]:
    """A lone text is one, and not its letters."""
    return (texts,) if isinstance(texts, str) else texts
