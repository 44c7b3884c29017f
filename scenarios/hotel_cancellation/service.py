r"""The reference endpoint, with features computed by its own code; see scenarios/endpoint.py.

python scenarios/hotel_cancellation/service.py --port 0 --model models/champion.txt \
        --bug 'scale:adr,factor=100,segment=market_segment=Groups'
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.endpoint import Service
from scenarios.hotel_cancellation.serving_features import load_desk

HERE = Path(__file__).resolve().parent
SERVICE = Service(folder=HERE, name="hotel-cancellation", threshold=0.50, load=load_desk)

if __name__ == "__main__":
    SERVICE.main(sys.argv[1:])
