"""The shared dataset, run and bundle."""

from policy_fixtures import bundle, dataset, run_dir  # noqa: F401
