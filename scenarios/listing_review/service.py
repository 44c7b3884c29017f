r"""The reference endpoint, with features computed by its own code; see scenarios/endpoint.py.

python scenarios/listing_review/service.py --port 0 --model models/champion.txt \
        --bug 'fill:days_since_review,value=0'
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.endpoint import Service
from scenarios.listing_review.serving_features import load_archive

HERE = Path(__file__).resolve().parent
SERVICE = Service(folder=HERE, name="listing-review", threshold=0.25, load=load_archive)

if __name__ == "__main__":
    SERVICE.main(sys.argv[1:])
