r"""The reference endpoint, with features computed by its own code; see scenarios/endpoint.py.

python scenarios/duo_acceptance/service.py --port 0 --model models/champion.txt \
        --bug 'event_time_early:hours=1,since=2025-03-03T09:00:00Z'
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.duo_acceptance.serving_features import load_index
from scenarios.endpoint import Service

HERE = Path(__file__).resolve().parent
SERVICE = Service(folder=HERE, name="duo-acceptance", threshold=0.60, load=load_index)

if __name__ == "__main__":
    SERVICE.main(sys.argv[1:])
