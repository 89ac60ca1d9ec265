"""The shared dataset, run and bundle."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from policy_fixtures import bundle, dataset, run_dir  # noqa: E402, F401
