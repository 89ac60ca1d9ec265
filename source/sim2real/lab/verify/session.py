"""A task's environment with a spec at work in it, for looking and comparing: a few worlds, opened and closed."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    import numpy as np

    from sim2real.lab.randomization import Randomization
    from sim2real.lab.verify.readback import ReadBack
    from sim2real.spec import Spec

WORLDS_MOST = 65536


@contextlib.contextmanager
def spec_at_work(
    spec: Spec, task: str, physics: str, *, num_envs: int, device: str = "cpu", **changes: Any
) -> Iterator[tuple[Any, Randomization]]:
    """Make a task's environment whose scene and events are the spec's, reset it, and close it at the end.

    Args:
        spec: what is uncertain.
        task: Gymnasium name of the task.
        physics: the engine.
        num_envs: worlds.
        device: `cpu`, `cuda` or `cuda:N`.
        changes: other changes of the task's configuration.

    Yields:
        the environment, and what the spec does in it.

    Raises:
        Sim2RealError: what the engine cannot do, all of it; or no such task, engine or device.
    """
    from sim2real.lab.build_scene import build
    from sim2real.lab.event_terms import events
    from sim2real.lab.launch import check_device, check_physics, make_env
    from sim2real.lab.randomization import randomization_of

    check_physics(physics)
    check_device(device)
    if not 1 <= num_envs <= WORLDS_MOST:
        raise Sim2RealError(f"num_envs is {num_envs}; give 1 to {WORLDS_MOST}")
    changes = {"scene.num_envs": num_envs, "events": events(spec, on_divergence="off"), **changes}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sim2real-spec-")))

        def prepare(cfg: Any) -> None:
            build(cfg, spec)
            if isinstance(getattr(cfg, "spec", None), str):  # a task that draws a part of it itself
                (folder / "spec.yaml").write_text(spec.to_yaml())
                cfg.spec = str(folder / "spec.yaml")

        with _nothing_beside_our_errors():
            env = stack.enter_context(make_env(task, physics, device, prepare=prepare, **changes))
            env.reset()
        yield env, randomization_of(env)


@contextlib.contextmanager
def _nothing_beside_our_errors() -> Iterator[None]:
    """Hold back what Isaac Lab printed before one of our errors stopped its start: the error says all there is."""
    held = io.StringIO()
    try:
        with contextlib.redirect_stderr(held):
            yield
    except Sim2RealError:
        raise
    except BaseException:
        sys.stderr.write(held.getvalue())
        raise


def verify_spec(spec: Spec, task: str, physics: str, *, num_envs: int = 16, rounds: int = 4, **other: Any) -> ReadBack:
    """Compare what the solver of a task holds after resets with what was drawn.

    Raises:
        Sim2RealError: as :func:`spec_at_work`.
    """
    from sim2real.lab.verify.readback import read_back

    with spec_at_work(spec, task, physics, num_envs=num_envs, **other) as (env, found):

        def reset(worlds: np.ndarray) -> None:
            import torch

            found.reset(torch.as_tensor(worlds, device=env.device))

        return read_back(found.randomizer, reset, rounds=rounds)
