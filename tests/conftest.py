"""What every test shares: how hypothesis searches."""

import os

from hypothesis import settings

# No deadline: a slow machine is not a failing property.
# On CI the same examples every time, so that a red run can be repeated.
settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
