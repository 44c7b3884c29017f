"""How model servers are asked and answer: a protocol is a frozen struct that builds and reads.

A configured protocol is decoded from TOML by its `kind`; a new one is one file, one name in `Protocol` and a
test.
"""

from __future__ import annotations

from replayers.protocols.csv_lines import Csv
from replayers.protocols.instances import Instances
from replayers.protocols.json_map import Json
from replayers.protocols.mlflow import Mlflow
from replayers.protocols.oip_v2 import OipV2
from replayers.protocols.spoken import OF_THE_BODY, Asked, Call, Spoken
from replayers.protocols.tables import Table

__all__ = [
    "OF_THE_BODY",
    "Asked",
    "Call",
    "Csv",
    "Instances",
    "Json",
    "Mlflow",
    "OipV2",
    "Protocol",
    "Spoken",
    "Table",
]

Protocol = Json | OipV2 | Instances | Mlflow | Csv
