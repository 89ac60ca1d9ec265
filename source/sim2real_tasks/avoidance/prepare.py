"""A whole spec in the task's configuration, before anything starts: events for what the engine applies, motors, camera.

The spec of the configuration decides alone, so that whoever opens the task with a spec (a verb, `isaaclab`, a script)
gets all of it. A spec that names nothing but scenes and cameras leaves the engine as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.lab.event_terms import NAMES, events, has_spec
from sim2real.spec import load_spec, parse_spec

from ..robots.rover import motorized
from . import camera
from .scene_cfg import NOMINAL_FOCAL_LENGTH
from .terms import MOTOR, OWN, PICTURE, TaskSpecError, check_spec

if TYPE_CHECKING:
    from sim2real.spec import Spec

    from .env_cfg import AvoidanceEnvCfg


def prepare(cfg: AvoidanceEnvCfg) -> Spec:
    """Return the spec of a configuration, its seed replaced where one is given, and put it into the configuration.

    Raises:
        SpecError: the spec is wrong.
        TaskSpecError: the task cannot use it, or the configuration's events are of a spec that says something else.
    """
    spec = load_spec(cfg.spec)
    if cfg.spec_seed is not None:
        spec = spec.with_seed(cfg.spec_seed)
    check_spec(spec)
    if has_spec(cfg.events):
        _check_events(spec, cfg.events)
    elif any(term.target not in OWN for term in spec.terms.values()):
        cfg.events = events(spec, keep=cfg.events)
    motors = cfg.motors
    if motors is None and any(term.target in MOTOR for term in spec.terms.values()):
        motors = "rover"
    if motors is not None:
        cfg.scene.robot = motorized(cfg.scene.robot, motors)
    if PICTURE in spec.signals:
        # A late picture is rendered from where the camera was: the body, which stands where it is now and which the
        # camera never sees, would stand in its view.
        cfg.scene.robot.spawn.visible = False
    focal_min, _ = camera.focal_scale_bounds(spec)
    cfg.scene.camera.spawn.focal_length = focal_min * NOMINAL_FOCAL_LENGTH
    # Dark surfaces are lost by the camera model; it sees them in the colour image.
    cfg.colour = cfg.colour or (cfg.noise and camera.loses_dark_surfaces(spec))
    cfg.scene.camera.data_types = ["depth", "rgb"] if cfg.colour else ["depth"]
    return spec


def _check_events(spec: Spec, configured: Any) -> None:
    """Raise TaskSpecError where the configuration's own events would not apply what the spec says."""
    terms = configured if isinstance(configured, dict) else vars(configured)
    applied = parse_spec(terms[NAMES["startup"]].params["settings"]["spec"], "events").terms
    missing = [name for name, term in spec.terms.items() if term.target not in OWN and applied.get(name) != term]
    if missing:
        raise TaskSpecError(
            f"{', '.join(f'terms.{name}' for name in missing)}: the configuration's events are of another spec, which"
            " does not hold the same; make them from this one too, or leave cfg.events as it is: the task makes them"
        )
