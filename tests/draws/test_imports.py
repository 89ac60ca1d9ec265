"""The packages stay light: what runs on a robot or inside Isaac Sim does not pull in a simulator."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("package", "heavy"),
    [("sim2real.draws", ("warp", "torch", "scipy")), ("sim2real.spec", ("warp", "torch", "scipy", "numpy"))],
)
def test_imports(package: str, heavy: tuple[str, ...]) -> None:
    """Importing the package in a fresh interpreter loads none of the heavy ones."""
    code = f"import sys, {package}; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"
