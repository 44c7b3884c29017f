"""Live capture: records what a running service was asked and what it answered.

Imports the standard library and msgspec, nothing else: it lives in production services, and is also installed
alone, as `replaygate-capture` (`import replaygate_capture`).
"""

from .exchange import attach, current_id
from .files import Limits
from .identity import model_hash
from .record import Record
from .recorder import Recorder
from .redaction import Redactor
from .rules import Rules
from .sampling import Sample, Sampler
from .waiting import Call, Counts

__all__ = [
    "Call",
    "Counts",
    "Limits",
    "Record",
    "Recorder",
    "Redactor",
    "Rules",
    "Sample",
    "Sampler",
    "attach",
    "current_id",
    "model_hash",
]
