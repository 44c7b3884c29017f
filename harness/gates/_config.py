"""The words that the gates of a scenario share."""

from __future__ import annotations

from typing import Annotated

import msgspec

#: arms that have fewer of the requests in common are not compared: what one left out may be what it got wrong
LEAST_COMPARED = 0.99

Share = Annotated[
    float, msgspec.Meta(ge=0, le=1, description="largest share of requests allowed; 0.01 is 1 %")
]
Required = Annotated[
    bool, msgspec.Meta(description="false: the verdict is shown and does not count in the decision")
]
