"""A disk that takes no more: a clear error, and nothing in the folder."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
EXPORT = """
import resource, sys
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from export.recorded import recorded
from sim2real.export import ExportError, JointExportCfg, export_joint_policy

given = recorded("mlp")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    export_joint_policy(*given, sys.argv[2], JointExportCfg(latency_runs=3, calibrators=("minmax",)))
except ExportError as error:
    print(error)
"""


def test_a_disk_that_is_full_leaves_nothing(tmp_path):
    """The system takes no file above 2000 bytes: the error says so, and the folder is as it was."""
    out = tmp_path / "bundle"
    done = subprocess.run([sys.executable, "-c", EXPORT, str(TESTS), str(out), "2000"], capture_output=True, text=True)
    assert "bundle: cannot be written" in done.stdout and "Nothing was changed" in done.stdout, (
        done.stdout + done.stderr
    )
    assert list(tmp_path.iterdir()) == []
