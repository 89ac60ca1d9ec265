"""Playing a recorded rollout through a network, decision after decision, with the memory of recurrent ones.

torch's module and every ONNX file go through the same lines, so what is compared is the networks alone. The memory
begins at 0 with each recorded episode and is the network's own from then on: an error that grows over an episode is
seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.contract import ActionMapper, Contract, RecurrentState, Rollout
from sim2real.deploy.network import Network, run_rows
from sim2real.export.errors import ExportError


class TorchNetwork:
    """A torch module as a network.

    Args:
        model: (observation, *states) -> output, or (output, *states).
        contract: names and order of what goes in and comes out.
    """

    max_batch: int | None = None

    def __init__(self, model: Any, contract: Contract) -> None:
        self._model = model
        states = contract.memory
        self._order = [contract.observation.name, *(state.input for state in states)]
        self.inputs: dict[str, tuple[int | None, ...]] = {name: () for name in self._order}
        self.outputs: dict[str, tuple[int | None, ...]] = {contract.action.output: (None, None)}
        self.outputs |= {state.output: (state.layers, None, state.size) for state in states}

    def run(self, feeds: Any) -> dict[str, np.ndarray]:
        """All outputs by name for all inputs by name."""
        import torch

        with torch.inference_mode():
            found = self._model(*(torch.from_numpy(np.ascontiguousarray(feeds[name])) for name in self._order))
        given = found if isinstance(found, tuple) else (found,)
        return {name: value.numpy() for name, value in zip(self.outputs, given, strict=True)}


def without_empty(actor: Any) -> Any:
    """A recurrent torch module that gives no None, as rsl_rl's do in the place of a state that they do not have.

    Args:
        actor: (observation, *states) -> (output, *states, None, ...).
    """
    import torch

    class Given(torch.nn.Module):
        """The actor, with None dropped from what it gives."""

        def __init__(self) -> None:
            super().__init__()
            self.actor = actor

        def forward(self, *inputs: Any) -> Any:
            """(observation, *states) -> (output, *states)."""
            return tuple(part for part in self.actor(*inputs) if part is not None)

    return Given()


def memory_of(actor: Any) -> tuple[RecurrentState, ...]:
    """The state tensors of an actor as rsl_rl's recurrent models export it; empty for one without.

    Args:
        actor: what the model's ``as_onnx()`` gives.

    Raises:
        ExportError: more states go in than come out, or fewer, or they have another form.
    """
    if not getattr(actor, "is_recurrent", False):
        return ()
    names, given = actor.input_names[1:], actor.output_names[1:]
    tensors = actor.get_dummy_inputs()[1:]
    if not len(names) == len(given) == len(tensors) or any(tensor.dim() != 3 for tensor in tensors):
        raise ExportError(
            f"the recurrent actor takes the states {', '.join(names)} and gives {', '.join(given)}; they must be as "
            "many, each (layers, batch, size)."
        )
    return tuple(
        RecurrentState(input=name, output=out, layers=int(tensor.shape[0]), size=int(tensor.shape[2]))
        for name, out, tensor in zip(names, given, tensors, strict=True)
    )


def play(
    network: Network, contract: Contract, observations: np.ndarray, fresh: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Let a network answer a recorded rollout.

    Args:
        network: the network.
        contract: names and sizes.
        observations: float32 (steps, n, size).
        fresh: bool (steps, n): the first decision of an episode.

    Returns:
        Outputs, float32 (steps, n, actions); and the states before each decision, float32 (steps, layers, n, size), by
        the name of the input.
    """
    steps, robots, size = observations.shape
    output, name = contract.action.output, contract.observation.name
    if not contract.memory:
        flat = run_rows(network, {name: observations.reshape(-1, size)}, {}, most=4096)[output]
        return flat.reshape(steps, robots, -1), {}
    memory = {state.input: np.zeros(state.shape(robots), np.float32) for state in contract.memory}
    before: dict[str, list[np.ndarray]] = {state: [] for state in memory}
    outputs = []
    for step in range(steps):
        for state, values in memory.items():
            memory[state] = np.where(fresh[step][None, :, None], np.float32(0.0), values)
            before[state].append(memory[state])
        found = run_rows(network, {name: observations[step]}, memory)
        outputs.append(found[output])
        memory = {state.input: found[state.output] for state in contract.memory}
    return np.stack(outputs), {state: np.stack(values) for state, values in before.items()}


def targets_of(contract: Contract, rollout: Rollout, actions: np.ndarray) -> np.ndarray:
    """The joint targets of outputs at the recorded states, float32 (steps, n, joints)."""
    mapper = ActionMapper(contract)
    if mapper.kind != "delta_position":
        return mapper.targets(actions.reshape(-1, actions.shape[2])).reshape(actions.shape)
    return np.stack([mapper.targets_in(rollout.state(step), actions[step]) for step in range(rollout.steps)])
