"""What a policy needs to run: the contract, and the arithmetic between a sensor's frame and the network's input.

A network alone is a riddle: which size, which unit, what stands for "no reading", which output means left. The contract
answers all of it in one JSON object with full float precision, travels inside the ONNX file and beside it, and is
compared with what was trained before anything moves. This package needs NumPy alone, so that the very same lines run
in training and on the robot.
"""

from sim2real.contract.actions import (
    ClassAction,
    JointAction,
    JointDeltaPositionAction,
    JointEffortAction,
    JointPositionAction,
    JointVelocityAction,
)
from sim2real.contract.assembly import ActionMapper, ObservationAssembler, RobotState
from sim2real.contract.bundle import (
    FileRecord,
    Manifest,
    check_file,
    file_record,
    read_manifest,
    write_manifest,
)
from sim2real.contract.chain import Chain, ChainJoint
from sim2real.contract.depth import DepthPreprocess
from sim2real.contract.engines import add_engine, engine_devices, engine_record, read_parity
from sim2real.contract.errors import ContractError
from sim2real.contract.golden import Golden
from sim2real.contract.joints import Joint, Robot, TrainingRun
from sim2real.contract.json_schema import json_schema, json_schema_text
from sim2real.contract.memory import RecurrentState
from sim2real.contract.metadata import embed, extract
from sim2real.contract.rollout import Rollout
from sim2real.contract.schema import PRECISIONS, Contract, DepthObservation, GoldenReference
from sim2real.contract.state import Command, ObservationTerm, StateObservation

__all__ = [
    "ActionMapper",
    "Chain",
    "ChainJoint",
    "ClassAction",
    "Command",
    "Contract",
    "ContractError",
    "DepthObservation",
    "DepthPreprocess",
    "FileRecord",
    "Golden",
    "GoldenReference",
    "Joint",
    "JointAction",
    "JointDeltaPositionAction",
    "JointEffortAction",
    "JointPositionAction",
    "JointVelocityAction",
    "Manifest",
    "ObservationAssembler",
    "ObservationTerm",
    "PRECISIONS",
    "RecurrentState",
    "Robot",
    "RobotState",
    "Rollout",
    "StateObservation",
    "TrainingRun",
    "add_engine",
    "check_file",
    "embed",
    "engine_devices",
    "engine_record",
    "extract",
    "file_record",
    "json_schema",
    "json_schema_text",
    "read_manifest",
    "read_parity",
    "write_manifest",
]
