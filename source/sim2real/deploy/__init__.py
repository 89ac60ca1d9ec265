"""What runs on the robot: NumPy and one inference runtime, nothing of the trainer."""

from sim2real.deploy.joint_runtime import JointPolicyRuntime
from sim2real.deploy.loading import require_proven
from sim2real.deploy.network import Network, OnnxNetwork
from sim2real.deploy.runtime import PolicyRuntime

__all__ = ["JointPolicyRuntime", "Network", "OnnxNetwork", "PolicyRuntime", "require_proven"]
