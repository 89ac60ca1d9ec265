"""Compiles the Warp kernels ahead of time, so that the first verb does not sit there compiling.

Warp keeps compiled modules in its own cache, so this costs seconds once per machine and nothing afterwards. Modules
with kernels are found by looking into our own files; what else is worth warming (a renderer that builds its kernels
from the scene, for instance) is named in :data:`HOOKS`. Set-up calls this last and goes on without it.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

HOOKS: tuple[str, ...] = ("sim2real_tasks.avoidance.warm:warm",)
"""Functions without arguments as ``module:name``; one that does not exist is passed over."""

PACKAGES = ("sim2real", "sim2real_tasks")


def kernel_modules(source: Path) -> list[str]:
    """Dotted names of the modules below ``source`` that define Warp kernels."""
    names = []
    for package in PACKAGES:
        for path in sorted((source / package).rglob("*.py")):
            if path.resolve() != Path(__file__).resolve() and "@wp.kernel" in path.read_text(encoding="utf-8"):
                names.append(".".join(path.relative_to(source).with_suffix("").parts))
    return names


def compile_kernels(names: list[str]) -> None:
    """Import these modules and compile their kernels for the preferred device (and the CPU, which tests use)."""
    import warp as wp

    wp.init()
    devices = sorted({"cpu", str(wp.get_preferred_device())})
    for name in names:
        kernels = [thing for thing in vars(importlib.import_module(name)).values() if isinstance(thing, wp.Kernel)]
        for module in {id(kernel.module): kernel.module for kernel in kernels}.values():  # some have one of their own
            for device in devices:
                wp.load_module(module, device=device)


def run_hook(hook: str) -> bool:
    """Call one hook; False where it does not exist."""
    module_name, _, function = hook.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            return False
        raise
    getattr(module, function)()
    return True


def main() -> int:
    """Compile everything; a part that fails is named and does not stop the rest. Returns 0, or 1 if one failed."""
    begin = time.monotonic()
    failed = 0
    steps: list[tuple[str, Callable[[], object]]] = []
    for name in kernel_modules(Path(__file__).parents[2]):
        steps.append((name, partial(compile_kernels, [name])))
    for hook in HOOKS:
        steps.append((hook, partial(run_hook, hook)))
    for name, step in steps:
        try:
            step()
        except Exception as error:  # whatever goes wrong here goes wrong again, with its traceback, at first use
            print(f"warning: {name}: {type(error).__name__}: {error}", file=sys.stderr)
            failed += 1
    print(f"kernels compiled in {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
