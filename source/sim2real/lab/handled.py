"""Who applies what is no property of an engine: the glue here, or the environment itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.engines.engine import Support
from sim2real.errors import Sim2RealError
from sim2real.lab.starts import JOINT_STATE, KICK, STARTS

if TYPE_CHECKING:
    from sim2real.spec import Spec


def check_own_spec(env: Any, spec: Spec, targets: tuple[str, ...]) -> None:
    """Refuse terms that the environment draws itself from another spec, where they say something else."""
    own = getattr(getattr(env, "randomization", None), "terms", {})
    other = [name for name, term in spec.terms.items() if term.target in targets and own.get(name) != term]
    if other:
        raise Sim2RealError(
            f"this environment draws {', '.join(sorted({spec.terms[name].target for name in other}))} itself, by a spec"
            f" of its own, which does not hold the same {', '.join(f'terms.{name}' for name in other)}; give the"
            " environment's configuration this spec too (cfg.spec), or remove the terms"
        )


def handled_here(elsewhere: tuple[str, ...]) -> dict[str, Support]:
    """Return what is said about the targets that are applied here."""
    root = Support(able=True, where="asset.write_root_..._to_sim", device="sim")
    joint = Support(
        able=True, where="asset.write_joint_..._to_sim", device="sim", note="positions end at the soft limits"
    )
    shove = Support(able=True, where="asset.write_root_com_velocity_to_sim", device="sim", note="free roots only")
    found = {target: joint if target in JOINT_STATE else root for target in STARTS} | {KICK: shove}
    return {target: support for target, support in found.items() if target not in elsewhere}


def with_company(targets: Any) -> tuple[str, ...]:
    """Return targets in the order of STARTS; a part of the state is written whole."""
    named = set(targets)
    return tuple(target for target in STARTS if target in named)
